"""One galaxy on one page: what it is, how sure that is, and the figures that show it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import SubFigure

from galexplorer.errors import OptionError
from galexplorer.export.content import (
    CAPTIONS,
    photometry_words,
    place_words,
    posterior_grid,
)
from galexplorer.export.figures import FIGURE_FORMATS, figure_bytes
from galexplorer.export.files import replace_file
from galexplorer.export.provenance import describe_provenance, provenance_sentence
from galexplorer.export.publication import Size, fit_corner, scale_text
from galexplorer.export.sheet import MARGIN_IN, PAGE_IN, WIDTH_IN, Sheet, printable, rasterise
from galexplorer.figures.bpt_static import draw_bpt
from galexplorer.figures.corner import draw_corner
from galexplorer.figures.lines_static import draw_lines
from galexplorer.figures.palette import LIGHT, TRUTH
from galexplorer.figures.sky import colour_figure
from galexplorer.records.result import Result
from galexplorer.records.verdict import FINE
from galexplorer.schema import PROPERTY_NAMES
from galexplorer.science.summary import (
    describe_galaxy,
    picture_scale,
    shown_targets,
    verdict_sentences,
)

DPI = 200
"""Dots per inch of a page as PNG: 1654 by 2338 pixels."""

LONGEST_NAME = 60
"""Letters of a name that are printed."""

_GAP_IN = 0.25
_RIGHT_IN = 2.3
_LEFT_IN = WIDTH_IN - _GAP_IN - _RIGHT_IN
_BESIDE_IN = PAGE_IN[0] - MARGIN_IN - _RIGHT_IN
_CORNER = Size("Corner plot of a page", _LEFT_IN, 7.0, 6.0, 0.75)
_SMALL = Size("Small figure of a page", _RIGHT_IN, 6.5, 6.0, 0.75)
_HIGHEST_BPT_IN = 3.2
_FOOT_IN = 0.5
"""Height of the last lines, which say what made the page."""

_TEXT_PT = 8.2
_NOTE_PT = 7.0


def page_bytes(result: Result, format: str, name: str = "") -> bytes:
    """Return one galaxy on one page of A4.

    Parameters
    ----------
    result : Result
    format : {"pdf", "png", "svg"}
        PNG has 200 dots per inch.
    name : str
        Of the galaxy.

    Returns
    -------
    bytes
        Equal for equal results; the file's metadata carry provenance and citation.

    Raises
    ------
    OptionError
        If the format is unknown.
    """
    name = _shorten(name)
    return figure_bytes(
        _sheet(result, name).figure,
        format,
        dpi=DPI,
        font_type=3,
        title=f"galexplorer: {name or describe_galaxy(result)}",
        description=printable(describe_provenance(result)),
    )


def write_page(result: Result, path: str | Path, format: str | None = None, name: str = "") -> None:
    """Write one galaxy on one page, replacing a file only once the new one is whole.

    Parameters
    ----------
    result : Result
    path : str or Path
    format : {"pdf", "png", "svg"}, optional
        Told by the file's suffix if not given.
    name : str
        Of the galaxy.

    Raises
    ------
    OptionError
        If neither the suffix nor `format` is one of the formats, or the file cannot be written.
    """
    path = Path(path)
    format = format or path.suffix.lower().removeprefix(".")
    if format not in FIGURE_FORMATS:
        suffixes = ", ".join(f".{known}" for known in FIGURE_FORMATS)
        raise OptionError(f"{path} cannot be a page: end it in one of {suffixes}.")
    replace_file(path, page_bytes(result, format, name))


def _sheet(result: Result, name: str) -> Sheet:
    page = Sheet()
    place = place_words(result)
    if name:
        page.write(name, size=15, weight="bold")
    page.write(describe_galaxy(result), size=10.5, weight="normal" if name else "bold")
    if place:
        page.write(place, size=_TEXT_PT, colour=LIGHT.faint)
    colour = LIGHT.text if result.verdict.level == FINE else TRUTH
    for words in verdict_sentences(result):
        page.write(words, size=_TEXT_PT, colour=colour)
    page.write(photometry_words(result), size=_TEXT_PT)
    page.y_in -= 0.12
    top_in = page.y_in
    _set_values(page, result)
    _set_beside(page, result, top_in, page.y_in)
    page.y_in -= 0.1
    known = " Orange: known values." if result.known else ""
    if result.verdict.usable:
        page.write(f"{CAPTIONS['corner']} {CAPTIONS['lines']}{known}", size=_NOTE_PT)
    for number, note in enumerate(result.notes):
        left = f"{len(result.notes) - number} more of the notes are in the report."
        needed_in = page.height_in(note, _NOTE_PT) + page.height_in(left, _NOTE_PT)
        if page.room_in - needed_in < _FOOT_IN:
            page.write(left, size=_NOTE_PT)
            break
        page.write(note, size=_NOTE_PT)
    page.y_in = MARGIN_IN + _FOOT_IN - 0.1
    page.write(provenance_sentence(result), size=6.5, colour=LIGHT.faint)
    return page


def _set_values(page: Sheet, result: Result) -> None:
    """Set the table of targets, and below it the corner plot, in the left column."""
    shares = (0.27, 0.12, 0.2, 0.1, 0.31) if result.known else (0.29, 0.14, 0.25, 0.32)
    grid = posterior_grid(result).without("95%")
    page.tabulate(grid, shares, _LEFT_IN, size=7.4, faded=not result.verdict.usable)
    if not result.verdict.usable:
        return
    shown = shown_targets(result, PROPERTY_NAMES)
    corner = page.part(MARGIN_IN, page.y_in, _LEFT_IN, page.room_in)
    draw_corner(corner, result.posterior, shown, result.known)
    page.y_in -= fit_corner(corner, _CORNER)


def _set_beside(page: Sheet, result: Result, top_in: float, bottom_in: float) -> None:
    """Set picture, BPT diagram and lines below each other in the right column."""
    if result.view is not None:
        picture = rasterise(colour_figure(result.view, picture_scale(result)))
        top_in -= page.draw(picture, _BESIDE_IN, top_in, _RIGHT_IN) + 0.15
        page.y_in = min(page.y_in, top_in) if not result.verdict.usable else page.y_in
    if not result.verdict.usable:
        return
    if all(np.isfinite(list(result.bpt.values()))):
        height_in = min(0.62 * (top_in - bottom_in), _HIGHEST_BPT_IN)
        part = page.part(_BESIDE_IN, top_in, _RIGHT_IN, height_in)
        _frame(part, left_in=0.38, bottom_in=0.7)
        axes = part.add_subplot()
        draw_bpt(axes, result.posterior, result.bpt)
        for label in axes.texts:
            label.set_text("\n".join(label.get_text().rsplit(" ", 1)))
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 0), bbox_transform=part.transSubfigure, ncols=2,
            frameon=False, fontsize=_SMALL.tick_pt, labelspacing=0.3, borderaxespad=0,
        )  # fmt: skip
        scale_text(part, _SMALL)
        top_in -= height_in + 0.05
    part = page.part(_BESIDE_IN, top_in, _RIGHT_IN, top_in - bottom_in)
    _frame(part, left_in=0.58, bottom_in=0.38)
    draw_lines(part.add_subplot(), result.posterior, result.known)
    scale_text(part, _SMALL)


def _frame(part: SubFigure, left_in: float, bottom_in: float) -> None:
    """Leave room for the labels of a part's axes."""
    width_in, height_in = part.bbox.width / part.dpi, part.bbox.height / part.dpi
    part.subplots_adjust(
        left=left_in / width_in, right=0.99, bottom=bottom_in / height_in, top=0.99
    )


def _shorten(name: str) -> str:
    name = printable(" ".join(name.split()))
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
