"""Weights on disk: what is written is what is read, and nothing else is taken."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from galexplorer.errors import OptionError, WeightsError
from galexplorer.model import weights
from galexplorer.model.network import GalaxyModel


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = GalaxyModel().eval()
    weights.save(folder, model, {"made": "by a test"})
    return folder, model


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(saved[0], tmp_path / "weights")


def rewrite(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_written_is_read(saved):
    folder, model = saved
    loaded = weights.load(folder, "cpu")
    assert loaded.manifest["made"] == "by a test"
    assert len(loaded.sha256) == 64
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    state = loaded.model.state_dict()
    for name, value in model.state_dict().items():
        if value.ndim == 4:  # kept in half precision
            torch.testing.assert_close(state[name], value, rtol=1e-3, atol=1e-6)
        else:
            assert torch.equal(state[name], value), name


def test_weights_in_use_outlast_those_written_over_them(folder):
    """A running app may not change its mind when others are trained into its folder."""
    loaded = weights.load(folder, "cpu").model
    before = {name: value.clone() for name, value in loaded.state_dict().items()}
    other = GalaxyModel()
    for value in other.state_dict().values():
        value.zero_()
    weights.save(folder.parent / "other", other, {})
    for name in ("model.safetensors", "manifest.json"):
        shutil.copyfile(folder.parent / "other" / name, folder / name)  # in place, as cp does
    assert not weights.load(folder, "cpu").model.encoder.head[0].weight.any()
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_damaged_file_is_refused(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="damaged or not the one the manifest names"):
        weights.load(folder)


def test_a_missing_file_is_named(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing"):
        weights.load(folder)


def test_a_missing_folder_says_what_to_do(tmp_path):
    with pytest.raises(WeightsError, match="restore the folder weights/"):
        weights.load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "\udcff"])
def test_an_unreadable_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text, errors="surrogateescape")
    with pytest.raises(WeightsError, match="No readable model"):
        weights.load(folder)


@pytest.mark.parametrize("changes", [{"format": 99}, {"targets": ["redshift"]}])
def test_another_version_is_refused(folder, changes):
    rewrite(folder, **changes)
    with pytest.raises(WeightsError, match="another version"):
        weights.load(folder)


def test_a_manifest_of_another_kind_is_refused(folder):
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(WeightsError, match="another version"):
        weights.load(folder)


@pytest.mark.parametrize(
    ("name", "size"),
    [("members", 999_999), ("context_hidden", 98_765), ("flow_hidden", 0), ("regressors", 5.5)],
)
def test_networks_beyond_any_machine_are_refused_before_they_are_built(folder, name, size):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["sizes"] = {**manifest.get("sizes", {}), name: size}
    path.write_text(json.dumps(manifest))
    with pytest.raises(WeightsError, match="another architecture"):
        weights.load(folder)


def test_another_architecture_is_refused(folder):
    path = folder / "model.safetensors"
    state = load_file(path)
    state["target_mean"] = torch.zeros(5)
    save_file(state, path)
    weights.write_manifest(folder, {})
    with pytest.raises(WeightsError, match="another architecture"):
        weights.load(folder)


def test_a_file_that_only_has_the_name_is_refused(folder):
    (folder / "model.safetensors").write_bytes(b"these are no tensors")
    weights.write_manifest(folder, {})
    with pytest.raises(WeightsError, match="not a safetensors file"):
        weights.load(folder)


def test_an_unknown_device_is_refused():
    with pytest.raises(OptionError, match="choose auto, cpu or cuda"):
        weights.choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(OptionError, match="No CUDA device"):
        weights.choose_device("cuda")
    assert weights.choose_device("auto").type == "cpu"
