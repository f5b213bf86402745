"""The table of a list of targets in brief: what is looked at first, for a spreadsheet."""

import numpy as np
from astropy.table import Table

from galexplorer.api.target_columns import likeliest_classes
from galexplorer.schema import BPT_CLASSES, TARGET_NAMES
from galexplorer.science.columns import describe_columns

_FIRST = ("target", "ra", "dec", "r_used", "photometry_from", "redshift_fixed", "known_redshift")
_CLASSES = ("gas_metallicity_flag", "bpt_class", "p_bpt_class")
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
        ``target, ra, dec, r_used, photometry_from, redshift_fixed, known_redshift``, the 16%, 50%
        and 84% quantiles of each target, ``gas_metallicity_flag``, ``bpt_class`` and
        ``p_bpt_class``, ``verdict, flag, verdict_reasons, notes`` and ``problem``, with the
        metadata of `table`. A column that it lacks is left out.
    """
    brief = table.copy()
    classes = likeliest_classes(brief)
    brief["bpt_class"] = np.where(classes.known, np.array(BPT_CLASSES)[classes.place], "")
    brief["p_bpt_class"] = classes.share
    describe_columns(brief, ("bpt_class", "p_bpt_class"))
    quantiles = [f"{name}_{key}" for name in TARGET_NAMES for key in ("p16", "p50", "p84")]
    names = (*_FIRST, *quantiles, *_CLASSES, *_LAST)
    # one that an earlier version began has no r_used
    return brief[[name for name in names if name in brief.colnames]]


def is_brief(table: Table) -> bool:
    """Return whether a table of targets is one that `brief_table` made."""
    return "p_bpt_class" in table.colnames
