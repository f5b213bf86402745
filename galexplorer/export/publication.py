"""Figures for print: corner, BPT and lines at the width of a column, a page or a poster."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from galexplorer.errors import OptionError
from galexplorer.export.figures import figure_bytes
from galexplorer.export.provenance import describe_provenance
from galexplorer.figures.bpt_static import bpt_static_figure
from galexplorer.figures.lines_static import lines_static_figure
from galexplorer.records.result import Result
from galexplorer.records.verdict import DO_NOT_USE, LEVEL_WORDS
from galexplorer.schema import PROPERTY_NAMES
from galexplorer.science.summary import shown_targets

FIGURES = {"corner": "Corner plot", "bpt": "BPT diagram", "lines": "Predicted emission lines"}


@dataclass(frozen=True)
class Size:
    """Width of a figure, and how large its letters are in it.

    Attributes
    ----------
    label : str
        Words for a person.
    width_in : float
        Inches.
    text_pt, tick_pt : float
        Points, of labels and titles, and of the numbers at ticks.
    line : float
        Factor of all line widths.
    """

    label: str
    width_in: float
    text_pt: float
    tick_pt: float
    line: float


SIZES = {
    "single": Size("Single column, 3.5 in", 3.5, 7.0, 6.0, 0.75),
    "double": Size("Double column, 7.1 in", 7.1, 9.0, 7.5, 1.0),
    "poster": Size("Poster, 14.2 in", 14.2, 18.0, 15.0, 2.0),
}

_NARROW_LETTERS = 9
"""Heights of a letter below which a panel of a corner plot has its unit on a second line, and
its value alone above."""

_GAP = 0.08
"""Space between the panels of a corner plot, in panels."""


def publication_figure(
    result: Result,
    kind: str,
    size: str = "double",
    known: Mapping[str, float] | None = None,
    names: Sequence[str] = PROPERTY_NAMES,
) -> Figure:
    """Draw a figure at its printed size, on white.

    Parameters
    ----------
    result : Result
    kind : {"corner", "bpt", "lines"}
    size : {"single", "double", "poster"}
    known : mapping of str to float, optional
        Known values by target, marked in corner plot and lines.
    names : sequence of str
        Targets of the corner plot.

    Returns
    -------
    matplotlib.figure.Figure
        As wide as the size says; no letter is smaller than 6 points.

    Raises
    ------
    OptionError
        If there is no such figure or size, or nothing in it to draw.
    """
    if kind not in FIGURES or size not in SIZES:
        raise OptionError(
            f"There is no figure {kind!r} of size {size!r}: choose one of {', '.join(FIGURES)}, "
            f"and {', '.join(SIZES)}."
        )
    to = SIZES[size]
    try:
        figure = _draw(result, kind, to, known, names)
    except ValueError as error:
        raise OptionError(f"The figure {kind!r} cannot be drawn: {error}.") from error
    if not result.verdict.usable:
        figure.text(
            0.5, 0.5, LEVEL_WORDS[DO_NOT_USE], fontsize=3 * to.text_pt, color="0.5", alpha=0.5,
            ha="center", va="center", rotation=30, zorder=100,
        )  # fmt: skip
    return figure


def _draw(
    result: Result, kind: str, to: Size, known: Mapping[str, float] | None, names: Sequence[str]
) -> Figure:
    if kind == "corner":
        from galexplorer.figures.corner import corner_figure  # it takes seconds to load

        figure = corner_figure(result.posterior, shown_targets(result, names), known)
        fit_corner(figure, to)
        return figure
    figure = (
        bpt_static_figure(result.posterior, result.bpt)
        if kind == "bpt"
        else lines_static_figure(result.posterior, known)
    )
    width, height = figure.get_size_inches()
    figure.set_size_inches(to.width_in, to.width_in * height / width)
    scale_text(figure, to)
    return figure


def publication_bytes(
    result: Result,
    kind: str,
    format: str,
    size: str = "double",
    known: Mapping[str, float] | None = None,
    name: str = "",
) -> bytes:
    """Return a figure for print as the content of a file that carries its provenance.

    Parameters
    ----------
    result : Result
    kind, size, known
        As of `publication_figure`.
    format : {"png", "pdf", "svg"}
        PNG has 300 dots per inch.
    name : str
        Of the galaxy, for the file's title.

    Returns
    -------
    bytes

    Raises
    ------
    OptionError
        If there is no such figure, size or format.
    """
    figure = publication_figure(result, kind, size, known)
    title = f"{FIGURES[kind]} of {name}" if name else FIGURES[kind]
    return figure_bytes(
        figure, format, dpi=300, title=title, description=describe_provenance(result)
    )


def scale_text(figure: Figure | SubFigure, to: Size) -> None:
    """Set every letter and line of a figure, or of a part of one, to the size's own."""
    for text in figure.findobj(Text):
        text.set_fontsize(to.text_pt)
    for axes in figure.axes:
        axes.tick_params(labelsize=to.tick_pt, width=0.7 * to.line)
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_tick_params().get("length", 1) > 0:
                axis.set_tick_params(length=3.0 * to.line)
        for spine in axes.spines.values():
            spine.set_linewidth(0.7 * to.line)
        legend = axes.get_legend()
        if legend is not None:
            for text in legend.get_texts():
                text.set_fontsize(to.tick_pt)
        for line in axes.lines:
            line.set_linewidth(line.get_linewidth() * to.line)
            line.set_markersize(line.get_markersize() * to.line)
        for collection in axes.collections:
            widths = np.atleast_1d(collection.get_linewidth()) * to.line
            collection.set_linewidth(widths.tolist())


