"""Turn the population into images, rendered or transplanted: a resumable training set.

Half of the galaxies come as linear pixels, half as the JPEG of an image server. The same seed
gives the same galaxies whatever the workers.
"""

import logging
import multiprocessing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from galexplorer.console import track
from galexplorer.datasets import shards
from galexplorer.datasets.rows import add_image, labels_of
from galexplorer.errors import DataError, TargetError
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.population.extension import in_fibre
from galexplorer.population.sources import data_folder
from galexplorer.population.store import load_population
from galexplorer.schema import (
    BANDS,
    LINE_NAMES,
    SDSS_PIXEL_SCALE_ARCSEC,
    TARGET_NAMES,
)
from galexplorer.simulation import donors
from galexplorer.simulation.jpeg_service import draw_jpeg_service, render_jpeg
from galexplorer.simulation.rendering import Galaxy, render
from galexplorer.simulation.transplants import choose, transplant

log = logging.getLogger(__name__)

SHARD_SIZE = 1000
SIMULATED = (shards.RENDERED, shards.TRANSPLANT)
TRANSPLANTS = 0.7
"""Fraction of galaxies given a real morphology where a donor is suitable."""

_MOST_SHIFT_DEX = 0.5
_EDGE_FRACTION = 0.03
_SERVED_FRACTION = 0.5
_MAX_OFFSET_ARCSEC = 8.0
_SHARE_FILE = "transplants"
_RECIPE = 5
"""Increase when the same seed gives other images."""


@dataclass(frozen=True)
class _Job:
    """What every shard of a set has in common."""

    rows: pd.DataFrame
    donors: donors.Donors | None
    share: float
    seed: int
    out: Path


_jobs: dict[str, _Job] = {}


