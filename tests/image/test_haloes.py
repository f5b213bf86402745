"""Galaxies beside brighter ones: what is painted must come back."""

import numpy as np
import pytest
import sep

from galexplorer.image.haloes import brighter_neighbours, elliptical_distance, without
from galexplorer.image.measure import measure

GALAXY, BRIGHT = 100.0, 3000.0


def exponential(length):
    return lambda r: np.exp(-r / length)


@pytest.mark.parametrize("distance", [42, 52])
def test_a_galaxy_in_the_halo_of_a_brighter_one_has_its_own_light(paint, distance):
    target = (GALAXY, 150, 150, exponential(3.0))
    alone = measure(paint([target], shape=(301, 301)))
    neighbour = (BRIGHT, 150 + distance, 150, exponential(8.0))
    found = measure(paint([target, neighbour], shape=(301, 301)))
    for band in "gri":
        assert found.magnitudes[band] == pytest.approx(alone.magnitudes[band], abs=0.08)
    assert found.petrosian_radius_arcsec == pytest.approx(alone.petrosian_radius_arcsec, rel=0.1)


@pytest.mark.parametrize("length", [1.0, 6.0], ids=["star", "galaxy"])
def test_an_elliptical_profile_is_taken_off(paint, length):
    """All of it, but for the core of a star, which stays masked."""
    pixels = paint([(2000.0, 100, 100, exponential(length))], shape=(201, 201))
    objects, segments = sep.extract(
        np.ascontiguousarray(pixels.flux[1]), 2.0, err=0.02, segmentation_map=True
    )
    blank = np.zeros(segments.shape, bool)
    brightest = np.argsort(-objects["flux"])[:1]
    left = without(pixels.flux, blank, objects, segments, brightest)
    assert left.shape == pixels.flux.shape
    axis = np.arange(201) - 100
    judged = np.hypot(axis[:, None], axis) > 3 * length
    for before, after in zip(pixels.flux, left, strict=True):
        assert abs(after[judged].sum()) < 0.06 * before[judged].sum()


def test_a_galaxy_is_no_neighbour_of_its_own_knots():
    """One at two axes' distance lies on the galaxy, one at four beside it."""
    kinds = [(name, float) for name in ("x", "y", "a", "b", "theta", "flux")]
    galaxy, knot, companion = (50, 50, 10, 5, 0.0, 900), (70, 50, 2, 2, 0, 9), (90, 50, 2, 2, 0, 9)
    objects = np.array([galaxy, knot, companion], kinds)
    assert list(brighter_neighbours(objects, 1)) == []
    assert list(brighter_neighbours(objects, 2)) == [0]
    assert list(brighter_neighbours(objects, 0)) == []


def test_distance_is_in_units_of_the_axes():
    kinds = [(name, float) for name in ("x", "y", "a", "b", "theta")]
    found = np.array([(0, 0, 4, 2, np.pi / 2)], kinds)[0]
    np.testing.assert_allclose(
        elliptical_distance(np.array([0, 2, 3.0]), np.array([4, 0, 4.0]), found),
        [1, 1, np.hypot(1, 1.5)],
    )
