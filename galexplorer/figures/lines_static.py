"""The four emission lines for print; `galexplorer.figures.lines` draws them for the screen."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from galexplorer.figures.canvas import Figure
from galexplorer.figures.density import density_curve
from galexplorer.figures.palette import TRUTH, theme
from galexplorer.records.posterior import Posterior
from galexplorer.schema import LINE_NAMES, TARGETS

_LABELS = {target.name: target.label.removesuffix(" flux") for target in TARGETS}
_RIDGE_HEIGHT = 0.72


def lines_static_figure(
    posterior: Posterior, truths: Mapping[str, float] | None = None, dark: bool = False
) -> Figure:
    """Draw the posterior of each line flux: density, median, 68% and 95% intervals.

    Parameters
    ----------
    posterior : Posterior
    truths : mapping of str to float, optional
        Known log fluxes by target; any may be missing.
    dark : bool
        Colours for a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        With a transparent background.
    """
    figure = Figure(figsize=(5.2, 2.8), facecolor="none", layout="constrained")
    draw_lines(figure.add_subplot(facecolor="none"), posterior, truths, dark)
    return figure


def draw_lines(
    axes: Axes,
    posterior: Posterior,
    truths: Mapping[str, float] | None = None,
    dark: bool = False,
) -> None:
    """Draw the lines in axes; the rest as `lines_static_figure`."""
    colours = theme(dark)
    for row, name in enumerate(reversed(LINE_NAMES)):
        values = posterior.column(name).astype(float)
        low95, low, middle, high, high95 = np.quantile(values, [0.025, 0.16, 0.5, 0.84, 0.975])
        x, height = density_curve(values)
        axes.fill_between(
            x, row, row + _RIDGE_HEIGHT * height, color=colours.accent, alpha=0.28, linewidth=0
        )
        axes.plot([low95, high95], [row, row], color=colours.accent, linewidth=1.2)
        axes.plot([low, high], [row, row], color=colours.accent, linewidth=3.2)
        axes.plot(
            middle,
            row,
            "o",
            color=colours.accent,
            markersize=6,
            markeredgecolor=colours.background,
            markeredgewidth=1,
        )
        known = (truths or {}).get(name)
        if known is not None and np.isfinite(known):
            axes.plot(known, row, "|", color=TRUTH, markersize=11, markeredgewidth=2)
    axes.set_yticks(range(len(LINE_NAMES)), [_LABELS[name] for name in reversed(LINE_NAMES)])
    axes.set_ylim(-0.4, len(LINE_NAMES) - 0.1)
    axes.set_xlabel(
        r"predicted $\log F$ [$10^{-17}\,\mathrm{erg\,s^{-1}\,cm^{-2}}$, 3″ fibre]",
        color=colours.text,
    )
    axes.tick_params(colors=colours.text)
    axes.tick_params(axis="y", length=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours.faint)
