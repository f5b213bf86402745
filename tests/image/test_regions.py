"""Masks by hand: which pixels they hold, what photometry and picture are without a star."""

import io

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

import galexplorer as gx
from galexplorer.errors import InputError, TargetError
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.image.regions import mask_by_hand, outlines, read_regions, region_mask

SCALE, SIDE = 0.396, 160


def field(star: float = 0.0) -> bytes:
    """Return a FITS cube of a disc of r = 16 in the middle and a star 14 arcsec to its west."""
    y, x = np.mgrid[:SIDE, :SIDE] - 79.5
    disc = np.exp(-np.hypot(x, 1.2 * y) / 9.0)
    flux = 10 ** (0.4 * (22.5 - 16)) * disc / disc.sum() * np.array([0.6, 1.0, 1.4])[:, None, None]
    spot = np.exp(-0.5 * ((x - 30) ** 2 + (y - 3) ** 2) / 1.4**2)
    flux = flux + star * spot / spot.sum()
    flux = flux + np.random.default_rng(2).normal(0, 0.01, flux.shape)
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"})
    for axis, (name, value) in enumerate((("RA---TAN", 150.0), ("DEC--TAN", 2.0)), start=1):
        header[f"CTYPE{axis}"], header[f"CRVAL{axis}"] = name, value
        header[f"CRPIX{axis}"] = 80.5
        header[f"CDELT{axis}"] = (-1 if axis == 1 else 1) * SCALE / 3600
    buffer = io.BytesIO()
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return read_image(("field.fits", field()))


def test_a_circle_on_the_sky_holds_what_is_within_its_radius(pixels):
    held = region_mask(pixels, 'icrs;circle(150.002,2.001,4")')
    y, x = np.mgrid[:SIDE, :SIDE]
    apart = pixels.wcs.pixel_to_world(x, y).separation(SkyCoord(150.002, 2.001, unit="deg")).arcsec
    assert np.array_equal(held, apart < 4) or (held ^ (apart < 4)).sum() <= 2
    assert held.sum() == pytest.approx(np.pi * (4 / SCALE) ** 2, rel=0.03)


def test_pixels_of_a_polygon_count_from_one(pixels):
    held = region_mask(pixels, "image;polygon(10.5,20.5,14.5,20.5,14.5,22.5,10.5,22.5)")
    rows, columns = np.nonzero(held)
    assert (set(rows), set(columns)) == ({20, 21}, {10, 11, 12, 13})


@pytest.mark.parametrize(
    "words",
    ["nonsense(1,2)", "circle(1,2,3)", "image;line(1,2,3,4)", "image;annulus(9,9,2,3)",
     "image;-circle(9,9,2)", "image;circle(9,9)", "x" * 10_001, "missing.reg",
     ";".join(["image", *["circle(9,9,2)"] * 51])],
)  # fmt: skip
def test_what_is_no_area_is_refused(words):
    with pytest.raises(InputError):
        read_regions(words)


def test_a_file_of_ds9_is_read(tmp_path):
    path = tmp_path / "star.reg"
    path.write_text('# Region file format: DS9\nglobal color=green\nicrs\ncircle(150,2,3")\n')
    assert read_regions(path) == read_regions(str(path)) == 'icrs;circle(150,2,3")'


def test_the_galaxy_itself_is_not_masked_and_nothing_lies_beyond_the_image(pixels):
    with pytest.raises(TargetError, match="centre"):
        mask_by_hand(pixels, 'icrs;circle(150,2,3")')
    with pytest.raises(TargetError, match="outside"):
        mask_by_hand(pixels, "image;circle(900,900,3)")
    with pytest.raises(InputError, match="no coordinates"):
        region_mask(Pixels(pixels.flux, SCALE, "fits", "0" * 64), 'icrs;circle(150,2,3")')
    for words in ("image;circle(nan,9,2)", 'icrs;circle(10,-80,3")', "image;circle(9,9,1e12)"):
        with pytest.raises((InputError, TargetError)):
            mask_by_hand(pixels, words)


def test_without_the_star_the_galaxy_is_what_it_was():
    """Magnitudes and picture come back; a star that touches the disc spoils them."""
    clean = gx.observe(("field.fits", field()))
    spoilt = gx.observe(("field.fits", field(star=120.0)))
    masked = gx.observe(
        ("field.fits", field(star=120.0)), mask_regions="image;circle(110.5,83.5,8)"
    )
    true = clean.photometry.magnitudes["r"]
    assert masked.photometry.magnitudes["r"] == pytest.approx(true, abs=0.03)
    errors = [
        float(np.abs(seen.cutout.grid.astype(float) - clean.cutout.grid).max())
        for seen in (spoilt, masked)
    ]
    assert errors[0] > 150
    assert errors[1] < 15
    assert masked.origins["mask"] == "by hand, image;circle(110.5,83.5,8)"
    assert any("1 region masked by hand" in note for note in masked.notes)


def test_outlines_lie_round_their_pixels(pixels):
    words = 'icrs;circle(150.002,2.001,4");image;ellipse(40,50,9,5,30);box(90,30,12,6,20)'
    found = outlines(pixels, words)
    held = region_mask(pixels, words)
    area = sum(
        0.5 * abs(np.dot(o[:, 0], np.roll(o[:, 1], 1)) - np.dot(o[:, 1], np.roll(o[:, 0], 1)))
        for o in found
    )
    assert len(found) == 3
    assert area == pytest.approx(held.sum(), rel=0.05)
