"""Real galaxies as donors of morphology: cut out, neighbours and sky removed, linear.

Donors are unlabelled real JPEGs of the training split: none comes from validation or test, nor
from the images reserved for measuring realism.

The scale of Galaxy Zoo's images differs from galaxy to galaxy and is not told. It follows from
the survey's limit: counts rise so steeply with magnitude that nearly all galaxies lie within
half a magnitude of the sample's median, which fixes the scale to about a quarter.
"""

import hashlib
import io
import logging
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sep
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.ndimage import binary_dilation, gaussian_filter

from galexplorer.console import track
from galexplorer.datasets import shards
from galexplorer.errors import DataError, InputError, TargetError
from galexplorer.image.measure import Measurement, measure
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.simulation.jpeg_service import jpeg_service_of, linearise_jpeg

log = logging.getLogger(__name__)

KNOWN_SCALES_ARCSEC = {"sdss_spirals": 0.2}
MEDIAN_MAGNITUDES = {"gz1_jpeg": 17.0, "gz2_jpeg": 16.3}
"""Median r of the Galaxy Zoo samples, limited at r = 17.77 and 17.0."""

_TYPICAL_SCALES_ARCSEC = {"gz1_jpeg": 0.33, "gz2_jpeg": 0.13}
_BINNING = {"gz2_jpeg": 2}

RESERVED = {"sdss_spirals": 200, "gz1_jpeg": 200, "gz2_jpeg": 100}
"""Images of each set that are no donors: realism is measured on them."""

_MIN_SIGNAL_TO_NOISE = 30.0
_QUALITY = 95
FILE = "donors.safetensors"
_RECIPE = "2"
"""Increase when the same images give other donors."""

LIMITATION = (
    "There are neither donors nor real images to make them of: every galaxy is rendered, and "
    "real forms (arms, bars, mergers) are not learnt with lines and metallicities."
)


@dataclass(frozen=True)
class Donors:
    """Galaxies to transplant.

    Attributes
    ----------
    table : pandas.DataFrame
        One row each: ``set, file, scale_arcsec, r50, r90`` (arcsec, seeing included),
        ``concentration, axis_ratio, gr, ri, r`` (AB), ``sigma`` (sky noise in r per square
        arcsec, nanomaggies), ``start``, where its image begins.
    stream : ndarray of uint8
        Images one after another, as JPEGs of the square root of flux.
    """

    table: pd.DataFrame
    stream: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    def image(self, k: int) -> np.ndarray:
        """Return donor `k`, shape (3, side, side), float32, bands g, r, i, unit flux in each."""
        starts = self.table.start.to_numpy()
        stop = starts[k + 1] if k + 1 < len(starts) else len(self.stream)
        with Image.open(io.BytesIO(self.stream[starts[k] : stop].tobytes())) as packed:
            levels = np.asarray(packed.convert("RGB"), np.float32)
        flux = np.ascontiguousarray(levels.transpose(2, 0, 1)) ** 2
        return flux / flux.sum(axis=(1, 2), keepdims=True)


def _pack(image: np.ndarray) -> bytes:
    """Return an image as JPEG; the square root keeps the outskirts above one level."""
    levels = np.sqrt(np.clip(image, 0, None) / image.max(axis=(1, 2), keepdims=True))
    packed = Image.fromarray(np.round(255 * levels).astype(np.uint8).transpose(1, 2, 0))
    buffer = io.BytesIO()
    packed.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def unlabelled(data: Path) -> pd.DataFrame:
    """List the unlabelled real images: ``set, file, reserved, split``.

    Raises
    ------
    DataError
        If there are none.
    """
    rows = []
    for name, quota in RESERVED.items():
        folder = data / name
        if not folder.is_dir():
            continue
        files = pd.DataFrame({"file": sorted(p.name for p in folder.glob("*.jpg"))})
        table = folder / "labels.csv"
        if table.exists():
            labels = pd.read_csv(table).set_index("file").reindex(files.file).reset_index()
            files["kind"] = labels.get("gz1_class", pd.Series(-1, files.index)).to_numpy()
            for column in ("ra", "dec", "z_spec", "log_mstar"):
                files[column] = labels.get(column, np.nan)
            files = files[files.z_spec.isna() & files.log_mstar.isna()]
        else:
            files["ra"] = files["dec"] = np.nan
            files["kind"] = np.where(files.file.str.startswith("non"), 10, 11)
        digest = [hashlib.sha256(f"kept/{name}/{file}".encode()).hexdigest() for file in files.file]
        files["reserved"] = pd.Series(digest, files.index).rank().to_numpy() <= quota
        files["split"] = [
            shards.split_of(ra, dec) if np.isfinite(ra) else shards.split_of_key(f"{name}/{file}")
            for file, ra, dec in zip(files.file, files.ra, files.dec, strict=True)
        ]
        rows.append(files.assign(set=name)[["set", "file", "kind", "reserved", "split"]])
    if not rows:
        raise DataError(f"{data} holds no real images; give the folder of the real sets.")
    return pd.concat(rows, ignore_index=True)


