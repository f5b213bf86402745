"""The base of the flows, made right on rows that the training has not seen."""

import numpy as np
import pytest
from scipy import stats

from galexplorer.training.calibration import fit_base


def bend(normal, shift, width, skew, tail):
    return shift + width * np.sinh((np.arcsinh(normal) + skew) / tail)


@pytest.mark.parametrize(
    "truth", [(0.0, 1.0, 0.0, 1.0), (0.2, 1.3, 0.15, 0.85), (-0.4, 0.7, -0.2, 1.2)]
)
def test_the_fit_finds_what_made_the_values(rng, truth):
    values = bend(rng.standard_normal(40_000), *truth)
    assert fit_base(values[:, None]) == pytest.approx(truth, abs=0.04)


def test_values_of_another_family_become_uniform(rng):
    """Student's t and a skewed gamma are no sinh-arcsinh normals, but near one."""
    for law in (stats.t(4), stats.gamma(6)):
        values = law.rvs(8000, random_state=rng)
        shift, width, skew, tail = fit_base(values[:4000, None])
        back = np.sinh(tail * np.arcsinh((values[4000:] - shift) / width) - skew)
        distance = stats.kstest(stats.norm.cdf(back), "uniform").statistic
        plain = stats.kstest((values[4000:] - values[:4000].mean()) / values[:4000].std(), "norm")
        assert distance < 0.025
        assert distance < 0.7 * plain.statistic


def test_few_values_are_not_bent_much(rng):
    _, _, skew, tail = fit_base(rng.standard_normal((150, 1)))
    assert abs(skew) < 0.12
    assert abs(np.log(tail)) < 0.2


def test_the_mixture_of_members_that_differ_becomes_uniform(rng):
    """Three members each off by its own shift, and each too wide by itself for what they share."""
    centres = np.array([-0.6, 0.1, 0.5])
    truth = 0.9 * rng.standard_normal(20_000)
    values = truth[:, None] - centres
    shift, width, skew, tail = fit_base(values[:10_000])

    def share(width: float) -> np.ndarray:
        back = np.sinh(tail * np.arcsinh((values[10_000:] - shift) / width) - skew)
        return stats.norm.cdf(back).mean(axis=1)

    assert stats.kstest(share(width), "uniform").statistic < 0.02
    pooled = np.std(values)  # what a fit to all members' values at once would take
    assert width < 0.85 * pooled
    assert stats.kstest(share(pooled), "uniform").statistic > 0.04
