"""Where a table's bytes come from: a file, a pipe or memory, unpacked within bounds."""

import bz2
import gzip
import io
import lzma
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from galexplorer.errors import InputError
from galexplorer.tables import bounds

STDIN = "-"
_LEAST = 2**25
"""Bytes that the smallest packed file may unpack to."""
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_PACKERS: dict[bytes, Callable[..., BinaryIO]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),  # type: ignore[dict-item,return-value]
    b"BZh": bz2.BZ2File,  # type: ignore[dict-item]
    b"\xfd7zXZ\0": lzma.LZMAFile,  # type: ignore[dict-item]
}
# What people drop by mistake, told by its first bytes.
_KNOWN_OTHERS = {
    b"PK\x03\x04": "an Excel workbook or a zip: save the sheet as CSV, with identifiers as text",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV, with identifiers as text",
    b"\x89HDF": "HDF5: save the table as FITS or Parquet",
    b"\x93NUMPY": "a NumPy array: save it as a table, such as FITS or Parquet",
    b"%PDF": "a PDF: give the table behind it",
    b"\x28\xb5\x2f\xfd": "packed by zstd: unpack it first",
    b"\xff\xd8\xff": "a JPEG image, not a table",
    b"\x89PNG": "a PNG image, not a table",
}


@dataclass(frozen=True)
class Source:
    """Bytes of a table, unpacked.

    Attributes
    ----------
    stream : BinaryIO
        At its start; the caller closes it.
    label : str
        What messages call it.
    suffixes : frozenset of str
        Of its name, in lower case.
    folder : Path
        Where the files that it names are looked up first.
    hdu : int, str or None
        Which HDU of a FITS file is meant.
    """

    stream: BinaryIO
    label: str
    suffixes: frozenset[str]
    folder: Path
    hdu: int | str | None = None


def split_hdu(path: str | Path) -> tuple[Path, int | str | None]:
    """Part ``file.fits[2]`` or ``file.fits[OBJECTS]`` from its HDU, unless a file is called so."""
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", str(path), re.S)
    if match is None or _exists(Path(path)):
        return Path(path), None
    return Path(match[1]), int(match[2]) if match[2].isdecimal() else match[2]


def open_source(
    source: str | Path | bytes, name: str | None = None, hdu: int | str | None = None
) -> Source:
    """Open a file, the standard input (``-``) or a file's content.

    Parameters
    ----------
    source : str, Path or bytes
        A path may name an HDU, as in ``file.fits[2]``.
    name : str, optional
        What messages call it.
    hdu : int or str, optional
        Overrules that of the path.

    Raises
    ------
    InputError
        If it is missing, empty, a folder or too large.
    """
    if isinstance(source, bytes) or source == STDIN:
        if isinstance(source, bytes):
            content, label = source, name or "the table"
        else:
            content, label = sys.stdin.buffer.read(bounds.MAX_BYTES + 1), name or "standard input"
        if not content:
            raise InputError(f"{label} is empty.")
        _check_bytes(len(content), label)
        path, named = split_hdu(label)
        suffixes = frozenset(suffix.lower() for suffix in path.suffixes)
        stream = _unpack(io.BytesIO(content), label)
        return Source(stream, label, suffixes, Path(), named if hdu is None else hdu)
    path, named = split_hdu(source)
    label = name or str(path)
    if path.is_dir():
        raise InputError(f"{label} is a folder: name a table in it.")
    size = path.stat().st_size
    if size == 0 and path.is_file():
        raise InputError(f"{label} is empty.")
    _check_bytes(size, label)
    suffixes = frozenset(suffix.lower() for suffix in path.suffixes)
    stream = path.open("rb")
    if not path.is_file():  # a pipe has no size and cannot be read twice
        with stream:
            content = stream.read(bounds.MAX_BYTES + 1)
        _check_bytes(len(content), label)
        stream = io.BytesIO(content)
    unpacked = _unpack(stream, label)
    return Source(unpacked, label, suffixes, path.parent, named if hdu is None else hdu)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _check_bytes(size: int, label: str) -> None:
    if size > bounds.MAX_BYTES:
        raise InputError(f"{label} is larger than {bounds.MAX_BYTES >> 20} MiB: split it.")


def _unpack(stream: BinaryIO, label: str) -> BinaryIO:
    """Undo gzip, bzip2, xz and UTF-16, within bounds."""
    magic = stream.read(6)
    stream.seek(0)
    opener = next((own for start, own in _PACKERS.items() if magic.startswith(start)), None)
    if opener is None:
        return _decode_utf16(stream)
    limit = bounds.most_unpacked(stream.seek(0, io.SEEK_END), _LEAST, bounds.MAX_BYTES)
    stream.seek(0)
    packed = opener(stream)
    with stream, packed:
        unpacked = io.BytesIO()
        while piece := packed.read(2**20):
            unpacked.write(piece)
            if unpacked.tell() > limit:
                raise InputError(f"{label} unpacks to more than {limit >> 20} MiB: split it.")
    if unpacked.tell() == 0:
        raise InputError(f"{label} is empty.")
    unpacked.seek(0)
    return _decode_utf16(unpacked)


def _decode_utf16(stream: BinaryIO) -> BinaryIO:
    """Turn UTF-16, which spreadsheets write, into UTF-8."""
    head = stream.read(512)
    stream.seek(0)
    encoding = _UTF16.get(head[:2])
    if encoding is None:
        halves = {"utf-16-le": head[1::2], "utf-16-be": head[::2]}
        others = {"utf-16-le": head[::2], "utf-16-be": head[1::2]}
        for guess, half in halves.items():
            if len(half) > 8 and not any(half) and 0 not in others[guess]:
                encoding = guess
    if encoding is None:
        return stream
    with stream:
        text = stream.read().decode(encoding, "replace").removeprefix("\ufeff")
    if text.startswith("<?xml"):
        text = re.sub(r"\sencoding=[\"'][^\"']*[\"']", "", text, count=1)
    return io.BytesIO(text.encode())


def refuse_other(head: bytes, label: str) -> None:
    """Name what is no table, as far as its first bytes tell.

    Raises
    ------
    InputError
        If they do.
    """
    for magic, words in _KNOWN_OTHERS.items():
        if head.startswith(magic):
            raise InputError(f"{label} is {words}.")
