"""The app without a browser: from upload to download."""

import io
from html import escape
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from streamlit.testing.v1 import AppTest

from galexplorer.api.inputs import observe
from galexplorer.export.files import DRAWS_FORMATS, result_bytes
from galexplorer.export.latex import latex_table
from galexplorer.schema import TARGETS
from galexplorer.science.caveats import target_caveats
from galexplorer.science.glossary import GLOSSARY
from galexplorer.science.summary import describe_interval
from galexplorer.ui.session import sources

ROOT = Path(__file__).resolve().parents[2]
FITS = "application/fits"
POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹\N{MINUS SIGN}", "-0123456789-")


@pytest.fixture
def app() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not at.exception
    return at


def upload(at: AppTest, name: str, content: bytes) -> AppTest:
    at.file_uploader[0].set_value([(name, content, FITS)])
    at.run()
    assert not at.exception
    return at


def the_result(at: AppTest):
    return list(at.session_state["history"].values())[-1].result


def said(at: AppTest, words: str) -> bool:
    """Tell whether a badge or other text of the page has some words."""
    return any(words in element.value for element in at.markdown)


def test_first_page_asks_for_a_galaxy(app):
    assert app.file_uploader[0].label.startswith("Upload a galaxy")
    assert app.button(key="ngc6978").label == "NGC 6978, a real SDSS field from the network"
    assert not app.error
    assert not app.header


def test_bad_inputs_have_their_own_message(app, bad_files):
    messages = {}
    for kind, (name, content) in bad_files.items():
        upload(app, name, content)
        assert len(app.error) == 1, kind
        messages[kind] = app.error[0].value
        app.button(key="remove_upload").click().run()
        assert not app.error
    assert len(set(messages.values())) == len(messages)
    assert all(message.endswith(".") for message in messages.values())


def test_a_bad_option_is_said_and_can_be_mended(app, cube):
    app.number_input(key="ra").set_value(10.0)
    upload(app, "galaxy.fits", cube)
    assert "both RA and Dec" in app.error[0].value


def test_from_upload_to_download(app, cube, weights_dir):
    upload(app, "galaxy.fits", cube)
    assert not app.error
    assert said(app, "z = ")
    posterior = app.table[0].value
    labels = [words.split("  \n")[0] for words in posterior["Quantity"]]
    assert labels == [target.label for target in TARGETS]
    assert [button.label for button in app.get("download_button")] == ["Download", "PNG", "FITS"]
    chosen = app.selectbox(key="download_what")
    assert set(chosen.options) == {
        "Report", "Posterior draws", "LaTeX table", "Summary", "Corner plot", "BPT diagram",
        "Predicted emission lines",
    }  # fmt: skip
    offered = set()
    for what in ("report", "draws", "summary", "table"):
        chosen.set_value(what).run()
        assert not app.exception
        offered |= set(app.button_group(key=f"download_format_{what}").options)
    assert offered == {
        "HTML", "PDF", "JSON", "Table", "Row", "ECSV", "Parquet", "FITS", "VOTable",
        "netCDF (ArviZ)",
    }  # fmt: skip
    for format in DRAWS_FORMATS:
        assert len(result_bytes(the_result(app), format)) > 1000


def test_a_latex_table_is_there_to_copy(app, cube, weights_dir):
    upload(app, "galaxy.fits", cube)
    app.selectbox(key="download_what").set_value("table").run()
    shown = next(code.value for code in app.code if r"\begin{tabular}" in code.value)
    assert shown == latex_table(the_result(app), "galaxy.fits").rstrip()
    app.button_group(key="download_format_table").set_value("latex").run()
    row = next(code.value for code in app.code if code.value.startswith("%"))
    assert row.rstrip().splitlines()[-1].startswith("galaxy.fits & $")


