"""Images out of a FITS file, whose structure is checked before astropy sees it."""

import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

import numpy as np
from astropy import log
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS, WcsError
from astropy.wcs.utils import proj_plane_pixel_scales

from galexplorer.errors import InputError
from galexplorer.fits.bounded import Blob
from galexplorer.fits.structure import Unit, check_readable, scan
from galexplorer.fits.tiles import check_tiles

_OWN_CARDS = ("EXTNAME", "EXTVER", "BITPIX", "BSCALE", "BZERO", "BLANK", "CTYPE3")
"""Cards of a primary header that do not speak for its extensions."""

# What astropy and wcslib raise on a bad file; OverflowError and ZeroDivisionError are
# ArithmeticErrors, UFuncTypeError is a TypeError.
_ASTROPY_ERRORS = (
    OSError,
    TypeError,
    KeyError,
    IndexError,
    ValueError,
    AttributeError,
    ArithmeticError,
    AssertionError,  # of a column whose name does not fit into a card
    MemoryError,
    fits.VerifyError,
    WcsError,
)


@dataclass(frozen=True)
class Coordinates:
    """What a header says about the sky.

    Attributes
    ----------
    wcs : astropy.wcs.WCS or None
        Celestial coordinates.
    sides_arcsec : tuple of float, or None
        Sides of a pixel along x and y.
    skew : float
        Area of a pixel over the product of its sides; 1 where the axes are at right angles.
    notes : tuple of str
        What is odd about them.
    """

    wcs: WCS | None = None
    sides_arcsec: tuple[float, float] | None = None
    skew: float = 1.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FitsImage:
    """One image of a FITS file.

    Attributes
    ----------
    file : str
        Name of the file, for messages.
    data : ndarray, shape (H, W) or (planes, H, W), float32
        Row 0 at the bottom, as FITS has it; infinities and blanks are NaN.
    cards : dict
        Header cards by keyword; the primary header speaks for what an extension leaves out.
    comments : dict of str to str
        Comments of the cards that have one.
    coordinates : Coordinates
    colour : str
        The card that says the planes are red, green and blue; empty where none does.
    notes : tuple of str
        What was done to the pixels, a sentence each.
    """

    file: str
    data: np.ndarray
    cards: dict[str, object]
    comments: dict[str, str]
    coordinates: Coordinates
    colour: str = ""
    notes: tuple[str, ...] = ()


def is_fits(data: bytes) -> bool:
    """Return whether bytes begin like a FITS file."""
    return re.match(rb"SIMPLE  ?= +[TF]", data[:80]) is not None


def read_images(blob: Blob) -> list[FitsImage]:
    """Read every image of two or three axes.

    Images narrower than `structure.MIN_SIDE` (models of the PSF and the like) are passed
    over. Tile-compressed images are unpacked.

    Parameters
    ----------
    blob : Blob

    Returns
    -------
    list of FitsImage
        At least one, in the order of the file.

    Raises
    ------
    InputError
        If the file is damaged, truncated, too large, packed by an algorithm that is not read, or
        holds no image of a usable shape.
    """
    units, data = scan(blob)
    check_readable(blob.name, units)
    with _quiet():
        try:
            if any(unit.readable and unit.packing for unit in units):
                with _open(data, disable_image_compression=True) as tables:
                    for k, unit in enumerate(units):
                        if unit.readable and unit.packing:
                            check_tiles(blob.name, data, tables[k], unit)
            with _open(data) as hdus:
                primary = hdus[0].header.copy()
                # A primary header without an image speaks for the extensions.
                shared = _read_coordinates(blob.name, primary) if not units[0].shape else None
                return [
                    _read_image(blob.name, hdus[k], primary, unit, shared)
                    for k, unit in enumerate(units)
                    if unit.readable
                ]
        except _ASTROPY_ERRORS as error:
            raise InputError(f"{blob.name} is a damaged FITS file: download it again.") from error


def read_header(blob: Blob) -> fits.Header:
    """Return the primary header of a file whose structure `read_images` has checked.

    Parameters
    ----------
    blob : Blob

    Returns
    -------
    astropy.io.fits.Header

    Raises
    ------
    InputError
        If the file is damaged.
    """
    with _quiet():
        try:
            return fits.getheader(io.BytesIO(blob.data))
        except _ASTROPY_ERRORS as error:
            raise InputError(f"{blob.name} is a damaged FITS file: download it again.") from error


