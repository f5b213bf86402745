"""From sets to weights that the engine loads, and their report card."""

import json

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.evaluation.run import evaluate
from galexplorer.evaluation.scoring import Settings
from galexplorer.inference import latent_map
from galexplorer.inference.engine import Engine
from galexplorer.model.features import INPUTS
from galexplorer.model.weights import read_report_card
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import TARGET_NAMES
from galexplorer.training.config import Config
from galexplorer.training.library import read_sets
from galexplorer.training.release import make_weights

CONFIG = Config(
    steps=2,
    real=8,
    unlabelled=4,
    rendered=8,
    tables=16,
    flow_steps=2,
    flow_batch=32,
    regressor_steps=2,
    regressor_batch=8,
    regressors=2,
    regressor_width=8,
    threads=1,
)


@pytest.fixture
def folders(sets, population, tmp_path):
    """A rendered set with its population, and a real one, with test rows in both."""
    out = []
    for arrays, kind in zip(sets[:2], ("rendered", "real images"), strict=True):
        folder = tmp_path / kind.split()[0]
        folder.mkdir()
        arrays = shards.select(arrays, np.tile(np.arange(48), 4))
        arrays["split"][1::4] = shards.TEST
        shards.write_shard(folder / f"shard-{folder.name}.safetensors", arrays)
        shards.write_manifest(folder, {"kind": kind, "seed": 5, "size": 192})
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
    assert set(engine.domain.mean) == set(INPUTS)
    assert len(engine.library) == 192
    assert int(engine.library.published.sum()) == 160
    assert manifest["library"]["galaxies"] == 192
    observation = Observation(None, Photometry("catalogue", {"g": 17.5, "r": 16.8, "i": 16.4}))
    assert np.isfinite(engine.infer(observation, draws=200).posterior.draws).all()

    sizes = Settings(rows=100, draws=100, parents=4, bootstrap=10)
    card = tmp_path / "card"
    report = evaluate(out, None, folders[0], folders[1], card, record=True, settings=sizes)
    kept = json.loads((card / "report.json").read_text())
    assert kept == report
    assert kept["weights_sha256"] == engine.weights.sha256
    rendered = report["samples"]["rendered"]
    assert rendered["rows"] == 48
    assert set(rendered["modes"]["image only"]["targets"]) == set(TARGET_NAMES)
    for found in rendered["modes"]["image + photometry"]["targets"].values():
        assert set(found) - {"points"} == {"galexplorer", "boosting", "gaussian", "versus"}
        assert {"log_score", "crps", "coverage_68", "r2_err"} <= set(found["galexplorer"])
    assert read_report_card(out) == report
    page = (card / "report.html").read_text()
    assert page.count("<img") == page.count('alt="') > 10
    assert "http" not in page.replace("http://www.w3.org", "")
    recorded = Engine.load(out, "cpu").weights.manifest
    found = rendered["modes"]["image only"]["targets"]["redshift"]["galexplorer"]["r2"]
    assert recorded["evaluation"]["r2"]["rendered"]["image only"]["redshift"] == found
    assert recorded["files"] == manifest["files"]
    with pytest.raises(DataError, match="No evaluation data"):
        evaluate(out)


def test_rendered_galaxies_are_kept_out_of_the_library(folders):
    assert len(read_sets([folders[1]])) == 192
    with pytest.raises(DataError, match="one of real galaxies"):
        read_sets(folders)
