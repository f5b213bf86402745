"""Fill values are found, and what merely looks like one is left alone."""

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage

from galexplorer.image.reader import read_image

SHAPE = (3, 96, 112)
PLACES = {
    "corner": np.s_[:, :30, :30],
    "border": np.s_[:, :2, :],
    "column": np.s_[:, :, -1:],
    "hole": np.s_[:, 40:45, 60:65],
    "half": np.s_[:, :, :50],
}


@pytest.fixture
def field(rng) -> np.ndarray:
    """A sky of noise with a galaxy."""
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    galaxy = 5.0 * np.exp(-np.hypot(y - 60, x - 80) / 5)
    return (galaxy + rng.normal(0.05, 0.1, SHAPE)).astype(np.float32)


@pytest.mark.parametrize("value", [0.0, -9999.0, -32768.0, -1.0, 0.05, 65535.0, 1e30, -3.4e38])
@pytest.mark.parametrize("place", PLACES)
def test_runs_of_one_value(value, place, field, write_image):
    field[PLACES[place]] = value
    pixels = read_image(write_image(field, BANDS="gri"))
    expected = np.zeros(SHAPE, bool)
    expected[PLACES[place]] = True
    np.testing.assert_array_equal(np.isnan(pixels.flux), expected)
    np.testing.assert_array_equal(pixels.flux[~expected], field[~expected])
    count = expected[0].sum()
    assert any(note.startswith(f"{count} pixels ") for note in pixels.notes)


def test_one_band_without_coverage(field, write_image):
    field[0, :20, :20] = 0.0
    pixels = read_image(write_image(field, BANDS="gri"))
    assert np.isnan(pixels.flux).sum(axis=(1, 2)).tolist() == [400, 0, 0]
    assert "Band g: 400 pixels of exactly 0 taken as unmeasured." in pixels.notes


def test_scattered_sentinels(field, rng, write_image):
    lost = rng.random(SHAPE) < 0.003
    field[lost] = -9999.0
    np.testing.assert_array_equal(np.isnan(read_image(write_image(field)).flux), lost)


def test_card_that_names_the_value(field, write_image):
    field[:, 3, 4] = 7.5
    flux = read_image(write_image(field, NODATA=7.5)).flux
    assert np.argwhere(np.isnan(flux)).tolist() == [[k, 3, 4] for k in range(3)]


def test_scaled_whole_numbers_without_their_blank(field, sky_header, write_file):
    step, zero = 0.01, 2.0
    lost = field.copy()
    lost[:, :25, :25] = -32768 * step + zero
    unit = fits.PrimaryHDU(lost, sky_header(BANDS="gri"))
    unit.scale("int16", bscale=step, bzero=zero)
    flux = read_image(write_file(unit)).flux
    assert np.isnan(flux[:, :25, :25]).all()
    np.testing.assert_allclose(flux[:, 25:], field[:, 25:], atol=0.51 * step)


def test_zeros_under_a_sky_that_was_not_subtracted(field, write_image):
    field += 100
    field[:, :30, :30] = 0
    assert np.isnan(read_image(write_image(field)).flux).sum() == 3 * 900


@pytest.mark.parametrize("step", [0.05, 0.1, 0.2, 0.5, 1.0])
def test_rounded_noise_is_kept(step, field, write_image):
    rounded = step * np.round(field / step)
    np.testing.assert_array_equal(read_image(write_image(rounded)).flux, rounded.astype(np.float32))


def test_saturated_star_is_kept(field, write_image):
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    star = np.minimum(900 * np.exp(-(np.hypot(y - 30, x - 30) ** 2) / 50), 300).astype(np.float32)
    field[1] = np.where(star >= 300, 300, field[1] + star)
    assert np.isfinite(read_image(write_image(field)).flux).all()


def test_clipped_sky_is_kept(field, write_image):
    clipped = np.clip(field - 0.05, 0, None)
    smooth = np.clip(ndimage.gaussian_filter(field - 0.05, (0, 1.5, 1.5)), 0, None)
    for image in (clipped, smooth):
        pixels = read_image(write_image(image))
        assert np.isfinite(pixels.flux).all()
        assert any("the sky seems to be cut off there" in note for note in pixels.notes)


@pytest.mark.parametrize("zero_point", [22.5, 24.0, 26.0])
def test_holes_in_whole_numbers(zero_point, field, write_image):
    counts = np.round(field * 10 ** (0.4 * (zero_point - 22.5)) + 1000).astype(np.uint16)
    counts[:, :25, :25] = 0
    flux = read_image(write_image(counts, BUNIT=None, MAGZERO=zero_point)).flux
    assert np.isnan(flux).sum() == 3 * 625


def test_enlarged_image_is_kept(field, write_image):
    large = field.repeat(4, axis=1).repeat(4, axis=2)
    np.testing.assert_array_equal(read_image(write_image(large)).flux, large)