def simulate(
    size: int,
    seed: int,
    out: Path,
    workers: int = 2,
    data: Path | None = None,
    transplants: float | None = None,
) -> dict:
    """Simulate galaxies and write shards, labels and a manifest.

    The first row drawn is galaxy 0: a longer run extends a shorter one. Shards that are full
    are left alone, so an interrupted run goes on where it stopped.

    Parameters
    ----------
    size : int
        Number of galaxies.
    seed : int
    out : Path
        Folder, outside the repository.
    workers : int
    data : Path, optional
        Folder of the real tables and images; without one, Python packages stand in.
    transplants : float, optional
        Share of galaxies that get a real morphology, `TRANSPLANTS` by default; the others, and
        those without a fit donor, are rendered.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    DataError
        If the folder holds a set made with another seed or share.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = load_population(out, seed, data)
    share = TRANSPLANTS if transplants is None else float(transplants)
    donor_set = donors.load_or_build(out, data_folder(data), workers) if share > 0 else None
    share = share if donor_set is not None else 0.0
    _check_same_share(out, share)
    spans = [(first, min(first + SHARD_SIZE, size)) for first in range(0, size, SHARD_SIZE)]
    missing = [s for s in spans if shards.length_of(_shard(out, s[0])) < s[1] - s[0]]
    log.info("%d of %d shards to make", len(missing), len(spans))
    job = _Job(rows, donor_set, share, seed, out)
    # a forked worker inherits the job: population and donors are neither copied nor sent
    pool_of = multiprocessing.get_context("fork").Pool
    with pool_of(workers, _take_job, (job,), maxtasksperchild=4) as pool:
        for _ in track(pool.imap_unordered(_make_shard, missing), "shards", len(missing)):
            pass
    kinds = np.concatenate([shards.kinds_of(_shard(out, first)) for first, _ in spans])
    manifest = {
        "kind": "rendered",
        "size": size,
        "seed": seed,
        "transplants": share,
        "kinds": {shards.KINDS[k]: int((kinds == k).sum()) for k in SIMULATED},
        "donors": 0 if donor_set is None else len(donor_set),
        "population": len(rows),
        "sources": {str(k): int(v) for k, v in rows.source.value_counts().items()},
    }
    shards.write_manifest(out, manifest)
    return manifest


def table_rows(rows: pd.DataFrame) -> shards.Arrays:
    """Return the population itself as rows without images."""
    arrays = shards.empty(len(rows))
    _describe(arrays, rows, slice(None))
    measured = rows.size_measured.to_numpy(bool)
    arrays["catalogue_petro"][~measured] = np.nan
    arrays["catalogue_petro"][:, 1] = np.where(
        np.isfinite(rows.petro_r90.to_numpy(float)), arrays["catalogue_petro"][:, 1], np.nan
    )
    return arrays


def _shard(out: Path, first: int) -> Path:
    return out / f"shard-{first // SHARD_SIZE:05d}.safetensors"


def _check_same_share(out: Path, share: float) -> None:
    """A set is one mixture by one recipe; both stand in a file from the first shard on."""
    path = out / _SHARE_FILE
    wanted = f"{share} {_RECIPE}\n"
    if path.exists() and path.read_text() != wanted:
        raise DataError(
            f"{out} holds a set with another share of transplants, or one that another version of "
            "galexplorer began; choose another folder."
        )
    path.write_text(wanted)


def _take_job(job: _Job) -> None:
    _jobs["current"] = job


def _make_shard(span: tuple[int, int]) -> int:
    job, (first, last) = _jobs["current"], span
    arrays = shards.empty(last - first)
    number = len(job.rows)
    index = np.arange(first, last)
    chosen = [int(_order(job.seed, i // number, number)[i % number]) for i in index]
    rows = job.rows.iloc[chosen]
    _describe(arrays, rows, slice(None))
    for k, row in enumerate(rows.itertuples(index=False)):
        _draw(arrays, k, job, row, np.random.default_rng([job.seed, index[k]]))
    follow_light(arrays, np.flatnonzero(arrays["has_image"]))
    shards.write_shard(_shard(job.out, first), arrays)
    return last - first


@lru_cache(maxsize=2)
def _order(seed: int, turn: int, number: int) -> np.ndarray:
    """Return every galaxy once in a shuffled order; the next turn gives each another image."""
    return np.random.default_rng([seed, 2**31, turn]).permutation(number)


def _draw(
    arrays: shards.Arrays,
    k: int,
    job: _Job,
    row: Any,  # noqa: ANN401 - its fields are a table's columns
    rng: np.random.Generator,
) -> None:
    """Add the picture of a row of the population, where the galaxy is found on it."""
    ebv = float(row.ebv) if np.isfinite(row.ebv) else float(np.exp(rng.normal(-3.5, 0.7)))
    flux, kind = _picture(job, galaxy_of(row, ebv), rng)
    arrays["kind"][k] = kind
    if rng.random() < _EDGE_FRACTION:  # the galaxy lies at the edge of a frame
        keep = int(flux.shape[1] * rng.uniform(0.52, 0.7))
        flux[:, :, keep:] = np.nan
        flux = np.rot90(flux, int(rng.integers(4)), axes=(1, 2)).copy()
    if rng.random() < _SERVED_FRACTION:
        service = draw_jpeg_service(float(row.petro_r90_true), float(row.dec), rng)
        pixels = render_jpeg(flux, service, rng)
    else:
        pixels = Pixels(flux, SDSS_PIXEL_SCALE_ARCSEC, "fits", "")
    try:
        found = measure(pixels)
    except TargetError:
        return  # too faint to be found on the pixels; the row stays as one without an image
    height, width = pixels.flux.shape[1:]
    offset = np.hypot(found.x - width / 2, found.y - height / 2) * pixels.pixel_scale_arcsec
    if offset > _MAX_OFFSET_ARCSEC:
        return  # a brighter neighbour took its place
    add_image(arrays, k, pixels, found)


def follow_light(arrays: shards.Arrays, rows: np.ndarray) -> None:
    """Move the lines of simulated rows, in place, to where the light of their images is.

    The lines of a table are those of a fibre on a galaxy with the table's radii. The image's own
    form, seeing and pixels put more or less light into the fibre, and the lines follow it.

    Parameters
    ----------
    arrays : dict of str to ndarray
    rows : ndarray of int
        Rows with an image.
    """
    total = 10 ** (-0.4 * (arrays["catalogue_mag"][rows, 2].astype(float) - 22.5))
    expected = total * in_fibre(*arrays["catalogue_petro"][rows].astype(float).T)
    seen = 10 ** (-0.4 * (arrays["fibre_mag"][rows, 1].astype(float) - 22.5))
    shift = np.log10(seen / expected)
    # what all of a kind share is extinction, and how rough the law of the fibre's share is
    for kind in SIMULATED:
        same = arrays["kind"][rows] == kind
        if same.any():
            shift[same] -= np.nanmedian(shift[same])
    shift = np.nan_to_num(np.clip(shift, -_MOST_SHIFT_DEX, _MOST_SHIFT_DEX))[:, None]
    shift = shift.astype(np.float32)
    for name in LINE_NAMES:
        arrays["targets"][rows, TARGET_NAMES.index(name)] += shift[:, 0]
    arrays["line_snr"][rows] *= 10**shift


def _picture(job: _Job, galaxy: Galaxy, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return the pixels of a galaxy and which of `shards.KINDS` they are."""
    if job.donors is not None and rng.random() < job.share:
        donor = choose(job.donors, galaxy, rng)
        if donor is not None:
            return transplant(job.donors, donor, galaxy, rng), shards.TRANSPLANT
    return render(galaxy, rng), shards.RENDERED


def galaxy_of(row: Any, ebv: float) -> Galaxy:  # noqa: ANN401 - its fields are a table's columns
    """Return what the renderer needs of a row of the population, its columns as attributes."""
    return Galaxy(
        magnitudes=(float(row.g), float(row.r), float(row.i)),
        half_light_radius_arcsec=float(np.clip(row.petro_r50_true, 0.6, 60.0)),
        concentration=float(np.clip(10**row.log_concentration, 1.7, 5.0)),
        axis_ratio=float(row.axis_ratio),
        log_ssfr=float(row.log_sfr - row.log_stellar_mass),
        ebv=ebv,
    )


def _describe(arrays: shards.Arrays, rows: pd.DataFrame, take: slice) -> None:
    """Put what the tables know of `rows` into the rows `take` of the arrays."""
    arrays["catalogue_mag"][take] = rows[list(BANDS)]
    arrays["catalogue_err"][take] = rows[[f"err_{b}" for b in BANDS]]
    arrays["catalogue_petro_mag"][take] = rows[[f"petro_{b}" for b in BANDS]]
    arrays["line_snr"][take] = rows[[f"{name}_snr" for name in LINE_NAMES]]
    arrays["catalogue_petro"][take] = rows[["petro_r50_true", "petro_r90_true"]]
    arrays["targets"][take], arrays["label"][take] = labels_of(rows)
    arrays["position"][take] = rows[["ra", "dec"]]
    arrays["split"][take] = rows.split
    arrays["weight"][take] = rows.weight
