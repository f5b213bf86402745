"""The table of a list of targets: its rows, filtered and sorted; no Streamlit here."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from astropy.table import Table

from galexplorer.api.target_columns import likeliest_classes, read_numbers, read_texts
from galexplorer.query.target_list import Target
from galexplorer.records.verdict import LEVEL_WORDS
from galexplorer.schema import BPT_CLASSES
from galexplorer.science.summary import BPT_LABELS
from galexplorer.ui.targets.remarks import is_routine

ALL, DONE, FAILED, WAITING = "All", "Done", "Failed", "Waiting"
LIST_ORDER = "Order of the list"
QUANTITIES = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆",
    "log_sfr": "log SFR",
    "gas_metallicity": "12 + log O/H",
    "log_bh_mass": "log M_BH",
    "log_flux_halpha": "log F Hα",
    "log_flux_hbeta": "log F Hβ",
    "log_flux_nii_6584": "log F [N II]",
    "log_flux_oiii_5007": "log F [O III]",
}
"""What the table calls the nine targets."""

KNOWN, DIFFERENCE = "Known z", "Δz / (1 + z)"
_FIRST = [
    *("Target", "State", "Verdict", "Remarks", "Class", "Share"),
    *("z", "± z", KNOWN, DIFFERENCE, "r", "RA", "Dec"),
]
_STATED = ("ra", "dec", "known_redshift")
"""Columns of what a list may state of its targets."""

_SEARCHED = ["Target", "State", "Class", "Verdict", "Remarks"]
_RANKS = {word: rank for rank, word in enumerate((*LEVEL_WORDS.values(), DONE, FAILED, WAITING))}
"""Order of the words that do not go by the alphabet."""


def count_words(table: Table | None, number: int) -> str:
    """Return how many of a list's targets are done and how many failed, in words.

    Parameters
    ----------
    table : astropy.table.Table or None
        As `galexplorer.export.target_tables.summary_table` makes it, of those that were tried.
    number : int
        Of all.

    Examples
    --------
    >>> count_words(Table({"problem": ["", "not found", ""]}), 4)
    '2 of 4 done, 1 failed'
    """
    problems = [] if table is None else [bool(problem) for problem in table["problem"]]
    failed = sum(problems)
    words = f"{len(problems) - failed} of {number} done"
    return f"{words}, {failed} failed" if failed else words


def results_frame(
    targets: Sequence[Target], table: Table | None, remarks: Sequence[Sequence[str]]
) -> pd.DataFrame:
    """Return one row for each target of a list, in its order.

    Parameters
    ----------
    targets : sequence of Target
    table : astropy.table.Table or None
        Of the first of them, those that were tried.
    remarks : sequence of sequence of str
        As `galexplorer.ui.targets.remarks.remarks_of` returns them.

    Returns
    -------
    pandas.DataFrame
        Verdict and remarks, likeliest class, medians, half of the 68% intervals, the known redshift
        with how far the median is from it, magnitude in r, and position (degrees).
    """
    number, tried = len(targets), 0 if table is None else len(table)
    frame = pd.DataFrame({"Target": [_name(target) for target in targets]})
    problems = _texts(table, "problem", number)
    frame["State"] = [
        WAITING if row >= tried else FAILED if problem else DONE
        for row, problem in enumerate(problems)
    ]
    verdicts = _texts(table, "verdict", number)
    frame["Verdict"] = [LEVEL_WORDS.get(level) for level in verdicts]
    frame["Remarks"] = [" ".join(r for r in said if not is_routine(r)) for said in remarks]
    frame["Class"], frame["Share"] = None, np.nan
    if table is not None:
        classes = likeliest_classes(table)
        frame.loc[: tried - 1, "Class"] = [
            BPT_LABELS[BPT_CLASSES[place]] if known else None
            for place, known in zip(classes.place, classes.known, strict=True)
        ]
        frame.loc[: tried - 1, "Share"] = 100 * classes.share
    stated = np.array([(*t.position, t.known_redshift) for t in targets], dtype=float)
    for name, column, own in zip(_STATED, ("RA", "Dec", KNOWN), stated.T, strict=True):
        found = _numbers(table, name, number)
        frame[column] = np.where(np.isfinite(found), found, own)
    frame["r"] = _numbers(table, "r_used", number)
    for name, column in QUANTITIES.items():
        low, middle, high = (_numbers(table, f"{name}_{q}", number) for q in ("p16", "p50", "p84"))
        frame[column], frame[f"± {column}"] = middle, (high - low) / 2
    free = ~np.isfinite(_numbers(table, "redshift_fixed", number))
    frame["± z"] = frame["± z"].where(free)
    frame[DIFFERENCE] = ((frame["z"] - frame[KNOWN]) / (1 + frame[KNOWN])).where(free)
    return frame[[*_FIRST, *(name for name in frame.columns if name not in _FIRST)]]


def _name(target: Target) -> str:
    """Return what a row is called: one name may stand in a list with and without a redshift."""
    if target.redshift is None or not np.isfinite(target.redshift):
        return target.label
    return f"{target.label} (z = {target.redshift:g} fixed)"


def _numbers(table: Table | None, name: str, number: int) -> np.ndarray:
    """Return a column, with NaN for the targets that were not tried."""
    found = np.empty(0) if table is None else read_numbers(table, name)
    return np.concatenate([found, np.full(number - len(found), np.nan)])


def _texts(table: Table | None, name: str, number: int) -> list[str]:
    found = [] if table is None else read_texts(table, name).tolist()
    return found + [""] * (number - len(found))


def filter_frame(frame: pd.DataFrame, words: str, kind: str) -> pd.DataFrame:
    """Return the rows of a state that hold some words, case aside.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `results_frame` makes it.
    words : str
        Empty for all.
    kind : str
        "All", "Done" or "Failed".
    """
    if kind != ALL:
        frame = frame[frame["State"] == kind]
    if words.strip():
        texts = frame[_SEARCHED].fillna("").agg(" ".join, axis=1)
        frame = frame[texts.str.contains(words.strip(), case=False, regex=False)]
    return frame


def sort_frame(frame: pd.DataFrame, column: str, descending: bool) -> pd.DataFrame:
    """Return the rows by a column, those without a value last, equal ones in their order.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `results_frame` makes it.
    column : str
        One of its columns; `LIST_ORDER` leaves the rows as they are.
    descending : bool
        Also turns the order of the list.
    """
    if column == LIST_ORDER:
        return frame.iloc[::-1] if descending else frame
    return frame.sort_values(
        column, ascending=not descending, kind="stable", na_position="last", key=_sort_key
    )


def put_first(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the columns with the one that rows are sorted by, and its error, beside the name.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `results_frame` makes it.
    column : str
        One of its columns, or `LIST_ORDER`.
    """
    first = [name for name in ("Target", column, f"± {column}") if name in frame.columns]
    first = list(dict.fromkeys(first))
    return frame[[*first, *(name for name in frame.columns if name not in first)]]


def _sort_key(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        return values
    texts = values.where(values.fillna("") != "")
    if texts.dropna().isin(_RANKS).all():
        return texts.map(_RANKS).astype(float)
    return texts.str.casefold()
