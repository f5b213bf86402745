"""What a user masked by hand on the picture: words for regions, and the way from the chart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from galexplorer.image.pixels import Pixels
from galexplorer.image.regions import outlines, parse_regions
from galexplorer.pictures.north_up import SkyAxes

_KEY = "mask_regions"
_MOST_VERTICES = 24
"""Of a line that was drawn: enough for a star or a trail, and short enough for a link."""
LEAST_RADIUS_ARCSEC = 3.0
_RADII_OF_STAR = 4.0
"""Half-light radii of a star within which its light is masked."""

_SAME_ARCSEC = 0.3
"""A click on an object returns its own place, as far as numbers keep it."""


def masks() -> tuple[str, ...]:
    """Return the regions that are masked, each in DS9's words with its frame."""
    found, frame = [], ""
    for part in str(st.session_state.get(_KEY) or "").split(";"):
        if "(" in part:
            found.append(f"{frame};{part}" if frame else part)
        else:
            frame = part
    return tuple(found)


def set_masks(words: Sequence[str]) -> None:
    """Mask these regions and no others, from the next run of the page on."""
    joined, frame = [], ""
    for each in words:
        own, _, shape = each.rpartition(";")
        joined += [own] if own != frame and own else []
        joined.append(shape)
        frame = own or frame
    st.session_state[_KEY] = ";".join(joined)


def polygon_words(pixels: Pixels, axes: SkyAxes, offsets: Sequence[tuple[float, float]]) -> str:
    """Return a line that was drawn as a polygon on the sky, or on the image without coordinates.

    Parameters
    ----------
    pixels : Pixels
    axes : SkyAxes
    offsets : sequence of tuple of float
        Arcsec to the east and north.

    Returns
    -------
    str
        Empty for fewer than three vertices.
    """
    if len(offsets) < 3:
        return ""
    chosen = np.unique(np.linspace(0, len(offsets) - 1, _MOST_VERTICES).astype(int))
    places = [_place(pixels, axes, offsets[k]) for k in chosen]
    return f"{_frame(pixels)};polygon({','.join(places)})"


def circle_words(
    pixels: Pixels, axes: SkyAxes, offset: tuple[float, float], radius_arcsec: float
) -> str:
    """Return a circle on the sky, or on the image without coordinates.

    Parameters
    ----------
    pixels : Pixels
    axes : SkyAxes
    offset : tuple of float
        Arcsec to the east and north.
    radius_arcsec : float
    """
    size = (
        f'{radius_arcsec:.2f}"'
        if pixels.wcs is not None
        else f"{radius_arcsec / pixels.pixel_scale_arcsec:.2f}"
    )
    return f"{_frame(pixels)};circle({_place(pixels, axes, offset)},{size})"


def _frame(pixels: Pixels) -> str:
    return "icrs" if pixels.wcs is not None else "image"


def _place(pixels: Pixels, axes: SkyAxes, offset: tuple[float, float]) -> str:
    x, y = axes.to_pixel(*offset)
    if pixels.wcs is None:
        return f"{x + 1:.1f},{y + 1:.1f}"  # DS9 counts from 1
    ra, dec = pixels.to_sky(x, y)
    return f"{ra:.6f},{dec:.6f}"


def drawn_masks(
    event: Mapping[str, Any],
    pixels: Pixels,
    axes: SkyAxes,
    star_radii: Sequence[tuple[float, float, float]],
) -> list[str]:
    """Return what was drawn or clicked on the chart as regions.

    Parameters
    ----------
    event : mapping
        As the chart returned it.
    pixels : Pixels
    axes : SkyAxes
    star_radii : sequence of tuple of float
        Offset to the east and north and half-light radius of each object that a click masks;
        one on anything else masks nothing.
    """
    selection = event.get("selection", {})
    words = []
    for line in selection.get("lasso", ()):
        words.append(polygon_words(pixels, axes, list(zip(line["x"], line["y"], strict=True))))
    for box in selection.get("box", ()):
        (x0, x1), (y0, y1) = box["x"][:2], box["y"][:2]
        words.append(polygon_words(pixels, axes, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    if not words:
        for point in selection.get("points", ()):
            place = (float(point["x"]), float(point["y"]))
            apart = [np.hypot(east - place[0], north - place[1]) for east, north, _ in star_radii]
            if min(apart, default=np.inf) > _SAME_ARCSEC:
                continue  # the galaxy on the page
            radius = star_radii[int(np.argmin(apart))][2]
            size = max(LEAST_RADIUS_ARCSEC, _RADII_OF_STAR * radius)
            words.append(circle_words(pixels, axes, place, size))
    return [each for each in words if each]


def mask_outlines(pixels: Pixels, axes: SkyAxes, words: str) -> tuple[np.ndarray, ...]:
    """Return the outlines of regions, arcsec to the east and north, each of shape (n, 2)."""
    if not words:
        return ()
    return tuple(
        np.array([axes.to_offset(float(x), float(y)) for x, y in outline])
        for outline in outlines(pixels, words)
    )


def count_masks(words: str) -> int:
    """Return how many regions are masked."""
    return len(parse_regions(words)) if words else 0
