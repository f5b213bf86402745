"""Weights without real images: made from what Python packages carry, used, and honest about it."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.inference.engine import Engine
from galexplorer.model.features import INPUTS
from galexplorer.model.weights import read_manifest
from galexplorer.population import package_tables
from galexplorer.records.result import EMPTY_LIBRARY
from galexplorer.training.config import Config
from galexplorer.training.release import make_weights, missing_data_notes
from galexplorer.training.training_data import TrainingData

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Config(
    steps=2,
    rendered=8,
    tables=16,
    flow_steps=2,
    flow_batch=32,
    flow_views=1,
    regressor_steps=2,
    regressor_batch=8,
    regressors=2,
    regressor_width=8,
    encoder_width=8,
    context_size=24,
    threads=1,
)


@pytest.fixture
def simulated(sets, population, tmp_path):
    """A rendered set, half of it delivered as JPEGs, whose labels are mostly completed."""
    folder = tmp_path / "rendered"
    folder.mkdir()
    arrays = shards.select(sets[0], np.tile(np.arange(48), 20))
    arrays["kind"][:] = shards.RENDERED
    arrays["origin"][::2] = 2
    arrays["label"][:, 1:] = 2
    arrays["split"][:] = np.arange(len(arrays["split"])) % 3 == 0
    shards.write_shard(folder / "shard-00000.safetensors", arrays)
    inferred = {"kind": "rendered", "seed": 5, "size": 960, "sources": {package_tables.SOURCE: 60}}
    shards.write_manifest(folder, {**inferred, "kinds": {"rendered": 960, "transplant": 0}})
    population.to_parquet(folder / "population.parquet")
    return folder


@pytest.mark.slow
def test_a_rendered_set_alone_makes_weights_that_say_what_is_lost(simulated, tmp_path, caplog):
    out = tmp_path / "weights"
    with caplog.at_level(logging.WARNING):
        manifest = make_weights([simulated], out, tmp_path / "work", CONFIG, device="cpu")
    assert manifest["library"]["galaxies"] == 0
    assert "No real image took part" in manifest["notice"]
    assert package_tables.LIMITATION in manifest["notice"]
    assert "imputed with scatter from galaxies that have them" not in manifest["notice"]
    for sentence in missing_data_notes(manifest["trained_on"]):
        assert sentence in caplog.text
    engine = Engine.load(out, "cpu")
    assert set(engine.domain.mean) == set(INPUTS)
    # simulated JPEGs take the place of real ones, all of their labels included
    assert manifest["calibration"]["jpeg"]["log_sfr"]["rows"] == 160
    apart = ("jpeg", "image", "image and catalogue", "photometry")
    assert len({str(manifest["calibration"][mode]["redshift"]) for mode in apart}) == 4


def test_a_real_jpeg_is_never_displaced_by_simulated_ones(sets):
    simulated = sets[0]
    simulated["origin"][:], simulated["kind"][:] = 2, shards.RENDERED
    assert len(TrainingData(sets).held_out["jpeg"]) == 4
    assert len(TrainingData([simulated, sets[2]]).held_out["jpeg"]) == 5


def test_real_images_alone_are_refused(sets, tmp_path):
    shards.write_shard(tmp_path / "shard-real.safetensors", sets[1])
    shards.write_manifest(tmp_path, {"kind": "real images"})
    with pytest.raises(DataError, match="no lines, star-formation rates"):
        make_weights([tmp_path], tmp_path / "out", tmp_path, replace(CONFIG, steps=1), device="cpu")


def test_what_is_lost_depends_on_the_sets():
    real = {"kind": "real images"}
    whole = {"kind": "rendered", "kinds": {"transplant": 7}, "sources": {"main_sample": 10}}
    assert missing_data_notes([whole, real]) == []
    assert len(missing_data_notes([whole])) == 1
    drawn = {**whole, "kinds": {"rendered": 9, "transplant": 0}}
    assert len(missing_data_notes([drawn, real])) == 1
    assert missing_data_notes([{**whole, "sources": {package_tables.SOURCE: 10}}, real]) == [
        package_tables.LIMITATION
    ]


def run(*words: str, checkout: Path) -> subprocess.CompletedProcess:
    """Run the command line of the package in a checkout beside which there are no real data."""
    environment = {k: v for k, v in os.environ.items() if k != "GALEXPLORER_DATA"}
    done = subprocess.run(
        [sys.executable, "-m", "galexplorer", *words],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(checkout)},
        cwd=checkout,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_from_packages_to_a_posterior_on_the_command_line(tmp_path):
    """`simulate`, `train` and `infer` without a real table or image."""
    checkout = tmp_path / "work" / "checkout"
    checkout.mkdir(parents=True)
    (checkout / "galexplorer").symlink_to(ROOT / "galexplorer")
    settings = tmp_path / "tiny.yaml"
    settings.write_text(
        "steps: 3\nrendered: 8\ntables: 32\nflow_steps: 3\nflow_batch: 64\nthreads: 1\n"
        "flow_views: 1\nvalidation_rows: 50\nencoder_width: 8\ncontext_size: 24\n"
        "regressor_steps: 2\nregressors: 2\nregressor_width: 8\n"
    )
    rendered, weights = tmp_path / "rendered", tmp_path / "weights"
    said = run("simulate", "--size", "60", "--seed", "3", "--out", str(rendered), checkout=checkout)
    assert "no star-formation rate" in said.stderr
    said = run(
        *("train", str(rendered), "--config", str(settings), "--device", "cpu"),
        *("--out", str(weights), "--work", str(tmp_path / "work")),
        checkout=checkout,
    )
    assert "No real image took part" in said.stderr
    assert "Every simulated galaxy is drawn from profiles" in said.stderr
    assert package_tables.LIMITATION in read_manifest(weights)["notice"]
    example = ROOT / "assets/examples/spiral.fits.gz"
    inferred = run(
        "infer", str(example), "--weights", str(weights), "--device", "cpu", checkout=checkout
    )
    answer = json.loads(inferred.stdout)
    assert answer["neighbours"] == []
    assert EMPTY_LIBRARY in answer["notes"]
    assert 0 < answer["posterior"]["redshift"]["p50"] < 0.35
