"""Figures of merit against closed forms, and a planted failure that they must find."""

import numpy as np
import pytest
from scipy import stats

from galexplorer.evaluation.calibration import check_calibration, passes
from galexplorer.evaluation.metrics import (
    coverage,
    crps,
    kolmogorov_smirnov,
    pit,
    point_metrics,
    redshift_metrics,
    score,
    score_points,
)

ROWS, DRAWS = 4000, 400


@pytest.fixture
def problem(rng):
    """Known centres and widths; the truth is a draw of the posterior."""
    centre = rng.normal(10.5, 0.5, ROWS)
    width = rng.uniform(0.1, 0.3, ROWS)
    return centre, width, rng.normal(centre, width)


def posterior(rng, centre, width):
    return rng.normal(centre[:, None], width[:, None], (ROWS, DRAWS))


def calibrated(figures) -> bool:
    return passes(check_calibration(figures))


def test_a_calibrated_posterior_passes(rng, problem):
    centre, width, truth = problem
    assert calibrated(score(truth, posterior(rng, centre, width)))


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_a_wrong_width_fails(rng, problem, factor):
    centre, width, truth = problem
    figures = score(truth, posterior(rng, centre, factor * width))
    assert not calibrated(figures)
    expected = 2 * stats.norm.cdf(stats.norm.ppf(0.84) * factor) - 1
    assert figures["coverage_68"] == pytest.approx(expected, abs=0.03)


def test_a_shift_fails(rng, problem):
    centre, width, truth = problem
    assert not calibrated(score(truth, posterior(rng, centre + 0.3 * width, width)))


def test_crps_of_a_normal_has_its_closed_form(rng):
    """Gneiting & Raftery 2007, equation 21."""
    centre, width = np.zeros(ROWS), np.full(ROWS, 0.4)
    truth = rng.normal(0, 0.6, ROWS)
    z = truth / 0.4
    closed = 0.4 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(truth, posterior(rng, centre, width)) == pytest.approx(closed.mean(), rel=0.01)


def test_crps_is_the_double_sum(rng):
    truth, draws = rng.normal(size=6), rng.normal(size=(6, 30))
    pairs = np.abs(draws[:, :, None] - draws[:, None]).sum(axis=(1, 2)) / (30 * 29)
    expected = np.mean(np.abs(draws - truth[:, None]).mean(axis=1) - 0.5 * pairs)
    assert crps(truth, draws) == pytest.approx(expected)


def test_sigma_mad_of_a_normal_is_its_sigma(rng):
    redshift = np.full(200_000, 0.1)
    median = redshift + 1.1 * rng.normal(0.004, 0.01, 200_000)
    figures = redshift_metrics(redshift, median)
    assert figures["sigma_mad"] == pytest.approx(0.01, rel=0.01)
    assert figures["outliers"] == pytest.approx(
        stats.norm(0.004, 0.01).sf(0.05) + stats.norm(0.004, 0.01).cdf(-0.05), abs=1e-4
    )


def test_the_ks_distance_is_that_of_scipy(rng):
    values = rng.beta(2, 1.5, 500)
    expected = stats.kstest(values, "uniform").statistic
    assert kolmogorov_smirnov(values) == pytest.approx(expected)


def test_pit_and_coverage_count(rng):
    draws = np.tile(np.arange(100.0), (3, 1))
    values = pit(np.array([-1.0, 49.5, 99.5]), draws)
    np.testing.assert_allclose(values, np.array([0.5, 50.5, 100.5]) / 101)
    assert coverage(values)["coverage_95"] == pytest.approx(1 / 3)
    uniform = coverage(np.linspace(0, 1, 10_001))
    assert uniform["coverage_68"] == pytest.approx(0.68, abs=1e-3)


def test_r2_is_one_minus_the_unexplained_share(rng):
    truth = rng.normal(0, 1.0, 100_000)
    figures = point_metrics(truth, truth + rng.normal(0.1, 0.5, 100_000))
    assert figures["r2"] == pytest.approx(1 - 0.25 - 0.01, abs=0.01)
    assert figures["rmse"] == pytest.approx(np.hypot(0.5, 0.1), rel=0.01)
    assert figures["bias"] == pytest.approx(0.1, abs=0.01)
    assert np.isnan(point_metrics(np.ones(5), np.ones(5))["r2"])


def test_squares_are_of_means_and_the_robust_scatter_of_medians(rng):
    """Of a skewed posterior, whose mean has the least squared error there is."""
    centre = rng.normal(0, 1, 4000)
    truth = centre + rng.exponential(1.0, 4000)
    draws = centre[:, None] + rng.exponential(1.0, (4000, 400))
    figures = score(truth, draws)
    assert figures["rmse"] == pytest.approx(1.0, rel=0.06)  # the deviation of the exponential
    assert abs(figures["bias"]) < 0.05
    median = 1 - (1 + (1 - np.log(2)) ** 2) / 2  # off by 1 - log 2
    assert figures["r2"] == pytest.approx(0.5, abs=0.03)
    assert figures["r2_median"] == pytest.approx(median, abs=0.03)
    residual = truth - np.median(draws, axis=1)
    expected = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    assert figures["sigma_mad"] == pytest.approx(expected)


def test_rows_without_truth_are_left_out(rng, problem):
    centre, width, truth = problem
    draws = posterior(rng, centre, width)
    holes = truth.copy()
    holes[::2] = np.nan
    assert score(holes, draws)["rows"] == ROWS // 2
    assert score(np.full(ROWS, np.nan), draws) == {"rows": 0}
    assert "sigma_mad" in score(truth, draws, redshift=True)


def test_bootstrap_errors_are_those_of_repeated_samples(rng):
    """The scatter of R2 and RMSE over fresh samples of the same size."""
    size = 300
    truth = rng.normal(0, 1.0, (200, size))
    median = truth + rng.normal(0, 0.5, (200, size))
    repeated = [point_metrics(t, m) for t, m in zip(truth, median, strict=True)]
    figures = score_points(truth[0], median[0], median[0], bootstrap=200)
    for name in ("r2", "rmse"):
        expected = np.std([row[name] for row in repeated])
        assert figures[f"{name}_err"] == pytest.approx(expected, rel=0.3)


def test_outliers_of_other_targets_lie_beyond_three_sigma(rng):
    truth = rng.normal(10, 1, 20_000)
    residual = rng.normal(0.3, 0.2, 20_000)
    residual[:200] = 5.0
    guess = truth + residual
    figures = score_points(truth, guess, guess)
    assert figures["sigma_mad"] == pytest.approx(0.2, rel=0.03)
    assert figures["outliers"] == pytest.approx(0.01 + 0.0027, abs=1e-3)
