"""What a user typed: a name, a position, or an SDSS objID.

A wrong guess is silent (10.68 read as hours is RA 160), so the form is told by the whole text,
whatever fits no form or more than one is refused, and every reading is echoed back.
"""

import math
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from galexplorer.errors import TargetError
from galexplorer.objids import decode_objid, decode_specobjid

_FILE_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)
MAX_LENGTH = 200
MAX_TOLERANCE_ARCSEC = 180.0
RERUN = 301
"""Of every objID since DR8."""

EXAMPLES = "NGC 5332, 162.184 +26.054, 10h48m44.2s +26d03m13s or an SDSS objID"

_MINUS = "\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d\u207b"
_PRIMES = {"\u2032": "'", "\u2019": "'", "\u2018": "'", "\u00b4": "'", "\u02b9": "'", "`": "'"}
_SECONDS = {"\u2033": '"', "\u201d": '"', "\u201c": '"', "\u02ba": '"', "\uff02": '"'}
_DEGREES = {"\u00ba": "\u00b0", "\u02da": "\u00b0", "\u2070": "\u00b0"}
_TABLE = str.maketrans({**dict.fromkeys(_MINUS, "-"), **_PRIMES, **_SECONDS, **_DEGREES})

_WORDS = (
    (r"(?:degrees|degree|degs|deg)(?![a-z])|°", "d"),
    (r"(?:hours|hour|hrs|hr)(?![a-z])", "h"),
    (r"(?:arc)?(?:minutes|minute|mins|min)(?![a-z])|'(?!')", "m"),
    (r"(?:arc)?(?:seconds|second|secs|sec)(?![a-z])|''|\"", "s"),
)
_RA_LABEL = r"(?:right\s*ascension|r\.\s*a\.|ra|α)(?:[_\s]?\(?(?:j2000(?:\.0)?|deg)\)?)?\s*[=:]?"
_DEC_LABEL = r"(?:declination|decl?\.?|de|δ)(?:[_\s]?\(?(?:j2000(?:\.0)?|deg)\)?)?\s*[=:]?"
_LABELLED = (
    re.compile(
        rf"{_RA_LABEL}(?P<ra>[^a-zα-ω=]*(?:[hdms][^a-zα-ω=]*)*)[,;&]?\s*{_DEC_LABEL}(?P<dec>.*)"
    ),
    re.compile(
        rf"{_DEC_LABEL}(?P<dec>[^a-zα-ω=]*(?:[hdms][^a-zα-ω=]*)*)[,;&]?\s*{_RA_LABEL}(?P<ra>.*)"
    ),
)
_OLD_EQUINOX = re.compile(r"\b(b\s?1950(\.0)?|fk4)\b")
_EQUINOX = re.compile(r"\(?\b(?:j\s?2000(?:\.0)?|icrs|fk5)\b\)?[:,]?")
_COORDINATES = re.compile(r"[-+\d.][-+\d\s.,:;/|hmsd]*")
_DESIGNATION = re.compile(
    r"(?:(?:sdssp?|iau)?[\s_-]*j\s*|sdss[\s_-]+)?(?P<ra>\d{4,})(?P<ra_part>\.\d+)?\s*(?P<sign>[+-])\s*"
    r"(?P<dec>\d{4,})(?P<dec_part>\.\d+)?"
)
_OBJID = re.compile(r"(?:(?:sdss)?[\s_-]*obj[\s_-]?id\s*[=:#]?|sdss\s+)?\s*(\d{15,20})")
_NUMBER = r"(?>\d+\.?\d*|\.\d+)"  # whole: zeros without end would part into three in all ways
_ANGLE = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<a>{_NUMBER})\s*(?P<ua>[hd:])?\s*"
    rf"(?:(?P<b>{_NUMBER})\s*(?P<ub>[m:])?\s*(?:(?P<c>{_NUMBER})\s*(?P<uc>s)?)?)?"
)


