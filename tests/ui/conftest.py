import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

ROOT = Path(__file__).resolve().parents[2]


def make_cube(planes: int = 3, size: int = 160, value: float | None = None) -> bytes:
    """Return a FITS cube of a smooth disc with r near 16 mag, 0.396 arcsec per pixel."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    disc = np.exp(-np.hypot(x, 1.4 * y) / 9.0)
    disc *= 10 ** (0.4 * (22.5 - 16.0)) / disc.sum()
    flux = np.array([0.6, 1.0, 1.35])[:planes, None, None] * disc
    flux = flux + rng.normal(0, 0.01, flux.shape)
    if value is not None:
        flux[:] = value
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"[:planes]})
    for axis, sign in ((1, -1), (2, 1)):
        header[f"CDELT{axis}"] = sign * 0.396 / 3600
        header[f"CUNIT{axis}"] = "deg"
    buffer = io.BytesIO()
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def cube() -> bytes:
    return make_cube()


@pytest.fixture(scope="session")
def bad_files() -> dict[str, tuple[str, bytes]]:
    """Files that are no gri image, by what is wrong with them."""
    return {
        "empty": ("empty.fits", b""),
        "text": ("notes.fits", b"These are my observing notes.\n" * 200),
        "one band": ("single.fits", make_cube(planes=1)),
        "no values": ("blank.fits", make_cube(value=np.nan)),
        "no galaxy": ("sky.fits", make_cube(value=0.0)),
    }
