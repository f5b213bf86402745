"""Rendered galaxies, measured by the image path."""

import numpy as np
import pytest
from scipy.optimize import brentq

from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.schema import EXTINCTION_PER_REDDENING
from galexplorer.simulation.rendering import Galaxy, render

DISC = Galaxy((15.9, 15.3, 14.95), 4.0, 2.4, 0.7, -9.8, 0.0)
SPHEROID = Galaxy((16.3, 15.4, 15.0), 3.0, 3.2, 0.9, -12.0, 0.0)
KINDS = pytest.mark.parametrize("galaxy", [DISC, SPHEROID], ids=["disc", "spheroid"])


def measured(galaxy: Galaxy, seed: int = 1):
    flux = render(galaxy, np.random.default_rng(seed))
    return flux, measure(Pixels(flux, 0.396, "fits", ""))


@pytest.mark.parametrize(
    ("galaxy", "share"), [(DISC, 0.99), (SPHEROID, 0.82)], ids=["disc", "spheroid"]
)
def test_light_and_colours_come_back_from_the_pixels(galaxy, share):
    """Petrosian magnitudes miss light: Strauss et al. 2002 give the share of either profile."""
    _, found = measured(galaxy)
    g, r, i = (found.magnitudes[band] for band in "gri")
    assert r == pytest.approx(galaxy.magnitudes[1] - 2.5 * np.log10(share), abs=0.06)
    assert g - r == pytest.approx(galaxy.magnitudes[0] - galaxy.magnitudes[1], abs=0.05)
    assert r - i == pytest.approx(galaxy.magnitudes[1] - galaxy.magnitudes[2], abs=0.05)


@KINDS
def test_the_galaxy_is_in_the_middle_and_of_its_size(galaxy):
    flux, found = measured(galaxy)
    centre = (flux.shape[1] - 1) / 2
    assert flux.shape == (3, flux.shape[1], flux.shape[1])
    assert np.hypot(found.x - centre, found.y - centre) < 2
    assert found.petro_r50 == pytest.approx(galaxy.half_light_radius_arcsec, rel=0.25)


def test_a_spheroid_is_more_concentrated_than_a_disc():
    (_, disc), (_, spheroid) = measured(DISC), measured(SPHEROID)
    assert spheroid.petro_r90 / spheroid.petro_r50 > disc.petro_r90 / disc.petro_r50 + 0.2


def test_dust_of_the_milky_way_reddens():
    dusty = Galaxy(DISC.magnitudes, 4.0, 2.4, 0.7, -9.8, ebv=0.1)
    pairs = [(measured(DISC, k)[1], measured(dusty, k)[1]) for k in range(5)]
    for band in "gri":
        # one of them may have a faint source at the rim of its aperture
        dimming = np.median([red.magnitudes[band] - plain.magnitudes[band] for plain, red in pairs])
        assert dimming == pytest.approx(0.1 * EXTINCTION_PER_REDDENING[band], abs=0.02)


def test_extinction_is_between_that_of_neighbouring_wavelengths():
    values = [EXTINCTION_PER_REDDENING[band] for band in "ugriz"]
    assert values == sorted(values, reverse=True)


def test_the_same_seed_gives_the_same_pixels():
    one = render(DISC, np.random.default_rng(2))
    np.testing.assert_array_equal(one, render(DISC, np.random.default_rng(2)))
    other = render(DISC, np.random.default_rng(3))
    assert other.shape == one.shape
    assert not np.array_equal(one, other)


def test_the_noise_is_that_of_sdss_frames():
    """Median depths of the survey for point sources at five sigma: g 23.13, r 22.70, i 22.20."""
    faint = Galaxy((21.5, 21.0, 20.8), 1.0, 2.4, 0.7, -9.8, 0.0)
    flux = render(faint, np.random.default_rng(4))
    # a Gaussian PSF of that width at half maximum is optimally measured over 4 pi sigma^2
    area_px = 4 * np.pi * (1.32 / 2.355 / 0.396) ** 2
    for band, depth in zip(flux, (23.13, 22.70, 22.20), strict=True):
        sigma = 1.4826 * np.median(np.abs(band - np.median(band)))
        assert 22.5 - 2.5 * np.log10(5 * sigma * np.sqrt(area_px)) == pytest.approx(depth, abs=0.35)


def test_rendered_light_is_that_of_its_magnitude_on_average():
    """Sum over whole fields of a bright galaxy: neighbours add little, noise averages out."""
    bright = Galaxy((12.5, 11.8, 11.4), 3.0, 2.4, 0.8, -10.5, 0.0)
    totals = [
        np.median([render(bright, np.random.default_rng(seed))[k].sum() for seed in range(3)])
        for k in range(3)
    ]
    expected = 10 ** (0.4 * (22.5 - np.array(bright.magnitudes)))
    np.testing.assert_allclose(totals, expected, rtol=0.05)


def test_an_exponential_disc_holds_half_its_light_within_1_678_scale_lengths():
    """The constant that the renderer turns radii into scale lengths with."""
    root = brentq(lambda x: 1 - np.exp(-x) * (1 + x) - 0.5, 1, 3)
    assert root == pytest.approx(1.678, abs=1e-3)
