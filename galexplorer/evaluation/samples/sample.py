"""One set of held-out galaxies, and the training rows for the baselines."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION, Arrays
from galexplorer.evaluation.prediction import Mode
from galexplorer.inference.noise import RedshiftRange

RENDERED, TABLE, IMAGES = "rendered", "table", "images"

HELD_OUT = -1
"""The fold of rows that were held out of all training."""


@dataclass(frozen=True)
class Sample:
    """One set of galaxies, split.

    Attributes
    ----------
    name, title : str
    kind : {"rendered", "table", "images"}
    arrays : dict of str to ndarray
        All rows.
    truth : ndarray, shape (n, 9)
        Known values that count; NaN elsewhere.
    test, validation, train : ndarray of int
        Row numbers.
    modes : tuple of Mode
    redshift_range : tuple of float or None
        The sample's own cut, which posteriors get as a prior.
    redshift_ranges : ndarray, shape (n, 2), or None
        The same for each row, where a cut in luminosity narrows it.
    detected : ndarray, shape (n, 9), bool, or None
        Lines that count because they were detected, which posteriors are told.
    flux_limit : float or None
        The flux above which they count, 1e-17 erg/s/cm2, where the sample has no errors.
    photometric_redshift : ndarray, shape (n,) or None
        The survey's own, NaN where it has none.
    fold : ndarray, shape (n,), int, or None
        Of a cross-fitted sample: which fold left out each row; `HELD_OUT` where all did.
    notes : tuple of str
    """

    name: str
    title: str
    kind: str
    arrays: Arrays
    truth: np.ndarray
    test: np.ndarray
    validation: np.ndarray
    train: np.ndarray
    modes: tuple[Mode, ...]
    redshift_range: tuple[float, float] | None = None
    redshift_ranges: np.ndarray | None = None
    detected: np.ndarray | None = None
    flux_limit: float | None = None
    photometric_redshift: np.ndarray | None = None
    fold: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def prior_range(self) -> RedshiftRange | None:
        """The prior range of redshift of the test rows."""
        ranges = self.redshift_ranges
        return self.redshift_range if ranges is None else ranges[self.test]


def splits(split: np.ndarray, taken: np.ndarray) -> dict[str, Any]:
    """Return the rows taken, (n,), bool, of each part of a split, by the names of a sample."""
    parts = (("test", TEST), ("validation", VALIDATION), ("train", TRAIN))
    return {name: np.flatnonzero((split == value) & taken) for name, value in parts}


def limited(rows: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Return at most so many rows, drawn at random and in their order."""
    return rows if len(rows) <= limit else np.sort(rng.permutation(rows)[:limit])
