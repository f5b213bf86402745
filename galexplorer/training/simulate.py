"""Render the population to a training set, resumable and the same whatever the workers."""

import json
import logging
import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from galexplorer.errors import DataError, TargetError
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.schema import (
    BANDS,
    LINE_NAMES,
    SDSS_PIXEL_SCALE_ARCSEC,
)
from galexplorer.training import dataset, population
from galexplorer.training.rendering import Galaxy, render
from galexplorer.training.rows import add_image, labels_of
from galexplorer.training.sources import data_folder

log = logging.getLogger(__name__)

SHARD_SIZE = 1000
_POPULATION_FILE = "population.parquet"
_FITS_FILE = "population-fits.json"
_EDGE_FRACTION = 0.03


def simulate(size: int, seed: int, out: Path, workers: int = 2, data: Path | None = None) -> dict:
    """Render galaxies and write shards, labels and a manifest.

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
        Folder of the real tables; without one, Python packages stand in.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    DataError
        If the folder holds a set made with another seed.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = load_population(out, seed, data)
    spans = [(first, min(first + SHARD_SIZE, size)) for first in range(0, size, SHARD_SIZE)]
    missing = [s for s in spans if dataset.length_of(_shard(out, s[0])) < s[1] - s[0]]
    log.info("%d of %d shards to render", len(missing), len(spans))
    tasks = [(rows, seed, first, last, out) for first, last in missing]
    if workers > 1 and len(tasks) > 1:
        with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=4) as pool:
            for _ in track(pool.imap_unordered(_render_shard, tasks), "Rendering", len(tasks)):
                pass
    else:
        for task in track(tasks, "Rendering"):
            _render_shard(task)
    manifest = {
        "kind": "rendered",
        "size": size,
        "seed": seed,
        "population": len(rows),
        "sources": {str(k): int(v) for k, v in rows.source.value_counts().items()},
    }
    dataset.write_manifest(out, manifest)
    return manifest


def load_population(out: Path, seed: int, data: Path | None = None) -> pd.DataFrame:
    """Return the population of a seed, made once per folder."""
    path = out / _POPULATION_FILE
    if path.exists():
        rows = pd.read_parquet(path)
        if int(rows["seed"].iloc[0]) != seed:
            raise DataError(f"{out} holds a set of another seed; choose another folder.")
        return rows
    rows = population.build(data_folder(data), np.random.default_rng(seed))
    rows["seed"] = seed
    fits = rows.attrs.pop("fits", [])
    out.mkdir(parents=True, exist_ok=True)
    (out / _FITS_FILE).write_text(json.dumps(fits, indent=2) + "\n")
    rows.to_parquet(path)
    return rows


def read_fits(out: Path) -> list[dict]:
    """Return the records of the fits that completed the population of a folder."""
    path = out / _FITS_FILE
    return json.loads(path.read_text()) if path.exists() else []


def table_rows(rows: pd.DataFrame) -> dataset.Arrays:
    """Return the population itself as rows without images."""
    arrays = dataset.empty(len(rows))
    _describe(arrays, rows, slice(None))
    measured = rows.size_measured.to_numpy(bool)
    arrays["catalogue_petro"][~measured] = np.nan
    arrays["catalogue_petro"][:, 1] = np.where(
        np.isfinite(rows.petro_r90.to_numpy(float)), arrays["catalogue_petro"][:, 1], np.nan
    )
    return arrays


def _shard(out: Path, first: int) -> Path:
    return out / f"shard-{first // SHARD_SIZE:05d}.safetensors"


def _render_shard(task: tuple[pd.DataFrame, int, int, int, Path]) -> int:
    rows, seed, first, last, out = task
    arrays = dataset.empty(last - first)
    for k, index in enumerate(range(first, last)):
        _render_row(arrays, k, rows, seed, index)
    dataset.write_shard(_shard(out, first), arrays)
    return last - first


def _render_row(arrays: dataset.Arrays, k: int, rows: pd.DataFrame, seed: int, index: int) -> None:
    rng = np.random.default_rng([seed, index])
    # every galaxy once in a shuffled order, then again with another rendering
    order = np.random.default_rng([seed, 2**31, index // len(rows)])
    chosen = int(order.permutation(len(rows))[index % len(rows)])
    row = rows.iloc[chosen]
    ebv = float(row.ebv) if np.isfinite(row.ebv) else float(np.exp(rng.normal(-3.5, 0.7)))
    flux = render(galaxy_of(row, ebv), rng)
    if rng.random() < _EDGE_FRACTION:  # the galaxy lies at the edge of a frame
        keep = int(flux.shape[1] * rng.uniform(0.52, 0.7))
        flux[:, :, keep:] = np.nan
        flux = np.rot90(flux, int(rng.integers(4)), axes=(1, 2)).copy()
    _describe(arrays, rows.iloc[[chosen]], slice(k, k + 1))
    pixels = Pixels(flux, SDSS_PIXEL_SCALE_ARCSEC, "fits", "")
    try:
        found = measure(pixels)
    except TargetError:
        return  # too faint to be found on the pixels; the row stays as one without an image
    if np.hypot(found.x - flux.shape[2] / 2, found.y - flux.shape[1] / 2) > 20:
        return  # a brighter neighbour took its place
    add_image(arrays, k, pixels, found)


def galaxy_of(row: pd.Series, ebv: float) -> Galaxy:
    """Return what the renderer needs of a row of the population."""
    return Galaxy(
        magnitudes=(float(row.g), float(row.r), float(row.i)),
        half_light_radius_arcsec=float(np.clip(row.petro_r50_true, 0.6, 60.0)),
        concentration=float(np.clip(10**row.log_concentration, 1.7, 5.0)),
        axis_ratio=float(row.axis_ratio),
        log_ssfr=float(row.log_sfr - row.log_stellar_mass),
        ebv=ebv,
    )


def _describe(arrays: dataset.Arrays, rows: pd.DataFrame, take: slice) -> None:
    """Put what the tables know of `rows` into the rows `take` of the arrays."""
    arrays["catalogue_mag"][take] = rows[list(BANDS)]
    arrays["catalogue_err"][take] = rows[[f"err_{b}" for b in BANDS]]
    arrays["catalogue_petro_mag"][take] = rows[[f"petro_{b}" for b in BANDS]]
    arrays["line_snr"][take] = rows[[f"{name}_snr" for name in LINE_NAMES]]
    arrays["catalogue_petro"][take] = rows[["petro_r50_true", "petro_r90_true"]]
    arrays["targets"][take], arrays["label"][take] = labels_of(rows)
    arrays["position"][take] = rows[["ra", "dec"]]
    arrays["split"][take] = rows.split
