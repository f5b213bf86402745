"""AVM tags, as pyavm and astropy read them."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from galexplorer.pictures.tagged import tagged_png
from galexplorer.records.result import View

pyavm = pytest.importorskip("pyavm", reason="pyavm is not installed")
SCALE = 0.396


@pytest.fixture
def view(rng) -> View:
    grid = np.zeros((64, 64, 3), np.uint8)
    native = rng.integers(0, 255, (120, 121, 3)).astype(np.uint8)
    return View(grid, grid, 0.75, native, SCALE, 9.0, 30.0, False, 162.18416, 26.05369)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0, -115.0])
def test_a_reader_finds_north_and_east_where_the_compass_has_them(view, tmp_path, angle, mirrored):
    view = replace(view, north_angle_deg=angle, mirrored=mirrored)
    path = tmp_path / "galaxy.png"
    path.write_bytes(tagged_png(view, "A & B"))
    tags = pyavm.AVM.from_image(str(path))
    assert tags.Title == "A & B"
    wcs = tags.to_wcs()
    x, y = 60.0, 59.5  # zero-based, from the bottom
    assert wcs.wcs_pix2world([[x, y]], 0)[0] == pytest.approx([view.ra, view.dec], abs=1e-7)
    turn = np.radians(angle)
    north = np.array([-np.sin(turn), np.cos(turn)])  # right and up on the screen
    east = np.array([north[1], -north[0]]) if mirrored else np.array([-north[1], north[0]])
    if mirrored:  # the file is turned over
        north[0], east[0] = -north[0], -east[0]
        assert np.array_equal(np.asarray(Image.open(path)), view.native[:, ::-1])
    ra, dec = wcs.wcs_pix2world([np.array([x, y]) + 10 * north], 0)[0]
    assert 3600 * (dec - view.dec) == pytest.approx(10 * SCALE, rel=1e-4)
    assert 3600 * (ra - view.ra) == pytest.approx(0, abs=1e-4)
    ra, dec = wcs.wcs_pix2world([np.array([x, y]) + 10 * east], 0)[0]
    assert 3600 * (ra - view.ra) * np.cos(np.radians(dec)) == pytest.approx(10 * SCALE, rel=1e-4)


def test_the_pixels_are_those_of_the_view(view):
    seen = np.asarray(Image.open(io.BytesIO(tagged_png(view, "Haro 25"))))
    assert np.array_equal(seen, view.native)


def test_without_coordinates_there_is_a_title_alone(view):
    content = tagged_png(replace(view, ra=None, dec=None), "Object α")
    assert b"Spatial" not in content
    assert "Object α" in Image.open(io.BytesIO(content)).text["XML:com.adobe.xmp"]
