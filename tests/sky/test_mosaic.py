"""Fields beyond the edges: which they are, and how they are joined."""

import bz2
import io
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from sky_replay import CAMCOL, FIELD, FRAMES, RUN, THINGS, paint

from galexplorer.objids import Field
from galexplorer.sky.fetch import fetch_target
from galexplorer.sky.mosaic import Footprint, choose_fields, survey_coordinates

OTHER = Field(5140, 301, 3, 97)


def _place(name: str) -> str:
    thing = next(thing for thing in THINGS if thing.name == name)
    return f"{thing.ra} {thing.dec:+}"


def test_survey_coordinates_against_the_pole_of_the_circle(rng):
    """The distance from the circle is 90 degrees less that from its pole."""
    ra, dec = rng.uniform(0, 360, 50), rng.uniform(-80, 80, 50)
    for node, incl in ((95.0, 27.5), (95.0, 0.0), (275.0, 82.5)):
        mu, nu = survey_coordinates(ra, dec, node, incl)
        pole = SkyCoord(node - 90, 90 - incl, unit="deg")
        where = SkyCoord(ra, dec, unit="deg")
        np.testing.assert_allclose(nu, 90 - where.separation(pole).deg, atol=1e-9)
        # Along the circle: the angle at the pole, from the node on.
        at_node = pole.position_angle(SkyCoord(node, 0, unit="deg"))
        angle = (at_node - pole.position_angle(where)).wrap_at(360 * u.deg).deg
        difference = (mu - node - angle + 180) % 360 - 180
        np.testing.assert_allclose(difference, 0, atol=1e-9)


def test_footprints_are_the_frames(full_replay):
    """A frame covers its own pixels, but for a margin, and none beyond."""
    key = (RUN, CAMCOL, FIELD)
    node, incl, ra, dec = FRAMES[key]
    footprint = Footprint(Field(RUN, 301, CAMCOL, FIELD), ra, dec, node, incl)
    raw = full_replay.sky.frame(f"frame-r-{RUN:06d}-{CAMCOL}-{FIELD:04d}.fits.bz2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # frames have cards of old names
        wcs = WCS(fits.getheader(io.BytesIO(bz2.decompress(raw))))
    x = np.array([-1, 10, 1024, 2036, 2048, 1024, 1024, 1024])
    y = np.array([744, 744, 744, 744, 744, 60, 1430, 1489])
    inside = footprint.covers(*wcs.all_pix2world(x, y, 0))
    assert inside.tolist() == [False, True, True, True, False, False, False, False]


def test_the_fewest_fields_are_chosen():
    near = [
        Footprint(Field(1, 301, 1, k), 162.179 + 0.1638 * k, 25.954 + 0.0268 * k, 95.0, 27.5)
        for k in range(-2, 3)
    ]
    ra, dec = np.array([162.179, 162.18, 162.343]), np.array([25.954, 25.955, 25.981])
    assert [f.field for f in choose_fields(near, ra, dec, [])] == [0, 1]
    assert [f.field for f in choose_fields(near, ra, dec, [Field(1, 301, 1, 0)])] == [1]
    assert choose_fields(near, np.array([10.0]), np.array([0.0]), []) == []


def test_a_galaxy_at_the_rim_of_the_column_gets_another_run(replay, settings):
    fetched = fetch_target(_place("rim"), settings=settings)
    # two questions, three frames of its own field, three of the other run's
    assert replay.counts == {"skyserver": 2, "sas": 6}
    assert any(
        f"Run {OTHER.run}, camera column {OTHER.camcol}, field {OTHER.field} was joined" in note
        for note in fetched.pixels.notes
    )
    flux = fetched.pixels.flux
    assert np.isfinite(flux).mean() > 0.99
    expected = paint(fetched.pixels.wcs, flux.shape[1:])
    residual = flux - expected
    outside = expected[1] < 0.5  # the core's curvature is beyond interpolation at a pixel
    assert np.nanmax(np.abs(residual[:, outside])) < 0.15
    middle = (flux.shape[1] - 1) / 2
    rows, columns = np.mgrid[: flux.shape[1], : flux.shape[2]]
    near = np.hypot(rows - middle, columns - middle) < 25
    for plane, model in zip(flux, expected, strict=True):
        assert plane[near].sum() == pytest.approx(model[near].sum(), rel=0.01)
    assert fetch_target(_place("rim"), settings=settings).requests == 0


def test_without_the_other_run_the_edge_is_told(replay, settings):
    replay.missing = {OTHER.field}
    fetched = fetch_target(_place("rim"), settings=settings)
    assert fetched.source == "frames"
    assert any("field 97 could not be retrieved" in note for note in fetched.pixels.notes)
    assert any("beyond the available frames" in note for note in fetched.pixels.notes)


def test_the_real_galaxy_cut_by_the_edge(full_replay, full_settings):
    """On its right the frame of the test's own making follows, as deep as the real one is."""
    fetched = fetch_target("162.1036 +26.0556", settings=full_settings)
    assert full_replay.counts == {"skyserver": 2, "sas": 6}
    assert np.isfinite(fetched.pixels.flux).mean() > 0.99


def test_a_sky_that_is_off_is_told_or_refused(replay, settings):
    replay.sky_offset = 0.01
    fetched = fetch_target("162.18416 +26.05369", settings=settings)
    assert any("the sky in r lies +0.01" in note for note in fetched.pixels.notes)
    assert fetched.source == "frames"


def test_a_sky_far_off_goes_to_the_second_source(replay, settings):
    replay.sky_offset = 0.1
    fetched = fetch_target("162.18416 +26.05369", settings=settings)
    assert fetched.source == "legacy"
    assert any("The sky of the g frame lies +0.1" in note for note in fetched.notes)


def test_sky_levels_of_joined_fields_are_compared(replay, settings):
    replay.sky_offset = 0.015
    replay.offset_run = OTHER.run
    fetched = fetch_target(_place("rim"), settings=settings)
    assert any("differs in sky level" in note for note in fetched.pixels.notes)
