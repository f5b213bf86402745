"""The training set's format: shards of equal-length arrays and a manifest.

Rendered galaxies, real JPEGs and tables without images share it. A shard is a safetensors
file; absent numbers are NaN. Arrays of a shard of n rows:

=================  ==============  =======================================================
grid               (n, 3, 64, 64)  uint8 composite, zeros where there is no image
has_image          (n,)            uint8
pixel_scale        (n,)            arcsec per grid pixel
origin             (n,)            uint8, 0 none, 1 fits, 2 jpeg
measured_mag       (n, 3)          g, r, i measured on the pixels; not dereddened
measured_err       (n, 3)
measured_petro     (n, 2)          r50, r90, arcsec
fibre_mag          (n, 3)          g, r, i within the 3 arcsec fibre, measured on the grid
catalogue_mag      (n, 5)          dereddened u, g, r, i, z
catalogue_err      (n, 5)
catalogue_petro    (n, 2)
targets            (n, 9)          in the order of the schema
label              (n, 9)          uint8, 0 no label, 1 measured, 2 imputed, 3 drawn from a
                                   measurement of low signal; a target without
                                   label may still hold a value, for those it is a parent of
catalogue_petro_mag  (n, 5)        dereddened Petrosian magnitudes, u to z
line_snr           (n, 4)          signal-to-noise ratios of the four lines in the spectrum
position           (n, 2)          ra, dec, degrees, float64
split              (n,)            uint8, 0 train, 1 validation, 2 test
kind               (n,)            uint8, 0 observed, 1 rendered, 2 transplant: a real galaxy's
                                   form with the light and the labels of another row
weight             (n,)            how often the row is drawn in training, mean about 1
=================  ==============  =======================================================

A set from the sky also has ``objid``, (n,), int64, SDSS's name of the galaxy; `read` leaves it.
A set made before there was ``kind`` is of one kind, which its manifest tells.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save_file

from galexplorer.errors import DataError

TRAIN, VALIDATION, TEST = 0, 1, 2
KINDS = ("observed", "rendered", "transplant")
OBSERVED, RENDERED, TRANSPLANT = 0, 1, 2

SHAPES: dict[str, tuple[tuple[int, ...], type]] = {
    "grid": ((3, 64, 64), np.uint8),
    "has_image": ((), np.uint8),
    "pixel_scale": ((), np.float32),
    "origin": ((), np.uint8),
    "measured_mag": ((3,), np.float32),
    "measured_err": ((3,), np.float32),
    "measured_petro": ((2,), np.float32),
    "fibre_mag": ((3,), np.float32),
    "catalogue_mag": ((5,), np.float32),
    "catalogue_err": ((5,), np.float32),
    "catalogue_petro": ((2,), np.float32),
    "targets": ((9,), np.float32),
    "label": ((9,), np.uint8),
    "catalogue_petro_mag": ((5,), np.float32),
    "line_snr": ((4,), np.float32),
    "position": ((2,), np.float64),
    "split": ((), np.uint8),
    "kind": ((), np.uint8),
    "weight": ((), np.float32),
}

LATER = {"catalogue_petro_mag": np.nan, "line_snr": np.nan, "fibre_mag": np.nan, "weight": 1.0}
"""Arrays that a set may lack, and what stands in their place then."""

Arrays = dict[str, np.ndarray]


def empty(size: int, with_grid: bool = True) -> Arrays:
    """Return arrays of `size` rows with nothing in them."""
    arrays: Arrays = {}
    for name, (shape, dtype) in SHAPES.items():
        if name == "grid" and not with_grid:
            continue
        floating = np.issubdtype(dtype, np.floating)
        # zeros take no memory until they are written
        arrays[name] = (
            np.full((size, *shape), LATER.get(name, np.nan), dtype)
            if floating
            else np.zeros((size, *shape), dtype)
        )
    return arrays


def concatenate(parts: Iterable[Arrays]) -> Arrays:
    """Join arrays row-wise."""
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def select(arrays: Arrays, rows: Shaped[np.ndarray, " rows"]) -> Arrays:
    """Return some rows."""
    return {name: values[rows] for name, values in arrays.items()}


def split_of(ra: float, dec: float, salt: str = "galexplorer") -> int:
    """Return the split of a position: a fifth test, a tenth validation, the rest training.

    Whole square degrees go together, so that one galaxy listed twice, with positions that
    differ a little, lands on one side.
    """
    return split_of_key(cell_of(ra, dec), salt)


def split_of_key(key: str, salt: str = "galexplorer") -> int:
    """Return the split of any name by its hash."""
    share = share_of_key(key, salt)
    return TEST if share < 0.2 else VALIDATION if share < 0.3 else TRAIN


def cell_of(ra: float, dec: float) -> str:
    """Return the name of the square degree that a position lies in."""
    row = int(np.floor(dec))
    column = int(np.floor(ra * np.cos(np.radians(row + 0.5))))
    return f"{row}/{column}"


def share_of_key(key: str, salt: str) -> float:
    """Return a number in 0..1 that hangs on nothing but a name."""
    digest = hashlib.sha256(f"{salt}:{key}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def splits_of(
    ra: Float[np.ndarray, " n"], dec: Float[np.ndarray, " n"], keys: Shaped[np.ndarray, " n"]
) -> UInt8[np.ndarray, " n"]:
    """Return the splits of rows by position, or by another key where there is none; (n,), uint8."""
    return np.array(
        [
            split_of(right, up) if np.isfinite(right) else split_of_key(str(key))
            for right, up, key in zip(ra, dec, keys, strict=True)
        ],
        np.uint8,
    )


def write_shard(path: Path, arrays: Arrays) -> None:
    """Write one shard so that it is either whole or absent."""
    temporary = path.with_suffix(".part")
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, str(temporary))
    os.replace(temporary, path)


def length_of(path: Path) -> int:
    """Return the number of rows of a shard, 0 where there is none."""
    if not path.exists():
        return 0
    with safe_open(path, "numpy") as shard:
        return shard.get_slice("split").get_shape()[0]


def kinds_of(path: Path) -> UInt8[np.ndarray, " n"]:
    """Return the kind of each row of a simulated shard."""
    with safe_open(path, "numpy") as shard:
        return shard.get_tensor("kind")


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write the manifest of a set; shards that are there count."""
    shards = sorted(folder.glob("shard-*.safetensors"))
    manifest = {
        **manifest,
        "format": 1,
        "shards": {s.name: hashlib.sha256(s.read_bytes()).hexdigest() for s in shards},
    }
    temporary = folder / "manifest.part"
    temporary.write_text(json.dumps(manifest, indent=2) + "\n")
    os.replace(temporary, folder / "manifest.json")


