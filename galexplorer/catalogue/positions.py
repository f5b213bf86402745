"""Right ascension and declination in degrees, however a table writes them."""

import re
from dataclasses import dataclass, field

import numpy as np
from astropy.coordinates import BaseCoordinateFrame, SkyCoord

from galexplorer.catalogue.column_lookup import Named, Names
from galexplorer.errors import InputError
from galexplorer.tables.cells import is_missing, numbers_of
from galexplorer.tables.units import SEXAGESIMAL, degrees_per

_PAIRS = (
    ("ra", "dec"),
    ("raj2000", "dej2000"),
    ("raj2000", "decj2000"),
    ("ra_icrs", "de_icrs"),
    ("ra_icrs", "dec_icrs"),
    ("_raj2000", "_dej2000"),
    ("_ra_icrs", "_de_icrs"),
    ("ra_deg", "dec_deg"),
    ("radeg", "dedeg"),
    ("radeg", "decdeg"),
    ("alpha_j2000", "delta_j2000"),
    ("alphawin_j2000", "deltawin_j2000"),
    ("ra_j2000", "dec_j2000"),
    ("right_ascension", "declination"),
    ("target_ra", "target_dec"),
    ("s_ra", "s_dec"),
    ("ramean", "decmean"),
    ("ra", "de"),
    ("ra", "decl"),
    ("_ra", "_de"),
    ("ra_hms", "dec_dms"),
)
_HOUR_PAIRS = (("ra_hours", "dec_deg"), ("ra_hours", "dec"), ("ra_hour", "dec"))
_RADIAN_PAIRS = (("ra_rad", "dec_rad"),)
_PARTS = ("rah", "ram", "ras", "ded", "dem", "des")
POSITION_KEYS = frozenset(
    [key for pairs in (_PAIRS, _HOUR_PAIRS, _RADIAN_PAIRS) for pair in pairs for key in pair]
)
"""Names of columns of right ascension or declination."""

_STATIC_FRAMES = {"icrs", "fk5", "fk4", "fk4noeterms", "galactic", "supergalactic"}
_ANGLE = re.compile(
    r"(?P<sign>[+\u2212-]?)\s*(?P<a>\d{1,3})\s*(?P<unit>[hd:\s\u00b0])\s*(?P<b>\d{1,2}(?:\.\d*)?)"
    r"\s*(?:[m:\s'\u2032]\s*(?:(?P<c>\d{1,2}(?:\.\d*)?)\s*(?:s|\"|\u2033|'')?)?)?"
)


@dataclass
class Positions:
    """Positions of a table's rows.

    Attributes
    ----------
    ra, dec : ndarray, shape (n,), or None
        Degrees, ICRS; NaN where missing.
    unreadable : dict of str to ndarray, shape (n,), bool
    notes : list of str
    """

    ra: np.ndarray | None = None
    dec: np.ndarray | None = None
    unreadable: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def has_positions(names: Names) -> bool:
    """Tell whether a table has right ascension and declination in one form or another."""
    pairs = (*_PAIRS, *_HOUR_PAIRS, *_RADIAN_PAIRS)
    if any(all(names.all(key) for key in keys) for keys in pairs):
        return True
    mixins = (names.table[name] for name in names.table.colnames)
    parts = all(names.all(key) for key in ("rah", "ram", "ded", "dem"))
    return parts or any(isinstance(own, SkyCoord | BaseCoordinateFrame) for own in mixins)


def read_positions(names: Names) -> Positions:
    """Read right ascension and declination.

    From a pair of columns in any unit of angle, sexagesimal too; from a column of astropy's
    SkyCoord; or from the hours, minutes and seconds of a CDS table.

    Parameters
    ----------
    names : Names

    Returns
    -------
    Positions

    Raises
    ------
    InputError
        If a unit is no angle, or a frame depends on time and place.
    """
    found = Positions()
    for pairs, unit in ((_PAIRS, ""), (_HOUR_PAIRS, "hourangle"), (_RADIAN_PAIRS, "rad")):
        for keys in pairs:
            pair = [names.find(key) for key in keys]
            if pair[0] is None or pair[1] is None:
                continue
            units = (unit, unit if unit == "rad" else "")
            for role, named, own in zip(("ra", "dec"), pair, units, strict=True):
                assert named is not None
                _read_column(names, role, named, own, found)
            if keys[0] != "ra":
                found.notes.append(f"Positions were read from {pair[0].name} and {pair[1].name}.")
            return found
    if _read_mixin(names, found) or _read_parts(names, found):
        return found
    for role in ("ra", "dec"):
        named = names.find(role)
        if named is not None:
            _read_column(names, role, named, "", found)
    return found


