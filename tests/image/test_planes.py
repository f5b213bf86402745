"""Planes in any order, colour composites and what is not g, r, i."""

import numpy as np
import pytest
from astropy.io import fits

from galexplorer.errors import InputError
from galexplorer.image.reader import read_image


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE3": "RGB"},
        {"BANDS": "RGB"},
        {"BANDS": "red, green, blue"},
        {"BANDS": "irg"},
        {"PLANE1": "red", "PLANE2": "green", "PLANE3": "blue"},
        {"PLANE0": "R", "PLANE1": "G", "PLANE2": "B"},
        {"FILTER1": "i", "FILTER2": "r", "FILTER3": "g"},
    ],
)
def test_colours_are_put_in_order(cards, planes, write_image):
    pixels = read_image(write_image(planes[::-1], **cards))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert any("taken as i, r, g" in n or "g, r, i were used" in n for n in pixels.notes)


def test_extensions_of_colours(planes, sky_header, write_file):
    for names in ("RGB", ("RED", "GREEN", "BLUE")):
        units = [
            fits.ImageHDU(p, sky_header(), name=n) for n, p in zip(names, planes[::-1], strict=True)
        ]
        pixels = read_image(write_file(fits.PrimaryHDU(), *units))
        np.testing.assert_array_equal(pixels.flux, planes)


def test_words_around_the_bands(planes, write_image):
    np.testing.assert_array_equal(read_image(write_image(planes, BANDS="SDSS gri")).flux, planes)


@pytest.mark.parametrize(
    ("cards", "match"),
    [
        ({"CTYPE3": "RGB", "BUNIT": None}, r"colour composite \(card CTYPE3"),
        ({"BANDS": "BVR"}, r"bands BVR \(card BANDS\)"),
        ({"BAND1": "F475W", "BAND2": "F625W", "BAND3": "F775W"}, "F475W, F625W, F775W"),
        ({"CTYPE3": "WAVE"}, r"third axis of WAVE \(card CTYPE3\)"),
        ({"CTYPE3": "STOKES"}, "third axis of STOKES"),
        ({"BAYERPAT": "RGGB"}, r"colour camera \(card BAYERPAT = 'RGGB'\)"),
        ({"INSTRUME": "Canon EOS 6D"}, r"colour camera \(card INSTRUME"),
        ({"INSTRUME": "ZWO ASI533MC Pro"}, r"colour camera \(card INSTRUME"),
    ],
)
def test_other_planes_are_refused_by_name(cards, match, planes, write_image):
    with pytest.raises(InputError, match=match):
        read_image(write_image(planes, **cards))


def test_picture_of_eight_bits(planes, write_image):
    with pytest.raises(InputError, match=r"picture of 8 bits \(BITPIX = 8\)"):
        read_image(write_image((50 * planes).astype(np.uint8), BUNIT=None))


def test_planes_last(planes, write_image):
    with pytest.raises(InputError, match=r"NAXIS1 = 3"):
        read_image(write_image(np.moveaxis(planes, 0, -1)))


def test_files_of_surveys_by_their_filters(planes, write_image):
    """Pan-STARRS, CFHT, HSC and ZTF name their filters each in a way of its own."""
    for form in ("{}.00000", "{}.MP9401", "HSC-{}", "ZTF_{}", "{} DECam SDSS c0001 4720.0 1520.0"):
        card = "HIERARCH FPA.FILTERID" if form == "{}.00000" else "FILTER"
        files = [
            (f"{k}.fits", write_image(p, **{card: form.format(b.upper() if "HSC" in form else b)}))
            for k, (b, p) in enumerate(zip("gri", planes, strict=True))
        ]
        np.testing.assert_array_equal(read_image(files[::-1]).flux, planes)
