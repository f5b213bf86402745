"""Measurements of galaxies whose answer is known in closed form or by quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from galexplorer.errors import TargetError
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels

COLOURS = (0.6, 1.0, 1.3)


def exponential(length):
    return lambda r: np.exp(-r / length)


def gaussian(sigma):
    return lambda r: np.exp(-0.5 * (r / sigma) ** 2)


def light_within(profile, radius: float) -> float:
    return quad(lambda r: 2 * np.pi * r * profile(r), 0, radius, limit=200)[0]


def petrosian_radius(profile, guess: float) -> float:
    """Solve the definition of SDSS (Blanton et al. 2001) by quadrature."""

    def excess(r):
        ring = light_within(profile, 1.25 * r) - light_within(profile, 0.8 * r)
        local = ring / (np.pi * (1.25**2 - 0.8**2) * r**2)
        return local / (light_within(profile, r) / (np.pi * r**2)) - 0.2

    return brentq(excess, 0.5 * guess, 6 * guess)


def radius_with(profile, share: float, aperture: float) -> float:
    total = light_within(profile, aperture)
    return brentq(lambda r: light_within(profile, r) - share * total, 1e-3, aperture)


@pytest.mark.parametrize(
    ("profile", "guess"),
    [(exponential(6.0), 20.0), (exponential(10.0), 35.0), (gaussian(5.0), 12.0)],
    ids=["disc", "large disc", "Gaussian"],
)
def test_radii_and_magnitudes_are_those_of_the_definition(paint, profile, guess):
    flux_r = 400.0
    pixels = paint([(flux_r, 100.2, 99.7, profile)], shape=(201, 201), sky=(0.1, 0.2, 0.05))
    found = measure(pixels)
    expected = petrosian_radius(profile, guess)
    scale = pixels.pixel_scale_arcsec
    assert found.petrosian_radius_arcsec == pytest.approx(expected * scale, rel=0.03)
    assert found.aperture_arcsec == pytest.approx(2 * found.petrosian_radius_arcsec)
    for share, radius in ((0.5, found.petro_r50), (0.9, found.petro_r90)):
        assert radius == pytest.approx(radius_with(profile, share, 2 * expected) * scale, rel=0.04)
    for band, colour in zip("gri", COLOURS, strict=True):
        assert found.magnitudes[band] == pytest.approx(
            22.5 - 2.5 * np.log10(colour * flux_r), abs=0.03
        )
        assert 0.02 <= found.errors[band] < 0.03
    assert np.hypot(found.x - 100.2, found.y - 99.7) < 0.1
    np.testing.assert_allclose(found.sky, (0.1, 0.2, 0.05), atol=0.01)
    assert found.fraction_measured == pytest.approx(1.0, abs=0.01)


def test_the_measurement_is_on_the_sky_not_on_the_grid(paint):
    """The same galaxy in pixels twice as large has the same radius and magnitude."""
    fine = paint([(300.0, 100, 100, exponential(8.0))], shape=(201, 201))
    coarse = paint([(300.0, 50, 50, exponential(4.0))], shape=(101, 101), scale=0.792)
    one, other = measure(fine), measure(coarse)
    assert other.petrosian_radius_arcsec == pytest.approx(one.petrosian_radius_arcsec, rel=0.03)
    assert other.magnitudes["r"] == pytest.approx(one.magnitudes["r"], abs=0.02)


def test_a_neighbour_inside_the_aperture_is_masked(paint):
    galaxy = (400.0, 100, 100, exponential(8.0))
    star = (150.0, 128, 118, gaussian(1.8))
    found = measure(paint([galaxy, star], shape=(201, 201)))
    assert found.aperture_arcsec / 0.396 > np.hypot(28, 18)
    assert found.magnitudes["r"] == pytest.approx(22.5 - 2.5 * np.log10(400), abs=0.05)
    assert found.fraction_measured < 1.0


def test_a_position_selects_the_target(paint, gnomonic):
    wcs = gnomonic(75.0, 75.0)
    galaxies = [(300.0, 75, 75, exponential(4.0)), (80.0, 121.3, 40.6, exponential(4.0))]
    pixels = paint(galaxies, wcs=wcs)
    ra, dec = wcs.pixel_to_world_values(121.3, 40.6)
    found = measure(pixels, float(ra), float(dec))
    assert np.hypot(found.x - 121.3, found.y - 40.6) < 0.2
    assert found.magnitudes["r"] == pytest.approx(22.5 - 2.5 * np.log10(80), abs=0.05)
    assert np.hypot(measure(pixels).x - 75, measure(pixels).y - 75) < 0.2


def test_the_object_nearest_the_centre_is_the_target(paint):
    near, far = (40.0, 66, 75, gaussian(1.8)), (400.0, 95, 75, gaussian(1.8))
    found = measure(paint([near, far]))
    assert np.hypot(found.x - 66, found.y - 75) < 0.3


def test_a_galaxy_at_the_edge_is_made_whole(paint, gnomonic):
    pixels = paint([(400.0, 7.0, 75.0, exponential(5.0))], wcs=gnomonic(75.0, 75.0))
    ra, dec = pixels.wcs.pixel_to_world_values(7.0, 75.0)
    found = measure(pixels, float(ra), float(dec))
    assert found.magnitudes["r"] == pytest.approx(22.5 - 2.5 * np.log10(400), abs=0.1)
    assert 0.5 < found.fraction_measured < 0.8


def test_unmeasured_pixels_are_left_out(paint):
    pixels = paint([(400.0, 75, 75, exponential(6.0))])
    pixels.flux[:, 85:92, 60:100] = np.nan
    found = measure(pixels)
    assert found.magnitudes["r"] == pytest.approx(22.5 - 2.5 * np.log10(400), abs=0.05)
    assert found.fraction_measured < 0.99


def test_a_galaxy_that_overfills_the_field_has_no_petrosian_radius(paint):
    found = measure(paint([(5e4, 50, 50, exponential(60.0))], shape=(101, 101)))
    assert found.petrosian_radius_arcsec is None
    assert found.petro_r50 is None
    assert found.petro_r90 is None
    assert np.isfinite(found.magnitudes["r"])


@pytest.mark.parametrize("seed", range(6))
def test_blank_sky_holds_no_galaxy(seed):
    flux = np.random.default_rng(seed).normal(0, 0.03, (3, 150, 150)).astype(np.float32)
    with pytest.raises(TargetError, match="No object"):
        measure(Pixels(flux, 0.396, "fits", ""))


def test_a_galaxy_far_from_the_centre_is_not_taken(paint):
    with pytest.raises(TargetError, match="centre the galaxy, or give RA and Dec"):
        measure(paint([(400.0, 20, 20, gaussian(2.0))]))


def test_a_position_needs_coordinates(paint):
    with pytest.raises(TargetError, match="no celestial coordinates"):
        measure(paint([(400.0, 75, 75, gaussian(3.0))]), 150.0, 2.0)


def test_a_position_off_the_image_is_refused(paint, gnomonic):
    pixels = paint([(400.0, 75, 75, gaussian(3.0))], wcs=gnomonic(75.0, 75.0))
    with pytest.raises(TargetError, match="lies off this image"):
        measure(pixels, 150.5, 2.0)


def test_the_antipode_is_off_the_image(paint, gnomonic):
    pixels = paint([(400.0, 75, 75, gaussian(3.0))], wcs=gnomonic(75.0, 75.0))
    with pytest.raises(TargetError, match="lies off this image"):
        measure(pixels, 330.0, -2.0)


def test_a_position_on_the_very_edge_is_looked_at(paint, gnomonic):
    """Half a pixel beyond the last centre still belongs to the last pixel."""
    pixels = paint([(400.0, 75, 75, gaussian(3.0))], shape=(150, 150), wcs=gnomonic(75.0, 75.0))
    ra, dec = pixels.wcs.pixel_to_world_values(149.4999, 149.4999)
    with pytest.raises(TargetError, match="No object was found"):
        measure(pixels, float(ra), float(dec))


def test_unmeasured_sky_is_refused():
    pixels = Pixels(np.full((3, 80, 80), np.nan, np.float32), 0.396, "fits", "")
    with pytest.raises(TargetError, match="no measured pixels"):
        measure(pixels)


def test_a_galaxy_without_light_in_r_is_refused(paint):
    pixels = paint([(400.0, 75, 75, gaussian(4.0))])
    pixels.flux[1] *= -1
    with pytest.raises(TargetError, match="no positive flux in r"):
        measure(pixels)
