"""Astropy's units for the unit strings of the project, and what files spell of them."""

from typing import TypeAlias

from astropy import units as u
from astropy.units.function import FunctionUnitBase

_FLUX = 1e-17 * u.erg / u.s / u.cm**2

AnyUnit: TypeAlias = u.UnitBase | FunctionUnitBase
"""Units, and those of a logarithm, which are of another kind in astropy."""

UNITS: dict[str, AnyUnit] = {
    "": u.dimensionless_unscaled,
    "dex": u.dex,
    "log10(Msun)": u.dex(u.Msun),
    "log10(Msun/yr)": u.dex(u.Msun / u.yr),
    "log10(1/yr)": u.dex(1 / u.yr),
    "log10(1e-17 erg/s/cm2)": u.dex(_FLUX),
    "mag": u.mag,
    "deg": u.deg,
    "arcsec": u.arcsec,
    "kpc": u.kpc,
    "kpc/arcsec": u.kpc / u.arcsec,
    "Mpc": u.Mpc,
}
"""Astropy's unit for each unit string, such as those of `galexplorer.schema.TARGETS`."""

# CDS's spelling allows no factor within the brackets of a logarithm, and 1 yW is 1e-17 erg/s.
_CDS = {u.dex: "[-]", u.dex(_FLUX): "[yW/cm2]"}


def is_logarithmic(unit: object) -> bool:
    """Tell whether a unit is one of a logarithm, which FITS and VOUnit cannot spell."""
    return unit == u.dex or isinstance(unit, FunctionUnitBase)


def spell_cds(unit: AnyUnit) -> str:
    """Return CDS's spelling of a unit, where brackets mean the decimal logarithm.

    Parameters
    ----------
    unit : astropy.units.UnitBase or FunctionUnitBase

    Returns
    -------
    str
        What `astropy.units.Unit` reads back with ``format="cds"``; a unit that CDS does not know
        keeps its name.

    References
    ----------
    Standards for Astronomical Catalogues 2.0, sect. 3.2, vizier.cds.unistra.fr/doc/catstd.htx.
    """
    for own, word in _CDS.items():
        if own == unit:
            return word
    try:
        return unit.to_string("cds")
    except ValueError:
        return unit.to_string()
