"""What a cutout shows besides a galaxy: noise, resolution, saturation, edges, colours.

Numbers on one scale for FITS and JPEG, because both are composites here. Lengths are arcseconds:
SDSS's seeing of 1.3 arcsec and its noise are the same in every image of its own, whatever the
galaxy. The classifier of `galexplorer.verdict.classifiers` judges by them.
"""

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import NDArray

from galexplorer.image import texture
from galexplorer.records.observation import Cutout

LAGS_ARCSEC = (0.4, 0.8, 1.6, 3.2)
RADII_ARCSEC = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 22.0)
_LARGEST_PX = 160
_SATURATED = 250
_BLANK_LEVELS = 2
_FEWEST_LINES = 3
_STEEP = 40.0
_COLOUR_FLOOR = 0.02
_BORDER = 0.14

NAMES = (
    "log_petrosian",
    "has_petrosian",
    "blank",
    "blank_side",
    "saturated",
    "saturated_centre",
    "column_contrast",
    "row_contrast",
    *(f"border_{channel}" for channel in "irg"),
    *(f"border_noise_{channel}" for channel in "irg"),
    *(f"border_lag_{lag}" for lag in LAGS_ARCSEC),
    *(f"core_lag_{lag}" for lag in LAGS_ARCSEC),
    *(f"profile_{radius}" for radius in RADII_ARCSEC[:-1]),
    *(f"ring_{radius}" for radius in RADII_ARCSEC[:-1]),
    *(f"colour_{pair}_{place}" for place in ("core", "disc") for pair in ("ir", "rg")),
    "correlation_ir",
    "correlation_rg",
    "asymmetry",
    "flat",
    "few_colours",
    *texture.NAMES,
)
"""Names of the numbers of `image_quality`, in their order."""


