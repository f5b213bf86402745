"""What there is to say of each target: what went wrong, and what to know of its values."""

import math
import re
from collections.abc import Iterator, Sequence

from astropy.table import Table

from galexplorer.api.target_columns import read_numbers, read_texts
from galexplorer.query.target_list import Target

_NUMBERS = ("known_redshift", "redshift_fixed", "redshift_p2_5", "redshift_p97_5")
_TEXTS = ("problem", "verdict_reasons", "notes")
_ABBREVIATIONS = (
    *("St", "Dr", "No", "Nr", "Sect", "Sec", "Fig", "Eq", "Ref", "Vol", "al", "cf", "vs", "ca"),
    *("e.g", "i.e", "approx", "[A-Z]"),
)
_SENTENCE = re.compile(
    r"(?<=[.!?])"
    + "".join(rf"(?<!\b{short}\.)" for short in _ABBREVIATIONS)
    + r"\s+(?=[^\Wa-z_]|'|[ugriz]\b)"  # which bands begin too
)
"""Where one ends and the next begins; those that are not told apart are one remark."""

_POSITION = r"RA \d+\.\d{5}°, Dec [+-]\d+\.\d{5}°"
_READING = (
    r"(?P<text>.{1,200}?): read as "
    rf"(?:the name (?P=text)|{_POSITION}(?:, to \d+″)?|SDSS objID \d+ \(run [^()]*\))\."
)
_PLACE = rf"The galaxy lies at {_POSITION}\."
_PIXELS = r"Pixels: SDSS DR\d+ frames, sky-subtracted nanomaggies\."
_IMAGELESS = r"No image: inferred from photometry alone\."
# word for word as observe_fetched and the frames write them: others may hide what matters
_ROUTINE = re.compile(f"{_READING}|{_PLACE}|{_PIXELS}|{_IMAGELESS}", re.DOTALL)
_OPENING = re.compile(f"{_READING}(?= {_PLACE})", re.DOTALL)
_APART = re.compile(f"({_PLACE}|{_PIXELS}|{_IMAGELESS})")


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
    own = " ".join(target.notes)  # are among them, and come first
    found = notes.removeprefix(own) if own else notes
    said = [*(target.notes if found != notes else ()), *_part(found.strip())]
    return (*remarks, *sorted(said, key=is_routine))


def _part(notes: str) -> Iterator[str]:
    """Yield the sentences of notes, among which a name may hold full stops."""
    opening = _OPENING.match(notes)
    if opening is not None:
        yield opening[0]
        notes = notes[opening.end() :]
    for piece in _APART.split(notes):
        if piece.strip():
            yield from [piece] if is_routine(piece) else _SENTENCE.split(piece.strip())
