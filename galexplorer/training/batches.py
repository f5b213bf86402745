"""Rows of the training set to the model's inputs and labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.model.features import expand_gri_to_ugriz, photometry_features
from galexplorer.model.flows import parents_of
from galexplorer.records.asinh import asinh_magnitude, flux_of
from galexplorer.schema import DETECTION_S_TO_N, LINE_NAMES, TARGET_NAMES
from galexplorer.science.bpt import classify


@dataclass(frozen=True)
class InputMask:
    """How rows are presented.

    Attributes
    ----------
    image : bool
        Keep the image where there is one.
    catalogue : float
        Probability of catalogue photometry for a row with an image.
    nothing : float
        Probability of no photometry at all for a row with an image.
    band_dropout : float
        Mean probability to drop a band of catalogue photometry; it varies from row to row, so
        that both complete rows and rows of one or two bands are met. At 0 nothing is dropped
        beyond what the other probabilities say; above, errors, single radii and Petrosian
        magnitudes are missing now and then too.
    petro : float
        Probability to keep Petrosian radii.
    petro_magnitudes : float
        Probability to keep Petrosian magnitudes of catalogue photometry.
    faint : float
        Probability that some bands of catalogue photometry are given the noise of a shallower
        image, down to none of the galaxy in it, where there are gaps.
    """

    image: bool = True
    catalogue: float = 0.35
    nothing: float = 0.1
    band_dropout: float = 0.12
    petro: float = 0.7
    petro_magnitudes: float = 0.5
    faint: float = 0.15


IMAGE_ONLY = InputMask(catalogue=0.0, nothing=0.0, band_dropout=0.0, petro=1.0)
IMAGE_AND_CATALOGUE = InputMask(
    catalogue=1.0, nothing=0.0, band_dropout=0.0, petro=1.0, petro_magnitudes=0.0
)
CATALOGUE_ONLY = InputMask(image=False, band_dropout=0.0, petro=1.0, petro_magnitudes=0.0)
CATALOGUE_NO_SIZES = InputMask(image=False, band_dropout=0.0, petro=0.0, petro_magnitudes=0.0)
CATALOGUE_PETRO = InputMask(image=False, band_dropout=0.0, petro=1.0, petro_magnitudes=1.0)


def features_of(arrays: Arrays, mask: InputMask, rng: np.random.Generator) -> np.ndarray:
    """Return feature vectors of rows, shape (n, f); see `photometry_features`."""
    size = len(arrays["split"])
    has_image = arrays["has_image"].astype(bool) & mask.image
    listed = np.isfinite(arrays["catalogue_mag"]).any(axis=1)
    use_catalogue = listed & (~has_image | (rng.random(size) < mask.catalogue))
    no_photometry = has_image & ~use_catalogue & (rng.random(size) < mask.nothing)
    use_measured = has_image & ~use_catalogue & ~no_photometry
    magnitudes = np.full((size, 5), np.nan, np.float32)
    errors = np.full((size, 5), np.nan, np.float32)
    magnitudes[use_catalogue] = arrays["catalogue_mag"][use_catalogue]
    errors[use_catalogue] = arrays["catalogue_err"][use_catalogue]
    magnitudes[use_measured] = expand_gri_to_ugriz(arrays["measured_mag"][use_measured])
    errors[use_measured] = expand_gri_to_ugriz(arrays["measured_err"][use_measured])
    petro_magnitudes = arrays["catalogue_petro_mag"].copy()
    petro_magnitudes[~use_catalogue | (rng.random(size) >= mask.petro_magnitudes)] = np.nan
    # radii come from the catalogue with catalogue photometry, from the pixels otherwise
    sized = np.isfinite(arrays["catalogue_petro"]).any(axis=1)
    from_pixels = has_image & ~(use_catalogue & sized)
    fibre = np.where(has_image[:, None], arrays["fibre_mag"], np.float32(np.nan))
    gaps = mask.band_dropout > 0
    if gaps:
        faint = use_catalogue & (rng.random(size) < mask.faint)
        magnitudes[faint], errors[faint] = fainter(magnitudes[faint], errors[faint], rng)
        fibre[rng.random(size) < 0.1] = np.nan
        hidden = _hidden_bands(size, mask.band_dropout, rng)
        # pixels hardly ever lack a band
        hidden &= use_catalogue[:, None] | (rng.random(size) < 0.3)[:, None]
        magnitudes[hidden] = np.nan
        errors[rng.random(size) < 0.3] = np.nan
        some = rng.random(size) < 0.2
        petro_magnitudes[some[:, None] & (rng.random((size, 5)) < 0.5)] = np.nan
        # now and then the other way round
        swapped = sized & (rng.random(size) < np.where(use_catalogue, 0.5, 0.2))
        from_pixels = has_image & (from_pixels ^ swapped)
    petro = np.where(from_pixels[:, None], arrays["measured_petro"], arrays["catalogue_petro"])
    petro = petro.copy()
    petro[rng.random(size) >= mask.petro] = np.nan
    if gaps:
        single = np.flatnonzero(rng.random(size) < 0.08)
        petro[single, rng.integers(0, 2, len(single))] = np.nan
    return photometry_features(
        magnitudes,
        errors,
        petro,
        use_measured,
        from_pixels,
        arrays["pixel_scale"],
        np.where(has_image, arrays["origin"], 0),
        petro_magnitudes,
        fibre,
    )


def _hidden_bands(size: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Return which bands rows go without, shape (n, 5).

    Most lose a band by chance, some are left with g, r, i, and some with one to four bands,
    whichever: every subset is met.
    """
    chance = np.clip(rate * rng.exponential(size=size), 0.0, 0.8)
    hidden = rng.random((size, 5)) < chance[:, None]
    hidden[:, [0, 4]] |= (rng.random(size) < rate)[:, None]
    hidden[:, 2] &= rng.random(size) < 0.5  # r is seldom the one that is missing
    few = rng.random(size) < 0.5 * rate
    rank = rng.random((size, 5)).argsort(axis=1).argsort(axis=1)
    left = rng.integers(1, 5, size)
    hidden[few] = (rank >= left[:, None])[few]
    return hidden


