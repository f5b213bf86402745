"""A report as PDF: figures and tables on A4, drawn by matplotlib."""

import io
import re

import matplotlib
import numpy as np
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
from galexplorer.export.sheet import Sheet, rasterise
from galexplorer.figures.sky import colour_figure, reconstruction_figure
from galexplorer.records.result import Result
from galexplorer.science.lines import kpc_per_arcsec
from galexplorer.science.summary import describe_galaxy, verdict_sentences


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
    drawn = ["corner", "lines"] if result.verdict.usable else []
    if drawn and all(np.isfinite(list(result.bpt.values()))):
        drawn.insert(1, "bpt")
    figures += [publication_figure(result, kind, known=result.known) for kind in drawn]
    if result.view is not None:
        figures.append(reconstruction_figure(result.view))
    figures += _facts(result)
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
        for figure in figures:
            file.savefig(figure, facecolor="white")
    return buffer.getvalue()


def _titled(title: str) -> Sheet:
    page = Sheet()
    page.write(title, size=14, weight="bold")
    return page


def _summary(result: Result, name: str) -> Figure:
    page = _titled(describe_galaxy(result))
    called = " · ".join(words for words in (name, place_words(result)) if words)
    if called:
        page.write(called)
    for words in verdict_sentences(result):
        page.write(words)
    page.write(photometry_words(result))
    if result.view is not None:
        redshift = float(np.median(result.posterior.column("redshift")))
        page.place(rasterise(colour_figure(result.view, float(kpc_per_arcsec(redshift)))), 3.2)
    page.write("Posterior", size=11, weight="bold")
    grid = posterior_grid(result)
    shares = (0.2, 0.1, 0.17, 0.18, *([0.09] if result.known else []), 0.26)
    faded = not result.verdict.usable
    page.tabulate(grid, shares, faded=faded)
    page.tabulate(line_grid(result), (0.22, 0.4, 0.28), faded=faded)
    page.tabulate(class_grid(result), (0.22, 0.2), faded=faded)
    return page.figure


def _facts(result: Result) -> list[Figure]:
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
    if result.notes:
        page.write("Notes", size=11, weight="bold")
        for note in result.notes:
            page.write(note)
    pages = [page]
    lines = provenance_lines(result)
    if page.room_in < 0.25 * len(lines) + 1:
        pages.append(_titled("Provenance"))
    else:
        page.write("Provenance", size=11, weight="bold")
    pages[-1].tabulate(Grid(("What", "Value"), tuple(lines)), (0.24, 0.76))
    pages[-1].write("How to cite", size=11, weight="bold")
    pages[-1].write(CITATION)
    return [page.figure for page in pages]
