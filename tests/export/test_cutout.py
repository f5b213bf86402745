"""The galaxy's pixels as a file: those of the image, at their place, with what was made of them."""

import gzip
import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from galexplorer.export.cutout import cutout_bytes
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image

SCALE = 0.396


@pytest.fixture
def pixels() -> Pixels:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], (150.0, 2.0), (61, 51)
    turn = np.radians(30)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    wcs.wcs.cd = np.diag([-1, 1]) @ rotation * SCALE / 3600
    flux = np.random.default_rng(4).normal(1, 0.1, (3, 101, 121)).astype(np.float32)
    return Pixels(flux, SCALE, "fits", "0" * 64, wcs, notes=("Values are per pixel.",))


def test_pixels_coordinates_and_provenance_are_kept(pixels, result):
    content = cutout_bytes(pixels, (60.0, 50.0), 20.0, result, "Haro 25 − α")
    again = read_image(("cutout.fits.gz", content))
    side = again.flux.shape[1]
    assert side * SCALE == pytest.approx(20.0, abs=3 * SCALE)
    start = 60 - side // 2, 50 - side // 2
    part = pixels.flux[:, start[1] : start[1] + side, start[0] : start[0] + side]
    assert np.array_equal(again.flux, part)
    place = again.to_sky(3.0, 7.0)
    assert place == pytest.approx(pixels.to_sky(3.0 + start[0], 7.0 + start[1]), abs=1e-9)
    header = fits.getheader(io.BytesIO(gzip.decompress(content)))
    told = "".join(header["HISTORY"])
    assert header["BUNIT"] == "nanomaggy"
    assert header["OBJECT"] == "Haro 25 - ?"
    assert result.provenance["weights_sha256"] in told
    assert "Values are per pixel." in told
    assert "Cite: " in told


def test_what_lies_off_the_image_is_left_out(pixels, result):
    content = cutout_bytes(replace(pixels, wcs=None), (2.0, 50.0), 40.0, result)
    header = fits.getheader(io.BytesIO(gzip.decompress(content)))
    assert header["XCENTRE"] == 3.0
    assert header["NAXIS1"] < header["NAXIS2"]
    assert abs(header["CDELT1"]) * 3600 == pytest.approx(SCALE)
