"""What a table of a list of targets holds, also one of an earlier version, which lacks a column."""

from typing import NamedTuple

import numpy as np
from astropy.table import Table
from jaxtyping import Bool, Float, Int, Shaped

from galexplorer.records.verdict import DO_NOT_USE
from galexplorer.schema import BPT_CLASSES
from galexplorer.tables.cells import texts_of


def read_numbers(table: Table, name: str) -> Float[np.ndarray, " n"]:
    """Return a column of numbers, NaN where one is missing and where there is no such column."""
    if name not in table.colnames:
        return np.full(len(table), np.nan)
    return np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan)


def read_texts(table: Table, name: str) -> Shaped[np.ndarray, " n"]:
    """Return a column of texts, empty where one is missing and where there is no such column."""
    return texts_of(table[name]) if name in table.colnames else np.full(len(table), "")


class Classes(NamedTuple):
    """The likeliest class of each target on the BPT diagram.

    Attributes
    ----------
    place : ndarray of int, shape (n,)
        In `galexplorer.schema.BPT_CLASSES`.
    share : ndarray, shape (n,)
        Of the draws, NaN where there is no class.
    known : ndarray of bool, shape (n,)
        False where there is no class, or the verdict forbids it.
    """

    place: Int[np.ndarray, " n"]
    share: Float[np.ndarray, " n"]
    known: Bool[np.ndarray, " n"]


def likeliest_classes(table: Table) -> Classes:
    """Return the likeliest class of each target."""
    shares = np.stack([read_numbers(table, name) for name in BPT_CLASSES], axis=1)
    known = np.isfinite(shares).all(axis=1) & (read_texts(table, "verdict") != DO_NOT_USE)
    filled = np.nan_to_num(shares)
    return Classes(filled.argmax(axis=1), np.where(known, filled.max(axis=1), np.nan), known)
