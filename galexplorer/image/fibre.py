"""Light within the fibre of SDSS's spectrograph, from the model's grid.

A spectrum shows the lines of the light that enters its 3 arcsec fibre, and so does the galaxy's
continuum there. The grid is a composite whose stretch is known: it is undone inside the fibre.
"""

import numpy as np
from jaxtyping import Float, UInt8

from galexplorer.image.composite import linear_flux
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

FIBRE_RADIUS_ARCSEC = 1.5
"""Of the spectrograph of SDSS (York et al. 2000, astro-ph/0006396)."""

_FAINTEST_NMGY = 0.05
_PIXELS_ARCSEC = (0.1, 6.0)
"""Smallest and largest pixel whose share of the aperture is worked out: four hold a larger one."""


def fibre_magnitudes(
    grid: UInt8[np.ndarray, "n 3 64 64"], pixel_scale_arcsec: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """Return AB magnitudes in g, r, i within the fibre at the centre of images.

    At the seeing of the image; not corrected for Galactic extinction where the image is not.
    Bright centres that a composite clips come out too faint.

    Parameters
    ----------
    grid : ndarray, shape (n, 3, 64, 64), uint8
        Channels i, r, g; the galaxy in the middle.
    pixel_scale_arcsec : ndarray, shape (n,)
        Side of a pixel; NaN where unknown.

    Returns
    -------
    ndarray, shape (n, 3)
        No fainter than 25.75; NaN where the scale is unknown.

    Examples
    --------
    A uniform image of 0.1 nanomaggies in g, r and i per native pixel:

    >>> import numpy as np
    >>> from galexplorer.image.composite import composite
    >>> levels = composite(np.full((3, 64, 64), 0.1), 0.396)
    >>> grid = np.round(255 * levels).astype(np.uint8)[None]
    >>> flux = 10 ** (-0.4 * (fibre_magnitudes(grid, np.array([0.396])) - 22.5))
    >>> (flux / (0.1 * np.pi * (1.5 / 0.396) ** 2)).round(2)
    array([[0.99, 1.01, 1.01]])
    """
    scale = np.asarray(pixel_scale_arcsec, float)
    known = np.isfinite(scale) & (scale > 0)
    radius = FIBRE_RADIUS_ARCSEC / np.clip(np.where(known, scale, 1.0), *_PIXELS_ARCSEC)
    half = min(int(np.ceil(radius.max(initial=1.0))) + 1, grid.shape[-1] // 2)
    middle = slice(grid.shape[-1] // 2 - half, grid.shape[-1] // 2 + half)
    part = grid[:, :, middle, middle].astype(np.float32) / 255
    channels = part.transpose(1, 0, 2, 3).reshape(3, -1, 2 * half)
    flux = linear_flux(channels, SDSS_PIXEL_SCALE_ARCSEC).reshape(3, len(grid), 2 * half, 2 * half)
    place = np.arange(2 * half) - half + 0.5
    distance = np.hypot(place[:, None], place)
    share = np.clip(radius[:, None, None] + 0.5 - distance, 0, 1)
    inside = np.einsum("bnyx,nyx->nb", flux, share, optimize=True)
    # the aperture's own area, which a few large pixels cover unevenly
    inside *= (
        (FIBRE_RADIUS_ARCSEC / SDSS_PIXEL_SCALE_ARCSEC) ** 2
        * np.pi
        / share.sum(axis=(1, 2))[:, None]
    )
    magnitude = 22.5 - 2.5 * np.log10(np.maximum(inside, _FAINTEST_NMGY))
    return np.where(known[:, None], magnitude, np.nan)
