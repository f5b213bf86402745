"""The table of a list of targets in brief: what is looked at first, for a spreadsheet."""

import numpy as np
from astropy.table import Table

from galexplorer.records.verdict import DO_NOT_USE
from galexplorer.schema import BPT_CLASSES, TARGET_NAMES
from galexplorer.science.columns import describe_columns
from galexplorer.tables.cells import texts_of

_FIRST = ("target", "ra", "dec", "mag_r", "redshift_fixed", "known_redshift")
_LAST = ("verdict", "flag", "verdict_reasons", "notes", "problem")


def brief_table(table: Table) -> Table:
    """Return the columns of a list of targets that are looked at first.

    Parameters
    ----------
    table : astropy.table.Table
        As `galexplorer.export.target_tables.summary_table` makes it.

    Returns
    -------
    astropy.table.Table
        ``target, ra, dec, mag_r, redshift_fixed, known_redshift``, the 16%, 50% and 84% quantiles
        of each target, ``bpt_class`` and ``p_bpt_class``, ``verdict, flag, verdict_reasons,
        notes`` and ``problem``, with the metadata of `table`. A column that it lacks is left out.
    """
    brief = table.copy()
    shares = np.stack([numbers_of(brief, name) for name in BPT_CLASSES], axis=1)
    known = np.isfinite(shares).all(axis=1) & (texts_of(brief["verdict"]) != DO_NOT_USE)
    likeliest = np.nan_to_num(shares).argmax(axis=1)
    brief["bpt_class"] = np.where(known, np.array(BPT_CLASSES)[likeliest], "")
    brief["p_bpt_class"] = np.where(known, np.nan_to_num(shares).max(axis=1), np.nan)
    describe_columns(brief, ("bpt_class", "p_bpt_class"))
    quantiles = [f"{name}_{key}" for name in TARGET_NAMES for key in ("p16", "p50", "p84")]
    names = (*_FIRST, *quantiles, "bpt_class", "p_bpt_class", *_LAST)
    # one that an earlier version began has no mag_r
    return brief[[name for name in names if name in brief.colnames]]


def is_brief(table: Table) -> bool:
    """Return whether a table of targets is one that `brief_table` made."""
    return "p_bpt_class" in table.colnames


def numbers_of(table: Table, name: str) -> np.ndarray:
    """Return a column of numbers, NaN where one is missing and where there is no such column.

    Parameters
    ----------
    table : astropy.table.Table
    name : str

    Returns
    -------
    ndarray, shape (n,), float64
    """
    if name not in table.colnames:
        return np.full(len(table), np.nan)
    return np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan)
