"""What is no galaxy, and what the data contradict: no headline, and what to do."""

import gzip
import io
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from streamlit.testing.v1 import AppTest

from galexplorer.screening import corruptions
from galexplorer.ui.session.sources import EXAMPLES_DIR

ROOT = Path(__file__).resolve().parents[2]


def as_fits(flux: np.ndarray, scale_arcsec: float = 0.396) -> bytes:
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"})
    header["CDELT1"], header["CDELT2"] = -scale_arcsec / 3600, scale_arcsec / 3600
    header["CUNIT1"] = header["CUNIT2"] = "deg"
    buffer = io.BytesIO()
    fits.PrimaryHDU(flux.astype("f4"), header).writeto(buffer)
    return buffer.getvalue()


def saturated_star() -> bytes:
    pixels = corruptions.star(np.random.default_rng(3), np.array([10.9, 10.4, 10.2]), True)
    return as_fits(pixels.flux, pixels.pixel_scale_arcsec)


def white_noise() -> bytes:
    return as_fits(np.random.default_rng(1).normal(2.0, 1.0, (3, 128, 128)))


@pytest.fixture(scope="module")
def opened(weights_dir) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()


def upload(at: AppTest, name: str, content: bytes) -> None:
    at.file_uploader[0].set_value([(name, content, "application/fits")])
    at.run()
    assert not at.exception


@pytest.mark.parametrize(
    ("name", "content", "codes"),
    [
        ("star.fits", saturated_star(), {"star", "saturated"}),
        ("noise.fits", white_noise(), {"artefact", "units", "picture"}),
    ],
)
def test_what_is_no_galaxy_has_no_headline(opened, name, content, codes):
    upload(opened, name, content)
    if "No object" in " ".join(error.value for error in opened.error):
        return  # refused, with its own sentence
    result = list(opened.session_state["history"].values())[-1].result
    assert not result.verdict.usable
    assert set(result.verdict.codes) & codes
    assert opened.header[0].value == name  # the box below says why
    badges = " ".join(words.value for words in opened.markdown)
    assert not re.search(r"z = |galaxy \(\d|log M⋆/M☉ =", badges)
    assert opened.error[0].value.startswith("Do not use")
    assert result.verdict.reasons[0].advice in opened.error[0].value
    hidden = next(e for e in opened.expander if e.label.startswith("Show the values, which"))
    assert len(hidden.table) == len(opened.table) > 1
    assert not any("**" in str(cell) for cell in hidden.table[0].value["Median"])


def test_a_range_that_the_data_contradict(opened):
    spiral = gzip.decompress((EXAMPLES_DIR / "spiral.fits.gz").read_bytes())
    upload(opened, "spiral.fits", spiral)
    assert opened.header[0].value == "spiral.fits"
    assert any("z = 0.0" in words.value for words in opened.markdown)
    assert not opened.error
    opened.button_group(key="redshift_mode").set_value("Range").run()
    opened.number_input(key="redshift_low").set_value(0.3).run()
    opened.number_input(key="redshift_high").set_value(0.35).run()
    assert opened.header[0].value == "spiral.fits"
    assert "The data contradict the redshift range" in opened.error[0].value
    assert "Widen it" in opened.error[0].value
    assert not any("z = 0." in words.value for words in opened.markdown)
    opened.button(key="free_redshift").click().run()  # beside what was said
    assert not opened.exception
    assert not opened.error
    assert opened.button_group(key="redshift_mode").value == "Unknown"
    assert any("z = 0.0" in words.value for words in opened.markdown)
