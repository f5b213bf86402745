"""Noise and sharpness of a picture by spatial scale in arcseconds, and what an edge cuts off.

SDSS's pixels are 0.396 arcsec wide and its point-spread function 1.3 arcsec, whatever the galaxy:
its noise ends at 1.26 cycles per arcsec and nothing on the sky is sharper than a star. A picture
whose pixel scale is not the stated one has both elsewhere.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

FREQUENCIES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.26, 1.6, 2.0, 2.5)
"""Edges of the bands of the noise's power spectrum, cycles per arcsec."""

WIDTHS_ARCSEC = (0.3, 0.6, 1.2, 2.4)
"""Standard deviations of the Gaussians whose differences tell how sharp the sharpest is."""

NAMES = (
    *(f"noise_{low:g}" for low in FREQUENCIES[:-1]),
    *(f"sharp_{width:g}" for width in WIDTHS_ARCSEC[:-1]),
    *(f"grain_{width:g}" for width in WIDTHS_ARCSEC[:-1]),
    *(f"core_{width:g}" for width in WIDTHS_ARCSEC[:-1]),
    "missing_light",
    "edge_light",
)
"""Names of the numbers of `texture`, in their order."""

_TILE_ARCSEC = 6.4
_TILE_LIMITS_PX = (8, 48)
_FAINTEST_TILES = 0.3
_FLOOR = 1e-7


def texture(
    light: Float32[np.ndarray, "h w"],
    pixel_scale_arcsec: float,
    size_arcsec: float,
    blank: Bool[np.ndarray, "h w"],
    sky: float,
) -> list[float]:
    """Return how noise and sharpness go with scale, and what is missing.

    Parameters
    ----------
    light : ndarray, shape (h, w)
        Mean of the channels, 0 to 1; the galaxy is at the centre.
    pixel_scale_arcsec : float
    size_arcsec : float
        The galaxy's radius.
    blank : ndarray, shape (h, w), bool
        Beyond the edge of the image.
    sky : float
        Level of the sky in `light`.

    Returns
    -------
    list of float
        By `NAMES`: logarithms of the power of the faintest parts in `FREQUENCIES`, level squared
        times arcsec squared; of the largest differences of Gaussians, of their usual size, and of
        the one at the centre; and the shares of the light that lie opposite to what is blank, and
        in the last rows before it.
    """
    return [
        *_noise_spectrum(light, pixel_scale_arcsec, blank),
        *_sharpness(light, pixel_scale_arcsec, size_arcsec, blank),
        *_missing(light, pixel_scale_arcsec, size_arcsec, blank, sky),
    ]


def _noise_spectrum(
    light: NDArray[np.floating], scale: float, blank: NDArray[np.bool_]
) -> list[float]:
    """Return log power by band in the faintest tiles; beyond what pixels resolve, the last."""
    side = int(np.clip(round(_TILE_ARCSEC / scale), *_TILE_LIMITS_PX))
    side = min(side, min(light.shape))
    step = max(1, side // 2)
    tiles = np.lib.stride_tricks.sliding_window_view(light, (side, side))[::step, ::step]
    empty = np.lib.stride_tricks.sliding_window_view(blank, (side, side))[::step, ::step]
    tiles, covered = tiles.reshape(-1, side, side), empty.reshape(-1, side * side).mean(axis=1)
    whole = np.flatnonzero(covered < 0.02) if (covered < 0.02).any() else np.arange(len(tiles))
    order = whole[np.argsort(tiles[whole].mean(axis=(1, 2)), kind="stable")]
    chosen = tiles[order[: max(2, round(_FAINTEST_TILES * len(order)))]]
    window = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1])
    flat = chosen - (chosen * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    power = np.abs(np.fft.rfft2(flat * window)) ** 2 * (scale**2 / (window**2).sum())
    typical = np.median(power, axis=0)
    along, across = np.fft.fftfreq(side, scale), np.fft.rfftfreq(side, scale)
    band = np.digitize(np.hypot(along[:, None], across[None]), FREQUENCIES)
    found: list[float] = []
    for k in range(1, len(FREQUENCIES)):
        here = band == k
        beyond = FREQUENCIES[k - 1] >= 0.5 / scale or not here.any()
        if beyond:
            found.append(found[-1] if found else 0.0)
        else:
            found.append(float(np.log10(typical[here].mean() + _FLOOR)) + 5)
    return found


def _sharpness(
    light: NDArray[np.floating], scale: float, size: float, blank: NDArray[np.bool_]
) -> list[float]:
    smooth = [_blur(light, width / scale) for width in WIDTHS_ARCSEC]
    height, width = light.shape
    y, x = np.ogrid[:height, :width]
    radius = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2) * scale
    seen = ~blank if not blank.all() else np.ones_like(blank)
    inside = seen & (radius <= max(size, 3.0))
    inside = inside if inside.any() else seen
    core = radius <= max(0.8, scale)
    sharp, grain, centre = [], [], []
    for fine, coarse in pairwise(smooth):
        difference = fine - coarse
        sharp.append(float(np.log10(np.quantile(difference[inside], 0.995).clip(0) + 1e-3)) + 1)
        usual = np.median(np.abs(difference[seen]))
        grain.append(float(np.log10(usual + 1e-4)) + 2)
        centre.append(float(np.log10(max(float(difference[core].max()), 0.0) + 1e-3)) + 1)
    return [*sharp, *grain, *centre]


def _missing(
    light: NDArray[np.floating], scale: float, size: float, blank: NDArray[np.bool_], sky: float
) -> list[float]:
    height, width = light.shape
    y, x = np.ogrid[:height, :width]
    inside = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2) * scale <= 1.5 * size
    own = np.where(inside & ~blank, np.maximum(light - sky, 0), 0)
    opposite = own[::-1, ::-1]
    total = float(own.sum()) + 1e-6
    lost = float((opposite * blank).sum())
    brink = _grow(blank, max(1, round(0.8 / scale))) & ~blank
    edge = float(own[brink].max()) if brink.any() else 0.0
    return [
        float(np.log10(lost / (total + lost) + 1e-3)) + 2,
        float(np.log10(edge / max(float(own.max()), 1e-3) + 1e-2)) + 1,
    ]


# scipy.ndimage has both, and takes longer to load than all of one galaxy takes to infer


def _blur(light: NDArray[np.floating], sigma: float) -> NDArray[np.floating]:
    """Return an image convolved with a Gaussian that ends at three sigma, mirrored at its edges."""
    blurred = light.astype(np.float64)
    for _ in range(2):  # rows, then columns
        blurred = (_gaussian_matrix(len(blurred), sigma) @ blurred).T
    return blurred.astype(light.dtype)


@lru_cache(maxsize=16)
def _gaussian_matrix(size: int, sigma: float) -> NDArray[np.float64]:
    """Return what blurs columns of pixels; images of a survey are equally large."""
    reach = int(3 * sigma + 0.5)
    offset = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offset / sigma) ** 2)
    kernel /= kernel.sum()
    place = (np.arange(size)[:, None] + offset) % (2 * size)
    mirrored = np.minimum(place, 2 * size - 1 - place)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], mirrored), kernel)
    return matrix


def _grow(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Return a mask grown so often by the four neighbours of its pixels."""
    grown = mask.copy()
    for _ in range(steps):
        before = grown.copy()
        grown[1:] |= before[:-1]
        grown[:-1] |= before[1:]
        grown[:, 1:] |= before[:, :-1]
        grown[:, :-1] |= before[:, 1:]
    return grown
