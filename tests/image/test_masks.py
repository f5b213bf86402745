"""Masks, weights and noise maps blank pixels, and are never taken for bands."""

import numpy as np
import pytest
from astropy.io import fits

from galexplorer.errors import InputError, OptionError
from galexplorer.image.masks import read_role
from galexplorer.image.reader import read_image

BAD = np.s_[:, 2:6, 3:9]


@pytest.fixture
def make(planes, sky_header, write_file):
    """Make a file of images: ``make([(name, array, cards)])``."""

    def write(images) -> bytes:
        return write_file(
            fits.PrimaryHDU(),
            *(fits.ImageHDU(a, sky_header(**cards), name=name) for name, a, cards in images),
        )

    return write


@pytest.fixture
def flags(planes) -> np.ndarray:
    flags = np.zeros(planes.shape[1:], np.int16)
    flags[BAD[1:]] = 4
    return flags


def masked(pixels, planes):
    expected = planes.copy()
    expected[BAD] = np.nan
    np.testing.assert_array_equal(pixels.flux, expected)


@pytest.mark.parametrize("kind", ["MASK", "MSK", "DQ", "FLAG", "BPM"])
def test_masks_of_bands(kind, planes, flags, make):
    images = [(f"SCI_{b}", p, {}) for b, p in zip("gri", planes, strict=True)]
    pixels = read_image(make(images + [(f"{kind}_{b}", flags, {}) for b in "gri"]))
    masked(pixels, planes)
    assert any("taken as unmeasured (mask)" in note for note in pixels.notes)


@pytest.mark.parametrize("kind", ["WHT", "WGT", "IVAR", "INVVAR", "WEIGHT"])
def test_weights_of_bands(kind, planes, flags, make):
    weight = np.where(flags, 0, 3.5).astype(np.float32)
    images = [(f"SCI_{b}", p, {}) for b, p in zip("gri", planes, strict=True)]
    masked(read_image(make([(f"{kind}_{b}", weight, {}) for b in "gri"] + images)), planes)


def test_noise_without_value(planes, flags, make):
    sigma = np.where(flags, np.nan, 0.1).astype(np.float32)
    images = [(name, a, {}) for b, p in zip("gri", planes, strict=True)
              for name, a in ((b, p), (f"ERR_{b}", sigma))]  # fmt: skip
    masked(read_image(make(images)), planes)


def test_triplets_in_turn_and_by_version(planes, flags, make):
    for cards in ({}, {"EXTVER": 1}):
        images = [
            (name, a, {"FILTER": b} | {k: v + n for k, v in cards.items()})
            for n, (b, p) in enumerate(zip("gri", planes, strict=True))
            for name, a in (("SCI", p), ("ERR", np.ones_like(p)), ("DQ", flags))
        ]
        masked(read_image(make(images)), planes)


def test_one_mask_for_all_and_one_for_a_cube(planes, flags, make):
    images = [(b, p, {}) for b, p in zip("gri", planes, strict=True)]
    masked(read_image(make([*images, ("MASK", flags, {})])), planes)
    masked(read_image(make([("IMAGE", planes, {"BANDS": "gri"}), ("MASK", flags, {})])), planes)


@pytest.mark.parametrize("names", [("SCI", "MSK", "WGT"), ("IMAGE", "FLAGS", "SIGMA")])
def test_a_trio_of_one_band_is_one_band(names, planes, make):
    with pytest.raises(InputError, match="holds one band only"):
        read_image(make([(n, p, {"FILTER": "r"}) for n, p in zip(names, planes, strict=True)]))


def test_bits_that_mark_sources_are_left_alone(planes, make):
    """A galaxy is not blanked because a pipeline detected it."""
    planes[:, 8:14, 10:18] += 50
    detected = np.where(planes[1] > 20, 32, 0).astype(np.int16)
    images = [(f"SCI_{b}", p, {}) for b, p in zip("gri", planes, strict=True)]
    pixels = read_image(make([*images, ("MASK", detected, {})]))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert any("covers most of it or of its sources" in note for note in pixels.notes)


