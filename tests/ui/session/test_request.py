from dataclasses import replace

import numpy as np
import pytest

from galexplorer.errors import GalexplorerError, OptionError
from galexplorer.image.pixels import Pixels
from galexplorer.query.parse import parse_target
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.sky.fetched import Fetched
from galexplorer.ui.session.request import (
    Options,
    Request,
    observe_request,
    read_pixels,
    run,
    without_image,
)
from galexplorer.ui.session.sources import Source, source_of_target


def no_engine():
    pytest.fail("the engine was loaded for a request that cannot be answered")


def test_equal_requests_have_equal_keys(cube):
    options = Options(magnitudes={"r": 16.0, "g": 16.7}, ra=10.0, dec=-5.0)
    assert (
        Request((("a.fits", cube),), options).key()
        == Request(
            (("a.fits", bytes(cube)),), replace(options, magnitudes={"g": 16.7, "r": 16.0})
        ).key()
    )


def test_everything_an_answer_depends_on_changes_the_key(cube):
    options = Options()
    requests = [
        Request((), options),
        Request((("a.fits", cube),), options),
        Request((("a.fits", cube[:-1]),), options),
        *(
            Request((("a.fits", cube),), replace(options, **change))
            for change in (
                {"magnitudes": {"r": 16.0}},
                {"petro_r50": 3.0},
                {"ra": 1.0},
                {"pixel_scale_arcsec": 0.396},
                {"flux_pixel_scale_arcsec": 0.396},
                {"zero_point": 25.0},
                {"exposure_s": 3.0},
                {"ebv": 0.1},
                {"redshift": 0.02},
                {"redshift_range": (0.0, 0.1)},
                {"draws": 1000},
                {"seed": 1},
            )
        ),
    ]
    assert len({request.key() for request in requests}) == len(requests)


def test_an_extinction_that_was_unknown_before_changes_the_key():
    """Its service may have been away; the pixels are those of the cache."""
    pixels = Pixels(np.zeros((3, 9, 9), np.float32), 0.396, "fits", "0" * 64)
    before = Fetched(
        parse_target("10.0 +20.0"), 10.0, 20.0, pixels, Photometry(), None, {}, "", "legacy", {}
    )
    after = replace(before, extinction_mag={"g": 0.3, "r": 0.2, "i": 0.1})
    first, second = (source_of_target(one).request(Options()) for one in (before, after))
    assert first.observation_key() != second.observation_key()
    assert first.key() != second.key()


def test_contents_are_hashed_once_for_a_source(cube):
    source = Source("upload", "a.fits", (("a.fits", cube),), "")
    request = source.request(Options(seed=2))
    assert request.key() == Request(source.files, Options(seed=2)).key()
    assert request.content is source.digest


def test_half_a_position_is_refused():
    with pytest.raises(OptionError, match="both RA and Dec"):
        run(Request((), Options(ra=10.0)), no_engine)


def test_bad_files_are_refused_before_the_engine_is_loaded(bad_files):
    messages = set()
    for name, content in bad_files.values():
        with pytest.raises(GalexplorerError) as caught:
            run(Request(((name, content),)), no_engine)
        messages.add(str(caught.value))
    assert len(messages) == len(bad_files)


def test_nothing_to_infer_from_is_refused():
    with pytest.raises(GalexplorerError, match="nothing to infer from"):
        run(Request(), no_engine)


def test_options_of_the_image_can_be_left_out():
    options = Options(ra=1.0, dec=2.0, pixel_scale_arcsec=0.4, zero_point=25.0, ebv=0.1, seed=3)
    assert without_image(options) == Options(seed=3)


def observe(cube: bytes, **stated: float) -> Observation:
    request = Request((("a.fits", cube),), Options(**stated))
    return observe_request(request, read_pixels(request))


def test_what_is_stated_of_an_image_counts(cube):
    plain = observe(cube).photometry.magnitudes
    stated = observe(cube, zero_point=20.0, exposure_s=10.0, ebv=0.1).photometry.magnitudes
    # ten seconds make 22.5; Schlafly & Finkbeiner 2011, table 6, R_V = 3.1
    for band, factor in {"g": 3.303, "r": 2.285, "i": 1.698}.items():
        assert stated[band] == pytest.approx(plain[band] - 0.1 * factor, abs=2e-3)


@pytest.mark.parametrize(
    ("change", "read_anew"),
    [
        ({"zero_point": 25.0}, True),
        ({"exposure_s": 3.0}, True),
        ({"ebv": 0.1}, False),
        ({"ra": 1.0, "dec": 2.0}, False),
        ({"ra": 1.0, "dec": 2.0, "pixel_scale_arcsec": 0.4}, True),
    ],
)
def test_pixels_and_observations_are_kept_by_what_they_depend_on(cube, change, read_anew):
    first = Request((("a.fits", cube),))
    other = replace(first, options=replace(first.options, **change))
    assert (first.pixels_key() != other.pixels_key()) == read_anew
    assert first.observation_key() != other.observation_key()


def test_a_position_is_told_apart_where_the_header_may_be_overruled(cube):
    scaled = Options(pixel_scale_arcsec=0.4)
    first = Request((("a.fits", cube),), scaled)
    other = replace(first, options=replace(scaled, ra=1.0, dec=2.0))
    assert first.pixels_key() != other.pixels_key()


def test_no_sentence_of_the_app_names_an_option_of_the_command_line(bad_files):
    for name, content in bad_files.values():
        with pytest.raises(GalexplorerError) as caught:
            run(Request(((name, content),)), no_engine)
        assert "--" not in str(caught.value)
