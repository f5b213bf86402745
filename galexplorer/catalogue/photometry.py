"""Magnitudes of every band, from whatever magnitudes or fluxes a table has."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from galexplorer.catalogue.column_lookup import Named, Names, key_of, list_names
from galexplorer.catalogue.column_names import (
    CANONICAL,
    EXTINCTIONS,
    FAMILIES,
    PETROSIAN,
    SDSS_DUST,
    UNSUITABLE,
    Family,
    spell,
)
from galexplorer.catalogue.dust import DustOf, choose_dust, find_clouds, read_extinction
from galexplorer.catalogue.limits import clear_fluxes, clear_sentinels
from galexplorer.errors import InputError
from galexplorer.records.asinh import (
    COMMON_FROM_S_TO_N,
    SOFTENING,
    asinh_magnitude,
    limit_magnitude,
)
from galexplorer.schema import BANDS, IMAGE_BANDS
from galexplorer.tables.cells import limits_of, numbers_of
from galexplorer.tables.units import inverse_nmgy_per, magnitude_per, nmgy_per

ZERO_POINT_NMGY = 22.5
"""AB magnitude of one nanomaggy."""
_MAG_PER_RELATIVE_ERROR = 2.5 / np.log(10.0)


@dataclass
class Photometry:
    """Photometry of a table's rows; a column is there for each band that the table has.

    Attributes
    ----------
    magnitudes, errors, petro : dict of str to ndarray, shape (n,)
        AB magnitudes by band, without Galactic extinction as far as the notes say.
    unreadable : dict of str to ndarray, shape (n,), bool
        By quantity, such as ``g`` or ``err_g``.
    undetected : dict of str to ndarray, shape (n,), bool
        Where a band was observed and its flux does not exceed its error, by band.
    limits : dict of str to ndarray, shape (n,), bool
        Where a band has an upper limit or a flux within five errors, given as asinh magnitude.
    dusty : dict of str to ndarray, shape (n,), bool
        Where a band lacks its extinction, and so has no magnitude, by band.
    notes : list of str
    """

    magnitudes: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    petro: dict[str, np.ndarray] = field(default_factory=dict)
    unreadable: dict[str, np.ndarray] = field(default_factory=dict)
    undetected: dict[str, np.ndarray] = field(default_factory=dict)
    limits: dict[str, np.ndarray] = field(default_factory=dict)
    dusty: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def has_photometry(names: Names) -> bool:
    """Tell whether a table has magnitudes or fluxes of any band."""
    return any(_bands(family, names) for family in FAMILIES)


def read_photometry(names: Names, reddening: Callable[[], np.ndarray] | None = None) -> Photometry:
    """Read magnitudes, errors and Petrosian magnitudes.

    All magnitudes are of one kind, the first of `galexplorer.catalogue.column_names.FAMILIES` with
    two of g, r and i, since colours of mixed kinds are wrong. A unit of flux makes a flux of any
    column. Within five errors of zero it is an asinh magnitude, which exists for any flux; without
    an error, a flux that is not positive gives none.

    Parameters
    ----------
    names : Names
    reddening : callable, optional
        Given where magnitudes that do not tell have Galactic extinction in them: it is removed by
        the table's own columns, and where there are none by E(B-V), shape (n,), which this returns.

    Returns
    -------
    Photometry

    Raises
    ------
    InputError
        If a unit cannot be converted, a flux has none, or magnitudes of that name may or may not
        have Galactic extinction in them.
    """
    found = Photometry()
    family, bands = _choose(names)
    if family is None:
        return found
    _refuse_johnson(names, bands)
    if reddening is not None:
        family = _with_dust(family)
    dust = choose_dust(names, family, bands)
    if reddening is not None and dust.kind == "missing":
        dust = DustOf("map", bands, reddening())
    for band, named in bands.items():
        names.take(band, named)
        _read_band(names, family, band, named, found)
    _correct(names, family, dust, found)
    _read_petro(names, family, found, dust)
    _describe(names, family, bands, dust, found)
    return found


def explain_absence(names: Names) -> str:
    """Say why magnitudes that are there are of no use, empty where there are none."""
    unsuitable = names.like(UNSUITABLE)
    if not unsuitable:
        return ""
    return (
        f"; {list_names(unsuitable, 3)} will not do, since point-source, aperture and absolute "
        "magnitudes are not a galaxy's whole light as it is seen"
    )


def _bands(family: Family, names: Names) -> dict[str, Named]:
    found = {}
    for band in BANDS:
        if family.needs and names.find(*spell(family.needs, band)) is None:
            continue
        named = names.find(*spell(family.names, band))
        if named is not None and not _is_other_case(named, band):
            found[band] = named
    if list(found) == ["z"] and found["z"].key != "z" and not found["z"].stated:
        return {}  # z with something behind it, and no other band: a redshift
    return found


def _is_other_case(named: Named, band: str) -> bool:
    """Tell Gaia's and Johnson's ``Gmag`` or ``Rmag`` from ``gmag``."""
    name = named.name.strip()
    mixed = name[:1].isupper() and name[1:].islower()
    return named.key == f"{band}mag" and mixed and not named.stated


def _choose(names: Names) -> tuple[Family | None, dict[str, Named]]:
    stated = [
        family for family in FAMILIES if any(n.stated for n in _bands(family, names).values())
    ]
    found = [(family, _bands(family, names)) for family in stated or FAMILIES]
    if not stated and find_clouds(names, CANONICAL):
        # SDSS calls its model magnitudes u, g, r, i, z too, with their dust
        others = [own for own in found if own[0] is not CANONICAL and own[0].dust != "unstated"]
        found = [own for own in others if len(own[1]) > 1] or found
    whole = (own for own in found if len(set(own[1]) & set(IMAGE_BANDS)) > 1)
    # or else the first of those with most bands
    family, bands = next(whole, max(found, key=lambda own: len(own[1])))
    if not bands:
        return None, {}
    if any(named.stated for named in bands.values()) and family is CANONICAL:
        family = _by_own_name(names, family, bands)
    return family, bands


def _by_own_name(names: Names, family: Family, bands: dict[str, Named]) -> Family:
    """Return the family that a column's own name tells, where the user only says "this is g"."""
    for other in FAMILIES:
        own = {b: n for b, n in bands.items() if _original_key(n) in spell(other.names, b)}
        if len(own) == len(bands) and other.dust == "present" and not other.needs:
            return other
    return replace(family, dust="removed")


