"""Tables of any format: in as one kind of table, out complete or not at all."""

from galexplorer.tables.formats import RawTable, Readable, read_raw
from galexplorer.tables.writer import STDOUT, TABLE_SUFFIXES, check_destination, write_table

__all__ = [
    "STDOUT",
    "TABLE_SUFFIXES",
    "RawTable",
    "Readable",
    "check_destination",
    "read_raw",
    "write_table",
]