@dataclass(frozen=True)
class Reading:
    """How a text was understood.

    Attributes
    ----------
    kind : {"name", "position", "objid"}
    text : str
        The text, with its spaces tidied.
    ra, dec : float or None
        ICRS degrees, for a position.
    objid : int or None
        SDSS photometric identifier, of DR8 or later.
    tolerance_arcsec : float
        How far the galaxy may lie from the position because its digits are truncated.
    """

    kind: Literal["name", "position", "objid"]
    text: str
    ra: float | None = None
    dec: float | None = None
    objid: int | None = None
    tolerance_arcsec: float = 0.0

    @property
    def echo(self) -> str:
        """Words that tell the user how the text was read."""
        if self.objid is not None:
            field = decode_objid(self.objid)
            return (
                f"read as SDSS objID {self.objid} (run {field.run}, rerun {field.rerun}, "
                f"camcol {field.camcol}, field {field.field})"
            )
        if self.ra is None or self.dec is None:
            return f"read as the name {self.text}"
        words = f"read as RA {self.ra:.5f}°, Dec {self.dec:+.5f}°"
        if self.tolerance_arcsec >= 1:
            words += f", to {self.tolerance_arcsec:.0f}″"
        return words


def parse_target(text: str) -> Reading:
    """Read a name, a position or an SDSS objID.

    Parameters
    ----------
    text : str
        As typed or pasted. Decimal degrees, sexagesimal hours and degrees with colons, spaces
        or unit letters and signs, labels such as ``RA=``, IAU designations (``J1048...``).

    Returns
    -------
    Reading

    Raises
    ------
    TargetError
        If the text is empty or too long, or looks like a position and is impossible,
        ambiguous, incomplete, or of another equinox.

    Examples
    --------
    >>> parse_target("10:48:44.2 +26:03:13").echo
    'read as RA 162.18417°, Dec +26.05361°'
    """
    tidy = _tidy(text)
    if not tidy:
        raise TargetError(f"No target was given: type {EXAMPLES}.")
    if len(tidy) > MAX_LENGTH:
        raise TargetError(f"The target is longer than {MAX_LENGTH} characters: type {EXAMPLES}.")
    plain = tidy.lower()
    if match := _OBJID.fullmatch(plain):
        return Reading("objid", tidy, objid=_check_objid(match[1]))
    if match := _DESIGNATION.fullmatch(plain):
        return _read_designation(tidy, match)
    body = _translate_units(plain)
    if _OLD_EQUINOX.search(body) and re.search(r"\d[\s.:hd,]", _OLD_EQUINOX.sub("", body)):
        raise TargetError(f"'{tidy}' is of equinox B1950: give J2000 (ICRS) coordinates.")
    body = _EQUINOX.sub(" ", body).strip(" ,;()[]{}<>") or body
    if re.match(r"(gal(actic)?\b|l\s*=|glon)", body) and re.search(r"\d", body):
        raise TargetError(f"'{tidy}' is in galactic coordinates: give RA and Dec.")
    for pattern in _LABELLED:
        if match := pattern.fullmatch(body):
            return _position(tidy, match["ra"], match["dec"])
    if re.fullmatch(rf"(?:{_RA_LABEL}|{_DEC_LABEL})\s*{_COORDINATES.pattern}", body):
        raise TargetError(f"'{tidy}' gives one coordinate: give both RA and Dec.")
    if _COORDINATES.fullmatch(body):
        return _position(tidy, *_split(tidy, body))
    if not re.search(r"[^\W_]", tidy):
        raise TargetError(f"'{tidy}' is neither a name nor a position: type {EXAMPLES}.")
    return Reading("name", tidy)


def _tidy(text: str) -> str:
    mapped = unicodedata.normalize("NFKC", text.translate(_TABLE)).translate(_TABLE)
    kept = "".join(
        " " if unicodedata.category(mark) in ("Cc", "Zs", "Zl", "Zp") else mark
        for mark in mapped
        if unicodedata.category(mark) != "Cf"
    )
    kept = " ".join(kept.split())
    return kept.strip(" ,;")


