"""From measured pixels to the model's grid; the one preprocessing of training and inference."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from galexplorer.image.composite import as_served, composite
from galexplorer.image.measure import Measurement
from galexplorer.image.pixels import Pixels

GRID = 64
"""Side of the model's input in pixels."""

FIELD_PER_PETROSIAN_RADIUS = 3.2
"""Side of the field in Petrosian radii."""

MIN_FIELD_ARCSEC = 12.0
_FIELD_PER_APERTURE = 2.2


def field_of_view(pixels: Pixels, measurement: Measurement) -> float:
    """Return the side of the field to cut, arcsec.

    It scales with the galaxy. An image that is smaller than that is taken as far as it goes;
    so is one that the galaxy overfills, as far as it was measured.
    """
    height, width = pixels.flux.shape[1:]
    whole = min(height, width) * pixels.pixel_scale_arcsec
    radius = measurement.petrosian_radius_arcsec
    if radius is None:
        return min(whole, _FIELD_PER_APERTURE * measurement.aperture_arcsec)
    return min(max(FIELD_PER_PETROSIAN_RADIUS * radius, MIN_FIELD_ARCSEC), whole)


def cut(
    pixels: Pixels, measurement: Measurement, field_arcsec: float | None = None
) -> tuple[UInt8[np.ndarray, "3 64 64"], float, UInt8[np.ndarray, "3 h w"]]:
    """Cut the galaxy's field and bring it to the model's grid.

    The composite is made at the native scale first and resampled after, for FITS and JPEG
    alike: the model's training images are composites that were resampled.

    Parameters
    ----------
    pixels : Pixels
    measurement : Measurement
        Gives the centre and the sky.
    field_arcsec : float, optional
        Side of the field; `field_of_view` without it.

    Returns
    -------
    grid : ndarray, shape (3, 64, 64), uint8
        Channels i, r, g.
    pixel_scale_arcsec : float
        Side of a grid pixel.
    native : ndarray, shape (3, h, w), uint8
        The field before resampling.
    """
    side = field_of_view(pixels, measurement) if field_arcsec is None else field_arcsec
    half = 0.5 * side / pixels.pixel_scale_arcsec
    x, y = measurement.x + 0.5, measurement.y + 0.5  # pixel edges lie on whole numbers
    margin = 2
    left, top = int(np.floor(x - half)) - margin, int(np.floor(y - half)) - margin
    size = int(np.ceil(2 * half)) + 2 * margin + 1
    if pixels.composite is not None:
        shown = _without_masked(pixels.composite, pixels, measurement)
        levels = np.round(255 * _patch(shown, top, left, size)).astype(np.uint8)
    else:
        flux = _without_masked(pixels.flux, pixels, measurement)
        patch = _patch(flux, top, left, size) - measurement.sky[:, None, None]
        levels = as_served(composite(patch, pixels.pixel_scale_arcsec))
    box = (x - half - left, y - half - top, x + half - left, y + half - top)
    grid = resample(levels, box)
    inner = slice(margin, size - margin)
    return grid, side / GRID, levels[:, inner, inner]


def resample(
    levels: UInt8[np.ndarray, "3 h w"], box: tuple[float, float, float, float]
) -> UInt8[np.ndarray, "3 64 64"]:
    """Resample a composite to the model's grid with an anti-aliased triangle filter.

    Parameters
    ----------
    levels : ndarray, shape (3, H, W), uint8
    box : tuple of float
        Left, top, right and bottom edge of the field, pixels.

    Returns
    -------
    ndarray, shape (3, 64, 64), uint8
    """
    image = Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
    small = image.resize((GRID, GRID), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small).transpose(2, 0, 1).copy()


def _without_masked(image: np.ndarray, pixels: Pixels, measurement: Measurement) -> np.ndarray:
    """Return an image with what lies across the galaxy's centre in place of masked pixels.

    Where that is masked too, or off the image, it is the sky: the median of the image.
    """
    if pixels.masked is None:
        return image
    y, x = np.nonzero(pixels.masked)
    height, width = pixels.masked.shape
    across_y = np.round(2 * measurement.y - y).astype(int)
    across_x = np.round(2 * measurement.x - x).astype(int)
    there = (across_y >= 0) & (across_y < height) & (across_x >= 0) & (across_x < width)
    there[there] = ~pixels.masked[across_y[there], across_x[there]]
    filled = np.array(image, np.float32)
    filled[:, y, x] = np.nanmedian(image[:, ~pixels.masked], axis=1)[:, None]
    filled[:, y[there], x[there]] = image[:, across_y[there], across_x[there]]
    return filled


def _patch(image: np.ndarray, top: int, left: int, size: int) -> np.ndarray:
    """Return a square of an image, blank where it reaches over the edge."""
    out = np.zeros((image.shape[0], size, size), np.float32)
    height, width = image.shape[1:]
    rows = slice(max(top, 0), min(top + size, height))
    columns = slice(max(left, 0), min(left + size, width))
    if rows.start < rows.stop and columns.start < columns.stop:
        out[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (
            image[:, rows, columns]
        )
    return out
