"""Smoothed densities of draws, for contours and ridges."""

from collections.abc import Sequence
from typing import cast

import contourpy
import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter


def density_grid(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], bins: int = 60, smooth: float = 1.5
) -> tuple[
    Float[np.ndarray, " {bins}"], Float[np.ndarray, " {bins}"], Float[np.ndarray, "{bins} {bins}"]
]:
    """Return a smoothed two-dimensional density of draws.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Draws; pairs that are not finite are left out.
    bins : int
        Cells along each axis, over the central 99.8% of the draws and a margin.
    smooth : float
        Width of the Gaussian kernel in cells.

    Returns
    -------
    x_centres, y_centres : ndarray, shape (bins,)
    density : ndarray, shape (bins, bins)
        Probability per cell, rows along y; adds up to 1.
    """
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    edges = [_edges(values, bins) for values in (x, y)]
    counts, _, _ = np.histogram2d(x, y, bins=edges)
    density = gaussian_filter(counts.T, smooth, mode="constant")
    x_centres, y_centres = ((e[1:] + e[:-1]) / 2 for e in edges)
    return x_centres, y_centres, density / max(density.sum(), 1e-300)


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    low, high = np.quantile(values, [0.001, 0.999])
    margin = 0.15 * (high - low) or 0.05
    return np.linspace(low - margin, high + margin, bins + 1)


def credible_levels(density: Float[np.ndarray, "..."], masses: tuple[float, ...]) -> list[float]:
    """Return the density whose contour encloses each probability mass.

    Parameters
    ----------
    density : ndarray
        Probability per cell.
    masses : tuple of float
        Between 0 and 1.

    Returns
    -------
    list of float
        One level for each mass.
    """
    ordered = np.sort(density, axis=None)[::-1]
    enclosed = np.cumsum(ordered) / ordered.sum()
    return [float(ordered[np.searchsorted(enclosed, mass)]) for mass in masses]


def contour_lines(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " m"],
    density: Float[np.ndarray, "m n"],
    levels: Sequence[float],
) -> list[list[Float[np.ndarray, "_ 2"]]]:
    """Return the contours of a density as points, for each level a list of lines.

    Parameters
    ----------
    x, y : ndarray, shape (n,), (m,)
        Centres of the cells.
    density : ndarray, shape (m, n)
    levels : sequence of float

    Returns
    -------
    list of list of ndarray, each of shape (k, 2)
        A closed line ends where it began.
    """
    # The class itself: `contour_generator` looks for masked values first, which takes four times
    # as long as the contours of a small grid.
    across, up = np.meshgrid(x, y)
    generator = contourpy.SerialContourGenerator(
        across,
        up,
        density,
        np.zeros(density.shape, bool),
        corner_mask=False,
        line_type=contourpy.LineType.Separate,
        fill_type=contourpy.FillType.OuterOffset,
        quad_as_tri=False,
        z_interp=contourpy.ZInterp.Linear,
        x_chunk_size=0,
        y_chunk_size=0,
    )
    return [cast(list[np.ndarray], generator.lines(level)) for level in levels]


def density_curve(
    values: Float[np.ndarray, " n"], bins: int = 80, smooth: float = 2.0
) -> tuple[Float[np.ndarray, " {bins}"], Float[np.ndarray, " {bins}"]]:
    """Return a smoothed one-dimensional density, scaled to a peak of 1.

    Parameters
    ----------
    values : ndarray, shape (n,)

    Returns
    -------
    centres, height : ndarray, shape (bins,)
    """
    edges = _edges(values, bins)
    counts, _ = np.histogram(values, bins=edges)
    height = gaussian_filter(counts.astype(float), smooth, mode="constant")
    return (edges[1:] + edges[:-1]) / 2, height / max(height.max(), 1e-300)
