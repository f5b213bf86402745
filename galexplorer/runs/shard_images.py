"""Images of many galaxies in one file: a row of a shard, named ``cutouts.safetensors[17]``."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from safetensors import SafetensorError, safe_open

from galexplorer.errors import InputError
from galexplorer.image.pixels import Pixels
from galexplorer.records.observation import Cutout, Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import IMAGE_BANDS

SHARD = re.compile(r"(?P<path>.*\.safetensors)\[(?P<row>\d{1,12})\]", re.S)
_MOST_PIXELS = 2048
_ORIGINS = {1: "fits", 2: "jpeg"}


def count_images(path: Path) -> int:
    """Return how many images a shard has.

    Raises
    ------
    InputError
        If it is none.
    """
    shard = _open(str(path))
    return shard.get_slice(_kind_of(shard, str(path))).get_shape()[0]


def read_shard(source: str, pixel_scale_arcsec: float | None) -> Pixels | Observation:
    """Read an image of a shard.

    A shard is a safetensors file. Its images are an array ``flux`` (n, 3, h, w), float32,
    nanomaggies per pixel in g, r, i; or an array ``grid`` (n, 3, 64, 64), uint8, on the model's
    grid, as training sets have it. Beside it may stand ``pixel_scale`` (n,), arcsec; beside a grid
    also ``origin`` (n,), 1 for linear pixels and 2 for a JPEG, and what was measured:
    ``measured_mag`` and ``measured_err`` (n, 3), ``measured_petro`` (n, 2), arcsec.

    Parameters
    ----------
    source : str
        Which matches `SHARD`.
    pixel_scale_arcsec : float, optional
        Overrules that of the shard.

    Returns
    -------
    Pixels or Observation
        Pixels that are to be measured, or what was made of them before, with the photometry that
        was measured.

    Raises
    ------
    InputError
        If it is no such file, or has no such row.
    """
    match = SHARD.fullmatch(source)
    assert match is not None
    row = int(match["row"])
    shard = _open(match["path"])
    kind = _kind_of(shard, match["path"])
    try:
        values = {name: _row_of(shard, name, row) for name in shard.keys()}  # noqa: SIM118
    except (SafetensorError, IndexError) as error:
        raise InputError(f"{source} has no such row: rows count from [0].") from error
    image = np.asarray(values[kind])
    stated = values.get("pixel_scale")
    scale = pixel_scale_arcsec or (None if stated is None else float(stated))
    if scale is None or not 0.01 <= scale <= 60:
        raise InputError(f"{source} has no pixel scale: state its pixel scale, in arcsec.")
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    if kind == "flux":
        return Pixels(np.ascontiguousarray(image, np.float32), scale, "fits", digest)
    return _observe_grid(image, scale, digest, values)


def join_catalogue(observed: Observation, given: Photometry) -> Observation:
    """Return an observation with a catalogue's photometry where that has any of g, r, i.

    One source for all magnitudes and one for both radii, as
    `galexplorer.inference.observe.observe` has it.
    """
    measured = observed.photometry
    sized = given.petro_r50 is not None and given.petro_r90 is not None
    if not any(band in given.magnitudes for band in IMAGE_BANDS):
        return observed
    joined = replace(
        given,
        kind="catalogue",
        petro_r50=given.petro_r50 if sized else measured.petro_r50,
        petro_r90=given.petro_r90 if sized else measured.petro_r90,
        petro_kind="catalogue" if sized else measured.petro_kind,
    )
    return replace(observed, photometry=joined)


def _open(path: str) -> Any:  # noqa: ANN401
    """Open a file for one row: it stays mapped while it is open, and counts as memory in use."""
    try:
        return safe_open(path, framework="numpy")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as safetensors ({error}).") from error


def _kind_of(shard: Any, path: str) -> str:  # noqa: ANN401
    for kind in ("flux", "grid"):
        if kind not in shard.keys():  # noqa: SIM118
            continue
        part = shard.get_slice(kind)
        shape, dtype = part.get_shape(), part.get_dtype()
        sized = len(shape) == 4 and shape[1] == 3 and max(shape[2:]) <= _MOST_PIXELS
        if kind == "flux" and sized and dtype in ("F32", "F16", "F64"):
            return kind
        if kind == "grid" and shape[1:] == [3, 64, 64] and dtype == "U8":
            return kind
        break
    raise InputError(
        f"{path} has no images: give an array flux (n, 3, h, w) of floats, at most "
        f"{_MOST_PIXELS} pixels wide, or grid (n, 3, 64, 64) of uint8."
    )


_KNOWN = ("flux", "grid", "pixel_scale", "origin", "has_image")
_MEASURED = ("measured_mag", "measured_err", "measured_petro")


def _row_of(shard: Any, name: str, row: int) -> np.ndarray | np.generic | None:  # noqa: ANN401
    if name not in (*_KNOWN, *_MEASURED):
        return None
    part = shard.get_slice(name)
    if row >= part.get_shape()[0]:
        raise IndexError
    return np.asarray(part[row : row + 1])[0, ...]


def _observe_grid(
    grid: UInt8[np.ndarray, "3 64 64"], scale: float, digest: str, values: dict
) -> Observation:
    if not grid.any():
        raise InputError("The row of the shard has no image: its pixels are zero.")
    magnitudes, errors, radii = (_numbers(values.get(name)) for name in _MEASURED)
    known = dict(zip(IMAGE_BANDS, magnitudes, strict=False))
    known = {band: m for band, m in known.items() if np.isfinite(m)}
    spread = dict(zip(IMAGE_BANDS, errors, strict=False))
    sized = len(radii) == 2 and bool(np.isfinite(radii).all())
    photometry = Photometry(
        kind="measured" if known else "none",
        magnitudes=known,
        errors={band: e for band, e in spread.items() if band in known and np.isfinite(e)},
        petro_r50=radii[0] if sized else None,
        petro_r90=radii[1] if sized else None,
        petro_kind="measured" if sized else "none",
    )
    cutout = Cutout(np.ascontiguousarray(grid), scale, np.ascontiguousarray(grid), scale)
    origin = _ORIGINS.get(int(values["origin"]) if values.get("origin") is not None else 1, "fits")
    return Observation(cutout, photometry, (), digest, origin)


def _numbers(values: Float[np.ndarray, " n"] | None) -> list[float]:
    return [] if values is None else [float(value) for value in values]
