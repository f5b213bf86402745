"""The tiles of a compressed image, checked before they are unpacked."""

import gzip
import io
import zlib

import numpy as np
from astropy.io import fits

from galexplorer.errors import InputError
from galexplorer.fits.structure import Unit

_PACKED = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA")
_GZIP = b"\x1f\x8b"
_MAX_PIXEL_BYTES = 8


def check_tiles(name: str, data: bytes, table: fits.BinTableHDU, unit: Unit) -> None:
    """Refuse tiles that lie outside the file, share its bytes, or unpack to more than a tile.

    astropy unpacks each gzip tile whole, however large it becomes.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    data : bytes
        The whole file.
    table : astropy.io.fits.BinTableHDU
        The compressed image, opened as a table.
    unit : Unit

    Raises
    ------
    InputError
        If a tile is not what it should be.
    """
    header = table.header
    count, width = int(header["NAXIS2"]), int(header["NAXIS1"])
    rows = np.frombuffer(
        data, table.columns.dtype.newbyteorder(">"), count=count, offset=unit.start
    )
    heap_start = unit.start + int(header.get("THEAP", count * width))
    heap = memoryview(data)[heap_start : unit.start + count * width + int(header["PCOUNT"])]
    spent = 0
    for column in table.columns:
        if column.name not in _PACKED:
            continue
        item = {"B": 1, "I": 2, "J": 4}.get(column.format.lstrip("1")[1:2], 0)
        for length, offset in rows[column.name].reshape(count, 2).tolist():
            size = length * item
            spent += size
            if item == 0 or min(length, offset) < 0 or max(offset + size, spent) > len(heap):
                raise InputError(f"{name} is damaged inside its tiles: download it again.")
            cell = heap[offset : offset + size]
            if bytes(cell[:2]) == _GZIP:
                _check_gzip(name, cell, unit.tile_pixels * _MAX_PIXEL_BYTES)


def _check_gzip(name: str, cell: memoryview, most_bytes: int) -> None:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(cell)) as stream:
            unpacked = len(stream.read(most_bytes + 1))
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{name} is damaged inside its tiles: download it again.") from error
    if unpacked > most_bytes:
        raise InputError(f"{name} has a tile that unpacks to more than its pixels: refused.")
