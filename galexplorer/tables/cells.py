"""Cells of a table as numbers and texts, whatever the file made of them."""

import math
import re
from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn

from galexplorer.errors import InputError
from galexplorer.tables.units import Mixin

MISSING_WORDS = {
    *("", "nan", "null", "none", "n/a", "na", "--", "-", "masked", '""', "...", "<na>"),
    *("indef", "\\n"),
}
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_MAX_FIXED_BYTES = 2**28


def parse_numbers(items: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Turn strings (or a mixture of objects) into numbers; tell which cannot be.

    Parameters
    ----------
    items : sequence

    Returns
    -------
    values : ndarray, shape (n,), float64
        NaN where missing or unreadable.
    unreadable : ndarray, shape (n,), bool
        Something is written there and it is no number.
    """
    values = np.full(len(items), np.nan)
    unreadable = np.zeros(len(items), bool)
    for k, item in enumerate(items):
        if isinstance(item, bytes):
            item = item.decode("utf-8", "replace")
        if item is None or item is np.ma.masked:
            continue
        try:
            value = float(item)
        except (ValueError, TypeError):
            value = math.nan
        # float() reads 1_5 as 15, which nobody means in a table.
        if math.isfinite(value) and not (isinstance(item, str) and "_" in item):
            values[k] = value
        else:
            unreadable[k] = not is_missing(item)
    return values, unreadable


def is_missing(item: object) -> bool:
    """Tell whether a cell says that there is no value."""
    if isinstance(item, str):
        return item.strip().lower() in MISSING_WORDS
    return item is None or (isinstance(item, float) and math.isnan(item))


def is_plain(column: Mixin) -> bool:
    """Tell whether a column holds one number or text in each row."""
    return getattr(column, "ndim", 1) == 1 and hasattr(column, "dtype")


def numbers_of(column: Mixin, name: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a column as numbers, and which cells hold something that is none.

    Parameters
    ----------
    column : Column, Quantity or another of astropy's columns
    name, label : str
        Of the column and of its table, for messages.

    Returns
    -------
    values : ndarray, shape (n,), float64
    unreadable : ndarray, shape (n,), bool

    Raises
    ------
    InputError
        If a row holds more than one value, or the numbers have decimal commas.
    """
    if not is_plain(column):
        raise InputError(f"column {name} of {label} must hold one plain value in each row.")
    column = _plain(column)
    if column.dtype.kind in "iuf":
        with np.errstate(invalid="ignore"):  # a NaN that signals, as damaged numbers may be
            values = np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
        return np.where(np.isinf(values), np.nan, values), np.isinf(values)
    if column.dtype.kind not in "OUS":
        raise InputError(f"column {name} of {label} must hold one plain value in each row.")
    items = column.tolist()
    values, unreadable = parse_numbers(items)
    commas = [items[k] for k in np.flatnonzero(unreadable) if _has_comma(items[k])]
    if commas and 2 * len(commas) >= unreadable.sum():
        shown = str(commas[0]).strip()
        raise InputError(
            f"column {name} of {label} has decimal commas ({shown}): write decimal points."
        )
    return values, unreadable


def limits_of(column: Mixin) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of cells such as ``<22.3`` or ``>22.3``, and which cells are such.

    Either sign is written of a magnitude that a galaxy is fainter than.

    Returns
    -------
    values : ndarray, shape (n,), float64
        NaN elsewhere.
    is_limit : ndarray, shape (n,), bool
    """
    column = _plain(column)
    size = len(column)
    if column.dtype.kind not in "OUS":
        return np.full(size, np.nan), np.zeros(size, bool)
    texts = [str(item, "utf-8", "replace") if isinstance(item, bytes) else item for item in column]
    marked = [isinstance(t, str) and t.strip()[:1] in ("<", ">") for t in texts]
    cut = [str(t).strip()[1:] if m else None for t, m in zip(texts, marked, strict=True)]
    values, unreadable = parse_numbers(cut)
    return values, np.array(marked, bool) & ~unreadable & np.isfinite(values)


def _plain(column: Mixin) -> Mixin:
    """Return the numbers of a quantity, whose unit is told elsewhere."""
    if isinstance(column, Column | MaskedColumn):
        return column
    values: Mixin = getattr(column, "value", column)
    if hasattr(values, "unmasked"):
        return np.ma.MaskedArray(values.unmasked, values.mask)
    return values


def _has_comma(item: object) -> bool:
    return isinstance(item, str) and _DECIMAL_COMMA.fullmatch(item) is not None


def texts_of(column: Mixin) -> np.ndarray:
    """Turn values of any kind into strings, empty where missing.

    Returns
    -------
    ndarray of str, shape (n,), object
    """
    column = _plain(column)
    mask = np.broadcast_to(np.ma.getmaskarray(np.ma.asarray(column)), len(column))
    texts = np.full(len(column), "", dtype=object)
    for k, item in enumerate(column.tolist()):
        if mask[k] or item is None or item != item:
            continue
        if isinstance(item, bytes):
            item = item.decode("utf-8", "replace")
        # Integers with gaps come as floats; no one calls a galaxy "17.0".
        if isinstance(item, float) and item.is_integer():
            item = int(item)
        texts[k] = str(item).strip()
    return texts


def pack_texts(texts: Sequence[str]) -> np.ndarray:
    """Return strings as a fixed-width array, unless one long cell would make it enormous."""
    longest = max(map(len, texts), default=0)
    if 4 * longest * len(texts) <= _MAX_FIXED_BYTES:
        return np.array(texts, dtype=f"U{max(longest, 1)}")
    packed = np.empty(len(texts), dtype=object)
    packed[:] = texts
    return packed
