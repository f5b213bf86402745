"""The reports: one file that holds everything and asks for nothing."""

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from galexplorer.export import pdf
from galexplorer.export.files import result_bytes
from galexplorer.records.posterior import Posterior
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.bpt import class_probabilities
from galexplorer.science.derived import derive
from galexplorer.science.summary import BPT_LABELS, describe_galaxy

LOADING = {"script", "iframe", "link", "object", "embed", "video", "audio", "base", "form"}


class Page(HTMLParser):
    """Tags, attributes and words of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture
def result(result):
    """Also one bright line and one too faint to be seen."""
    draws = result.posterior.draws.copy()
    draws[:, 5] += 2
    draws[:, 8] -= 2
    return replace(result, posterior=Posterior(draws, result.posterior.fixed))


@pytest.fixture
def page(result):
    return Page(result_bytes(result, "html", "NGC 5332"))


def test_html_asks_for_nothing(page, result):
    assert not LOADING & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    content = result_bytes(result, "html").decode()
    style = content[content.index("<style>") : content.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in content


def test_html_holds_everything(page, result):
    for words in (
        describe_galaxy(result), "NGC 5332", *result.notes, *result.origins.values(), "ab" * 32,
        "arXiv:2511.12737", "g = 15.10, r = 14.50", "RA 162.10000°, Dec −26.00000°",
        *(target.label for target in TARGETS), *(BPT_LABELS[name] for name in BPT_CLASSES),
        *(quantity.label for quantity in derive(result.posterior, 8.0)),
        result.neighbours[0].name, "measured-like", "upper limit",
    ):  # fmt: skip
        assert words in page.text, words


def test_every_image_is_whole_and_described(page, result):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    # colour, corner, BPT, lines, reconstruction, one neighbour
    assert len(images) == 6
    assert all(image["alt"] for image in images)
    for image in images:
        kind, _, data = image["src"].partition(";base64,")
        content = base64.b64decode(data, validate=True)
        if kind == "data:image/png":
            assert Image.open(io.BytesIO(content)).width >= 64
        else:
            assert b"<svg" in content


def test_a_hostile_name_stays_words(result):
    evil = "<script>alert(1)</script>\"'&"
    page = Page(result_bytes(replace(result, notes=(evil,), origins={evil: evil}), "html", evil))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count("<script>alert(1)</script>") >= 3


def test_reports_do_without_image_neighbours_and_lines(result):
    bare = replace(
        result, view=None, neighbours=(), notes=(), origins={}, known={}, provenance={},
        bpt=class_probabilities(np.full((10, 9), np.nan)),
    )  # fmt: skip
    page = Page(result_bytes(bare, "html"))
    assert "BPT diagram" not in page.text
    assert "Nearest neighbours" not in page.text
    assert result_bytes(bare, "pdf").startswith(b"%PDF")


def test_pdf_holds_everything(result):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    reader = pypdf.PdfReader(io.BytesIO(result_bytes(result, "pdf", "NGC 5332 $x$")))
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for words in (
        "Posterior", "Derived from the draws", "Nearest neighbours", result.neighbours[0].name,
        "NGC 5332 $x$", "ab" * 32, "arXiv:2511.12737", "SDSS DR17 model magnitudes",
        *(target.label.split()[0] for target in TARGETS),
    ):  # fmt: skip
        assert words in text, words
    assert "ab" * 32 in reader.metadata.subject
    assert len({tuple(page.mediabox) for page in reader.pages}) == 1  # of one size, and numbered
    for number, page in enumerate(reader.pages, start=1):
        assert f"page {number} of {len(reader.pages)}" in page.extract_text()
    assert "Contours hold 68% and 95% of the draws" in text
    alone = result_bytes(replace(result, neighbours=()), "pdf")
    more = pictures(reader) - pictures(pypdf.PdfReader(io.BytesIO(alone)))
    assert more == len(result.neighbours) > 0


def pictures(reader) -> int:
    """Return how many images a PDF holds; its pages share the list of them."""
    return len(reader.pages[0].images)


def test_many_notes_go_on_on_other_pages(result):
    notes = tuple(f"Note {k}: {'what was assumed of it, ' * 12}and why." for k in range(40))
    pages = pdf._facts(replace(result, notes=notes))
    assert len(pages) > 2
    assert all(page.room_in > 0 for page in pages)
