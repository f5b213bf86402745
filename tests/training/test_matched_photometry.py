"""Observed images get the magnitudes of galaxies like them, never those of others."""

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.training.matched_photometry import MAX_MATCHES, MatchedPhotometry
from galexplorer.training.training_data import TrainingData


@pytest.fixture
def sets(rng) -> tuple[dict, dict]:
    """Two hundred galaxies of a table, and images of thirty of them that it does not list."""
    number, images = 200, 30
    table = shards.empty(number)
    redshift = np.linspace(0.02, 0.2, number)
    table["targets"][:, 0] = redshift
    table["targets"][:, 1] = 9.5 + 8 * redshift
    table["label"][:, :2] = 1
    r = 13.5 + 20 * redshift
    table["catalogue_mag"][:] = r[:, None] + np.array([2.2, 0.8, 0.0, -0.4, -0.7])
    table["catalogue_err"][:] = np.arange(number)[:, None]  # a name for each
    table["kind"][:] = shards.OBSERVED
    seen = shards.empty(images)
    pick = rng.choice(number, images, replace=False)
    seen["targets"][:] = table["targets"][pick]
    seen["label"][:, :2] = 1
    seen["measured_mag"][:] = table["catalogue_mag"][pick, 1:4] + rng.normal(0, 0.02, (images, 3))
    seen["has_image"][:], seen["origin"][:], seen["kind"][:] = 1, 2, shards.OBSERVED
    seen["pixel_scale"][:] = 0.4
    return table, seen


@pytest.fixture
def training_data(sets) -> TrainingData:
    return TrainingData(list(sets))


def images_of(training_data: TrainingData) -> tuple[dict, np.ndarray]:
    rows = training_data.observed
    return shards.select(training_data.rows, rows), rows


def test_galaxies_at_the_same_redshift_and_mass_give_theirs(training_data, rng):
    matched = MatchedPhotometry(training_data)
    donors = set()
    for _ in range(40):
        images, rows = images_of(training_data)
        matched.assign(images, rows, rng)
        donor = images["catalogue_err"][:, 0].astype(int)
        apart = np.abs(training_data.rows["targets"][donor, 0] - images["targets"][:, 0])
        assert apart.max() < MAX_MATCHES * 0.18 / 199
        np.testing.assert_array_equal(
            images["catalogue_mag"], training_data.rows["catalogue_mag"][donor]
        )
        donors.add(int(donor[0]))
    assert len(donors) == MAX_MATCHES  # one at a time, and all of them
    assert np.isnan(training_data.rows["catalogue_mag"][training_data.observed]).all()


def test_an_image_keeps_the_magnitudes_that_it_has(training_data, rng):
    first = training_data.observed[0]
    training_data.rows["catalogue_mag"][first] = 15.0
    images, rows = images_of(training_data)
    MatchedPhotometry(training_data).assign(images, rows, rng)
    assert (images["catalogue_mag"][0] == 15.0).all()


def test_neither_held_out_nor_simulated_galaxies_give_theirs(sets, rng):
    table, seen = sets
    table["split"][::3], table["kind"][1::3] = shards.VALIDATION, shards.RENDERED
    training_data = TrainingData([table, seen])
    images, rows = images_of(training_data)
    MatchedPhotometry(training_data).assign(images, rows, rng)
    assert (images["catalogue_err"][:, 0] % 3 == 2).all()
    table["label"][:, 1] = 2  # completed masses are not measured ones
    training_data = TrainingData([table, seen])
    images, rows = images_of(training_data)
    MatchedPhotometry(training_data).assign(images, rows, rng)
    assert np.isnan(images["catalogue_mag"]).all()


def test_what_is_not_alike_gives_nothing(sets, rng):
    table, seen = sets
    seen["targets"][0, 1] = np.nan  # without a mass nothing is known to be alike
    seen["targets"][1, 0] += 0.5
    seen["catalogue_mag"][2, 2] = 15.0  # one band is enough to be listed
    training_data = TrainingData([table, seen])
    images, rows = images_of(training_data)
    MatchedPhotometry(training_data).assign(images, rows, rng)
    np.testing.assert_array_equal(np.isfinite(images["catalogue_mag"])[:3].sum(axis=1), [0, 0, 1])
    assert np.isfinite(images["catalogue_mag"][3:]).all()
