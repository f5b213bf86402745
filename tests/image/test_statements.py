"""A stated pixel scale and position count over coordinates that cannot be right."""

import numpy as np
import pytest

from galexplorer.errors import InputError
from galexplorer.image.reader import read_image

PLACEHOLDER = {"CD1_1": None, "CD2_2": None, "CUNIT1": None, "CUNIT2": None}
SCALE = 0.396


def test_placeholder_is_refused_unless_the_scale_is_stated(planes, write_image):
    data = write_image(planes, **PLACEHOLDER)
    with pytest.raises(InputError, match=r'pixels of 3600", which no image has: state its pixel'):
        read_image(data)
    pixels = read_image(data, pixel_scale_arcsec=SCALE)
    np.testing.assert_array_equal(pixels.flux, planes)
    assert pixels.wcs is None
    placed = read_image(data, pixel_scale_arcsec=SCALE, ra=210.0, dec=-3.0)
    assert placed.to_pixel(210.0, -3.0) == pytest.approx((15.5, 11.5), abs=1e-6)
    assert placed.to_pixel(210.0, -3.0 + SCALE / 3600)[1] == pytest.approx(12.5, abs=1e-5)
    assert any("taken as the centre of the image, with north up" in n for n in placed.notes)


def test_coordinates_that_cannot_be_read(planes, write_image):
    data = write_image(planes, CD1_1=0.0, CD2_2=0.0)
    assert read_image(data, pixel_scale_arcsec=SCALE).wcs is None
    placed = read_image(data, pixel_scale_arcsec=SCALE, ra=210.0, dec=-3.0)
    assert placed.to_pixel(210.0, -3.0) == pytest.approx((15.5, 11.5), abs=1e-6)


def test_pixels_that_are_not_square(planes, write_image):
    data = write_image(planes, CD2_2=0.33 / 3600)
    with pytest.raises(InputError, match="not square: state its pixel scale"):
        read_image(data)
    pixels = read_image(data, pixel_scale_arcsec=SCALE)
    np.testing.assert_array_equal(pixels.flux, planes)
    assert any("as stated, although the header has pixels of" in note for note in pixels.notes)
    assert pixels.to_pixel(150.0, 2.0) == pytest.approx((15.5, 11.5), abs=1e-6)
    assert pixels.to_pixel(150.0, 2.0 + 5 * SCALE / 3600)[1] == pytest.approx(16.5, abs=1e-3)


def test_wrong_scale_keeps_the_reference_point(planes, write_image):
    pixels = read_image(write_image(planes), pixel_scale_arcsec=1.0)
    ra, dec = pixels.to_sky(15.5, 11.5 + 6)
    assert (ra, dec) == pytest.approx((150.0, 2.0 + 6 / 3600), abs=1e-7)


def test_position_off_a_wrong_header_is_the_centre(planes, write_image):
    data = write_image(planes, scale_arcsec=2.0)
    pixels = read_image(data, pixel_scale_arcsec=SCALE, ra=10.0, dec=40.0)
    assert pixels.to_pixel(10.0, 40.0) == pytest.approx((15.5, 11.5), abs=1e-6)
    # where nothing contradicts the header, its coordinates stay
    kept = read_image(data, ra=10.0, dec=40.0)
    assert kept.to_pixel(150.0, 2.0) == pytest.approx((15.5, 11.5), abs=1e-6)


def test_three_files_with_placeholders(planes, write_image):
    files = {b: write_image(p, **PLACEHOLDER) for b, p in zip("gri", planes, strict=True)}
    pixels = read_image(files, pixel_scale_arcsec=SCALE)
    np.testing.assert_array_equal(pixels.flux, planes)


@pytest.mark.parametrize("value", [0.5, "0.5"])
def test_card_of_the_pixel_scale(value, planes, write_image, without_coordinates):
    pixels = read_image(write_image(planes, PIXSCALE=value, **without_coordinates))
    assert pixels.pixel_scale_arcsec == 0.5
    assert 'Pixel scale 0.5" taken from the header (card PIXSCALE).' in pixels.notes


def test_declination_first(planes, write_image):
    """SDSS before DR8 puts declination on the first axis."""
    cards = {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 2.0, "CRVAL2": 150.0}
    pixels = read_image(write_image(planes, **cards))
    assert pixels.to_pixel(150.0, 2.0) == pytest.approx((15.5, 11.5), abs=1e-6)
    x, y = pixels.to_pixel(150.0, 2.0 + 3 * SCALE / 3600)
    assert abs(x - 15.5) == pytest.approx(3, abs=1e-3)
    assert y == pytest.approx(11.5, abs=1e-3)
