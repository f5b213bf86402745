"""The BPT diagram for print; `galexplorer.figures.bpt` has it for the screen."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from galexplorer.figures.bpt import (
    MASSES,
    X_RANGE,
    Y_RANGE,
    demarcations,
    finite_ratios,
    limits,
    region_labels,
)
from galexplorer.figures.canvas import Figure
from galexplorer.figures.cloud import CLOUD_SIZE
from galexplorer.figures.density import credible_levels, density_grid
from galexplorer.figures.names import matplotlib_name
from galexplorer.figures.palette import theme
from galexplorer.records.posterior import Posterior


def bpt_static_figure(
    posterior: Posterior,
    probabilities: Mapping[str, float] | None = None,
    dark: bool = False,
    others: Sequence[tuple[str, Posterior, str]] = (),
    name: str = "Draws",
) -> Figure:
    """Draw the BPT cloud for print.

    Parameters and errors are those of `galexplorer.figures.bpt.bpt_diagram`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(5.2, 4.8), facecolor="none", layout="constrained")
    draw_bpt(figure.add_subplot(facecolor="none"), posterior, probabilities, dark, others, name)
    return figure


def draw_bpt(
    axes: Axes,
    posterior: Posterior,
    probabilities: Mapping[str, float] | None = None,
    dark: bool = False,
    others: Sequence[tuple[str, Posterior, str]] = (),
    name: str = "Draws",
) -> None:
    """Draw the BPT cloud in axes; the rest as `bpt_static_figure`."""
    x, y, _ = finite_ratios(posterior)
    clouds = [(x, y), *(finite_ratios(other)[:2] for _, other, _ in others)]
    x_range = limits([cloud[0] for cloud in clouds], X_RANGE)
    y_range = limits([cloud[1] for cloud in clouds], Y_RANGE)
    colours = theme(dark)
    styles = {"solid": "-", "dash": "--", "dot": ":"}
    curves = []
    for author, dash, curve_x, curve_y in demarcations(*x_range):
        dashes = styles[dash]
        curves += axes.plot(
            curve_x, curve_y, dashes, color=colours.faint, linewidth=1.2, label=author
        )
    axes.plot(
        x[:CLOUD_SIZE],
        y[:CLOUD_SIZE],
        ".",
        color=colours.accent,
        markersize=2.5,
        alpha=0.35,
        zorder=1,
    )
    labels = [(name, colours.accent), *((label, colour) for label, _, colour in others)]
    medians = []
    for (cloud_x, cloud_y), (words, colour) in reversed(list(zip(clouds, labels, strict=True))):
        centres_x, centres_y, density = density_grid(cloud_x, cloud_y)
        levels = sorted(set(credible_levels(density, MASSES)))
        axes.contour(centres_x, centres_y, density, levels=levels, colors=colour, linewidths=1.2)
        medians += axes.plot(
            np.median(cloud_x),
            np.median(cloud_y),
            "D",
            color=colour,
            markersize=6,
            markeredgecolor=colours.background,
            label=matplotlib_name(words),
        )
    for label in region_labels(probabilities):
        axes.text(
            label.x,
            label.y,
            label.words,
            rotation=-label.angle,
            ha="center",
            va="center",
            color=colours.text,
            fontsize=9,
            path_effects=[withStroke(linewidth=2, foreground=colours.background)],
        )
    axes.set(xlim=x_range, ylim=y_range)
    axes.set_xlabel(r"$\log\,$[N II] 6584 / H$\alpha$ [dex]", color=colours.text)
    axes.set_ylabel(r"$\log\,$[O III] 5007 / H$\beta$ [dex]", color=colours.text)
    axes.tick_params(colors=colours.text)
    axes.spines[:].set_color(colours.faint)
    beside = {"fontsize": 8, "frameon": False, "labelcolor": colours.text}
    if others:
        axes.add_artist(axes.legend(handles=medians[::-1], loc="upper left", **beside))
    axes.legend(handles=curves, loc="lower left", **beside)
