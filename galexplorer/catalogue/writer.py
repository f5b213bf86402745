"""Whole tables to disk: complete, or not at all."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
from astropy.io import votable
from astropy.io.votable.tree import Info
from astropy.table import Column, MaskedColumn, Table
from astropy.utils.exceptions import AstropyWarning

from galexplorer.errors import InputError, OptionError

TABLE_SUFFIXES = {
    ".csv": "csv",
    ".ecsv": "ecsv",
    ".parquet": "parquet",
    ".fits": "fits",
    ".fit": "fits",
    ".vot": "votable",
    ".xml": "votable",
}


def write_table(table: Table, path: str | Path, format: str | None = None) -> None:
    """Write a table, replacing what was there only once the new file is complete.

    Units stay in ECSV, Parquet, FITS and VOTable. ``table.meta`` stays as it is in ECSV and
    Parquet; FITS holds it as JSON in the header card GXMETA and VOTable in an INFO of that
    name; CSV has no place for it.

    Parameters
    ----------
    table : astropy.table.Table
    path : str or Path
    format : {"csv", "ecsv", "parquet", "fits", "votable"}, optional
        Told by the suffix if not given.

    Raises
    ------
    OptionError
        If neither `format` nor the suffix names a format, or the folder does not exist.
    InputError
        If the system refuses to write there.
    """
    path = Path(path)
    format = check_destination(path, format)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            _write(table, part, format)
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def check_destination(path: Path, format: str | None = None) -> str:
    """Tell the format that `write_table` would write, before the work is done.

    Raises
    ------
    OptionError
        As `write_table` does.
    """
    format = format or TABLE_SUFFIXES.get(path.suffix.lower(), "")
    if format not in TABLE_SUFFIXES.values():
        raise OptionError(
            f"{path} does not tell which format to write: end it in .csv, .ecsv, .parquet, "
            ".fits or .vot."
        )
    if not path.parent.is_dir():
        raise OptionError(f"the folder {path.parent} does not exist: create it first.")
    if path.is_dir():
        raise OptionError(f"{path} is a folder: name a file in it.")
    return format


def _write(table: Table, path: Path, format: str) -> None:
    meta = json.dumps(dict(table.meta), default=str)
    if format == "fits":
        table = table.copy()
        table.meta = {"GXMETA": meta} if table.meta else {}
        for name in table.colnames:
            if table[name].dtype.kind in "OU":
                table[name] = _to_ascii(table[name])
        table.write(path, format="fits")
    elif format == "votable":
        file = votable.from_table(table)
        if table.meta:
            file.resources[0].infos.append(Info(name="GXMETA", value=meta))
        file.to_xml(str(path))
    else:
        if format == "parquet":
            table = _fill(table)
        table.write(path, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv"}.get(format, format))


def _to_ascii(column: Column) -> np.ndarray:
    """Escape what FITS cannot hold, so that no foreign letter costs a whole run."""
    items = ["" if item is None else str(item) for item in column.tolist()]
    return np.array([item.encode("ascii", "backslashreplace") for item in items], dtype=bytes)


def _fill(table: Table) -> Table:
    """Write gaps as NaN or an empty string: astropy would write the hidden value beside a mask."""
    table = table.copy()
    for name in table.colnames:
        column = table[name]
        if not isinstance(column, MaskedColumn) or column.dtype.kind not in "iufSU":
            continue
        blank: float | str = "" if column.dtype.kind in "SU" else np.nan
        if column.mask.any() and column.dtype.kind in "iu":
            column = column.astype(np.float64)
        table[name] = column.filled(blank) if column.mask.any() else Column(column)
    return table
