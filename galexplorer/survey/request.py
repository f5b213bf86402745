"""What a survey is to infer, and how: all that decides what a row of its result is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import lsdb

from galexplorer.inference.detection import check_detected
from galexplorer.inference.prior import Prior, RedshiftPrior
from galexplorer.model.weights import DEFAULT_FOLDER, read_manifest
from galexplorer.runs.made_with import made_with
from galexplorer.survey.inputs import list_files
from galexplorer.survey.intake import list_shards

PARTITION_ROWS = 5_000
"""The most rows of a partition, unless another number is asked for."""


@dataclass(frozen=True)
class Request:
    """What a survey is to infer, and how.

    Attributes
    ----------
    source : str
        As of `galexplorer.survey.inputs.list_files`.
    out : Path
        Folder of the catalogue.
    draws, seed, redshift_range, prior, detected
        As of `galexplorer.runs.catalogue_run.infer_catalogue`.
    columns, hdu, image
        As of `galexplorer.catalogue.read_catalogue`.
    cutouts : str or None
        As of `galexplorer.survey.intake.judge_files`.
    deredden : bool
        Whether Galactic extinction is still in magnitudes whose names do not tell: it is removed
        by the table's own columns, or else by dust maps on this machine.
    weights : Path or None
    device : str
    draws_out : Path or None
        Folder of a second catalogue, with the draws as a nested column.
    partition_rows : int
        The most rows of a partition, which is what an end of the run costs.
    scheduler : str or None
        Address of a Dask scheduler.
    workers : int or None
        Of this machine.
    """

    source: str
    out: Path
    draws: int = 512
    seed: int = 0
    redshift_range: tuple[float, float] | None = None
    prior: Prior | None = None
    detected: Sequence[str] = ()
    columns: Mapping[str, str | None] | None = None
    hdu: int | str | None = None
    image: str | None = None
    cutouts: str | None = None
    deredden: bool = False
    weights: Path | None = None
    device: str = "auto"
    draws_out: Path | None = None
    partition_rows: int = PARTITION_ROWS
    scheduler: str | None = None
    workers: int | None = None


def describe_request(request: Request, prior: RedshiftPrior | None) -> dict:
    """Return all that decides what a row of the result is.

    Parameters
    ----------
    request : Request
    prior : RedshiftPrior or None
        That of the request, as `galexplorer.inference.prior.choose_prior` read it.

    Returns
    -------
    dict
        That JSON can hold.

    Raises
    ------
    InputError
        If the input names no table, or the weights cannot be read.
    """
    files = list_files(request.source)
    names = _leave_out_folder([file.name for file in files])
    made = made_with(read_manifest(request.weights or DEFAULT_FOLDER))
    return {
        "places": _name_places(request),
        "input": [[n, file.size, file.stamp] for n, file in zip(names, files, strict=True)],
        "columns": None if request.columns is None else dict(request.columns),
        "hdu": request.hdu,
        "image": request.image and _describe_content([Path(request.image)]),
        "cutouts": request.cutouts and _describe_content(list_shards(request.cutouts)),
        "deredden": request.deredden,
        "draws": request.draws,
        "seed": request.seed,
        "redshift_range": request.redshift_range and list(request.redshift_range),
        "redshift_prior": prior and prior.sha256,
        "detected": list(check_detected(request.detected)) or None,
        "draws_out": request.draws_out and str(request.draws_out.resolve()),
        "partition_rows": request.partition_rows,
        **made,
        "versions": {**made["versions"], "lsdb": lsdb.__version__},
    }


def _name_places(request: Request) -> dict[str, str | None]:
    """Return where the input lies, which is no part of what it is: it may be moved."""
    named = {"input": request.source, "image": request.image, "cutouts": request.cutouts}
    return {what: text and _absolute(text) for what, text in named.items()}


def _absolute(name: str) -> str:
    return name if "://" in name else os.path.abspath(name)


def _leave_out_folder(names: Sequence[str]) -> list[str]:
    """Return paths as seen from the folder that they share, however they were typed."""
    paths = [_absolute(name) for name in names]
    if any("://" in path for path in paths):
        return paths
    shared = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, shared) for path in paths]


def _describe_content(files: Sequence[Path]) -> list[list]:
    """Return name, size and date of each file; the name alone where there is none.

    Sizes alone tell nothing: shards of as many images are equally large.
    """
    names = _leave_out_folder([str(file) for file in files])
    stats = [file.stat() if file.is_file() else None for file in files]
    return [
        [name] if stat is None else [name, stat.st_size, str(stat.st_mtime_ns)]
        for name, stat in zip(names, stats, strict=True)
    ]
