"""Linear pixels as an image server hands them out: a colour JPEG of some scale and field.

Interpolation to another scale and compression shape the noise of blank sky more than the
detector does, so simulated galaxies pass through the same steps as the real JPEGs.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from galexplorer.image.composite import composite
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

_SERVER_QUALITY = 95
_GALAXY_ZOO_FIELD = 8.48
_GALAXY_ZOO_SIDE = 424


@dataclass(frozen=True)
class Service:
    """How an image server presents a field.

    Attributes
    ----------
    scale_arcsec : float
        Side of a delivered pixel.
    side_px : int
        Side of the delivered image.
    qualities : tuple of int
        JPEG qualities, one for each time that the image was compressed.
    reduction : int
        Factor by which the image was shrunk before it was compressed for the last time.
    """

    scale_arcsec: float
    side_px: int
    qualities: tuple[int, ...] = (_SERVER_QUALITY, 75)
    reduction: int = 1


def galaxy_zoo(petro_r90_arcsec: float, reduction: int = 1) -> Service:
    """Return the service of Galaxy Zoo's images, whose field scales with the galaxy.

    Willett et al. 2013 (1308.3496): 424 pixels of 0.02 Petrosian radii R90.
    """
    scale = _GALAXY_ZOO_FIELD * petro_r90_arcsec / _GALAXY_ZOO_SIDE
    last = 75 if reduction == 1 else 92
    side = _GALAXY_ZOO_SIDE // reduction
    return Service(scale * reduction, side, (_SERVER_QUALITY, last), reduction)


def draw_service(petro_r90_arcsec: float, rng: np.random.Generator) -> Service:
    """Draw a way in which a galaxy may be served.

    Parameters
    ----------
    petro_r90_arcsec : float
    rng : numpy.random.Generator

    Returns
    -------
    Service
    """
    draw = rng.random()
    if draw < 0.35:
        field = rng.choice([24.0, 38.0, 60.0])
        return Service(0.2, int(field / 0.2))
    if draw < 0.7:
        return galaxy_zoo(petro_r90_arcsec, reduction=int(rng.choice([1, 3])))
    scale = float(rng.choice([0.1, 0.2, 0.3, SDSS_PIXEL_SCALE_ARCSEC]))
    field = max(24.0, 5.0 * petro_r90_arcsec)
    return Service(scale, int(np.clip(field / scale, 64, 512)), (_SERVER_QUALITY,))


def serve(flux_nmgy: np.ndarray, service: Service) -> Pixels:
    """Serve the middle of a field as a JPEG and read it back.

    Parameters
    ----------
    flux_nmgy : ndarray, shape (3, H, W)
        Nanomaggies per native pixel, bands g, r, i, sky-subtracted; NaN off the frame.
    service : Service
        A field larger than the image is cut to what there is.

    Returns
    -------
    Pixels
        With `origin` "jpeg".
    """
    native = SDSS_PIXEL_SCALE_ARCSEC
    levels = np.round(255 * composite(flux_nmgy, native)).astype(np.uint8).transpose(1, 2, 0)
    size = min(levels.shape[:2])
    ratio = service.scale_arcsec / service.reduction / native
    side = min(service.side_px * service.reduction, int(size / ratio))
    side -= side % service.reduction
    x, y = levels.shape[1] / 2, levels.shape[0] / 2
    half = 0.5 * side * ratio
    image = Image.fromarray(levels).resize(
        (side, side), Image.Resampling.BICUBIC, box=(x - half, y - half, x + half, y + half)
    )
    for k, quality in enumerate(service.qualities):
        if k == len(service.qualities) - 1 and service.reduction > 1:
            image = image.reduce(service.reduction)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        image = Image.open(io.BytesIO(buffer.getvalue()))
    return read_image(
        ("The simulated image", buffer.getvalue()), pixel_scale_arcsec=service.scale_arcsec
    )
