"""Texts of units, judged before astropy parses them: it would compute 10**99999999 in full."""

import re
from collections.abc import Iterable

from galexplorer.errors import InputError

MAX_UNIT = 200
_LONG_INTEGER = re.compile(r"(?<![\d.])\d{6,}")
_HUGE_POWER = re.compile(
    r"(\*\*|\^)\s*\(?\s*[-+]?\d{6,}|(?<![\w.])(?:\d+x)?10\s*[-+(]\s*[-+]?\d{6,}"
)
_UNIT_ATTRIBUTE = re.compile(rb"\bunit\s*=\s*(\"[^\"]*\"|'[^']*')")


def is_harmless(text: str) -> bool:
    """Tell whether astropy can parse the text of a unit in no time.

    Examples
    --------
    >>> is_harmless("10**-17 erg/s/cm2"), is_harmless("10**99999999 Jy")
    (True, False)
    """
    return len(text) <= MAX_UNIT and not _LONG_INTEGER.search(text)


def check_xml_units(content: bytes, label: str) -> None:
    """Refuse a VOTable that declares a unit which is not harmless.

    Raises
    ------
    InputError
        If it does.
    """
    for match in _UNIT_ATTRIBUTE.finditer(content):
        text = match[1][1:-1].decode("utf-8", "replace")
        check_unit(text if "&#" not in text else "9" * MAX_UNIT, label)  # digits in disguise


def check_text_units(lines: Iterable[str], label: str) -> None:
    """Refuse the header of a text whose units have powers that nobody needs.

    Raises
    ------
    InputError
        If it has.
    """
    for line in lines:
        if _HUGE_POWER.search(line):
            check_unit(line + "9" * MAX_UNIT, label)


def check_unit(text: str, label: str) -> None:
    """Refuse a unit that is not harmless.

    Raises
    ------
    InputError
        If it is not.
    """
    if not is_harmless(text):
        shown = " ".join(text.split())[:40]
        raise InputError(
            f"{label} states a unit with a number of six or more digits ({shown}): correct the "
            "unit, or leave it out."
        )
