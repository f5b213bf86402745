"""Columns as a file holds them, and the bounds that every format keeps."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Column

from galexplorer.errors import InputError

MAX_BYTES = 2**30
MAX_ROWS = 5_000_000
MAX_COLUMNS = 2_000
MISSING_WORDS = {"", "nan", "null", "none", "n/a", "na", "--", "-", "masked"}

Select = Callable[[list[str], Path], dict[str, str]]


@dataclass(frozen=True)
class RawTable:
    """Columns as they came, numbers parsed and nothing judged.

    Attributes
    ----------
    length : int
    numbers : dict of str to ndarray, shape (n,), float64
        NaN where missing or unreadable.
    unreadable : dict of str to ndarray, shape (n,), bool
        Something is written there and it is no number.
    texts : dict of str to ndarray of str, shape (n,)
    ragged : ndarray, shape (n,), bool
        Rows with more or fewer fields than the header.
    ignored : tuple of str
        Columns that were not asked for.
    """

    length: int
    numbers: dict[str, np.ndarray]
    unreadable: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]
    ragged: np.ndarray
    ignored: tuple[str, ...]


def check_size(rows: int, columns: int, path: Path) -> None:
    """Refuse a table beyond the bounds."""
    if rows > MAX_ROWS:
        raise InputError(f"{path} has more than {MAX_ROWS:,} rows: split it.")
    if columns > MAX_COLUMNS:
        raise InputError(f"{path} has more than {MAX_COLUMNS:,} columns: keep those needed.")


def parse_numbers(items: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Turn strings (or a mixture of objects) into numbers; tell which cannot be."""
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
            unreadable[k] = not _is_missing(item)
    return values, unreadable


def _is_missing(item: object) -> bool:
    if isinstance(item, str):
        return item.strip().lower() in MISSING_WORDS
    return isinstance(item, float) and math.isnan(item)


def list_ignored(names: Sequence[str], chosen: dict[str, str]) -> tuple[str, ...]:
    """Return the columns that were not chosen."""
    return tuple(name for name in names if name not in chosen.values())


def parse_texts(column: Column) -> np.ndarray:
    """Turn values of any kind into strings, empty where missing."""
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
