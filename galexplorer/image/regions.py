"""Regions that are not the galaxy: a star, a trail, a neighbour, in DS9's words for regions."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.wcs import WCS
from jaxtyping import Bool, Float

from galexplorer.errors import InputError, TargetError
from galexplorer.image.pixels import Pixels

if TYPE_CHECKING:
    import regions

MAX_CHARACTERS, MAX_REGIONS = 10_000, 50
_AREAS = ("Circle", "Ellipse", "Rectangle", "Polygon")
_SUFFIX = ".reg"


def read_regions(words: str | Path) -> str:
    """Return regions in DS9's format as one line, checked.

    Parameters
    ----------
    words : str or Path
        Such as ``icrs; circle(150.1, 2.2, 3")`` or ``image; polygon(9,9,20,9,20,20)``; pixels of
        ``image`` count from 1, as DS9's do. A path, or text that ends in ``.reg``, is a file.

    Returns
    -------
    str
        Empty where there are none.

    Raises
    ------
    InputError
        If they cannot be read, are too many, or are something else than circles, ellipses, boxes
        and polygons.

    Examples
    --------
    >>> read_regions('icrs; circle(150.1, 2.2, 3")')
    'icrs;circle(150.1, 2.2, 3")'
    """
    text = str(words)
    if isinstance(words, Path) or text.strip().endswith(_SUFFIX):
        text = _read_file(Path(text.strip()))
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"The regions have {len(text):,} characters: give at most {MAX_CHARACTERS:,}."
        )
    lines = [line.strip() for line in text.replace(";", "\n").splitlines()]
    kept = [line for line in lines if line and not line.startswith(("#", "global"))]
    joined = ";".join(kept)
    if joined:
        parse_regions(joined)
    return joined


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_CHARACTERS + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a file of DS9 regions: {error}.") from error


def parse_regions(text: str) -> "list[regions.Region]":
    """Return the regions of a line of DS9's format.

    Raises
    ------
    InputError
        As of `read_regions`.
    """
    from regions import Regions  # with matplotlib: only for those who mask

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns of what it leaves out
        try:
            found = list(Regions.parse(text, format="ds9"))
        except (Warning, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise InputError(
                f"The regions {text[:80]!r} cannot be read: write them as DS9 does, such as "
                'icrs; circle(150.1, 2.2, 3").'
            ) from error
    if not found or len(found) > MAX_REGIONS:
        raise InputError(f"There are {len(found)} regions: give from 1 to {MAX_REGIONS}.")
    for region in found:
        kind = type(region).__name__
        if not kind.startswith(_AREAS) or "Annulus" in kind or region.meta.get("include") == 0:
            raise InputError(
                "Only circles, ellipses, boxes and polygons can be masked: leave out the rest."
            )
    return found


def region_mask(pixels: Pixels, text: str) -> Bool[np.ndarray, "h w"]:
    """Return which pixels lie in regions.

    Parameters
    ----------
    pixels : Pixels
    text : str
        As `read_regions` returned it.

    Raises
    ------
    InputError
        If a region is on the sky and the image has no coordinates, or if it is no area.
    """
    shape = pixels.flux.shape[1:]
    inside = np.zeros(shape, bool)
    for region in parse_regions(text):
        inside |= _inside(region, pixels.wcs, shape)
    return inside


def _inside(region: "regions.Region", wcs: WCS | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return which pixel centres lie in one region."""
    from regions import PixCoord, SkyRegion

    if isinstance(region, SkyRegion):
        if wcs is None:
            raise InputError(
                "A region is given on the sky, and the image has no coordinates: give pixels, "
                "such as image; circle(30, 40, 5)."
            )
        try:
            region = region.to_pixel(wcs)
        except (ValueError, ArithmeticError) as error:
            raise InputError("A region lies where the image's coordinates do not reach.") from error
    box = None
    try:
        box = region.bounding_box
    except ValueError as error:  # of NaN and the like
        raise InputError("A region has no finite size: correct its numbers.") from error
    rows, columns = _span(box.iymin, box.iymax, shape[0]), _span(box.ixmin, box.ixmax, shape[1])
    inside = np.zeros(shape, bool)
    y, x = np.mgrid[rows, columns]
    if x.size:
        inside[rows, columns] = region.contains(PixCoord(x, y))
    return inside


def _span(low: int, high: int, size: int) -> slice:
    """Return the part of an axis between two limits, empty where that is off the image."""
    start = min(max(0, low), size)
    return slice(start, min(max(start, high), size))


def mask_by_hand(
    pixels: Pixels,
    text: str,
    ra: float | None = None,
    dec: float | None = None,
    pixel: tuple[float, float] | None = None,
) -> Pixels:
    """Return an image in which the pixels of some regions count as unmeasured.

    Photometry takes the mean of the rest of each ring in their place, and the model is shown the
    pixels that lie opposite, across the galaxy's centre.

    Parameters
    ----------
    pixels : Pixels
    text : str
        As `read_regions` returned it.
    ra, dec : float, optional
        Where the galaxy lies, degrees; the centre of the image without them.
    pixel : tuple of float, optional
        The same in zero-based pixels.

    Returns
    -------
    Pixels
        With `masked`, and a note.

    Raises
    ------
    InputError
        If the regions cannot be read.
    TargetError
        If they hold the galaxy's centre, or nothing of the image.
    """
    inside = region_mask(pixels, text)
    height, width = inside.shape
    if not inside.any():
        raise TargetError("The masked regions lie outside the image: check their position.")
    x, y = pixel or ((width - 1) / 2, (height - 1) / 2)
    if ra is not None and dec is not None:
        x, y = pixels.to_pixel(ra, dec)
    if 0 <= round(y) < height and 0 <= round(x) < width and inside[round(y), round(x)]:
        raise TargetError(
            "The masked regions hold the galaxy's centre: leave the galaxy itself out of them."
        )
    number = len(parse_regions(text))
    note = (
        f"{number} region{'s' if number > 1 else ''} masked by hand: {int(inside.sum()):,} pixels, "
        "for which the model was shown those across the galaxy's centre."
    )
    flux = np.where(inside, np.nan, pixels.flux).astype(np.float32)
    return replace(pixels, flux=flux, masked=inside, notes=(*pixels.notes, note))


def outlines(pixels: Pixels, text: str) -> list[Float[np.ndarray, "n 2"]]:
    """Return the outlines of regions on an image.

    Parameters
    ----------
    pixels : Pixels
    text : str
        As `read_regions` returned it.

    Returns
    -------
    list of ndarray, shape (n, 2)
        Zero-based x and y of their vertices; round ones have 48.
    """
    from regions import SkyRegion

    found = []
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    for region in parse_regions(text):
        if isinstance(region, SkyRegion):
            if pixels.wcs is None:
                continue
            region = region.to_pixel(pixels.wcs)
        if hasattr(region, "vertices"):
            found.append(np.column_stack([region.vertices.x, region.vertices.y]).astype(float))
            continue
        if hasattr(region, "radius"):
            wide = high = 2 * region.radius
            shape = np.column_stack([np.cos(turn), np.sin(turn)])
        else:
            wide, high = region.width, region.height
            square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
            round_one = type(region).__name__.startswith("Ellipse")
            shape = np.column_stack([np.cos(turn), np.sin(turn)]) if round_one else square
        angle = float(region.angle.to_value("rad")) if hasattr(region, "angle") else 0.0
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = 0.5 * wide * shape[:, 0], 0.5 * high * shape[:, 1]
        centre = region.center
        found.append(np.column_stack([centre.x + cos * x - sin * y, centre.y + sin * x + cos * y]))
    return found
