"""Are simulated images as informative as real ones, and does what they teach transfer?

Boosting predicts redshift and mass from fluxes in apertures, colours, sizes and concentration
measured on JPEGs: on real galaxies, on simulated ones of the same magnitudes and redshifts, and on
the real ones after learning from the simulated. An R2 above the real one's means pictures that
tell more than those of the sky; what is lost on the way to real ones is how far off they are.
"""

import itertools
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord

from galexplorer.console import track
from galexplorer.datasets import shards
from galexplorer.datasets.rows import add_image
from galexplorer.datasets.shards import Arrays
from galexplorer.errors import TargetError
from galexplorer.image.measure import measure as find
from galexplorer.observed.jpeg_sets import FROM_IMAGE, read_set
from galexplorer.realism import predictability
from galexplorer.realism.apertures import measured_features
from galexplorer.realism.comparison_samples import is_central, selection_mask, simulate_delivery
from galexplorer.schema import TARGET_NAMES
from galexplorer.simulation.donors import Donors
from galexplorer.simulation.training_set import TRANSPLANTS, table_rows

REAL_SET = "sdss_spirals"
TARGETS = ("redshift", "log_stellar_mass")
SIZE = 2400
"""Galaxies to simulate."""

_SAME_ARCSEC = 3.0
_FEWEST = 300
_DRAWS = 200


@dataclass(frozen=True)
class _Job:
    """What every simulated galaxy has in common."""

    rows: pd.DataFrame
    donors: Donors | None
    seed: int


_jobs: dict[str, _Job] = {}


def measure(
    rows: pd.DataFrame,
    data: Path,
    donors: Donors | None,
    seed: int = 0,
    workers: int = 1,
    size: int = SIZE,
) -> pd.DataFrame:
    """Read the real set, simulate galaxies like it, and compare.

    Parameters
    ----------
    rows : pandas.DataFrame
        The population.
    data : Path
        Folder of the real sets.
    donors : Donors or None
        With them, as many galaxies are transplanted as in a simulated set.
    seed, workers : int
    size : int
        Galaxies to simulate; not all of them find a partner.

    Returns
    -------
    pandas.DataFrame
        See `compare`.
    """
    real = read_set(data, REAL_SET, rows, workers, labelled=True)
    return compare(real, simulated_like(real, rows, donors, seed, workers, size), seed)


def simulated_like(
    real: Arrays,
    rows: pd.DataFrame,
    donors: Donors | None,
    seed: int = 0,
    workers: int = 1,
    size: int = SIZE,
) -> Arrays:
    """Simulate galaxies near the real ones in magnitude and redshift, as their server would.

    Returns
    -------
    dict of str to ndarray
        Rows with an image, or without where none could be measured.
    """
    wanted = _known(real)
    wanted = wanted.sample(min(size, len(wanted)), random_state=seed)
    able = rows[selection_mask(rows, REAL_SET)]
    near = predictability.match_rows(wanted, able, "redshift", seed)[1].reset_index(drop=True)
    arrays = table_rows(near)
    job = _Job(near, donors, seed)
    # a forked worker inherits the job: population and donors are neither copied nor sent
    with multiprocessing.get_context("fork").Pool(workers, _take_job, (job,)) as pool:
        made = track(pool.imap(_image, range(len(near)), chunksize=16), "images", len(near))
        for k, part in enumerate(made):
            if part is None:
                continue
            for name in (*FROM_IMAGE, "kind"):
                arrays[name][k] = part[name][0]
    return arrays


def _take_job(job: _Job) -> None:
    _jobs["current"] = job


def _image(k: int) -> Arrays | None:
    job = _jobs["current"]
    rng = np.random.default_rng([job.seed, k])
    pixels, kind = None, shards.TRANSPLANT
    if job.donors is not None and rng.random() < TRANSPLANTS:
        pixels = simulate_delivery(job.rows.iloc[k], REAL_SET, job.donors, rng)
    if pixels is None:
        pixels, kind = simulate_delivery(job.rows.iloc[k], REAL_SET, None, rng), shards.RENDERED
    assert pixels is not None  # rendering always gives some
    part = shards.empty(1)
    try:
        found = find(pixels)
        if is_central(pixels, found):
            add_image(part, 0, pixels, found)
    except TargetError:
        return None  # too faint to be found; the row stays without an image
    part["kind"][0] = kind
    return part


