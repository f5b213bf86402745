"""The comparison's Gaussian against scipy; what boosting is shown; images measured by aperture."""

import numpy as np
import pytest
from scipy import stats

from galexplorer.datasets import shards
from galexplorer.evaluation import baselines
from galexplorer.evaluation.baselines import Baseline
from galexplorer.evaluation.prediction import GRI, IMAGE, PHOTOMETRY, PHOTOMETRY_FIXED, UGRIZ
from galexplorer.evaluation.samples.sample import Sample
from galexplorer.image.composite import as_served, composite
from galexplorer.realism.apertures import measured_features


@pytest.fixture
def sample(table_rows) -> Sample:
    """Mass is linear in r with a scatter of 0.1 dex; everything else is unknown."""
    random = np.random.default_rng(5)
    size = len(table_rows["split"])
    truth = np.full((size, 9), np.nan)
    truth[:, 0] = random.uniform(0.02, 0.1, size)
    truth[:, 1] = 27 - table_rows["catalogue_mag"][:, 2] + random.normal(0, 0.1, size)
    rows = np.arange(size)
    return Sample(
        "toy", "Toy", "table", table_rows, truth, rows[:100], rows[100:160], rows[160:],
        (PHOTOMETRY,), (0.02, 0.1),
    )  # fmt: skip


def test_the_gaussian_is_that_of_scipy(rng):
    mean = rng.normal(0, 1, (50, 9))
    mean[:, 0] = rng.uniform(0.0, 0.12, 50)
    sigma = rng.uniform(0.5, 2, 9)
    sigma[0] = 0.02
    matrix = np.eye(9)
    matrix[1, 2] = matrix[2, 1] = 0.6
    baseline = Baseline(mean, sigma, matrix, (0.02, 0.1))
    truth = mean + rng.normal(0, 1, (50, 9)) * sigma
    found = baseline.log_density(truth)
    np.testing.assert_allclose(
        found[:, 1:], stats.norm.logpdf(truth, mean, sigma)[:, 1:], rtol=1e-9
    )
    ends = ((edge - mean[:, 0]) / sigma[0] for edge in (0.02, 0.1))
    cut = stats.truncnorm(*ends, loc=mean[:, 0], scale=sigma[0])
    inside = (truth[:, 0] > 0.02) & (truth[:, 0] < 0.1)
    np.testing.assert_allclose(
        found[inside, 0], cut.logpdf(truth[:, 0])[inside], rtol=1e-6, atol=1e-9
    )
    covariance = np.outer(sigma, sigma) * matrix
    expected = [
        stats.multivariate_normal.logpdf(t[:3], m[:3], covariance[:3, :3])
        for t, m in zip(truth, mean, strict=True)
    ]
    np.testing.assert_allclose(baseline.joint_log_density(truth, [0, 1, 2]), expected)


def test_boosting_learns_on_training_rows_and_its_spread_on_validation_rows(sample):
    found = baselines.fit(sample, PHOTOMETRY, None, [0, 1])
    residual = sample.truth[sample.test, 1] - found.mean[:, 1]
    assert residual.std() < 0.3
    assert found.sigma[1] == pytest.approx(residual.std(), rel=0.4)
    assert np.isnan(found.mean[:, 2:]).all()
    assert ((found.mean[:, 0] >= 0.02) & (found.mean[:, 0] <= 0.1)).all()
    # what the test rows hold must not matter to the fit
    changed = sample.truth.copy()
    changed[sample.test] = 99.0
    again = baselines.fit(Sample(**{**vars(sample), "truth": changed}), PHOTOMETRY, None, [0, 1])
    np.testing.assert_array_equal(again.mean, found.mean)


def test_boosting_sees_what_the_mode_gives(sample):
    width = {
        mode.name: baselines.features(sample, mode, np.zeros((400, 4))).shape[1]
        for mode in (PHOTOMETRY, UGRIZ, GRI, PHOTOMETRY_FIXED, IMAGE)
    }
    assert list(width.values()) == [12, 9, 5, 13, 4]


def test_apertures_of_the_comparison_hold_their_light():
    """A galaxy of 100 nanomaggies in r, all of it within the largest aperture."""
    y, x = np.mgrid[:64, :64] - 31.5
    profile = np.exp(-0.5 * (x**2 + y**2) / 4.0**2)
    flux = np.array([0.5, 1.0, 1.5])[:, None, None] * 100 * profile / profile.sum()
    arrays = shards.empty(1)
    arrays["grid"][0] = as_served(composite(flux, 0.5))
    arrays["pixel_scale"][0] = 0.5
    features = measured_features(arrays)[0]
    magnitudes = features[:15].reshape(5, 3)
    np.testing.assert_allclose(magnitudes[-1], -2.5 * np.log10([50, 100, 150]), atol=0.05)
    assert (np.diff(magnitudes, axis=0) < 0.01).all()
