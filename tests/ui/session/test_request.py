from dataclasses import replace

import pytest

from galexplorer.errors import GalexplorerError, OptionError
from galexplorer.ui.session.request import Options, Request, run, without_image


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
                {"redshift": 0.02},
                {"redshift_range": (0.0, 0.1)},
                {"draws": 1000},
                {"seed": 1},
            )
        ),
    ]
    assert len({request.key() for request in requests}) == len(requests)


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
    options = Options(ra=1.0, dec=2.0, pixel_scale_arcsec=0.4, seed=3)
    assert without_image(options) == Options(seed=3)
