"""SDSS's own colour composite, forward and back.

The composite is that of Lupton et al. 2004 (astro-ph/0312483): the three bands are scaled,
and their sum is compressed by an asinh that leaves the colour of a pixel alone,

    c_k = s_k f_k * asinh(b I) / (b I),      I = sum_k s_k f_k,

with f in nanomaggies per native SDSS pixel. The constants below reproduce the SkyServer's
JPEGs: `b` and the scales were fitted so that the inverted JPEGs of 83 galaxies of the main
sample have the Petrosian magnitudes of the catalogue (scatter 0.06 to 0.09 mag in i and r),
and they give blank sky the noise that those JPEGs show.
"""

import io

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image

from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

CHANNEL_SCALES = (1.59, 1.88, 2.28)
"""Scale of i, r, g (red, green, blue) per nanomaggie in a native pixel."""

NONLINEARITY = 2.25
"""The constant b above."""

JPEG_QUALITY = 90
"""Quality at which a FITS composite is compressed, as the SkyServer does with its own."""


def composite(
    flux_nmgy: Float[np.ndarray, "3 h w"],
    pixel_scale_arcsec: float,
    nonlinearity: float = NONLINEARITY,
) -> Float32[np.ndarray, "3 h w"]:
    """Return the colour composite of linear pixels.

    Parameters
    ----------
    flux_nmgy : ndarray, shape (3, H, W)
        Nanomaggies per pixel, bands g, r, i, sky-subtracted. NaN counts as blank sky.
    pixel_scale_arcsec : float
        Side of a pixel; surface brightness is what the composite shows.
    nonlinearity : float
        Constant b, for composites other than the SkyServer's.

    Returns
    -------
    ndarray, shape (3, H, W), float32
        Channels i, r, g, clipped to 0..1; a pixel too bright for one channel is scaled
        down in all three, so that it keeps its colour.
    """
    per_native = (SDSS_PIXEL_SCALE_ARCSEC / pixel_scale_arcsec) ** 2
    scales = np.asarray(CHANNEL_SCALES, np.float32)[:, None, None]
    channels = np.nan_to_num(np.asarray(flux_nmgy, np.float32)[::-1]) * (scales * per_native)
    compressed = channels * _compression(channels.sum(axis=0), nonlinearity)
    peak = np.maximum(compressed.max(axis=0), 1.0)
    return np.clip(compressed / peak, 0.0, 1.0)


def linear_flux(
    channels: Float[np.ndarray, "3 h w"],
    pixel_scale_arcsec: float,
    nonlinearity: float = NONLINEARITY,
) -> Float32[np.ndarray, "3 h w"]:
    """Invert `composite`.

    Parameters
    ----------
    channels : ndarray, shape (3, H, W)
        Composite, channels i, r, g, 0 to 1.
    pixel_scale_arcsec : float
        Side of a pixel.
    nonlinearity : float
        Constant b, for composites other than the SkyServer's.

    Returns
    -------
    ndarray, shape (3, H, W), float32
        Nanomaggies per pixel, bands g, r, i. What was clipped at zero stays zero.
    """
    channels = np.asarray(channels, np.float32)
    total = channels.sum(axis=0)
    radius = np.sinh(nonlinearity * total) / nonlinearity
    ratio = np.divide(radius, total, out=np.ones_like(total), where=total > 1e-6)
    scales = np.asarray(CHANNEL_SCALES, np.float32)[:, None, None]
    per_pixel = (pixel_scale_arcsec / SDSS_PIXEL_SCALE_ARCSEC) ** 2
    return (channels * ratio / scales)[::-1] * np.float32(per_pixel)


def as_served(channels: Float[np.ndarray, "3 h w"]) -> UInt8[np.ndarray, "3 h w"]:
    """Return the composite as a JPEG server would deliver it.

    Eight bits and JPEG compression change the noise of faint pixels; the model learnt
    from images that went through both.

    Parameters
    ----------
    channels : ndarray, shape (3, H, W)
        Composite, 0 to 1.

    Returns
    -------
    ndarray, shape (3, H, W), uint8
    """
    levels = np.round(255 * channels).astype(np.uint8).transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1).copy()


def _compression(total: np.ndarray, nonlinearity: float) -> np.ndarray:
    """Return asinh(b I) / (b I), 1 where I is zero."""
    argument = nonlinearity * total
    return np.divide(
        np.arcsinh(argument), argument, out=np.ones_like(argument), where=np.abs(argument) > 1e-6
    )