def _read_column(names: Names, role: str, named: Named, unit: str, found: Positions) -> None:
    column = named.column
    texts = not hasattr(column, "dtype") or column.dtype.kind in "OUS"
    unit = named.unit or unit
    sexagesimal = re.sub(r"[\s_\"]", "", unit.lower()) in SEXAGESIMAL
    if texts and getattr(column, "ndim", 1) == 1:
        values, unreadable = _read_texts(names, role, named, sexagesimal)
    else:
        values, unreadable = numbers_of(column, named.name, names.label)
    if unit and not sexagesimal:
        worth = degrees_per(unit, hours=role == "ra")
        if worth is None:
            raise names.refuse_unit(named, "unit of angle for " + role)
        if worth != 1.0:
            plain = np.isfinite(values) & ~np.isclose(np.abs(values), 9999.0)
            values = np.where(plain, values * worth, values)
            found.notes.append(f"Column {named.name} was converted from {unit} to degrees.")
    names.take(role, named)
    setattr(found, role, values)
    found.unreadable[role] = unreadable


def _read_texts(
    names: Names, role: str, named: Named, sexagesimal: bool
) -> tuple[np.ndarray, np.ndarray]:
    items = [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else item
        for item in named.column.tolist()
    ]
    if not any(isinstance(item, str) and _ANGLE.fullmatch(item.strip()) for item in items):
        return numbers_of(named.column, named.name, names.label)
    values = np.full(len(items), np.nan)
    unreadable = np.zeros(len(items), bool)
    for k, item in enumerate(items):
        if is_missing(item):
            continue
        angle = _angle(str(item), hours=role == "ra")
        if angle is None:
            try:
                # beside sexagesimal values a bare number is in degrees only where no unit says else
                angle = None if sexagesimal else float(item)
            except ValueError:
                angle = None
        unreadable[k] = angle is None
        values[k] = np.nan if angle is None else angle
    return values, unreadable


def _angle(text: str, hours: bool) -> float | None:
    """Return degrees; a right ascension in parts is in hours unless it says degrees."""
    match = _ANGLE.fullmatch(text.strip().lower())
    if match is None:
        return None
    a, b, c = float(match["a"]), float(match["b"]), float(match["c"] or 0.0)
    in_hours = hours and match["unit"] not in "d\u00b0"
    if b >= 60 or c >= 60 or (in_hours and a >= 24) or (not hours and match["unit"] == "h"):
        return None
    value = (15.0 if in_hours else 1.0) * (a + b / 60 + c / 3600)
    return -value if match["sign"] in ("-", "\u2212") else value


def _read_mixin(names: Names, found: Positions) -> bool:
    for name in names.table.colnames:
        column = names.table[name]
        if not isinstance(column, SkyCoord | BaseCoordinateFrame):
            continue
        frame = column.frame.name if isinstance(column, SkyCoord) else column.name
        if frame not in _STATIC_FRAMES:
            raise InputError(
                f"column {name} of {names.label} is in the frame {frame}, which depends on time "
                "and place: give ICRS."
            )
        icrs = SkyCoord(column).icrs
        found.ra, found.dec = np.asarray(icrs.ra.deg), np.asarray(icrs.dec.deg)
        names.used["position"] = name
        found.notes.append(f"Positions were read from {name}.")
        return True
    return False


def _read_parts(names: Names, found: Positions) -> bool:
    parts = {key: names.find(key) for key in _PARTS}
    if any(parts[key] is None for key in ("rah", "ram", "ded", "dem")):
        return False
    values, bad = {}, np.zeros(len(names.table), bool)
    for key, named in parts.items():
        if named is None:
            values[key] = np.zeros(len(names.table))
            continue
        values[key], unreadable = numbers_of(named.column, named.name, names.label)
        bad |= unreadable | np.isnan(values[key])
        names.used[f"position_{key}"] = named.name
    sign = names.find("de_")
    negative = np.zeros(len(names.table), bool)
    if sign is not None:
        negative = np.array([str(item).strip().startswith("-") for item in sign.column.tolist()])
        names.used["position_sign"] = sign.name
    ra = 15 * (values["rah"] + values["ram"] / 60 + values["ras"] / 3600)
    dec = values["ded"] + values["dem"] / 60 + values["des"] / 3600
    found.ra = np.where(bad, np.nan, ra)
    found.dec = np.where(bad, np.nan, np.where(negative, -dec, dec))
    found.notes.append("Positions were read from hours, minutes and seconds in RAh ... DEs.")
    return True
