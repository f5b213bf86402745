"""Small FITS files made on the fly."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits


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
