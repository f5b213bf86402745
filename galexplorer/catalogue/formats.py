"""Bounded reading of tables: five formats in, plain columns out."""

import bz2
import csv
import gzip
import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from xml.parsers.expat import ExpatError

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from astropy.io import ascii as astropy_ascii
from astropy.io import fits, votable
from astropy.table import Column, MaskedColumn, Table
from astropy.utils.exceptions import AstropyWarning

from galexplorer.catalogue.raw import (
    MAX_BYTES,
    RawTable,
    Select,
    check_size,
    list_ignored,
    parse_numbers,
    parse_texts,
)
from galexplorer.catalogue.text import MAX_LINE, read_csv, read_lines
from galexplorer.errors import InputError

FITS_BLOCK = 2880
MAX_FITS_HEADER_BLOCKS = 500

# What the libraries raise for a damaged file; each means the same to its owner.
PARSE_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    RecursionError,
    struct.error,
    zlib.error,
    csv.Error,
    yaml.YAMLError,
    ExpatError,
    fits.VerifyError,
    pa.ArrowException,
)


def read_raw(path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    """Read the columns that `select` chooses.

    Parameters
    ----------
    path : Path
        CSV, ECSV, Parquet, FITS or VOTable, told by content; may be packed.
    select : callable
        Given the table's column names and the path, returns the table's name of each column
        that is wanted.
    numbers : sequence of str
        Which of those hold numbers; others are text.

    Returns
    -------
    RawTable

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, or beyond the limits of this module.
    """
    try:
        with _open_unpacked(path) as stream, warnings.catch_warnings():
            # Units and format versions are no concern of ours.
            warnings.simplefilter("ignore", AstropyWarning)
            return _recognise(stream, path)(stream, path, select, numbers)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read: check its permissions.") from None
    except PARSE_ERRORS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path} cannot be read as a table: it is damaged, or not CSV, ECSV, Parquet, FITS "
            f"or VOTable ({reason})."
        ) from error


def _open_unpacked(path: Path) -> BinaryIO:
    """Open a file, unpacked within bounds."""
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a table in it.")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path} is empty.")
    if size > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES >> 20} MiB: split it.")
    stream = path.open("rb")
    magic = stream.read(3)
    stream.seek(0)
    if magic[:2] == b"\x1f\x8b":
        packed: BinaryIO = gzip.GzipFile(fileobj=stream)  # type: ignore[assignment]
    elif magic == b"BZh":
        packed = bz2.BZ2File(stream)  # type: ignore[assignment]
    else:
        return stream
    with stream, packed:
        unpacked = io.BytesIO()
        while piece := packed.read(2**20):
            unpacked.write(piece)
            if unpacked.tell() > MAX_BYTES:
                raise InputError(f"{path} unpacks to more than {MAX_BYTES >> 20} MiB: split it.")
    if unpacked.tell() == 0:
        raise InputError(f"{path} is empty.")
    unpacked.seek(0)
    return unpacked


def _recognise(stream: BinaryIO, path: Path) -> Callable[..., RawTable]:
    head = stream.read(1024)
    stream.seek(0)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return _read_parquet
    if head.startswith(b"SIMPLE  ="):
        return _read_fits
    if text.startswith(b"# %ECSV"):
        return _read_ecsv
    if text.startswith(b"<"):
        return _read_votable
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if b"\0" in head or suffixes & {".fits", ".fit", ".parquet", ".ecsv", ".vot", ".xml"}:
        kind = path.suffix or "name"
        raise InputError(
            f"{path} is not what its {kind} says, nor any other table that can be read here: "
            "give CSV, ECSV, Parquet, FITS or VOTable."
        )
    return read_csv


# --- formats that know their types ---------------------------------------------------------


