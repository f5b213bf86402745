"""Making a library: images of real galaxies in, their latents and measurements out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor

from galexplorer.catalogue.column_lookup import Names
from galexplorer.catalogue.positions import has_positions, read_positions
from galexplorer.errors import DataError, GalexplorerError, InputError
from galexplorer.image.fibre import fibre_magnitudes
from galexplorer.image.reader import read_image
from galexplorer.inference import latent_map
from galexplorer.inference.engine import Encoded, Engine
from galexplorer.inference.neighbours import (
    KNOWN_NAMES,
    LAYOUT,
    LEVELS,
    LIBRARY_FILE,
    ORIGINS,
    SOURCE,
    is_published,
    nearest_distance_percentiles,
    spread_of,
)
from galexplorer.inference.noise import keys_of
from galexplorer.inference.observe import observe
from galexplorer.model import weights
from galexplorer.model.features import (
    JPEG,
    LOG_SCALE,
    expand_gri_to_ugriz,
    photometry_features,
)
from galexplorer.model.modes import modes_of
from galexplorer.model.regressor import ESTIMATE
from galexplorer.model.vae import LATENTS
from galexplorer.records.observation import Observation
from galexplorer.schema import BPT_CLASSES, IMAGE_BANDS, TARGET_NAMES, TARGETS
from galexplorer.science.bpt import class_probabilities
from galexplorer.tables.cells import numbers_of, texts_of
from galexplorer.tables.formats import read_raw
from galexplorer.verdict.domain import misfit_of

DRAWS = 256
MIN_GALAXIES = 16

_BATCH = 64
_MOST_SCORED = 2000

Progress = Callable[[str, int, int], None]


def _quiet(words: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Entries:
    """Real galaxies on the model's grid, and what is known of them; n of them.

    Attributes
    ----------
    grid : ndarray, shape (n, 3, 64, 64), uint8
    pixel_scale : ndarray, shape (n,)
        Arcsec per grid pixel.
    origin : ndarray, shape (n,)
        Index into `galexplorer.inference.neighbours.ORIGINS`.
    magnitudes, errors : ndarray, shape (n, 3)
        Measured on the image: g, r, i.
    petro : ndarray, shape (n, 2)
        Measured r50 and r90, arcsec; NaN where they could not be.
    position : ndarray, shape (n, 2)
        ra, dec, degrees.
    known : ndarray, shape (n, 10)
        Published values of `galexplorer.inference.neighbours.KNOWN_NAMES`; NaN where unknown.
    """

    grid: UInt8[np.ndarray, "n 3 64 64"]
    pixel_scale: Float[np.ndarray, " n"]
    origin: Integer[np.ndarray, " n"]
    magnitudes: Float[np.ndarray, "n 3"]
    errors: Float[np.ndarray, "n 3"]
    petro: Float[np.ndarray, "n 2"]
    position: Float[np.ndarray, "n 2"]
    known: Float[np.ndarray, "n 10"]

    def __len__(self) -> int:
        return len(self.grid)


def join(parts: Sequence[Entries]) -> Entries:
    """Join entries row-wise."""
    return Entries(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Entries)
        }
    )


def read_table(path: Path, progress: Progress = _quiet) -> tuple[Entries, tuple[str, ...]]:
    """Read galaxies from a table that names their images.

    Parameters
    ----------
    path : Path
        CSV, ECSV, Parquet, FITS or VOTable with columns ``image`` (a path, seen from the table),
        ``ra``, ``dec``, and whatever is known: ``pixel_scale`` for pictures without a header,
        targets by their names, ``r``.
    progress : callable

    Returns
    -------
    entries : Entries
    problems : tuple of str
        A sentence for each row that could not be used.

    Raises
    ------
    InputError
        If the table cannot be read, or lacks images or positions.
    DataError
        If no row can be used.
    """
    raw = read_raw(path)
    names = Names(raw.table, raw.label)
    image = names.find("image")
    if image is None or not has_positions(names):
        lacking = ["image"] * (image is None) + ["ra, dec"] * (not has_positions(names))
        raise InputError(
            f"{path} lacks {', '.join(lacking)}: a library needs columns image, ra and dec, and "
            f"takes pixel_scale, {', '.join(KNOWN_NAMES)}."
        )
    numbers = _read_numbers(names)
    rows, problems = [], []
    for k, name in enumerate(texts_of(image.column)):
        values = {column: float(own[k]) for column, own in numbers.items()}
        try:
            rows.append(_entry(path.parent / name if name else None, values))
        except GalexplorerError as error:
            problems.append(f"Row {k + 1}: {error}")
        progress("images", k + 1, len(raw.table))
    if not rows:
        first = f" {problems[0]}" if problems else ""
        raise DataError(f"No row of {path} could be used: check its image column.{first}")
    return join(rows), tuple(problems)


def build_library(
    engine: Engine, entries: Entries, seed: int = 0, progress: Progress = _quiet
) -> dict:
    """Return the tensors of a library.

    Parameters
    ----------
    engine : Engine
        Only its model is used.
    entries : Entries
    seed : int
        Of the map and of the draws behind the medians.
    progress : callable
        Told what is done, how many are, and of how many.

    Returns
    -------
    dict of str to Tensor
        What `galexplorer.inference.neighbours.Library` reads.

    Raises
    ------
    DataError
        If there are fewer than `MIN_GALAXIES` galaxies.
    """
    if len(entries) < MIN_GALAXIES:
        raise DataError(
            f"A library needs at least {MIN_GALAXIES} galaxies with image, position and "
            f"photometry, but {len(entries)} were given: add more."
        )
    arrays = _encode(engine, entries, seed, progress)
    # as they will be read again: distances and places then agree to the last digit
    latents = arrays["latents"].float()
    position = torch.from_numpy(entries.position)
    published = is_published(arrays["known"])
    if int(published.sum()) < 2:
        published = torch.ones_like(published)
    centre, scale = spread_of(latents)
    medians = arrays["medians"].float()
    mass, sfr = (medians[:, TARGET_NAMES.index(n)] for n in ("log_stellar_mass", "log_sfr"))
    fitted = latent_map.fit(
        (latents - centre) / scale,
        right=mass,
        up=sfr - mass,
        seed=seed,
        progress=lambda done, total: progress("steps of the map", done, total),
    )
    return {
        "layout": torch.tensor([LAYOUT]),
        **arrays,
        "position": position,
        "levels": nearest_distance_percentiles(latents[published], position[published]),
        **fitted.to_arrays(),
    }


def empty_library() -> dict[str, Tensor]:
    """Return the tensors of a library without galaxies.

    For weights that learnt from no real galaxy: simulated ones would be no neighbours on the sky.
    """
    wide = ("latents", "log_variance", "appearance")
    columns = {
        **dict.fromkeys(wide, LATENTS),
        "estimate": ESTIMATE,
        "known": len(KNOWN_NAMES),
        **dict.fromkeys(("magnitudes", "errors"), len(IMAGE_BANDS)),
        "petro": 2,
        "fibre": len(IMAGE_BANDS),
        "medians": len(TARGET_NAMES),
        "classes": len(BPT_CLASSES),
    }
    flat = latent_map.LatentMap(((torch.zeros((2, LATENTS)), torch.zeros(2)),))
    return {
        "layout": torch.tensor([LAYOUT]),
        **{name: torch.zeros((0, number)) for name, number in columns.items()},
        **{name: torch.zeros(0) for name in ("pixel_scale", "misfit")},
        "origin": torch.zeros(0, dtype=torch.uint8),
        "position": torch.zeros((0, 2), dtype=torch.float64),
        "levels": torch.zeros(LEVELS),
        **flat.to_arrays(),
    }


@torch.inference_mode()
def _encode(engine: Engine, entries: Entries, seed: int, progress: Progress) -> dict[str, Tensor]:
    number = len(entries)
    # as they are kept, so that what is inferred from them again is the same
    fibre = fibre_magnitudes(entries.grid, entries.pixel_scale).astype(np.float16)
    sized = np.isfinite(entries.petro).all(axis=1)
    features = photometry_features(
        expand_gri_to_ugriz(entries.magnitudes),
        expand_gri_to_ugriz(entries.errors),
        entries.petro,
        np.ones(number, bool),
        sized,
        entries.pixel_scale,
        entries.origin,
        fibre_magnitudes=fibre,
    )[:, : engine.model.sizes.features]
    parts: dict[str, list[Tensor]] = {
        name: []
        for name in (
            *("latents", "log_variance", "estimate", "appearance", "misfit"),
            *("medians", "classes"),
        )
    }
    for begin in range(0, number, _BATCH):
        rows = slice(begin, min(begin + _BATCH, number))
        grid = torch.from_numpy(entries.grid[rows]).to(engine.device)
        feature = torch.from_numpy(features[rows]).to(engine.device)
        use_estimate = torch.from_numpy(entries.origin[rows] == JPEG).to(engine.device)
        summary, appearance = engine.model.look_at(grid, feature[:, LOG_SCALE], use_estimate)
        decoded = engine.model.decoder(appearance)
        encoded = Encoded(
            context=engine.model.context_of(summary, feature),
            mode=modes_of(feature, use_estimate),
            origin=entries.origin[rows],
            latent=summary.mean,
            appearance=appearance,
            features=features[rows],
            key=keys_of(
                features[rows], [g.tobytes() for g in entries.grid[rows]], entries.origin[rows]
            ),
        )
        draws = engine.sample(encoded, DRAWS, seed)
        classes = [list(class_probabilities(d.numpy()).values()) for d in draws]
        for name, values in {
            "latents": summary.mean,
            "log_variance": summary.log_variance,
            "estimate": summary.estimate,
            "appearance": appearance,
            "misfit": misfit_of(grid.float() / 255.0, decoded),
            "medians": draws.median(dim=1).values,
            "classes": torch.tensor(classes),
        }.items():
            parts[name].append(values.cpu())
        progress("galaxies", rows.stop, number)
    arrays = {name: torch.cat(values) for name, values in parts.items()}
    small = {name: arrays[name].half() for name in arrays if name != "misfit"}
    return {
        **small,
        "misfit": arrays["misfit"].float(),
        "known": torch.from_numpy(entries.known.astype(np.float32)),
        "magnitudes": torch.from_numpy(entries.magnitudes.astype(np.float32)),
        "errors": torch.from_numpy(entries.errors.astype(np.float16)),
        "petro": torch.from_numpy(entries.petro.astype(np.float16)),
        "fibre": torch.from_numpy(fibre),
        "pixel_scale": torch.from_numpy(entries.pixel_scale.astype(np.float32)),
        "origin": torch.from_numpy(entries.origin.astype(np.uint8)),
    }


def write(folder: Path, arrays: dict[str, Tensor], source: str = SOURCE) -> dict:
    """Put a library beside the model that made it, and its hash into the manifest.

    Each file is written beside its place and moved there.

    Parameters
    ----------
    folder : Path
        Of the weights.
    arrays : dict of str to Tensor
        See `build_library`.
    source : str
        Where the published values come from.

    Returns
    -------
    dict
        What the manifest says about the library.
    """
    manifest = weights.read_manifest(folder)
    summary = describe(arrays, source)
    weights.write_arrays(folder / LIBRARY_FILE, arrays)
    weights.write_manifest(folder, {**manifest, "library": summary})
    return summary


def describe(arrays: dict[str, Tensor], source: str) -> dict:
    """Return what there is to say about a library, for its manifest."""
    latents, known = arrays["latents"].float(), arrays["known"]
    summary = {
        "layout": LAYOUT,
        "galaxies": len(latents),
        "with_published_values": int(is_published(known).sum()),
        "published": {
            name: int(torch.isfinite(known[:, k]).sum()) for k, name in enumerate(KNOWN_NAMES)
        },
        "source": source,
    }
    if len(latents) == 0:
        return summary
    centre, scale = spread_of(latents)
    # a fixed sample: the measure takes memory by the square
    whitened = ((latents - centre) / scale)[:: max(1, len(latents) // _MOST_SCORED)]
    place = latent_map.LatentMap.from_arrays(arrays).place(whitened)
    number = min(latent_map.NEIGHBOURS, len(whitened) // 3)
    return {
        **summary,
        "map": {
            "method": "parametric neighbour embedding of the whitened latents",
            "trustworthiness": round(latent_map.trustworthiness(whitened, place, number), 3),
        },
    }


def _read_numbers(names: Names) -> dict[str, np.ndarray]:
    places = read_positions(names)
    assert places.ra is not None
    assert places.dec is not None
    numbers = {"ra": np.mod(places.ra, 360.0), "dec": places.dec}
    for column in ("pixel_scale", *KNOWN_NAMES):
        if named := names.find(column):
            numbers[column] = numbers_of(named.column, named.name, names.label)[0]
    return numbers


def _entry(path: Path | None, values: dict[str, float]) -> Entries:
    ra, dec = values["ra"], values["dec"]
    if path is None:
        raise InputError("it gives no image.")
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise InputError("it has no position.")
    scale = values.get("pixel_scale", float("nan"))
    pixels = read_image(path, pixel_scale_arcsec=scale if np.isfinite(scale) else None)
    seen: Observation = observe(pixels, ra=ra, dec=dec) if pixels.wcs else observe(pixels)
    cutout, found = seen.cutout, seen.photometry
    assert cutout is not None  # there are pixels
    known = [values.get(name, float("nan")) for name in KNOWN_NAMES]
    limits = [t.bounds for t in TARGETS] + [(5.0, 30.0)]
    known = [
        v if low <= v <= high else np.nan for v, (low, high) in zip(known, limits, strict=True)
    ]
    if not np.isfinite(known[-1]):
        known[-1] = found.magnitudes.get("r", float("nan"))
    return Entries(
        grid=cutout.grid[None],
        pixel_scale=np.array([cutout.pixel_scale_arcsec]),
        origin=np.array([ORIGINS.index(seen.origin or "")]),
        magnitudes=np.array([[found.magnitudes.get(b, np.nan) for b in IMAGE_BANDS]]),
        errors=np.array([[found.errors.get(b, np.nan) for b in IMAGE_BANDS]]),
        petro=np.array([[found.petro_r50 or np.nan, found.petro_r90 or np.nan]]),
        position=np.array([[ra % 360.0, dec]]),
        known=np.array([known]),
    )
