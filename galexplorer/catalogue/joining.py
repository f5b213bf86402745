"""The columns that a table came with, beside those that were found out."""

from collections.abc import Iterable

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galexplorer.catalogue.columns import Catalogue
from galexplorer.tables.units import Mixin

_OWN = ("id", "ra", "dec")
_SUFFIX = "_input"


def row_names(catalogue: Catalogue) -> Column | MaskedColumn | np.ndarray:
    """Return what names the rows: the column of the input where it does, with its own type."""
    own = catalogue.used.get("id")
    table = catalogue.table
    if table is not None and own in table.colnames and _is_whole(table[own]):
        return table[own]
    return np.asarray(catalogue.id, str)


def join_input(found: Table, catalogue: Catalogue) -> Table:
    """Put the columns of the input between a row's name and place and its results.

    Parameters
    ----------
    found : Table
        Columns ``id, ra, dec`` and the results.
    catalogue : Catalogue

    Returns
    -------
    Table
        The input's columns keep order, type, unit and mask. One that has the name of a result, in
        any case, has ``_input`` at its end; one that is the id or the position already is not
        repeated.
    """
    if catalogue.table is None:
        return found
    joined = Table()
    for name in _OWN:
        joined[name] = found[name]
    own = row_names(catalogue)
    if isinstance(own, Column | MaskedColumn):
        joined["id"] = own.copy()
        joined["id"].description = found["id"].description
        joined["id"].meta = dict(found["id"].meta)
    for name, label in label_inputs(catalogue, found.colnames).items():
        if label.lower() not in _OWN:
            joined[label] = catalogue.table[name]
    for name in found.colnames[len(_OWN) :]:
        joined[name] = found[name]
    return joined


def label_inputs(catalogue: Catalogue, taken: Iterable[str]) -> dict[str, str]:
    """Return what the columns of the input are called beside results.

    Parameters
    ----------
    catalogue : Catalogue
    taken : iterable of str
        Names of the results, with ``id``, ``ra`` and ``dec``.

    Returns
    -------
    dict of str to str
        By their names in the input; ``id``, ``ra`` or ``dec`` for one that is the same as those.
    """
    table = Table() if catalogue.table is None else catalogue.table
    own = {
        "id": Column(row_names(catalogue)),
        "ra": Column(catalogue.ra, unit="deg"),
        "dec": Column(catalogue.dec, unit="deg"),
    }
    used = {name.lower() for name in taken}
    labels = {}
    for name in table.colnames:
        label = name.strip()
        if label.lower() in _OWN and _is_same(table[name], own[label.lower()]):
            labels[name] = label.lower()
            continue
        while label.lower() in used:
            label += _SUFFIX
        used.add(label.lower())
        labels[name] = label
    return labels


def _is_whole(column: Mixin) -> bool:
    """Tell whether every row has a value, so that the column itself can name the rows."""
    if not isinstance(column, Column | MaskedColumn) or column.ndim != 1:
        return False
    masked = isinstance(column, MaskedColumn) and bool(column.mask.any())
    return not masked and not (column.dtype.kind in "OUS" and np.any(column == ""))


def _is_same(column: Mixin, other: Column) -> bool:
    if not isinstance(column, Column | MaskedColumn) or column.ndim != 1:
        return False
    if column.dtype != other.dtype or (column.unit or other.unit) != other.unit:
        return False
    values = np.ma.filled(np.ma.asarray(column), np.nan if column.dtype.kind == "f" else 0)
    equal_nan = column.dtype.kind == "f"
    return bool(np.array_equal(values, np.asarray(other), equal_nan=equal_nan))
