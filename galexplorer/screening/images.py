"""Images of galaxies and of everything else, as rows that the classifier of images learns from."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from jaxtyping import Float

from galexplorer.console import track
from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION, split_of, split_of_key
from galexplorer.errors import InputError, TargetError
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.observed.jpeg_sets import SCALES_ARCSEC
from galexplorer.records.observation import Observation
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC
from galexplorer.screening import corruptions
from galexplorer.screening.tables import Stock
from galexplorer.simulation.rendering import Galaxy, render

NEGATIVES = "more/not_galaxies"
RENDERED = "rendered"
"""Group of galaxies drawn from nothing but numbers, linear as SDSS's frames are."""

_SWAPPED_SET = "sdss_jpeg_labelled"
_SETS = {**SCALES_ARCSEC, _SWAPPED_SET: 0.1}
_NEGATIVES_ARCSEC = 0.188
_NOMINAL_ARCSEC = 0.396
_FAINTEST_MAG = 17.77
_COUNTS_SLOPE = 0.5  # log10 of galaxies by magnitude, with the large ones' field in mind
_SCALE_LIMITS_ARCSEC = (0.15, 1.2)
_SHARE = {TRAIN: 0.2, VALIDATION: 1.0, TEST: 0.6}
_SHARE_UNKNOWN_SCALE = {TRAIN: 0.08, VALIDATION: 0.2, TEST: 0.4}
_ALL_TYPES = "sdss_stripe"
_TELL_SCALE = ("scale_2", "scale_half", "psf_wide", "psf_narrow")
_CORRUPTED = {TRAIN: 160, VALIDATION: 50, TEST: 100}
_EARLY_UR = 2.22  # Strateva et al. 2001, astro-ph/0107201
_GZ1_CLASSES = ("elliptical", "spiral", "spiral", "edge_on", "unknown", "merger")

_REBINNED = {TRAIN: 800, VALIDATION: 400, TEST: 400}
_ZOOMED = {TRAIN: 800, VALIDATION: 400, TEST: 400}
_ZOOMS = (0.5, 2.0)
_DRAWN = {TRAIN: 700, VALIDATION: 500, TEST: 300}
_SHARE_SPOILT = 0.15  # of each kind, to galaxies that are drawn

