"""Small FITS files made on the fly."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from galexplorer.image.pixels import Pixels


@pytest.fixture
def sky_header() -> Callable[..., fits.Header]:
    """Make a header: gnomonic, north up, east left, nanomaggies; a card set to None is left out."""

    def make(scale_arcsec: float = 0.396, **cards) -> fits.Header:
        header = fits.Header()
        for axis, (name, value, pixel, sign) in enumerate(
            [("RA---TAN", 150.0, 16.5, -1), ("DEC--TAN", 2.0, 12.5, 1)], start=1
        ):
            header[f"CTYPE{axis}"] = name
            header[f"CUNIT{axis}"] = "deg"
            header[f"CRVAL{axis}"] = value
            header[f"CRPIX{axis}"] = pixel
            header[f"CD{axis}_{axis}"] = sign * scale_arcsec / 3600
        header["BUNIT"] = "nanomaggy"
        for keyword, value in cards.items():
            if value is None:
                del header[keyword]
            else:
                header[keyword] = value
        return header

    return make


@pytest.fixture
def write_file() -> Callable[..., bytes]:
    """Make the bytes of a FITS file from its header and data units."""

    def write(*hdus) -> bytes:
        buffer = io.BytesIO()
        fits.HDUList(list(hdus)).writeto(buffer)
        return buffer.getvalue()

    return write


@pytest.fixture
def write_image(sky_header, write_file) -> Callable[..., bytes]:
    """Make a FITS file of one array: ``write_image(array, scale_arcsec=..., CARD=value)``."""

    def write(array, scale_arcsec: float = 0.396, **cards) -> bytes:
        return write_file(fits.PrimaryHDU(np.asarray(array), sky_header(scale_arcsec, **cards)))

    return write


@pytest.fixture
def planes(rng) -> np.ndarray:
    """Three bands of noise, each at a level of its own, shape (3, 24, 32)."""
    levels = np.array([1.0, 2.0, 3.0])[:, None, None]
    return (levels + 0.1 * rng.standard_normal((3, 24, 32))).astype(np.float32)


@pytest.fixture
def cube(planes, write_image) -> bytes:
    """A good file: a gri cube in nanomaggies with coordinates."""
    return write_image(planes, BANDS="gri")


@pytest.fixture
def without_coordinates() -> dict[str, None]:
    """Cards to leave out for a header without a WCS."""
    keys = ("CTYPE", "CUNIT", "CRVAL", "CRPIX")
    return dict.fromkeys([f"{key}{axis}" for key in keys for axis in (1, 2)] + ["CD1_1", "CD2_2"])


@pytest.fixture
def gnomonic() -> Callable[..., WCS]:
    """Make coordinates with north up and east left: ``gnomonic(x0, y0)``, zero-based centre."""

    def make(x0: float, y0: float, scale_arcsec: float = 0.396) -> WCS:
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [150.0, 2.0]
        wcs.wcs.crpix = [x0 + 1, y0 + 1]
        wcs.wcs.cd = scale_arcsec / 3600 * np.diag([-1.0, 1.0])
        return wcs

    return make


@pytest.fixture
def paint() -> Callable[..., Pixels]:
    """Make pixels of round galaxies: ``paint([(flux in r, x, y, profile of radius in px)])``.

    Colours are 0.6, 1 and 1.3 in g, r, i; a profile is sampled five times per pixel and axis
    and scaled to its flux over a plane far larger than the image.
    """
    fine = (np.arange(5) - 2) / 5

    def total(profile) -> float:
        radius = np.linspace(0, 2000, 400_001)
        return float(np.trapezoid(2 * np.pi * radius * profile(radius), radius))

    def make(
        galaxies, shape=(151, 151), scale=0.396, sky=(0.0, 0.0, 0.0), noise=0.004, wcs=None
    ) -> Pixels:
        y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
        image = np.zeros(shape)
        for flux, x0, y0, profile in galaxies:
            values = [profile(np.hypot(x + dx - x0, y + dy - y0)) for dx in fine for dy in fine]
            image += flux * np.mean(values, axis=0) / total(profile)
        bands = np.array([0.6, 1.0, 1.3])[:, None, None] * image + np.array(sky)[:, None, None]
        bands = bands + np.random.default_rng(8).normal(0, noise, bands.shape)
        return Pixels(bands.astype(np.float32), scale, "fits", "", wcs)

    return make
