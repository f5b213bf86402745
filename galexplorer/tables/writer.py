"""Whole tables to disk: complete, or not at all."""

import json
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io.votable.tree import Info
from astropy.table import Column, MaskedColumn, Table, serialize
from astropy.time import Time
from astropy.utils.data_info import serialize_context_as
from astropy.utils.exceptions import AstropyWarning

from galexplorer.errors import InputError, OptionError
from galexplorer.tables.describe import arrow_metadata, describe_fields, to_votable
from galexplorer.tables.fits_writer import write_fits
from galexplorer.tables.meta import META

STDOUT = "-"
MAX_TEXT_BYTES = 2**30
_MISREAD = re.compile(r"""[,"\r\n\v\f\x1c-\x1e\x85\u2028\u2029]|^[^\w\s]""")
"""What ends a cell or a line, or begins what readers take for a remark, a rule or a row count."""

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

    Units stay in ECSV, Parquet, FITS and VOTable, and so do types and gaps, except that FITS and
    Parquet have an empty text where one is missing. ``table.meta`` stays as it is in ECSV and
    Parquet; FITS holds it as JSON in the header card GXMETA and VOTable in an INFO of that
    name; CSV has no place for it, and its cells are empty where a number is missing.

    Parameters
    ----------
    table : astropy.table.Table
    path : str or Path
        ``-`` writes to the standard output.
    format : {"csv", "ecsv", "parquet", "fits", "votable"}, optional
        Told by the suffix if not given; CSV for the standard output.

    Raises
    ------
    OptionError
        If neither `format` nor the suffix names a format, or the folder does not exist.
    InputError
        If the system refuses to write there.
    """
    path = Path(path)
    format = check_destination(path, format)
    if str(path) == STDOUT:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "table"
            _write_quietly(table, part, format)
            with part.open("rb") as written:
                shutil.copyfileobj(written, sys.stdout.buffer)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write_quietly(table, part, format)
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def check_destination(
    path: Path, format: str | None = None, suffixes: Mapping[str, str] = TABLE_SUFFIXES
) -> str:
    """Tell the format that `write_table` would write, before the work is done.

    Parameters
    ----------
    path, format
        As of `write_table`.
    suffixes : mapping of str to str
        Format of each suffix, for a caller that writes others as well.

    Raises
    ------
    OptionError
        As `write_table` does.
    """
    if str(path) == STDOUT:
        format = format or "csv"
    format = format or suffixes.get(path.suffix.lower(), "")
    if format not in suffixes.values():
        firsts: dict[str, str] = {}
        for suffix, kind in suffixes.items():
            firsts.setdefault(kind, suffix)
        *some, last = firsts.values()
        raise OptionError(f"{path} has no known suffix: use {', '.join(some)} or {last}.")
    if not path.parent.is_dir():
        raise OptionError(f"the folder {path.parent} does not exist: create it first.")
    if path.is_dir():
        raise OptionError(f"{path} is a folder: name a file in it.")
    return format


def _write_quietly(table: Table, path: Path, format: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        _write(table, path, format)


def _write(table: Table, path: Path, format: str) -> None:
    meta = json.dumps(dict(table.meta), default=str)
    table = Table(table)  # plain columns with units in place of quantities
    if format == "fits":
        table.meta = {META: meta} if table.meta else {}
        _spell_times(table)
        for name in table.colnames:
            _fit(table, name, format)
            if getattr(table[name], "dtype", np.dtype(float)).kind in "OU":
                info = table[name].info
                table[name] = Column(
                    _to_ascii(table[name], name),
                    unit=info.unit,
                    description=info.description,
                    meta=info.meta,
                )
        write_fits(table, path)
    elif format == "votable":
        own, table.meta = table.meta, {}
        table = flatten(table)
        for name in table.colnames:
            _fit(table, name, format)
        file = to_votable(table)
        if own:
            file.resources[0].infos.append(Info(name=META, value=meta))
        file.to_xml(str(path))
    elif format == "parquet":
        _write_parquet(table, path)
    elif format == "csv":
        table = flatten(table)
        for name in table.colnames:
            if table[name].ndim > 1:
                table[name] = [json.dumps(row.tolist()) for row in np.asarray(table[name])]
        _write_csv(table, path)
    else:
        for name in table.colnames:
            if getattr(table[name], "dtype", np.dtype(float)).kind == "O":
                table[name] = table[name].astype(str)
        table.write(path, format="ascii.ecsv")


def _write_csv(table: Table, path: Path) -> None:
    """Write what astropy's writer would, but with quotes about texts that are else misread."""
    header = [_quote(name.strip()) for name in table.colnames]
    rows = zip(*(_spell(table[name]) for name in table.colnames), strict=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        for row in chain([header], rows):
            file.write((",".join(row) or '""') + "\n")  # readers skip an empty line


def _spell(column: Column) -> list[str]:
    """Return the cells of a column as CSV has them, empty where one is missing."""
    gaps = np.ma.getmaskarray(column)
    if column.dtype.kind == "f":
        gaps = gaps | np.isnan(np.ma.getdata(column))
    if column.info.format or column.dtype.kind == "S":
        shown = zip(column.info.iter_str_vals(), gaps, strict=True)
        texts = ["" if gap else text for text, gap in shown]
    elif column.dtype.kind == "f":  # the fewest digits that give the number
        texts = np.where(gaps, "", np.ma.getdata(column).astype(str)).tolist()
    else:
        texts = ["" if value is None else str(value) for value in column.tolist()]
    return [_quote(text.strip()) for text in texts] if column.dtype.kind in "OSU" else texts


def _quote(text: str) -> str:
    if _MISREAD.search(text) is None:
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _fit(table: Table, name: str, format: str) -> None:
    """Give a column the nearest type that FITS or VOTable has, where they lack its own."""
    column = table[name]
    kind = getattr(column, "dtype", np.dtype("O"))
    if not isinstance(column, Column | MaskedColumn) or kind.kind not in "iufb":
        return
    if kind.kind == "f" and kind.itemsize not in (4, 8):
        table[name] = column.astype(np.float32 if kind.itemsize == 2 else np.float64)
    elif kind.kind == "b" and format == "fits" and np.any(np.ma.getmaskarray(column)):
        table[name] = column.astype(np.int16)  # FITS has no gap among truth values
    elif format == "votable" and kind.kind == "u" and kind.itemsize == 8:
        fits = not np.any(np.ma.asarray(column) > np.iinfo(np.int64).max)
        table[name] = column.astype(np.int64 if fits else str)
    elif format == "votable" and kind.kind in "iu" and kind.name in ("int8", "uint16", "uint32"):
        table[name] = column.astype(np.int16 if kind.itemsize == 1 else np.int64)
    column = table[name]
    if isinstance(column, MaskedColumn) and column.dtype.kind in "iu" and column.ndim == 1:
        # both formats write a gap as one number, which no row may have
        limits = np.iinfo(column.dtype)
        column.fill_value = limits.min if column.dtype.kind == "i" else limits.max


def _spell_times(table: Table) -> None:
    """Write times as ISO 8601 texts: astropy's pairs of Julian dates mean little to others."""
    for name in table.colnames:
        if isinstance(table[name], Time):
            table[name] = Column(table[name].isot)


def flatten(table: Table) -> Table:
    """Part positions and times, which not every format holds whole, into plain columns."""
    _spell_times(table)
    flat = serialize.represent_mixins_as_columns(table)
    flat.meta.pop("__serialized_columns__", None)
    return flat


def _to_ascii(column: Column, name: str) -> np.ndarray:
    """Escape what FITS cannot hold, so that no foreign letter costs a whole run."""
    filled = np.ma.asarray(column).filled("") if isinstance(column, MaskedColumn) else column
    items = [
        ("" if item is None else str(item)).encode("ascii", "backslashreplace")
        for item in np.asarray(filled).ravel().tolist()
    ]
    if max(map(len, items), default=0) * len(items) > MAX_TEXT_BYTES:
        raise InputError(
            f"column {name} has texts too long for FITS, which gives each row the longest one's "
            "space: write Parquet."
        )
    return np.array(items, dtype=bytes).reshape(column.shape)


def _write_parquet(table: Table, path: Path) -> None:
    """Write gaps as nulls, or an empty text: astropy would write a second column for the mask."""
    gaps: dict[str, np.ndarray] = {}
    for name in table.colnames:
        column = table[name]
        if getattr(column, "dtype", np.dtype(float)).kind == "O":
            column = column.astype(str)
        if isinstance(column, MaskedColumn):
            if column.dtype.kind in "iub" and column.ndim == 1 and column.mask.any():
                gaps[name] = np.array(column.mask)
            blank = {"S": b"", "U": "", "f": np.nan}.get(column.dtype.kind, 0)
            column = Column(column.filled(blank))
        table[name] = column
    with serialize_context_as("parquet"):
        flat = serialize.represent_mixins_as_columns(table)
    table.write(path, format="parquet")
    # astropy writes values and what it reads itself; the gaps of integers and what others read
    # are beyond it
    arrow = pq.read_table(path)
    for name, mask in gaps.items():
        place = arrow.schema.get_field_index(name)
        known = np.asarray(table[name])
        values = pa.array(known.astype(known.dtype.newbyteorder("=")), mask=mask)
        arrow = arrow.set_column(place, arrow.schema.field(place), values)
    told = arrow_metadata(flat)
    schema = describe_fields(arrow.schema, flat, {**told, **(arrow.schema.metadata or {})})
    pq.write_table(arrow.cast(schema), path)
