"""A table as FITS, with what its columns mean in the header and sums to check it by."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.utils.data_info import serialize_context_as
from astropy.utils.exceptions import AstropyWarning

from galexplorer.tables.describe import tell


def write_fits(
    table: Table, path: str | Path, extension: str = "", others: Sequence[fits.BinTableHDU] = ()
) -> None:
    """Write a table as FITS.

    The FITS standard has no unit of a logarithm that astropy reads, so those stand in the
    description of the column (TCOMM) and, for astropy, in comments of the header that it writes
    and reads itself. All others are in TUNIT; UCDs are in TUCD, as STILTS has them.

    Parameters
    ----------
    table : astropy.table.Table
        Columns of numbers and bytes, and positions. Entries of ``meta`` become cards.
    path : str or Path
    extension : str
        Its name (EXTNAME).
    others : sequence of BinTableHDU
        Extensions that follow.
    """
    cards = dict(table.meta) | ({"EXTNAME": extension} if extension else {})
    late: dict[int, str] = {}
    noted = Table(table.columns, copy=False)
    # a position becomes two columns, as astropy writes it
    numbers = {name: k for k, name in enumerate(_flat_names(table), start=1)}
    for name in noted.colnames:
        column = table[name]
        if not isinstance(column, Column | MaskedColumn):
            continue
        number, told = numbers[name], tell(column)
        if "description" in told:
            cards[f"TCOMM{number}"] = told["description"].encode("ascii", "replace").decode()
        if "ucd" in told:
            cards[f"TUCD{number}"] = told["ucd"]
        if column.unit is None:
            continue
        if column.dtype.kind != "f":  # a quantity would be a float
            noted[name] = column.copy()
            noted[name].unit = None
            late[number] = column.unit.to_string()
        elif isinstance(column, MaskedColumn):  # it would write its mask as a column
            filled = Column(column.filled(np.nan))
            filled.info = column.info
            noted.replace_column(name, filled)
    noted.meta = cards
    path = Path(path)
    plain = path.with_name(f".{path.name}.plain")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # that TUNIT lacks what comments have
            QTable(noted, copy=False).write(plain, format="fits", overwrite=True)
        with fits.open(plain, memmap=True) as hdus:
            for number, unit in late.items():
                hdus[1].columns[number - 1].unit = unit
            whole = fits.HDUList([*hdus, *others])
            for hdu in whole:
                # astropy notes the time of day beside the sums, so equal tables would differ
                hdu.add_checksum(when="of the data")
            whole.writeto(path, overwrite=True)
    finally:
        plain.unlink(missing_ok=True)


def _flat_names(table: Table) -> list[str]:
    with serialize_context_as("fits"):
        return list(represent_mixins_as_columns(table).colnames)
