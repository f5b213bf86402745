"""Pixels from services that cut and resample for us: quicker than frames, with other noise."""

import math

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, Latitude, Longitude
from astroquery.hips2fits import hips2fits, hips2fitsClass

from galexplorer.errors import InputError
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.schema import IMAGE_BANDS, SDSS_PIXEL_SCALE_ARCSEC
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network, ServiceError, check_status

LEGACY = "The Legacy Surveys viewer"
HIPS = "hips2fits (CDS)"
CUTOUT_S = 12.0
MAX_SIDE_PX = 3000
"""The Legacy viewer clips larger ones silently."""

_CENTRE_ARCSEC = 2.0


def fetch_legacy(
    ra: float, dec: float, side_arcsec: float, network: Network, cache: Cache
) -> Pixels:
    """Get a gri cutout of the SDSS frames that the Legacy Surveys viewer has co-added.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.
    side_arcsec : float
    network : Network
    cache : Cache

    Returns
    -------
    Pixels
        North up.

    Raises
    ------
    ServiceError
        If the service gave no usable cutout.
    """
    size = _count_pixels(side_arcsec)
    url = f"{network.settings.legacy_url.rstrip('/')}/fits-cutout"
    params: dict[str, str | float] = {
        "ra": f"{ra:.6f}",
        "dec": f"{dec:.6f}",
        "layer": "sdss",
        "pixscale": SDSS_PIXEL_SCALE_ARCSEC,
        "size": size,
        "bands": "".join(IMAGE_BANDS),
    }
    label = f"legacy {ra:.6f} {dec:+.6f} {size}"
    if kept := cache.get(label):
        return _check(LEGACY, {"cube": kept}, ra, dec, size)

    def call() -> tuple[bytes, Pixels]:
        raw = network.get(LEGACY, url, params, max_bytes=_bound(size, len(IMAGE_BANDS)))
        return raw, _check(LEGACY, {"cube": raw}, ra, dec, size)

    raw, pixels = network.ask(LEGACY, call, CUTOUT_S)
    cache.put(label, raw)
    return pixels


def fetch_hips(ra: float, dec: float, side_arcsec: float, network: Network, cache: Cache) -> Pixels:
    """Get gri cutouts of the SDSS DR9 HiPS through astroquery; as `fetch_legacy`."""
    size = _count_pixels(side_arcsec)
    service = hips2fitsClass()
    network.adopt(service, _bound(size, 1))
    service.server = hips2fits.server  # the address that the user may have changed
    found: dict[str, bytes] = {}
    for band in IMAGE_BANDS:
        label = f"hips {band} {ra:.6f} {dec:+.6f} {size}"
        if kept := cache.get(label):
            found[band] = kept
            continue

        def call(band: str = band) -> bytes:
            response = service.query_async(
                hips=f"CDS/P/SDSS9/{band}",
                width=size,
                height=size,
                projection="TAN",
                ra=Longitude(ra * u.deg),
                dec=Latitude(dec * u.deg),
                fov=Angle(size * SDSS_PIXEL_SCALE_ARCSEC * u.arcsec),
                coordsys="icrs",
                rotation_angle=Angle(0 * u.deg),
                format="fits",
                min_cut=0.5,
                max_cut=99.5,
                stretch="linear",
                cmap="Greys_r",
            )
            check_status(HIPS, response)
            _check(HIPS, dict.fromkeys(IMAGE_BANDS, response.content), ra, dec, size)
            return response.content

        found[band] = network.ask(HIPS, call, CUTOUT_S)
        cache.put(label, found[band])
    return _check(HIPS, found, ra, dec, size)


def _count_pixels(side_arcsec: float) -> int:
    return min(math.ceil(side_arcsec / SDSS_PIXEL_SCALE_ARCSEC), MAX_SIDE_PX)


def _bound(size: int, planes: int) -> int:
    """Return the most bytes that a FITS file of doubles can have."""
    return 8 * planes * size**2 + 30 * 2880


def _check(service: str, files: dict[str, bytes], ra: float, dec: float, size: int) -> Pixels:
    """Read a cutout, if it is of the place, size and scale that were asked for."""
    named = {band: (f"{band}.fits", raw) for band, raw in files.items()}
    try:
        pixels = read_image(named if len(named) > 1 else next(iter(named.values())))
    except InputError as error:
        if "no signal" in str(error) or "no measured pixel" in str(error):
            raise ServiceError(f"{service} has no pixels at this position.", retry=False) from error
        raise ServiceError(f"{service} returned a damaged image: try again later.") from error
    right = pixels.wcs is not None and pixels.flux.shape[1:] == (size, size)
    if right and pixels.wcs is not None:
        x, y = pixels.wcs.world_to_pixel_values(ra, dec)
        middle = 0.5 * (size - 1)
        offset_px = math.hypot(float(x) - middle, float(y) - middle)
        right = offset_px * pixels.pixel_scale_arcsec < _CENTRE_ARCSEC
        right = right and abs(pixels.pixel_scale_arcsec / SDSS_PIXEL_SCALE_ARCSEC - 1) < 0.02
    if not right:
        raise ServiceError(f"{service} returned an image of another position: try again later.")
    flux = np.where((pixels.flux == 0).all(axis=0), np.nan, pixels.flux).astype(np.float32)
    note = (
        f"Pixels: {service}, resampled, so the noise is smoother than that of SDSS's frames; the "
        "domain check was calibrated on frames: treat a borderline result with caution."
    )
    return Pixels(flux, pixels.pixel_scale_arcsec, "fits", pixels.sha256, pixels.wcs, notes=(note,))
