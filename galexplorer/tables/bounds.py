"""The bounds that every format keeps, and what the libraries raise for a damaged file."""

import csv
import struct
import zlib
from lzma import LZMAError
from xml.parsers.expat import ExpatError

import pyarrow as pa
import yaml
from astropy.io import fits
from astropy.io.votable.exceptions import VOWarning
from astropy.table.meta import YamlParseError

from galexplorer.errors import InputError

MAX_BYTES = 2**30
MAX_ROWS = 5_000_000
MAX_COLUMNS = 2_000
MAX_CELLS = 500_000_000
MAX_META = 2**19
"""Characters of what a table says of itself; parsing them takes some seconds."""
MAX_RATIO = 64
"""Whatever packs better than this was made to fill the memory."""

# Each means the same to the owner of the file.
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
    LZMAError,
    struct.error,
    zlib.error,
    csv.Error,
    yaml.YAMLError,
    YamlParseError,
    ExpatError,
    fits.VerifyError,
    pa.ArrowException,
    VOWarning,  # raised as an error where the FIELD of a VOTable has neither ID nor name
    AssertionError,  # astropy, where the name of a FITS column does not fit into a card
)


def most_unpacked(packed: int, least: int, most: int) -> int:
    """Return how many bytes a file may unpack to.

    Parameters
    ----------
    packed : int
        Its size in bytes.
    least, most : int
        Bytes that any file may, and that none may.
    """
    return min(most, max(least, MAX_RATIO * packed))


def check_size(rows: int, columns: int, label: str) -> None:
    """Refuse a table beyond the bounds.

    Raises
    ------
    InputError
        If it has too many rows, columns or cells.
    """
    if rows > MAX_ROWS:
        raise InputError(f"{label} has more than {MAX_ROWS:,} rows: split it.")
    if columns > MAX_COLUMNS:
        raise InputError(f"{label} has more than {MAX_COLUMNS:,} columns: keep those needed.")
    if rows * columns > MAX_CELLS:
        raise InputError(f"{label} has more than {MAX_CELLS:,} cells: keep the columns needed.")
