"""From the values of a header's unit to nanomaggies, and the side of a pixel."""

import math
import re
import warnings
from dataclasses import dataclass

from astropy import units as u
from astropy.utils.exceptions import AstropyWarning

from galexplorer.errors import InputError, OptionError
from galexplorer.image.fits import FitsImage
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

NANOMAGGY_JY = 3.631e-6
MIN_SCALE_ARCSEC, MAX_SCALE_ARCSEC = 0.01, 60.0

_NANOMAGGY = re.compile(r"\bn(ano)?[-_ ]?m(aggy|aggies|aggie|gy|gys|ag)\b", re.IGNORECASE)
_ZERO_POINTS = ("MAGZERO", "MAGZPT", "PHOTZP", "MAGZP", "ZEROPT", "ZP")
_SQUARE_TOLERANCE = 0.02
_SCALE_TOLERANCE = 0.02
_NATIVE_TOLERANCE = 0.05
_SDSS_TELESCOPE = "2.5m"


@dataclass(frozen=True)
class Calibration:
    """How the values of one image become nanomaggies.

    Attributes
    ----------
    factor : float
        Nanomaggies per unit of the values.
    per_arcsec2 : bool
        The values are a surface brightness.
    nanomaggies : bool
        The header says outright that they are nanomaggies.
    notes : tuple of str
    """

    factor: float
    per_arcsec2: bool
    nanomaggies: bool
    notes: tuple[str, ...] = ()


def read_unit(image: FitsImage) -> Calibration:
    """Read the unit of an image's values.

    Parameters
    ----------
    image : FitsImage

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If the unit is no flux density and there is no zero point.
    """
    text = str(image.cards.get("BUNIT", "") or "").strip()
    unit = _parse(text)
    conversion = _to_nanomaggies(unit) if unit is not None else None
    zero_point = _zero_point(image)
    if conversion is not None:
        factor, per_arcsec2 = conversion
        notes: tuple[str, ...] = ()
        if zero_point is not None and abs(factor / 10 ** (0.4 * (22.5 - zero_point)) - 1) > 0.01:
            notes = (f"The zero point {zero_point:g} contradicts BUNIT '{text}': BUNIT was used.",)
        return Calibration(factor, per_arcsec2, bool(_NANOMAGGY.search(text)), notes)
    if zero_point is not None:
        factor = 10 ** (0.4 * (22.5 - zero_point))
        return Calibration(
            factor, False, False, (f"Zero point {zero_point:g} mag (AB) taken from the header.",)
        )
    if not text:
        return Calibration(1.0, False, False, ("No BUNIT card: values taken as nanomaggies.",))
    raise InputError(
        f"{image.file} has values in '{text}' and no zero point: convert them to nanomaggies "
        "(22.5 mag AB is 1 nanomaggy) and write BUNIT = 'nanomaggy'."
    )


def read_scale(image: FitsImage) -> float | None:
    """Return the side of a pixel in arcsec that the header tells, or None.

    Parameters
    ----------
    image : FitsImage

    Returns
    -------
    float or None

    Raises
    ------
    InputError
        If pixels are not square, or their size is implausible.
    """
    coordinates = image.coordinates
    if coordinates.sides_arcsec is None:
        return None
    width, height = coordinates.sides_arcsec
    if max(abs(width / height - 1), abs(coordinates.skew - 1)) > _SQUARE_TOLERANCE:
        raise InputError(
            f'{image.file} has pixels of {width:.3g}" x {height:.3g}" that are not square: '
            "resample it to square pixels."
        )
    scale = math.sqrt(width * height * coordinates.skew)
    if not MIN_SCALE_ARCSEC <= scale <= MAX_SCALE_ARCSEC:
        raise InputError(
            f'{image.file} has an implausible pixel scale of {scale:.3g}" in its header: '
            "correct its coordinates."
        )
    return scale


def choose_scale(image: FitsImage, stated_arcsec: float | None) -> tuple[float, str]:
    """Return the side of a pixel in arcsec, and a note on where it comes from.

    Parameters
    ----------
    image : FitsImage
    stated_arcsec : float or None
        What the user says; it wins over the header.

    Returns
    -------
    scale_arcsec : float
    note : str

    Raises
    ------
    InputError
        If neither the user nor the header tells, or the header's pixels are not square.
    """
    if stated_arcsec is None:
        scale = read_scale(image)
        if scale is None:
            raise InputError(
                f"{image.file} has no coordinates that tell its pixel scale: "
                "state it in arcsec (--pixel-scale)."
            )
        return scale, f'Pixel scale {scale:.4g}" taken from the header.'
    header = read_scale(image)
    if header is not None and abs(stated_arcsec / header - 1) > _SCALE_TOLERANCE:
        contradiction = f'although the header says {header:.4g}"'
        return stated_arcsec, f'Pixel scale {stated_arcsec:.4g}" as stated, {contradiction}.'
    return stated_arcsec, f'Pixel scale {stated_arcsec:.4g}" as stated.'


