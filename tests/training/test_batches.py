"""How rows are presented: what is dropped, and that nothing is invented."""

import numpy as np
import pytest
import torch

from galexplorer.model.features import SIZE
from galexplorer.training import dataset
from galexplorer.training.batches import (
    CATALOGUE_ONLY,
    IMAGE_AND_CATALOGUE,
    IMAGE_ONLY,
    Choice,
    augment,
    features_of,
)


@pytest.fixture
def arrays(sets):
    return dataset.concatenate(sets)


def present(features: np.ndarray) -> np.ndarray:
    """Return the flags of the five bands."""
    return features[:, 9:14] > 0


def test_an_image_alone_shows_its_own_bands(arrays, rng):
    imaged = arrays["has_image"] > 0
    bands = present(features_of(arrays, IMAGE_ONLY, rng))
    assert (bands[imaged] == [False, True, True, True, False]).all()
    assert bands[~imaged].all()


def test_catalogue_photometry_does_not_depend_on_the_image(arrays, rng):
    plain = features_of(arrays, CATALOGUE_ONLY, rng)
    stripped = {**arrays, "has_image": np.zeros_like(arrays["has_image"])}
    np.testing.assert_array_equal(plain, features_of(stripped, CATALOGUE_ONLY, rng))
    both = features_of(arrays, IMAGE_AND_CATALOGUE, rng)
    np.testing.assert_array_equal(both[:, :19], plain[:, :19])


def test_training_shows_every_kind_of_input(arrays, rng):
    many = dataset.select(arrays, np.tile(np.arange(len(arrays["split"])), 20))
    features = features_of(many, Choice(), rng)
    assert features.shape == (len(many["split"]), SIZE)
    assert np.isfinite(features).all()
    imaged = many["has_image"] > 0
    bands = present(features)
    assert 0.03 < (~bands[imaged].any(axis=1)).mean() < 0.12
    assert 0.25 < bands[imaged, 0].mean() < 0.4
    assert bands[~imaged].mean(axis=0).min() > 0.75
    assert not bands[~imaged].all()


def test_the_same_numbers_give_the_same_view(arrays):
    one = features_of(arrays, Choice(), np.random.default_rng(1))
    again = features_of(arrays, Choice(), np.random.default_rng(1))
    other = features_of(arrays, Choice(), np.random.default_rng(2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_zooming_in_shrinks_the_pixel():
    """A Gaussian's width in arcsec survives the augmentation, its light stays in the field."""
    y, x = np.mgrid[:64, :64] - 31.5
    blob = 250 * np.exp(-(x**2 + y**2) / (2 * 7.0**2))
    grid = torch.from_numpy(np.tile(blob, (40, 3, 1, 1)).astype(np.uint8))
    scale = np.full(40, 0.5, np.float32)
    moved, pixel = augment(grid, scale, np.random.default_rng(3))
    assert moved.shape == grid.shape
    assert (pixel <= 0.5).all()
    assert len(np.unique(pixel)) > 10
    for image, size in zip(moved[:, 0].numpy(), pixel, strict=True):
        peak = image.max()
        area = (image > 0.5 * peak).sum() * size**2
        # the half-maximum disc of a Gaussian: pi (2 ln 2) sigma^2
        assert area == pytest.approx(2 * np.pi * np.log(2) * (7 * 0.5) ** 2, rel=0.06)


def test_augmentation_turns_and_flips_by_right_angles():
    corner = torch.zeros((300, 3, 64, 64), dtype=torch.uint8)
    corner[:, :, 4:8, 12:16] = 255
    moved, pixel = augment(corner, np.ones(300, np.float32), np.random.default_rng(4))
    still = moved[pixel == 1.0]
    places = {tuple(np.argwhere(image[0].numpy() > 0.99)[0]) for image in still}
    assert len(places) == 8
    assert still.sum() == pytest.approx(float(len(still) * 3 * 16), rel=1e-3)