def image_quality(
    native: UInt8[np.ndarray, "3 h w"],
    pixel_scale_arcsec: float,
    petrosian_radius_arcsec: float | None,
) -> Float32[np.ndarray, f"{len(NAMES)}"]:
    """Return what a cutout shows besides a galaxy.

    Parameters
    ----------
    native : ndarray, shape (3, h, w), uint8
        Composite, channels i, r, g, as `galexplorer.image.cutout.cut` returns it: the galaxy is
        at the centre.
    pixel_scale_arcsec : float
        Side of its pixel.
    petrosian_radius_arcsec : float or None

    Returns
    -------
    ndarray, shape (`len(NAMES)`,), float32
        Finite, of order one.
    """
    blank_px = np.all(native <= _BLANK_LEVELS, axis=0)
    side = max(native.shape[1:])
    field = side * pixel_scale_arcsec
    levels: NDArray[np.floating] = native.astype(np.float32) / 255
    step = -(-side // _LARGEST_PX)
    if step > 1:
        height, width = (length // step * step for length in native.shape[1:])
        blocks = levels[:, :height, :width].reshape(3, height // step, step, width // step, step)
        levels = blocks.mean(axis=(2, 4), dtype=np.float32)
        blank_px = blank_px[:height:step, :width:step]
        pixel_scale_arcsec *= step
    light = levels.mean(axis=0)
    height, width = light.shape
    y, x = np.ogrid[:height, :width]
    radius = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2) * pixel_scale_arcsec
    margin = max(2, int(_BORDER * min(height, width)))
    border = np.ones(light.shape, bool)
    border[margin:-margin, margin:-margin] = False
    edges, depth = _blank_edges(blank_px)
    border &= ~edges
    if border.sum() < 20:
        border = ~edges if (~edges).sum() >= 20 else np.ones(light.shape, bool)
    size = petrosian_radius_arcsec or 0.3 * field
    core = radius <= max(1.5, 0.25 * size)
    disc = (radius > max(1.5, 0.25 * size)) & (radius <= size)
    profile, rings = _profile(light, radius, ~edges)
    saturated = np.any(levels * 255 >= _SATURATED, axis=0)
    turned = light[::-1, ::-1]
    inside = radius <= size
    sky = float(np.median(light[border]))
    brightness = light[inside] - sky
    return np.nan_to_num(
        np.array(
            [
                np.log10(size / 6),
                petrosian_radius_arcsec is not None,
                edges.mean(),
                depth,
                np.sqrt(saturated.mean()),
                saturated[core].mean(),
                _contrast(light, 0),
                _contrast(light, 1),
                *(np.log10(np.median(levels[:, border], axis=1) + 0.004) + 1.5),
                *(np.log10(_differences(plane, 1, border) + 0.001) + 1.5 for plane in levels),
                *_structure(light, pixel_scale_arcsec, border, 0.004),
                *_structure(light, pixel_scale_arcsec, core, 0.004),
                *np.log10(profile + 0.01),
                *np.log10(rings + 0.003),
                *_colours(levels, core),
                *_colours(levels, disc if disc.any() else core),
                _correlation(levels[0], levels[1]),
                _correlation(levels[1], levels[2]),
                np.abs(light - turned)[inside].mean() / max(float(np.abs(brightness).mean()), 0.01),
                (np.abs(np.diff(light, axis=1)) < 1 / 800).mean(),
                np.log10(_number_of_colours(native[:, ::step, ::step])),
                *texture.texture(light, pixel_scale_arcsec, size, edges, sky),
            ],
            np.float32,
        ),
        nan=0.0,
    )  # fmt: skip


def quality_of(cutout: Cutout) -> Float32[np.ndarray, f"{len(NAMES)}"]:
    """Return `image_quality` of a cutout."""
    return image_quality(
        cutout.native, cutout.native_pixel_scale_arcsec, cutout.petrosian_radius_arcsec
    )


def _blank_edges(blank: Bool[np.ndarray, "h w"]) -> tuple[Bool[np.ndarray, "h w"], float]:
    """Return the rows and columns at the edges that hold nothing, and the deepest as a share."""
    out, depth = np.zeros_like(blank), 0.0
    for axis in (0, 1):
        filled = np.flatnonzero(blank.mean(axis=1 - axis) <= 0.97)
        number = blank.shape[axis]
        first, last = (filled[0], filled[-1] + 1) if len(filled) else (number, number)
        lines = np.zeros(number, bool)
        lines[:first] = lines[last:] = True
        out |= lines[:, None] if axis == 0 else lines[None]
        deepest = max(first, number - last)
        depth = max(depth, deepest / number if deepest >= _FEWEST_LINES else 0.0)
    return out, float(depth)


def _profile(
    light: NDArray[np.floating], radius: NDArray[np.floating], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return mean and scatter of the light in rings; a ring outside the image repeats the last."""
    ring = np.digitize(radius, RADII_ARCSEC[1:])
    number = len(RADII_ARCSEC) - 1
    chosen = usable & (ring < number)
    index, values = ring[chosen], light[chosen].astype(float)
    count = np.bincount(index, minlength=number)
    mean = np.bincount(index, values, minlength=number) / np.maximum(count, 1)
    square = np.bincount(index, values**2, minlength=number) / np.maximum(count, 1)
    scatter = np.sqrt(np.maximum(square - mean**2, 0))
    for k in range(number):
        if count[k] == 0:
            mean[k], scatter[k] = (mean[k - 1], scatter[k - 1]) if k else (light.max(), 0.0)
    return mean, scatter


def _differences(
    plane: NDArray[np.floating], lag: int, where: NDArray[np.bool_], most: float = 0.08
) -> float:
    """Return the mean difference of pixels a lag apart, large ones cut off."""
    found = []
    for axis in (0, 1):
        if plane.shape[axis] <= lag:
            continue
        along = (slice(None),) * axis
        first, second = plane[*along, lag:], plane[*along, :-lag]
        here = where[*along, lag:]
        if here.any():
            found.append(np.minimum(np.abs(first - second)[here], most).mean())
    return float(np.mean(found)) if found else 0.0


def _structure(
    light: NDArray[np.floating], scale: float, where: NDArray[np.bool_], floor: float
) -> list[float]:
    """Return the structure function at `LAGS_ARCSEC`, as logarithms."""
    middle = float(np.median(light[where])) if where.any() else 0.0
    found = []
    for lag in LAGS_ARCSEC:
        step = lag / scale
        low = max(1, int(step))
        most = 1.0
        first = _differences(light, low, where, most)
        second = _differences(light, low + 1, where, most)
        share = float(np.clip(step - low, 0, 1))
        # shorter than a pixel: what neighbours differ by, in proportion
        value = first * min(step, 1.0) if step < 1 else (1 - share) * first + share * second
        found.append(float(np.log10(value + floor) - 0.5 * np.log10(middle + 0.02)))
    return found


def _contrast(light: NDArray[np.floating], axis: int) -> float:
    """Return how far the brightest row or column stands above its neighbours' median."""
    mean = np.median(light, axis=axis)
    return float(min(_STEEP, (mean.max() - np.median(mean)) / 0.05))


def _colours(levels: NDArray[np.floating], where: NDArray[np.bool_]) -> list[float]:
    """Return log ratios of the channels in a region."""
    mean = levels[:, where].mean(axis=1) + _COLOUR_FLOOR
    return [float(np.log10(mean[0] / mean[1]) * 5), float(np.log10(mean[1] / mean[2]) * 5)]


def _correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    one, two = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float((one * two).sum() / norm) if norm > 0 else 1.0


def _number_of_colours(native: UInt8[np.ndarray, "3 h w"]) -> int:
    coarse = (native >> 3).astype(np.int32)
    return len(np.unique(coarse[0] << 10 | coarse[1] << 5 | coarse[2]))