def _read_ecsv(stream: BinaryIO, path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    lines = list(read_lines(stream, path))
    if sum(len(line) for line in lines if line.startswith("#")) > MAX_LINE:
        raise InputError(f"{path} has a header of more than {MAX_LINE:,} characters: shorten it.")
    check_size(len(lines), 0, path)
    return _from_table(astropy_ascii.read(lines, format="ecsv"), path, select, numbers)


def _read_fits(stream: BinaryIO, path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    _check_fits_headers(stream, path)
    with fits.open(stream, memmap=False, disable_image_compression=True) as hdus:
        for hdu in hdus:
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
                check_size(hdu.header["NAXIS2"], hdu.header["TFIELDS"], path)
                return _from_table(Table.read(hdu), path, select, numbers)
    raise InputError(f"{path} is a FITS file without a table: pass an image as INPUT instead.")


def _check_fits_headers(stream: BinaryIO, path: Path) -> None:
    """Walk to the first table, refusing headers that astropy would take seconds to parse."""
    cards: dict[bytes, int] = {}
    for _ in range(MAX_FITS_HEADER_BLOCKS):
        block = stream.read(FITS_BLOCK)
        if not (block or cards):
            break
        if len(block) < FITS_BLOCK:
            raise InputError(f"{path} cannot be read: it is cut short, so fetch it again.")
        card = b""
        for k in range(0, FITS_BLOCK, 80):
            card = block[k : k + 80].rstrip()
            if card == b"END":
                break
            if match := re.match(rb"([A-Z]+\d*) *= +(-?\d{1,18})\b", card):
                cards[match[1]] = int(match[2])
        if card == b"END":
            if b"TFIELDS" in cards:
                break
            axes = [cards.get(b"NAXIS%d" % k, 0) for k in range(1, cards.get(b"NAXIS", 0) + 1)]
            items = (math.prod(axes) if axes else 0) + cards.get(b"PCOUNT", 0)
            size = abs(cards.get(b"BITPIX", 8)) // 8 * items
            if not 0 <= size <= MAX_BYTES:
                raise InputError(f"{path} declares more data than a file may hold here.")
            stream.seek(-(-size // FITS_BLOCK) * FITS_BLOCK, io.SEEK_CUR)
            cards = {}
    else:
        raise InputError(f"{path} has a FITS header too long for a table: remove needless cards.")
    stream.seek(0)


def _read_votable(stream: BinaryIO, path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    content = stream.read()
    # Entities can expand without end, a stream can point at any file or address, and the
    # row count is believed before a row is read.
    if b"<!ENTITY" in content or b"\0" in content[:1024]:
        raise InputError(f"{path} defines XML entities or is not UTF-8, which is not accepted.")
    if re.search(rb"<(\w+:)?STREAM\b[^>]*\bhref\b", content):
        raise InputError(f"{path} refers to data elsewhere: save the VOTable with its data inside.")
    declared = [int(n) for n in re.findall(rb"\bnrows\s*=\s*[\"'](\d{1,18})", content)]
    check_size(max(declared, default=0), 0, path)
    tables = list(votable.parse(io.BytesIO(content), verify="ignore").iter_tables())
    if not tables:
        raise InputError(f"{path} is XML without a VOTable's TABLE.")
    check_size(tables[0].nrows, len(tables[0].fields), path)
    return _from_table(tables[0].to_table(use_names_over_ids=True), path, select, numbers)


def _read_parquet(stream: BinaryIO, path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    file = pq.ParquetFile(stream)
    names = file.schema_arrow.names
    check_size(file.metadata.num_rows, len(names), path)
    groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > 4 * MAX_BYTES:
        raise InputError(f"{path} unpacks to more than {4 * MAX_BYTES >> 20} MiB: split it.")
    chosen = select(names, path)
    # astropy writes a masked column as its hidden values and a mask beside them.
    masks = {name: f"{name}.mask" for name in chosen.values() if f"{name}.mask" in names}
    arrow = file.read(columns=[*chosen.values(), *masks.values()])
    table = Table(masked=True)
    for name in chosen.values():
        own = arrow.column(name)
        if pa.types.is_floating(own.type) or pa.types.is_boolean(own.type):
            table[name] = own.to_numpy()
        else:
            column = np.empty(len(own), dtype=object)
            column[:] = own.to_pylist()
            table[name] = column
        if name in masks:
            table[name].mask = arrow.column(masks[name]).to_numpy()
    raw = _from_table(table, path, select, numbers)
    others = [name for name in names if name not in masks.values()]
    return replace(raw, ignored=list_ignored(others, chosen))


def _from_table(table: Table, path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    check_size(len(table), len(table.colnames), path)
    chosen = select(table.colnames, path)
    parsed, unreadable, texts = {}, {}, {}
    for column, name in chosen.items():
        own = table[name]
        if not isinstance(own, Column | MaskedColumn) or own.ndim != 1:
            raise InputError(f"column {name} of {path} must hold one plain value in each row.")
        if column not in numbers:
            texts[column] = parse_texts(own)
        elif own.dtype.kind in "iuf":
            values = np.ma.filled(np.ma.asarray(own).astype(np.float64), np.nan)
            unreadable[column] = np.isinf(values)
            parsed[column] = np.where(np.isinf(values), np.nan, values)
        else:
            parsed[column], unreadable[column] = parse_numbers(own.tolist())
    return RawTable(
        length=len(table),
        numbers=parsed,
        unreadable=unreadable,
        texts=texts,
        ragged=np.zeros(len(table), bool),
        ignored=list_ignored(table.colnames, chosen),
    )
