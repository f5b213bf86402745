"""The four emission lines: marginal posteriors of their fluxes."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from galexplorer.figures.density import density_curve
from galexplorer.figures.palette import TRUTH, Theme, theme
from galexplorer.records.posterior import Posterior
from galexplorer.schema import LINE_NAMES, TARGETS
from galexplorer.science.lines import DETECTABLE_LOG_FLUX, line_status
from galexplorer.science.summary import format_interval

_LABELS = {target.name: target.label.removesuffix(" flux") for target in TARGETS}
_RIDGE_HEIGHT = 0.72
_SYMBOLS = {
    "measured-like": "circle",
    "upper limit": "triangle-left",
    "unconstrained": "circle-open",
}
_UNIT = "10<sup>−17</sup> erg s<sup>−1</sup> cm<sup>−2</sup>"


def lines_figure(
    posterior: Posterior, truths: Mapping[str, float] | None = None, dark: bool = False
) -> go.Figure:
    """Draw the posterior of each line flux: density, median, 68% and 95% intervals.

    The marker says what kind of posterior it is (`galexplorer.science.lines.line_status`): a disc
    at the median where the line would be seen, an arrow from the 95% upper limit where it need
    not be, an open disc where the draws say nothing. A dotted line marks the detectable flux.

    Parameters
    ----------
    posterior : Posterior
    truths : mapping of str to float, optional
        Known log fluxes by target; any may be missing.
    dark : bool
        Colours for a dark background.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = theme(dark)
    rows = {name: len(LINE_NAMES) - 1 - k for k, name in enumerate(LINE_NAMES)}
    # Traces and layout go into the figure at once: adding to one takes three times as long.
    return go.Figure(
        [
            trace
            for name, row in rows.items()
            for trace in _row_of(name, row, posterior, (truths or {}).get(name), colours)
        ],
        {
            "xaxis": {
                "title": {
                    "text": f"predicted log flux  [{_UNIT}, 3″ fibre]",
                    "font": {"color": colours.text},
                },
                "zeroline": False,
                "tickfont": {"color": colours.text},
            },
            "yaxis": {
                "tickvals": list(rows.values()),
                "ticktext": [_LABELS[name] for name in rows],
                "range": [-0.35, len(rows) - 0.1],
                "zeroline": False,
                "showgrid": False,
                "tickfont": {"color": colours.text},
            },
            "shapes": [
                {
                    "type": "line",
                    "x0": DETECTABLE_LOG_FLUX,
                    "x1": DETECTABLE_LOG_FLUX,
                    "y0": 0,
                    "y1": 1,
                    "yref": "y domain",
                    "line": {"color": colours.faint, "dash": "dot", "width": 1},
                }
            ],
            "showlegend": False,
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "height": 280,
        },
    )


def _row_of(
    name: str, row: int, posterior: Posterior, known: float | None, colours: Theme
) -> list[dict]:
    """Return density, intervals, marker and known value of one line."""
    values = posterior.column(name).astype(float)
    low95, low, middle, high, high95 = np.quantile(values, [0.025, 0.16, 0.5, 0.84, 0.975])
    x, height = density_curve(values)
    status = line_status(values)
    limit, symbol = status.kind == "upper limit", _SYMBOLS[status.kind]
    words = (
        f"below {status.log_limit:.2f} (95%)" if limit else format_interval(name, low, middle, high)
    )
    traces = [
        {
            "x": np.concatenate([x, x[::-1]]),
            "y": np.concatenate([row + _RIDGE_HEIGHT * height, np.full(x.size, row)]),
            "fill": "toself",
            "fillcolor": colours.with_opacity("accent", 0.28),
            "line": {"width": 0},
            "mode": "lines",
            "hoverinfo": "skip",
        },
        *(
            {
                "x": edges,
                "y": [row, row],
                "mode": "lines",
                "line": {"color": colours.accent, "width": width},
                "opacity": 1.0 if status.kind == "measured-like" else 0.45,
                "hoverinfo": "skip",
            }
            for edges, width in (((low95, high95), 1.5), ((low, high), 5))
        ),
        {
            "x": [status.log_limit if limit else middle],
            "y": [row],
            "mode": "markers",
            "marker": {
                "color": colours.accent,
                "size": 13 if limit else 10,
                "symbol": symbol,
                "line": {
                    "color": colours.accent if "open" in symbol else colours.background,
                    "width": 1.5,
                },
            },
            "hovertemplate": f"{_LABELS[name]}, {status.kind}: {words}<extra></extra>",
        },
    ]
    if known is not None and np.isfinite(known):
        traces.append(
            {
                "x": [known],
                "y": [row],
                "mode": "markers",
                "marker": {
                    "color": TRUTH,
                    "size": 13,
                    "symbol": "line-ns",
                    "line": {"width": 3, "color": TRUTH},
                },
                "hovertemplate": f"known: {known:.2f}<extra></extra>",
            }
        )
    return traces
