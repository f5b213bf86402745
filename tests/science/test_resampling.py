"""Draws again by weight."""

import numpy as np
import pytest

from galexplorer.science.resampling import resample


def test_draws_are_as_frequent_as_their_weights(rng):
    samples = np.arange(4000.0).reshape(1, 4000, 1)
    weight = rng.exponential(size=(1, 4000))
    weight[0, ::2] = 0
    with np.errstate(divide="ignore"):
        found, effective = resample(samples, np.log(weight))
    number = np.bincount(found[0, :, 0].astype(int), minlength=4000)
    expected = 4000 * weight[0] / weight.sum()
    assert np.abs(number - expected).max() <= 1  # systematic: never further off than one
    assert effective[0] == pytest.approx(weight.sum() ** 2 / (weight**2).sum() / 4000)


@pytest.mark.parametrize("weights", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
def test_weights_that_say_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="finite"):
        resample(np.zeros((1, 2, 1)), np.array([weights]))
