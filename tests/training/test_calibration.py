"""The base of the flows, made right on rows that the training has not seen."""

import numpy as np
import pytest
import torch
from scipy import stats

from galexplorer.datasets import shards
from galexplorer.training.calibration import _HeldOut, _weights, fit_base
from galexplorer.training.training_data import TrainingData


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


def test_rows_count_by_their_weight(rng):
    """A table whose cut is not known to its posteriors must not make all others too narrow."""
    values = np.r_[rng.standard_normal(20_000), 0.3 * rng.standard_normal(20_000)][:, None]
    weight = np.repeat([1.0, 0.02], 20_000)
    assert fit_base(values, weight)[1] == pytest.approx(1.0, abs=0.06)
    assert fit_base(values)[1] < 0.8


def test_real_rows_count_as_training_draws_without_their_copies(rng):
    """As many galaxies of a narrow table as of a wide one, whose copies make up for it."""
    number = 1500
    arrays = shards.empty(3 * number)
    narrow, copies = slice(number, 2 * number), slice(2 * number, None)  # after the wide one
    redshift = rng.uniform(0.02, 0.3, 3 * number)
    redshift[narrow] = rng.uniform(0.10, 0.12, number)
    arrays["targets"][:] = 1.0
    arrays["targets"][:, 0] = redshift
    arrays["catalogue_mag"][:] = rng.normal(17, 0.5, (3 * number, 1)) + rng.normal(0, 0.05, 5)
    arrays["label"][:, 0] = 1
    arrays["label"][copies, 0] = 2
    arrays["split"][:] = shards.VALIDATION
    arrays["weight"][:] = 1.0
    # wide rows and their copies have the share of the narrow table's own at its redshifts
    crowded = (redshift > 0.10) & (redshift < 0.12)
    arrays["weight"][crowded] = 2 * 0.02 / (2 * 0.02 + 0.28)
    training_data = TrainingData([arrays])
    rows = training_data.held_out["photometry"]
    assert len(rows) == 2 * number
    weight = _weights(training_data, "photometry", rows)
    share = weight[crowded[rows]].sum() / weight.sum()
    assert share == pytest.approx(0.02 / 0.28, abs=0.03)
    plain = training_data.weight[rows]
    assert plain[crowded[rows]].sum() / plain.sum() > 0.1


def test_kinds_of_rows_count_the_same_and_a_few_rows_not_at_all():
    def kind(number: int, weight: float) -> _HeldOut:
        return _HeldOut(
            torch.zeros(number, 3, 4),
            torch.zeros(number, 9),
            np.ones((number, 9), bool),
            np.zeros((number, 5)),
            np.zeros((number, 5)),
            np.full(number, weight),
            np.zeros(number, bool),
            np.zeros(number, int),
        )

    held_out = _HeldOut.join([kind(200, 1.0), kind(1000, 0.3), kind(30, 8.0)])
    known = held_out.enough(np.ones(1230, bool))
    assert known[:1200].all()
    assert not known[1200:].any()
    weight = held_out.weight_of(known)
    assert weight[:200].sum() == pytest.approx(weight[200:].sum())
    assert np.ptp(weight[200:]) == pytest.approx(0)
