"""Images of galaxies and of everything else, as rows that the classifier of images learns from."""

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Integer, Shaped, UInt8

from galexplorer.console import track
from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION, split_of, split_of_key
from galexplorer.errors import InputError, TargetError
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.image.quality import image_quality
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.observed.jpeg_sets import SCALES_ARCSEC
from galexplorer.screening import corruptions

_NOT_GALAXIES = "more/not_galaxies"
_NOT_GALAXIES_ARCSEC = 0.188
_NOMINAL_ARCSEC = 0.396
_FAINTEST_MAG = 17.77
_COUNTS_SLOPE = 0.5  # log10 of galaxies by magnitude, with the large ones' field in mind
_SCALE_LIMITS_ARCSEC = (0.15, 1.2)
_SHARE = {TRAIN: 0.35, VALIDATION: 1.0, TEST: 1.0}
_SHARE_UNKNOWN_SCALE = {TRAIN: 0.15, VALIDATION: 0.4, TEST: 0.5}
_ALL_TYPES = "sdss_stripe"
_TELL_SCALE = ("scale_2", "scale_half", "psf_wide", "psf_narrow")
_CORRUPTED = {TRAIN: 450, VALIDATION: 100, TEST: 200}
_REAL_NEGATIVES = {"bad sky": "artefact", "glow": "saturated", "empty centre": "artefact"}

CORRUPTIONS = (
    "swapped_bands", "units_10", "units_1000", "scale_2", "scale_half", "psf_wide", "psf_narrow",
    "cut_off", "trail",
)  # fmt: skip
"""Made from images of galaxies."""

INVENTED = ("star", "saturated_star", "noise", "drawing")
"""Made from nothing but numbers."""

CLASS_OF = {
    "galaxy": "galaxy",
    "swapped_bands": "bands",
    "units_10": "units",
    "units_1000": "units",
    "scale_2": "scale",
    "scale_half": "scale",
    "psf_wide": "scale",
    "psf_narrow": "scale",
    "cut_off": "cut_off",
    "trail": "artefact",
    "star": "star",
    "saturated_star": "saturated",
    "noise": "artefact",
    "drawing": "picture",
    "bad sky": "artefact",
    "empty centre": "artefact",
    "glow": "saturated",
}
"""The class of each kind of image, of `galexplorer.verdict.classifiers.IMAGE_CLASSES`."""


class Task(NamedTuple):
    """One image to make.

    Attributes
    ----------
    kind : str
        A key of `CLASS_OF`.
    split : int
    group : str
        The set, and what is known of the galaxy's type.
    path : Path or None
    scale_arcsec : float
        NaN where the galaxy's size is to be drawn.
    seed : int
    linear : bool
        Give it as linear pixels.
    """

    kind: str
    split: int
    group: str
    path: Path | None
    scale_arcsec: float
    seed: int
    linear: bool


@dataclass(frozen=True)
class ScreeningImages:
    """Images as the classifier sees them; those that cannot be measured are refused already.

    Attributes
    ----------
    grid : ndarray, shape (n, 3, 64, 64), uint8
    pixel_scale : ndarray, shape (n,)
    quality : ndarray, shape (n, q)
        See `galexplorer.image.quality`.
    measured : ndarray, shape (n, 5)
        g, r, i, and Petrosian r50, r90; NaN where unknown.
    linear : ndarray of bool, shape (n,)
    kind, group : ndarray of str, shape (n,)
    split : ndarray, shape (n,)
    refused : dict of tuple to int
        Number of images by kind and split in which nothing could be measured.
    """

    grid: UInt8[np.ndarray, "n 3 64 64"]
    pixel_scale: Float[np.ndarray, " n"]
    quality: Float[np.ndarray, "n q"]
    measured: Float[np.ndarray, "n 5"]
    linear: Shaped[np.ndarray, " n"]
    kind: Shaped[np.ndarray, " n"]
    group: Shaped[np.ndarray, " n"]
    split: Integer[np.ndarray, " n"]
    refused: dict[tuple[str, int], int]

    def __len__(self) -> int:
        return len(self.kind)