def fit_corner(figure: Figure | SubFigure, to: Size) -> float:
    """Fit a corner plot: values over the diagonal, labels as far off as their letters need.

    A figure becomes as high as that takes; in a part of a figure the plot lies at the top.

    Returns
    -------
    float
        Height of the plot, inches.
    """
    count = round(len(figure.axes) ** 0.5)
    text_in, tick_in = to.text_pt / 72, to.tick_pt / 72
    margin = 0.1 * to.line
    narrow = (to.width_in - 1.0) / count < _NARROW_LETTERS * text_in
    rows = 2 if narrow else 1
    away = 4.0 * tick_in  # from the axis to its label: a tick and its number
    edge = away + 1.45 * text_in * rows
    foot = edge - 0.4 * away
    panel = (to.width_in - edge - margin) / count
    top = (2.0 if narrow else 3.0) * text_in
    height = foot + panel * count + top
    if isinstance(figure, Figure):
        figure.set_size_inches(to.width_in, height)
    room = figure.bbox.height / figure.dpi
    figure.subplots_adjust(
        left=edge / to.width_in,
        right=1 - margin / to.width_in,
        bottom=1 - (height - foot) / room,
        top=1 - top / room,
        wspace=_GAP,
        hspace=_GAP,
    )
    scale_text(figure, to)
    side = panel * count / (count + _GAP * (count - 1))
    for k, axes in enumerate(figure.axes):
        row, column = divmod(k, count)
        if row < column:
            continue
        for axis, place in (
            (axes.xaxis, (0.5, -0.5 * away / side)),
            (axes.yaxis, (-away / side, 0.5)),
        ):
            words = axis.get_label_text()
            axis.set_label_text(_break(words) if narrow else words)
            axis.set_label_coords(*place)
            if axis is axes.xaxis or row != column:
                ticks = _inner_ticks(axis.get_view_interval(), 2 if narrow else 4)
                crowded = narrow and len(ticks) > 2 and any(len(f"{t:.6g}") > 2 for t in ticks)
                axis.set_ticks(ticks[::2] if crowded else ticks)
        axes.xaxis.label.set_verticalalignment("top")
        axes.yaxis.label.set_verticalalignment("bottom")
        if row == column and narrow:
            axes.set_title(_to_mathtext(axes.get_title()), fontsize=to.text_pt, pad=3.5)
    return height


def _inner_ticks(interval: Collection[float], fewest: int) -> list[float]:
    """Return round numbers that keep off the ends, where they would meet those next door."""
    low, high = min(interval), max(interval)
    margin = 0.1 * (high - low)
    inner: list[float] = []
    for bins in range(fewest, fewest + 4):
        ticks = MaxNLocator(bins, steps=[1, 2, 5, 10]).tick_values(low, high)
        inner = [float(tick) for tick in ticks if low + margin <= tick <= high - margin]
        if len(inner) > 1:
            break
    return inner


def _break(label: str) -> str:
    return label.replace(" [", "\n[").replace(r"$12+\log", "$12+$\n" + r"$\log")


def _to_mathtext(title: str) -> str:
    """Shorten "Redshift, 0.025 (+0.009 −0.005)" to a value with raised and lowered errors."""
    interval = title.splitlines()[-1] if title else ""
    match = re.fullmatch(r"(\S+) \((\+\S+) (\S+)\)", interval.replace("\N{MINUS SIGN}", "-"))
    return f"${match[1]}^{{{match[2]}}}_{{{match[3]}}}$" if match else interval
