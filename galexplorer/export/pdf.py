"""A report as PDF: figures and tables on A4, drawn by matplotlib."""

import io
import re
import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from galexplorer.export.content import (
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
from galexplorer.export.publication import publication_figure
from galexplorer.figures.palette import LIGHT
from galexplorer.figures.sky import colour_figure, reconstruction_figure
from galexplorer.records.result import Result
from galexplorer.science.lines import kpc_per_arcsec
from galexplorer.science.summary import domain_sentence, verdict

PAGE_IN = (8.27, 11.69)
MARGIN_IN = 0.65
_LINE_IN = 0.19
_WIDTH = 92
"""Letters in a line of running text at 9.5 points."""


class _Page:
    """A page that is filled from the top."""

    def __init__(self, title: str) -> None:
        self.figure = Figure(figsize=PAGE_IN, facecolor="white")
        self.y_in = PAGE_IN[1] - MARGIN_IN
        self.write(title, size=14, weight="bold", width=62)

    @property
    def room_in(self) -> float:
        """Height that is left above the bottom margin."""
        return self.y_in - MARGIN_IN

    def write(
        self, words: str, size: float = 9.5, weight: str = "normal", width: int = _WIDTH
    ) -> None:
        """Set a paragraph."""
        for line in textwrap.wrap(words, width) or [""]:
            self.figure.text(
                MARGIN_IN / PAGE_IN[0],
                self.y_in / PAGE_IN[1],
                _verbatim(line),
                va="top",
                fontsize=size,
                fontweight=weight,
                color=LIGHT.text,
            )
            self.y_in -= _LINE_IN * size / 9.5
        self.y_in -= 0.06

    def tabulate(self, grid: Grid, widths: tuple[float, ...]) -> None:
        """Set a table; widths of its columns are shares of the page."""
        full_in = PAGE_IN[0] - 2 * MARGIN_IN
        starts = MARGIN_IN + full_in * np.concatenate([[0], np.cumsum(widths)[:-1]])
        for number, row in enumerate((grid.head, *grid.rows)):
            wrapped = [
                textwrap.wrap(cell, max(8, int(width * 108))) or [""]
                for cell, width in zip(row, widths, strict=True)
            ]
            for start, lines in zip(starts, wrapped, strict=True):
                self.figure.text(
                    start / PAGE_IN[0],
                    self.y_in / PAGE_IN[1],
                    _verbatim("\n".join(lines)),
                    va="top",
                    fontsize=8.2,
                    color=LIGHT.faint if number == 0 else LIGHT.text,
                )
            self.y_in -= 0.155 * max(len(lines) for lines in wrapped) + 0.035
        self.y_in -= 0.12

    def place(self, image: np.ndarray, width_in: float) -> None:
        """Set an image at the left."""
        self.y_in -= self._draw(image, MARGIN_IN, width_in) + 0.15

    def place_row(self, images: Sequence[np.ndarray], labels: Sequence[str]) -> None:
        """Set square pictures side by side across the page, each over its label."""
        step_in = (PAGE_IN[0] - 2 * MARGIN_IN) / len(images)
        side_in = min(step_in - 0.06, 1.2)
        for k, (image, label) in enumerate(zip(images, labels, strict=True)):
            left_in = MARGIN_IN + k * step_in
            self._draw(image, left_in, side_in)
            self.figure.text(
                left_in / PAGE_IN[0],
                (self.y_in - side_in - 0.05) / PAGE_IN[1],
                _verbatim(label),
                va="top",
                fontsize=6.5,
                linespacing=1.25,
                color=LIGHT.text,
            )
        self.y_in -= side_in + 0.4

    def _draw(self, image: np.ndarray, left_in: float, width_in: float) -> float:
        """Draw an image below the last line, and return its height in inches."""
        height_in = width_in * image.shape[0] / image.shape[1]
        axes = self.figure.add_axes(
            (
                left_in / PAGE_IN[0],
                (self.y_in - height_in) / PAGE_IN[1],
                width_in / PAGE_IN[0],
                height_in / PAGE_IN[1],
            )
        )
        axes.imshow(image, interpolation="antialiased")
        axes.set_axis_off()
        return height_in


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
        Pages of A4; figures stay vectors, fonts are embedded.
    """
    figures = [_summary(result, name)]
    drawn = ["corner", "lines"]
    if all(np.isfinite(list(result.bpt.values()))):
        drawn.insert(1, "bpt")
    figures += [publication_figure(result, kind, known=result.known) for kind in drawn]
    if result.view is not None:
        figures.append(reconstruction_figure(result.view))
    figures += _facts(result)
    metadata = {
        "Title": f"galexplorer: {name or verdict(result)}",
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
        for figure in figures:
            file.savefig(figure, facecolor="white")
    return buffer.getvalue()


def _summary(result: Result, name: str) -> Figure:
    page = _Page(verdict(result))
    called = " · ".join(words for words in (name, place_words(result)) if words)
    if called:
        page.write(called)
    page.write(domain_sentence(result))
    page.write(photometry_words(result))
    if result.view is not None:
        redshift = float(np.median(result.posterior.column("redshift")))
        page.place(_rasterise(colour_figure(result.view, float(kpc_per_arcsec(redshift)))), 3.2)
    page.write("Posterior", size=11, weight="bold")
    grid = posterior_grid(result)
    shares = (0.2, 0.1, 0.17, 0.18, *([0.09] if result.known else []), 0.26)
    page.tabulate(grid, shares)
    page.tabulate(line_grid(result), (0.22, 0.4, 0.28))
    page.tabulate(class_grid(result), (0.22, 0.2))
    return page.figure


def _facts(result: Result) -> list[Figure]:
    page = _Page("Derived from the draws")
    page.tabulate(derived_grid(result), (0.3, 0.1, 0.22, 0.2, 0.18))
    if result.neighbours:
        page.write("Nearest neighbours in latent space", size=11, weight="bold")
        # a name breaks at the sign of its declination
        names = [re.sub(r"([+-])", r"\n\1", n.name, count=1) for n in result.neighbours]
        page.place_row([neighbour.thumbnail for neighbour in result.neighbours], names)
        page.write("Images: autoencoder reconstructions from stored latents, not observations.")
        page.tabulate(neighbour_grid(result), (0.28, 0.1, 0.12, 0.12, 0.08, 0.1, 0.1, 0.1))
    if result.notes:
        page.write("Notes", size=11, weight="bold")
        for note in result.notes:
            page.write(note)
    pages = [page]
    lines = provenance_lines(result)
    if page.room_in < 0.25 * len(lines) + 1:
        pages.append(_Page("Provenance"))
    else:
        page.write("Provenance", size=11, weight="bold")
    pages[-1].tabulate(Grid(("What", "Value"), tuple(lines)), (0.24, 0.76))
    pages[-1].write("How to cite", size=11, weight="bold")
    pages[-1].write(CITATION)
    return [page.figure for page in pages]


def _rasterise(figure: Figure) -> np.ndarray:
    """Return a figure's pixels, shape (h, w, 4), uint8."""
    figure.set_dpi(220)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def _verbatim(words: str) -> str:
    """Keep a dollar sign from being read as mathematics."""
    return words.replace("$", r"\$")