def test_values_are_read_as_logarithms_or_as_what_they_are_of(app, cube, weights_dir):
    upload(app, "galaxy.fits", cube)
    logarithms = app.table[0].value
    app.toggle(key="linear").set_value(True).run()
    values = app.table[0].value
    assert values["Quantity"][1] == "Stellar mass  \n:small[M☉]"
    for row in (1, 2, 4, 5, 6, 7, 8):
        words = values["Median"][row].split("**")[1].translate(POWERS).replace(" × 10", "e")
        logarithm = float(logarithms["Median"][row].split("**")[1].translate(POWERS))
        assert np.log10(float(words)) == pytest.approx(logarithm, abs=0.03)
    for row in (0, 3):  # the redshift is no logarithm, 12 + log(O/H) is one by definition
        assert values["Median"][row] == logarithms["Median"][row]
    derived = next(t.value for t in app.table if "Unit" in t.value)
    rate = derived[derived["Quantity"] == "Specific SFR"].iloc[0]
    assert rate["Unit"] == "yr⁻¹"
    assert " × 10⁻" in rate["Median"]


def test_a_caveat_is_marked_beside_its_value(app, cube, weights_dir):
    upload(app, "galaxy.fits", cube)
    mass = app.table[0].value["Median"][4]
    caveat = target_caveats(the_result(app))["log_bh_mass"]
    assert mass.endswith(f'[a](#note-nine-a "{caveat}")')
    notes = [html.value for html in app.get("html") if "note-nine" in html.value]
    assert len(notes) == 1
    assert escape(caveat) in notes[0]


def test_what_the_verdict_doubts_is_corrected_below_it(app, weights_dir):
    picture = io.BytesIO()
    native = observe(ROOT / "assets/examples/spiral.fits.gz").cutout.native
    Image.fromarray(np.ascontiguousarray(native.transpose(1, 2, 0))).save(picture, "PNG")
    upload(app, "cutout.png", picture.getvalue())
    next(n for n in app.number_input if n.label == "Pixel scale (″)").set_value(5.0).run()
    scales = [n for n in app.number_input if n.key.startswith("ask_scale")]
    scales[0].set_value(5.0).run()
    app.button(key="ask_use").click().run()
    assert the_result(app).verdict.codes == ("scale",)
    (field,) = [n for n in app.number_input if n.key.startswith("ask_scale")]
    assert field.value == 5.0  # what holds now
    assert not [n for n in app.number_input if n.key.startswith("ask_zero")]  # a picture has none
    field.set_value(0.396).run()
    app.button(key="correct_use").click().run()
    assert not app.exception
    assert not app.error
    assert the_result(app).verdict.level == "fine"
    assert app.query_params["pixel_scale"] == "0.396"
    assert not [n for n in app.number_input if n.key.startswith("ask_scale")]


@pytest.mark.slow
def test_sliders_say_what_they_start_from(app, cube, weights_dir):
    """The values of the result stand beside those of the copy that is moved."""
    app.session_state["details"] = "More like this, but …"
    upload(app, "galaxy.fits", cube)
    assert said(app, "rebuilt from its latents alone")
    values = next(t.value for t in app.table if "Not moved" in t.value)
    redshift = describe_interval(the_result(app).posterior, "redshift")
    assert values["Result above"][0] == redshift
    assert list(values["Not moved"]) == list(values["Moved"])
    slider = next(s for s in app.slider if s.label.startswith("Brightness"))
    slider.set_value(1.0).run()
    values = next(t.value for t in app.table if "Not moved" in t.value)
    assert values["Result above"][0] == redshift
    assert list(values["Not moved"]) != list(values["Moved"])


def test_a_passive_galaxy_is_not_called_a_liner(app, weights_dir):
    app.button(key="example_2").click().run()
    assert app.header[0].value == "Massive elliptical"
    assert said(app, "Passive galaxy (9")
    assert not said(app, "-badge[LINER")
    below = next(c.value for c in app.caption if c.value.startswith("Percentages"))
    assert "The galaxy is probably passive" in below