def load_or_build(folder: Path, data: Path | None, workers: int = 1) -> Donors | None:
    """Return the donors of a folder, made of the real images where it has none yet.

    Parameters
    ----------
    folder : Path
        With the file `FILE`, which may be copied here; never inside the repository.
    data : Path or None
        Folder of the real images.
    workers : int

    Returns
    -------
    Donors or None
        None where there are neither donors nor images, which the log says.

    Raises
    ------
    DataError
        If the file is damaged, or of another version of this project.
    """
    path = folder / FILE
    if path.exists():
        return load(path)
    if data is None or not any((data / name).is_dir() for name in RESERVED):
        log.warning(LIMITATION)
        return None
    return build(data, path, workers)


def load(path: Path) -> Donors:
    """Read donors.

    Raises
    ------
    DataError
        If the file is damaged, or of another version of this project.
    """
    try:
        with safe_open(path, "numpy") as file:
            stream, made = file.get_tensor("stream"), file.metadata()
            text = made["table"]
    except (OSError, KeyError, TypeError, SafetensorError) as error:
        raise DataError(f"{path} is damaged ({error}); remove it to rebuild it.") from error
    if made.get("recipe") != _RECIPE:
        raise DataError(f"{path} was made by another version; remove it to rebuild it.")
    return Donors(pd.read_csv(io.StringIO(text)), stream)


