"""Catalogues of galaxies: which column of a table is what, and what its values are worth."""

from galexplorer.catalogue.columns import COLUMNS, Catalogue, read_catalogue
from galexplorer.tables import TABLE_SUFFIXES, check_destination, write_table

__all__ = [
    "COLUMNS",
    "TABLE_SUFFIXES",
    "Catalogue",
    "check_destination",
    "read_catalogue",
    "write_table",
]
