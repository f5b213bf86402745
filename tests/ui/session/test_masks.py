"""What is drawn on the chart as regions, and back."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from galexplorer.image.pixels import Pixels
from galexplorer.image.regions import read_regions, region_mask
from galexplorer.pictures.north_up import SkyAxes
from galexplorer.ui.session.masks import (
    circle_words,
    drawn_masks,
    mask_outlines,
    masks,
    set_masks,
)

SCALE = 0.4


@pytest.fixture
def pixels() -> Pixels:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], (150.0, 2.0), (61, 51)
    wcs.wcs.cdelt = -SCALE / 3600, SCALE / 3600  # FITS's north is up, the screen's down
    return Pixels(np.zeros((3, 101, 121), np.float32), SCALE, "fits", "0" * 64, wcs)


AXES = SkyAxes(60.0, 50.0, SCALE, north_angle_deg=180.0, mirrored=True)


@pytest.mark.parametrize("on_sky", [True, False])
def test_a_box_holds_the_pixels_that_it_was_drawn_round(pixels, on_sky):
    image = pixels if on_sky else replace(pixels, wcs=None)
    event = {"selection": {"box": [{"x": [10.0, 6.0], "y": [-4.0, 8.0]}], "points": []}}
    (words,) = drawn_masks(event, image, AXES, [])
    assert words.startswith("icrs;polygon(" if on_sky else "image;polygon(")
    rows, columns = np.nonzero(region_mask(image, read_regions(words)))
    offsets = np.array(
        [AXES.to_offset(float(x), float(y)) for x, y in zip(columns, rows, strict=True)]
    )
    assert offsets.min(axis=0) == pytest.approx((6, -4), abs=1.01 * SCALE)
    assert offsets.max(axis=0) == pytest.approx((10, 8), abs=1.01 * SCALE)
    assert len(offsets) == pytest.approx(4 * 12 / SCALE**2, rel=0.14)  # but its edges
    (outline,) = mask_outlines(image, AXES, words)
    assert outline.min(axis=0) == pytest.approx((6, -4), abs=0.05)


def test_a_long_line_keeps_its_shape_and_a_click_masks_a_star(pixels):
    turn = np.linspace(0, 2 * np.pi, 300)
    lasso = {"x": (5 + 3 * np.cos(turn)).tolist(), "y": (3 * np.sin(turn)).tolist()}
    (words,) = drawn_masks({"selection": {"lasso": [lasso]}}, pixels, AXES, [])
    assert len(words) < 700
    held = region_mask(pixels, words).sum()
    assert held == pytest.approx(np.pi * (3 / SCALE) ** 2, rel=0.06)
    clicked = {"selection": {"points": [{"x": 12.0, "y": 9.0}, {"x": 0.0, "y": 0.0}]}}
    stars = [(12.1, 9.0, 1.0), (0.0, 0.1, 0.5)]
    first, second = drawn_masks(clicked, pixels, AXES, stars)
    assert first.endswith(',4.00")')
    assert second == circle_words(pixels, AXES, (0.0, 0.0), 3.0)
    own = {"selection": {"points": [{"x": 1.0, "y": 1.0}]}}  # the galaxy on the page is no star
    assert drawn_masks(own, pixels, AXES, stars) == []
    assert (
        drawn_masks({"selection": {"points": [], "lasso": [], "box": []}}, pixels, AXES, []) == []
    )


def test_regions_are_added_and_taken_back():
    words = ['icrs;circle(150,2,3")', 'icrs;circle(150,2.1,3")', "image;circle(9,9,2)"]
    set_masks(words)
    assert masks() == tuple(words)
    set_masks(words[:-1])
    assert masks() == tuple(words[:-1])
    set_masks(())
    assert masks() == ()
