"""Rows of the training set to what the model is given: photometry, bands and view."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from galexplorer.model.features import photometry_features, widen_image_bands
from galexplorer.schema import DETECTION_S_TO_N, LINE_NAMES, TARGET_NAMES
from galexplorer.science.bpt import classify
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
        Mean probability to drop a band of catalogue photometry; it varies from row to row, so
        that both complete rows and rows of one or two bands are met.
    petro : float
        Probability to keep Petrosian radii.
    petro_magnitudes : float
        Probability to keep Petrosian magnitudes of catalogue photometry.
    """

    image: bool = True
    catalogue: float = 0.35
    nothing: float = 0.1
    band_dropout: float = 0.12
    petro: float = 0.7
    petro_magnitudes: float = 0.5


IMAGE_ONLY = Choice(catalogue=0.0, nothing=0.0, band_dropout=0.0, petro=1.0)
IMAGE_AND_CATALOGUE = Choice(
    catalogue=1.0, nothing=0.0, band_dropout=0.0, petro=1.0, petro_magnitudes=0.0
)
CATALOGUE_ONLY = Choice(image=False, band_dropout=0.0, petro=1.0, petro_magnitudes=0.0)
CATALOGUE_NO_SIZES = Choice(image=False, band_dropout=0.0, petro=0.0, petro_magnitudes=0.0)
CATALOGUE_PETRO = Choice(image=False, band_dropout=0.0, petro=1.0, petro_magnitudes=1.0)


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
        rate = np.clip(choice.band_dropout * rng.exponential(size=size), 0.0, 0.8)
        dropped = rng.random((size, 5)) < rate[:, None]
        gri_only = rng.random(size) < choice.band_dropout
        dropped[:, 0] |= gri_only
        dropped[:, 4] |= gri_only
        dropped[:, 2] &= rng.random(size) < 0.5  # r is seldom the one that is missing
        magnitudes[dropped & use_catalogue[:, None]] = np.nan
        errors[rng.random(size) < 0.3] = np.nan
    # radii come from the catalogue with catalogue photometry, from the pixels otherwise
    measured_petro = imaged & ~(use_catalogue & np.isfinite(arrays["catalogue_petro"][:, 0]))
    if choice.band_dropout > 0:
        measured_petro |= imaged & use_catalogue & (rng.random(size) < 0.5)
    petro = np.where(measured_petro[:, None], arrays["measured_petro"], arrays["catalogue_petro"])
    petro = petro.copy()
    petro[rng.random(size) >= choice.petro] = np.nan
    petro_magnitudes = arrays["catalogue_petro_mag"].copy()
    petro_magnitudes[~use_catalogue | (rng.random(size) >= choice.petro_magnitudes)] = np.nan
    return photometry_features(
        magnitudes,
        errors,
        petro,
        use_measured,
        measured_petro,
        arrays["pixel_scale"],
        np.where(imaged, arrays["origin"], 0),
        petro_magnitudes,
    )


def augment(
    grid: Tensor, pixel_scale: np.ndarray, rng: np.random.Generator
) -> tuple[Tensor, np.ndarray]:
    """Turn, flip, zoom in and shift images; change zero points and noise a little.

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
    shift = rng.uniform(-1, 1, (2, size)) * (1.0 - zoom) * 0.35
    # any angle for half of them: a galaxy has no upright
    turn = np.where(rng.random(size) < 0.5, rng.uniform(0, np.pi / 2, size), 0.0)
    cos, sin = np.cos(angle + turn) * zoom, np.sin(angle + turn) * zoom
    matrix = np.empty((size, 2, 3), np.float32)
    matrix[:, 0] = np.stack([flip * cos, -sin, shift[0]], axis=1)
    matrix[:, 1] = np.stack([flip * sin, cos, shift[1]], axis=1)
    place = functional.affine_grid(torch.from_numpy(matrix), list(image.shape), align_corners=False)
    moved = functional.grid_sample(
        image, place, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    # what differs between nights: zero points by 2%, and the noise a little
    gain = torch.from_numpy(rng.normal(1.0, 0.02, (size, 3, 1, 1)).astype(np.float32))
    level = np.where(rng.random(size) < 0.5, rng.uniform(0.0, 0.02, size), 0.0)
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    noise = torch.randn(moved.shape, generator=generator)
    noise *= torch.from_numpy(level.astype(np.float32))[:, None, None, None]
    return (moved * gain + noise).clamp(0.0, 1.0), pixel_scale * zoom


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
