"""North up and east left, against reproject and the WCS itself."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from galexplorer.image.pixels import Pixels
from galexplorer.inference.observe import observe
from galexplorer.pictures.north_up import SkyAxes, north_up, sky_picture

SCALE = 0.396
CENTRE = (150.0, 2.0)


def turned_wcs(angle_deg: float, mirrored: bool, shape: tuple[int, int]) -> WCS:
    """Return a gnomonic WCS whose north lies at an angle from the second axis."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = CENTRE
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    turn = np.radians(angle_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flip = np.diag([1.0 if mirrored else -1.0, 1.0])
    wcs.wcs.cd = flip @ rotation * SCALE / 3600
    return wcs


def painted(wcs: WCS, shape: tuple[int, int]) -> np.ndarray:
    """Paint a galaxy, a blob to its north and a fainter one to its east."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    flux = np.random.default_rng(3).normal(0, 1e-3, (3, *shape))
    for east, north, amount, width in ((0, 0, 60.0, 4.0), (0, 20, 12.0, 2.0), (15, 0, 6.0, 2.0)):
        place = SkyCoord(*CENTRE, unit="deg").directional_offset_by(
            np.arctan2(east, north) * u.rad, np.hypot(east, north) * u.arcsec
        )
        px, py = wcs.world_to_pixel(place)
        blob = np.exp(-0.5 * ((x - px) ** 2 + (y - py) ** 2) / width**2)
        flux += amount * (blob / blob.sum()) * np.array([0.6, 1.0, 1.4])[:, None, None]
    return flux.astype(np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 37.0, -120.0, 180.0])
def test_a_turned_frame_is_shown_as_reproject_has_it(angle, mirrored):
    reproject = pytest.importorskip("reproject")
    shape = (161, 181)
    wcs = turned_wcs(angle, mirrored, shape)
    pixels = Pixels(painted(wcs, shape), SCALE, "fits", "0" * 64, wcs)
    cutout = observe(pixels).cutout
    x, y = pixels.to_pixel(cutout.ra, cutout.dec)
    axes = SkyAxes(x, y, SCALE, cutout.north_angle_deg, cutout.mirrored)
    picture, (px, py) = sky_picture(pixels, (x, y), 50.0)
    shown = north_up(picture, SkyAxes(px, py, SCALE, axes.north_angle_deg, axes.mirrored), 50.0)

    side = len(shown)
    up = turned_wcs(0.0, False, (side, side))
    up.wcs.crval = cutout.ra, cutout.dec
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        straight, _ = reproject.reproject_interp((pixels.flux[1], wcs), up, shape_out=(side, side))
    # FITS counts rows from the bottom, a screen from the top
    seen, true = shown[..., 1].astype(float), straight[::-1]
    agreement = np.corrcoef(seen.ravel(), np.arcsinh(200 * np.nan_to_num(true)).ravel())[0, 1]
    assert agreement > 0.9
    for east, north in ((0.0, 20.0), (15.0, 0.0)):  # parity: each blob is where the sky has it
        row, column = 0.5 * side - north / SCALE, 0.5 * side - east / SCALE
        part = (slice(int(row) - 3, int(row) + 4), slice(int(column) - 3, int(column) + 4))
        opposite = (slice(*(side - k for k in (part[0].stop, part[0].start))),
                    slice(*(side - k for k in (part[1].stop, part[1].start))))  # fmt: skip
        assert seen[part].mean() > seen[opposite].mean() + 20


def test_offsets_are_those_of_astropy():
    shape = (161, 181)
    wcs = turned_wcs(37.0, True, shape)
    pixels = Pixels(painted(wcs, shape), SCALE, "fits", "0" * 64, wcs)
    cutout = observe(pixels).cutout
    x, y = pixels.to_pixel(cutout.ra, cutout.dec)
    axes = SkyAxes(x, y, SCALE, cutout.north_angle_deg, cutout.mirrored)
    here = SkyCoord(cutout.ra, cutout.dec, unit="deg")
    east, north = here.spherical_offsets_to(wcs.pixel_to_world(30.0, 120.0))
    found = axes.to_offset(30.0, 120.0)
    assert found == pytest.approx((east.arcsec, north.arcsec), abs=0.02)
    assert axes.to_pixel(*found) == pytest.approx((30.0, 120.0), abs=1e-9)


@pytest.mark.parametrize(("angle", "turns"), [(0.0, 0), (90.0, -1), (180.0, 2), (-90.0, 1)])
def test_quarter_turns_keep_every_pixel(angle, turns):
    picture = np.random.default_rng(0).integers(0, 255, (41, 41, 3)).astype(np.uint8)
    axes = SkyAxes(20.0, 20.0, SCALE, angle)
    assert np.array_equal(north_up(picture, axes, 41 * SCALE), np.rot90(picture, turns))
    mirrored = SkyAxes(20.0, 20.0, SCALE, 0.0, mirrored=True)
    assert np.array_equal(north_up(picture, mirrored, 41 * SCALE), picture[:, ::-1])


def test_an_image_without_orientation_stays_as_it_is():
    picture = np.random.default_rng(0).integers(0, 255, (41, 41, 3)).astype(np.uint8)
    assert np.array_equal(north_up(picture, SkyAxes(20.0, 20.0, SCALE), 41 * SCALE), picture)
