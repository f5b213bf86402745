"""Images out of a FITS file, whose structure is checked before astropy sees it.

astropy trusts what a header promises. The scan below follows the FITS standard 4.0
(Pence et al. 2010, A&A 524, A42) just far enough to know how many header blocks there are and
that every data unit lies inside the file.
"""

import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from astropy import log
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS, WcsError
from astropy.wcs.utils import proj_plane_pixel_scales

from galexplorer.errors import InputError
from galexplorer.image.bounded import Blob
from galexplorer.schema import IMAGE_BANDS

MAX_HEADER_BLOCKS = 256
MAX_UNITS = 64
MAX_AXES = 999  # of the standard
MAX_PIXELS = 64_000_000
MIN_SIDE = 16

_BLOCK = 2880
_CARD = 80
_BITPIX = (8, 16, 32, 64, -32, -64)
_MANDATORY = re.compile(
    rb"(BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT)\s*= +([+-]?\d{1,18}) *(?:/.*)?", re.S
)
_BAND_CARDS = ("EXTNAME", "BAND", "FILTER", "FILTNAM", "BANDS", "FILTERS")
_PLANE_CARDS = tuple(f"BAND{k}" for k in range(8))
_UNIT_CARDS = ("BUNIT", "MAGZERO", "MAGZPT", "PHOTZP", "MAGZP", "ZEROPT", "ZP")
_SURVEY_CARDS = ("NMGY", "RERUN", "TELESCOP")
_CARDS = (*_BAND_CARDS, *_PLANE_CARDS, *_UNIT_CARDS, *_SURVEY_CARDS)

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
    MemoryError,
    fits.VerifyError,
    WcsError,
)


@dataclass(frozen=True)
class Unit:
    """Where one header and data unit lies, and what it promises.

    Attributes
    ----------
    kind : str
        ``IMAGE``, ``BINTABLE``, ``TABLE`` or another extension's name.
    shape : tuple of int
        Axes in numpy's order, the last fastest.
    compressed : bool
        A tile-compressed image inside a table.
    """

    kind: str
    shape: tuple[int, ...]
    compressed: bool


@dataclass(frozen=True)
class Coordinates:
    """What a header tells about the sky.

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
        The header cards that this program reads.
    coordinates : Coordinates
    """

    file: str
    data: np.ndarray
    cards: dict[str, object]
    coordinates: Coordinates


def is_fits(data: bytes) -> bool:
    """Tell whether bytes begin as a FITS file does."""
    return re.match(rb"SIMPLE  ?= +[TF]", data[:_CARD]) is not None


