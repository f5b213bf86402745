"""From sets to weights that the engine loads, and their report card."""

import json
from dataclasses import replace

import numpy as np
import pytest

from galexplorer.errors import DataError
from galexplorer.evaluation.run import evaluate, measured_features
from galexplorer.image.composite import as_served, composite
from galexplorer.inference import latent_map
from galexplorer.inference.engine import Engine
from galexplorer.inference.observation import Observation
from galexplorer.inference.result import Photometry
from galexplorer.model.network import MODES
from galexplorer.training import dataset
from galexplorer.training.fit import Config
from galexplorer.training.library import read_sets
from galexplorer.training.release import make_weights

CONFIG = Config(steps=2, real=8, unlabelled=4, rendered=8, tables=16, threads=1)


@pytest.fixture
def folders(sets, population, tmp_path):
    """A rendered set with its population, and a real one, with test rows in both."""
    out = []
    for arrays, kind in zip(sets[:2], ("rendered", "real images"), strict=True):
        folder = tmp_path / kind.split()[0]
        folder.mkdir()
        arrays = dataset.select(arrays, np.tile(np.arange(48), 2))
        arrays["split"][1::4] = dataset.TEST
        dataset.write_shard(folder / f"shard-{folder.name}.safetensors", arrays)
        dataset.write_manifest(folder, {"kind": kind, "seed": 5, "size": 96})
        out.append(folder)
    population.to_parquet(out[0] / "population.parquet")
    return out


def test_weights_are_made_loaded_and_judged(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(latent_map, "STEPS", 3)
    monkeypatch.setenv("GALEXPLORER_DATA", str(tmp_path / "none"))
    out = tmp_path / "weights"
    manifest = make_weights(folders, out, tmp_path / "work", CONFIG, device="cpu")
    assert [described["kind"] for described in manifest["trained_on"]] == [
        "rendered",
        "real images",
    ]
    assert set(manifest["files"]) == {path.name for path in out.glob("*.safetensors")}
    assert manifest["config"]["steps"] == 2
    engine = Engine.load(out, "cpu")
    assert set(engine.domain.mean) == set(MODES)
    assert len(engine.library) == 96
    assert int(engine.library.published.sum()) == 80
    assert manifest["library"]["galaxies"] == 96
    observation = Observation(None, Photometry("catalogue", {"g": 17.5, "r": 16.8, "i": 16.4}))
    assert np.isfinite(engine.infer(observation, draws=200).posterior.draws).all()

    monkeypatch.setattr("galexplorer.evaluation.run.DRAWS", 100)
    card = tmp_path / "card.json"
    report = evaluate(out, None, folders[0], folders[1], out=card, record=True)
    assert json.loads(card.read_text())["weights_sha256"] == engine.weights.sha256
    assert report["rendered"]["image alone"]["redshift"]["rows"] == 24
    real = report["real_images"]["real"]
    assert set(real["galexplorer"]) == set(real["gradient boosting"])
    assert 0 <= real["galexplorer"]["redshift"]["coverage_68"] <= 1
    recorded = Engine.load(out, "cpu").weights.manifest
    assert recorded["evaluation"]["rendered"]["image alone"].keys() == (
        report["rendered"]["image alone"].keys()
    )
    assert recorded["files"] == manifest["files"]
    with pytest.raises(DataError, match="nothing to evaluate on"):
        evaluate(out)


def test_rendered_galaxies_are_kept_out_of_the_library(folders):
    assert len(read_sets([folders[1]])) == 96
    with pytest.raises(DataError, match="one of real galaxies"):
        read_sets(folders)


@pytest.mark.parametrize("kept", [0, 1])
def test_one_kind_of_set_is_not_enough(folders, tmp_path, kept):
    config = replace(CONFIG, steps=1)
    with pytest.raises(DataError, match="give a rendered and a real one"):
        make_weights([folders[kept]], tmp_path / "out", tmp_path / "work", config, device="cpu")


def test_apertures_of_the_comparison_hold_their_light():
    """A galaxy of 100 nanomaggies in r, all of it within the largest aperture."""
    y, x = np.mgrid[:64, :64] - 31.5
    profile = np.exp(-0.5 * (x**2 + y**2) / 4.0**2)
    flux = np.array([0.5, 1.0, 1.5])[:, None, None] * 100 * profile / profile.sum()
    arrays = dataset.empty(1)
    arrays["grid"][0] = as_served(composite(flux, 0.5))
    arrays["pixel_scale"][0] = 0.5
    features = measured_features(arrays)[0]
    magnitudes = features[:15].reshape(5, 3)
    np.testing.assert_allclose(magnitudes[-1], -2.5 * np.log10([50, 100, 150]), atol=0.05)
    assert (np.diff(magnitudes, axis=0) < 0.01).all()
