"""Pixels and catalogue values become one observation."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from galexplorer.errors import TargetError
from galexplorer.image.pixels import Pixels
from galexplorer.inference.observe import observe
from galexplorer.records.photometry import Photometry
from galexplorer.records.verdict import CAUTION, DO_NOT_USE


def gnomonic(angle_deg: float, parity: int) -> WCS:
    """Return coordinates whose north lies `angle_deg` counter-clockwise from up, row 0 on top."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [210.0, 54.0]
    wcs.wcs.crpix = [61, 61]
    angle = np.radians(angle_deg)
    north = np.array([-np.sin(angle), -np.cos(angle)])  # in columns and rows
    east = parity * np.array([-np.cos(angle), np.sin(angle)])
    wcs.wcs.cd = 0.396 / 3600 * np.linalg.inv(np.column_stack([east, north]))
    return wcs


def disc(wcs: WCS | None = None, origin: str = "fits") -> Pixels:
    y, x = np.mgrid[:121, :121] - 60.0
    profile = np.exp(-np.hypot(x, y) / 5.0)
    flux = np.array([0.6, 1.0, 1.3])[:, None, None] * 630 * profile / profile.sum()
    flux = flux + np.random.default_rng(1).normal(0, 0.01, flux.shape)
    return Pixels(flux.astype(np.float32), 0.396, origin, "cd" * 32, wcs, notes=("Read.",))


def test_an_image_alone_is_measured():
    seen = observe(disc())
    assert seen.photometry.kind == "measured"
    assert seen.photometry.magnitudes["r"] == pytest.approx(15.5, abs=0.03)
    assert seen.photometry.petro_r50 == pytest.approx(8.4 * 0.396, rel=0.1)
    assert seen.origin == "fits"
    assert seen.input_sha256 == "cd" * 32
    assert seen.notes[0] == "Read."
    assert "not corrected for Galactic extinction" in seen.notes[1]
    assert seen.cutout.ra is None
    assert seen.cutout.north_angle_deg is None


def test_catalogue_values_come_first():
    given = Photometry("catalogue", {"r": 15.4}, {"r": 0.01}, petro_r50=3.4, petro_r90=7.0)
    seen = observe(disc(), given)
    assert seen.photometry.kind == seen.photometry.petro_kind == "catalogue"
    assert seen.photometry.magnitudes == {"r": 15.4}
    assert (seen.photometry.petro_r50, seen.photometry.petro_r90) == (3.4, 7.0)
    assert not any("extinction" in note for note in seen.notes)


@pytest.mark.parametrize(
    ("columns_px", "level"), [(7, DO_NOT_USE), (14, CAUTION), (25, None), (60, None)]
)
def test_a_galaxy_that_an_edge_cuts_off_is_told(columns_px, level):
    """An exponential disc has a Petrosian radius of 3.6 scale lengths, here 18 pixels."""
    whole = disc()
    cut = whole.flux[:, :, 60 - columns_px : 60 + max(columns_px, 30)]
    seen = observe(replace(whole, flux=cut))
    assert [own.level for own in seen.concerns if own.code == "cut_off"] == [level] * bool(level)


@pytest.mark.parametrize(("r", "warned"), [(15.0, False), (17.5, True), (13.5, True)])
def test_photometry_of_another_galaxy_is_told(r, warned):
    seen = observe(disc(), Photometry("catalogue", {"r": r}))
    assert any("to the same galaxy" in note for note in seen.notes) == warned
    assert seen.photometry.magnitudes == {"r": r}


def test_dust_in_front_does_not_make_it_another_galaxy():
    """A catalogue is dereddened, pixels are not."""
    dust = {"g": 2.2, "r": 1.6, "i": 1.2}
    given = Photometry("catalogue", {"r": 15.5 - 1.6})
    seen = observe(disc(), given, extinction_mag=dust)
    assert not any("to the same galaxy" in note for note in seen.notes)


@pytest.mark.parametrize("sizes", [{}, {"petro_r50": 3.4}, {"petro_r90": 7.0}])
def test_radii_are_measured_as_a_pair_unless_both_are_given(sizes):
    seen = observe(disc(), Photometry("catalogue", {"r": 15.4}, **sizes))
    assert seen.photometry.kind == "catalogue"
    assert seen.photometry.petro_kind == "measured"
    assert seen.photometry.petro_r50 == pytest.approx(8.4 * 0.396, rel=0.1)
    assert seen.photometry.petro_r90 > 1.5 * seen.photometry.petro_r50
    assert any("used only as a pair" in note for note in seen.notes) == bool(sizes)


def test_magnitudes_of_other_bands_do_not_mix_with_measured_ones():
    seen = observe(disc(), Photometry("catalogue", {"u": 17.2, "z": 15.0}))
    assert seen.photometry.kind == "measured"
    assert set(seen.photometry.magnitudes) == {"g", "r", "i"}
    assert any("u, z was ignored" in note for note in seen.notes)


def test_photometry_alone_is_passed_on():
    given = Photometry("catalogue", {"r": 15.4})
    seen = observe(None, given)
    assert seen.cutout is None
    assert seen.photometry.magnitudes == {"r": 15.4}
    assert seen.photometry.petro_kind == "none"
    assert seen.origin is None


@pytest.mark.parametrize("given", [None, Photometry(), Photometry(petro_r50=2.0)])
def test_nothing_cannot_be_inferred_from(given):
    with pytest.raises(TargetError, match="give an image, magnitudes, or both"):
        observe(None, given)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, -135.0])
@pytest.mark.parametrize("parity", [1, -1])
def test_north_is_where_the_coordinates_say(angle, parity):
    cutout = observe(disc(gnomonic(angle, parity))).cutout
    assert np.cos(np.radians(cutout.north_angle_deg - angle)) == pytest.approx(1, abs=1e-4)
    assert cutout.mirrored == (parity < 0)
    assert cutout.ra == pytest.approx(210.0, abs=1e-4)
    assert cutout.dec == pytest.approx(54.0, abs=1e-4)


def test_what_limits_the_measurement_is_said():
    pixels = disc()
    pixels.flux[:, :, 64:] = np.nan
    notes = " ".join(observe(pixels).notes)
    assert "of the aperture lies on usable pixels" in notes


def recoloured(order=(0, 1, 2), factors=(1.0, 1.0, 1.0)) -> Pixels:
    """The disc in other colours, bands of which may change places."""
    pixels = disc()
    flux = pixels.flux * np.array(factors, np.float32)[:, None, None]
    return replace(pixels, flux=np.ascontiguousarray(flux[list(order)]))


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2)])
def test_colours_of_no_galaxy_are_refused(order):
    """A red galaxy whose bands are in another order is bluer than any star-forming one."""
    red = (0.4, 1.0, 1.6)
    observe(recoloured(factors=red))
    with pytest.raises(TargetError, match="the colour of no galaxy: check the order of its bands"):
        observe(recoloured(order, red))


def test_rare_colours_are_named():
    notes = " ".join(observe(recoloured(factors=(1.0, 1.0, 0.65))).notes)
    assert "bluer than 999 of 1,000 SDSS galaxies" in notes
    assert "999" not in " ".join(observe(recoloured(factors=(0.6, 1.0, 1.3))).notes)


def test_a_flux_scale_that_no_galaxy_has():
    with pytest.raises(TargetError, match="brighter than any galaxy that fits it"):
        observe(recoloured(factors=(0.6e7, 1e7, 1.3e7)))
