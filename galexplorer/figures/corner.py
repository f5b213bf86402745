"""Corner plot of the joint posterior."""

from collections.abc import Mapping, Sequence

import corner
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from galexplorer.figures.canvas import Figure
from galexplorer.figures.names import matplotlib_name
from galexplorer.figures.palette import (
    TRUTH,
    Theme,
    axis_label,
    theme,
)
from galexplorer.records.posterior import Posterior
from galexplorer.schema import PROPERTY_NAMES, TARGETS
from galexplorer.science.summary import format_interval

_LABELS = {target.name: target.label for target in TARGETS}
LEVELS = (0.68, 0.95)
PANEL_IN = 1.6


def corner_figure(
    posterior: Posterior,
    names: Sequence[str] = PROPERTY_NAMES,
    truths: Mapping[str, float] | None = None,
    others: Sequence[tuple[str, Posterior, str]] = (),
    dark: bool = False,
    name: str = "",
) -> Figure:
    """Draw one- and two-dimensional marginals of the posterior.

    Contours enclose 68% and 95% of the draws; dashed lines mark the median and the 68%
    interval. A target whose draws are constant (a fixed redshift) or not finite has no
    panel: a note in the figure says so.

    Parameters
    ----------
    posterior : Posterior
    names : sequence of str
        Targets to show, in this order.
    truths : mapping of str to float, optional
        Known values, by target; any may be missing.
    others : sequence of (str, Posterior, str)
        Names, posteriors and colours to compare with, drawn below this one. A target that is not
        finite in one of them, or does not vary there, has no panel.
    dark : bool
        Colours for a dark background.
    name : str
        Of this posterior, for the legend, which there is with `others`.

    Returns
    -------
    matplotlib.figure.Figure
        With a transparent background.

    Raises
    ------
    ValueError
        If no target can be drawn.
    """
    # Figure, not pyplot: pyplot's registry is shared by all threads of a server.
    figure = Figure(facecolor="none")
    side = PANEL_IN * draw_corner(figure, posterior, names, truths, others, dark, name) + 0.8
    figure.set_size_inches(side, side)
    figure.subplots_adjust(
        left=0.7 / side, bottom=0.62 / side, right=1 - 0.1 / side, top=1 - 0.5 / side
    )
    return figure


def draw_corner(
    figure: Figure | SubFigure,
    posterior: Posterior,
    names: Sequence[str] = PROPERTY_NAMES,
    truths: Mapping[str, float] | None = None,
    others: Sequence[tuple[str, Posterior, str]] = (),
    dark: bool = False,
    name: str = "",
) -> int:
    """Draw the marginals in an empty figure, or in a part of one; the rest as `corner_figure`.

    Returns
    -------
    int
        How many panels it has across.
    """
    shown, notes = _split(posterior, names)
    if not shown:
        raise ValueError("every target is fixed: a corner plot needs at least one that varies")
    drawn = []
    for label, other, colour in others:
        # One without spread in a shown target would stop corner: show what all have.
        common, other_notes = _split(other, shown)
        notes += [f"{label}: {note}" for note in other_notes]
        if common:
            shown = common
            drawn.append((label, other, colour))
    colours = theme(dark)
    known = [(truths or {}).get(name) for name in shown]
    layers = [_columns(each, shown) for each in (posterior, *(other for _, other, _ in drawn))]
    ranges = [_range([layer[:, j] for layer in layers], known[j]) for j in range(len(shown))]
    labels = [(name, colours.accent), *((label, colour) for label, _, colour in drawn)]
    for layer, (_, colour) in reversed(list(zip(layers, labels, strict=True))):
        _draw(figure, layer, shown, ranges, colour, colours)
    for axes in figure.axes[:: len(shown) + 1]:  # each layer sets the height for itself alone
        axes.set_ylim(0, 1.1 * max(float(np.max(line.get_ydata())) for line in axes.lines))
    _finish(figure, posterior, shown, known, colours)
    if notes:
        words = matplotlib_name("\n".join(notes))  # some begin with a galaxy's name
        figure.text(0.98, 0.98, words, ha="right", va="top", color=colours.text)
    if drawn:
        _name_layers(figure, labels, len(notes), colours)
    return len(shown)


