"""Bounded reading of tables: whatever astropy, pyarrow and pandas read, as one astropy table."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from astropy.io import ascii as astropy_ascii
from astropy.table import Column, MaskedColumn, Table
from astropy.utils import iers
from astropy.utils.exceptions import AstropyWarning

from galexplorer.errors import InputError
from galexplorer.tables.arrow import (
    from_pandas,
    is_hats,
    read_feather,
    read_hats,
    read_parquet,
    table_of,
)
from galexplorer.tables.bounds import PARSE_ERRORS, check_size
from galexplorer.tables.cells import pack_texts
from galexplorer.tables.fits import read_fits
from galexplorer.tables.source import Source, open_source, refuse_other, split_hdu
from galexplorer.tables.text import read_lines, read_text
from galexplorer.tables.votable import read_votable
from galexplorer.tables.yaml_header import check_yaml_header

if TYPE_CHECKING:
    import pandas as pd

_BINARY_SUFFIXES = {
    ".fits",
    ".fit",
    ".parquet",
    ".parq",
    ".feather",
    ".arrow",
    ".ecsv",
    ".vot",
    ".votable",
    ".xml",
}

Loaded: TypeAlias = Any
"""What `Readable` lists, or a table of Arrow, whose stubs do not type it."""

Readable: TypeAlias = "str | Path | bytes | Table | pd.DataFrame"
"""A file, ``-`` for the standard input, a file's content, or a table in memory."""

Usable = Callable[[Table], bool]


@dataclass(frozen=True)
class RawTable:
    """A table as it came, and nothing judged.

    Attributes
    ----------
    table : Table
        Every column that could be read, its type, unit and mask kept.
    label : str
        What messages call it.
    ragged : ndarray, shape (n,), bool
        Rows with more or fewer fields than the header.
    folder : Path
        Where the files that it names are looked up first.
    notes : tuple of str
        What was left out or chosen, a sentence each.
    """

    table: Table
    label: str
    ragged: np.ndarray
    folder: Path
    notes: tuple[str, ...] = ()


def read_raw(
    source: Readable,
    *,
    name: str | None = None,
    hdu: int | str | None = None,
    usable: Usable = lambda table: True,
) -> RawTable:
    """Read a table.

    Parameters
    ----------
    source : str, Path, bytes, Table or DataFrame
        A file, ``-`` for the standard input, a file's content, or a table in memory. CSV and
        other text, ECSV, Parquet, Feather, FITS, VOTable, told by content and unpacked; or the
        folder of a HATS catalogue. A path may name an HDU, as in ``file.fits[2]``.
    name : str, optional
        What messages call it.
    hdu : int or str, optional
        Number or EXTNAME of the table in a FITS file, number of that in a VOTable.
    usable : callable, optional
        Where a file has several tables, the first that this accepts is read.

    Returns
    -------
    RawTable

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, of no known format or beyond the bounds.
    """
    label = name or (str(source) if isinstance(source, str | Path) else "the table")
    with (
        explain_errors(label),
        warnings.catch_warnings(),
        iers.conf.set_temp("auto_download", False),
    ):
        # Units and format versions are no concern of ours.
        warnings.simplefilter("ignore", AstropyWarning)
        raw = _read(source, label, name, hdu, usable)
        check_size(len(raw.table), len(raw.table.colnames), label)
        return _without_objects(raw)


@contextmanager
def explain_errors(label: str) -> Iterator[None]:
    """Turn what the libraries raise for a missing or damaged file into a sentence.

    Raises
    ------
    InputError
        In their place.
    """
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{label} does not exist.") from None
    except PermissionError:
        raise InputError(f"{label} may not be read: check its permissions.") from None
    except PARSE_ERRORS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{label} cannot be read as a table: it is damaged, or not CSV, ECSV, Parquet, FITS "
            f"or VOTable ({reason})."
        ) from error


def _read(
    source: Loaded, label: str, name: str | None, hdu: int | str | None, usable: Usable
) -> RawTable:
    if isinstance(source, Table):
        check_size(len(source), len(source.colnames), label)
        return _plain(source.copy(copy_data=False), label)
    if hasattr(source, "iloc"):
        return _plain(*_noted(from_pandas(source, label), label))
    if hasattr(source, "column_names"):
        check_size(source.num_rows, source.num_columns, label)
        return _plain(*_noted(table_of(source, label), label))
    if isinstance(source, str | Path) and is_hats(split_hdu(source)[0]):
        table, notes = read_hats(split_hdu(source)[0], label)
        return _plain(table, label, notes)
    opened = open_source(source, name, hdu)
    with opened.stream:
        return _recognise(opened)(opened, usable)


def _noted(found: tuple[Table, tuple[str, ...]], label: str) -> tuple[Table, str, tuple[str, ...]]:
    return found[0], label, found[1]


