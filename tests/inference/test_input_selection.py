from dataclasses import replace

import numpy as np
import pytest

from galexplorer.errors import OptionError
from galexplorer.inference.input_selection import INPUTS, apply_prior_cuts, select_inputs
from galexplorer.records.observation import Cutout, Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result
from galexplorer.schema import TARGET_NAMES


@pytest.fixture
def observation() -> Observation:
    grid = np.zeros((3, 64, 64), np.uint8)
    photometry = Photometry(
        "catalogue", {"u": 19.0, "g": 17.0, "r": 16.0}, {"r": 0.1}, 2.0, 5.0, "catalogue"
    )
    return Observation(Cutout(grid, 0.4, grid, 0.4), photometry)


@pytest.fixture
def result(rng) -> Result:
    draws = rng.normal(0, 1, (4000, 9)).astype(np.float32)
    return Result(Posterior(draws), {}, Photometry(), Domain(True, 50.0))


def test_everything_is_the_observation_itself(observation):
    assert select_inputs(observation, INPUTS) is observation
    # what is not there cannot be dropped
    assert select_inputs(observation, tuple(n for n in INPUTS if n != "z")) is observation


def test_what_is_left_out_is_gone_and_said(observation):
    less = select_inputs(observation, ("g", "r"))
    assert less.cutout is None
    assert less.photometry.magnitudes == {"g": 17.0, "r": 16.0}
    assert less.photometry.errors == {"r": 0.1}
    assert (less.photometry.petro_r50, less.photometry.petro_kind) == (None, "none")
    assert less.notes[-1] == "Excluded by the user: image, u, radii."


def test_an_image_without_bands_has_no_photometry(observation):
    assert select_inputs(observation, ("image",)).photometry == Photometry()


@pytest.mark.parametrize("use", [(), ("radii",), ("z",)])
def test_nothing_is_refused(observation, use):
    with pytest.raises(OptionError, match="No input is left"):
        select_inputs(observation, use)


def test_cut_draws_are_those_of_a_truncated_prior(result):
    low, high = -0.5, 1.0
    name = "log_sfr"
    kept = apply_prior_cuts(result, {name: (low, high)})
    column = kept.posterior.column(name)
    assert column.min() >= low
    assert column.max() <= high
    original = result.posterior.draws
    j = TARGET_NAMES.index(name)
    inside = (original[:, j] >= low) & (original[:, j] <= high)
    np.testing.assert_array_equal(kept.posterior.draws, original[inside])
    assert kept.provenance["prior_cuts"] == {name: [low, high]}
    assert f"{inside.mean():.0%}" in kept.notes[-1]
    assert sum(kept.bpt.values()) == pytest.approx(1)


def test_no_cut_changes_nothing(result):
    assert apply_prior_cuts(result, {}) is result


def test_a_cut_that_leaves_little_is_refused(result):
    with pytest.raises(OptionError, match="of 4,000 draws lie within"):
        apply_prior_cuts(result, {"log_sfr": (5.0, 6.0)})
    with pytest.raises(OptionError, match="must increase"):
        apply_prior_cuts(result, {"log_sfr": (1.0, 1.0)})


def test_fixed_targets_stay_fixed(result):
    fixed = replace(result, posterior=Posterior(result.posterior.draws, ("redshift",)))
    assert apply_prior_cuts(fixed, {"log_sfr": (-1, 1)}).posterior.fixed == ("redshift",)