def build(data: Path, path: Path, workers: int = 1) -> Donors:
    """Make donors of the real images, write them and return what was written.

    Raises
    ------
    DataError
        If there are no real images.
    """
    listed = unlabelled(data)
    listed = listed[~listed.reserved & (listed.split == shards.TRAIN)]
    tasks = [(data, name, file) for name, file in zip(listed.set, listed.file, strict=True)]
    rows, images, start = [], [], 0
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for made in track(pool.imap(_prepare_one, tasks, chunksize=32), "donors", len(tasks)):
            if made is None:
                continue
            description, packed = made
            rows.append({**description, "start": start})
            images.append(packed)
            start += len(packed)
    if not rows:
        raise DataError(f"No image in {data} is bright and large enough to be a donor.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    stream = np.frombuffer(b"".join(images), np.uint8)
    table = pd.DataFrame(rows).to_csv(index=False)
    save_file({"stream": stream}, str(temporary), metadata={"table": table, "recipe": _RECIPE})
    os.replace(temporary, path)
    log.info("%d of %d images can be donors", len(rows), len(tasks))
    return load(path)


def _prepare_one(task: tuple[Path, str, str]) -> tuple[dict, bytes] | None:
    data, name, file = task
    known = KNOWN_SCALES_ARCSEC.get(name)
    assumed = known or _TYPICAL_SCALES_ARCSEC[name]
    try:
        read = read_image(data / name / file, pixel_scale_arcsec=assumed)
        pixels = _bin(linearise_jpeg(read, jpeg_service_of(name)), name)
        found = measure(pixels)
    except (InputError, TargetError):
        return None
    if found.petro_r50 is None or found.petro_r90 is None or len(found.magnitudes) < 3:
        return None
    made = _isolate(pixels, found)
    if made is None:
        return None
    image, axis_ratio, sigma = made
    g, r, i = (found.magnitudes[band] for band in "gri")
    # what was measured at the assumed scale holds at the true one but for this factor
    zoom = 1.0 if known else 10 ** ((r - MEDIAN_MAGNITUDES[name]) / 5)
    description = {
        "set": name,
        "file": file,
        "scale_arcsec": pixels.pixel_scale_arcsec * zoom,
        "r50": found.petro_r50 * zoom,
        "r90": found.petro_r90 * zoom,
        "concentration": found.petro_r90 / found.petro_r50,
        "axis_ratio": axis_ratio,
        "gr": g - r,
        "ri": r - i,
        "r": r - 5 * np.log10(zoom),
        "sigma": sigma / pixels.pixel_scale_arcsec,
    }
    return description, _pack(image)


def _bin(pixels: Pixels, name: str) -> Pixels:
    """Return linear pixels, summed in squares where a set is finer than the seeing needs."""
    factor = _BINNING.get(name, 1)
    if factor == 1:
        return pixels
    side = pixels.flux.shape[1] // factor
    flux = pixels.flux[:, : side * factor, : side * factor]
    flux = flux.reshape(3, side, factor, side, factor).sum(axis=(2, 4))
    return Pixels(flux, pixels.pixel_scale_arcsec * factor, "jpeg", "")


def _isolate(pixels: Pixels, found: Measurement) -> tuple[np.ndarray, float, float] | None:
    """Return the galaxy alone, its axis ratio, and the noise of the sky in r per pixel.

    Neighbours are replaced by the pixels opposite the centre, where those are free, and by the
    elliptical profile elsewhere. The faint outskirts fade into that profile, so that neither
    noise nor the clipping of the JPEG at zero is carried over.
    """
    flux = pixels.flux - found.sky[:, None, None]
    size = min(flux.shape[1:])
    radius = found.petrosian_radius_arcsec / pixels.pixel_scale_arcsec  # type: ignore[operator]
    x, y = round(found.x), round(found.y)
    edge = min(x, y, flux.shape[2] - 1 - x, flux.shape[1] - 1 - y)
    half = int(min(1.9 * radius, edge))
    if half < 1.25 * radius or half < 8 or np.hypot(x - size / 2, y - size / 2) > 0.1 * size:
        return None
    detection = np.ascontiguousarray(flux.sum(axis=0))
    corner = size // 6
    blocks = [detection[a, b] for a in _ends(corner) for b in _ends(corner)]
    noise = min(float(1.4826 * np.median(np.abs(c - np.median(c)))) for c in blocks)
    noise = max(noise, 1e-4 * float(detection.max()))
    objects, segments = sep.extract(
        detection, 3.0, err=noise, minarea=6, deblend_cont=0.003, segmentation_map=True
    )
    label = int(segments[y, x])
    if label == 0 or objects["flux"][label - 1] < 0.5 * detection[segments > 0].sum() * 0.3:
        return None
    target = objects[label - 1]
    near = np.hypot(objects["x"] - x, objects["y"] - y) < 0.9 * radius
    own = near & (objects["flux"] < 0.08 * target["flux"]) & ~_starlike(objects, target)
    own[label - 1] = True
    foreign = np.concatenate([[False], ~own])[segments]
    foreign = binary_dilation(foreign, iterations=2) & (segments != label)
    window = (slice(y - half, y + half + 1), slice(x - half, x + half + 1))
    image = np.ascontiguousarray(flux[(slice(None), *window)])
    masked = foreign[window]
    if masked[_disc(half) < 0.6 * radius].mean() > 0.15:
        return None
    axis_ratio = float(np.clip(target["b"] / target["a"], 0.1, 1.0))
    elliptical = _elliptical_radius(half, axis_ratio, float(target["theta"]))
    model = _profile(image, masked, elliptical, radius)
    turned = image[:, ::-1, ::-1]
    free = ~masked[::-1, ::-1]
    image = np.where(masked, np.where(free, turned, model), image)
    signal = gaussian_filter(image.sum(axis=0), 1.5)
    weight = np.clip(signal, 0, None) ** 2
    weight = weight / (weight + (1.5 * noise) ** 2)
    # a spot in the outskirts that the segmentation left over is no part of the galaxy
    weight *= np.clip((1.9 * radius - elliptical) / (0.5 * radius), 0, 1)
    image = weight * image + (1 - weight) * model
    image *= np.clip((half - _disc(half)) / (0.12 * half), 0, 1)
    totals = image.sum(axis=(1, 2))
    if (totals <= 0).any() or totals[1] < _MIN_SIGNAL_TO_NOISE * noise / 3 * radius:
        return None
    return image / totals[:, None, None], axis_ratio, noise / 3


def _starlike(objects: np.ndarray, target: np.void) -> np.ndarray:
    """Tell bright round points: foreground stars, not knots."""
    peaked = objects["cpeak"] > 0.35 * target["cpeak"]
    return peaked & (objects["b"] > 0.75 * objects["a"])


def _ends(size: int) -> tuple[slice, slice]:
    return slice(0, size), slice(-size, None)


def _disc(half: int) -> np.ndarray:
    """Return distances from the centre, shape (2 half + 1, 2 half + 1), pixels."""
    axis = np.arange(-half, half + 1)
    return np.hypot(axis[None, :], axis[:, None])


def _elliptical_radius(half: int, axis_ratio: float, theta: float) -> np.ndarray:
    """Return the radius along the minor-to-major mean, so that circles keep their area."""
    axis = np.arange(-half, half + 1)
    x, y = np.meshgrid(axis, axis)
    cos, sin = np.cos(theta), np.sin(theta)
    along, across = x * cos + y * sin, y * cos - x * sin
    q = np.sqrt(max(axis_ratio, 0.2))
    return np.hypot(along * q, across / q)


def _profile(
    image: np.ndarray, masked: np.ndarray, elliptical: np.ndarray, radius: float
) -> np.ndarray:
    """Return the mean elliptical profile as an image, falling to nothing in the outskirts."""
    steps = np.minimum(elliptical, 1.9 * radius)
    number = max(6, int(1.9 * radius / 1.5))
    ring = np.minimum((steps / (1.9 * radius) * number).astype(int), number - 1)
    good = ~masked
    area = np.bincount(ring[good], minlength=number)
    model = np.empty_like(image)
    centres = (np.arange(number) + 0.5) * 1.9 * radius / number
    for k, band in enumerate(image):
        mean = np.bincount(ring[good], band[good], minlength=number) / np.maximum(area, 1)
        mean = np.minimum.accumulate(np.maximum(mean, 0.0))
        outside = centres > 1.2 * radius
        start = mean[~outside][-1]
        mean[outside] = np.minimum(
            mean[outside], start * np.exp(-(centres[outside] - 1.2 * radius) / (0.3 * radius))
        )
        model[k] = np.interp(elliptical, centres, mean)
    return model
