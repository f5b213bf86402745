"""Galaxies beside brighter ones: what is painted must come back."""

import numpy as np
import pytest
import sep
from numpy.lib.recfunctions import unstructured_to_structured

from galexplorer.image.haloes import brighter_neighbours, elliptical_distance, without
from galexplorer.image.measure import measure

FIELDS = np.dtype([(name, float) for name in ("x", "y", "a", "b", "theta", "flux")])
GALAXY, BRIGHT = 100.0, 3000.0
SIDE, MIDDLE = 301, 150.0


def exponential(length):
    return lambda r: np.exp(-r / length)


def gaussian(sigma):
    return lambda r: np.exp(-0.5 * (r / sigma) ** 2)


def objects_of(*rows):
    return unstructured_to_structured(np.array(rows, float), FIELDS)


def offset(distance, angle):
    return MIDDLE + distance * np.cos(angle), MIDDLE + distance * np.sin(angle)


@pytest.fixture
def target():
    return GALAXY, MIDDLE, MIDDLE, exponential(3.0)


@pytest.mark.parametrize("distance", [42, 52])
def test_a_galaxy_in_the_halo_of_a_brighter_one_has_its_own_light(
    paint, gnomonic, target, distance
):
    wcs = gnomonic(MIDDLE, MIDDLE)
    ra, dec = map(float, wcs.pixel_to_world_values(MIDDLE, MIDDLE))
    alone = measure(paint([target], shape=(SIDE, SIDE), wcs=wcs), ra, dec)
    neighbour = (BRIGHT, *offset(distance, 0.6), exponential(8.0))
    found = measure(paint([target, neighbour], shape=(SIDE, SIDE), wcs=wcs), ra, dec)
    assert np.hypot(found.x - MIDDLE, found.y - MIDDLE) < 1.0
    for band in "gri":
        assert found.magnitudes[band] == pytest.approx(alone.magnitudes[band], abs=0.1)
    assert found.petrosian_radius_arcsec == pytest.approx(alone.petrosian_radius_arcsec, rel=0.1)


def test_two_neighbours_are_both_taken_off(paint, target):
    others = [(BRIGHT, *offset(60, angle), exponential(8.0)) for angle in (0.4, 3.0)]
    alone = measure(paint([target], shape=(SIDE, SIDE)))
    found = measure(paint([target, *others], shape=(SIDE, SIDE)))
    assert found.magnitudes["r"] == pytest.approx(alone.magnitudes["r"], abs=0.1)


def test_a_star_on_the_disc_does_not_take_the_disc_with_it(paint):
    """It is brighter than the galaxy, and its rings are the galaxy's."""
    disc = (400.0, MIDDLE, MIDDLE, exponential(12.0))
    star = (800.0, *offset(24, 2.0), gaussian(1.6))
    alone = measure(paint([disc], shape=(SIDE, SIDE)))
    found = measure(paint([disc, star], shape=(SIDE, SIDE)))
    assert found.magnitudes["r"] == pytest.approx(alone.magnitudes["r"], abs=0.12)


def tilted(flux, x, y, length, axis_ratio, angle, shape):
    """Return an exponential disc seen at an angle, its axes counted by hand."""
    rows, columns = np.indices(shape)
    turned = ((columns - x) + 1j * (rows - y)) * np.exp(-1j * angle)
    radius = np.hypot(turned.real, turned.imag / axis_ratio)
    light = np.exp(-radius / length)
    return flux * light / light.sum()


