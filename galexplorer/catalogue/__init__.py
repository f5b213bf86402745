"""Tables of galaxies: magnitudes in, posteriors out."""

from galexplorer.catalogue.columns import Catalogue, read_catalogue
from galexplorer.catalogue.writer import TABLE_SUFFIXES, check_destination, write_table

__all__ = ["TABLE_SUFFIXES", "Catalogue", "check_destination", "read_catalogue", "write_table"]
