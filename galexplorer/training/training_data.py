"""Training rows by kind of label, and their images."""

import hashlib

import numpy as np

from galexplorer.datasets import shards
from galexplorer.datasets.shards import OBSERVED, TRAIN, VALIDATION, Arrays

KINDS = ("real", "rendered", "unlabelled", "tables")

WEIGHT_LIMITS = (0.002, 8.0)
"""No row is dropped for its weight, and none counts more than eight times. The least is less than
what rows of tables cut in redshift weigh, or these would drown the main sample where both are."""


class TrainingData:
    """Rows of all sets; those with an image share one block of images.

    Attributes
    ----------
    rows : dict of str to ndarray
        All arrays of `galexplorer.datasets.shards` but ``grid``.
    grid : ndarray, shape (m, 3, 64, 64), uint8
        Images of the rows that have one.
    place : ndarray, shape (n,), int64
        Where the image of each row lies in `grid`; -1 without one.
    real, rendered, unlabelled, tables : ndarray of int
        Training rows: labelled JPEGs, linear images, JPEGs without labels, rows with catalogue
        photometry and redshift (with or without an image).
    observed, observed_held_out : ndarray of int
        Labelled JPEGs of known scale, to train and to validate regressors.
    weight : ndarray, shape (n,)
        How often a row is drawn, relative to the others of its kind.
    held_out : dict of str to ndarray of int
        Validation rows by kind of input: ``jpeg``, which the regressors estimate from, ``image``,
        all other images, and ``photometry``. Where no real JPEG is labelled, simulated galaxies
        that were delivered as JPEGs stand in for them.
    """

    def __init__(self, sets: list[Arrays]) -> None:
        rows = shards.concatenate([without_grid(part) for part in sets])
        self.rows = rows
        has_image = rows["has_image"].astype(bool)
        self.grid = np.concatenate([part["grid"][part["has_image"] > 0] for part in sets])
        self.place = np.where(has_image, np.cumsum(has_image) - 1, -1)
        train = rows["split"] == TRAIN
        labelled = rows["label"][:, 0] > 0
        # a simulated galaxy may come as a JPEG too; it teaches as the rendered do
        jpeg = (rows["origin"] == 2) & (rows["kind"] == OBSERVED)
        listed = np.isfinite(rows["catalogue_mag"]).any(axis=1) & labelled
        self.real = np.flatnonzero(train & has_image & jpeg & labelled)
        self.rendered = np.flatnonzero(train & has_image & ~jpeg)
        self.unlabelled = np.flatnonzero(train & has_image & jpeg & ~labelled)
        self.tables = np.flatnonzero(train & listed)
        shown = has_image & jpeg & labelled & np.isfinite(rows["pixel_scale"])
        self.observed = np.flatnonzero(train & shown)
        self.observed_held_out = np.flatnonzero((rows["split"] == VALIDATION) & shown)
        # a population of many tables has the redshifts of their cuts; its weights have not
        self.weight = rows["weight"].astype(float).clip(*WEIGHT_LIMITS)
        jpeg_like = has_image & (rows["origin"] == 2) & ~jpeg
        observed = has_image & jpeg & labelled
        self._share = {name: np.cumsum(self.weight[getattr(self, name)]) for name in KINDS}
        self.held_out = {
            name: np.flatnonzero((rows["split"] == VALIDATION) & part)
            for name, part in (
                ("jpeg", observed if observed.any() else jpeg_like),
                ("image", has_image & ~jpeg),
                ("photometry", listed & (rows["label"][:, 0] == 1)),
            )
        }

    def draw(self, kind: str, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw training rows of a kind, each as often as its weight says."""
        rows, share = getattr(self, kind), self._share[kind]
        if len(rows) == 0:
            return np.empty(0, int)
        return rows[np.searchsorted(share, rng.random(size) * share[-1], side="right")]

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each kind."""
        held = {f"validation_{k}": len(v) for k, v in self.held_out.items()}
        return {**{name: len(getattr(self, name)) for name in (*KINDS, "observed")}, **held}

    def select(self, index: np.ndarray) -> Arrays:
        """Return some rows with their images, zeros where there is none."""
        part = shards.select(self.rows, index)
        part["grid"] = np.zeros((len(index), *self.grid.shape[1:]), np.uint8)
        place = self.place[index]
        part["grid"][place >= 0] = self.grid[place[place >= 0]]
        return part

    def digest(self) -> str:
        """Return a hash of what training reads."""
        digest = hashlib.sha256()
        for name in sorted(self.rows):
            digest.update(np.ascontiguousarray(self.rows[name]).data)
        digest.update(self.grid.data)
        return digest.hexdigest()


def without_grid(arrays: Arrays) -> Arrays:
    """Return rows without their images."""
    return {name: values for name, values in arrays.items() if name != "grid"}


def standardisation(targets: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of each target on the line the flows live on."""
    line = targets.astype(np.float64).copy()
    line[:, 0] = np.log(line[:, 0] + 0.02)
    line[label == 0] = np.nan
    return np.nanmean(line, axis=0), np.nanstd(line, axis=0)
