"""Flows of a fold know nothing of it, and see it through the regressor that left it out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from galexplorer.datasets import shards
from galexplorer.datasets.shards import TEST, TRAIN, Arrays
from galexplorer.errors import OptionError
from galexplorer.model import weights
from galexplorer.model.network import GalaxyModel
from galexplorer.training.config import Config
from galexplorer.training.cross_fit import cross_fit, foundation_of, without_fold
from galexplorer.training.regressors import fold_of

CONFIG = Config(
    steps=0, regressor_steps=0, regressors=2, regressor_width=8, encoder_width=8, members=1,
    flow_steps=2, flow_batch=32, flow_views=1, flow_real_views=2, keep_start=False,
)  # fmt: skip


def _write(folder: Path, sets: list[Arrays]) -> list[Path]:
    sets[0]["kind"][:] = shards.RENDERED
    folders = []
    for k, arrays in enumerate(sets):
        folders.append(folder / f"set-{k}")
        folders[-1].mkdir(parents=True)
        shards.write_shard(folders[-1] / "shard-00000.safetensors", arrays)
        shards.write_manifest(folders[-1], {"kind": "real images"})
    return folders


@pytest.fixture
def sets(sets):
    """The sets of the other tests, with rows enough to calibrate on."""
    table = shards.concatenate([sets[2]] * 4)
    table["position"] += np.repeat(np.arange(4.0), len(sets[2]["split"]))[:, None]
    return [*sets[:2], table]


@pytest.fixture
def whole(tmp_path):
    """A folder of untrained weights with two regressors."""
    with torch.random.fork_rng():
        torch.manual_seed(8)
        model = GalaxyModel(CONFIG.sizes())
    weights.save(tmp_path / "weights", model, {})
    return tmp_path / "weights"


def _states(folders: list[Path]) -> list[dict[str, torch.Tensor]]:
    return [weights.load(folder, "cpu").model.state_dict() for folder in folders]


def _alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_labels_of_what_is_left_out_change_nothing(sets, whole, tmp_path):
    """Whatever stands in the rows of a fold, its flows are the same; those of others are not."""
    before = _states(cross_fit(_write(tmp_path / "a", sets), whole, tmp_path / "x", CONFIG))
    changed = 0
    for arrays in sets:
        for row in np.flatnonzero(arrays["split"] == TRAIN):
            if fold_of(arrays["position"][row], None, 2) == 0:
                arrays["targets"][row] += 0.3
                arrays["catalogue_mag"][row] += 0.5
                changed += 1
    assert changed > 30
    after = _states(cross_fit(_write(tmp_path / "b", sets), whole, tmp_path / "y", CONFIG))
    assert _alike(before[0], after[0])
    assert not _alike(before[1], after[1])


def test_each_fold_has_the_regressor_that_left_it_out(sets, whole, tmp_path):
    model = weights.load(whole, "cpu").model
    folders = cross_fit(_write(tmp_path / "a", sets), whole, tmp_path / "x", CONFIG)
    for fold, state in enumerate(_states(folders)):
        own = model.regressors[fold].state_dict()
        found = {k.removeprefix("regressors.0."): v for k, v in state.items() if "regressors" in k}
        assert _alike(own, found)
        assert weights.read_manifest(folders[fold])["left_out"] == {
            "foundation": foundation_of(model), "fold": fold, "folds": 2
        }  # fmt: skip


def test_finished_folds_are_kept(sets, whole, tmp_path):
    folders = _write(tmp_path / "a", sets)
    done = cross_fit(folders, whole, tmp_path / "x", CONFIG)
    times = [(folder / "manifest.json").stat().st_mtime_ns for folder in done]
    cross_fit(folders, whole, tmp_path / "x", CONFIG, resume=True)
    assert times == [(folder / "manifest.json").stat().st_mtime_ns for folder in done]


def test_only_training_rows_of_the_fold_change_sides(sets):
    splits = [arrays["split"].copy() for arrays in sets]
    left = without_fold(sets, 1, 2)
    for arrays, part, before in zip(sets, left, splits, strict=True):
        np.testing.assert_array_equal(arrays["split"], before)
        folds = np.array([fold_of(at, None, 2) for at in arrays["position"]])
        changed = part["split"] != before
        np.testing.assert_array_equal(changed, (before == TRAIN) & (folds == 1))
        assert (part["split"][changed] == TEST).all()


def test_weights_without_regressors_have_no_folds(sets, tmp_path):
    sizes = Config(regressors=0, encoder_width=8, members=1).sizes()
    weights.save(tmp_path / "bare", GalaxyModel(sizes), {})
    with pytest.raises(OptionError, match="no regressors"):
        cross_fit(_write(tmp_path / "a", sets), tmp_path / "bare", tmp_path / "x", CONFIG)


def test_folds_of_other_rows_or_settings_are_made_again(sets, whole, tmp_path):
    folders = _write(tmp_path / "a", sets)
    done = cross_fit(folders, whole, tmp_path / "x", CONFIG)
    times = [(folder / "manifest.json").stat().st_mtime_ns for folder in done]
    for folder in done:
        (folder / "checkpoint-flows.pt").unlink()
    cross_fit(folders, whole, tmp_path / "x", replace(CONFIG, flow_steps=3), resume=True)
    again = [(folder / "manifest.json").stat().st_mtime_ns for folder in done]
    assert all(new > old for old, new in zip(times, again, strict=True))
