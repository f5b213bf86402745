import io

import matplotlib
import pytest
from matplotlib.figure import Figure
from PIL import Image

from galexplorer.errors import OptionError
from galexplorer.export.figures import figure_bytes


@pytest.fixture
def figure():
    figure = Figure(figsize=(2, 1), facecolor="none")
    figure.add_subplot().set_xlabel(r"$\log M_\star$ [$M_\odot$]")
    return figure


def test_png_has_the_size_asked_for(figure):
    image = Image.open(io.BytesIO(figure_bytes(figure, "png", dpi=150)))
    assert image.size == (300, 150)


def test_background_is_white_unless_transparent(figure):
    white, clear = (
        Image.open(io.BytesIO(figure_bytes(figure, transparent=t))).convert("RGBA")
        for t in (False, True)
    )
    assert white.getpixel((0, 0)) == (255, 255, 255, 255)
    assert clear.getpixel((0, 0))[3] == 0


def test_pdf_embeds_truetype_fonts(figure):
    content = figure_bytes(figure, "pdf")
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_svg_needs_no_fonts(figure):
    content = figure_bytes(figure, "svg").decode()
    assert "<svg" in content
    assert "<text" not in content
    assert "http" not in content.split("<defs>")[1].replace("http://www.w3.org", "")


@pytest.mark.parametrize("format", ["png", "pdf", "svg"])
def test_same_figure_same_bytes(figure, format):
    assert figure_bytes(figure, format) == figure_bytes(figure, format)


def test_global_settings_are_left_alone(figure):
    before = matplotlib.rcParams["pdf.fonttype"]
    figure_bytes(figure, "pdf")
    assert matplotlib.rcParams["pdf.fonttype"] == before


def test_unknown_formats_are_refused(figure):
    with pytest.raises(OptionError, match="Unknown format 'gif'"):
        figure_bytes(figure, "gif")
