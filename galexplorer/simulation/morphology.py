"""Morphology of a cutout: measures that separate discs from spheroids, real from simulated.

Concentration, asymmetry and clumpiness follow Conselice 2003 (astro-ph/0303065), Gini and M20
Lotz et al. 2004 (astro-ph/0311352), on the model's grid brought back to linear flux. None of
them knows the angular scale.
"""

import numpy as np
from scipy.ndimage import uniform_filter

from galexplorer.image.composite import linear_flux
from galexplorer.image.cutout import GRID
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

NAMES = (
    "concentration",
    "asymmetry",
    "asymmetry_g",
    "clumpiness",
    "gini",
    "m20",
    "gradient_gr",
    "gradient_ri",
    "r50_px",
    "ellipticity",
    "sky_level",
    "sky_colour",
    "sky_scatter",
    "sky_zeros",
    "outskirts",
    "noise_1",
    "noise_2",
    "noise_3",
    "noise_4",
    "noise_colour",
)

_AXIS = np.arange(GRID) - (GRID - 1) / 2
_RADIUS = np.hypot(_AXIS[:, None], _AXIS[None, :])
_CORNER = 14
_FREQUENCY = np.hypot(np.fft.fftfreq(_CORNER)[:, None], np.fft.fftfreq(_CORNER)[None, :])


def measure_morphology(grids: np.ndarray) -> np.ndarray:
    """Measure cutouts.

    Parameters
    ----------
    grids : ndarray, shape (n, 3, 64, 64), uint8
        Composites, channels i, r, g.

    Returns
    -------
    ndarray, shape (n, len(NAMES))
    """
    return np.array([_describe(grid) for grid in grids])


def _describe(grid: np.ndarray) -> list[float]:
    channels = grid.astype(np.float32) / 255
    flux = linear_flux(channels, SDSS_PIXEL_SCALE_ARCSEC)
    corners = _corners(grid.astype(float))
    faintest = min(range(4), key=lambda k: float(np.median(corners[k].sum(axis=0))))
    corner = corners[faintest]
    sky = np.median(_corners(flux)[faintest], axis=(1, 2))
    flux = flux - sky[:, None, None]
    g, r, i = flux
    growth_radii = np.arange(1, GRID // 2 + 1)
    growth = np.array([r[radius > _RADIUS].sum() for radius in growth_radii])
    growth = np.maximum.accumulate(np.maximum(growth, 0)) + 1e-9 * growth_radii
    r20, r50, r80 = (np.interp(q * growth[-1], growth, growth_radii) for q in (0.2, 0.5, 0.8))
    inside = r80 * 1.5 >= _RADIUS
    total = max(float(np.abs(r[inside]).sum()), 1e-9)
    box = max(3, int(0.5 * r50) | 1)
    residual = np.where(inside & (0.3 * r50 < _RADIUS), np.abs(r - uniform_filter(r, box)), 0)
    inner, outer = r50 > _RADIUS, (r50 < _RADIUS) & (2 * r50 > _RADIUS)
    power = (np.abs(np.fft.fft2(corner - corner.mean(axis=(1, 2), keepdims=True))) ** 2).mean(0)
    bands = [
        np.log10(power[(low <= _FREQUENCY) & (high > _FREQUENCY)].mean() + 1)
        for low, high in ((0.05, 0.15), (0.15, 0.25), (0.25, 0.36), (0.36, 0.71))
    ]
    weights = np.clip(r, 0, None) * inside
    mass = max(float(weights.sum()), 1e-9)
    xx, yy = (weights * _AXIS[None, :] ** 2).sum(), (weights * _AXIS[:, None] ** 2).sum()
    xy = (weights * _AXIS[None, :] * _AXIS[:, None]).sum()
    return [
        5 * np.log10(max(r80, 0.5) / max(r20, 0.25)),
        np.abs(r - r[::-1, ::-1])[inside].sum() / total,
        np.abs(g - g[::-1, ::-1])[inside].sum() / max(float(np.abs(g[inside]).sum()), 1e-9),
        residual.sum() / total,
        _gini(r[inside]),
        _m20(r, inside),
        _colour(g, r, inner) - _colour(g, r, outer),
        _colour(r, i, inner) - _colour(r, i, outer),
        r50,
        float(np.hypot(xx - yy, 2 * xy) / max(xx + yy, 1e-9 * mass)),
        float(corner.mean()),
        float(corner[0].mean() - corner[2].mean()),
        float(corner.std(axis=(1, 2)).mean()),
        float((corner == 0).mean()),
        float(r[(_RADIUS > 24) & (_RADIUS < 31)].mean() / total * 1e3),
        *bands,
        float(np.log10(np.var(corner[0] - corner[2]) + 0.1)),
    ]


def _corners(planes: np.ndarray) -> list[np.ndarray]:
    ends = (slice(0, _CORNER), slice(-_CORNER, None))
    return [planes[:, a, b] for a in ends for b in ends]


def _colour(blue: np.ndarray, red: np.ndarray, where: np.ndarray) -> float:
    one, two = float(blue[where].sum()), float(red[where].sum())
    return float(-2.5 * np.log10(max(one, 1e-6) / max(two, 1e-6)))


def _gini(values: np.ndarray) -> float:
    ordered = np.sort(np.abs(values))
    n = len(ordered)
    rank = 2 * np.arange(1, n + 1) - n - 1
    return float((rank * ordered).sum() / max(ordered.mean() * n * (n - 1), 1e-12))


def _m20(flux: np.ndarray, inside: np.ndarray) -> float:
    values = np.clip(flux[inside], 0, None)
    moment = values * _RADIUS[inside] ** 2
    order = np.argsort(values)[::-1]
    bright = np.cumsum(values[order]) < 0.2 * values.sum()
    return float(np.log10(max(moment[order][bright].sum(), 1e-9) / max(moment.sum(), 1e-9)))
