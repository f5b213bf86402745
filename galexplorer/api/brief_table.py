"""The table of a list of targets in brief: what is looked at first, for a spreadsheet."""

import numpy as np
from astropy.table import Table

from galexplorer.api.target_columns import likeliest_classes
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.columns import describe_columns

_FIRST = ("target", "ra", "dec", "r_used", "photometry_from", "redshift_fixed", "known_redshift")
_CLASSES = ("gas_metallicity_flag", "bpt_class", "p_bpt_class")
_LAST = ("verdict", "flag", "verdict_reasons", "notes", "problem")

_QUANTILES = {
    f"{target.name}_{key}": target.digits + 1 for target in TARGETS for key in ("p16", "p50", "p84")
}
_DIGITS = {
    **dict.fromkeys(("ra", "dec", "redshift_fixed", "known_redshift"), 6),
    **dict.fromkeys(("r_used", "p_bpt_class"), 3),
    **_QUANTILES,
}


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
        metadata of `table`; numbers are rounded to a digit more than the explorer shows. A column
        that it lacks is left out.
    """
    brief = table.copy()
    classes = likeliest_classes(brief)
    brief["bpt_class"] = np.where(classes.known, np.array(BPT_CLASSES)[classes.place], "")
    brief["p_bpt_class"] = classes.share
    describe_columns(brief, ("bpt_class", "p_bpt_class"))
    for name, digits in _DIGITS.items():
        if name in brief.colnames:
            brief[name][:] = np.round(brief[name], digits)
    names = (*_FIRST, *_QUANTILES, *_CLASSES, *_LAST)
    # one that an earlier version began has no r_used
    return brief[[name for name in names if name in brief.colnames]]


def is_brief(table: Table) -> bool:
    """Return whether a table of targets is one that `brief_table` made."""
    return "p_bpt_class" in table.colnames
