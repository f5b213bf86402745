"""What a column's unit makes of its numbers; None where the unit is no such unit at all."""

import re
from typing import Any, TypeAlias

from astropy import units as u
from astropy.constants import c

from galexplorer.tables.unit_texts import is_harmless

Mixin: TypeAlias = Any
"""A column of a table: astropy's own, a Quantity, or any other class of its mixins."""

UnitLike: TypeAlias = Any
"""A unit of astropy, which its stubs do not type."""

AB_ZERO_POINT_JY = 3631.0
"""Flux density of AB magnitude 0 (Oke & Gunn 1983), which is one maggy."""
NMGY_PER_JY = 1e9 / AB_ZERO_POINT_JY

_NOTHING = {"", "1", "none", "null", "unitless", "dimensionless", "---", "-", "--", "n/a"}
_MAGNITUDES = {
    **dict.fromkeys(
        ("mag", "mags", "magnitude", "magnitudes", "ab", "abmag", "abmags", "magab", "mag(ab)"), 1.0
    ),
    **dict.fromkeys(("mmag", "millimag", "mmag(ab)", "mabmag"), 1e-3),
}
_MAGGIES = {
    **dict.fromkeys(("nmgy", "nmaggy", "nmaggies", "nanomaggy", "nanomaggies", "nanomgy"), 1.0),
    **dict.fromkeys(("umgy", "micromaggy", "micromaggies"), 1e3),
    **dict.fromkeys(("mgy", "maggy", "maggies"), 1e9),
}
_JANSKYS = {
    **dict.fromkeys(("jy", "jansky", "janskys"), 1.0),
    **dict.fromkeys(("mjy", "millijansky", "millijanskys"), 1e-3),
    **dict.fromkeys(("ujy", "\u00b5jy", "\u03bcjy", "microjy", "microjansky", "muJy"), 1e-6),
    **dict.fromkeys(("njy", "nanojansky", "nanojy", "nanojanskys"), 1e-9),
}
_ANGLES = {
    **dict.fromkeys(("deg", "degs", "degree", "degrees", "\u00b0", "ddeg"), 1.0),
    **dict.fromkeys(("rad", "radian", "radians"), 57.29577951308232),
    **dict.fromkeys(("arcmin", "arcmins", "arcminute", "arcminutes", "'", "amin"), 1 / 60),
    **dict.fromkeys(("arcsec", "arcsecs", "arcsecond", "arcseconds", '"', "asec"), 1 / 3600),
    **dict.fromkeys(("hourangle", "hour", "hours", "hr", "hrs", "h"), 15.0),
}
SEXAGESIMAL = {"h:m:s", "hms", "hh:mm:ss", "d:m:s", "dms", "dd:mm:ss", "hmsdms", "sexagesimal"}
_DISTINCT = {*_MAGNITUDES, *_MAGGIES, *_JANSKYS, *_ANGLES} - {"ab", "'", '"', "h", "mag(ab)"}


def unit_text(column: Mixin) -> str:
    """Return a column's unit as it is written, empty where it has none."""
    unit = getattr(column, "unit", None)
    text = "" if unit is None else str(unit).strip().strip("\"'[]").strip()
    return "" if text.lower() in _NOTHING else text


def magnitude_per(text: str) -> float | None:
    """Return the worth in magnitudes (AB) of a unit, such as 0.001 of ``mmag``."""
    plain = re.sub(r"[\s_-]", "", text.lower())
    if plain in _MAGNITUDES:
        return _MAGNITUDES[plain]
    unit = _parse(text)
    # dex and dB would be converted too, and are nobody's unit of magnitudes
    if unit is None or not re.fullmatch(r"[A-Za-z]{0,2}mag", str(unit)):
        return None
    return float(unit.to(u.mag))


def nmgy_per(text: str) -> float | None:
    """Return the worth in nanomaggies of a unit of flux density, such as ``nJy``.

    Examples
    --------
    >>> round(nmgy_per("uJy"), 4)  # 1 nanomaggy is 3.631 uJy
    0.2754
    """
    plain = re.sub(r"[\s_]", "", text.lower())
    if plain in _MAGGIES:
        return _MAGGIES[plain]
    unit = _parse(text)
    if unit is not None and not isinstance(unit, u.function.FunctionUnitBase):
        return float(unit.to(u.Jy)) * NMGY_PER_JY if unit.is_equivalent(u.Jy) else None
    return _JANSKYS[plain] * NMGY_PER_JY if plain in _JANSKYS else None


def inverse_nmgy_per(text: str) -> float | None:
    """Return the worth of a unit of inverse variance in nanomaggies to the power of -2."""
    match = re.fullmatch(
        r"1\s*/\s*\(?([^()]*?)\)?\s*(?:\^|\*\*)?\s*2|\(?([^()]*?)\)?\s*(?:\^|\*\*)?\s*\(?-\s*2\)?",
        text.strip(),
    )
    worth = nmgy_per(match[1] or match[2]) if match else None
    return None if worth is None else worth**-2


def degrees_per(text: str, hours: bool = False) -> float | None:
    """Return the worth in degrees of a unit of angle; hours only where they are `hours`."""
    plain = re.sub(r"[\s_]", "", text.lower())
    worth = _ANGLES.get(plain)
    if worth is None:
        unit = _parse(text)
        fits = unit is not None and not isinstance(unit, u.function.FunctionUnitBase)
        worth = float(unit.to(u.deg)) if fits and unit.is_equivalent(u.deg) else None
    return None if worth == 15.0 and not hours else worth


def arcsec_per_pixel_per(text: str) -> float | None:
    """Return the worth in arcsec per pixel of a unit of pixel scale."""
    worth = degrees_per(re.sub(r"\s*(/|per)?\s*pix(el)?s?(-1|\^-1)?\s*$", "", text, flags=re.I))
    return None if worth is None else 3600.0 * worth


def redshift_per(text: str) -> float | None:
    """Return what a velocity's unit makes of it as a redshift, cz / c."""
    unit = _parse(text)
    if unit is None or isinstance(unit, u.function.FunctionUnitBase):
        return None
    if unit.is_equivalent(u.one):
        return float(unit.to(u.one))
    return float((1 * unit).to(u.km / u.s) / c) if unit.is_equivalent(u.km / u.s) else None


def split_name(name: str) -> tuple[str, str]:
    """Part ``petro_r50 [arcmin]`` into a column's name and its unit, empty where there is none."""
    match = re.fullmatch(r"(.*?\S)\s*[\[(]([^\[\]]+)[\])]", name.strip())
    if match is None:
        return name, ""
    words = match[2].strip()
    plain = re.sub(r"[\s_]", "", words.lower())
    known = plain in _DISTINCT or plain in SEXAGESIMAL | {"mag(ab)", "ab", "h"} or _parse(words)
    return (match[1], words) if known else (name, "")


def is_unit_row(cells: list[str]) -> bool:
    """Tell whether the row below a header holds units."""
    filled = [cell.strip().strip("\"'[]()").lower() for cell in cells if cell.strip()]
    distinct = [cell for cell in filled if cell in _DISTINCT or cell in SEXAGESIMAL]
    return len(distinct) > 0 and all(
        cell in _DISTINCT or cell in _NOTHING or cell in SEXAGESIMAL or _parse(cell) is not None
        for cell in filled
    )


def _parse(text: str) -> UnitLike:
    if not is_harmless(text):
        return None
    for format in (None, "cds", "vounit"):
        try:
            return u.Unit(text, format=format)
        except (ValueError, TypeError):
            continue
    return None
