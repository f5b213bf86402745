"""The one preprocessing of training and inference."""

import numpy as np
import pytest

from galexplorer.image.composite import as_served, composite, linear_flux
from galexplorer.image.cutout import (
    FIELD_PER_PETROSIAN_RADIUS,
    GRID,
    MIN_FIELD_ARCSEC,
    cut,
    field_of_view,
    resample,
)
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels


def exponential(length):
    return lambda r: np.exp(-r / length)


def as_jpeg(pixels: Pixels) -> Pixels:
    """Return the pixels as a JPEG of the same field would give them."""
    levels = as_served(composite(pixels.flux, pixels.pixel_scale_arcsec))
    channels = levels.astype(np.float32) / 255
    flux = linear_flux(channels, pixels.pixel_scale_arcsec)
    return Pixels(flux, pixels.pixel_scale_arcsec, "jpeg", "", composite=channels)


def centre_of_light(grid: np.ndarray, pixel_scale_arcsec: float) -> np.ndarray:
    light = linear_flux(grid / np.float32(255), pixel_scale_arcsec)[1]
    axis = np.arange(GRID)
    return np.array([(light * axis).sum(), (light * axis[:, None]).sum()]) / light.sum()


@pytest.mark.parametrize("length", [4.0, 6.0])
def test_the_field_scales_with_the_galaxy(paint, length):
    pixels = paint([(300.0, 75, 75, exponential(length))])
    found = measure(pixels)
    grid, scale, native = cut(pixels, found)
    side = FIELD_PER_PETROSIAN_RADIUS * found.petrosian_radius_arcsec
    assert field_of_view(pixels, found) == pytest.approx(side)
    assert scale * GRID == pytest.approx(side)
    assert grid.shape == (3, GRID, GRID)
    assert grid.dtype == native.dtype == np.uint8
    assert native.shape[1] == pytest.approx(side / 0.396, abs=2)


def test_a_tiny_galaxy_has_the_least_field(paint):
    pixels = paint([(60.0, 75, 75, exponential(1.2))])
    assert field_of_view(pixels, measure(pixels)) == MIN_FIELD_ARCSEC


def test_a_galaxy_that_overfills_the_field_is_shown_whole(paint):
    pixels = paint([(5e4, 50, 50, exponential(60.0))], shape=(101, 120))
    assert field_of_view(pixels, measure(pixels)) == pytest.approx(101 * 0.396)


@pytest.mark.parametrize("kind", ["fits", "jpeg"])
@pytest.mark.parametrize(("x", "y"), [(75.0, 75.0), (70.3, 81.8), (77.5, 72.49)])
def test_the_galaxy_stays_in_the_middle(paint, kind, x, y):
    pixels = paint([(150.0, x, y, exponential(5.0))])
    pixels = as_jpeg(pixels) if kind == "jpeg" else pixels
    grid, scale, _ = cut(pixels, measure(pixels))
    assert np.abs(centre_of_light(grid, scale) - (GRID - 1) / 2).max() < 0.3


def test_fits_and_jpeg_of_a_galaxy_look_the_same(paint):
    """The composite comes first and is resampled after, whatever the file was."""
    pixels = paint([(300.0, 74.6, 75.2, exponential(6.0))])
    found = measure(pixels)
    from_fits, _, _ = cut(pixels, found, field_arcsec=40.0)
    from_jpeg, _, _ = cut(as_jpeg(pixels), found, field_arcsec=40.0)
    difference = np.abs(from_fits.astype(int) - from_jpeg)
    assert difference.mean() < 1.5
    assert np.percentile(difference, 99) < 8


def test_resampling_keeps_a_ramp_and_its_place():
    ramp = np.tile(np.arange(128, dtype=np.uint8), (3, 128, 1))
    grid = resample(ramp, (0.0, 0.0, 128.0, 128.0))
    # a grid pixel covers input pixels 2k and 2k + 1, whose centres lie at 2k + 0.5
    np.testing.assert_allclose(
        grid[:, :, 1:-1].mean(axis=(0, 1)), 2 * np.arange(1, 63) + 0.5, atol=0.51
    )


def test_beyond_the_edge_lies_blank_sky(paint, gnomonic):
    pixels = paint([(300.0, 10, 75, exponential(5.0))], wcs=gnomonic(75.0, 75.0))
    found = measure(pixels, *(float(v) for v in pixels.wcs.pixel_to_world_values(10, 75)))
    grid, _, _ = cut(pixels, found)
    assert grid[:, :, :8].max() <= 3
    assert grid[:, 28:36, 28:36].min() > 20
