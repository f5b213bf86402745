"""The colour composite against the published formula, and its inverse."""

import numpy as np
import pytest
from astropy.visualization.lupton_rgb import LuptonAsinhStretch

from galexplorer.image.composite import (
    CHANNEL_SCALES,
    NONLINEARITY,
    as_served,
    composite,
    linear_flux,
)
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC


def lupton2004(flux_gri) -> np.ndarray:
    """Compress one pixel as in the paper: R = r f(I)/I with I = r + g + b, in double precision."""
    red, green, blue = (s * f for s, f in zip(CHANNEL_SCALES, flux_gri[::-1], strict=True))
    total = red + green + blue
    stretched = np.arcsinh(NONLINEARITY * total) / NONLINEARITY
    return np.clip(np.array([red, green, blue]) * stretched / total, 0, 1)


def pixel(*gri: float) -> np.ndarray:
    return np.array(gri, np.float32)[:, None, None]


@pytest.mark.parametrize(
    "flux", [(0.01, 0.02, 0.03), (0.1, 0.2, 0.25), (0.3, 0.02, 0.001), (0.004, -0.001, 0.006)]
)
def test_a_pixel_follows_the_published_formula(flux):
    shown = composite(pixel(*flux), SDSS_PIXEL_SCALE_ARCSEC)[:, 0, 0]
    np.testing.assert_allclose(shown, lupton2004(flux), rtol=2e-6, atol=1e-7)


def test_the_curve_is_astropys(rng):
    """astropy stretches the mean of the bands; its Q / stretch is three times the constant here."""
    flux = rng.uniform(0.001, 0.12, (3, 40, 40)).astype(np.float32)
    stretch = LuptonAsinhStretch(stretch=8.0 / (3 * NONLINEARITY), Q=8.0)
    scaled = flux[::-1] * np.array(CHANNEL_SCALES)[:, None, None]
    mean = scaled.mean(axis=0)
    theirs = scaled * stretch(mean) / mean
    ours = composite(flux, SDSS_PIXEL_SCALE_ARCSEC)
    assert ours.max() < 1
    ratio = ours / theirs
    # astropy normalises its curve by another constant
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-5)


def test_faint_light_is_linear():
    flux = (1e-5, 2e-5, 3e-5)
    shown = composite(pixel(*flux), SDSS_PIXEL_SCALE_ARCSEC)[:, 0, 0]
    np.testing.assert_allclose(shown, np.multiply(CHANNEL_SCALES, flux[::-1]), rtol=1e-4)


@pytest.mark.parametrize("scale", [SDSS_PIXEL_SCALE_ARCSEC, 0.2, 1.188])
def test_the_inverse_returns_the_flux(rng, scale):
    area = (scale / SDSS_PIXEL_SCALE_ARCSEC) ** 2
    flux = (area * rng.uniform(0, 0.15, (3, 30, 30))).astype(np.float32)
    shown = composite(flux, scale)
    assert shown.max() < 1
    np.testing.assert_allclose(linear_flux(shown, scale), flux, rtol=1e-4, atol=1e-6 * area)


def test_a_saturated_pixel_keeps_its_colour():
    flux = (3.0, 10.0, 30.0)
    shown = composite(pixel(*flux), SDSS_PIXEL_SCALE_ARCSEC)[:, 0, 0]
    assert shown.max() == 1.0
    expected = np.multiply(CHANNEL_SCALES, flux[::-1])
    np.testing.assert_allclose(shown, expected / expected.max(), rtol=1e-5)


def test_unmeasured_pixels_are_blank_sky():
    flux = np.full((3, 4, 4), 0.05, np.float32)
    flux[1, 2, 2] = np.nan
    shown = composite(flux, SDSS_PIXEL_SCALE_ARCSEC)
    assert np.isfinite(shown).all()
    assert shown[1, 2, 2] == 0.0
    assert not composite(np.full((3, 2, 2), np.nan), 0.396).any()


def test_surface_brightness_decides_not_the_pixel(rng):
    """The same sky binned twofold looks the same."""
    fine = np.repeat(np.repeat(rng.uniform(-0.02, 0.5, (3, 12, 12)), 2, axis=1), 2, axis=2)
    coarse = fine.reshape(3, 12, 2, 12, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(
        composite(coarse, 0.792), composite(fine, 0.396)[:, ::2, ::2], rtol=1e-5, atol=1e-7
    )


def test_serving_costs_a_few_levels(rng):
    y, x = np.mgrid[:64, :64] - 31.5
    channels = np.exp(-np.hypot(x, y) / 12)[None] * np.array([0.9, 0.7, 0.5])[:, None, None]
    served = as_served(channels)
    assert served.dtype == np.uint8
    assert served.shape == (3, 64, 64)
    assert np.abs(served / 255 - channels).mean() < 2 / 255
