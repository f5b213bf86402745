"""Posterior draws on a diagram of two quantities: points, median, ellipse."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from galexplorer.figures.density import contour_lines, credible_levels, density_grid
from galexplorer.figures.diagram import Line, Points
from galexplorer.figures.palette import SELECTED, TRUTH, Theme

CLOUD_SIZE = 500
MASS = 0.68
MEDIAN = "Median, 68% ellipse"


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


def cloud_marks(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    colours: Theme,
    name: str,
    marks: Marks | None = None,
) -> list[Line | Points]:
    """Return draws, their 95% contour, median with ellipse, and what is marked.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Finite.
    colours : Theme
    name : str
        Of the draws, for the legend.
    marks : Marks, optional
    """
    marks = marks or Marks()
    accent = colours.accent
    # Draws carry no order, so the first ones are a fair sample; copied, since a diagram may be kept
    # and a part of an array holds all of it.
    some_x, some_y = x[:CLOUD_SIZE].copy(), y[:CLOUD_SIZE].copy()
    out: list[Line | Points] = [
        Points(name, some_x, some_y, accent, 3.5, 0.35),
        contours(x, y, (0.95,), "95%", accent, 1.2, in_legend=False),
    ]
    if marks.selected is not None and marks.selected.any():
        chosen = np.flatnonzero(marks.selected)
        few = chosen[:CLOUD_SIZE]
        out.append(Points(f"Selected draws ({chosen.size:,})", x[few], y[few], SELECTED, 5, 0.8))
    centre = np.array([np.median(x)]), np.array([np.median(y)])
    out += [
        Line(MEDIAN, *ellipse_of(x, y), accent, 2.4, in_legend=False),
        Points(MEDIAN, *centre, accent, 11, 1.0, "diamond", colours.background, 1.5),
    ]
    if marks.known is not None and np.isfinite(marks.known).all():
        known_x, known_y = np.array(marks.known)[:, None]
        out.append(Points("Known", known_x, known_y, TRUTH, 12, 1.0, "cross-thin", TRUTH, 3))
    return out


def contours(
    x: np.ndarray,
    y: np.ndarray,
    masses: tuple[float, ...],
    name: str,
    colour: str,
    width: float,
    in_legend: bool = True,
) -> Line:
    """Return the contours that hold those shares of some points."""
    centres_x, centres_y, density = density_grid(x, y)
    lines_of = contour_lines(centres_x, centres_y, density, credible_levels(density, masses))
    gap = np.full((1, 2), np.nan)
    parts = [np.vstack([line, gap]) for lines in lines_of for line in lines]
    path = np.concatenate(parts) if parts else np.empty((0, 2))
    return Line(name, path[:, 0], path[:, 1], colour, width, in_legend=in_legend)


def demarcation(name: str, dash: str, x: np.ndarray, y: np.ndarray, colours: Theme) -> Line:
    """Return a demarcation: no entry in the legend, its name where one points at it."""
    return Line(name, x, y, colours.faint, 1.5, dash, in_legend=False, told=True)