def list_galaxies(data: Path) -> list[Task]:
    """Return every real image of a galaxy whose field shows the sky around it."""
    tasks = []
    for name, scale in SCALES_ARCSEC.items():
        labels = pd.read_csv(data / name / "labels.csv")
        for k, row in enumerate(labels.itertuples()):
            dwarf = row.log_mstar < 9 or row.z_spec < 0.008
            group = f"{name}/{'dwarf' if dwarf else 'edge_on' if row.logr25 > 0.5 else 'other'}"
            split = split_of(row.ra, row.dec)
            tasks.append(Task("galaxy", split, group, data / name / row.file, scale, k, False))
    classes = ("elliptical", "spiral", "spiral", "edge_on", "unknown", "merger")
    labels = pd.read_csv(data / "gz1_jpeg" / "labels.csv")
    for k, row in enumerate(labels.itertuples()):
        split = split_of_key(f"gz1_jpeg/{row.file}")
        path = data / "gz1_jpeg" / row.file
        tasks.append(Task("galaxy", split, f"gz1/{classes[row.gz1_class]}", path, np.nan, k, False))
    for k, path in enumerate(sorted((data / "gz2_jpeg").glob("*.jpg"))):
        split = split_of_key(f"gz2_jpeg/{path.name}")
        tasks.append(Task("galaxy", split, "gz2/other", path, np.nan, k, False))
    return tasks


def of_known_scale(group: str) -> bool:
    """Return whether galaxies of a group were given the scale that their image has."""
    return not group.startswith("gz")


def list_tasks(data: Path, splits: Sequence[int], seed: int = 0) -> list[Task]:
    """Return the images to make of some splits: galaxies, corrupted ones, and what is none.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    splits : sequence of int
    seed : int
    """
    rng = np.random.default_rng(seed)
    real = list_galaxies(data)
    table = pd.read_csv(data / _NOT_GALAXIES / "labels.csv")
    tasks = []
    for split in splits:
        mine = [task for task in real if task.split == split]
        kept = [task for task in mine if rng.random() < _share_of(task)]
        tasks += kept
        tasks += [task._replace(linear=True) for task in kept if rng.random() < 0.4]
        known = [task for task in mine if np.isfinite(task.scale_arcsec)]
        for kind in CORRUPTIONS:
            sources = known if kind in _TELL_SCALE else mine
            for k in rng.choice(len(sources), _CORRUPTED[split]):
                linear = kind.startswith("units") or rng.random() < 0.4
                changed = {"kind": kind, "linear": linear, "seed": int(rng.integers(2**31))}
                tasks.append(sources[k]._replace(**changed))
        for kind in INVENTED:
            for _ in range(_CORRUPTED[split]):
                own = int(rng.integers(2**31))
                tasks.append(Task(kind, split, kind, None, np.nan, own, False))
        for row in table.itertuples():
            if split_of(row.ra, row.dec) == split:
                path = data / _NOT_GALAXIES / row.file
                task = Task(row.kind, split, row.kind, path, _NOT_GALAXIES_ARCSEC, 0, False)
                tasks += [task, task._replace(linear=True)]
    return tasks


def _share_of(task: Task) -> float:
    if task.group.startswith(_ALL_TYPES):
        return 1.0
    return (_SHARE if np.isfinite(task.scale_arcsec) else _SHARE_UNKNOWN_SCALE)[task.split]


def make_images(
    tasks: Sequence[Task],
    stars: Float[np.ndarray, "m 3"],
    workers: int = 1,
    title: str = "images to screen",
) -> ScreeningImages:
    """Make, measure and cut images.

    Parameters
    ----------
    tasks : sequence of Task
    stars : ndarray, shape (m, 3)
        Magnitudes of stars in g, r, i, whose colours invented ones have.
    workers : int
    title : str

    Returns
    -------
    ScreeningImages
    """
    global _STARS
    _STARS = stars
    rows, refused, kept = [], {}, []
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        made = pool.imap(_make, tasks, chunksize=32)
        for task, row in zip(tasks, track(made, title, len(tasks)), strict=True):
            if row is None:
                key = (task.kind, task.split)
                refused[key] = refused.get(key, 0) + 1
            else:
                rows.append(row)
                kept.append(task)
    grid, scale, quality, measured = (np.stack(part) for part in zip(*rows, strict=True))
    return ScreeningImages(
        grid,
        scale,
        quality,
        measured,
        np.array([task.linear for task in kept]),
        np.array([task.kind for task in kept]),
        np.array([task.group for task in kept]),
        np.array([task.split for task in kept], np.uint8),
        refused,
    )


