"""Held-out rows of the real tables, each with its own values and its own cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord

from galexplorer.datasets import shards
from galexplorer.datasets.rows import TYPICAL_LINE_ERROR, black_hole_mass
from galexplorer.evaluation.prediction import (
    GRI,
    PETROSIAN,
    PHOTOMETRY,
    PHOTOMETRY_FIXED,
    UGRIZ,
)
from galexplorer.evaluation.samples.sample import TABLE, Sample, limited, splits
from galexplorer.population.sources import COSMOLOGY, read_tables
from galexplorer.schema import BANDS, DETECTION_S_TO_N, LINE_NAMES, TARGET_NAMES, TARGETS

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
_MIN_BANDS = 4
_COLOURS = {"gr": (-0.4, 2.0), "ri": (-0.5, 1.0)}
_MIN_KNOWN = 20


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
    parts = splits(arrays["split"], np.ones(len(part), bool))
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
        test=limited(parts["test"], limit, rng),
        validation=parts["validation"],
        train=parts["train"],
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