def read_images(blob: Blob) -> list[FitsImage]:
    """Read every image of two or three axes.

    Images narrower than `MIN_SIDE` (models of the PSF and the like) are passed over.

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
        If the file is damaged, truncated, too large, tile-compressed, or holds no image of a
        usable shape.
    """
    units, end = _scan(blob)
    _check_usable(blob.name, units)
    with _quiet():
        try:
            with fits.open(
                io.BytesIO(blob.data[:end]),
                memmap=False,
                disable_image_compression=True,
                uint=False,
            ) as hdus:
                # A primary header without an image speaks for the extensions.
                shared = (
                    _read_coordinates(blob.name, hdus[0].header) if not units[0].shape else None
                )
                return [
                    _read_image(blob.name, hdus[k], hdus[0].header, unit.shape, shared)
                    for k, unit in enumerate(units)
                    if _usable(unit)
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what astropy mends, deprecates or recommends: the user can't act on it."""
    level = log.level
    log.setLevel("WARNING")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("ignore", category=RuntimeWarning, module="astropy")
            yield
    finally:
        log.setLevel(level)


def _scan(blob: Blob) -> tuple[list[Unit], int]:
    """Walk the header and data units; return them and the end of the last one in bytes."""
    data, position, blocks = blob.data, 0, 0
    units: list[Unit] = []
    while position < len(data):
        if units and data[position : position + 8] != b"XTENSION":
            break  # the standard allows special records after the last unit
        if len(units) == MAX_UNITS:
            raise InputError(
                f"{blob.name} has more than {MAX_UNITS} extensions: keep only g, r and i."
            )
        cards, position, blocks = _read_header(blob, position, blocks)
        unit, size = _interpret(blob.name, cards)
        if position + size > len(data):
            raise InputError(
                f"{blob.name} is truncated: its header promises {position + size} bytes and "
                f"{len(data)} are there, so download it again."
            )
        units.append(unit)
        position += math.ceil(size / _BLOCK) * _BLOCK
    return units, position


def _read_header(blob: Blob, position: int, blocks: int) -> tuple[list[bytes], int, int]:
    cards: list[bytes] = []
    while True:
        block = blob.data[position : position + _BLOCK]
        blocks += 1
        if len(block) < _BLOCK:
            raise InputError(f"{blob.name} is truncated inside its header: download it again.")
        if blocks > MAX_HEADER_BLOCKS:
            raise InputError(
                f"{blob.name} has a header of more than {MAX_HEADER_BLOCKS * _BLOCK // 1000} kB: "
                "remove its HISTORY and COMMENT cards."
            )
        position += _BLOCK
        for start in range(0, _BLOCK, _CARD):
            card = block[start : start + _CARD]
            if card.rstrip() == b"END":
                return cards, position, blocks
            cards.append(card)


def _interpret(name: str, cards: list[bytes]) -> tuple[Unit, int]:
    """Return what a header promises and the size of its data in bytes."""
    values: dict[str, int] = {}
    for card in cards:
        if match := _MANDATORY.fullmatch(card):
            values.setdefault(match[1].decode(), int(match[2]))
    first = cards[0] if cards else b""
    kind = (
        first[10:].split(b"'")[1] if first.startswith(b"XTENSION") and b"'" in first else b"IMAGE"
    )
    count = values.get("NAXIS", -1)
    # The count is judged first: a header can promise a thousand million axes.
    axes = [values.get(f"NAXIS{k}", -1) for k in range(1, count + 1)] if count <= MAX_AXES else []
    if (
        values.get("BITPIX") not in _BITPIX
        or not 0 <= count <= MAX_AXES
        or min(axes, default=0) < 0
        or values.get("PCOUNT", 0) < 0
        or values.get("GCOUNT", 1) < 0
    ):
        raise InputError(
            f"{name} has a FITS header without valid BITPIX and NAXIS cards: export it again."
        )
    elements = math.prod(axes) if axes else 0
    if axes and axes[0] == 0 and b"GROUPS" in {card[:8].rstrip() for card in cards}:
        elements = math.prod(axes[1:])  # random groups
    stored = values.get("GCOUNT", 1) * (values.get("PCOUNT", 0) + elements)
    compressed = any(re.match(rb"ZIMAGE  = +T", card) for card in cards)
    label = kind.decode("ascii", "replace").strip().upper()
    unit = Unit(label, tuple(axes[::-1]), compressed)
    return unit, stored * abs(values["BITPIX"]) // 8


def _usable(unit: Unit) -> bool:
    return (
        unit.kind == "IMAGE"
        and len(unit.shape) in (2, 3)
        and min(unit.shape[-2:]) >= MIN_SIDE
        and unit.shape[0] > 0
    )


def _check_usable(name: str, units: list[Unit]) -> None:
    """Refuse a file without a usable image, each kind with its own sentence."""
    images = [unit for unit in units if unit.kind == "IMAGE" and unit.shape and 0 not in unit.shape]
    usable = [unit for unit in images if _usable(unit)]
    for unit in usable:
        height, width = unit.shape[-2:]
        if height * width > MAX_PIXELS:
            raise InputError(
                f"{name} is too large with {width} x {height} pixels: cut out a field of at most "
                f"{MAX_PIXELS // 1_000_000} megapixels around the galaxy."
            )
    if sum(math.prod(unit.shape) for unit in usable) > len(IMAGE_BANDS) * MAX_PIXELS:
        raise InputError(f"{name} holds too many large images: keep only g, r and i.")
    if usable:
        return
    if any(unit.compressed for unit in units):
        raise InputError(f"{name} is tile-compressed FITS: unpack it with funpack first.")
    small = [unit for unit in images if len(unit.shape) in (2, 3)]
    if small:
        height, width = small[0].shape[-2:]
        raise InputError(
            f"{name} is too small with {width} x {height} pixels: "
            f"give a field of at least {MIN_SIDE} x {MIN_SIDE} pixels."
        )
    if images:
        shape = " x ".join(map(str, images[0].shape))
        axes = len(images[0].shape)
        raise InputError(
            f"{name} holds an array of {axes} {'axis' if axes == 1 else 'axes'} ({shape}): "
            "give a cube of shape (3, height, width) with the bands g, r, i, "
            "or three images of shape (height, width)."
        )
    if any(unit.kind in ("BINTABLE", "TABLE") for unit in units):
        raise InputError(f"{name} holds tables and no image: give an image in g, r and i.")
    raise InputError(f"{name} holds no image: give an image in g, r and i.")


def _read_image(
    name: str,
    hdu: fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU,
    primary: fits.Header,
    shape: tuple[int, ...],
    shared: Coordinates | None,
) -> FitsImage:
    if hdu.shape != shape:  # astropy read another size than the one that was checked
        raise InputError(f"{name} has contradictory NAXIS cards: export it again.")
    # A copy of native byte order; what overflows float32 becomes infinite, then NaN.
    data = np.array(hdu.data, dtype=np.float32)
    data[np.isinf(data)] = np.nan
    headers = (hdu.header, primary)
    cards: dict[str, object] = {}
    for keyword in _CARDS:
        holder = next((header for header in headers if keyword in header), None)
        # The primary header speaks for all extensions, except about their own name.
        if holder is not None and (holder is hdu.header or keyword != "EXTNAME"):
            cards[keyword] = holder[keyword]
    coordinates = _read_coordinates(name, hdu.header)
    if coordinates.sides_arcsec is None and shared is not None:
        coordinates = shared
    return FitsImage(name, data, cards, coordinates)


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
    except _ASTROPY_ERRORS:
        return ignored
    width, height = (float(side) for side in sides)
    if not angular or not 0 < width < math.inf or not 0 < height < math.inf:
        return ignored if celestial else Coordinates()
    area = abs(float(np.linalg.det(matrix))) * 3600.0**2
    return Coordinates(wcs if celestial else None, (width, height), area / (width * height))


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
