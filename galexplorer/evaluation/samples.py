"""Held-out rows for scoring, and the training rows for the baselines."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord

from galexplorer.datasets import shards
from galexplorer.datasets.rows import TYPICAL_LINE_ERROR, black_hole_mass
from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION, Arrays
from galexplorer.evaluation.prediction import (
    FIXED,
    GRI,
    IMAGE,
    IMAGE_AND_PHOTOMETRY,
    IMAGE_FIXED,
    PETROSIAN,
    PHOTOMETRY,
    PHOTOMETRY_FIXED,
    UGRIZ,
    Mode,
)
from galexplorer.inference.noise import RedshiftRange
from galexplorer.population.sources import COSMOLOGY, read_tables
from galexplorer.schema import BANDS, DETECTION_S_TO_N, LINE_NAMES, TARGET_NAMES, TARGETS

log = logging.getLogger(__name__)

RENDERED, TABLE, IMAGES = "rendered", "table", "images"

TABLES: dict[str, tuple[str, tuple[float, float] | None]] = {
    "main_sample": ("SDSS main sample", None),
    "lines_z010": ("SDSS lines, z < 0.10", (0.003, 0.10)),
    "lines_z011": ("SDSS lines, 0.10 < z < 0.12", (0.10, 0.12)),
    "mpajhu": ("MPA-JHU, 0.02 < z < 0.05", (0.02, 0.05)),
    "structure": ("Galaxy Zoo with structure", None),
    "resolve": ("RESOLVE, nearby dwarfs", (0.014, 0.0245)),
    "califa": ("CALIFA", (0.003, 0.04)),
    "xcoldgass": ("xCOLD GASS", (0.01, 0.05)),
    "photoz": ("SDSS with photometric redshifts", None),
    "subclass": ("SDSS by class of spectrum", None),
    "nearby": ("Nearby galaxies, z < 0.02", (0.003, 0.02)),
    "mergers": ("Mergers, z < 0.10", (0.005, 0.10)),
    "quench": ("Quenched galaxies and controls", None),
    "nair": ("Nair & Abraham, z < 0.10", (0.008, 0.10)),
    "manga": ("MaNGA", (0.003, 0.15)),
}
"""Title and redshift cut of each real table; the cut is the prior that both sides get."""

FAINTEST_R = {"photoz": 17.77, "subclass": 17.77}
"""Magnitude in r to which a table is judged: that of the main sample, which posteriors are for."""

FAINTEST_MAG = {"mpajhu": -19.83}
"""Absolute magnitude in r of the faintest galaxies of a table that is limited in volume: of the
2,321 of MPA-JHU two are fainter."""

_REDSHIFT_SLACK = 0.001  # what colours change of the limit, and magnitudes of other kinds
_IMAGE_TITLES = {
    "sdss_spirals": "Real images of spirals",
    "sdss_stripe": "Real images of all types",
}
_MIN_BANDS = 4
_COLOURS = {"gr": (-0.4, 2.0), "ri": (-0.5, 1.0)}
_MIN_KNOWN = 20
_HEAVIEST = 0.98


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
    notes: tuple[str, ...] = ()

    @property
    def prior_range(self) -> RedshiftRange | None:
        """The prior range of redshift of the test rows."""
        ranges = self.redshift_ranges
        return self.redshift_range if ranges is None else ranges[self.test]


def rendered_sample(folder: Path, limit: int, seed: int = 0) -> Sample:
    """Return the rendered set, its held-out rows drawn by weight: as the SDSS main sample is.

    Parameters
    ----------
    folder : Path
        Made by ``galexplorer simulate``.
    limit : int
        Most test rows.
    seed : int

    Raises
    ------
    DataError
        If the folder holds no finished set.
    """
    arrays, _ = shards.read(folder)
    truth = np.where(arrays["label"] > 0, arrays["targets"], np.nan).astype(float)
    has_image = arrays["has_image"].astype(bool)
    weight = arrays["weight"].astype(float)
    weighed = bool(np.ptp(weight) > 0)
    rng = np.random.default_rng(seed)
    kept = {}
    for split in (TEST, VALIDATION):
        rows = np.flatnonzero((arrays["split"] == split) & has_image)
        # a few heavy rows must not set how many of the others stay
        most = np.quantile(weight[rows], _HEAVIEST) if len(rows) else 1.0
        kept[split] = rows[rng.random(len(rows)) < weight[rows] / most]
    return Sample(
        name="rendered",
        title="Rendered galaxies, as in the SDSS main sample" if weighed else "Rendered galaxies",
        kind=RENDERED,
        arrays=arrays,
        truth=truth,
        test=_limit(kept[TEST], limit, rng),
        validation=kept[VALIDATION],
        train=np.flatnonzero((arrays["split"] == TRAIN) & has_image),
        modes=(IMAGE_AND_PHOTOMETRY, PHOTOMETRY, UGRIZ, GRI, IMAGE, FIXED),
        notes=(
            "Pixels are simulated; photometry and redshift are real, other values measured or "
            "imputed with scatter. Regressors, trained on real pixels, are not applied to them."
            + (
                " Held-out rows are drawn by the population's weights, so that they resemble the "
                "SDSS main sample."
                if weighed
                else " They are distributed as the population is, which has no weights."
            ),
        ),
    )


def table_samples(data: Path, limit: int, seed: int = 0) -> list[Sample]:
    """Return every real table as it is, with its own values and its own redshift cut.

    CALIFA and xCOLD GASS have no ugriz of their own: those of the same galaxy in another table
    (3 arcsec) serve.

    Raises
    ------
    DataError
        If a table cannot be read.
    """
    rows = read_tables(data)
    rows = rows[np.isfinite(rows.redshift) & rows.redshift.between(0.003, 0.33)]
    samples = []
    for name, (title, cut) in TABLES.items():
        part = rows[rows.source == name].reset_index(drop=True)
        notes = []
        if not np.isfinite(part[list(BANDS)].to_numpy(float)).any():
            part = _borrow_photometry(part, rows)
            notes.append("Photometry of the same galaxies in other tables.")
        part = _usable(part)
        part = part[~(part.r > FAINTEST_R.get(name, np.inf))].reset_index(drop=True)
        sample = _table_sample(name, title, cut, part, limit, seed)
        samples.append(replace(sample, notes=(*sample.notes, *notes)))
    return samples


def image_samples(folder: Path) -> list[Sample]:
    """Return each set of real images that has labels; and its galaxies that have ugriz, apart.

    Raises
    ------
    DataError
        If the folder holds no finished set.
    """
    everything, manifest = shards.read(folder)
    samples = []
    begin = 0
    for shard in manifest["shards"]:
        name = shard.removeprefix("shard-").removesuffix(".safetensors")
        end = begin + shards.length_of(folder / shard)
        arrays = shards.select(everything, np.arange(begin, end))
        begin = end
        has_image = arrays["has_image"].astype(bool) & (arrays["label"][:, 0] == 1)
        if has_image.sum() < 50:
            continue
        truth = np.where(arrays["label"] == 1, arrays["targets"], np.nan).astype(float)
        alone = Sample(
            name=name,
            title=_IMAGE_TITLES.get(name, f"Real images, {name}"),
            kind=IMAGES,
            arrays=arrays,
            truth=truth,
            modes=(IMAGE, IMAGE_FIXED),
            **_splits(arrays["split"], has_image),
        )
        both = has_image & np.isfinite(arrays["catalogue_mag"]).all(axis=1)
        with_photometry = replace(
            alone,
            name=f"{name}_ugriz",
            title=f"{alone.title}, with ugriz",
            modes=(IMAGE_AND_PHOTOMETRY, IMAGE, PHOTOMETRY, FIXED),
            **_splits(arrays["split"], both),
        )
        samples += [alone, with_photometry]
    return samples


def _splits(split: np.ndarray, taken: np.ndarray) -> dict[str, Any]:
    parts = (("test", TEST), ("validation", VALIDATION), ("train", TRAIN))
    return {name: np.flatnonzero((split == value) & taken) for name, value in parts}


def _limit(rows: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= limit else np.sort(rng.permutation(rows)[:limit])


def _borrow_photometry(part: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    donors = rows[np.isfinite(rows.r) & np.isfinite(rows.ra)].reset_index(drop=True)
    if part.empty or donors.empty:
        return part
    mine = SkyCoord(part.ra.to_numpy() * units.deg, part.dec.to_numpy() * units.deg)
    theirs = SkyCoord(donors.ra.to_numpy() * units.deg, donors.dec.to_numpy() * units.deg)
    nearest, separation, _ = mine.match_to_catalog_sky(theirs)
    found = np.flatnonzero(separation.arcsec < 3)
    borrowed = part.iloc[found].reset_index(drop=True)
    columns = [*BANDS, *(f"err_{band}" for band in BANDS)]
    borrowed[columns] = donors.iloc[nearest[found]][columns].to_numpy()
    return borrowed


def _usable(part: pd.DataFrame) -> pd.DataFrame:
    """Leave out what the training leaves out: rows of few bands or of absurd colour."""
    enough = np.isfinite(part[list(BANDS)]).sum(axis=1) >= _MIN_BANDS
    for bands, (low, high) in _COLOURS.items():
        colour = part[bands[0]] - part[bands[1]]
        enough &= ~((colour < low) | (colour > high))
    return part[enough].reset_index(drop=True)


def _table_sample(
    name: str,
    title: str,
    cut: tuple[float, float] | None,
    part: pd.DataFrame,
    limit: int,
    seed: int,
) -> Sample:
    arrays = shards.empty(len(part), with_grid=False)
    arrays["catalogue_mag"][:] = part[list(BANDS)]
    arrays["catalogue_err"][:] = part[[f"err_{band}" for band in BANDS]]
    arrays["catalogue_petro_mag"][:] = part[[f"petro_{band}" for band in BANDS]]
    arrays["catalogue_petro"][:] = part[["petro_r50", "petro_r90"]]
    arrays["position"][:] = part[["ra", "dec"]]
    arrays["split"][:] = shards.splits_of(
        part.ra.to_numpy(), part.dec.to_numpy(), part.key.to_numpy()
    )
    truth, detected, flux_limit = _table_truth(part)
    arrays["targets"][:] = truth
    for k, line in enumerate(LINE_NAMES):
        flux, error = (part[line.removeprefix("log_flux_") + end] for end in ("", "_err"))
        arrays["line_snr"][:, k] = flux / error
        # faint lines have no truth to judge by, but tell which class the lines are of
        arrays["targets"][:, TARGET_NAMES.index(line)] = np.log10(np.maximum(flux, 1e-3))
    rng = np.random.default_rng(seed)
    splits = _splits(arrays["split"], np.ones(len(part), bool))
    sized = np.isfinite(arrays["catalogue_petro"][:, 0]).mean() > 0.5 if len(part) else False
    paired = (
        np.isfinite(arrays["catalogue_petro_mag"]).any(axis=1).mean() > 0.5 if len(part) else False
    )
    modes = (
        PHOTOMETRY,
        *((PETROSIAN,) if paired else ()),
        *((UGRIZ,) if sized else ()),
        GRI,
        PHOTOMETRY_FIXED,
    )
    notes = []
    published = part.photometric_redshift.to_numpy(float)
    ranges = None
    if name in FAINTEST_MAG:
        notes.append(
            f"Galaxies brighter than M_r = {FAINTEST_MAG[name]:g} only: posteriors are given the "
            "minimum redshift at their magnitude, as boosting learns it from the table."
        )
        ranges = _luminous(part.r.to_numpy(float), FAINTEST_MAG[name], cut)
    if detected.any():
        counted = (
            f"Lines at S/N > {DETECTION_S_TO_N:g}; posteriors are told that the line was detected"
            if flux_limit is None
            else f"The table has no errors: lines of more than {flux_limit:g} x 1e-17 erg/s/cm2; "
            "posteriors are told so"
        )
        notes.append(f"{counted}, as boosting, which learns from such galaxies alone, knows.")
    return Sample(
        name=name,
        title=title,
        kind=TABLE,
        arrays=arrays,
        truth=truth,
        test=_limit(splits["test"], limit, rng),
        validation=splits["validation"],
        train=splits["train"],
        modes=modes,
        redshift_range=cut,
        redshift_ranges=ranges,
        detected=detected,
        flux_limit=flux_limit,
        photometric_redshift=published if np.isfinite(published).any() else None,
        notes=tuple(notes),
    )


def _luminous(r: np.ndarray, faintest_mag: float, cut: tuple[float, float] | None) -> np.ndarray:
    """Return the redshifts at which galaxies of magnitude r are luminous enough, shape (n, 2)."""
    low, high = cut or TARGETS[0].bounds
    redshift = np.linspace(low, high, 500)[1:]
    # the K-correction in r is about as large as the redshift
    faintest = faintest_mag + COSMOLOGY.distmod(redshift).value + redshift
    least = np.interp(r, faintest, redshift, left=low, right=high)
    return np.column_stack(
        [np.clip(least - _REDSHIFT_SLACK, low, 0.99 * high), np.full(len(r), high)]
    )


def _table_truth(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Return known values, which are lines that count as detected, and from which flux if by flux.

    A table has errors of its lines or has not; one without counts a typical error.
    """
    truth = np.full((len(part), len(TARGET_NAMES)), np.nan)
    detected = np.zeros(truth.shape, bool)
    for k, name in enumerate(TARGET_NAMES[:4]):
        truth[:, k] = part[name]
    mass, good = black_hole_mass(part.velocity_dispersion_kms.to_numpy(float))
    truth[:, 4] = np.where(good, mass, np.nan)
    errors = part[[f"{name.removeprefix('log_flux_')}_err" for name in LINE_NAMES]].to_numpy(float)
    known = bool(np.isfinite(errors).any())
    for j, name in enumerate(LINE_NAMES):
        k = TARGET_NAMES.index(name)
        flux = part[name.removeprefix("log_flux_")].to_numpy(float)
        error = errors[:, j] if known else np.full(len(part), TYPICAL_LINE_ERROR)
        floor = DETECTION_S_TO_N * error
        seen = np.isfinite(floor) & (flux > floor) & (floor > 0)
        truth[seen, k] = np.log10(flux[seen])
        detected[seen, k] = True
    few = np.isfinite(truth).sum(axis=0) < _MIN_KNOWN
    truth[:, few] = np.nan
    detected[:, few] = False
    return truth, detected, None if known else DETECTION_S_TO_N * TYPICAL_LINE_ERROR
