"""A list of targets as text that is read back as the same list: lines, or a CSV table."""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import replace

from galexplorer.errors import InputError
from galexplorer.query.target_list import KNOWN_REDSHIFT, Target, read_targets
from galexplorer.schema import BANDS

_COLUMNS = (
    *("name", "id", "ra", "dec", "redshift", KNOWN_REDSHIFT),
    *(*BANDS, *(f"err_{band}" for band in BANDS), "petro_r50", "petro_r90"),
    *("redshift_min", "redshift_max", "redshift_prior_mean", "redshift_prior_sigma"),
)
_PLAIN = re.compile(r"\w[\w .+-]*")
"""Names that need no quotes."""
_PLACE = re.compile(r"(?P<ra>.*\S)\s+(?P<dec>[+-].*|\S+)")


def spell_targets(targets: Sequence[Target]) -> str:
    """Return a list as `galexplorer.query.target_list.read_targets` takes it.

    Parameters
    ----------
    targets : sequence of Target

    Returns
    -------
    str
        One target a line, its redshift after a comma where that is held fixed, if each line is read
        back as its target; else a CSV table. What does not come back are notes on cells that were
        taken as missing, and the name of a row that a table takes for a gap, such as ``none``.

    Examples
    --------
    >>> print(spell_targets([Target("NGC 5332", "NGC 5332"), Target("M 51", "M 51", 0.0015)]))
    NGC 5332
    M 51, 0.0015
    >>> print(spell_targets([Target("mine", "162.184160 +26.053690", 0.0258)]))
    name,ra,dec,redshift
    mine,162.184160,+26.053690,0.0258
    """
    lines = [_line(target) for target in targets]
    if all(map(_is_read_back, lines, targets)):
        return "\n".join(lines)
    pictured = any(target.photometry is not None for target in targets)
    rows = [_cells(target, pictured) for target in targets]
    names = [name for name in _COLUMNS if any(name in row for row in rows)]
    written = io.StringIO()
    written.write(",".join(names) + "\n")
    plain = all(_PLAIN.fullmatch(target.label) for target in targets)
    table = csv.DictWriter(
        written,
        names,
        lineterminator="\n",
        quoting=csv.QUOTE_MINIMAL if plain else csv.QUOTE_ALL,
    )
    table.writerows(rows)
    return written.getvalue().rstrip("\n")


def _line(target: Target) -> str:
    return target.text if target.redshift is None else f"{target.text}, {target.redshift!r}"


def _is_read_back(line: str, target: Target) -> bool:
    """Return whether a line is neither a remark, a header nor several, and says all of a target."""
    try:
        return read_targets(line.encode()).targets == (replace(target, notes=()),)
    except InputError:
        return False


def _cells(target: Target, pictured: bool) -> dict[str, str]:
    """Return what a row of a table has of a target, by column."""
    cells = {"name": target.label}
    if not target.text:
        # beside magnitudes an identifier is no name to look up; elsewhere it would be one
        cells = {"id": target.label} if pictured else {"name": ""}
    place = _PLACE.fullmatch(target.text)
    if target.label != target.text and place is not None:
        cells |= {"ra": place["ra"], "dec": place["dec"]}
    numbers = {"redshift": target.redshift, KNOWN_REDSHIFT: target.known_redshift}
    if target.photometry is not None:
        own = target.photometry
        numbers |= {**own.magnitudes, **{f"err_{band}": e for band, e in own.errors.items()}}
        numbers |= {"petro_r50": own.petro_r50, "petro_r90": own.petro_r90}
    for names, pair in (
        (("redshift_min", "redshift_max"), target.redshift_range),
        (("redshift_prior_mean", "redshift_prior_sigma"), target.redshift_prior),
    ):
        numbers |= dict(zip(names, pair or (), strict=False))
    # what was no number is one no more: the row is refused with the same words
    spelled = {k: "?" if math.isnan(v) else repr(v) for k, v in numbers.items() if v is not None}
    return cells | spelled
