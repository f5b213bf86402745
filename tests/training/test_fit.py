"""A few steps of training: they learn, they resume, they refuse what they cannot use."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from galexplorer.datasets import shards
from galexplorer.errors import DataError, OptionError, WeightsError
from galexplorer.model import features, weights
from galexplorer.model.flows import ORDER, parents_of
from galexplorer.model.modes import MODES
from galexplorer.model.network import GalaxyModel, ImageSummary
from galexplorer.model.regressor import ESTIMATE
from galexplorer.schema import TARGET_NAMES
from galexplorer.training import objective
from galexplorer.training.batches import training_labels
from galexplorer.training.calibration import calibrate
from galexplorer.training.config import Config, read_config
from galexplorer.training.fit import train
from galexplorer.training.latents import encode_views
from galexplorer.training.stage import FIRST_TARGETS, OTHER_TARGETS, Factor, _keep_best
from galexplorer.training.steps import FlowSteps
from galexplorer.training.training_data import (
    WEIGHT_LIMITS,
    TrainingData,
    standardisation,
    without_grid,
)
from galexplorer.training.validation import score_rows, validate

TINY = Config(
    steps=3,
    real=8,
    unlabelled=4,
    rendered=8,
    tables=16,
    flow_steps=2,
    flow_batch=32,
    flow_real=0.25,
    flow_views=2,
    flow_real_views=3,
    regressor_steps=2,
    regressor_batch=8,
    regressors=2,
    regressor_width=8,
    encoder_width=8,
    context_size=24,
    threads=1,
)


def test_pools_hold_what_they_can_teach(sets):
    counts = TrainingData(sets).counts()
    assert counts["real"] == 36
    assert counts["unlabelled"] == 7
    assert counts["rendered"] == 43
    assert counts["tables"] == 36 + 43 + 72
    assert counts["validation_jpeg"] == 4
    assert counts["validation_image"] == 5


def test_rows_are_drawn_as_often_as_their_weight_says(sets):
    for arrays in sets:
        arrays["weight"][:] = np.where(np.arange(len(arrays["weight"])) % 2, 3.0, 1.0)
    sets[2]["weight"][[11, 13]] = [0.0, 1000.0]
    training_data = TrainingData(sets)
    rng = np.random.default_rng(4)
    for kind in ("real", "rendered", "unlabelled", "tables"):
        rows = getattr(training_data, kind)
        drawn = training_data.draw(kind, 60_000, rng)
        count = np.array([(drawn == row).sum() for row in rows])
        weight = np.clip(training_data.rows["weight"][rows], *WEIGHT_LIMITS)
        expected = 60_000 * weight / weight.sum()
        assert count.sum() == 60_000
        assert (np.abs(count - expected) < 5 * np.sqrt(expected) + 1).all()
    assert len(TrainingData(sets[2:]).draw("real", 5, rng)) == 0


def test_only_the_redshift_of_a_completed_row_weighs_in_full(sets):
    rows = without_grid(shards.select(sets[2], np.arange(3)))
    rows["label"][:] = np.array([[1], [2], [0]])
    weight = training_labels(rows, 0.3, 0.3)["weight"]
    np.testing.assert_allclose(weight, [[1.0] * 9, [1.0] + [0.3] * 8, [0.0] * 9])
    # rows without an image may weigh otherwise
    rows["has_image"][:] = 0
    weight = training_labels(rows, 0.3, 0.1)["weight"]
    np.testing.assert_allclose(weight, [[1.0] * 9, [1.0] + [0.1] * 8, [0.0] * 9], rtol=1e-6)
    rows["has_image"][:] = 1
    np.testing.assert_allclose(training_labels(rows, 0.3, 0.1)["weight"][1, 1:], 0.3)
    # an unknown redshift judges nothing, nor what is conditioned on it
    rows["targets"][1, 0] = np.nan
    assert not training_labels(rows, 0.3, 0.3)["weight"][1].any()
    # completed labels of a real JPEG know nothing of its image
    jpeg = without_grid(shards.select(sets[1], np.arange(1)))
    jpeg["label"][:], jpeg["kind"][:] = 2, shards.OBSERVED
    np.testing.assert_array_equal(training_labels(jpeg, 0.3, 0.3)["weight"], [[1.0] + [0.0] * 8])


def test_what_only_stands_in_judges_nothing_and_is_asked_by_nothing(sets):
    rows = without_grid(shards.select(sets[2], np.arange(2)))
    rows["label"][:] = 1
    rows["label"][1, 3:5] = 0
    everything_else = [1, 1, 1, 0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(training_labels(rows, 0.3, 0.3)["weight"][1], everything_else)
    rows["label"][1, 4] = 1
    rows["targets"][1, 3] = np.nan  # nor is a black-hole mass conditioned on a metallicity
    np.testing.assert_array_equal(
        training_labels(rows, 0.3, 0.3)["weight"][1], [1, 1, 1, 0, 1, 1, 1, 1, 1]
    )
    rows["targets"][1, 2] = np.nan  # lines are conditioned on the star-formation rate
    np.testing.assert_array_equal(training_labels(rows, 0.3, 0.3)["weight"][1], [1, 1] + [0] * 7)


def test_observed_galaxies_alone_tell_what_estimates_are_worth():
    """And nothing but that; simulated ones tell the rest."""
    real, number, rows = 40, 100, 130
    latents = torch.arange(1.0, number + 1)[:, None].repeat(1, 32)
    seen = ImageSummary(latents, -latents, torch.ones(number, ESTIMATE))
    told = {True: 0.0, False: 0.0}
    for seed in range(20):
        torch.manual_seed(seed)
        given, weight = objective.merge_estimates(seen, torch.ones(rows, 9), real)
        assert torch.equal(given.mean, latents)
        assert torch.equal(given.log_variance, -latents)
        use_estimate = given.estimate.any(dim=1)
        one, other = use_estimate[:real], use_estimate[real:]
        expected = torch.ones(rows, 9)
        expected[:real, 2:] = (~one[:, None]).float()
        expected[real:number, :2] = (~other[:, None]).float()
        assert torch.equal(weight, expected)
        told[True] += one.float().mean().item() / 20
        told[False] += other.float().mean().item() / 20
    assert 0.8 < told[True] < 0.97
    assert 0.2 < told[False] < 0.4


@pytest.mark.parametrize("able", ["amx_bf16", "avx512_bf16", None])
def test_half_precision_is_for_processors_that_know_it(monkeypatch, able):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {able: True, "avx512_f": True})
    with objective.mixed_precision(torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu") == (able is not None)


def test_noise_goes_to_latents_by_their_own_width(sets, monkeypatch):
    """Rows of tables have no latents, and images of a sharp encoder none of the noise."""

    def unasked(
        seen: ImageSummary, weight: torch.Tensor, real: int
    ) -> tuple[ImageSummary, torch.Tensor]:
        return seen._replace(estimate=0 * seen.estimate), weight

    monkeypatch.setattr(objective, "merge_estimates", unasked)  # an estimate would hide latents
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = GalaxyModel().eval().requires_grad_(False)
    training_data = TrainingData(sets)
    # else most targets are so far out that their likelihood is cut off, and noise hardly shows
    mean, std = standardisation(training_data.rows["targets"], training_data.rows["label"])
    model.target_mean.copy_(torch.as_tensor(mean))
    model.target_std.copy_(torch.as_tensor(std))
    views = encode_views(model, training_data, torch.from_numpy(training_data.grid), TINY)
    batch = FlowSteps(training_data, TINY, views)[0]
    batch = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}

    def loss(noise: float, log_variance: float) -> float:
        widths = torch.full_like(views.latents.log_variance, log_variance)
        latents = views.latents._replace(log_variance=widths)
        config = replace(TINY, flow_noise=noise)
        with torch.random.fork_rng():
            torch.manual_seed(4)
            return objective.flow_losses(model, latents, batch, config)["flows"].item()

    assert loss(1.0, 6.0) != pytest.approx(loss(0.0, 6.0), rel=1e-5)
    assert loss(1.0, -40.0) == pytest.approx(loss(0.0, -40.0), rel=1e-6)


def test_standardisation_leaves_out_what_has_no_label():
    targets = np.array([[0.08, 1.0], [0.08, 3.0], [0.18, 99.0]])
    mean, std = standardisation(targets, np.array([[1, 1], [1, 2], [0, 0]]))
    np.testing.assert_allclose(mean, [np.log(0.1), 2.0])
    np.testing.assert_allclose(std, [0.0, 1.0], atol=1e-12)


def test_training_gives_a_model_and_a_history(sets, tmp_path):
    model, _ = train(sets, tmp_path, TINY)
    assert not model.training
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    header, row = (tmp_path / "history-regressors.csv").read_text().splitlines()
    assert header.startswith("step,minutes,regressors,val_estimate")
    values = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert values["step"] == 2
    assert 1.5 < values["regressors"] < 8  # two standard normal densities cost 2.8
    header, row = (tmp_path / "history-pixels.csv").read_text().splitlines()
    assert header.startswith("step,minutes,real,rendered,tables,vae,measurable,val_")
    values = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert values["step"] == 3
    # nine standard normal densities cost at least 1.42 each, of which a JPEG has two
    assert 9 < values["tables"] < 30
    assert 2 < values["real"] < 12
    header, row = (tmp_path / "history-flows.csv").read_text().splitlines()
    values = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert values["step"] == 2
    assert 7 < values["flows"] < 28


def test_the_regressors_learn_before_all_else_and_apart(sets, tmp_path):
    config = replace(TINY, steps=1, flow_steps=0, learning_rate=1e-12, keep_start=False)
    less = replace(config, regressor_steps=6, regressor_learning_rate=1e-5)
    more = replace(config, regressor_steps=6, regressor_learning_rate=1e-3)
    one = train(sets, tmp_path / "one", less)[0].state_dict()
    two = train(sets, tmp_path / "two", more)[0].state_dict()
    changed = {name for name, value in one.items() if not torch.equal(value, two[name])}
    assert {name.split(".")[0] for name in changed} == {"regressors"}


def test_the_last_stage_leaves_the_encoder_alone(sets, tmp_path):
    first = train(sets, tmp_path / "one", replace(TINY, flow_steps=0))[0].state_dict()
    # enough of steps small enough to improve: the best weights are kept, the first included
    config = replace(TINY, flow_learning_rate=0.001, flow_steps=8)
    both = train(sets, tmp_path / "two", config)[0].state_dict()
    changed = {name for name, value in first.items() if not torch.equal(value, both[name])}
    assert changed
    assert {name.split(".")[0] for name in changed} == {
        "first_contexts", "contexts", "chain", "measurable"
    }  # fmt: skip


@pytest.fixture
def earlier(sets, tmp_path):
    """A trained model and the folder of its weights."""
    model, origin = train(sets, tmp_path / "first", TINY)
    assert origin is None
    weights.save(tmp_path / "weights", model, {"made": "first"})
    return model.state_dict(), tmp_path / "weights"


def test_flows_of_metallicity_and_black_holes_may_have_dropout(sets, tmp_path):
    model, _ = train(sets, tmp_path, replace(TINY, flow_dropout=0.0, flow_last_dropout=0.5))
    context, targets = torch.randn(4, model.chain.members, 48), torch.randn(4, len(TARGET_NAMES))
    with torch.no_grad():
        steady = [model.eval().chain.log_prob(targets, context) for _ in range(2)]
        learning = [model.train().chain.log_prob(targets, context) for _ in range(2)]
    assert torch.equal(*steady)
    changes = (learning[0] != learning[1]).any(dim=(0, 1))
    last = torch.tensor([name in ("gas_metallicity", "log_bh_mass") for name in TARGET_NAMES])
    assert torch.equal(changes, last)


def test_weights_to_start_from_lend_all_they_have_learnt(sets, earlier, tmp_path):
    before, folder = earlier
    config = replace(TINY, regressor_steps=0, steps=0, seed=TINY.seed + 1, flow_learning_rate=1e-12)
    model, origin = train(sets, tmp_path / "second", config, start=folder)
    assert (origin["made"], origin["taken"]) == ("first", "networks")
    assert not (tmp_path / "second" / "history-pixels.csv").exists()
    for name, value in model.state_dict().items():  # kept as float16
        torch.testing.assert_close(value, before[name], atol=1e-3, rtol=1e-3)


def test_a_start_is_kept_unless_told_otherwise(sets, earlier, tmp_path):
    """Steps so large that they spoil everything: what is left is the start, or what they made."""
    before, folder = earlier
    config = replace(TINY, regressor_steps=0, steps=0, flow_learning_rate=1.0, flow_ema=0.0)
    kept = train(sets, tmp_path / "kept", config, start=folder)[0].state_dict()
    spoilt = train(sets, tmp_path / "not", replace(config, keep_start=False), start=folder)[0]
    name = "chain.flows.0.0._transform.net.0.weight"
    torch.testing.assert_close(kept[name], before[name], atol=1e-3, rtol=1e-3)
    assert (spoilt.state_dict()[name] - before[name]).abs().max() > 0.1


@pytest.mark.parametrize("other", [{"regressors": 3}, {"regressor_width": 16}, {"regressors": 0}])
def test_regressors_are_lent_all_or_none(sets, earlier, tmp_path, other):
    """Each left out other galaxies, and flows must not learn from one that saw them."""
    folder = earlier[1]
    model = GalaxyModel(replace(TINY, **other).sizes())
    fresh = {k: v.clone() for k, v in model.state_dict().items() if k.startswith("regressors.")}
    origin = weights.initialise_from(model, folder)
    assert (origin["taken"], origin["regressors_taken"]) == ("networks", False)
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in fresh.items())
    if model.regressors:
        config = replace(TINY, **other, regressor_steps=0, steps=0)
        with pytest.raises(OptionError, match="regressors are untrained"):
            train(sets, tmp_path / "second", config, start=folder)


def test_weights_of_the_format_before_lend_everything_but_their_calibration(earlier):
    """They knew three modes."""
    before, folder = earlier
    state = {
        k: (v[:3] if k.startswith(("base_", "measurable_s")) else v).contiguous()
        for k, v in before.items()
    }
    state["base_shift"] = state["base_shift"] + 0.5
    save_file(state, folder / "model.safetensors")
    weights.write_manifest(folder, {"made": "first"})
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 3}))
    model = GalaxyModel(TINY.sizes())
    origin = weights.initialise_from(model, folder)
    assert (origin["taken"], origin["regressors_taken"]) == ("networks", True)
    assert not model.base_shift.any()
    for name, value in model.state_dict().items():
        if not name.startswith(("base_", "measurable_s")):
            torch.testing.assert_close(value, before[name], atol=1e-3, rtol=1e-3)


def test_weights_without_regressors_lend_all_else(sets, earlier, tmp_path):
    """Contexts that knew no estimates make nothing of them until they learn to."""
    before, folder = earlier
    state = {k: v for k, v in before.items() if not k.startswith("regressors.")}
    for name, value in state.items():
        if name.startswith(("first_contexts.", "contexts.")) and name.endswith(
            ("net.0.weight", "skip.weight")
        ):
            state[name] = value[:, :-ESTIMATE]
    save_file({k: v.contiguous() for k, v in state.items()}, folder / "model.safetensors")
    weights.write_manifest(folder, {"made": "first"})
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    with pytest.raises(WeightsError, match="another version"):
        weights.load(folder, "cpu")
    model = GalaxyModel(TINY.sizes()).eval()
    assert weights.initialise_from(model, folder)["taken"] == "networks"
    feature = torch.randn((5, features.SIZE))
    seen = ImageSummary.zeros(5, feature)
    with torch.no_grad():
        plain = model.context_of(seen, feature)
        told = model.context_of(seen._replace(estimate=torch.ones(5, ESTIMATE)), feature)
    last = model.chain.context_for(ORDER[-1], torch.stack([plain, told]))
    assert torch.equal(*last)
    for name, value in model.state_dict().items():
        if name.startswith(("encoder.", "chain.", "measurable.")):
            torch.testing.assert_close(value, before[name], atol=1e-3, rtol=1e-3)


def test_weights_go_on_through_the_stages_without_their_calibration(sets, earlier, tmp_path):
    before, folder = earlier
    start = weights.load(folder, "cpu")
    start.model.base_width.fill_(0.5)
    start.model.target_mean.add_(0.25)
    weights.save(folder, start.model, {"made": "first"})
    config = replace(TINY, seed=TINY.seed + 1, learning_rate=1e-12, flow_learning_rate=1e-12)
    model, _ = train(sets, tmp_path / "second", config, start=folder)
    assert (tmp_path / "second" / "history-pixels.csv").exists()
    assert (model.base_width == 1).all()
    # what the networks have learnt is in these units
    torch.testing.assert_close(model.target_mean, before["target_mean"] + 0.25, atol=1e-3, rtol=0)
    for name in ("encoder", "chain"):
        mine = getattr(model, name).state_dict()
        for key, value in mine.items():
            if "running" not in key and "num_batches" not in key:
                torch.testing.assert_close(value, before[f"{name}.{key}"], atol=1e-3, rtol=1e-3)


def test_other_networks_lend_their_encoder(sets, earlier, tmp_path):
    before, folder = earlier
    manifest = json.loads((folder / "manifest.json").read_text())
    config = replace(TINY, steps=0, members=TINY.members + 1)
    model, origin = train(sets, tmp_path / "second", config, start=folder)
    start = {"model_sha256": manifest["files"]["model.safetensors"], "taken": "encoder"}
    assert origin == {**start, "made": "first", "regressors_taken": True}
    assert len(model.contexts) == TINY.members + 1
    for name, value in model.state_dict().items():
        if name.startswith(("encoder.", "decoder.")):
            torch.testing.assert_close(value, before[name], atol=1e-3, rtol=1e-3)
    fewer = replace(TINY, steps=0, members=TINY.members - 1)
    assert train(sets, tmp_path / "fewer", fewer, start=folder)[1] == origin
    manifest["format"] = 1  # the same shapes then meant something else
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert train(sets, tmp_path / "third", replace(TINY, steps=0), start=folder)[1] == origin


def test_what_cannot_be_started_says_so(sets, earlier, tmp_path):
    folder = earlier[1]
    with pytest.raises(OptionError, match="steps"):
        train(sets, tmp_path, replace(TINY, steps=0, flow_steps=0), start=folder)
    with pytest.raises(OptionError, match="weights to start from"):
        train(sets, tmp_path, replace(TINY, steps=0))
    with pytest.raises(OptionError, match="regressors are untrained"):
        train(sets, tmp_path, replace(TINY, regressor_steps=0))
    with pytest.raises(WeightsError, match="encoder_width"):
        train(sets, tmp_path, replace(TINY, encoder_width=TINY.encoder_width + 8), start=folder)


@pytest.mark.parametrize("stage", ["regressors", "pixels", "flows"])
def test_a_resumed_run_equals_an_uninterrupted_one(sets, tmp_path, monkeypatch, stage):
    config = replace(TINY, checkpoint_minutes=0.0)
    whole = train(sets, tmp_path / "whole", config)[0].state_dict()
    name = {"pixels": "pixel_losses", "flows": "flow_losses"}.get(stage, "regressor_losses")
    losses = getattr(objective, name)

    def interrupt(*args):
        if (tmp_path / "halves" / f"checkpoint-{stage}.pt").exists():
            raise KeyboardInterrupt
        return losses(*args)

    monkeypatch.setattr(objective, name, interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(sets, tmp_path / "halves", config)
    monkeypatch.setattr(objective, name, losses)
    torch.manual_seed(99)  # whatever happened in between
    resumed = train(sets, tmp_path / "halves", config, resume=True)[0].state_dict()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_a_stage_that_no_longer_improves_stops(sets, tmp_path):
    config = replace(TINY, steps=1, flow_steps=40, report_steps=1, flow_patience=2)
    config = replace(config, flow_learning_rate=1e-30)
    train(sets, tmp_path, config)
    assert len((tmp_path / "history-flows.csv").read_text().splitlines()) < 10
    # and stays where it stopped
    train(sets, tmp_path, config, resume=True)
    assert len((tmp_path / "history-flows.csv").read_text().splitlines()) < 10


def test_a_checkpoint_of_another_run_is_refused(sets, tmp_path):
    config = replace(TINY, steps=1)
    train(sets, tmp_path, config)
    with pytest.raises(OptionError, match="other settings or data"):
        train(sets, tmp_path, replace(config, seed=2), resume=True)


def test_training_depends_on_the_seed_alone(sets, tmp_path):
    config = replace(TINY, steps=1)
    one = train(sets, tmp_path / "1", config)[0].state_dict()
    torch.manual_seed(5)
    again = train(sets, tmp_path / "2", config)[0].state_dict()
    other = train(sets, tmp_path / "3", replace(config, seed=7))[0].state_dict()
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    name = "chain.flows.0.0._transform.net.0.weight"
    assert not torch.equal(one[name], other[name])


def test_labels_that_are_missing_do_not_count(sets):
    """The loss of a row is the sum over its labels, completed ones weighing less."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = GalaxyModel().eval().requires_grad_(False)
    rows = without_grid(shards.select(sets[2], np.arange(4)))

    def nll() -> torch.Tensor:
        weight = Config().completed_weight
        batch = {k: torch.from_numpy(v) for k, v in training_labels(rows, weight, weight).items()}
        return objective.negative_log_likelihood(model, batch, context)

    rows["targets"][:] = np.array([0.06, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    context = torch.zeros((4, 3, 2 * model.sizes.context))
    rows["label"][0] = 1
    rows["label"][1] = 2
    rows["label"][2] = 0
    rows["label"][3] = [1, 1, 0, 0, 0, 0, 0, 0, 0]
    full, completed, none, two = nll().tolist()
    standard = model.standardise(torch.from_numpy(rows["targets"]))
    density = model.chain.log_prob(standard, context).mean(dim=1)  # each member learns for itself
    assert full == pytest.approx(-density[0].sum().item(), rel=1e-5)
    # a redshift is never completed: that of a moved galaxy is known as exactly as any
    rest = Config().completed_weight * density[1, 1:].sum() + density[1, 0]
    assert completed == pytest.approx(-rest.item(), rel=1e-5)
    assert none == 0
    assert two == pytest.approx(-density[3, :2].sum().item(), rel=1e-5)
    # a target whose parents are missing cannot be judged
    rows["targets"][0, 1] = np.nan
    assert nll()[0].item() == pytest.approx(-density[0, 0].item(), rel=1e-5)


def lean_on_sfr(model: GalaxyModel, k: int) -> None:
    """Make a target's flow expect 0.7 of the standardised star-formation rate, and nothing else."""
    place = ORDER.index(TARGET_NAMES.index("log_sfr")) - len(parents_of(k))
    for e in range(model.sizes.members):
        first, _, second, _, last = model.chain.spline(k, e).net
        for layer in (first, second, last):
            layer.weight.zero_()
            layer.bias.zero_()
        # silu(x) - silu(-x) is x
        first.weight[:2, place] = torch.tensor([0.7, -0.7])
        second.weight[:2, :2] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
        last.weight[0, :2] = torch.tensor([1.0, -1.0])


def test_calibration_makes_posteriors_hold_what_they_say(sets):
    """Of each target, with the redshift given and all else before it drawn, as users see it.

    Given the true star-formation rate the Hb flux would seem harder to tell than it is.
    """
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = GalaxyModel().eval().requires_grad_(False)
    lean_on_sfr(model, TARGET_NAMES.index("log_flux_hbeta"))
    many = shards.select(shards.concatenate(sets), np.tile(np.arange(96, 176), 30))
    many = {**many, "split": np.full(2400, shards.VALIDATION, np.uint8)}
    scatter = np.random.default_rng(1).normal(0, 0.5, (2400, 9))
    many["targets"][:, 0] = 0.1 * np.exp(scatter[:, 0])
    many["targets"][:, 1:] += scatter[:, 1:]
    model.target_mean.copy_(torch.tensor([-2.2, 10.0, 0.1, 8.8, 7.0, 2.0, 1.5, 1.6, 1.4]))
    report = calibrate(model, TrainingData([many]), "cpu", limit=600)
    assert report["photometry"]["log_stellar_mass"]["rows"] == 600
    context = score_rows(model, many, "photometry", np.random.default_rng(2), "cpu")["context"]
    number = 90
    size = (len(context) * number,)
    truth = torch.from_numpy(many["targets"])
    with torch.random.fork_rng():
        torch.manual_seed(4)
        draws = model.sample(
            context,
            torch.full((len(context),), MODES.index("photometry")),
            torch.randn(*size, len(TARGET_NAMES)),
            model.chain.orders(
                (torch.arange(number) % model.sizes.members)[:, None].expand(-1, len(TARGET_NAMES))
            ),
            truth[:, 0].repeat_interleave(number),
        )
    below = (draws.unflatten(0, (-1, number)) < truth[:, None]).double().mean(dim=1).numpy()
    for k, name in enumerate(TARGET_NAMES[1:], start=1):
        share = below[:, k]
        assert np.median(share) == pytest.approx(0.5, abs=0.06), name
        assert np.mean(np.abs(share - 0.5) < 0.34) == pytest.approx(0.68, abs=0.07), name


def test_sets_without_images_are_refused(sets, tmp_path):
    with pytest.raises(DataError, match="no labelled images"):
        train([sets[2]], tmp_path, TINY)


def test_real_images_that_teach_the_regressors_alone_are_not_enough(sets, tmp_path):
    with pytest.raises(DataError, match="give a rendered set, or set real"):
        train(sets[1:], tmp_path, replace(TINY, real=0))


def test_sets_without_catalogue_photometry_are_refused(sets, tmp_path):
    for arrays in sets:
        arrays["catalogue_mag"][:] = np.nan
    with pytest.raises(DataError, match="catalogue photometry"):
        train(sets, tmp_path, TINY)


def test_settings_are_read(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("steps: 12\nlearning_rate: 1.0e-4\n")
    assert read_config(path) == Config(steps=12, learning_rate=1e-4)
    path.write_text("keep_start: false\n")
    assert read_config(path) == Config(keep_start=False)
    path.write_text("# nothing but this\n")
    assert read_config(path) == read_config(None) == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("setps: 12\n", "unknown settings: setps"),
        ("1: 2\n", "unknown settings: 1"),
        ("keep_start: 1\n", "write true or false"),
        ("regressors: 1\n", "0 or at least 2"),
        ("- steps\n", "holds no settings"),
        ("steps: [", "cannot be read as YAML"),
        ("flow_real: 0.6\nflow_rendered: 0.5\n", "leave nothing for the tables"),
    ],
)
def test_settings_that_do_not_exist_are_refused(tmp_path, text, message):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(OptionError, match=message):
        read_config(path)


def test_a_missing_file_of_settings_is_refused(tmp_path):
    with pytest.raises(OptionError, match="does not exist"):
        read_config(tmp_path / "gone.yaml")


def test_each_factor_is_kept_as_it_was_at_its_best():
    """One improves while the other worsens; what neither names belongs to the second."""
    model = torch.nn.ModuleDict({"first": torch.nn.Linear(1, 1), "rest": torch.nn.Linear(1, 1)})
    factors = (Factor(("a",), ("first.",)), Factor(("b",)))
    best = {"factors": [{"step": 0, "age": 0, "score": np.inf} for _ in factors], "state": None}
    for step, (a, b) in enumerate([(3.0, 1.0), (2.0, 2.0), (1.0, 3.0)]):
        for part in model.values():
            torch.nn.init.constant_(part.weight, float(step))
        _keep_best(best, step, {"a": a, "b": b, "c": -9.0}, factors, model)
    assert [factor["step"] for factor in best["factors"]] == [2, 0]
    assert [factor["age"] for factor in best["factors"]] == [0, 2]
    kept = {name: float(value.flatten()[0]) for name, value in best["state"].items()}
    assert (kept["first.weight"], kept["rest.weight"]) == (2.0, 0.0)
    assert set(kept) == set(model.state_dict())


def test_redshift_and_mass_are_a_factor_of_the_density(sets, tmp_path):
    """Their weights change their own densities alone, and no others change theirs."""
    model, _ = train(sets, tmp_path, TINY)
    context = torch.randn(5, TINY.members, 2 * TINY.context_size)
    standard = torch.randn(5, 9).clamp(-2, 2)
    summary, feature = ImageSummary.zeros(5, context), torch.randn(5, model.sizes.features)
    with torch.no_grad():
        before = model.chain.log_prob(standard, model.context_of(summary, feature))
        for name, value in model.named_parameters():
            if name.startswith(FIRST_TARGETS.prefixes):
                value.add_(0.2 * torch.randn_like(value))
        after = model.chain.log_prob(standard, model.context_of(summary, feature))
    changed = (before - after).abs().amax(dim=(0, 1)) > 1e-4
    assert changed.tolist() == [True] * 2 + [False] * 7


def test_weights_whose_targets_had_one_context_give_it_to_both(sets, tmp_path):
    model, _ = train(sets, tmp_path / "run", TINY)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("first_contexts.")}
    folder = tmp_path / "weights"
    weights.save(folder, model, {"made": "first"})
    save_file({k: v.contiguous() for k, v in state.items()}, folder / "model.safetensors")
    weights.write_manifest(folder, weights.read_manifest(folder))
    loaded = weights.load(folder, "cpu").model.state_dict()
    for name, value in state.items():
        if name.startswith("contexts."):
            torch.testing.assert_close(loaded[f"first_{name}"], value)


def test_a_factor_of_which_nothing_is_held_out_is_kept_as_it_is_last(sets, tmp_path):
    """Where galaxies have redshift and mass alone, the flows of the rest do not stay behind."""
    for arrays in sets:
        arrays["label"][arrays["split"] > 0, 2:] = 0
    found = validate(GalaxyModel(TINY.sizes()).eval(), TrainingData(sets), "cpu", 20)
    assert "val_image_z" in found
    assert not any(name.endswith("_rest") for name in found)
    model = torch.nn.Linear(1, 1)
    best = {"factors": [{"step": 0, "age": 0, "score": np.inf}], "state": None}
    for step in range(3):
        torch.nn.init.constant_(model.weight, float(step))
        _keep_best(best, step, found, (OTHER_TARGETS,), model)
    assert float(best["state"]["weight"]) == 2.0
