"""The side of a pixel, and what the values of a pixel refer to."""

import math
from dataclasses import replace

from galexplorer.errors import OptionError, ScaleError
from galexplorer.fits.flux_units import Calibration, read_unit
from galexplorer.fits.images import FitsImage
from galexplorer.fits.zero_points import read_number
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

MIN_SCALE_ARCSEC, MAX_SCALE_ARCSEC = 0.01, 60.0

_SCALE_CARDS = ("PIXSCALE", "PIXSCAL1", "SECPIX", "SECPIX1", "PIXELSCL", "PLTSCALE")
_SQUARE_TOLERANCE = 0.02
_SCALE_TOLERANCE = 0.02
_NATIVE_TOLERANCE = 0.05
_SDSS_TELESCOPE = "2.5m"


def find_fault(image: FitsImage) -> str:
    """Say what is impossible about the pixels of an image's coordinates; empty where nothing is.

    Parameters
    ----------
    image : FitsImage

    Returns
    -------
    str
        Follows "the header has".
    """
    coordinates = image.coordinates
    if coordinates.sides_arcsec is None:
        return ""
    width, height = coordinates.sides_arcsec
    if max(abs(width / height - 1), abs(coordinates.skew - 1)) > _SQUARE_TOLERANCE:
        return f'pixels of {width:.3g}" x {height:.3g}" that are not square'
    if not MIN_SCALE_ARCSEC <= width <= MAX_SCALE_ARCSEC:
        return f'pixels of {width:.4g}", which no image has'
    return ""


def read_scale(image: FitsImage) -> float | None:
    """Return the pixel side in arcsec that the header gives, or None.

    Parameters
    ----------
    image : FitsImage

    Returns
    -------
    float or None
        None also where the header's pixels are impossible.
    """
    if image.coordinates.sides_arcsec is None or find_fault(image):
        return None
    width, height = image.coordinates.sides_arcsec
    return math.sqrt(width * height * image.coordinates.skew)


def contradicts(image: FitsImage, stated_arcsec: float | None) -> bool:
    """Tell whether the header's coordinates cannot be those of pixels of a stated side."""
    own = read_scale(image)
    if stated_arcsec is None or image.coordinates.sides_arcsec is None:
        return False
    return own is None or abs(stated_arcsec / own - 1) > _SCALE_TOLERANCE


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
    ScaleError
        If neither the user nor the header tells, or the header's pixels are impossible.
    """
    fault, own = find_fault(image), read_scale(image)
    if stated_arcsec is not None:
        spared = ""
        if contradicts(image, stated_arcsec):
            words = f"has {fault}" if fault else f'says {own:.4g}"'
            spared = f", although the header {words}"
        return stated_arcsec, f'Pixel scale {stated_arcsec:.4g}" as stated{spared}.'
    if fault:
        raise ScaleError(f"{image.file} has {fault}: state its pixel scale in arcsec.")
    if own is not None:
        return own, f'Pixel scale {own:.4g}" taken from the header.'
    for card in _SCALE_CARDS:
        side = read_number(image.cards.get(card))
        if side is not None and MIN_SCALE_ARCSEC <= side <= MAX_SCALE_ARCSEC:
            return side, f'Pixel scale {side:.4g}" taken from the header (card {card}).'
    raise ScaleError(
        f"{image.file} has no coordinates that give its pixel scale: state the pixel scale in "
        "arcsec."
    )


def check_scale_option(name: str, value_arcsec: float | None) -> None:
    """Raise OptionError unless a stated pixel side is plausible."""
    if value_arcsec is not None and not MIN_SCALE_ARCSEC <= value_arcsec <= MAX_SCALE_ARCSEC:
        raise OptionError(
            f"{name} is {value_arcsec:g}: give arcsec per pixel between "
            f"{MIN_SCALE_ARCSEC:g} and {MAX_SCALE_ARCSEC:g}."
        )


def calibrate(
    image: FitsImage,
    band: str,
    scale_arcsec: float,
    flux_scale_arcsec: float | None = None,
    zero_point: float | None = None,
    exposure_s: float | None = None,
) -> Calibration:
    """Return how an image's values become nanomaggies per pixel.

    An SDSS frame that was interpolated onto a coarser or finer grid still carries the
    frame's cards and, unless it was rescaled, values per native pixel; its pixel scale
    gives it away.

    Parameters
    ----------
    image : FitsImage
    band : {"g", "r", "i"}
    scale_arcsec : float
        Side of this image's pixel.
    flux_scale_arcsec : float, optional
        Side of the pixel that the values refer to, if the user states it.
    zero_point, exposure_s : float, optional
        As `galexplorer.fits.flux_units.read_unit` takes them.

    Returns
    -------
    Calibration

    Raises
    ------
    ZeroPointError
        If the header's flux scale cannot be understood.
    OptionError
        If `flux_scale_arcsec` is given for values that are a surface brightness.
    """
    unit = read_unit(image, band, zero_point, exposure_s)
    if unit.per_arcsec2:
        if flux_scale_arcsec is not None:
            raise OptionError(
                f"{image.file} has values per square arcsecond: leave the flux pixel scale out."
            )
        return replace(unit, factor=unit.factor * scale_arcsec**2)
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
        return unit
    ratio = (scale_arcsec / reference) ** 2
    note = (
        f'Values taken as nanomaggies per {reference:.4g}" pixel ({origin}): '
        f"multiplied by {ratio:.2f}."
    )
    return replace(unit, factor=unit.factor * ratio, notes=(*unit.notes, note))
