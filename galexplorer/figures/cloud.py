"""Posterior draws on a diagram of two quantities, for the screen: points, median, ellipse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from galexplorer.figures.density import contour_lines, credible_levels, density_grid
from galexplorer.figures.palette import SELECTED, TRUTH, Theme

CLOUD_SIZE = 500
MASS = 0.68


@dataclass(frozen=True)
class Marks:
    """What a diagram marks beside the draws.

    Attributes
    ----------
    known : tuple of float or None
        Place of the published values.
    selected : ndarray, shape (n,), bool, or None
        Draws to point out.
    """

    known: tuple[float, float] | None = None
    selected: Bool[np.ndarray, " n"] | None = None


def ellipse_of(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], mass: float = MASS
) -> tuple[Float[np.ndarray, " 65"], Float[np.ndarray, " 65"]]:
    """Return the ellipse round the median that holds a share of some points.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    mass : float
        Between 0 and 1.

    Returns
    -------
    x, y : ndarray, shape (65,)
        It has the shape of the covariance and the size at which it holds that share, Gaussian or
        not; closed.
    """
    centre = np.array([np.median(x), np.median(y)])
    apart = np.stack([x, y]) - centre[:, None]
    factor = np.linalg.cholesky(np.cov(x, y) + 1e-12 * np.eye(2))
    radius = np.quantile(np.linalg.norm(np.linalg.solve(factor, apart), axis=0), mass)
    angle = np.linspace(0, 2 * np.pi, 65)
    path = centre[:, None] + radius * factor @ np.stack([np.cos(angle), np.sin(angle)])
    return path[0], path[1]


def cloud_traces(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    colours: Theme,
    name: str,
    hover: tuple[str, str],
    marks: Marks | None = None,
) -> list[dict]:
    """Return traces of draws, their 95% contour, median with ellipse, and what is marked.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Finite.
    colours : Theme
    name : str
        Of the draws, for the legend.
    hover : tuple of str
        What the axes show, in short.
    marks : Marks, optional
    """
    marks = marks or Marks()
    template = f"{hover[0]} %{{x:.2f}}<br>{hover[1]} %{{y:.2f}}<extra>%{{fullData.name}}</extra>"
    ellipse_x, ellipse_y = ellipse_of(x, y)
    traces = [
        {  # a WebGL context costs more than so few points
            # Draws carry no order, so the first ones are a fair sample.
            "x": x[:CLOUD_SIZE],
            "y": y[:CLOUD_SIZE],
            "mode": "markers",
            "name": name,
            "marker": {"color": colours.accent, "size": 3.5, "opacity": 0.35},
            "hovertemplate": template,
        },
        {**contours(x, y, (0.95,), "95%", colours.accent, 1.2), "showlegend": False},
        {
            "x": ellipse_x,
            "y": ellipse_y,
            "mode": "lines",
            "line": {"color": colours.accent, "width": 2.4},
            "hoverinfo": "skip",
            "name": "Median, 68% ellipse",
            "legendgroup": "median",
            "showlegend": False,
        },
        {
            "x": [np.median(x)],
            "y": [np.median(y)],
            "mode": "markers",
            "name": "Median, 68% ellipse",
            "legendgroup": "median",
            "marker": {
                "color": colours.accent,
                "size": 11,
                "symbol": "diamond",
                "line": {"color": colours.background, "width": 1.5},
            },
            "hovertemplate": template,
        },
    ]
    if marks.selected is not None and marks.selected.any():
        chosen = np.flatnonzero(marks.selected)
        traces.insert(
            2,
            {
                "x": x[chosen[:CLOUD_SIZE]],
                "y": y[chosen[:CLOUD_SIZE]],
                "mode": "markers",
                "name": f"Selected draws ({chosen.size:,})",
                "marker": {"color": SELECTED, "size": 5, "opacity": 0.8},
                "hovertemplate": template,
            },
        )
    if marks.known is not None and np.isfinite(marks.known).all():
        traces.append(
            {
                "x": [marks.known[0]],
                "y": [marks.known[1]],
                "mode": "markers",
                "name": "Known",
                "marker": {
                    "color": TRUTH,
                    "size": 12,
                    "symbol": "cross-thin",
                    "line": {"color": TRUTH, "width": 3},
                },
                "hovertemplate": template,
            }
        )
    return traces


def contours(
    x: np.ndarray,
    y: np.ndarray,
    masses: tuple[float, ...],
    name: str,
    colour: str,
    width: float,
) -> dict:
    """Return the contours that hold those shares of some points, as a trace."""
    path_x, path_y = _contour_paths(x, y, masses)
    return {
        "x": path_x,
        "y": path_y,
        "mode": "lines",
        "line": {"color": colour, "width": width},
        "hoverinfo": "skip",
        "name": name,
    }


def _contour_paths(
    x: np.ndarray, y: np.ndarray, masses: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the contours that hold those shares, as one line with NaN between its parts."""
    centres_x, centres_y, density = density_grid(x, y)
    lines_of = contour_lines(centres_x, centres_y, density, credible_levels(density, masses))
    gap = np.full((1, 2), np.nan)
    parts = [np.vstack([line, gap]) for lines in lines_of for line in lines]
    path = np.concatenate(parts) if parts else np.empty((0, 2))
    return path[:, 0], path[:, 1]


def curve_trace(name: str, dash: str, x: np.ndarray, y: np.ndarray, colours: Theme) -> dict:
    """Return a demarcation as a trace: no entry in the legend, its name where one points at it."""
    return {
        "x": x,
        "y": y,
        "mode": "lines",
        "name": name,
        "line": {"color": colours.faint, "width": 1.5, "dash": dash},
        "hoverinfo": "name",
        "showlegend": False,
    }


def diagram_layout(
    titles: tuple[str, str],
    ranges: tuple[tuple[float, float], tuple[float, float]],
    labels: Sequence[tuple[str, float, float, float]],
    colours: Theme,
    height: int,
) -> dict:
    """Return the layout of a diagram: axes, labels of its regions, the legend below it.

    Parameters
    ----------
    titles : tuple of str
        Of the axes, with units.
    ranges : tuple of tuple of float
    labels : sequence of (str, float, float, float)
        Words, place and angle in degrees.
    colours : Theme
    height : int
        Pixels.
    """
    axes = {
        axis: {
            "title": {"text": title, "font": {"color": colours.text}},
            "range": span,
            "zeroline": False,
            "tickfont": {"color": colours.text},
        }
        for axis, title, span in zip(("xaxis", "yaxis"), titles, ranges, strict=True)
    }
    return {
        **axes,
        "annotations": [
            {
                "x": x,
                "y": y,
                "text": words,
                "textangle": angle,
                "showarrow": False,
                "font": {"size": 12, "color": colours.text},
                "bgcolor": colours.with_opacity("background", 0.6),
                "borderpad": 1,
            }
            for words, x, y, angle in labels
        ],
        "legend": {
            "orientation": "h",
            "y": -0.17,
            "yanchor": "top",
            "x": 0,
            "font": {"size": 11, "color": colours.text},
            "bgcolor": "rgba(0,0,0,0)",
            "itemsizing": "constant",
        },
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "height": height,
    }