def _open(data: bytes, **options: bool) -> fits.HDUList:
    return fits.open(io.BytesIO(data), memmap=False, uint=False, **options)


_LOCK = RLock()
"""Log level and filters of warnings belong to the whole process: one thread at a time sets them."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence astropy's repairs, deprecations and recommendations: users cannot act on them."""
    with _LOCK:
        level = log.level
        log.setLevel("WARNING")
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore", AstropyWarning)
                warnings.filterwarnings("ignore", category=RuntimeWarning, module="astropy")
                yield
        finally:
            log.setLevel(level)


def _read_image(
    name: str,
    hdu: fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU,
    primary: fits.Header,
    unit: Unit,
    shared: Coordinates | None,
) -> FitsImage:
    if hdu.shape != unit.shape:  # astropy read another size than the one that was checked
        raise InputError(f"{name} has contradictory NAXIS cards: export it again.")
    cards, comments = _read_cards(hdu.header)  # before the data: scaling them drops BSCALE
    inherited = _read_cards(primary)
    cards = {k: v for k, v in inherited[0].items() if k not in _OWN_CARDS} | cards
    # A copy of native byte order; what overflows float32 becomes infinite, then NaN.
    try:
        data = np.array(hdu.data, dtype=np.float32)
    except Exception as error:  # what unpacks tiles raises a bare Exception of its own
        raise InputError(f"{name} is a damaged FITS file: download it again.") from error
    data[~np.isfinite(data)] = np.nan  # also NaNs that signal, which numpy does not pass over
    coordinates = _read_coordinates(name, hdu.header)
    if coordinates.sides_arcsec is None and shared is not None:
        coordinates = shared
    return FitsImage(name, data, cards, inherited[1] | comments, coordinates)


def _read_cards(header: fits.Header) -> tuple[dict[str, object], dict[str, str]]:
    """Return values and comments by keyword, the first card of each; unreadable ones as text."""
    values: dict[str, object] = {}
    comments: dict[str, str] = {}
    for card in header.cards:
        if card.keyword in ("", "COMMENT", "HISTORY", "CONTINUE") or card.keyword in values:
            continue
        try:
            values[card.keyword] = card.value
            comments[card.keyword] = card.comment
        except (fits.VerifyError, ValueError):
            values[card.keyword] = card.image[9:].strip()
    return values, comments


def _read_coordinates(name: str, header: fits.Header) -> Coordinates:
    note = f"The coordinates in the header of {name} cannot be read and are ignored."
    ignored = Coordinates(notes=(note,))
    try:
        if _needs_tables_or_is_hostile(header):
            return ignored
        wcs = WCS(header, naxis=2)
        if wcs.has_celestial:
            wcs = wcs.celestial
        sides = 3600.0 * proj_plane_pixel_scales(wcs)
        angular = all(str(unit) == "deg" for unit in wcs.wcs.cunit)
        matrix = wcs.pixel_scale_matrix
        celestial = wcs.has_celestial
        if celestial and not _leads_to_the_sky(wcs):
            return ignored
    except _ASTROPY_ERRORS:
        return ignored
    width, height = (float(side) for side in sides)
    if not angular or not 0 < width < math.inf or not 0 < height < math.inf:
        return ignored if celestial else Coordinates()
    area = abs(float(np.linalg.det(matrix))) * 3600.0**2
    return Coordinates(wcs if celestial else None, (width, height), area / (width * height))


def _leads_to_the_sky(wcs: WCS) -> bool:
    """Tell whether pixels have positions: a header can name axes that astropy cannot join."""
    if not (math.isnan(wcs.wcs.equinox) or 1800 <= wcs.wcs.equinox <= 2200):
        return False
    position = wcs.pixel_to_world(0.0, 0.0)
    return isinstance(position, SkyCoord) and position.icrs is not None


def _needs_tables_or_is_hostile(header: fits.Header) -> bool:
    """Tell a WCS that needs lookup tables, or whose sizes would exhaust memory."""
    if int(header.get("WCSAXES", 2)) > 9:
        return True
    for keyword, value in header.items():
        if re.match(r"(CPDIS|CQDIS|D2IMDIS|DP\d|DQ\d|D2IM\d)", keyword):
            return True
        if re.fullmatch(r"(A|B|AP|BP)_ORDER", keyword) and int(value) > 9:
            return True
        if keyword.startswith("CTYPE") and "-TAB" in str(value):
            return True
    return False
