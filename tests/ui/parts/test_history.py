"""Results of one galaxy are told apart in the list of a session."""

from dataclasses import fields, replace

import pytest

from galexplorer.ui.parts.history import describe_options
from galexplorer.ui.session.request import Options

STATED = {
    "magnitudes": {"r": 17.0},
    "petro_r50": 3.0,
    "petro_r90": 8.0,
    "pixel": (10.0, 12.0),
    "pixel_scale_arcsec": 0.262,
    "flux_pixel_scale_arcsec": 0.396,
    "zero_point": 25.0,
    "exposure_s": 54.0,
    "ebv": 0.1,
    "bands": ("i", "r", "g"),
    "redshift": 0.02,
    "redshift_range": (0.01, 0.03),
    "redshift_prior": (0.02, 0.001),
    "draws": 1000,
    "seed": 4,
    "use": ("image",),
    "cuts": {"log_sfr": (0.0, 1.0)},
    "detected": ("halpha",),
    "mask_regions": "image;circle(9,9,2);circle(20,20,2)",
}


NAMES = ("name", "place")  # which galaxy it is, and so in the name that stands before


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Options) if field.name not in NAMES]
)
def test_whatever_is_stated_is_told(name):
    if name in ("ra", "dec"):  # one without the other is refused
        stated = Options(ra=150.0, dec=2.0)
    else:
        stated = replace(Options(), **{name: STATED[name]})
    assert describe_options(stated)


def test_nothing_is_said_of_the_defaults():
    assert describe_options(Options()) == ""
    assert describe_options(Options(mask_regions=STATED["mask_regions"])) == "2 masked"
