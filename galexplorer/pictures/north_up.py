"""Pictures of the sky with north up and east left, and the way between their pixels and the sky."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from galexplorer.image.composite import composite
from galexplorer.image.measure import estimate_sky
from galexplorer.image.pixels import Pixels


@dataclass(frozen=True)
class SkyAxes:
    """Where the directions of the sky lie on an image, round one of its pixels.

    Attributes
    ----------
    x, y : float
        Zero-based pixel from which offsets count; row 0 is on top.
    pixel_scale_arcsec : float
    north_angle_deg : float or None
        Direction of north, counter-clockwise from up. None without coordinates: offsets then count
        to the left and up.
    mirrored : bool
        East lies clockwise from north.
    """

    x: float
    y: float
    pixel_scale_arcsec: float
    north_angle_deg: float | None = None
    mirrored: bool = False

    def _directions(self) -> Float[np.ndarray, "2 2"]:
        """Return east and north as columns, in pixels to the right and down, of unit length."""
        angle = math.radians(self.north_angle_deg or 0.0)
        left = -1.0 if self.mirrored else 1.0
        east = (-left * math.cos(angle), left * math.sin(angle))
        north = (-math.sin(angle), -math.cos(angle))
        return np.array([east, north]).T

    def to_pixel(self, east_arcsec: float, north_arcsec: float) -> tuple[float, float]:
        """Return the pixel at an offset.

        Examples
        --------
        >>> SkyAxes(50.0, 50.0, 0.5, north_angle_deg=0.0).to_pixel(10.0, 5.0)
        (30.0, 40.0)
        """
        right, down = self._directions() @ (east_arcsec, north_arcsec) / self.pixel_scale_arcsec
        return float(self.x + right), float(self.y + down)

    def to_offset(self, x: float, y: float) -> tuple[float, float]:
        """Return the offset of a pixel to the east and to the north, arcsec.

        Examples
        --------
        >>> SkyAxes(50.0, 50.0, 0.5, north_angle_deg=0.0).to_offset(30.0, 40.0)
        (10.0, 5.0)
        """
        step = np.array([x - self.x, y - self.y]) * self.pixel_scale_arcsec
        east, north = self._directions().T @ step
        return float(east), float(north)


def north_up(
    picture: UInt8[np.ndarray, "h w 3"],
    axes: SkyAxes,
    side_arcsec: float,
    step_arcsec: float | None = None,
) -> UInt8[np.ndarray, "s s 3"]:
    """Return a square of a picture round the origin of its axes, north up and east left.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8
        Row 0 on top.
    axes : SkyAxes
        Of this picture.
    side_arcsec : float
        Side of the square.
    step_arcsec : float, optional
        Side of a pixel of the square; that of the picture by default.

    Returns
    -------
    ndarray, shape (s, s, 3), uint8
        Bicubic where pixels do not fall on pixels; black beyond the picture. Over a few arcminutes
        the sky is as good as flat, so one rotation serves the whole square.
    """
    step = axes.pixel_scale_arcsec if step_arcsec is None else step_arcsec
    side = max(1, round(side_arcsec / step))
    east, north = axes._directions().T * (step / axes.pixel_scale_arcsec)
    # of one pixel to the right, which is west, and of one down, which is south
    right, down = -east, -north
    start = np.array([axes.x, axes.y]) + 0.5 - 0.5 * side * (right + down)
    image = Image.fromarray(np.ascontiguousarray(picture))
    # exact where it can be: quarter turns and whole pixels
    rows = np.round([right[0], down[0], start[0], right[1], down[1], start[1]], 9)
    turned = image.transform(
        (side, side), Image.Transform.AFFINE, rows.tolist(), Image.Resampling.BICUBIC, fillcolor=0
    )
    return np.asarray(turned).copy()


def sky_picture(
    pixels: Pixels, centre: tuple[float, float], side_arcsec: float
) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[float, float]]:
    """Return the colour composite of all pixels that a turned square can need.

    Parameters
    ----------
    pixels : Pixels
    centre : tuple of float
        Zero-based pixel.
    side_arcsec : float
        Side of the square.

    Returns
    -------
    picture : ndarray, shape (h, w, 3), uint8
        As the pixels lie, without the sky's level; it ends where they end.
    centre : tuple of float
        The same place on the picture.
    """
    height, width = pixels.flux.shape[1:]
    reach = math.ceil(side_arcsec / math.sqrt(2) / pixels.pixel_scale_arcsec) + 2
    x, y = centre
    left, top = max(0, math.floor(x) - reach), max(0, math.floor(y) - reach)
    rows = slice(top, max(top + 1, min(height, math.ceil(y) + reach)))
    columns = slice(left, max(left + 1, min(width, math.ceil(x) + reach)))
    if pixels.composite is not None:
        channels = pixels.composite[:, rows, columns]
    else:
        flux = pixels.flux[:, rows, columns]
        channels = composite(flux - sky_level(pixels)[:, None, None], pixels.pixel_scale_arcsec)
    levels = np.round(255 * np.clip(channels, 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0)), (x - left, y - top)


def sky_level(pixels: Pixels) -> Float[np.ndarray, "3"]:
    """Return the sky of an image, nanomaggies per pixel in g, r, i; zero where none is measured."""
    # every fourth row and column of a large frame tell as much
    step = max(1, min(pixels.flux.shape[1:]) // 256)
    flux = np.ascontiguousarray(pixels.flux[:, ::step, ::step])
    blank = np.any(~np.isfinite(flux), axis=0)
    if blank.all():
        return np.zeros(3)
    return estimate_sky(np.where(blank, 0.0, flux), blank)[0].astype(float)