def _with_dust(family: Family) -> Family:
    """Return a family whose user says that Galactic extinction is in it, unless its archive does
    not: then the archive is right."""
    if family.dust == "removed" and family.names != CANONICAL.names:
        return family
    return replace(family, dust="present", reddening=family.reddening or SDSS_DUST)


def _original_key(named: Named) -> str:
    return key_of(named.name)


def _refuse_johnson(names: Names, bands: dict[str, Named]) -> None:
    upper = [n for b, n in bands.items() if n.name.strip() == b.upper() and not n.stated]
    johnson = [n.name for key in ("b", "v") for n in names.all(key) if n.name.strip() in "BV"]
    if upper and johnson:
        raise InputError(
            f"columns {list_names([n.name for n in upper])} of {names.label} stand beside "
            f"{list_names(johnson)}, which makes them Johnson-Cousins magnitudes: convert them to "
            "SDSS's g, r, i (AB)."
        )


def _read_band(names: Names, family: Family, band: str, named: Named, found: Photometry) -> None:
    values, unreadable = numbers_of(named.column, named.name, names.label)
    found.unreadable[band] = unreadable
    error = names.find(*spell(family.errors, band))
    ivar = names.find(*spell(family.ivars, band)) if error is None else None
    if (named.unit and magnitude_per(named.unit) is not None) or _is_magnitude(named, family):
        worth = magnitude_per(named.unit) if named.unit else 1.0
        assert worth is not None
        magnitudes = clear_sentinels(values, band)
        found.magnitudes[band] = magnitudes if worth == 1.0 else magnitudes * worth
        if error is not None:
            found.errors[band] = _magnitude_errors(names, error, band, found, worth)
        _take_limits(named, band, worth, found)
        return
    unit = named.unit or family.unit
    if not unit:
        raise InputError(
            f"column {named.name} of {names.label} holds fluxes and has no unit: state it, such as "
            "nanomaggy or nJy."
        )
    worth = nmgy_per(unit)
    if worth is None:
        raise names.refuse_unit(named, "magnitude (AB) and no flux density")
    fluxes = clear_fluxes(values) * worth
    sigmas = np.full(len(fluxes), np.nan)
    if error is not None and not (error.unit and magnitude_per(error.unit)):
        sigmas = _flux_errors(names, error, band, found, worth)
    elif ivar is not None:
        sigmas, observed = _from_ivar(names, ivar, band, found, worth)
        fluxes = np.where(observed, fluxes, np.nan)
    detected = (fluxes > 0) & ~(fluxes < sigmas)
    found.undetected[band] = np.isfinite(fluxes) & ~detected
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitudes = ZERO_POINT_NMGY - 2.5 * np.log10(np.where(detected, fluxes, np.nan))
        found.magnitudes[band] = magnitudes
        if error is not None and error.unit and magnitude_per(error.unit):
            found.errors[band] = _magnitude_errors(names, error, band, found, 1.0)
        elif error is not None or ivar is not None:
            found.errors[band] = _MAG_PER_RELATIVE_ERROR * sigmas / fluxes
    if band in found.errors:
        found.errors[band] = np.where(detected, found.errors[band], np.nan)
    # a faint flux with its error tells what a missing one does not
    weak = np.isfinite(fluxes) & np.isfinite(sigmas) & (fluxes < COMMON_FROM_S_TO_N * sigmas)
    found.undetected[band] &= ~weak
    softening = SOFTENING[BANDS.index(band)]
    _put(found, band, weak, *asinh_magnitude(fluxes[weak], sigmas[weak], softening))


