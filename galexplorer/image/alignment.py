"""Bands onto one grid."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from astropy.coordinates import ConvertError
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS, NoConvergence, WcsError
from astropy.wcs.utils import pixel_to_pixel
from reproject import reproject_interp
from scipy import ndimage

from galexplorer.errors import InputError

MAX_RESIDUAL_PX = 0.05
"""Largest error of the affine map, and smallest displacement that is worth resampling."""

_SAMPLES = 17
_SCALE_RANGE = (0.5, 1.5)
_COORDINATE_ERRORS = (
    NoConvergence,
    WcsError,
    ConvertError,
    ValueError,
    ArithmeticError,
    UserWarning,  # no convergence
)


def align(
    data: np.ndarray, source: WCS, target: WCS, shape: tuple[int, int]
) -> tuple[np.ndarray, str | None]:
    """Put an image on another grid by cubic splines; surface brightness is kept.

    Over a field the map between two gnomonic projections of nearly the same orientation is
    affine to far better than a pixel, so the coordinates are transformed on a coarse net
    only. A displacement of whole pixels is a copy, which leaves the noise as it is.

    Parameters
    ----------
    data : ndarray, shape (h, w), float32
        NaN where unmeasured; at least one pixel is measured.
    source, target : astropy.wcs.WCS
        Celestial coordinates of `data` and of the grid wanted.
    shape : tuple of int
        Rows and columns of the grid wanted.

    Returns
    -------
    aligned : ndarray, shape `shape`, float32
        NaN outside `data`; all NaN where the fields do not overlap.
    resampler : str or None
        Words for how it was resampled; None where no pixel changed its value.

    Raises
    ------
    InputError
        If the coordinates cannot be transformed, or pixel sizes differ too much to interpolate.
    """
    try:
        points, mapped = _sample_map(source, target, shape)
        design = np.column_stack([points, np.ones(len(points))])
        # A net that reaches beyond the horizon of the projection is not affine.
        affine = np.isfinite(mapped).all()
        solution = np.linalg.lstsq(design, mapped, rcond=None)[0] if affine else np.zeros((3, 2))
        if not affine or np.abs(design @ solution - mapped).max() > MAX_RESIDUAL_PX:
            return _reproject(data, source, target, shape)
    except _COORDINATE_ERRORS as error:
        raise InputError(
            "The bands cannot be aligned by their coordinates: give them on one grid."
        ) from error
    matrix, offset = solution[:2].T, solution[2]
    scale = math.sqrt(abs(float(np.linalg.det(matrix))))
    if not _SCALE_RANGE[0] <= scale <= _SCALE_RANGE[1]:
        raise InputError(
            f"The bands' pixel scales differ by a factor {max(scale, 1 / scale):.1f}: "
            "rebin them to one pixel scale first."
        )
    shift = np.round(offset + (matrix - np.eye(2)) @ points.mean(axis=0)).astype(int)
    if np.abs(mapped - points - shift).max() < MAX_RESIDUAL_PX:
        return _shift(data, shift, shape), None
    filled, gaps = _fill_gaps(data)
    aligned = ndimage.affine_transform(
        filled, matrix, offset, output_shape=shape, output=np.float32, order=3, cval=np.nan
    )
    if gaps is not None:
        touched = ndimage.affine_transform(
            gaps, matrix, offset, output_shape=shape, output=np.float32, order=1, cval=1.0
        )
        aligned[touched > 1e-3] = np.nan
    return aligned, "cubic spline on an affine map"


def _sample_map(source: WCS, target: WCS, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return (row, column) of a net over the target, and the same points in the source."""
    rows = np.linspace(0, shape[0] - 1, _SAMPLES)
    columns = np.linspace(0, shape[1] - 1, _SAMPLES)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    with _quiet():
        columns, rows = pixel_to_pixel(target, source, grid[:, 1], grid[:, 0])
    return grid, np.column_stack([rows, columns])


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what is said of points beyond a projection's horizon: they become NaN.

    A distortion whose inverse does not converge is an error, though astropy only warns.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.filterwarnings("error", ".*failed to converge", UserWarning)
        yield


def _shift(data: np.ndarray, shift: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Copy `data` so that row y of the result is row y + shift of the source."""
    aligned = np.full(shape, np.nan, np.float32)
    target, source = [], []
    for step, wanted, given in zip(shift, shape, data.shape, strict=True):
        start, stop = max(0, -step), min(wanted, given - step)
        if stop <= start:
            return aligned
        target.append(slice(start, stop))
        source.append(slice(start + step, stop + step))
    aligned[tuple(target)] = data[tuple(source)]
    return aligned


def _fill_gaps(data: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Put the nearest measured value into unmeasured pixels: a spline spreads NaN everywhere."""
    gaps = np.isnan(data)
    if not gaps.any():
        return data, None
    nearest = ndimage.distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return data[tuple(nearest)], gaps.astype(np.float32)


def _reproject(
    data: np.ndarray, source: WCS, target: WCS, shape: tuple[int, int]
) -> tuple[np.ndarray, str]:
    filled, gaps = _fill_gaps(data)
    with _quiet():
        aligned = reproject_interp(
            (filled, source), target, shape_out=shape, order="bicubic", return_footprint=False
        ).astype(np.float32)
        if gaps is not None:
            touched = reproject_interp(
                (gaps, source), target, shape_out=shape, order="bilinear", return_footprint=False
            )
            aligned[~(touched < 1e-3)] = np.nan
    return aligned, "bicubic interpolation on the exact map"
