import numpy as np
import pytest
from astropy.wcs import WCS

from galexplorer.image.pixels import Pixels
from galexplorer.pictures.objects import find_objects

SCALE_ARCSEC = 0.396
PLACES = ((60.0, 80.0, 16.0), (170.0, 60.0, 17.0), (150.0, 190.0, 18.0))


def field(stars=(), seed=3, wcs=None) -> Pixels:
    """Exponential discs of the magnitudes of PLACES, and stars of a seeing of 1.3 arcsec."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256]
    image = rng.normal(0, 0.01, (256, 256))
    for x0, y0, magnitude in PLACES:
        profile = np.exp(-np.hypot(x - x0, y - y0) / 6)
        image += 10 ** (0.4 * (22.5 - magnitude)) * profile / profile.sum()
    for x0, y0 in stars:
        spread = 1.3 / 2.355 / SCALE_ARCSEC
        profile = np.exp(-0.5 * ((x - x0) ** 2 + (y - y0) ** 2) / spread**2)
        image += 100 * profile / profile.sum()
    flux = np.stack([image] * 3).astype(np.float32)
    return Pixels(flux, SCALE_ARCSEC, "fits", "0" * 64, wcs)


def test_galaxies_are_found_brightest_first():
    found = find_objects(field())
    assert len(found) == len(PLACES)
    for item, (x, y, magnitude) in zip(found, PLACES, strict=True):
        assert (item.x, item.y) == pytest.approx((x, y), abs=0.5)
        assert item.magnitude == pytest.approx(magnitude, abs=0.7)  # isophotal
        assert item.ra is None


def test_half_light_radius_is_that_of_the_disc():
    # an exponential disc holds half its light within 1.678 scale lengths
    radius = find_objects(field())[0].radius_arcsec
    assert radius == pytest.approx(1.678 * 6 * SCALE_ARCSEC, rel=0.15)


def test_stars_come_after_the_galaxies_and_are_named_so():
    stars = [(210, 130), (40, 200)]
    found = find_objects(field(stars=stars))
    assert [item.star for item in found] == [False] * len(PLACES) + [True] * len(stars)
    assert sorted((round(i.x), round(i.y)) for i in found if i.star) == sorted(stars)


def test_a_knot_in_a_galaxy_is_no_galaxy_and_a_companion_is():
    pixels = field()
    y, x = np.mgrid[:256, :256]
    for x0, y0, share in ((75, 80, 0.02), (150, 63, 0.3)):
        profile = np.exp(-np.hypot(x - x0, y - y0) / 3)
        pixels.flux[:] += share * 10 ** (0.4 * 6.5) * (profile / profile.sum()).astype(np.float32)
    found = [(round(item.x), round(item.y)) for item in find_objects(pixels)]
    assert not any(abs(a - 75) < 3 and abs(b - 80) < 3 for a, b in found)
    assert any(abs(a - 150) < 3 and abs(b - 63) < 3 for a, b in found)


def test_positions_on_the_sky_follow_the_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [128.5, 128.5]
    wcs.wcs.cdelt = [-SCALE_ARCSEC / 3600, SCALE_ARCSEC / 3600]
    item = find_objects(field(wcs=wcs))[0]
    assert 3600 * (item.dec - 2.0) == pytest.approx((item.y - 127.5) * SCALE_ARCSEC, abs=0.01)


def test_limit_and_blank_field():
    assert len(find_objects(field(), limit=1)) == 1
    blank = Pixels(np.full((3, 50, 50), np.nan, np.float32), SCALE_ARCSEC, "fits", "0" * 64)
    assert find_objects(blank) == ()