def test_bad_pixels_may_be_the_brightest(make):
    """Cosmic rays outshine a galaxy, which stays in sight beside them."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:60, :60] - 29.5
    disc = 20 * np.exp(-np.hypot(x, y) / 4) + rng.normal(0, 0.1, (3, 60, 60))
    hit = rng.random((60, 60)) < 0.02
    rays = (disc + hit * rng.uniform(100, 900, (60, 60))).astype(np.float32)
    cube = ("SCI", rays, {"BANDS": "gri"})
    pixels = read_image(make([cube, ("DQ", hit.astype(np.int16), {})]))
    np.testing.assert_array_equal(np.isnan(pixels.flux), np.broadcast_to(hit, (3, 60, 60)))
    sources = (disc[1] > 0.3).astype(np.int16)
    kept = read_image(make([cube, ("DQ", sources | hit, {})]))
    assert np.isfinite(kept.flux).all()


def test_bits_that_a_header_names(planes, flags, make):
    bits = np.where(flags, 1 << 8, 1 << 5).astype(np.int32)
    images = [(f"SCI_{b}", p, {}) for b, p in zip("gri", planes, strict=True)]
    cards = {"MP_BAD": 0, "HIERARCH MP_DETECTED": 5, "HIERARCH MP_NO_DATA": 8}
    masked(read_image(make([*images, ("MASK", bits, cards)])), planes)


@pytest.mark.parametrize("name", ["WHT", "DQ", "VARIANCE"])
def test_a_map_alone_is_no_band(name, planes, make):
    files = {b: make([(name, p, {})]) for b, p in zip("gri", planes, strict=True)}
    with pytest.raises(InputError, match="and no image: give the image itself"):
        read_image(files)


def test_files_that_are_named_as_weights(planes, write_image):
    files = [(f"{b}.weight.fits", write_image(p)) for b, p in zip("gri", planes, strict=True)]
    with pytest.raises(InputError, match=r"g\.weight\.fits holds a weight map"):
        read_image(files)


def test_the_name_of_a_file_of_several_images_tells_no_role(planes, flags, make):
    """It may be that of an image with its mask."""
    data = make([("", planes, {"BANDS": "gri"}), ("MASK", flags, {})])
    masked(read_image(("galaxy_with_mask.fits", data)), planes)


def test_stated_masks_and_weights(planes, flags, cube, write_image):
    masked(read_image(cube, masks=write_image(flags)), planes)
    weight = write_image(np.where(flags, 0, 1.0))
    masked(read_image(cube, weights={"g": weight, "r": weight, "i": weight}), planes)
    flux = read_image(cube, masks={"g": write_image(flags)}).flux
    assert np.isnan(flux).sum(axis=(1, 2)).tolist() == [24, 0, 0]
    alone, both = read_image(cube), read_image(cube, masks=write_image(flags))
    assert alone.sha256 != both.sha256


def test_stated_mask_of_another_grid(cube, write_image):
    with pytest.raises(InputError, match="differ in shape"):
        read_image(cube, masks=write_image(np.ones((20, 20))))
    with pytest.raises(InputError, match="give them for g, r or i"):
        read_image(cube, masks={"z": write_image(np.ones((24, 32)))})


def test_mask_of_a_picture():
    png = b"\x89PNG\r\n\x1a\n"
    with pytest.raises(OptionError, match="masks go with FITS"):
        read_image(("a.png", png), masks=png, pixel_scale_arcsec=0.4)


ROLES = {
    "image": ("SCI", "sdss_r", "COADD", "MASKED_IMAGE"),
    "mask": ("MASK2", "rMask"),
    "weight": ("wht-g",),
    "noise": ("VARIANCE",),
    "other": ("PSF",),
}


@pytest.mark.parametrize(("text", "role"), [(t, role) for role in ROLES for t in ROLES[role]])
def test_roles(text, role):
    assert read_role(text) == role
