"""Noise and sharpness by scale on made-up skies of which both are known."""

import numpy as np
import pytest
from scipy import ndimage

from galexplorer.image.texture import FREQUENCIES, NAMES, _blur, _grow, texture

SCALE = 0.2
NOTHING = np.zeros((128, 128), bool)


def measured(light: np.ndarray, scale: float = SCALE, blank: np.ndarray = NOTHING) -> dict:
    found = texture(light.astype("f4"), scale, 5.0, blank[: len(light), : len(light)], 0.1)
    return dict(zip(NAMES, found, strict=True))


def noise(rng: np.random.Generator, side: int = 128) -> np.ndarray:
    return 0.1 + 0.02 * rng.normal(size=(side, side))


def disc(width_arcsec: float) -> np.ndarray:
    y, x = np.mgrid[:128, :128] - 63.5
    return 0.1 + 0.5 * np.exp(-0.5 * (x**2 + y**2) * (SCALE / width_arcsec) ** 2)


def test_white_noise_has_its_power_at_every_frequency(rng):
    """Parseval: the variance of a pixel times its area."""
    found = measured(noise(rng))
    for low in FREQUENCIES[:-1]:
        assert found[f"noise_{low:g}"] == pytest.approx(np.log10(0.02**2 * SCALE**2) + 5, abs=0.3)


def test_resampled_noise_ends_where_its_own_pixels_did(rng):
    coarse = noise(rng, 64)
    found = measured(0.1 + ndimage.zoom(coarse - 0.1, 2, order=3))
    assert found["noise_0.4"] - found["noise_1.6"] > 1  # beyond 1.25 cycles per arcsec
    wrong = measured(0.1 + ndimage.zoom(coarse - 0.1, 2, order=3), 2 * SCALE)
    assert wrong["noise_0.4"] - wrong["noise_0.8"] > 0.5


def test_what_is_sharper_has_more_at_small_scales():
    sharp, soft = measured(disc(0.5)), measured(disc(1.5))
    assert sharp["core_0.3"] - sharp["core_1.2"] > soft["core_0.3"] - soft["core_1.2"] + 0.3
    assert sharp["sharp_0.3"] > soft["sharp_0.3"]


def test_light_beyond_an_edge_is_that_opposite():
    blank = NOTHING.copy()
    blank[:, :54] = True
    light = np.where(blank, 0.0, disc(2.0))
    whole, cut = measured(disc(2.0)), measured(light, blank=blank)
    assert whole["missing_light"] == pytest.approx(-1)  # a thousandth, the floor
    # 2 arcsec from the centre of a Gaussian of that width: Phi(-0.95) of it
    assert 10 ** (cut["missing_light"] - 2) == pytest.approx(0.17, abs=0.03)
    assert cut["edge_light"] > whole["edge_light"] + 0.5


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (9, 9)])
def test_the_smallest_fields_have_numbers(shape):
    for blank in (np.zeros(shape, bool), np.ones(shape, bool)):
        found = texture(np.full(shape, 0.2, "f4"), 1.2, 3.0, blank, 0.1)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("shape", [(64, 64), (31, 90)])
def test_blur_and_growth_are_those_of_scipy(rng, shape):
    light = rng.random(shape).astype(np.float32)
    for sigma in (0.4, 1.5, 6.1):
        expected = ndimage.gaussian_filter(light, sigma, truncate=3)
        np.testing.assert_allclose(_blur(light, sigma), expected, atol=2e-6)
    mask = rng.random(shape) < 0.02
    expected = ndimage.binary_dilation(mask, iterations=3)
    np.testing.assert_array_equal(_grow(mask, 3), expected)