def _translate_units(plain: str) -> str:
    for pattern, letter in _WORDS:
        plain = re.sub(rf"(?<=[\d.])\s*(?:{pattern})", letter, plain)
    # 44s.2 is an old way to write 44.2s
    return re.sub(r"(\d)\s*([hdms])\.(\d+)", r"\1.\3\2", plain)


def _check_objid(digits: str) -> int:
    objid = int(digits)
    version, field = objid >> 59, decode_objid(objid)
    spectrum = decode_specobjid(objid)
    if spectrum is not None and not (version == 2 and field.rerun == RERUN):
        plate, mjd, fibre = spectrum
        raise TargetError(
            f"{digits} is a specObjID (plate {plate}, MJD {mjd}, fibre {fibre}), not an objID: "
            "give the galaxy's objID (1237...) or its position."
        )
    if version == 1:
        raise TargetError(
            f"{digits} is an objID of SDSS DR7 or earlier: give that of DR8 or later (1237...), "
            "or the position."
        )
    if version != 2 or not 1 <= field.camcol <= 6 or not field.run or not field.field:
        raise TargetError(
            f"{digits} is no SDSS photometric objID: check its digits (19, from 1237...), or give "
            "the position."
        )
    return objid


def _read_designation(tidy: str, match: re.Match[str]) -> Reading:
    ra, ra_unit = _unpack(tidy, match["ra"], match["ra_part"], hours=True)
    dec, dec_unit = _unpack(tidy, match["dec"], match["dec_part"], hours=False)
    dec = -dec if match["sign"] == "-" else dec
    _check_range(tidy, 15 * ra, dec)
    # IAU designations are truncated, not rounded: the galaxy lies within one unit.
    width = 15 * ra_unit * math.cos(math.radians(dec))
    tolerance = 3600 * math.hypot(width, dec_unit)
    if tolerance > MAX_TOLERANCE_ARCSEC:
        raise TargetError(
            f"'{tidy}' tells the position only to {tolerance / 60:.0f} arcmin: give seconds."
        )
    return Reading("position", tidy, 15 * ra, dec, tolerance_arcsec=tolerance)


def _unpack(tidy: str, digits: str, part: str | None, hours: bool) -> tuple[float, float]:
    """Return HHMMSS.s or DDMMSS.s as a number, and the worth of its last digit."""
    if part is not None and len(digits) not in (4, 6):
        raise TargetError(
            f"'{tidy}' is no designation that can be read: write J104844.20+260313.2."
        )
    first, rest = int(digits[:2]), digits[2:]
    minutes, seconds, worth = int(rest[:2]), 0.0, 60.0
    tail = rest[2:] + (part or "").removeprefix(".")
    if len(digits) == 4 or len(digits) == 5:
        seconds = 60.0 * float(f"0.{tail}") if tail else 0.0
        worth = 60.0 * 10.0 ** -len(tail)
    else:
        seconds = float(f"{tail[:2]}.{tail[2:]}0")
        worth = 10.0 ** -(len(tail) - 2)
    _check_parts(tidy, float(first), float(minutes), seconds, 24 if hours else 90)
    return first + minutes / 60 + seconds / 3600, worth / 3600


def _split(tidy: str, body: str) -> tuple[str, str]:
    """Cut a text of two coordinates between them."""
    commas = body.count(",")
    if commas == 5:
        body = body.replace(",", " ")
    elif commas > 1:
        raise TargetError(
            f"'{tidy}' may have decimal commas: write decimal points, such as 162.184 +26.054."
        )
    for mark in ",;/|":
        if body.count(mark) == 1:
            first, second = body.split(mark)
            return first, second
    signs = [match.start() for match in re.finditer(r"[+-]", body) if match.start() > 0]
    if len(signs) == 1:
        return body[: signs[0]], body[signs[0] :]
    if len(signs) > 1:
        raise TargetError(f"'{tidy}' has too many signs for a position: type {EXAMPLES}.")
    if match := re.fullmatch(r"([^d]*h[^d]*s)\s*(\d[^d]*d.*)", body):
        return match[1], match[2]
    words = body.split()
    if len(words) not in (2, 4, 6):
        raise TargetError(
            f"'{tidy}' holds {len(words)} number{'s' if len(words) > 1 else ''}, which is no "
            f"position: type {EXAMPLES}."
        )
    half = len(words) // 2
    return " ".join(words[:half]), " ".join(words[half:])