Kept = TypeVar("Kept")

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
    rebinned : bool
        Average pixels two by two, to about the scale of SDSS's own frames.
    zoom : float
        By which a picture is resampled, its scale stated rightly.
    redshift : float
        NaN where unknown.
    """

    kind: str
    split: int
    group: str
    path: Path | None
    scale_arcsec: float
    seed: int
    linear: bool
    rebinned: bool = False
    zoom: float = 1.0
    redshift: float = np.nan


def list_galaxies(data: Path) -> list[Task]:
    """Return every real image of a galaxy whose field shows the sky around it."""
    tasks = []
    for name, scale in _SETS.items():
        labels = pd.read_csv(data / name / "labels.csv")
        labels = labels.reindex(columns=labels.columns.union(["logr25"]))
        dwarf = (labels.log_mstar < 9) | (labels.z_spec < 0.008)
        kinds = np.select([dwarf, labels.logr25 > 0.5], ["dwarf", "edge_on"], "other")
        for k, (file, split, kind, z) in enumerate(
            zip(labels.file, _splits(labels), kinds, labels.z_spec, strict=True)
        ):
            task = Task("galaxy", split, f"{name}/{kind}", data / name / str(file), scale, k, False)
            tasks.append(task._replace(redshift=float(z)))
    labels = pd.read_csv(data / "gz1_jpeg" / "labels.csv")
    kinds = np.array(_GZ1_CLASSES)[labels.gz1_class.to_numpy(int)]
    for k, (name, kind) in enumerate(zip(labels.file.astype(str), kinds, strict=True)):
        split = split_of_key(f"gz1_jpeg/{name}")
        path = data / "gz1_jpeg" / name
        tasks.append(Task("galaxy", split, f"gz1/{kind}", path, np.nan, k, False))
    for k, path in enumerate(sorted((data / "gz2_jpeg").glob("*.jpg"))):
        split = split_of_key(f"gz2_jpeg/{path.name}")
        tasks.append(Task("galaxy", split, "gz2/other", path, np.nan, k, False))
    return tasks


def _splits(table: pd.DataFrame) -> np.ndarray:
    places = zip(table.ra.to_numpy(float), table.dec.to_numpy(float), strict=True)
    return np.array([split_of(ra, dec) for ra, dec in places])


def scale_known(task: Task) -> bool:
    """Return whether an image was given the scale that it has."""
    return task.path is None or bool(np.isfinite(task.scale_arcsec))


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
    table = pd.read_csv(data / NEGATIVES / "labels.csv")
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
        for k in np.flatnonzero(_splits(table) == split):
            kind, path = str(table.kind[k]), data / NEGATIVES / str(table.file[k])
            task = Task(kind, split, kind, path, _NEGATIVES_ARCSEC, 0, False)
            tasks.append(task._replace(linear=bool(rng.random() < 0.4)))
    again = [
        task
        for split in splits
        for task in (
            *_rebinned([t for t in tasks if t.split == split], np.random.default_rng((seed, 1))),
            *_zoomed([t for t in tasks if t.split == split], np.random.default_rng((seed, 2))),
            *_drawn(split, np.random.default_rng((seed, 3, split))),
        )
    ]
    return [*tasks, *again]


def _rebinned(tasks: Sequence[Task], rng: np.random.Generator) -> list[Task]:
    """Return some of the tasks again, at the scale and linearity of SDSS's frames."""
    able = [task for task in tasks if task.path and scale_known(task)]
    chosen = _choose(able, _REBINNED, rng)
    return [task._replace(rebinned=True, linear=True) for task in chosen]


def _zoomed(tasks: Sequence[Task], rng: np.random.Generator) -> list[Task]:
    """Return some of the pictures again, resampled to other pixels."""
    able = [task for task in tasks if task.path and scale_known(task) and not task.linear]
    return [
        task._replace(
            zoom=float(np.exp(rng.uniform(*np.log(_ZOOMS)))), group=f"{task.group}/resampled"
        )
        for task in _choose(able, _ZOOMED, rng)
    ]