def read(folder: Path) -> tuple[Arrays, dict]:
    """Read a set.

    Returns
    -------
    arrays : dict of str to ndarray
    manifest : dict

    Raises
    ------
    DataError
        If the folder holds no finished set, a file is damaged or not the manifest's, or a shard
        lacks an array.
    """
    path = folder / "manifest.json"
    if not path.exists():
        raise DataError(
            f"{folder} holds no finished training set; run `galexplorer simulate` or "
            "`galexplorer dataset build` first."
        )
    try:
        manifest = json.loads(path.read_text())
        shards = [_read_shard(folder / name, digest) for name, digest in manifest["shards"].items()]
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise DataError(f"The set in {folder} is damaged ({error}); rebuild it.") from error
    kind = RENDERED if manifest.get("kind") == "rendered" else OBSERVED
    for shard in shards:
        for name in LATER.keys() - shard.keys():
            shape, dtype = SHAPES[name]
            shard[name] = np.full((len(shard["split"]), *shape), LATER[name], dtype)
        shard.setdefault("kind", np.full(len(shard["split"]), kind, np.uint8))
    for name in SHAPES:
        if not shards or any(name not in shard for shard in shards):
            raise DataError(f"The set in {folder} lacks {name}; rebuild it.")
    return concatenate({name: shard[name] for name in SHAPES} for shard in shards), manifest


def _read_shard(path: Path, digest: str) -> Arrays:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{path.name} is not the file that the manifest names")
    return load(content)