def compare(real: Arrays, simulated: Arrays, seed: int = 0) -> pd.DataFrame:
    """Return what boosting explains on real JPEGs, on simulated ones, and from one to the other.

    Parameters
    ----------
    real : dict of str to ndarray
        The set `REAL_SET`.
    simulated : dict of str to ndarray
        Galaxies simulated as the server of the real set delivers them; copies of a galaxy of the
        real set do not count.
    seed : int

    Returns
    -------
    pandas.DataFrame
        One line per target and kind of image (all, rendered, transplant), with the number of
        matched ``pairs``: five-fold R2 on ``real`` and ``simulated`` galaxies and its bootstrap
        ``error``; R2 of ``transfer``, on the real galaxies after learning from the simulated,
        the ``loss`` against `real` and its ``loss_error``, and the mean ``offset`` of what is
        predicted. Empty where there are fewer than 300 pairs.
    """
    ours, theirs = _known(real), _known(simulated)
    theirs = theirs[~_beside(theirs, ours)]
    if min(len(ours), len(theirs)) < _FEWEST:
        return pd.DataFrame()
    ours, theirs = _with_features(real, ours), _with_features(simulated, theirs)
    lines = []
    kinds = {"all": theirs.kind >= 0}
    kinds |= {shards.KINDS[k]: theirs.kind == k for k in (shards.RENDERED, shards.TRANSPLANT)}
    for (kind, take), target in itertools.product(kinds.items(), TARGETS):
        one, two = (rows[np.isfinite(rows[target])] for rows in (ours, theirs[take]))
        if min(len(one), len(two)) < _FEWEST:
            continue
        one, two = predictability.match_rows(one, two, "redshift", seed)
        if len(one) >= _FEWEST:
            lines.append({"target": target, "images": kind, **_compare(one, two, target, seed)})
    return pd.DataFrame(lines)


def _compare(real: pd.DataFrame, simulated: pd.DataFrame, target: str, seed: int) -> dict:
    columns = [str(name) for name in real if str(name).startswith("feature_")]
    on_real, error, _ = predictability.cross_validated_r2(real, columns, target, seed)
    on_simulated, simulated_error, _ = predictability.cross_validated_r2(
        simulated, columns, target, seed
    )
    model = predictability.boosting(seed).fit(simulated[columns].to_numpy(), simulated[target])
    truth = real[target].to_numpy()
    residual = model.predict(real[columns].to_numpy()) - truth
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(_DRAWS):
        k = rng.integers(0, len(truth), len(truth))
        draws.append(1 - np.mean(residual[k] ** 2) / np.var(truth[k]))
    transfer = 1 - float(np.mean(residual**2)) / float(np.var(truth))
    return {
        "pairs": len(real),
        "real": on_real,
        "error": error,
        "simulated": on_simulated,
        "simulated_error": simulated_error,
        "transfer": transfer,
        "loss": on_real - transfer,
        "loss_error": float(np.hypot(error, np.std(draws))),
        "offset": float(residual.mean()),
    }


def _with_features(arrays: Arrays, table: pd.DataFrame) -> pd.DataFrame:
    """Add what is measured on the images of rows."""
    feature = measured_features(shards.select(arrays, table.index.to_numpy()))
    names = [f"feature_{k}" for k in range(feature.shape[1])]
    return pd.concat([table, pd.DataFrame(feature, table.index, names)], axis=1)


def _known(arrays: Arrays) -> pd.DataFrame:
    """Return the JPEGs with photometry and a redshift; the index is that of the arrays."""
    usable = (arrays["has_image"] > 0) & (arrays["origin"] == 2)
    usable &= np.isfinite(arrays["measured_mag"]).all(axis=1) & np.isfinite(arrays["pixel_scale"])
    usable &= arrays["label"][:, 0] > 0
    index = np.flatnonzero(usable)
    rows = shards.select(arrays, index)
    table = pd.DataFrame({"r": rows["measured_mag"][:, 1].astype(float)}, index)
    for name in TARGETS:
        k = TARGET_NAMES.index(name)
        table[name] = np.where(rows["label"][:, k] > 0, rows["targets"][:, k], np.nan)
    table["kind"] = rows["kind"].astype(int)
    table["ra"], table["dec"] = rows["position"].T
    # copies of a galaxy lie where it does
    own = pd.Series([f"row {k}" for k in index], index)
    place = table.ra.round(5).astype(str) + " " + table.dec.round(5).astype(str)
    table["parent"] = place.where(table.ra.notna(), own)
    return table


def _beside(theirs: pd.DataFrame, ours: pd.DataFrame) -> np.ndarray:
    """Return which simulated galaxies are one of the real set or a copy of it."""
    placed = theirs.ra.notna().to_numpy()
    known = ours[ours.ra.notna()]
    out = np.zeros(len(theirs), bool)
    if placed.any() and len(known):
        mine = SkyCoord(*theirs.loc[placed, ["ra", "dec"]].to_numpy().T * units.deg)
        sky = SkyCoord(*known[["ra", "dec"]].to_numpy().T * units.deg)
        out[placed] = mine.match_to_catalog_sky(sky)[1].arcsec < _SAME_ARCSEC
    return out
