"""Joint coverage in closed form; limits that a right posterior meets and a wrong one fails."""

import numpy as np
import pytest
from scipy import stats

from galexplorer.evaluation.calibration import (
    ALPHA,
    FAILS,
    HOLDS,
    REAL_LIMITS,
    WITHIN_NOISE,
    Limits,
    check_calibration,
    passes,
    tarp,
)
from galexplorer.evaluation.metrics import score

ROWS, DRAWS = 3000, 200


def gaussian_problem(rng, dimensions: int, width: float):
    """Truths from N(0, 1) about known centres; posteriors too narrow or wide by a factor."""
    centre = rng.normal(0, 3, (ROWS, dimensions))
    truth = rng.normal(centre, 1.0)
    draws = rng.normal(centre[:, None], width, (ROWS, DRAWS, dimensions))
    return centre, truth, draws


@pytest.mark.parametrize("width", [0.6, 1.0, 1.5])
def test_tarp_in_two_dimensions_has_its_closed_form(rng, width):
    """About the posterior's centre, squared distances are chi2 of two degrees of freedom.

    A share s of the draws lies within sqrt(-2 w^2 ln(1 - s)), a truth within that of
    probability 1 - (1 - s)^(w^2).
    """
    centre, truth, draws = gaussian_problem(rng, 2, width)
    found = tarp(truth, draws, references=centre, bootstrap=20)
    expected = 1 - (1 - ALPHA) ** width**2
    np.testing.assert_allclose(found["coverage"], expected, atol=0.03)


def test_tarp_from_far_away_is_the_pit(rng):
    """In one dimension, seen from far left, the nearer draws are those below the truth."""
    _, truth, draws = gaussian_problem(rng, 1, 0.7)
    found = tarp(truth, draws, references=np.full_like(truth, -1e4), bootstrap=20)
    expected = stats.norm.cdf(0.7 * stats.norm.ppf(ALPHA))
    np.testing.assert_allclose(found["coverage"], expected, atol=0.03)
    assert found["tarp_deviation"] == pytest.approx(np.abs(expected - ALPHA).max(), abs=0.03)


def test_tarp_at_random_points(rng):
    _, truth, draws = gaussian_problem(rng, 5, 1.0)
    right = tarp(truth, draws)
    assert right["tarp_deviation"] < 1.82 / np.sqrt(ROWS)
    inside = (np.array(right["low"]) <= ALPHA) & (np.array(right["high"]) >= ALPHA)
    assert inside.mean() > 0.8
    assert passes(check_calibration(right))
    _, truth, draws = gaussian_problem(rng, 5, 0.7)
    assert not passes(check_calibration(tarp(truth, draws)))


def test_tarp_sees_a_missing_correlation(rng):
    """Both marginals are right; only together are they wrong."""
    shared = rng.normal(0, 1, (ROWS, 1))
    truth = shared + rng.normal(0, 0.1, (ROWS, 2))
    draws = np.stack([rng.permutation(truth)[:DRAWS] for _ in range(ROWS)])
    assert passes(check_calibration(tarp(truth, draws)))
    for k in range(2):
        draws[:, :, k] = rng.permuted(draws[:, :, k], axis=1)
        assert passes(check_calibration(score(truth[:, k], draws[:, :, k])))
    assert not passes(check_calibration(tarp(truth, draws)))


def test_unknown_values_take_no_part(rng):
    _, truth, draws = gaussian_problem(rng, 3, 1.0)
    holes = truth.copy()
    holes[::2, 1] = np.nan
    holes[:, 2] = np.nan
    holes[:100] = np.nan
    draws[::2, :, 1] += 50
    draws[:, :, 2] -= 50
    found = tarp(holes, draws)
    assert found["rows"] == ROWS - 100
    assert found["tarp_deviation"] < 0.03


def test_a_closed_form_gaussian_passes_and_an_overconfident_one_fails(rng):
    """Posterior of a mean: prior N(0, 2), one datum of unit error, all known in closed form."""
    truth = rng.normal(0, 2.0, ROWS)
    datum = truth + rng.normal(0, 1.0, ROWS)
    centre, width = 0.8 * datum, np.sqrt(0.8)
    states = {}
    for factor in (1.0, 0.8):
        draws = rng.normal(centre[:, None], factor * width, (ROWS, DRAWS))
        log_density = stats.norm.logpdf(truth, centre, factor * width)
        figures = score(truth, draws, log_density=log_density)
        checks = check_calibration(figures)
        states[factor] = passes(checks)
        assert len(checks) == 5
        if factor == 1.0:
            # minus the entropy of the posterior
            expected = -0.5 * np.log(2 * np.pi * np.e * 0.8)
            assert figures["log_score"] == pytest.approx(expected, abs=0.03)
        else:
            assert all(check.state == FAILS for check in checks)
    assert states == {1.0: True, 0.8: False}


def test_limits_and_noise_tell_three_states():
    figures = {"rows": 10_000, "coverage_68": 0.665, "pit_ks": 0.035}
    states = {check.name: check.state for check in check_calibration(figures)}
    assert states == {"coverage_68": HOLDS, "pit_ks": FAILS}
    assert passes(check_calibration(figures, REAL_LIMITS))
    few = {"rows": 100, "coverage_68": 0.60, "pit_ks": 0.12}
    states = {check.name: check.state for check in check_calibration(few)}
    assert states == {"coverage_68": WITHIN_NOISE, "pit_ks": WITHIN_NOISE}
    strict = check_calibration({"rows": 10**6, "coverage_50": 0.505}, Limits(coverage=0.001))
    assert [check.state for check in strict] == [FAILS]
