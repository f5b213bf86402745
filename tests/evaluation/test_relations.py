"""Scaling relations: right posteriors trace them, smoothed ones do not."""

import numpy as np
import pytest

from galexplorer.evaluation.relations import MASS_BINS, scaling_relations, tremonti2004


def galaxies(rng, size=3000):
    truth = np.full((size, 9), np.nan)
    truth[:, 1] = rng.uniform(8.8, 11.4, size)
    truth[:, 2] = 0.7 * (truth[:, 1] - 10) + rng.normal(0, 0.3, size)
    truth[:, 3] = tremonti2004(truth[:, 1]) + rng.normal(0, 0.1, size)
    return truth


def test_draws_that_are_the_truth_trace_the_relation(rng):
    truth = galaxies(rng)
    found = scaling_relations(truth, np.repeat(truth[:, None], 5, axis=1))
    assert set(found) == {"mass-metallicity", "main sequence"}
    for relation in found.values():
        assert relation["offset"] < 1e-6
        assert relation["known"]["p50"] == relation["drawn"]["p50"]
    metal = found["mass-metallicity"]
    middle = np.array(metal["known"]["p50"], float)
    good = np.isfinite(middle)
    np.testing.assert_allclose(middle[good], tremonti2004(np.array(metal["mass"]))[good], atol=0.04)


def test_draws_that_ignore_the_mass_flatten_it(rng):
    truth = galaxies(rng)
    draws = np.repeat(truth[:, None], 5, axis=1)
    draws[:, :, 3] = rng.permuted(draws[:, :, 3].ravel()).reshape(-1, 5)
    assert scaling_relations(truth, draws)["mass-metallicity"]["offset"] > 0.1


def test_tremonti_2004_agrees_with_another_fit_to_its_abundances():
    """The cubic of Kewley & Ellison 2008 (0801.1849, table 2), of their own SDSS sample."""
    mass = np.linspace(9.0, 11.0, 21)
    cubic = -0.694114 + 1.30207 * mass + 0.00271531 * mass**2 - 0.00364112 * mass**3
    np.testing.assert_allclose(tremonti2004(mass), cubic, atol=0.05)
    assert np.isnan(tremonti2004(np.array([8.0, 12.0]))).all()


def test_bins_without_galaxies_are_empty(rng):
    truth = galaxies(rng, 200)
    truth[:, 1] = np.clip(truth[:, 1], 9.5, 11.0)
    found = scaling_relations(truth, np.repeat(truth[:, None], 3, axis=1))
    assert found["main sequence"]["known"]["p50"][0] is None
    assert len(found["main sequence"]["mass"]) == len(MASS_BINS) - 1
    assert scaling_relations(np.full((50, 9), np.nan), np.zeros((50, 3, 9))) == {}
    assert found["main sequence"]["offset"] == pytest.approx(0, abs=1e-9)