def _take_limits(named: Named, band: str, worth: float, found: Photometry) -> None:
    """Read cells such as ``<22.3``, which are no numbers, as upper limits of the flux."""
    limits, is_limit = limits_of(named.column)
    if not is_limit.any():
        return
    found.unreadable[band] = found.unreadable[band] & ~is_limit
    softening = SOFTENING[BANDS.index(band)]
    _put(found, band, is_limit, *limit_magnitude(limits[is_limit] * worth, softening))


def _put(
    found: Photometry, band: str, rows: np.ndarray, magnitudes: np.ndarray, errors: np.ndarray
) -> None:
    if not rows.any():
        return
    old = found.errors.get(band, np.full(len(rows), np.nan))
    found.magnitudes[band] = np.array(found.magnitudes[band], float)
    found.errors[band] = np.array(old, float)
    found.magnitudes[band][rows], found.errors[band][rows] = magnitudes, errors
    found.limits[band] = rows


def _is_magnitude(named: Named, family: Family) -> bool:
    return not named.unit and family.form == "magnitude"


def _magnitude_errors(
    names: Names, error: Named, band: str, found: Photometry, worth: float
) -> np.ndarray:
    values, found.unreadable[f"err_{band}"] = numbers_of(error.column, error.name, names.label)
    names.take(f"err_{band}", error)
    if error.unit:
        own = magnitude_per(error.unit)
        if own is None:
            raise names.refuse_unit(error, "magnitude")
        worth = own
    values = clear_sentinels(values, f"err_{band}")
    return values if worth == 1.0 else values * worth


def _flux_errors(
    names: Names, error: Named, band: str, found: Photometry, worth: float
) -> np.ndarray:
    values, found.unreadable[f"err_{band}"] = numbers_of(error.column, error.name, names.label)
    names.take(f"err_{band}", error)
    if error.unit:
        own = nmgy_per(error.unit)
        if own is None:
            raise names.refuse_unit(error, "flux density")
        worth = own
    values = clear_fluxes(values) * worth
    return np.where(values > 0, values, np.nan)


