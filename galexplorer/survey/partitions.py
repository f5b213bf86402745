"""What a worker does with a partition: infer its rows, give them back as columns."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from astropy.table import Table
from nested_pandas import NestedFrame
from nested_pandas.series.ext_array import NestedExtensionArray

from galexplorer.errors import WeightsError
from galexplorer.inference.engine import Engine
from galexplorer.inference.prior import RedshiftPrior
from galexplorer.model.vae import LATENTS
from galexplorer.runs.catalogue_rows import MEASURED
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.runs.catalogue_table import Columns
from galexplorer.schema import TARGET_NAMES
from galexplorer.science.columns import describe_columns
from galexplorer.survey.frames import OWN, arrow_column, catalogue_of, names_of_inputs

DRAWS_COLUMN = "draws"


@dataclass(frozen=True)
class Settings:
    """How partitions are inferred; all that a worker needs beside their rows.

    Attributes
    ----------
    draws, seed, redshift_range, prior, detected
        As of `galexplorer.runs.catalogue_run.infer_catalogue`.
    weights : str or None
        Folder of the weights, None for those that come with the package.
    weights_sha256 : str
        Which a worker must find there.
    device : str
    images : bool
        Whether rows may have images: these have columns of their own.
    keep_draws : bool
        Whether the draws come out as a nested column.
    """

    draws: int
    seed: int
    redshift_range: tuple[float, float] | None
    prior: RedshiftPrior | None
    detected: tuple[str, ...]
    weights: str | None
    weights_sha256: str
    device: str
    images: bool
    keep_draws: bool


@cache
def load_engine(weights: str | None, sha256: str, device: str) -> Engine:
    """Load the engine, once in each worker.

    Raises
    ------
    WeightsError
        If the worker has other weights than whoever started the run.
    """
    engine = Engine.load(None if weights is None else Path(weights), device)
    if engine.weights.sha256 != sha256:
        raise WeightsError(
            f"a worker has the weights {engine.weights.sha256[:12]} and the run those of "
            f"{sha256[:12]}: install the same galexplorer everywhere, or give --weights a folder "
            "that all machines see."
        )
    return engine


def infer_partition(frame: NestedFrame, settings: Settings) -> NestedFrame:
    """Infer the rows of a partition.

    Parameters
    ----------
    frame : NestedFrame
        Columns of `galexplorer.survey.frames.judged_table`.
    settings : Settings

    Returns
    -------
    NestedFrame
        A row for each, in the same order.
    """
    if len(frame) == 0:
        return empty_result(frame, settings)
    torch.set_num_threads(1)  # a setting of the thread, and a worker may have several
    engine = load_engine(settings.weights, settings.weights_sha256, settings.device)
    catalogue = catalogue_of(frame)
    number = len(catalogue)
    latents = np.full((number, LATENTS), np.nan, np.float32)
    draws = None
    if settings.keep_draws:
        draws = np.full((number, settings.draws, len(TARGET_NAMES)), np.nan, np.float32)

    def keep(rows: list[int], samples: np.ndarray, latent: np.ndarray) -> None:
        latents[rows] = latent
        if draws is not None:
            draws[rows] = samples

    found = infer_catalogue(
        engine,
        catalogue,
        redshift_range=settings.redshift_range,
        prior=settings.prior,
        detected=settings.detected,
        draws=settings.draws,
        seed=settings.seed,
        batch=keep,
        workers=1,
    )
    return _assemble(frame, found, latents, draws, settings)


def empty_result(frame: NestedFrame, settings: Settings) -> NestedFrame:
    """Return what `infer_partition` makes of no rows: names and types of its columns."""
    frame = frame.iloc[:0]
    catalogue = catalogue_of(frame)
    found = Columns.empty(catalogue).tabulate(catalogue)
    latents = np.empty((0, LATENTS), np.float32)
    draws = np.empty((0, settings.draws, len(TARGET_NAMES)), np.float32)
    return _assemble(frame, found, latents, draws if settings.keep_draws else None, settings)


def result_names(images: bool) -> list[str]:
    """Return the names of all columns of results, with `OWN`."""
    catalogue = catalogue_of(_no_rows())
    names = list(Columns.empty(catalogue).tabulate(catalogue).colnames)
    found = [*OWN, *(name for name in names if name not in OWN), DRAWS_COLUMN]
    return [*found, *MEASURED, "latent"] if images else found


def describe_results(images: bool) -> Table:
    """Return a table of no rows that has the descriptions, units and UCDs of all results."""
    catalogue = catalogue_of(_no_rows())
    table = Columns.empty(catalogue).tabulate(catalogue)
    table.add_column(np.empty(0, np.int64), name="row", index=0)
    if images:
        for name in MEASURED:
            table[name] = np.empty(0)
        table["latent"] = np.empty((0, LATENTS), np.float32)
    return describe_columns(table)


def _no_rows() -> pd.DataFrame:
    from galexplorer.catalogue import read_catalogue
    from galexplorer.survey.frames import judged_table

    one = read_catalogue(Table({"id": ["0"], "r": [17.0]}))
    return judged_table(one, 0, ()).to_pandas().iloc[:0]


def _assemble(
    frame: NestedFrame,
    found: Table,
    latents: np.ndarray,
    draws: np.ndarray | None,
    settings: Settings,
) -> NestedFrame:
    """Join a partition's own columns with results."""
    columns: dict[str, object] = {
        "row": frame["row"].array,
        "id": frame["id"].array,
        "ra": _column(found["ra"]),
        "dec": _column(found["dec"]),
    }
    columns |= {name: frame[name].array for name in names_of_inputs(list(frame.columns))}
    skipped = {*OWN, *MEASURED}
    columns |= {name: _column(found[name]) for name in found.colnames if name not in skipped}
    if settings.images:
        nothing = np.full(len(frame), np.nan)
        for name in MEASURED:
            columns[name] = _column(found[name] if name in found.colnames else nothing)
        columns["latent"] = _latent_column(latents)
    result = NestedFrame(pd.DataFrame(columns, index=frame.index))
    if draws is not None:
        result[DRAWS_COLUMN] = pd.Series(_nest(draws), index=frame.index)
    return result


def _column(values: object) -> pd.arrays.ArrowExtensionArray:
    return pd.arrays.ArrowExtensionArray(arrow_column(values))


def _latent_column(latents: np.ndarray) -> pd.arrays.ArrowExtensionArray:
    known = np.isfinite(latents).all(axis=1)
    offsets = np.concatenate([[0], np.cumsum(np.where(known, LATENTS, 0))]).astype(np.int32)
    flat = pa.array(latents[known].ravel(), pa.float32(), from_pandas=False)
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat, mask=pa.array(~known))
    return pd.arrays.ArrowExtensionArray(lists)


def _nest(draws: np.ndarray) -> NestedExtensionArray:
    """Return draws (n, draws, 9) as a nested column with a list for each target."""
    number, count, _ = draws.shape
    known = np.isfinite(draws[:, 0]).all(axis=1) if number else np.zeros(0, bool)
    offsets = np.concatenate([[0], np.cumsum(np.where(known, count, 0))]).astype(np.int32)
    lists = [
        pa.ListArray.from_arrays(
            pa.array(offsets),
            pa.array(np.ascontiguousarray(draws[known][:, :, k]).ravel(), pa.float32()),
        )
        for k in range(len(TARGET_NAMES))
    ]
    return NestedExtensionArray(pa.StructArray.from_arrays(lists, list(TARGET_NAMES)))
