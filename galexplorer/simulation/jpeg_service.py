"""Linear pixels as an image server delivers them: a colour JPEG of some scale and field.

Interpolation to another scale and compression shape the noise of blank sky more than the
detector does, so simulated galaxies pass through the same steps as the real JPEGs.
"""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy.ndimage import fourier_shift

from galexplorer.image.composite import NONLINEARITY, composite, linear_flux
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

_SERVER_QUALITY = 95
_GALAXY_ZOO_FIELD = 8.48
_GALAXY_ZOO_SIDE = 424
# what servers take off the sky, g, r, i: in the corners of real JPEGs zeros are as frequent
# and levels as low as if the black point lay about 0.3 sigma above the sky;
# that of i by 300 images of Galaxy Zoo and 200 of mosaics, neither of the training split nor of
# those that realism is judged by
_BLACK_POINT_NMGY = (0.005, 0.008, 0.020)
_BLACK_POINT_SCATTER = 0.5
# composites of early releases: 0.22 mag bluer, by the red sequence of their ellipticals, and
# brighter, by the noise of their sky
_EARLY_GAINS = (1.65, 1.35, 1.35)
_MOSAIC_TURNS_DEG = (8.0, -8.0) * 3
_MOSAIC_MARGIN_PX = 12
# by 77 galaxies of the training split of `sdss_spirals` with magnitudes and sizes in a catalogue,
# and these simulated: flux in apertures of 1.5" to 11" agrees within 0.04 mag in r and 0.12 in g,
# colours within 0.03, total magnitudes within 0.05 +- 0.03; and by the sky of 200 images
_MOSAIC_GAINS = (2.55, 2.25, 2.1)
_MOSAIC_NONLINEARITY = 2.85
_MOSAIC_BLACK_POINT_NMGY = (0.007, 0.011, 0.018)
_MOSAIC_STEP_DEG = 0.001
_MOSAIC_DROP_ARCSEC = 0.26  # the median of 150 real images, scatter 0.16
_USUAL_DECLINATION_DEG = 30.0


@dataclass(frozen=True)
class JpegService:
    """How an image server presents a field.

    Attributes
    ----------
    scale_arcsec : float
        Side of a delivered pixel.
    side_px : int
        Side of the delivered image.
    qualities : tuple of int
        JPEG qualities, one for each time that the delivered image was compressed.
    reduction : int
        Factor by which the image was shrunk before it was compressed for the last time.
    base_quality : int or None
        JPEG quality of the frames that the server cuts from; None for none.
    mosaic : bool
        Whether frames were resampled to a mosaic and from there to the field.
    registration_px : float
        Largest offset of g and i from r along either axis, native pixels.
    gains : tuple of float
        Brightness of g, r and i over that of `galexplorer.image.composite` where light is faint;
        with a larger `nonlinearity` bright light gains less.
    nonlinearity : float
        Constant b of the composite.
    black_point_nmgy : tuple of float
        What the server takes off the sky, g, r, i, per native pixel.
    offset_arcsec : float
        Largest offset of the galaxy from the middle of the image along right ascension.
    drop_arcsec : float
        How far below the middle it lies.
    """

    scale_arcsec: float
    side_px: int
    qualities: tuple[int, ...] = (_SERVER_QUALITY, 75)
    reduction: int = 1
    base_quality: int | None = None
    mosaic: bool = False
    registration_px: float = 0.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    nonlinearity: float = NONLINEARITY
    black_point_nmgy: tuple[float, float, float] = _BLACK_POINT_NMGY
    offset_arcsec: float = 0.0
    drop_arcsec: float = 0.0


def galaxy_zoo_service(
    petro_r90_arcsec: float, reduction: int = 1, early: bool = False
) -> JpegService:
    """Return the service of Galaxy Zoo's images, whose field scales with the galaxy.

    Willett et al. 2013 (1308.3496): 424 pixels of 0.02 Petrosian radii R90.

    Parameters
    ----------
    petro_r90_arcsec : float
    reduction : int
        See `JpegService`.
    early : bool
        In the colours of early releases, which the project's Galaxy Zoo images have; images
        that the survey serves today have not.
    """
    scale = _GALAXY_ZOO_FIELD * petro_r90_arcsec / _GALAXY_ZOO_SIDE
    last = 75 if reduction == 1 else 92
    side = _GALAXY_ZOO_SIDE // reduction
    return JpegService(
        scale * reduction,
        side,
        (_SERVER_QUALITY, last),
        reduction,
        base_quality=75,
        registration_px=0.3,
        gains=_EARLY_GAINS if early else (1.0, 1.0, 1.0),
    )


def mosaic(scale_arcsec: float, side_px: int, dec_deg: float = np.nan) -> JpegService:
    """Return the service of a colour mosaic of the survey, as `sdss_spirals` came from.

    Its images are centred on right ascensions rounded to 0.001 degrees, so galaxies lie up to
    1.8 arcsec times the cosine of the declination beside the middle. They are stretched more
    than the SkyServer's: see `JpegService.gains`.

    Parameters
    ----------
    scale_arcsec : float
    side_px : int
    dec_deg : float
        Declination of the galaxy; NaN for one without a place in the sky.

    Returns
    -------
    JpegService
    """
    declination = dec_deg if np.isfinite(dec_deg) else _USUAL_DECLINATION_DEG
    return JpegService(
        scale_arcsec,
        side_px,
        (_SERVER_QUALITY, 75),
        mosaic=True,
        registration_px=0.2,
        gains=_MOSAIC_GAINS,
        nonlinearity=_MOSAIC_NONLINEARITY,
        black_point_nmgy=_MOSAIC_BLACK_POINT_NMGY,
        offset_arcsec=0.5 * _MOSAIC_STEP_DEG * 3600 * float(np.cos(np.radians(declination))),
        drop_arcsec=_MOSAIC_DROP_ARCSEC,
    )


