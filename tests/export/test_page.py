"""One galaxy on one page: what it holds, that it stays one page, and that nothing is cut."""

import io
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from galexplorer.errors import OptionError
from galexplorer.export import page as pages
from galexplorer.export.page import DPI, LONGEST_NAME, page_bytes, write_page
from galexplorer.export.sheet import MARGIN_IN
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain
from galexplorer.schema import TARGETS
from galexplorer.science.bpt import class_probabilities
from galexplorer.science.summary import describe_galaxy

A4_PT = (595.3, 841.9)


@pytest.fixture
def result(result, rng):
    """Draws of an ordinary galaxy, nothing held fixed."""
    middle = np.array([0.05, 10.4, 0.2, 8.9, 7.0, 2.5, 2.0, 2.2, 1.7])
    draws = middle + 0.2 * rng.standard_normal((300, 9)) * np.array([0.05, *8 * [1.0]])
    return replace(result, posterior=Posterior(draws.astype(np.float32)))


@pytest.fixture
def bare(result):
    return replace(result, view=None, notes=(), known={}, origins={}, provenance={})


def words_of(content: bytes) -> str:
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    (page,) = pypdf.PdfReader(io.BytesIO(content)).pages
    assert (page.mediabox.width, page.mediabox.height) == pytest.approx(A4_PT, abs=0.5)
    return " ".join(page.extract_text().split())


def test_the_page_holds_what_is_promised(result):
    text = words_of(page_bytes(result, "pdf", "NGC 5332"))
    summary = result.posterior.summary()["log_stellar_mass"]
    for words in (
        "NGC 5332",
        describe_galaxy(result).partition(" at ")[0],
        "It resembles the training galaxies.",
        "RA 162.10000°",
        f"{summary['p16']:.2f} to {summary['p84']:.2f}",
        *(target.label for target in TARGETS),
        "log 10⁻¹⁷ erg s⁻¹ cm⁻²",
        "Kauffmann 2003",
        "Orange: known values.",
        *result.notes,
        f"weights {6 * 'ab'}",
        "SDSS DR17 model magnitudes",
        "arXiv:2511.12737",
    ):
        assert words in text, words


def test_files_carry_their_provenance(result, tmp_path):
    png = Image.open(io.BytesIO(page_bytes(result, "png", "NGC 5332")))
    assert png.size == (round(8.27 * DPI), round(11.69 * DPI))
    assert "ab" * 32 in png.text["Description"]
    assert png.text["Title"] == "galexplorer: NGC 5332"
    svg = ElementTree.fromstring(page_bytes(result, "svg", "NGC 5332"))
    assert "arXiv:2511.12737" in " ".join(svg.itertext())
    for suffix in ("pdf", "png", "svg"):
        path = tmp_path / f"page.{suffix}"
        write_page(result, path, name="NGC 5332")
        assert path.read_bytes() == page_bytes(result, suffix, "NGC 5332")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("view", [True, False])
@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_nothing_is_cut_and_no_words_meet(result, view, fixed, known):
    draws = result.posterior.draws.copy()
    if fixed:
        draws[:, 0] = 0.05
    shown = replace(
        result,
        view=result.view if view else None,
        known=result.known if known else {},
        posterior=Posterior(draws, ("redshift",) if fixed else ()),
        domain=Domain(False, 99.9, ("Its colours are unlike those of any training galaxy.",)),
        notes=tuple(12 * ["A note that takes more than one line: " + 20 * "word "]),
    )
    figure = pages._sheet(shown, LONGEST_NAME * "W").figure
    FigureCanvasAgg(figure).draw()
    boxes = {
        text: text.get_window_extent()
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip()
    }
    for text, box in boxes.items():
        inside = figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert inside, text
        if text in figure.texts:  # drawn letters are rounded to pixels, at this resolution by 5%
            assert box.x1 <= figure.bbox.x1 - 0.5 * MARGIN_IN * figure.dpi, text
        assert figure.bbox.y0 <= box.y0, text
        assert box.y1 <= figure.bbox.y1, text
    own = set(figure.texts)
    for first, second in combinations(boxes, 2):
        if first in own or second in own:  # those within a figure are tested with it
            assert not boxes[first].shrunk(0.96, 0.8).overlaps(boxes[second]), (first, second)
    assert any("more of the notes are in the report" in text.get_text() for text in own)


def test_a_value_that_cannot_be_measured_is_not_drawn_either(result):
    unmeasured = replace(result, measurable={"gas_metallicity": 0.1})
    for shown, panels in ((result, 5), (unmeasured, 4)):
        corner = pages._sheet(shown, "").figure.subfigs[0]
        assert len(corner.axes) == panels**2


def test_a_page_of_little(bare):
    text = words_of(page_bytes(bare, "pdf"))
    assert "Orange" not in text
    assert "No image" not in text
    without_lines = replace(bare, bpt=class_probabilities(np.full((10, 9), np.nan)))
    assert "Kauffmann" in text
    assert "Kauffmann" not in words_of(page_bytes(without_lines, "pdf"))


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("a $x$ & <b>", "a $x$ & <b>"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x01\ud800銀河", 4 * "\N{REPLACEMENT CHARACTER}"),
        (500 * "long ", ("long " * 12)[:59] + "…"),
    ],
)
def test_any_name_can_be_printed(bare, name, printed):
    assert printed in words_of(page_bytes(bare, "pdf", name))
    ElementTree.fromstring(page_bytes(bare, "svg", name))


def test_another_suffix_is_refused_and_a_failure_leaves_the_old_file(result, tmp_path):
    with pytest.raises(OptionError, match=r"page.gif cannot be a page: end it in one of .png"):
        write_page(result, tmp_path / "page.gif")
    old = tmp_path / "page.pdf"
    old.write_bytes(b"of before")
    lines = np.full_like(result.posterior.draws, np.nan)
    with pytest.raises(ValueError, match="every target is fixed"):
        write_page(replace(result, posterior=Posterior(lines)), old)
    assert old.read_bytes() == b"of before"
    with pytest.raises(OptionError, match=r"Cannot write .*No such file"):
        write_page(result, tmp_path / "none" / "page.pdf")