def _choose(tasks: Sequence[Task], number: dict[int, int], rng: np.random.Generator) -> list[Task]:
    """Choose tasks, half of them galaxies as they are."""
    galaxy = np.array([task.kind == "galaxy" for task in tasks])
    chance = np.where(galaxy, 0.5 / galaxy.sum(), 0.5 / (~galaxy).sum())
    size = min(number[tasks[0].split], len(tasks) // 2)
    return [tasks[k] for k in rng.choice(len(tasks), size, replace=False, p=chance)]


def _drawn(split: int, rng: np.random.Generator) -> list[Task]:
    """Return galaxies to render, plain and spoilt."""
    number = _DRAWN[split]
    kinds = ["galaxy"] * number
    kinds += [kind for kind in CORRUPTIONS for _ in range(round(_SHARE_SPOILT * number))]
    seeds = rng.integers(2**31, size=len(kinds)).tolist()
    return [
        Task(kind, split, RENDERED, None, SDSS_PIXEL_SCALE_ARCSEC, own, True)
        for kind, own in zip(kinds, seeds, strict=True)
    ]


def _share_of(task: Task) -> float:
    if task.group.startswith(_ALL_TYPES):
        return 1.0
    return (_SHARE if np.isfinite(task.scale_arcsec) else _SHARE_UNKNOWN_SCALE)[task.split]


def make_images(
    tasks: Sequence[Task],
    stock: Stock,
    keep: Callable[[Observation], Kept],
    workers: int = 1,
    title: str = "images to screen",
) -> Iterator[tuple[Task, Kept | None]]:
    """Make, measure and cut images, in their order.

    Parameters
    ----------
    tasks : sequence of Task
    stock : Stock
        Of what invented stars and galaxies are.
    keep : callable
        What to keep of each.
    workers : int
    title : str

    Yields
    ------
    Task
    Kept or None
        None where no galaxy could be measured, which a user is told.
    """
    make = partial(_make, stock, keep)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        made = pool.imap(make, tasks, chunksize=16)
        yield from zip(tasks, track(made, title, len(tasks)), strict=True)


def _make(stock: Stock, keep: Callable[[Observation], Kept], task: Task) -> Kept | None:
    rng = np.random.default_rng((task.seed, task.split))
    try:
        return keep(observe(_pixels(task, stock, rng), None))
    except (InputError, TargetError):
        return None


def _pixels(task: Task, stock: Stock, rng: np.random.Generator) -> Pixels:
    if task.group == RENDERED:
        pixels = _draw_galaxy(stock.galaxies, rng)
    elif task.path is None:
        return _invented(task.kind, stock.stars, rng)
    else:
        pixels = _read(task.path, task.scale_arcsec)
    if task.zoom != 1:
        pixels = corruptions.resample(pixels, task.zoom)
    if task.linear:
        pixels = corruptions.as_linear(pixels)
    change = _CHANGES.get(task.kind)
    made = pixels if change is None else change(pixels, rng)
    return corruptions.rebin(made) if task.rebinned else made


def _draw_galaxy(galaxies: Float[np.ndarray, "m 5"], rng: np.random.Generator) -> Pixels:
    """Render a galaxy of given g, r, i, size and u - r in the middle of a field."""
    g, r, i, r50, u_r = galaxies[rng.integers(len(galaxies))]
    early = bool(u_r > _EARLY_UR)
    galaxy = Galaxy(
        magnitudes=(float(g), float(r), float(i)),
        half_light_radius_arcsec=float(np.clip(r50, 0.8, 30)),
        concentration=float(np.clip(rng.normal(2.95 if early else 2.4, 0.25), 1.9, 3.6)),
        axis_ratio=float(rng.uniform(0.4 if early else 0.15, 1)),
        log_ssfr=-12.0 if early else -10.0,
        ebv=0.03,
    )
    flux = render(galaxy, rng)
    return Pixels(flux.astype(np.float32), SDSS_PIXEL_SCALE_ARCSEC, "fits", "")


def _read(path: Path, scale_arcsec: float) -> Pixels:
    """Read a picture; of unknown scale, it gets one that makes the galaxy as bright as real ones.

    Surface brightness is what a composite shows, so size and magnitude go together.
    """
    if np.isfinite(scale_arcsec):
        pixels = read_image(path, pixel_scale_arcsec=scale_arcsec)
        return corruptions.swap_bands(pixels) if path.parent.name == _SWAPPED_SET else pixels
    pixels = read_image(path, pixel_scale_arcsec=_NOMINAL_ARCSEC)
    own = np.random.default_rng(int.from_bytes(path.name.encode()[-8:], "big"))
    wanted = max(13.0, _FAINTEST_MAG + np.log10(own.random()) / _COUNTS_SLOPE)
    factor = 10 ** (0.2 * (measure(pixels).magnitudes["r"] - wanted))
    scale = float(np.clip(_NOMINAL_ARCSEC * factor, *_SCALE_LIMITS_ARCSEC))
    return corruptions.mistake_scale(pixels, scale / _NOMINAL_ARCSEC)


def _invented(kind: str, stars: np.ndarray, rng: np.random.Generator) -> Pixels:
    if kind == "noise":
        return corruptions.noise(rng)
    if kind == "drawing":
        return corruptions.drawing(rng)
    saturated = kind == "saturated_star"
    r = rng.uniform(7, 13.5) if saturated else rng.uniform(13.5, 19.5)
    gri = stars[rng.integers(len(stars))]
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
