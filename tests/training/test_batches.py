"""How rows are presented: what is dropped, and that nothing is invented."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from galexplorer.datasets import shards
from galexplorer.model.features import SIZE
from galexplorer.population.sources import MPA_ERROR_FACTORS
from galexplorer.records.asinh import flux_of
from galexplorer.schema import LINE_NAMES, TARGET_NAMES
from galexplorer.training.batches import (
    CATALOGUE_ONLY,
    IMAGE_AND_CATALOGUE,
    IMAGE_ONLY,
    InputMask,
    augment,
    draw_augmentations,
    fainter,
    features_of,
    measurable_labels,
)


@pytest.fixture
def arrays(sets):
    return shards.concatenate(sets)


def given_bands(features: np.ndarray) -> np.ndarray:
    """Return the flags of the five bands."""
    return features[:, 9:14] > 0


def test_an_image_alone_shows_its_own_bands(arrays, rng):
    has_image = arrays["has_image"] > 0
    bands = given_bands(features_of(arrays, IMAGE_ONLY, rng))
    assert (bands[has_image] == [False, True, True, True, False]).all()
    assert bands[~has_image].all()


def test_catalogue_photometry_does_not_depend_on_the_image(arrays, rng):
    plain = features_of(arrays, CATALOGUE_ONLY, rng)
    stripped = {**arrays, "has_image": np.zeros_like(arrays["has_image"])}
    np.testing.assert_array_equal(plain, features_of(stripped, CATALOGUE_ONLY, rng))
    both = features_of(arrays, IMAGE_AND_CATALOGUE, rng)
    np.testing.assert_array_equal(both[:, :19], plain[:, :19])


def test_training_shows_every_kind_of_input(arrays, rng):
    many = shards.select(arrays, np.tile(np.arange(len(arrays["split"])), 20))
    features = features_of(many, InputMask(), rng)
    assert features.shape == (len(many["split"]), SIZE)
    assert np.isfinite(features).all()
    has_image = many["has_image"] > 0
    bands = given_bands(features)
    assert 0.03 < (~bands[has_image].any(axis=1)).mean() < 0.12
    assert 0.2 < bands[has_image, 0].mean() < 0.4
    assert bands[~has_image].mean(axis=0).min() > 0.7
    # complete rows are common, and rows of one or two bands are met
    count = bands[~has_image].sum(axis=1)
    assert (count == 5).mean() > 0.45
    assert 0.003 < (count <= 2).mean() < 0.1
    assert not bands[~has_image].all()


def test_the_same_numbers_give_the_same_view(arrays):
    one = features_of(arrays, InputMask(), np.random.default_rng(1))
    again = features_of(arrays, InputMask(), np.random.default_rng(1))
    other = features_of(arrays, InputMask(), np.random.default_rng(2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def changed(grid: torch.Tensor, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Return changed images and by how much their pixels shrank."""
    augmentations = draw_augmentations(len(grid), np.random.default_rng(seed))
    zoom = augmentations.pop("zoom")
    return augment(grid, {k: torch.from_numpy(v) for k, v in augmentations.items()}, seed), zoom


def test_zooming_in_shrinks_the_pixel():
    """A Gaussian's width in arcsec survives the augmentation, its light stays in the field."""
    y, x = np.mgrid[:64, :64] - 31.5
    blob = 250 * np.exp(-(x**2 + y**2) / (2 * 7.0**2))
    grid = torch.from_numpy(np.tile(blob, (40, 3, 1, 1)).astype(np.uint8))
    moved, zoom = changed(grid, 3)
    pixel = 0.5 * zoom
    assert moved.shape == grid.shape
    assert (pixel <= 0.5).all()
    assert len(np.unique(pixel)) > 10
    for image, size in zip(moved[:, 0].numpy(), pixel, strict=True):
        peak = image.max()
        area = (image > 0.5 * peak).sum() * size**2
        # the half-maximum disc of a Gaussian: pi (2 ln 2) sigma^2
        assert area == pytest.approx(2 * np.pi * np.log(2) * (7 * 0.5) ** 2, rel=0.06)


def test_augmentation_turns_by_any_angle_and_flips():
    """A spot off the axes goes round at its distance, on both sides of the mirror."""
    spot = torch.zeros((400, 3, 64, 64), dtype=torch.uint8)
    spot[:, :, 40:43, 44:47] = 255
    moved, zoom = changed(spot, 4)
    still = moved[zoom == 1.0][:, 0].numpy()
    y, x = np.mgrid[:64, :64] - 31.5
    bright = np.where(still > 0.2, still, 0.0)
    light = bright.sum(axis=(1, 2))
    at_x, at_y = (bright * x).sum(axis=(1, 2)) / light, (bright * y).sum(axis=(1, 2)) / light
    np.testing.assert_allclose(np.hypot(at_x, at_y), np.hypot(9.5, 13.5), atol=0.5)
    angle = np.degrees(np.arctan2(at_y, at_x))
    assert np.ptp(np.sort(angle)) > 340
    # about half are turned by right angles alone
    on_grid = np.isclose(np.sort(np.abs(np.stack([at_x, at_y])), axis=0), [[9.5], [13.5]], atol=0.2)
    assert 0.35 < on_grid.all(axis=0).mean() < 0.7