def _from_ivar(
    names: Names, ivar: Named, band: str, found: Photometry, worth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return errors, and where the band was observed: an inverse variance of 0 says it was not."""
    values, found.unreadable[f"err_{band}"] = numbers_of(ivar.column, ivar.name, names.label)
    names.take(f"err_{band}", ivar)
    scale = worth**-2
    if ivar.unit:
        own = inverse_nmgy_per(ivar.unit)
        if own is None:
            raise names.refuse_unit(ivar, "inverse variance of a flux density")
        scale = own
    with np.errstate(divide="ignore", invalid="ignore"):
        sigmas = np.where(values > 0, 1.0 / np.sqrt(values * scale), np.nan)
    return sigmas, values != 0


def _correct(names: Names, family: Family, dust: DustOf, found: Photometry) -> None:
    for band in dust.columns:
        before = found.magnitudes[band]
        found.magnitudes[band] = before - read_extinction(names, family, dust, band)
        found.dusty[band] = np.isfinite(before) & np.isnan(found.magnitudes[band])


def _read_petro(names: Names, family: Family, found: Photometry, dust: DustOf) -> None:
    """Read Petrosian magnitudes, in the same state of dust as the magnitudes beside them."""
    gama = names.find("cataid") is not None
    sdss = family.words.startswith("SDSS model")
    for band in found.magnitudes:
        own = names.find(f"petro_{band}") or (names.find(f"{band}_petro") if gama else None)
        archived = names.find(*spell(PETROSIAN.names, band)) if own is None and sdss else None
        named = own or archived
        if named is None:
            continue
        how = dust
        if archived is not None and family.dust == "removed":
            extinction = names.find(*spell(EXTINCTIONS, band))
            if extinction is None:
                continue  # of another state than the magnitudes
            how = DustOf("extinction", {band: extinction})
        values, unreadable = numbers_of(named.column, named.name, names.label)
        worth = magnitude_per(named.unit) if named.unit else 1.0
        if worth is None:
            raise names.refuse_unit(named, "magnitude (AB)")
        names.take(f"petro_{band}", named)
        found.unreadable[f"petro_{band}"] = unreadable
        values = clear_sentinels(values, f"petro_{band}") * worth
        if band in how.columns and not (named.stated and own is not None):
            values = values - read_extinction(names, PETROSIAN, how, band)
        found.petro[band] = values


def _describe(
    names: Names, family: Family, bands: dict[str, Named], dust: DustOf, found: Photometry
) -> None:
    listed = list_names([named.name for named in bands.values()])
    if family is not CANONICAL and not any(named.stated for named in bands.values()):
        how = " and taken as dereddened AB values" if family.dust == "unstated" else ""
        found.notes.append(f"Columns {listed} were read as {family.words}{how}.")
    if dust.kind in ("extinction", "transmission", "reddening"):
        by = list_names(list(dict.fromkeys(named.name for named in dust.columns.values())))
        found.notes.append(f"Galactic extinction was removed by {by}.")
    elif dust.kind == "map":
        found.notes.append(
            f"Galactic extinction was removed from {listed} by the dust map of Schlegel et al. "
            "1998 at each row's position, coefficients of Schlafly & Finkbeiner 2011."
        )
    elif dust.kind == "missing":
        found.notes.append(
            f"Galactic extinction is still in {listed}: there is no column extinction_g, ... to "
            "remove it by."
        )
    if family.filters:
        found.notes.append(
            f"The filters are those of {family.filters}, and the model knows SDSS's: colours may "
            "differ by 0.1 mag."
        )
    if family.caution:
        found.notes.append(family.caution)
    units = {named.name: named.unit for named in bands.values()}
    units = {name: unit for name, unit in units.items() if unit not in ("", "mag", "mag(AB)")}
    if units:
        told = ", ".join(sorted(set(units.values())))
        which = (
            f"Columns {list_names([*units])} were"
            if len(units) > 1
            else f"Column {next(iter(units))} was"
        )
        found.notes.append(f"{which} converted from {told} to AB magnitudes.")
    elif family.form == "flux" and not any(named.unit for named in bands.values()):
        found.notes.append(f"Columns {listed} have no unit: they were taken as {family.unit}.")
    for band, mask in found.undetected.items():
        if mask.any():
            found.notes.append(
                f"{int(mask.sum())} of {mask.size} fluxes of {band} are no larger than their "
                "error or not positive: the band counts as not detected there."
            )