def jpeg_service_of(
    name: str, petro_r90_arcsec: float = 5.0, dec_deg: float = np.nan
) -> JpegService:
    """Return the service that the images of a real set came from.

    Parameters
    ----------
    name : str
        The set.
    petro_r90_arcsec, dec_deg : float
        Of the galaxy; the stretch does not depend on them.
    """
    if name == "gz1_jpeg":
        return galaxy_zoo_service(petro_r90_arcsec, reduction=3, early=True)
    if name == "gz2_jpeg":
        return galaxy_zoo_service(petro_r90_arcsec, early=True)
    return mosaic(0.2, 120, dec_deg)


def draw_jpeg_service(
    petro_r90_arcsec: float, dec_deg: float, rng: np.random.Generator
) -> JpegService:
    """Draw a service that may deliver a galaxy.

    Parameters
    ----------
    petro_r90_arcsec : float
    dec_deg : float
        NaN for a galaxy without a place in the sky.
    rng : numpy.random.Generator

    Returns
    -------
    JpegService
    """
    draw = rng.random()
    if draw < 0.35:
        field = rng.choice([24.0, 38.0, 60.0])
        return mosaic(0.2, int(field / 0.2), dec_deg)
    if draw < 0.7:
        return galaxy_zoo_service(petro_r90_arcsec, reduction=int(rng.choice([1, 3])))
    scale = float(rng.choice([0.1, 0.2, 0.3, SDSS_PIXEL_SCALE_ARCSEC]))
    field = max(24.0, 5.0 * petro_r90_arcsec)
    return JpegService(scale, int(np.clip(field / scale, 64, 512)), (_SERVER_QUALITY,))


def render_jpeg(flux_nmgy: np.ndarray, service: JpegService, rng: np.random.Generator) -> Pixels:
    """Render the middle of a field as a JPEG and read it back.

    Parameters
    ----------
    flux_nmgy : ndarray, shape (3, H, W)
        Nanomaggies per native pixel, bands g, r, i, sky-subtracted; NaN off the frame.
    service : JpegService
        A field larger than the image is cut to what there is.
    rng : numpy.random.Generator
        Draws the black point and the offsets of the bands and of the galaxy.

    Returns
    -------
    Pixels
        With `origin` "jpeg".
    """
    native = SDSS_PIXEL_SCALE_ARCSEC
    black = np.array(service.black_point_nmgy) * (1 + _BLACK_POINT_SCATTER * rng.standard_normal())
    flux_nmgy = _misalign(flux_nmgy, service.registration_px, rng)
    gains = np.array(service.gains)
    flux_nmgy = gains[:, None, None] * (flux_nmgy - black[:, None, None])
    levels = composite(flux_nmgy, native, service.nonlinearity)
    image = Image.fromarray(np.round(255 * levels).astype(np.uint8).transpose(1, 2, 0))
    if service.base_quality is not None:
        image = _compress(image, service.base_quality)
    if service.mosaic:
        image = _resample(image)
    ratio = service.scale_arcsec / service.reduction / native
    offset = rng.uniform(-service.offset_arcsec, service.offset_arcsec) / native
    drop = service.drop_arcsec / native
    room = min(image.width - 2 * abs(offset), image.height - 2 * abs(drop))
    side = min(service.side_px * service.reduction, int(room / ratio))
    side -= side % service.reduction
    x, y = image.width / 2 + offset, image.height / 2 - drop
    half = 0.5 * side * ratio
    image = image.resize(
        (side, side), Image.Resampling.BILINEAR, box=(x - half, y - half, x + half, y + half)
    )
    for quality in service.qualities[:-1]:
        image = _compress(image, quality)
    if service.reduction > 1:
        image = image.reduce(service.reduction)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=service.qualities[-1])
    return read_image(
        ("The simulated image", buffer.getvalue()), pixel_scale_arcsec=service.scale_arcsec
    )


def linearise_jpeg(pixels: Pixels, service: JpegService) -> Pixels:
    """Return a JPEG's linear pixels by the stretch of its own server.

    `galexplorer.image.reader.read_image` takes every composite for the SkyServer's.

    Parameters
    ----------
    pixels : Pixels
        As read, with their `composite`.
    service : JpegService

    Returns
    -------
    Pixels
    """
    assert pixels.composite is not None  # every JPEG has one
    flux = linear_flux(pixels.composite, pixels.pixel_scale_arcsec, service.nonlinearity)
    gains = np.asarray(service.gains, np.float32)[:, None, None]
    return replace(pixels, flux=flux / gains)


def _misalign(flux: np.ndarray, largest_px: float, rng: np.random.Generator) -> np.ndarray:
    """Shift g and i against r; early releases aligned their frames to whole pixels."""
    if largest_px == 0 or np.isnan(flux).any():
        return flux
    moved = flux.copy()
    for band in (0, 2):
        offset = rng.uniform(-largest_px, largest_px, 2)
        moved[band] = np.fft.ifft2(fourier_shift(np.fft.fft2(flux[band]), offset)).real
    return moved


def _compress(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _resample(image: Image.Image) -> Image.Image:
    """Rotate an image back and forth: bilinear each time, at all phases of the pixel grid.

    So often, the noise of blank sky is as smooth as in real mosaics.
    """
    margin = _MOSAIC_MARGIN_PX
    padded = Image.fromarray(
        np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), "reflect")
    )
    for angle in _MOSAIC_TURNS_DEG:
        padded = padded.rotate(angle, Image.Resampling.BILINEAR)
    return padded.crop((margin, margin, margin + image.width, margin + image.height))
