"""Light within the fibre, against the pixels that a composite was made of."""

import numpy as np
import pytest

from galexplorer.image.composite import composite
from galexplorer.image.fibre import fibre_magnitudes


def gaussian(total_nmgy: float, sigma_arcsec: float, scale_arcsec: float) -> np.ndarray:
    """Return a round Gaussian of a total flux on the model's grid, nanomaggies per pixel."""
    place = (np.arange(64) - 31.5) * scale_arcsec
    radius = np.hypot(place[:, None], place)
    profile = np.exp(-0.5 * (radius / sigma_arcsec) ** 2) / (2 * np.pi * sigma_arcsec**2)
    return total_nmgy * profile * scale_arcsec**2


@pytest.mark.parametrize("scale", [0.2, 0.4, 0.8, 1.2])
def test_a_gaussian_has_the_flux_of_its_integral(scale):
    sigma = 2.5
    flux = np.stack([gaussian(total, sigma, scale) for total in (20.0, 40.0, 60.0)])
    grid = np.round(255 * composite(flux, scale)).astype(np.uint8)[None]
    found = fibre_magnitudes(grid, np.array([scale]))[0]
    share = 1 - np.exp(-0.5 * (1.5 / sigma) ** 2)
    expected = 22.5 - 2.5 * np.log10(share * np.array([20.0, 40.0, 60.0]))
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_images_of_several_scales_are_measured_as_each_alone():
    random = np.random.default_rng(5)
    grid = random.integers(0, 200, (3, 3, 64, 64), dtype=np.uint8)
    scales = np.array([0.2, 1.0, np.nan])
    together = fibre_magnitudes(grid, scales)
    alone = [fibre_magnitudes(grid[k : k + 1], scales[k : k + 1])[0] for k in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    assert np.isnan(together[2]).all()


def test_pixels_wider_than_the_fibre_give_what_falls_into_it():
    """As of a uniform image: the fibre's area, whatever the pixel."""
    levels = composite(np.full((3, 64, 64), 0.1), 0.396)
    grid = np.repeat(np.round(255 * levels).astype(np.uint8)[None], 3, axis=0)
    found = fibre_magnitudes(grid, np.array([1.0, 8.0, 60.0]))
    np.testing.assert_allclose(found, found[:1].repeat(3, axis=0), atol=1e-3)


def test_an_empty_image_has_a_faint_limit():
    found = fibre_magnitudes(np.zeros((1, 3, 64, 64), np.uint8), np.array([0.4]))
    np.testing.assert_allclose(found, 25.75, atol=0.01)
