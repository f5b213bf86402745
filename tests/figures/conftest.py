import numpy as np
import pytest

from galexplorer.records.posterior import Posterior
from galexplorer.records.result import View

MEANS = [0.05, 10.4, 0.2, 8.9, 7.1, 2.1, 1.55, 1.65, 1.2]
WIDTHS = [0.008, 0.15, 0.25, 0.07, 0.35, 0.25, 0.25, 0.25, 0.3]


@pytest.fixture
def posterior(rng) -> Posterior:
    """Correlated Gaussian draws of a star-forming galaxy."""
    mix = np.tril(rng.normal(0, 0.4, (9, 9)), -1) + np.eye(9)
    draws = MEANS + (rng.normal(size=(5000, 9)) @ mix.T) * WIDTHS
    return Posterior(draws.astype(np.float32))


@pytest.fixture
def view(rng) -> View:
    def picture(size, noise):
        y, x = np.mgrid[:size, :size] - (size - 1) / 2
        light = np.exp(-np.hypot(x, 1.5 * y) / (0.12 * size))
        colours = light[..., None] * [255, 217, 178] + rng.normal(8, noise, (size, size, 3))
        return colours.clip(0, 255).astype(np.uint8)

    return View(
        composite=picture(64, 6),
        reconstruction=picture(64, 0),
        pixel_scale_arcsec=1.2,
        native=picture(194, 6),
        native_pixel_scale_arcsec=0.396,
        petrosian_radius_arcsec=18.0,
        north_angle_deg=30.0,
        ra=313.1478,
        dec=-5.7111,
    )