def check_scale_option(name: str, value_arcsec: float | None) -> None:
    """Raise OptionError unless a stated pixel side is plausible."""
    if value_arcsec is not None and not MIN_SCALE_ARCSEC <= value_arcsec <= MAX_SCALE_ARCSEC:
        raise OptionError(
            f"{name} is {value_arcsec:g}: give arcsec per pixel between "
            f"{MIN_SCALE_ARCSEC:g} and {MAX_SCALE_ARCSEC:g}."
        )


def flux_factor(
    image: FitsImage, scale_arcsec: float, flux_scale_arcsec: float | None
) -> tuple[float, tuple[str, ...]]:
    """Return the factor from an image's values to nanomaggies per pixel, and notes.

    An SDSS frame that was interpolated onto a coarser or finer grid still carries the
    frame's cards and, unless it was rescaled, values per native pixel; its pixel scale
    gives it away.

    Parameters
    ----------
    image : FitsImage
    scale_arcsec : float
        Side of this image's pixel.
    flux_scale_arcsec : float or None
        Side of the pixel that the values refer to, if the user states it.

    Returns
    -------
    factor : float
    notes : tuple of str

    Raises
    ------
    InputError
        If the unit is unknown.
    OptionError
        If `flux_scale_arcsec` is given for values that are a surface brightness.
    """
    unit = read_unit(image)
    if unit.per_arcsec2:
        if flux_scale_arcsec is not None:
            raise OptionError(
                f"{image.file} has values per square arcsecond: leave the flux pixel scale out."
            )
        return unit.factor * scale_arcsec**2, unit.notes
    telescope = str(image.cards.get("TELESCOP", "")).strip()
    is_frame = unit.nanomaggies and (
        "NMGY" in image.cards or ("RERUN" in image.cards and telescope == _SDSS_TELESCOPE)
    )
    interpolated = abs(scale_arcsec / SDSS_PIXEL_SCALE_ARCSEC - 1) > _NATIVE_TOLERANCE
    if flux_scale_arcsec is not None:
        reference, origin = flux_scale_arcsec, "as stated"
    elif is_frame and interpolated:
        reference, origin = SDSS_PIXEL_SCALE_ARCSEC, "the header is that of an SDSS frame"
    else:
        return unit.factor, unit.notes
    ratio = (scale_arcsec / reference) ** 2
    note = (
        f'Values taken as nanomaggies per {reference:.4g}" pixel ({origin}): '
        f"multiplied by {ratio:.2f}."
    )
    return unit.factor * ratio, (*unit.notes, note)


def _parse(text: str) -> u.UnitBase | None:
    # A long integer in a power of ten would keep the parser busy for minutes.
    if not text or re.search(r"(?<![\d.])\d{6,}", text):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            return u.Unit(_NANOMAGGY.sub("nmgy", text))
        except (ValueError, TypeError, ArithmeticError, KeyError, IndexError, AttributeError):
            return None  # not a unit of astropy's; a zero point may still tell


def _to_nanomaggies(unit: u.UnitBase) -> tuple[float, bool] | None:
    """Return nanomaggies per unit, and whether it is per square arcsecond."""
    nanomaggy, jansky = u.Unit("nmgy"), u.Unit("Jy")
    for factor, target in ((1.0, nanomaggy), (1.0 / NANOMAGGY_JY, jansky)):
        for extra in (u.dimensionless_unscaled, u.pix):
            if (unit * extra).is_equivalent(target):
                return _finite(factor * (unit * extra).to(target), False)
        if unit.is_equivalent(target / u.arcsec**2):
            return _finite(factor * unit.to(target / u.arcsec**2), True)
    return None


def _finite(factor: float, per_arcsec2: bool) -> tuple[float, bool] | None:
    return (float(factor), per_arcsec2) if 0 < factor < math.inf else None


def _zero_point(image: FitsImage) -> float | None:
    for keyword in _ZERO_POINTS:
        value = image.cards.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 50:
            return float(value)
    return None