def fainter(
    magnitudes: np.ndarray, errors: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return photometry of shallower images: fluxes with more noise, as asinh magnitudes.

    A quarter of the galaxies lose in all bands, the others in some, u and z most often. The
    signal-to-noise ratio that is left is between 0.2 and 20, evenly in its logarithm.

    Parameters
    ----------
    magnitudes, errors : ndarray, shape (n, 5)
        NaN where missing.
    rng : numpy.random.Generator
    """
    size = len(magnitudes)
    chosen = rng.random((size, 5)) < np.array([0.7, 0.3, 0.2, 0.3, 0.6])
    chosen |= (rng.random(size) < 0.25)[:, None]
    flux, sigma = flux_of(magnitudes, errors)
    sigma = np.where(np.isfinite(sigma), sigma, 0.02 * np.abs(flux))
    depth = rng.uniform(np.log(0.2), np.log(20.0), (size, 1))
    ratio = np.exp(depth + rng.normal(0, 0.4, (size, 5)))
    wanted = np.maximum(np.abs(flux) / ratio, sigma)
    noisy = flux + np.sqrt(wanted**2 - sigma**2) * rng.standard_normal((size, 5))
    new_magnitudes, new_errors = asinh_magnitude(noisy, wanted)
    changed = chosen & np.isfinite(flux) & (wanted > sigma)
    return (
        np.where(changed, new_magnitudes, magnitudes).astype(magnitudes.dtype),
        np.where(changed, new_errors, errors).astype(errors.dtype),
    )


def draw_augmentations(size: int, rng: np.random.Generator) -> Arrays:
    """Draw how images are turned, flipped, zoomed in, shifted, and changed in brightness.

    Returns
    -------
    dict of str to ndarray
        ``matrix`` (n, 2, 3) from output to input coordinates, ``zoom`` (n,), by which the pixel
        shrinks, ``gain`` (n, 3) of each channel; ``noisy`` (n // 2,), images that gain noise of
        ``level`` (n // 2,).
    """
    zoom = np.where(rng.random(size) < 0.6, rng.uniform(0.78, 1.0, size), 1.0).astype(np.float32)
    angle = rng.integers(0, 4, size) * (np.pi / 2)
    flip = np.where(rng.random(size) < 0.5, -1.0, 1.0)
    shift = rng.uniform(-1, 1, (2, size)) * (1.0 - zoom) * 0.35
    # any angle for half of them: a galaxy has no upright
    turn = np.where(rng.random(size) < 0.5, rng.uniform(0, np.pi / 2, size), 0.0)
    cos, sin = np.cos(angle + turn) * zoom, np.sin(angle + turn) * zoom
    matrix = np.empty((size, 2, 3), np.float32)
    matrix[:, 0] = np.stack([flip * cos, -sin, shift[0]], axis=1)
    matrix[:, 1] = np.stack([flip * sin, cos, shift[1]], axis=1)
    # what differs between nights: zero points by 2%, and the noise a little
    return {
        "matrix": matrix,
        "zoom": zoom,
        "gain": rng.normal(1.0, 0.02, (size, 3)).astype(np.float32),
        "noisy": np.sort(rng.permutation(size)[: size // 2]),
        "level": rng.uniform(0.0, 0.02, size // 2).astype(np.float32),
    }


def augment(grid: Tensor, augmentations: Mapping[str, Tensor], seed: int) -> Tensor:
    """Augment images as `draw_augmentations` says, on the device where they are.

    Parameters
    ----------
    grid : Tensor, shape (n, 3, 64, 64), uint8
    augmentations : mapping of str to Tensor
    seed : int
        Of the noise.

    Returns
    -------
    Tensor, shape (n, 3, 64, 64), float32 in 0..1
    """
    image = grid.to(torch.float32) / 255.0
    place = functional.affine_grid(augmentations["matrix"], list(image.shape), align_corners=False)
    moved = functional.grid_sample(
        image, place, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    moved *= augmentations["gain"][:, :, None, None]
    generator = torch.Generator(grid.device).manual_seed(seed)
    shape = (len(augmentations["noisy"]), *image.shape[1:])
    noise = torch.randn(shape, generator=generator, device=grid.device)
    noise *= augmentations["level"][:, None, None, None]
    moved.index_add_(0, augmentations["noisy"], noise)
    return moved.clamp_(0.0, 1.0)


def measurable_labels(arrays: Arrays) -> np.ndarray:
    """Return whether the spectrum of each row shows a line, or gives a metallicity.

    A line counts from a signal-to-noise ratio of 3. A metallicity is measurable where the lines
    are those of star formation (Kauffmann et al. 2003) and Ha, Hb and [N II] count, which
    is where MPA-JHU give one (98% agreement on 2,321 galaxies).

    Parameters
    ----------
    arrays : dict of str to ndarray

    Returns
    -------
    ndarray, shape (n, 5), float32
        1, 0, or NaN where unknown; columns in the order of
        `galexplorer.schema.MEASURABLE_NAMES`.
    """
    snr = arrays["line_snr"]
    shown = np.where(np.isfinite(snr), snr > DETECTION_S_TO_N, np.nan)
    line = {name: arrays["targets"][:, TARGET_NAMES.index(name)] for name in LINE_NAMES}
    ha, hb, n2, o3 = (line[name] for name in LINE_NAMES)
    star_forming = classify(n2 - ha, o3 - hb) == 0
    strong = shown[:, [LINE_NAMES.index(n) for n in LINE_NAMES if "oiii" not in n]]
    metal = np.where(np.isfinite(strong).all(axis=1), strong.all(axis=1) & star_forming, np.nan)
    return np.column_stack([shown, metal]).astype(np.float32)


def training_labels(rows: Arrays, completed_weight: float, completed_table_weight: float) -> Arrays:
    """Return the labels of rows, with their weights in the loss.

    Parameters
    ----------
    rows : dict of str to ndarray
    completed_weight, completed_table_weight : float
        Weights of imputed labels of rows with and without an image against measured ones.

    Returns
    -------
    dict of str to ndarray
        ``targets`` (n, 9), 1 where missing; ``known`` (n, 9), whether a target and all
        its parents are there; ``weight`` (n, 9) of each target's likelihood; ``shown``
        (n, 5), what `measurable_labels` says, and ``has_label`` (n, 5), whether it says anything.
    """
    targets, label = rows["targets"], rows["label"]
    present = np.isfinite(targets)
    known = np.column_stack(
        [present[:, [*parents_of(k), k]].all(axis=1) for k in range(present.shape[1])]
    )
    # an imputed label of a real image knows nothing of that image
    jpeg = (rows["has_image"] > 0) & (rows["origin"] == 2) & (rows["kind"] == shards.OBSERVED)
    pictured = np.where(jpeg, 0.0, completed_weight)
    completed = np.where(rows["has_image"] > 0, pictured, completed_table_weight)[:, None]
    weight = np.where((label == 1) | (label == 3), 1.0, completed) * (label > 0) * known
    # the redshift of a moved galaxy is known exactly; less weight would skew their distribution
    weight[:, 0] = (label[:, 0] > 0) & known[:, 0]
    shown = measurable_labels(rows)
    has_label = np.isfinite(shown) & present[:, :1]
    return {
        "targets": np.where(present, targets, np.float32(1)),
        "known": known,
        "weight": weight.astype(np.float32),
        "shown": np.where(has_label, shown, np.float32(0)),
        "has_label": has_label.astype(np.float32),
    }
