"""FITS tables, whose headers are walked before astropy parses them."""

import io
import math
import re
from typing import BinaryIO

from astropy.io import fits
from astropy.table import Table

from galexplorer.errors import InputError
from galexplorer.tables import bounds
from galexplorer.tables.bounds import check_size
from galexplorer.tables.meta import META, unpack_meta
from galexplorer.tables.unit_texts import is_harmless

FITS_BLOCK = 2880
MAX_HEADER_BLOCKS = 500
MAX_AXES = 999  # of the standard


def read_fits(
    stream: BinaryIO, label: str, hdu: int | str | None
) -> tuple[list[tuple[str, Table]], tuple[str, ...]]:
    """Read the tables of a FITS file, or the one that is named.

    Parameters
    ----------
    stream : BinaryIO
    label : str
    hdu : int or str, optional
        Number, from 0, or EXTNAME.

    Returns
    -------
    tables : list of (str, Table)
        Each with its place, such as ``[1]``.
    notes : tuple of str

    Raises
    ------
    InputError
        If there is no table, or none at `hdu`, or one is beyond the bounds.
    """
    stream = _patch_headers(stream, label)
    hdu = int(hdu) if isinstance(hdu, str) and hdu.isdecimal() else hdu
    notes: tuple[str, ...] = ()
    tables = []
    with fits.open(stream, memmap=False, disable_image_compression=True) as hdus:
        for k, own in enumerate(hdus):
            if hdu is not None and hdu != k and str(hdu).upper() != own.name.upper():
                continue
            if not isinstance(own, fits.BinTableHDU | fits.TableHDU) or "ZIMAGE" in own.header:
                continue
            if own.header.get("ZTABLE"):
                raise InputError(f"table [{k}] of {label} is tile-compressed: run funpack on it.")
            check_size(own.header["NAXIS2"], own.header["TFIELDS"], label)
            table, told = _read_table(own, label, k)
            unpack_meta(table, table.meta.pop(META, None))
            tables.append((f"[{k}]", table))
            notes += told
        number = len(hdus)
    if not tables and hdu is not None:
        raise InputError(f"{label} has no table at [{hdu}]: it has {number} HDUs, from [0].")
    if not tables:
        raise InputError(f"{label} is a FITS file without a table: infer an image by itself.")
    return tables, notes


def _read_table(
    hdu: fits.BinTableHDU | fits.TableHDU, label: str, k: int
) -> tuple[Table, tuple[str, ...]]:
    frame = str(hdu.header.get("RADESYS", hdu.header.get("RADECSYS", ""))).strip().upper()
    equinox = hdu.header.get("EQUINOX")
    if frame.startswith("FK4") or (equinox == 1950 and not frame):
        raise InputError(
            f"table [{k}] of {label} has positions of equinox B1950: give J2000 (ICRS) ones."
        )
    for column in hdu.columns:
        if column.unit and not is_harmless(str(column.unit)):
            raise InputError(
                f"column {column.name} of {label} has a unit that cannot be read: correct TUNIT."
            )
    # descriptors may all point at the same part of the heap, and unpack without end
    ragged = [c.name for c in hdu.columns if re.match(r"\d*[PQ]", str(c.format))]
    if not ragged:
        return Table.read(hdu), ()
    shown = ", ".join(ragged[:8]) + (", ..." if len(ragged) > 8 else "")
    kept = [column for column in hdu.columns if column.name not in ragged]
    plain = fits.BinTableHDU.from_columns(kept, header=None)
    return Table.read(plain), (f"Columns of variable length that were left out: {shown}.",)


def _patch_headers(stream: BinaryIO, label: str) -> BinaryIO:
    """Walk all headers: refuse those that astropy would take seconds to parse, blank out NULs."""
    cards: dict[bytes, int] = {}
    within = False
    patched: io.BytesIO | None = None
    blocks = 0
    while blocks < MAX_HEADER_BLOCKS:
        begin = stream.tell()
        block = stream.read(FITS_BLOCK)
        if not (block or within):
            break
        if len(block) < FITS_BLOCK:
            if not within and begin:
                break  # padding after the last HDU
            raise InputError(f"{label} cannot be read: it is cut short, so fetch it again.")
        if not within and begin and not block.startswith(b"XTENSION"):
            break
        within = True
        blocks += 1
        if b"\0" in block:
            if patched is None:
                stream.seek(0)
                patched = io.BytesIO(stream.read())
            patched.seek(begin)
            patched.write(block := block.replace(b"\0", b" "))
            stream.seek(begin + FITS_BLOCK)
        card = b""
        for k in range(0, FITS_BLOCK, 80):
            card = block[k : k + 80].rstrip()
            if card == b"END":
                break
            if match := re.match(rb"([A-Z]+\d*) *= +([+-]?\d+)\b", card):
                cards.setdefault(match[1], int(match[2]))  # as astropy, which takes the first
        if card == b"END":
            number, fields = cards.get(b"NAXIS", 0), cards.get(b"TFIELDS", 0)
            if not (0 <= number <= MAX_AXES and 0 <= fields <= bounds.MAX_COLUMNS):
                # astropy would count up to whatever a header promises
                raise InputError(
                    f"{label} cannot be read: its header promises {max(number, fields):,} axes or "
                    "columns, so fetch it again."
                )
            axes = [cards.get(b"NAXIS%d" % k, 0) for k in range(1, number + 1)]
            items = (math.prod(axes) if axes else 0) + cards.get(b"PCOUNT", 0)
            size = abs(cards.get(b"BITPIX", 8)) // 8 * items
            if not 0 <= size <= bounds.MAX_BYTES:
                raise InputError(f"{label} declares more data than a file may hold here.")
            stream.seek(-(-size // FITS_BLOCK) * FITS_BLOCK, io.SEEK_CUR)
            cards, within = {}, False
    else:
        raise InputError(f"{label} has a FITS header too long for a table: remove needless cards.")
    stream.seek(0)
    if patched is not None:
        patched.seek(0)
        stream.close()
        return patched
    return stream
