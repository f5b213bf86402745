"""Rows of the training set to what the model is given: photometry, bands and view."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from galexplorer.model.features import photometry_features, widen_image_bands
from galexplorer.training.dataset import Arrays


@dataclass(frozen=True)
class Choice:
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
        Probability to drop each band of catalogue photometry.
    petro : float
        Probability to keep Petrosian radii.
    """

    image: bool = True
    catalogue: float = 0.35
    nothing: float = 0.1
    band_dropout: float = 0.06
    petro: float = 0.7


IMAGE_ONLY = Choice(catalogue=0.0, nothing=0.0, band_dropout=0.0, petro=1.0)
IMAGE_AND_CATALOGUE = Choice(catalogue=1.0, nothing=0.0, band_dropout=0.0, petro=1.0)
CATALOGUE_ONLY = Choice(image=False, band_dropout=0.0, petro=1.0)
CATALOGUE_NO_SIZES = Choice(image=False, band_dropout=0.0, petro=0.0)


def features_of(arrays: Arrays, choice: Choice, rng: np.random.Generator) -> np.ndarray:
    """Return feature vectors of rows, shape (n, f); see `photometry_features`."""
    size = len(arrays["split"])
    imaged = arrays["has_image"].astype(bool) & choice.image
    has_catalogue = np.isfinite(arrays["catalogue_mag"]).any(axis=1)
    draw = rng.random(size)
    use_catalogue = has_catalogue & (~imaged | (draw < choice.catalogue))
    no_photometry = imaged & ~use_catalogue & (rng.random(size) < choice.nothing)
    use_measured = imaged & ~use_catalogue & ~no_photometry
    magnitudes = np.full((size, 5), np.nan, np.float32)
    errors = np.full((size, 5), np.nan, np.float32)
    magnitudes[use_catalogue] = arrays["catalogue_mag"][use_catalogue]
    errors[use_catalogue] = arrays["catalogue_err"][use_catalogue]
    magnitudes[use_measured] = widen_image_bands(arrays["measured_mag"][use_measured])
    errors[use_measured] = widen_image_bands(arrays["measured_err"][use_measured])
    if choice.band_dropout > 0:
        dropped = rng.random((size, 5)) < choice.band_dropout
        gri_only = rng.random(size) < 2 * choice.band_dropout
        dropped[:, 0] |= gri_only
        dropped[:, 4] |= gri_only
        dropped[:, 2] &= rng.random(size) < 0.3  # r is seldom the one that is missing
        magnitudes[dropped & use_catalogue[:, None]] = np.nan
        errors[rng.random(size) < 0.3] = np.nan
    # radii come from the catalogue with catalogue photometry, from the pixels otherwise
    measured_petro = imaged & ~(use_catalogue & np.isfinite(arrays["catalogue_petro"][:, 0]))
    if choice.band_dropout > 0:
        measured_petro |= imaged & use_catalogue & (rng.random(size) < 0.5)
    petro = np.where(measured_petro[:, None], arrays["measured_petro"], arrays["catalogue_petro"])
    petro = petro.copy()
    petro[rng.random(size) >= choice.petro] = np.nan
    return photometry_features(
        magnitudes,
        errors,
        petro,
        use_measured,
        measured_petro,
        arrays["pixel_scale"],
        np.where(imaged, arrays["origin"], 0),
    )


def augment(
    grid: Tensor, pixel_scale: np.ndarray, rng: np.random.Generator
) -> tuple[Tensor, np.ndarray]:
    """Turn, flip, zoom in and shift images.

    Parameters
    ----------
    grid : Tensor, shape (n, 3, 64, 64), uint8
    pixel_scale : ndarray, shape (n,)
        Arcsec per pixel; NaN where it is unknown.

    Returns
    -------
    image : Tensor, shape (n, 3, 64, 64), float32 in 0..1
    pixel_scale : ndarray, shape (n,)
        After the zoom.
    """
    size = len(grid)
    image = grid.to(torch.float32) / 255.0
    zoom = np.where(rng.random(size) < 0.6, rng.uniform(0.78, 1.0, size), 1.0).astype(np.float32)
    angle = rng.integers(0, 4, size) * (np.pi / 2)
    flip = np.where(rng.random(size) < 0.5, -1.0, 1.0)
    cos, sin = np.round(np.cos(angle)) * zoom, np.round(np.sin(angle)) * zoom
    shift = rng.uniform(-1, 1, (2, size)) * (1.0 - zoom) * 0.35
    matrix = np.empty((size, 2, 3), np.float32)
    matrix[:, 0] = np.stack([flip * cos, -sin, shift[0]], axis=1)
    matrix[:, 1] = np.stack([flip * sin, cos, shift[1]], axis=1)
    place = functional.affine_grid(torch.from_numpy(matrix), list(image.shape), align_corners=False)
    moved = functional.grid_sample(
        image, place, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return moved, pixel_scale * zoom