def test_draws_are_selected_without_a_mouse(app, cube, weights_dir):
    upload(app, "galaxy.fits", cube)
    draws = the_result(app).posterior.column("redshift")
    slider = next(s for s in app.slider if s.key.endswith("_redshift") and s.label == "Range")
    assert slider.step < 0.1 * np.std(draws)  # an arrow key moves it by so much
    assert slider.min <= draws.min()
    assert slider.max >= draws.max()
    slider.set_value((slider.min, float(np.median(draws)))).run()
    assert not app.exception
    assert said(app, "**2,500 of 5,000 draws** (50%)") or said(app, "**2,501 of 5,000 draws**")
    medians = next(t.value for t in app.table if "Median" in t.value and "z" in t.value)
    assert list(medians["Median"]) == ["Selected", "All"]
    assert float(medians["z"][0]) == pytest.approx(np.quantile(draws, 0.25), abs=1e-3)
    app.button(key="clear_region").click().run()
    assert not said(app, "of 5,000 draws")


def test_widgets_keep_their_state(app, cube, weights_dir):
    app.number_input(key="seed").set_value(4)
    upload(app, "galaxy.fits", cube)
    app.button_group(key="interval").set_value("95%").run()
    app.button_group(key="redshift_mode").set_value("Known").run()
    app.number_input(key="redshift").set_value(0.0197).run()
    assert not app.exception
    assert said(app, "z = 0.0197 (fixed)")
    assert app.number_input(key="seed").value == 4
    assert app.button_group(key="interval").value == "95%"
    assert "95% interval" in app.table[0].value
    # Back to unknown and to known again: the value is still there.
    app.button_group(key="redshift_mode").set_value("Unknown").run()
    app.button_group(key="redshift_mode").set_value("Known").run()
    assert app.number_input(key="redshift").value == 0.0197


def test_what_a_file_lacks_can_be_stated(app, cube, weights_dir):
    with fits.open(io.BytesIO(cube)) as file:
        file[0].header["BUNIT"] = "ADU"
        buffer = io.BytesIO()
        file.writeto(buffer)
    upload(app, "counts.fits", buffer.getvalue())
    assert not app.error
    assert any(
        "has values in 'ADU' (card BUNIT) and no zero point" in m.value for m in app.markdown
    )
    assert any("object in the middle: r ≈ 16" in c.value for c in app.caption)  # 22.5 is the guess
    asked = next(n for n in app.number_input if n.label == "Zero point (mag AB)")
    asked.set_value(20.0).run()
    app.button(key="ask_use").click().run()
    assert app.number_input(key="zero_point").value == 20.0
    app.number_input(key="exposure").set_value(10.0).run()
    assert not app.error
    seen = the_result(app).photometry.magnitudes["r"]
    assert seen == pytest.approx(16.0, abs=0.1)
    app.number_input(key="ebv").set_value(0.1).run()
    # Schlafly & Finkbeiner 2011, table 6, R_V = 3.1
    assert the_result(app).photometry.magnitudes["r"] == pytest.approx(seen - 0.2285, abs=1e-3)
    labels = [button.label for button in app.sidebar.button if button.label.startswith("counts")]
    assert any("zero point 20, 10 s, E(B−V) = 0.1" in label for label in labels)
    assert app.query_params["zero_point"] == "20"


def test_a_picture_without_a_scale_is_asked_for_it(app, weights_dir):
    """The next drop finds nothing left of the one before."""
    picture = io.BytesIO()
    native = observe(ROOT / "assets/examples/spiral.fits.gz").cutout.native
    Image.fromarray(np.ascontiguousarray(native.transpose(1, 2, 0))).save(picture, "PNG")
    upload(app, "cutout.png", picture.getvalue())
    assert "cutout.png is a picture without a pixel scale." in app.markdown[0].value
    assert not app.error
    upload(app, "other.png", picture.getvalue())
    assert [m.value for m in app.markdown if "cutout.png" in m.value] == []
    app.button(key="ask_use").click().run()
    assert not app.error
    assert app.number_input(key="pixel_scale").value == 0.396
    assert any("0.396" in note for note in the_result(app).notes)