_STARS = np.empty((0, 3))


def _make(task: Task) -> tuple[np.ndarray, ...] | None:
    rng = np.random.default_rng((task.seed, task.split))
    try:
        return row_of(_pixels(task, rng))
    except (InputError, TargetError):
        return None


def row_of(
    pixels: Pixels, ra: float | None = None, dec: float | None = None
) -> tuple[np.ndarray, ...]:
    """Return grid, pixel scale, quality and photometry of what is at the centre, or a position."""
    observation = observe(pixels, None, ra, dec)
    cutout, photometry = observation.cutout, observation.photometry
    assert cutout is not None  # there were pixels
    quality = image_quality(
        cutout.native, cutout.native_pixel_scale_arcsec, cutout.petrosian_radius_arcsec
    )
    numbers = [photometry.magnitudes.get(band, np.nan) for band in "gri"]
    numbers += [photometry.petro_r50 or np.nan, photometry.petro_r90 or np.nan]
    return (
        cutout.grid,
        np.float32(cutout.pixel_scale_arcsec),
        quality,
        np.array(numbers, np.float32),
    )


def _pixels(task: Task, rng: np.random.Generator) -> Pixels:
    if task.path is None:
        return _invented(task.kind, rng)
    pixels = _read(task)
    if task.linear:
        pixels = corruptions.as_linear(pixels)
    change = _CHANGES.get(task.kind)
    return pixels if change is None else change(pixels, rng)


def _read(task: Task) -> Pixels:
    """Read a picture; of unknown scale, it gets one that makes the galaxy as bright as real ones.

    Surface brightness is what a composite shows, so size and magnitude go together.
    """
    if np.isfinite(task.scale_arcsec):
        return read_image(task.path, pixel_scale_arcsec=task.scale_arcsec)
    pixels = read_image(task.path, pixel_scale_arcsec=_NOMINAL_ARCSEC)
    own = np.random.default_rng(abs(hash_of(task.path.name)))
    wanted = max(13.0, _FAINTEST_MAG + np.log10(own.random()) / _COUNTS_SLOPE)
    factor = 10 ** (0.2 * (measure(pixels).magnitudes["r"] - wanted))
    scale = float(np.clip(_NOMINAL_ARCSEC * factor, *_SCALE_LIMITS_ARCSEC))
    return corruptions.mistake_scale(pixels, scale / _NOMINAL_ARCSEC)


def hash_of(name: str) -> int:
    """Return a number that hangs on nothing but a name."""
    return int.from_bytes(name.encode()[-8:], "big")


def _invented(kind: str, rng: np.random.Generator) -> Pixels:
    if kind == "noise":
        return corruptions.noise(rng)
    if kind == "drawing":
        return corruptions.drawing(rng)
    saturated = kind == "saturated_star"
    r = rng.uniform(7, 13.5) if saturated else rng.uniform(13.5, 19.5)
    gri = _STARS[rng.integers(len(_STARS))]
    return corruptions.star(rng, gri - gri[1] + r, saturated)


def _cut_off(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    found = measure(pixels)
    radius = found.petrosian_radius_arcsec or 0.5 * found.aperture_arcsec
    distance_arcsec = rng.uniform(0.1, 0.7) * radius
    return corruptions.cut_off(pixels, distance_arcsec / pixels.pixel_scale_arcsec, rng)


_CHANGES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "swapped_bands": lambda pixels, rng: corruptions.swap_bands(pixels),
    "units_10": lambda pixels, rng: corruptions.scale_flux(pixels, rng.choice([0.1, 10.0])),
    "units_1000": lambda pixels, rng: corruptions.scale_flux(pixels, rng.choice([0.001, 1000.0])),
    "scale_2": lambda pixels, rng: corruptions.mistake_scale(pixels, 2.0),
    "scale_half": lambda pixels, rng: corruptions.mistake_scale(pixels, 0.5),
    "psf_wide": lambda pixels, rng: corruptions.widen_psf(pixels, rng),
    "psf_narrow": lambda pixels, rng: corruptions.narrow_psf(pixels),
    "cut_off": _cut_off,
    "trail": lambda pixels, rng: corruptions.draw_trail(pixels, rng),
}