def _name_layers(
    figure: Figure | SubFigure, labels: list[tuple[str, str]], notes: int, colours: Theme
) -> None:
    """Say in the empty corner, below the notes, which colour is whose."""
    lines = [
        Line2D([], [], color=colour, linewidth=2, label=matplotlib_name(label))
        for label, colour in labels
    ]
    figure.legend(
        handles=lines,
        loc="upper right",
        bbox_to_anchor=(0.98, 0.96 - 0.03 * notes),
        frameon=False,
        labelcolor=colours.text,
    )


def _split(posterior: Posterior, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the targets that can be drawn, and a sentence for each that cannot."""
    shown, notes = [], []
    for name in names:
        column = posterior.column(name)
        if not np.isfinite(column).all():
            notes.append(f"{_LABELS[name]}: not shown, no value in some draws.")
        elif np.ptp(column) <= 1e-6 * max(1.0, abs(float(column[0]))):
            notes.append(f"{_LABELS[name]} fixed at {float(column[0]):.6g}.")
        else:
            shown.append(name)
    return shown, notes


def _columns(posterior: Posterior, names: Sequence[str]) -> np.ndarray:
    return np.stack([posterior.column(name) for name in names], axis=1).astype(float)


def _range(columns: list[np.ndarray], known: float | None) -> tuple[float, float]:
    limits = [edge for column in columns for edge in np.quantile(column, [0.002, 0.998])]
    if known is not None and np.isfinite(known):
        limits.append(known)
    margin = 0.06 * (max(limits) - min(limits)) or 1e-3
    return min(limits) - margin, max(limits) + margin


def _draw(
    figure: Figure | SubFigure,
    data: np.ndarray,
    names: Sequence[str],
    ranges: list[tuple[float, float]],
    colour: str,
    colours: Theme,
) -> None:
    corner.corner(
        data,
        fig=figure,
        bins=36,
        range=ranges,
        smooth=1.0,
        smooth1d=1.0,
        color=colour,
        labels=[axis_label(name) for name in names],
        label_kwargs={"color": colours.text, "fontsize": 10.5},
        labelpad=-0.04,
        levels=LEVELS,
        max_n_ticks=3,
        plot_datapoints=False,
        plot_density=False,
        no_fill_contours=True,
        fill_contours=True,
        contourf_kwargs={"colors": ["none", colour + "30", colour + "70"]},
        contour_kwargs={"linewidths": 1.0, "colors": colour},
        weights=np.full(len(data), 1 / len(data)),  # posteriors of unlike size compare
        hist_kwargs={"linewidth": 1.3, "color": colour},
    )


def _finish(
    figure: Figure | SubFigure,
    posterior: Posterior,
    names: Sequence[str],
    known: list[float | None],
    colours: Theme,
) -> None:
    size = len(names)
    axes = np.array(figure.axes).reshape(size, size)
    for i, name in enumerate(names):
        low, middle, high = np.quantile(posterior.column(name).astype(float), [0.16, 0.5, 0.84])
        axes[i, i].set_title(
            f"{_LABELS[name]}\n{format_interval(name, low, middle, high)}",
            fontsize=9,
            color=colours.text,
        )
        for edge in (low, middle, high):
            axes[i, i].axvline(edge, color=colours.accent, linestyle="--", linewidth=0.9)
        for j in range(i + 1):
            _known_lines(axes[i, j], known[j], known[i] if i != j else None)
    for axis in figure.axes:
        axis.patch.set_alpha(0)
        axis.tick_params(colors=colours.text, labelsize=8.5, width=0.6, labelrotation=0)
        for spine in axis.spines.values():
            spine.set(color=colours.faint, linewidth=0.7)


def _known_lines(axis: Axes, across: float | None, up: float | None) -> None:
    if across is not None and np.isfinite(across):
        axis.axvline(across, color=TRUTH, linewidth=1.1)
    if up is not None and np.isfinite(up):
        axis.axhline(up, color=TRUTH, linewidth=1.1)
