"""A table as FITS, with what its columns mean in the header and sums to check it by."""

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.utils.exceptions import AstropyWarning

from galexplorer.tables.describe import tell

_SUMS = {"CHECKSUM": "0" * 16, "DATASUM": "0"}


def write_fits(table: Table, path: str | Path, name: str = "") -> None:
    """Write a table of plain columns as FITS.

    The FITS standard has no unit of a logarithm that astropy reads, so those stand in the
    description of the column (TCOMM) and, for astropy, in comments of the header that it writes
    and reads itself. All others are in TUNIT; UCDs are in TUCD, as STILTS has them.

    Parameters
    ----------
    table : astropy.table.Table
        Numbers and bytes. Entries of ``meta`` become cards.
    path : str or Path
    name : str
        Of the extension (EXTNAME).
    """
    cards = dict(table.meta) | ({"EXTNAME": name} if name else {}) | _SUMS
    late: dict[int, str] = {}
    noted = Table(table.columns, copy=False)
    for number, column in enumerate(noted.colnames, start=1):
        told = tell(table[column])
        if "description" in told:
            cards[f"TCOMM{number}"] = told["description"].encode("ascii", "replace").decode()
        if "ucd" in told:
            cards[f"TUCD{number}"] = told["ucd"]
        if table[column].unit is None:
            continue
        if table[column].dtype.kind != "f":  # a quantity would be a float
            noted[column] = table[column].copy()
            noted[column].unit = None
            late[number] = table[column].unit.to_string()
        elif isinstance(table[column], MaskedColumn):  # it would write its mask as a column
            filled = Column(table[column].filled(np.nan))
            filled.info = table[column].info
            noted.replace_column(column, filled)
    noted.meta = cards
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # that TUNIT lacks what the comments have
        QTable(noted, copy=False).write(path, format="fits")
    with fits.open(path, mode="update", memmap=True) as hdus:
        for number, unit in late.items():
            hdus[1].columns[number - 1].unit = unit
        for hdu in hdus:
            # astropy notes the time of day beside the sums, so equal tables would differ
            hdu.add_checksum(when="of the data")
