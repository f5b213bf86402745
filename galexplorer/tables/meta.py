"""What a table says of itself, in formats that have no place for it of their own."""

import json

from astropy.table import Table

META = "GXMETA"
"""Header card of FITS and INFO of VOTable that hold the metadata of a table as JSON."""


def unpack_meta(table: Table, text: object) -> None:
    """Add to a table's metadata what a file holds as JSON; what is not JSON is left out.

    Parameters
    ----------
    table : Table
    text : str or None
        As the file has it.
    """
    try:
        known = json.loads(str(text)) if text is not None else {}
    except (ValueError, RecursionError):  # of another program that uses this name
        known = {}
    if isinstance(known, dict):
        table.meta.update(known)