def test_a_spectrum_shows_a_line_above_three_sigma(arrays):
    rows = shards.select(arrays, np.arange(6))
    rows["line_snr"] = np.array(
        [
            [10.0, 5.0, 4.0, 1.0],  # star formation, [O III] not seen
            [10.0, 5.0, 4.0, 9.0],  # lines of an active nucleus
            [10.0, 2.9, 4.0, 9.0],  # Hb not seen
            [np.nan] * 4,
            [10.0, np.nan, 4.0, 9.0],
            [-2.0, 0.1, 1.0, 0.0],
        ],
        np.float32,
    )
    flux = TARGET_NAMES.index("log_flux_halpha")
    rows["targets"][:, flux:] = [2.0, 1.5, 1.5, 1.2]
    rows["targets"][1, flux:] = [2.0, 1.5, 2.1, 2.5]
    label = measurable_labels(rows)
    np.testing.assert_array_equal(
        label,
        np.array(
            [
                [1, 1, 1, 0, 1],
                [1, 1, 1, 1, 0],
                [1, 0, 1, 1, 0],
                [np.nan] * 5,
                [1, np.nan, 1, 1, np.nan],
                [0, 0, 0, 0, 0],
            ]
        ),
    )


def test_the_rule_for_metallicities_is_that_of_the_catalogue(data_dir):
    """MPA-JHU gives a metallicity where the rule says so: 98% of 2,321 galaxies."""
    table = pd.read_csv(data_dir / "mpajhu_z002_005.csv.gz")
    rows = shards.empty(len(table), with_grid=False)
    for k, name in enumerate(LINE_NAMES):
        line = name.removeprefix("log_flux_")
        flux, error = table[line].to_numpy(), table[f"{line}_err"].to_numpy()
        rows["line_snr"][:, k] = flux / (error * MPA_ERROR_FACTORS[line])
        rows["targets"][:, TARGET_NAMES.index(name)] = np.log10(np.maximum(flux, 1e-3))
    given = table.oh_t04.between(7, 10).to_numpy()
    assert (measurable_labels(rows)[:, -1] == given).mean() > 0.975


def test_every_subset_of_inputs_is_met(sets):
    """Image, bands, radii, Petrosian magnitudes: what a user can leave out is left out."""
    arrays = shards.concatenate(sets)
    arrays["catalogue_petro_mag"][:] = arrays["catalogue_mag"] + 0.1
    many = shards.select(arrays, np.tile(np.arange(len(arrays["split"])), 400))
    features = features_of(many, InputMask(), np.random.default_rng(7))
    has_image, bands, flags = features[:, 25] > 0, given_bands(features), features > 0
    for rows in (~has_image & flags[:, 23], has_image & flags[:, 23]):
        assert len({tuple(row) for row in bands[rows]}) == 31
    assert len({tuple(row) for row in bands[has_image & flags[:, 24]]}) == 7  # of g, r, i
    pairs = [tuple(row) for row in flags[:, 36:41] & bands]
    assert len(set(pairs)) == 32
    photometry = flags[:, 23] + 2 * flags[:, 24]
    radii = (flags[:, 21] | flags[:, 22]) * (1 + flags[:, 27])
    met = set(zip(has_image, photometry, radii, flags[:, 36:41].any(axis=1), strict=True))
    for image, magnitudes, sizes in itertools.product((False, True), (0, 1, 2), (0, 1, 2)):
        if not image and 2 in (magnitudes, sizes):
            continue  # nothing is measured without pixels
        for petrosian in (False, True) if magnitudes == 1 else (False,):
            assert (image, magnitudes, sizes, petrosian) in met
    # either radius alone, and errors given or typical
    for one, other in ((21, 22), (22, 21)):
        assert 0.02 < (flags[:, one] & ~flags[:, other]).mean() < 0.06
    errors = features[:, 16][bands[:, 2]]
    assert 0.2 < (errors == np.float32(np.log10(0.01) + 1.7)).mean() < 0.4


def test_fainter_photometry_keeps_its_fluxes_within_the_noise_it_is_given():
    random = np.random.default_rng(4)
    magnitudes = random.normal(18.0, 1.0, (4000, 5))
    errors = np.full((4000, 5), 0.02)
    found, noise = fainter(magnitudes, errors, random)
    changed = found != magnitudes
    assert 0.35 < changed.mean() < 0.7
    assert changed[:, 0].mean() > changed[:, 2].mean()
    assert (noise[~changed] == 0.02).all()
    before, sigma_before = flux_of(magnitudes, errors)
    after, sigma = flux_of(found, noise)
    assert np.isfinite(found).all()
    added = np.sqrt(sigma[changed] ** 2 - sigma_before[changed] ** 2)
    pull = (after - before)[changed] / added
    assert np.mean(pull) == pytest.approx(0, abs=0.05)
    assert np.std(pull) == pytest.approx(1, abs=0.05)
    assert (after[changed] < 0).mean() > 0.05


def test_missing_bands_stay_missing_when_photometry_gets_fainter():
    magnitudes = np.array([[np.nan, 18.0, 17.0, np.nan, 16.5]])
    found, _ = fainter(magnitudes, np.full((1, 5), np.nan), np.random.default_rng(1))
    assert list(np.isnan(found[0])) == [True, False, False, True, False]
