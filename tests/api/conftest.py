"""The engine with the trained weights, a galaxy as pixels with coordinates, and some results."""

from pathlib import Path

import numpy as np
import pytest
from astropy.wcs import WCS

from galexplorer.api.engine import Engine, load
from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result, View
from galexplorer.records.verdict import Verdict, reason
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


MEANS = [0.05, 10.4, 0.2, 8.9, 7.1, 2.1, 1.55, 1.65, 1.2]


def galaxy(seed: int, shift: float = 0.0, **more) -> Result:
    draws = np.random.default_rng(seed).normal(MEANS, 0.1, (400, 9)) + shift * 0.1
    draws[:, 0] = np.abs(draws[:, 0]) + 0.001
    bpt = {"star_forming": 0.7, "composite": 0.2, "seyfert": 0.06, "liner": 0.04}
    provenance = {"weights_sha256": "ab" * 32, "seed": seed, "draws": 400, "versions": {}}
    return Result(
        Posterior(draws.astype(np.float32)), bpt, Photometry("none"), Domain(True, 40.0),
        provenance=provenance, **more,
    )  # fmt: skip


@pytest.fixture
def galaxies():
    square = np.zeros((64, 64, 3), np.uint8)
    view = View(square, square, 1.0, square, 1.0, ra=162.1, dec=-26.0)
    star = Verdict((reason("star", "do_not_use"),), 0.02)
    return [
        ("A star", galaxy(3, verdict=star)),
        ("NGC 1", galaxy(1, view=view, notes=("Its scale was read from the WCS.",))),
        ("Haro 25", galaxy(2, 2.0, measurable={"gas_metallicity": 0.1})),
    ]
