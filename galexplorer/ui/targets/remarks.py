"""What there is to say of each target: what went wrong, and what to know of its values."""

import math
import re
from collections.abc import Sequence

from astropy.table import Table

from galexplorer.api.target_columns import read_numbers, read_texts
from galexplorer.query.target_list import Target

_NUMBERS = ("known_redshift", "redshift_fixed", "redshift_p2_5", "redshift_p97_5")
_TEXTS = ("problem", "verdict_reasons", "notes")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\w'])")
_ROUTINE = re.compile(
    r".*: read as .*|The galaxy lies at RA .*|Pixels: SDSS DR\d+ frames, .*", re.DOTALL
)


def remarks_of(targets: Sequence[Target], table: Table | None) -> list[tuple[str, ...]]:
    """Return the remarks on each target of a list, a sentence each, what matters most first.

    Parameters
    ----------
    targets : sequence of Target
    table : astropy.table.Table or None
        As `galexplorer.export.target_tables.summary_table` makes it, of the first of them, those
        that were tried.

    Returns
    -------
    list of tuple of str
        Why it failed, whether the known redshift lies outside the 95% interval, whether the
        redshift was held fixed, reasons of the verdict, notes, and last what `is_routine` accepts.
    """
    if table is None:
        return [target.notes for target in targets]
    tried = [
        _remarks(*row)
        for row in zip(
            targets,
            *(read_numbers(table, name).tolist() for name in _NUMBERS),
            *(read_texts(table, name).tolist() for name in _TEXTS),
            strict=False,  # of those that were tried
        )
    ]
    return [*tried, *(target.notes for target in targets[len(tried) :])]


def is_routine(remark: str) -> bool:
    """Return whether a remark says only how a target was read, where it is, or that SDSS has it.

    Examples
    --------
    >>> is_routine("m51: read as the name m51."), is_routine("It is probably a star.")
    (True, False)
    """
    return _ROUTINE.fullmatch(remark) is not None


def _remarks(
    target: Target,
    known: float,
    fixed: float,
    low: float,
    high: float,
    problem: str,
    reasons: str,
    notes: str,
) -> tuple[str, ...]:
    """Return the remarks on a target that was tried, given its `_NUMBERS` and `_TEXTS`."""
    if problem:
        return problem, *target.notes
    remarks = []
    if math.isfinite(fixed):
        remarks.append("Redshift held fixed.")
    elif known < low or known > high:
        remarks.append(
            f"The known redshift, {known:.4f}, lies outside the 95% interval, "
            f"{low:.4f} to {high:.4f}."
        )
    remarks += _SENTENCE.split(reasons) if reasons else []
    # the target's own are among them
    return (*remarks, *sorted(_SENTENCE.split(notes) if notes else [], key=is_routine))