def test_a_huge_picture_is_refused_before_anything_is_asked(app):
    picture = io.BytesIO()
    Image.new("RGB", (4100, 4100)).save(picture, "PNG")
    upload(app, "huge.png", picture.getvalue())
    assert "huge.png is too large" in app.error[0].value
    assert not [button for button in app.button if button.key == "ask_use"]


def test_bands_that_names_do_not_tell_are_asked_for(app, cube, weights_dir):
    """Three files in an order of their own; dropped one after the other they are put together."""
    with fits.open(io.BytesIO(cube)) as file:
        header = file[0].header
        del header["BANDS"]
        planes = dict(zip("gri", file[0].data, strict=True))
    contents = []
    for number, band in enumerate("irg"):
        buffer = io.BytesIO()
        fits.PrimaryHDU(planes[band], header).writeto(buffer)
        contents.append((f"plane{number}.fits", buffer.getvalue()))
    upload(app, *contents[0])
    assert "holds one band only" in app.error[0].value
    upload(app, *contents[1])
    assert "2 files were given" in app.error[0].value
    upload(app, *contents[2])
    assert not app.error
    app.button(key="ask_use").click().run()
    assert app.query_params["bands"] == "irg"  # the guess: galaxies are red
    assert the_result(app).photometry.magnitudes["r"] == pytest.approx(16.0, abs=0.1)


def test_bands_of_one_galaxy_are_not_put_together_with_those_of_the_next(app, cube, weights_dir):
    with fits.open(io.BytesIO(cube)) as file:
        header, planes = file[0].header, file[0].data
        del header["BANDS"]
        contents = []
        for plane in planes:
            buffer = io.BytesIO()
            fits.PrimaryHDU(plane, header).writeto(buffer)
            contents.append(buffer.getvalue())
    upload(app, "first.fits", contents[0])
    assert "holds one band only" in app.error[0].value
    upload(app, "galaxy.fits", cube)  # thought better of
    assert not app.error
    upload(app, "second.fits", contents[1])
    assert "second.fits holds one band only" in app.error[0].value


def test_an_earlier_answer_is_remembered(app, cube, weights_dir):
    upload(app, "galaxy.fits", cube)
    first = the_result(app)
    app.number_input(key="seed").set_value(1).run()
    assert the_result(app) is not first
    app.number_input(key="seed").set_value(0).run()
    assert the_result(app) is first


def test_a_new_galaxy_takes_its_own_options(app, data_dir, monkeypatch):
    """The position of NGC 6978 comes with it; what was stated of the galaxy before goes."""

    def serve(url, **options):
        return str(data_dir / "fits" / f"ngc6976-{url[-len('g.fits.bz2')]}.fits.bz2")

    monkeypatch.setattr(sources, "download_file", serve)
    app.number_input(key="mag_r").set_value(17.0)
    app.number_input(key="draws").set_value(1000).run()
    app.button(key="ngc6978").click().run()
    assert not app.exception
    assert app.number_input(key="ra").value == 313.1478
    assert app.number_input(key="mag_r").value is None
    assert app.number_input(key="draws").value == 1000


def test_without_a_network_the_page_says_what_to_do(app, monkeypatch):
    def fail(url, **options):
        raise TimeoutError

    monkeypatch.setattr(sources, "download_file", fail)
    app.button(key="ngc6978").click().run()
    assert not app.exception
    assert "check the network" in app.error[0].value


def test_photometry_alone_is_enough(app, weights_dir):
    for band, value in zip("ugriz", (18.9, 17.4, 16.8, 16.4, 16.2), strict=True):
        app.number_input(key=f"mag_{band}").set_value(value)
    app.run()
    assert not app.exception
    assert not app.error
    assert said(app, "z = ")
    assert the_result(app).view is None


def test_about_names_method_and_limits():
    at = AppTest.from_string("from galexplorer.ui.pages import about; about.page()").run()
    assert not at.exception
    text = at.markdown[0].value
    for reference in ("2511.12737", "1312.6114", "1906.04032", "astro-ph/0312483"):
        assert reference in text
    assert "## Limits" in text
    assert GLOSSARY["LINER"] in at.markdown[1].value
