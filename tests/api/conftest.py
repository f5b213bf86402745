"""The engine with the trained weights, and a galaxy as pixels with coordinates."""

from pathlib import Path

import numpy as np
import pytest
from astropy.wcs import WCS

from galexplorer.api.engine import Engine, load
from galexplorer.resources import bundled


@pytest.fixture(scope="session")
def engine(weights_dir) -> Engine:
    return load(weights_dir, "cpu")


@pytest.fixture(scope="session")
def spiral() -> Path:
    return bundled("assets/examples") / "spiral.fits.gz"


@pytest.fixture
def wcs() -> WCS:
    """0.396 arcsec per pixel about RA 150, Dec 2."""
    out = WCS(naxis=2)
    out.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    out.wcs.crval = [150.0, 2.0]
    out.wcs.crpix = [80.5, 80.5]
    out.wcs.cdelt = [-0.396 / 3600, 0.396 / 3600]
    return out


@pytest.fixture
def flux() -> np.ndarray:
    """A smooth disc with r near 16 mag, nanomaggies, (3, 160, 160)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:160, :160] - 79.5
    disc = np.exp(-np.hypot(x, 1.4 * y) / 9.0)
    disc *= 10 ** (0.4 * (22.5 - 16.0)) / disc.sum()
    return np.array([0.6, 1.0, 1.35])[:, None, None] * disc + rng.normal(0, 0.01, (3, 160, 160))
