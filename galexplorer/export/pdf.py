"""A report as PDF: figures and tables on A4, drawn by matplotlib."""

import io
import re

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages

from galexplorer.export.content import (
    CAPTIONS,
    Grid,
    class_grid,
    derived_grid,
    line_grid,
    neighbour_grid,
    photometry_words,
    place_words,
    posterior_grid,
)
from galexplorer.export.figures import SETTINGS, settings_lock
from galexplorer.export.provenance import CITATION, describe_provenance, provenance_lines
from galexplorer.export.publication import FIGURES, Size, fit_corner
from galexplorer.export.sheet import MARGIN_IN, PAGE_IN, WIDTH_IN, Sheet, rasterise, verbatim
from galexplorer.figures.bpt_static import draw_bpt
from galexplorer.figures.corner import draw_corner
from galexplorer.figures.lines_static import draw_lines
from galexplorer.figures.palette import LIGHT
from galexplorer.figures.sky import colour_figure, reconstruction_figure
from galexplorer.records.result import Result
from galexplorer.schema import PROPERTY_NAMES
from galexplorer.science.summary import (
    describe_galaxy,
    picture_scale,
    shown_targets,
    verdict_sentences,
)

_WHOLE = Size("Figure of a whole page", WIDTH_IN, 9.0, 8.0, 1.0)
_CAPTION_IN = 0.6
_NOTE_PT = 8.0


def pdf_report(result: Result, name: str = "") -> bytes:
    """Return everything that is known about one galaxy as a PDF.

    Parameters
    ----------
    result : Result
    name : str
        Of the galaxy.

    Returns
    -------
    bytes
        Numbered pages of A4; figures stay vectors under their captions, fonts are embedded.
    """
    pages = [_summary(result, name)]
    if result.verdict.usable:
        pages += [_corner(result), _lines(result)]
    pages += _facts(result)
    for number, page in enumerate(pages, start=1):
        foot = f"{name or 'galexplorer'} · page {number} of {len(pages)}"
        page.figure.text(
            0.5, 0.5 * MARGIN_IN / PAGE_IN[1], verbatim(foot), ha="center", fontsize=7,
            color=LIGHT.faint,
        )  # fmt: skip
    metadata = {
        "Title": f"galexplorer: {name or describe_galaxy(result)}",
        "Subject": describe_provenance(result),
        "Creator": "galexplorer",
        "CreationDate": None,
    }
    buffer = io.BytesIO()
    with (
        settings_lock,
        matplotlib.rc_context(SETTINGS),
        PdfPages(buffer, metadata=metadata) as file,
    ):
        for page in pages:
            file.savefig(page.figure, facecolor="white")
    return buffer.getvalue()


def _titled(title: str) -> Sheet:
    page = Sheet()
    page.write(title, size=14, weight="bold")
    return page


def _summary(result: Result, name: str) -> Sheet:
    page = _titled(describe_galaxy(result))
    called = " · ".join(words for words in (name, place_words(result)) if words)
    if called:
        page.write(called)
    for words in verdict_sentences(result):
        page.write(words)
    page.write(photometry_words(result))
    if result.view is not None:
        page.place(rasterise(colour_figure(result.view, picture_scale(result))), 3.2)
    page.write("Posterior", size=11, weight="bold")
    grid = posterior_grid(result)
    shares = (0.2, 0.1, 0.17, 0.18, *([0.09] if result.known else []), 0.26)
    faded = not result.verdict.usable
    page.tabulate(grid, shares, faded=faded)
    page.tabulate(line_grid(result), (0.22, 0.4, 0.28), faded=faded)
    page.tabulate(class_grid(result), (0.22, 0.2), faded=faded)
    return page


def _corner(result: Result) -> Sheet:
    page = _titled(FIGURES["corner"])
    part = page.part(MARGIN_IN, page.y_in, WIDTH_IN, page.room_in - _CAPTION_IN)
    draw_corner(part, result.posterior, shown_targets(result, PROPERTY_NAMES), result.known)
    page.y_in -= fit_corner(part, _WHOLE) + 0.15
    known = " Orange: known values." if result.known else ""
    page.write(f"{CAPTIONS['corner']}{known}", size=_NOTE_PT)
    return page


def _lines(result: Result) -> Sheet:
    """Set BPT diagram, lines and reconstruction below each other."""
    page = _titled(FIGURES["lines"])
    if all(np.isfinite(list(result.bpt.values()))):
        axes = _axes(page, 4.0, 0.8 * WIDTH_IN)
        draw_bpt(axes, result.posterior, result.bpt)
        axes.legend(frameon=False, fontsize=_WHOLE.tick_pt, loc="lower left")
        page.write(CAPTIONS["bpt"], size=_NOTE_PT)
    draw_lines(_axes(page, 2.3, WIDTH_IN), result.posterior, result.known)
    known = " Orange: known values." if result.known else ""
    page.write(f"{CAPTIONS['lines']}{known}", size=_NOTE_PT)
    if result.view is not None:
        page.place(rasterise(reconstruction_figure(result.view)), 0.75 * WIDTH_IN)
        page.write("What the model was given, its reconstruction, the residual.", size=_NOTE_PT)
    return page


def _axes(page: Sheet, height_in: float, width_in: float) -> Axes:
    """Return axes of a part of the page that is so high and wide, below what is there."""
    part = page.part(MARGIN_IN, page.y_in, width_in, height_in)
    part.subplots_adjust(
        left=0.9 / width_in, right=0.99, bottom=0.55 / height_in, top=1 - 0.05 / height_in
    )
    page.y_in -= height_in + 0.05
    return part.add_subplot()


def _facts(result: Result) -> list[Sheet]:
    page = _titled("Derived from the draws")
    faded = not result.verdict.usable
    page.tabulate(derived_grid(result), (0.3, 0.1, 0.22, 0.2, 0.18), faded=faded)
    if result.neighbours:
        page.write("Nearest neighbours in latent space", size=11, weight="bold")
        # a name breaks at the sign of its declination
        names = [re.sub(r"([+-])", r"\n\1", n.name, count=1) for n in result.neighbours]
        page.place_row([neighbour.thumbnail for neighbour in result.neighbours], names)
        page.write("Images: autoencoder reconstructions from stored latents, not observations.")
        page.tabulate(neighbour_grid(result), (0.28, 0.1, 0.12, 0.12, 0.08, 0.1, 0.1, 0.1))
    pages = [page]
    if result.notes:
        page.write("Notes", size=11, weight="bold")
        for note in result.notes:
            if pages[-1].room_in < Sheet.height_in(note):
                pages.append(_titled("Notes"))
            pages[-1].write(note)
    lines = provenance_lines(result)
    if pages[-1].room_in < 0.25 * len(lines) + 1:
        pages.append(_titled("Provenance"))
    else:
        pages[-1].write("Provenance", size=11, weight="bold")
    pages[-1].tabulate(Grid(("What", "Value"), tuple(lines)), (0.24, 0.76))
    pages[-1].write("How to cite", size=11, weight="bold")
    pages[-1].write(CITATION)
    return pages
