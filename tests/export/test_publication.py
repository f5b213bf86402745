"""Figures for print: their size, their letters, what is in their files."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from galexplorer.errors import OptionError
from galexplorer.export.publication import FIGURES, SIZES, publication_bytes, publication_figure
from galexplorer.records.posterior import Posterior

SMALLEST_PT = 6.0


@pytest.fixture
def free(result, rng):
    """The result with nothing held fixed."""
    draws = rng.normal(1.0, 0.1, (400, 9)).astype(np.float32)
    return replace(result, posterior=Posterior(draws))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", FIGURES)
def test_figures_are_as_wide_as_they_say_and_legible(free, kind, size):
    figure = publication_figure(free, kind, size, free.known)
    assert figure.get_figwidth() == pytest.approx(
        {"single": 3.5, "double": 7.1, "poster": 14.2}[size]
    )
    figure.canvas.draw()
    letters = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    assert min(text.get_fontsize() for text in letters) >= SMALLEST_PT


@pytest.mark.parametrize("size", ["single", "double"])  # a poster is a double column, magnified
def test_no_letter_of_a_corner_plot_is_cut_or_covered(free, size):
    figure = publication_figure(free, "corner", size)
    figure.canvas.draw()
    outer = figure.bbox
    titles, labels = [], []
    for axes in figure.axes:
        words = [axes.title, axes.xaxis.label, axes.yaxis.label]
        boxes = [t.get_window_extent() for t in words if t.get_text() and t.get_visible()]
        assert all(
            outer.x0 <= box.x0 and box.x1 <= outer.x1 and outer.y0 <= box.y0 and box.y1 <= outer.y1
            for box in boxes
        )
        ticks = [
            t.get_window_extent()
            for axis in (axes.xaxis, axes.yaxis)
            for t in axis.get_ticklabels()
            if t.get_visible() and t.get_text()
        ]
        labels += ticks
        if axes.title.get_text():
            titles.append(axes.title.get_window_extent())
    for boxes in (titles, labels):
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[k + 1 :])


@pytest.mark.parametrize("kind", FIGURES)
def test_files_say_where_they_come_from(result, kind):
    name = "NGC 5332"
    png = Image.open(io.BytesIO(publication_bytes(result, kind, "png", "single", name=name)))
    assert png.width == 3.5 * 300
    assert "ab" * 32 in png.text["Description"]
    assert png.text["Title"].endswith("of NGC 5332")
    svg = ElementTree.fromstring(publication_bytes(result, kind, "svg", "single", name=name))
    words = " ".join(svg.itertext())
    assert "arXiv:2511.12737" in words
    assert "SDSS DR17 model magnitudes" in words
    assert not svg.findall(".//{http://www.w3.org/2000/svg}text")  # letters are outlines


@pytest.mark.parametrize("kind", FIGURES)
def test_pdf_holds_its_fonts(result, kind):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    reader = pypdf.PdfReader(io.BytesIO(publication_bytes(result, kind, "pdf", "double")))
    page = reader.pages[0]
    assert page.mediabox.width == pytest.approx(7.1 * 72, abs=0.1)
    assert "ab" * 32 in reader.metadata.subject
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        assert font["/Subtype"] == "/Type0"
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in descriptor


@pytest.mark.parametrize("format", ["png", "pdf", "svg"])
def test_same_result_same_bytes(result, format):
    first, second = (publication_bytes(result, "bpt", format, "single") for _ in range(2))
    assert first == second


def test_what_cannot_be_drawn_is_said(result):
    with pytest.raises(OptionError, match=r"no figure 'map' of size 'double': choose one of"):
        publication_figure(result, "map")
    draws = result.posterior.draws.copy()
    draws[:, 5:] = np.nan
    blank = replace(result, posterior=Posterior(draws))
    with pytest.raises(OptionError, match="cannot be drawn: no draw has finite line ratios"):
        publication_figure(blank, "bpt")
