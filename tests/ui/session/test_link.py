import pytest

from galexplorer.inference.input_selection import INPUTS
from galexplorer.ui.session.link import View, from_query, to_query
from galexplorer.ui.session.request import Options

VIEWS = [
    View(),
    View(("target", "NGC 5332")),
    View(("example", "spiral"), Options(redshift=0.0258, draws=2000, seed=4), "95%"),
    View(("library", "J104844.19+260313.2"), Options(seed=2)),
    View(("upload", "0123456789abcdef"), Options(pixel_scale_arcsec=4 / 9, redshift=1 / 9)),
    View(("upload", "0123456789abcdef"), Options(redshift_range=(0.01, 0.05), pixel=(12.5, 3.0))),
    View(
        None,
        Options(magnitudes={"g": 17.25, "r": 16.5}, petro_r50=2.5, petro_r90=6.25),
    ),
    View(None, Options(magnitudes={"r": 16.5}, name="<T06>", place=(162.18416, -26.05369))),
    View(("target", "162.18416 +26.05369"), Options(name="mine")),
    View(
        ("target", "162.18416 +26.05369"),
        Options(
            ra=162.18416,
            dec=-26.05369,
            pixel_scale_arcsec=0.396,
            flux_pixel_scale_arcsec=0.4,
            zero_point=25.25,
            bands=("i", "r", "g"),
            exposure_s=90.0,
            ebv=0.031,
            use=("image", "g", "r", "i"),
            cuts={"log_sfr": (-1.0, 2.0), "log_stellar_mass": (9.5, 11.0)},
            detected=("halpha", "oiii_5007"),
            mask_regions='icrs;circle(162.185,-26.054,3.00");image;polygon(9,9,20,9,20,20)',
        ),
    ),
]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_survives_its_link(view):
    assert from_query(to_query(view)) == view


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({"q": "NGC 5332"}, View(("target", "NGC 5332"))),
        (
            {"q": "M 51", "z": "0.0258", "seed": "4"},
            View(("target", "M 51"), Options(redshift=0.0258, seed=4)),
        ),
        ({"ra": "162.18416", "dec": "-26.05"}, View(("target", "162.18416 -26.05"))),
        ({"ra": "162.18416"}, View(None, Options(ra=162.18416))),
    ],
)
def test_other_sites_link_with_short_names(query, view):
    assert from_query(query) == view


def test_defaults_are_left_out():
    assert to_query(View(("target", "NGC 5332"))) == {"target": "NGC 5332"}
    assert to_query(View()) == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("redshift", "0.9"),
        ("redshift", "nan"),
        ("redshift", "0.05~0.01"),
        ("redshift", "a~b"),
        ("draws", "1e9"),
        ("draws", "99999999"),
        ("seed", "-1"),
        ("place", "162.1"),
        ("place", "400~20"),
        ("use", "rhubarb"),
        ("interval", "50"),
        ("mag_r", "inf"),
        ("ra", "1" * 500),
        ("pixel", "1~2~3"),
        ("log_sfr", "-99~99"),
        ("dec", ""),
        ("bands", "ggr"),
        ("bands", "rhubarb"),
        ("zero_point", "99"),
        ("exposure", "-1"),
        ("ebv", "nan"),
        ("mask_regions", "circle(9,9"),
        ("mask_regions", "/home/me/star.reg"),
    ],
)
def test_what_cannot_be_read_is_named_and_left_out(name, words):
    view = from_query({"target": "NGC 5332", name: words})
    assert view.problems == (name,)
    assert view.source == ("target", "NGC 5332")
    assert view.options == Options()
    assert view.interval == "68%"


def test_foreign_parameters_are_ignored():
    assert from_query({"utm_source": "mail", "embed": "true"}) == View()


def test_inputs_have_one_order():
    use = tuple(reversed(INPUTS[:3]))
    assert from_query({"use": ",".join(use)}).options.use == INPUTS[:3]