def test_a_tilted_profile_is_taken_off_and_others_are_left():
    """Neither another galaxy in its rings nor unmeasured pixels make it brighter."""
    shape = (241, 201)
    disc = tilted(4000.0, 90, 140, 9.0, 0.45, 0.9, shape)
    other = tilted(300.0, 140, 95, 2.0, 1.0, 0.0, shape)
    noise = np.random.default_rng(3).normal(0, 0.02, (3, *shape))
    flux = np.array([0.6, 1.0, 1.3])[:, None, None] * (disc + other) + noise
    blank = np.zeros(shape, bool)
    blank[165:] = True
    flux[:, blank] = 500.0
    objects, segments = sep.extract(
        np.ascontiguousarray(flux[1]), 2.0, err=0.02, mask=blank, segmentation_map=True,
        deblend_cont=0.01,
    )  # fmt: skip
    nearest = np.argmin(np.hypot(objects["x"] - 90, objects["y"] - 140))
    left = without(flux, blank, objects, segments, np.array([nearest]))
    assert left.shape == flux.shape
    radius = np.hypot(*(np.indices(shape) - np.array([95, 140])[:, None, None]))
    beside = np.hypot(*(np.indices(shape) - np.array([140, 90])[:, None, None]))
    away = (radius > 16) & (beside > 16) & ~blank
    for colour, band in zip((0.6, 1.0, 1.3), left, strict=True):
        assert abs(band[away].sum()) < 0.12 * colour * disc[away].sum()
        assert band[radius < 8].sum() == pytest.approx(colour * other[radius < 8].sum(), rel=0.1)


def test_a_profile_is_taken_off_where_its_object_is(paint):
    star = (500.0, 150, 40, gaussian(1.6))
    pixels = paint([star], shape=(201, 201))
    objects, segments = sep.extract(
        np.ascontiguousarray(pixels.flux[1]), 2.0, err=0.02, segmentation_map=True
    )
    brightest = np.argsort(-objects["flux"])[:1]
    blank = np.zeros(segments.shape, bool)
    left = without(pixels.flux, blank, objects, segments, brightest)
    assert abs(left[1].sum()) < 0.2 * pixels.flux[1].sum()


def test_only_brighter_objects_beside_the_target_are_its_neighbours():
    """One at two axes' distance lies on the galaxy, one at four beside it; reach has an end."""
    objects = objects_of(
        (50, 50, 10, 5, 0.0, 900), (70, 50, 2, 2, 0, 9), (90, 50, 2, 2, 0, 9),
        (50, 400, 10, 5, 0, 2000), (95, 50, 0.5, 0.5, 0, 5000),
    )  # fmt: skip
    assert list(brighter_neighbours(objects, 1)) == [4]  # not the galaxy whose knot it is
    assert list(brighter_neighbours(objects, 2)) == [0]  # nor what lies on it
    assert list(brighter_neighbours(objects, 0)) == []  # both brighter ones are too far


def test_the_brightest_eight_come_first():
    crowd = [(50 + 30 * k, 50, 3, 3, 0, 100 + k) for k in range(1, 12)]
    found = brighter_neighbours(objects_of((50, 50, 3, 3, 0, 1), *crowd), 0)
    near = [k for k in range(1, 12) if 30 * k < 28 * 3]
    assert list(found) == near[::-1]
    packed = [(50 + 9 * np.cos(k), 50 + 9 * np.sin(k), 3, 3, 0, 100 + k) for k in range(1, 12)]
    found = brighter_neighbours(objects_of((50, 50, 3, 3, 0, 1), *packed), 0)
    assert list(found) == [11, 10, 9, 8, 7, 6, 5, 4]


def test_distance_is_in_units_of_the_axes():
    """Along the axes at 30 degrees, and with an axis below a pixel."""
    found = objects_of((10, 20, 4, 2, np.pi / 6, 0))[0]
    cos, sin = np.sqrt(3) / 2, 0.5
    x = np.array([10 + 4 * cos, 10 - 2 * sin, 10 + 4 * cos - 2 * sin])
    y = np.array([20 + 4 * sin, 20 + 2 * cos, 20 + 4 * sin + 2 * cos])
    np.testing.assert_allclose(elliptical_distance(x, y, found), [1, 1, np.sqrt(2)])
    assert elliptical_distance(3.0, 4.0, objects_of((0, 0, 0.2, 0.1, 0, 0))) == [5.0]