def _plain(
    table: Table, label: str, notes: tuple[str, ...] = (), folder: Path = Path()
) -> RawTable:
    return RawTable(table, label, np.zeros(len(table), bool), folder, notes)


def _recognise(source: Source) -> Callable[[Source, Usable], RawTable]:
    head = source.stream.read(1024)
    source.stream.seek(0)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return _from_parquet
    if head.startswith(b"ARROW1"):
        return _from_feather
    if head.startswith(b"SIMPLE  ="):
        return _from_fits
    if text.startswith(b"# %ECSV"):
        return _from_ecsv
    if text.startswith(b"<"):
        return _from_votable
    refuse_other(head, source.label)
    if b"\0" in head or source.suffixes & _BINARY_SUFFIXES:
        kind = Path(source.label).suffix or "name"
        raise InputError(
            f"{source.label} is not what its {kind} says, nor any other table that can be read "
            "here: give CSV, ECSV, Parquet, FITS or VOTable."
        )
    return _from_text


def _from_text(source: Source, usable: Usable) -> RawTable:
    table, ragged, notes = read_text(source.stream, source.label)
    return RawTable(table, source.label, ragged, source.folder, notes)


def _from_ecsv(source: Source, usable: Usable) -> RawTable:
    lines = list(read_lines(source.stream, source.label))
    remarks = (line.lstrip()[1:].removeprefix(" ") for line in lines if line.lstrip()[:1] == "#")
    check_yaml_header("".join(line for line in remarks if line[:1] != "%"), source.label)
    check_size(len(lines), 0, source.label)
    # mixins are of classes that astropy lists by name: nothing else can be made
    try:
        with np.errstate(all="ignore"):
            table = astropy_ascii.read(lines, format="ecsv")
    except PARSE_ERRORS:
        raise
    except Exception as error:  # each of these classes has errors of its own
        raise ValueError(str(error)) from error
    return _plain(table, source.label, folder=source.folder)


def _from_fits(source: Source, usable: Usable) -> RawTable:
    tables, notes = read_fits(source.stream, source.label, source.hdu)
    return _choose(tables, source, usable, notes)


def _from_votable(source: Source, usable: Usable) -> RawTable:
    tables = read_votable(source.stream, source.label)
    if source.hdu is not None:
        tables = [own for own in tables if own[0] == f"[{source.hdu}]"]
        if not tables:
            raise InputError(f"{source.label} has no table [{source.hdu}]: they count from [0].")
    return _choose(tables, source, usable, ())


def _from_parquet(source: Source, usable: Usable) -> RawTable:
    table, notes = read_parquet(source.stream, source.label)
    return _plain(table, source.label, notes, source.folder)


def _from_feather(source: Source, usable: Usable) -> RawTable:
    table, notes = read_feather(source.stream, source.label)
    return _plain(table, source.label, notes, source.folder)


def _choose(
    tables: Sequence[tuple[str, Table]], source: Source, usable: Usable, notes: tuple[str, ...]
) -> RawTable:
    """Take the first usable table of several, and say so."""
    chosen = next((own for own in tables if usable(own[1])), tables[0])
    if len(tables) > 1:
        listed = ", ".join(place for place, _ in tables[:8])
        notes += (f"Table {chosen[0]} of {len(tables)} was read ({listed}): name another so.",)
    return _plain(chosen[1], source.label, notes, source.folder)


def _without_objects(raw: RawTable) -> RawTable:
    """Turn objects that are texts into texts, bytes too; leave out what is no plain column."""
    left_out = []
    for name in list(raw.table.colnames):
        column = raw.table[name]
        if not isinstance(column, Column | MaskedColumn) or column.dtype.kind not in "OS":
            continue
        items = np.ma.asarray(column).filled(None if column.dtype.kind == "O" else b"")
        if column.ndim == 1 and all(
            item is None or isinstance(item, str | bytes | int | float | np.generic)
            for item in items.tolist()
        ):
            mask = np.ma.getmaskarray(np.ma.asarray(column)) | np.array(
                [item is None for item in items.tolist()], bool
            )
            texts = pack_texts([_text(item) for item in items.tolist()])
            raw.table[name] = (
                MaskedColumn(texts, mask=mask, unit=column.unit, description=column.description)
                if mask.any()
                else Column(texts, unit=column.unit, description=column.description)
            )
        else:
            raw.table.remove_column(name)
            left_out.append(name)
    if not left_out:
        return raw
    shown = ", ".join(left_out[:8]) + (", ..." if len(left_out) > 8 else "")
    return replace(raw, notes=(*raw.notes, f"Columns of objects that were left out: {shown}."))


def _text(item: object) -> str:
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    return "" if item is None else str(item)