def _position(tidy: str, ra_text: str, dec_text: str) -> Reading:
    ra = _read_angle(tidy, ra_text, hours=True)
    dec = _read_angle(tidy, dec_text, hours=False)
    _check_range(tidy, ra % 360.0 if -180 <= ra < 0 else ra, dec)
    return Reading("position", tidy, ra % 360.0, dec)


def _read_angle(tidy: str, text: str, hours: bool) -> float:
    """Return degrees; a right ascension in parts is in hours unless it says degrees."""
    name = "RA" if hours else "Dec"
    match = _ANGLE.fullmatch(text.strip(" ,;&()[]"))
    if match is None:
        raise TargetError(f"The {name} of '{tidy}' cannot be read: type {EXAMPLES}.")
    a, b, c = (None if match[k] is None else float(match[k]) for k in "abc")
    assert a is not None
    unit = match["ua"]
    if unit == "h" and not hours:
        raise TargetError(f"The Dec of '{tidy}' is in hours: give degrees.")
    if b is None:
        if unit == ":":
            raise TargetError(f"The {name} of '{tidy}' cannot be read: type {EXAMPLES}.")
        value = a
    else:
        if "." in match["a"] or (c is not None and "." in match["b"]):
            raise TargetError(
                f"The {name} of '{tidy}' has a decimal point before its last number: check it."
            )
        limit = 24 if hours and unit != "d" else 360 if hours else 90
        _check_parts(tidy, a, b, c or 0.0, limit)
        value = a + b / 60 + (c or 0.0) / 3600
    in_hours = unit == "h" or (hours and b is not None and unit != "d")
    if in_hours and value >= 24:
        raise TargetError(f"The RA of '{tidy}' is beyond 24 hours: write degrees as 162.184.")
    return (15 if in_hours else 1) * (-value if match["sign"] == "-" else value)


def _check_parts(tidy: str, first: float, minutes: float, seconds: float, limit: int) -> None:
    if minutes >= 60 or seconds >= 60:
        raise TargetError(f"'{tidy}' has minutes or seconds of 60 or more: check its digits.")
    if limit == 24 and first >= 24:
        raise TargetError(
            f"'{tidy}' has an RA beyond 24 hours: write degrees as 162.184 or 162d11m03s."
        )


def _check_range(tidy: str, ra: float, dec: float) -> None:
    if not 0 <= ra <= 360:
        raise TargetError(f"'{tidy}' has an RA of {ra:g}°: it must lie between 0° and 360°.")
    if not -90 <= dec <= 90:
        raise TargetError(f"'{tidy}' has a Dec of {dec:+g}°: it must lie between -90° and +90°.")


def names_galaxy(texts: Sequence[str]) -> bool:
    """Tell a galaxy to look up from files to read.

    Parameters
    ----------
    texts : sequence of str
        As typed; the words of one target may have been split.

    Returns
    -------
    bool
        False where one of them is a file that exists or looks like the path of one.

    Examples
    --------
    >>> names_galaxy(["NGC", "5332"]), names_galaxy(["cutout.fits"])
    (True, False)
    """
    try:
        if not texts or any(Path(text).exists() for text in texts):
            return False
    except (OSError, ValueError):  # too long for a path, or with a null byte in it
        return True
    return not any(
        _FILE_SUFFIX.search(text) or (_has_folder(text) and not _is_position(text))
        for text in texts
    )


def _has_folder(text: str) -> bool:
    return os.sep in text or "/" in text or "\\" in text


def _is_position(text: str) -> bool:
    """Return whether a text with a slash is a position, as in 162.184/26.054."""
    try:
        return parse_target(text).kind != "name"
    except TargetError:
        return False
