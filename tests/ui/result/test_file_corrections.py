"""Fields for what files say wrong: they start from what holds, and change only what is changed."""

import io

import numpy as np
import pytest
from astropy.io import fits
from streamlit.testing.v1 import AppTest

from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source

ZERO_POINT = 25.0
CARDS = {
    **{"MAGZERO": ZERO_POINT, "CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600},
    **{"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0},
    **{"CRPIX1": 32.5, "CRPIX2": 32.5},
}


@pytest.fixture(scope="module")
def source() -> Source:
    """Three files of one blue galaxy: the headers have a scale and a zero point, g most light."""
    y, x = np.mgrid[:64, :64] - 31.5
    galaxy = np.exp(-np.hypot(x, y) / 6) * 10 ** (0.4 * (ZERO_POINT - 12))
    noise = np.random.default_rng(1).normal(0, 1, (64, 64))
    files = []
    for band, share in (("i", 0.5), ("g", 1.0), ("r", 0.8)):
        header = fits.Header(CARDS)
        content = io.BytesIO()
        fits.PrimaryHDU((share * galaxy + noise).astype(np.float32), header).writeto(content)
        files.append((f"m_{band}.fits", content.getvalue()))
    return Source("upload", "m", tuple(files), "A test.")


def drawn(source: Source, **stated) -> AppTest:
    def script(source, options):
        from galexplorer.ui.result import file_corrections

        file_corrections.correct(source, options, ("pixel_scale", "zero_point", "bands"))

    given = {"source": source, "options": Options(**stated)}
    return AppTest.from_function(script, kwargs=given, default_timeout=60).run()


def field(app: AppTest, what: str):
    return next(n for n in app.number_input if n.key.startswith(f"ask_{what}"))


def bands(app: AppTest) -> list[str]:
    return [group.value for group in app.button_group if group.key.startswith("ask_band")]


def stated(app: AppTest) -> list:
    return [app.session_state[name] for name in ("pixel_scale", "zero_point", "bands")]


def test_what_is_not_changed_stays_the_word_of_the_files(source):
    app = drawn(source)
    assert not app.exception
    assert field(app, "scale").value == pytest.approx(0.5)
    assert field(app, "zero").value is None  # the headers tell it
    assert bands(app) == ["i", "g", "r"]  # by name, not by their light
    app.button(key="correct_use").click().run()
    assert stated(app) == [None, None, None]
    app = drawn(source)
    field(app, "scale").set_value(0.396).run()
    app.button(key="correct_use").click().run()
    assert stated(app) == [0.396, None, None]


def test_what_was_stated_is_what_the_fields_say(source):
    order = ("g", "r", "i")
    app = drawn(source, zero_point=24.0, bands=order, pixel_scale_arcsec=1.0)
    assert (field(app, "scale").value, field(app, "zero").value) == (1.0, 24.0)
    assert bands(app) == list(order)
    field(app, "zero").set_value(26.0).run()
    app.button(key="correct_use").click().run()
    assert stated(app) == [1.0, 26.0, order]
