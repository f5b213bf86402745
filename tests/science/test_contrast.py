"""The difference between two posteriors, against closed forms and scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result
from galexplorer.records.verdict import Verdict, reason
from galexplorer.schema import TARGET_NAMES
from galexplorer.science.contrast import contrast, contrast_draws


def test_of_gaussians_it_is_known(rng):
    """Their difference is a Gaussian whose variances add up."""
    first, second = rng.normal(1.0, 0.3, 40_000), rng.normal(0.5, 0.4, 30_000)
    found = contrast_draws(first, second)
    assert found.quantiles["p50"] == pytest.approx(0.5, abs=0.01)
    assert found.quantiles["p84"] - found.quantiles["p16"] == pytest.approx(
        2 * 0.5 * norm.ppf(0.84), rel=0.02
    )
    assert found.spreads == pytest.approx(1.0 / norm.ppf(0.84), rel=0.03)
    assert found.p_greater == pytest.approx(norm.cdf(1.0), abs=0.005)


def test_the_probability_counts_all_pairs(rng):
    first, second = rng.gamma(2.0, size=300), rng.integers(0, 4, 200).astype(float)
    first[:50] = np.round(first[:50])  # ties count half
    expected = mannwhitneyu(first, second).statistic / (300 * 200)
    found = contrast_draws(first, second)
    assert found.p_greater == pytest.approx(expected, abs=1e-12)
    assert found == contrast_draws(rng.permutation(first), rng.permutation(second))
    turned = contrast_draws(second, first)
    assert turned.p_greater == pytest.approx(1 - expected, abs=1e-12)
    assert turned.quantiles["p16"] == pytest.approx(-found.quantiles["p84"])
    assert turned.quantiles["p97_5"] == pytest.approx(-found.quantiles["p2_5"])


def test_one_may_be_held_fixed(rng):
    draws = rng.normal(0.1, 0.01, 20_000).astype(np.float32)
    found = contrast_draws(draws, np.full(100, 0.09, np.float32))
    assert found.quantiles["p50"] == pytest.approx(0.01, abs=5e-4)
    assert found.p_greater == pytest.approx(norm.cdf(1.0), abs=0.01)


def test_what_has_no_value_has_no_difference(rng):
    def result(mean: float, **more) -> Result:
        draws = rng.normal(mean, 0.1, (400, 9)).astype(np.float32)
        draws[:, 0] = mean
        posterior = Posterior(draws, ("redshift",))
        return Result(posterior, {}, Photometry("none"), Domain(True, 50.0), **more)

    one, other = result(0.1), result(0.2)
    assert set(contrast(one, other)) == set(TARGET_NAMES) - {"redshift"}  # fixed in both
    passive = replace(other, measurable={"gas_metallicity": 0.1})
    assert "gas_metallicity" not in contrast(one, passive)
    star = replace(other, verdict=Verdict((reason("star", "do_not_use"),)))
    assert contrast(one, star) == contrast(star, one) == {}
