"""What the regressors learn from, what each leaves out, and how they are judged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.model.features import scaled_log_pixel_size
from galexplorer.model.network import GalaxyModel
from galexplorer.training.config import Config
from galexplorer.training.fit import train
from galexplorer.training.objective import estimate_nll, regressor_losses
from galexplorer.training.regressors import RegressorSteps, cross_fitting_folds, validate_regressors
from galexplorer.training.training_data import TrainingData

CONFIG = Config(regressors=3, regressor_width=8, regressor_batch=64, encoder_width=8)


@pytest.fixture
def training_data(sets):
    """Rows of a rendered set, of real images and of a table."""
    sets[0]["kind"][:] = shards.RENDERED
    return TrainingData(sets)


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(6)
        return GalaxyModel(CONFIG.sizes()).eval()


def test_they_learn_from_observed_galaxies_alone(training_data, sets):
    np.testing.assert_array_equal(training_data.observed, training_data.real)
    assert (
        cross_fitting_folds(training_data, 3)[
            np.setdiff1d(np.arange(len(training_data.place)), training_data.real)
        ]
        == -1
    ).all()


def test_without_observed_galaxies_there_are_none(sets, tmp_path):
    sets[0]["kind"][:] = shards.RENDERED
    config = replace(CONFIG, steps=1, rendered=8, tables=16, flow_steps=1, flow_batch=32)
    model, _ = train([sets[0], sets[2]], tmp_path, config)
    assert model.sizes.regressors == len(model.regressors) == 0
    assert not (tmp_path / "history-regressors.csv").exists()


def test_each_galaxy_is_left_out_by_one_and_its_neighbours_with_it(training_data):
    number = cross_fitting_folds(training_data, 3)
    assert set(number[training_data.observed]) == {0, 1, 2}
    steps = RegressorSteps(training_data, CONFIG)
    drawn = np.concatenate([steps[k]["place"].reshape(3, 64) for k in range(20)], axis=1)
    for k in range(3):
        mine = training_data.place[training_data.observed[number[training_data.observed] == k]]
        rest = training_data.place[training_data.observed[number[training_data.observed] != k]]
        assert not np.isin(drawn[k], mine).any()
        assert np.isin(rest, drawn[k]).all()
    training_data.rows["position"][training_data.observed[:6]] = [[30.2, 4.7]] * 6
    assert len(set(cross_fitting_folds(training_data, 3)[training_data.observed[:6]])) == 1


def test_an_image_without_position_goes_by_its_pixels(training_data, sets):
    """Whichever sets come with it, and in whatever order."""
    for arrays in sets:
        arrays["position"][:] = np.nan
    one, two = TrainingData(sets), TrainingData([sets[1], sets[2], sets[0]])
    ours, theirs = (cross_fitting_folds(p, 3)[p.observed] for p in (one, two))
    assert set(ours) == {0, 1, 2}
    np.testing.assert_array_equal(ours, theirs)


def test_too_few_images_are_named(training_data):
    training_data.rows["position"][:] = [30.2, 4.7]
    with pytest.raises(DataError, match="regressors: 0"):
        RegressorSteps(training_data, CONFIG)


def test_what_nobody_measured_teaches_and_judges_nothing(training_data, model):
    """A value may stand in for a parent, and those of observed galaxies may be completed."""
    training_data.rows["label"][:, 1] = 0
    training_data.rows["label"][training_data.observed[::2], 1] = 2
    targets = RegressorSteps(training_data, CONFIG)[0]["targets"]
    assert np.isnan(targets[:, 1]).all()
    assert np.isfinite(targets[:, 0]).all()
    found = validate_regressors(model, training_data, torch.from_numpy(training_data.grid))
    assert np.isnan(found["val_estimate_mass"])
    assert found["val_estimate"] == found["val_estimate_z"]


def test_the_pixel_shrinks_with_the_field(training_data):
    step = RegressorSteps(training_data, CONFIG)[4]
    row_of_place = {place: row for row, place in enumerate(training_data.place) if place >= 0}
    own = training_data.rows["pixel_scale"][[row_of_place[place] for place in step["place"]]]
    side = np.hypot(step["matrix"][:, 0, 0], step["matrix"][:, 0, 1])
    np.testing.assert_allclose(step["log_scale"], scaled_log_pixel_size(own * side), atol=1e-5)
    assert (side < 0.99).any()


def test_the_likelihood_is_that_of_student(model):
    targets = torch.full((2, 9), float("nan"))
    targets[:, 0] = torch.tensor([0.05, 0.2])
    targets[0, 1] = 10.0
    estimate = torch.tensor([[0.1, -0.3, 0.2, -0.5], [1.0, 0.0, -1.0, 0.0]])
    nll = estimate_nll(model, estimate, targets)
    standard = model.standardise(targets)[:, :2].numpy()
    middle, log_width = estimate.numpy()[:, :2], estimate.numpy()[:, 2:]
    expected = -stats.t.logpdf(standard, df=4, loc=middle, scale=np.exp(log_width))
    np.testing.assert_allclose(nll.numpy(), expected, rtol=1e-5)
    assert bool(torch.isnan(nll[1, 1]))


def test_unknown_masses_pull_nothing(training_data, model):
    """Neither where some are unknown nor where all are; and no gradient is lost for it."""
    step = RegressorSteps(training_data, CONFIG)[0]
    step["targets"][64:, 1] = np.nan
    batch = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in step.items()}
    loss = regressor_losses(model, torch.from_numpy(training_data.grid), batch, CONFIG)[
        "regressors"
    ]
    loss.backward()
    for k, regressor in enumerate(model.regressors):
        gradient = regressor.head[-1].bias.grad
        assert torch.isfinite(gradient).all()
        assert (gradient[[0, 2]] != 0).all()
        assert bool((gradient[[1, 3]] != 0).any()) == (k == 0)
    batch["targets"][:, 1] = float("nan")
    without = regressor_losses(model, torch.from_numpy(training_data.grid), batch, CONFIG)[
        "regressors"
    ]
    assert torch.isfinite(without)


def test_held_out_images_of_observed_galaxies_judge_them(training_data, model):
    found = validate_regressors(model, training_data, torch.from_numpy(training_data.grid))
    rows = training_data.observed_held_out
    np.testing.assert_array_equal(rows, training_data.held_out["jpeg"])
    part = training_data.select(rows)
    with torch.no_grad():
        scale = torch.from_numpy(scaled_log_pixel_size(part["pixel_scale"]))
        estimate = model.estimate(torch.from_numpy(part["grid"]), scale, symmetries=1)
        redshift, mass = estimate_nll(model, estimate, torch.from_numpy(part["targets"])).mean(0)
    assert found["val_estimate_z"] == pytest.approx(float(redshift), abs=1e-4)
    assert found["val_estimate_mass"] == pytest.approx(float(mass), abs=1e-4)
    assert found["val_estimate"] == pytest.approx(float(redshift + mass), abs=2e-4)
    training_data.observed_held_out = rows[:0]
    assert validate_regressors(model, training_data, torch.from_numpy(training_data.grid)) == {}
