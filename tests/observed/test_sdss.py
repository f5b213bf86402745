"""A set from the sky against a survey in miniature: killed, disturbed, resumed, trained on."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from galexplorer.cli import main
from galexplorer.datasets import shards
from galexplorer.errors import DataError, FetchError
from galexplorer.inference.engine import Engine
from galexplorer.objids import Field
from galexplorer.observed import sdss
from galexplorer.observed.sdss import build
from galexplorer.observed.sdss_pixels import FrameCache
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.sky.frames import cut_pixels
from galexplorer.sky.http import ServiceError
from galexplorer.training.config import Config
from galexplorer.training.release import make_weights

ROOT = Path(__file__).resolve().parents[2]
SIZE = 30
SHARD = 8
PROCESS = """
import sys
from pathlib import Path
from galexplorer.errors import FetchError
from galexplorer.sky.http import Settings
from galexplorer.observed import sdss
from galexplorer.observed.sdss import build
from galexplorer.observed.sdss_pixels import FrameCache
settings = Settings(connect_s=2, read_s=10, frame_s=10, total_s=60, backoff_s=0.02)
try:
    build(int(sys.argv[1]), Path(sys.argv[2]), source=sys.argv[3], shard_size=int(sys.argv[4]),
          settings=settings)
except FetchError as error:
    sys.exit(str(error))
"""


def read_rows(folder: Path) -> dict[str, np.ndarray]:
    """Return all rows of the shards, objID included."""
    return shards.concatenate(load_file(str(p)) for p in sorted(folder.glob("shard-*")))


def check_rows(folder: Path, galaxies) -> None:
    """Every row is that of its galaxy, once: catalogue, place and light on the pixels."""
    rows = read_rows(folder)
    truth = {galaxy.objid: galaxy for galaxy in galaxies}
    objids = rows["objid"].tolist()
    assert max(Counter(objids).values()) == 1
    for k, objid in enumerate(objids):
        galaxy = truth[objid]
        assert rows["targets"][k, 0] == pytest.approx(galaxy.redshift, rel=1e-6)
        assert rows["position"][k] == pytest.approx([galaxy.ra, galaxy.dec], abs=1e-9)
        assert rows["catalogue_mag"][k, 2] == pytest.approx(galaxy.magnitude, abs=1e-4)
        if not rows["has_image"][k]:
            continue
        # The light of an exponential disc within two Petrosian radii, with extinction.
        assert rows["measured_mag"][k, 1] - galaxy.magnitude == pytest.approx(0.1, abs=0.06)
        assert rows["grid"][k, :, 28:36, 28:36].mean() > 60
    assert rows["has_image"].mean() > 0.9


def assert_same_set(folder: Path, other: Path) -> None:
    names = sorted(path.name for path in other.glob("shard-*"))
    assert sorted(path.name for path in folder.glob("shard-*")) == names
    for name in names:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


def run_killed(services, out: Path, size: int, source: str, kills: list[int], shard: int) -> int:
    """Build in a process that dies after so many further requests; return the runs it took."""
    environment = os.environ | services.environment(out.parent)
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROCESS, str(size), str(out), source, str(shard)]
    killed = 0
    for run in range(1, len(kills) + 12):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        if killed < len(kills):
            wanted = sum(services.counts.values()) + kills[killed]
            while process.poll() is None and sum(services.counts.values()) < wanted:
                time.sleep(0.002)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
        _, said = process.communicate(timeout=300)
        if process.returncode == 0:
            assert killed == len(kills), "the build ended before it was killed often enough"
            return run
        assert process.returncode in (-signal.SIGKILL, 1)
        assert b"Traceback" not in said, said.decode()
    raise AssertionError(f"not done after {run} runs: {said.decode()}")


def test_a_set_is_built_in_the_format_of_all_sets(services, whole):
    check_rows(whole, services.survey.galaxies)
    arrays, manifest = shards.read(whole)
    assert set(arrays) == set(shards.SHAPES)
    for name, (shape, dtype) in shards.SHAPES.items():
        assert arrays[name].shape == (SIZE, *shape)
        assert arrays[name].dtype == dtype
    assert manifest["kind"] == "survey"
    assert manifest["galaxies"] == SIZE
    assert manifest["failed"] == 0
    assert (arrays["origin"][arrays["has_image"] == 1] == 1).all()
    assert not (whole / "failures.csv").exists()
    assert not (whole / "pages").exists()


def test_frames_of_a_field_are_asked_for_once(services, settings, tmp_path):
    build(SIZE, tmp_path / "set", settings=settings)
    fields = services.survey.fields
    assert services.counts["skyserver"] == 2
    # two strips: each field is had once, and at most those beyond their ends
    assert 3 * len(fields) <= services.counts["sas"] <= 3 * (len(fields) + 2 * 2)


def test_nothing_is_asked_for_twice(services, settings, whole):
    manifest = build(SIZE, whole, settings=settings, shard_size=SHARD)
    assert manifest["galaxies"] == SIZE
    assert not services.counts


@pytest.mark.slow
def test_killed_twice_with_a_tenth_of_the_answers_spoilt(services, whole, tmp_path):
    services.fault_share = 0.1
    out = tmp_path / "set"
    run_killed(services, out, SIZE, "frames", [6, 14], SHARD)
    assert sum(services.spoilt.values()) > 0
    check_rows(out, services.survey.galaxies)
    assert_same_set(out, whole)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["frames", "legacy"])
def test_two_hundred_galaxies_killed_five_times(services, source, tmp_path, settings):
    module = sys.modules["survey_replay"]
    large = module.SurveyReplay(module.Survey(200, per_field=4.0), seed=8)
    try:
        out = tmp_path / "set"
        large.fault_share = 0.1
        run_killed(large, out, 200, source, [1, 20, 35, 50, 30], 50)
        assert sum(large.spoilt.values()) > 10
        check_rows(out, large.survey.galaxies)
        assert len(read_rows(out)["objid"]) == 200
        large.reset()
        again = tmp_path / "again"
        run_killed(large, again, 200, source, [], 50)
        assert_same_set(out, again)
    finally:
        large.close()


def test_cutouts_of_the_viewer_serve_as_well(services, settings, tmp_path):
    out = tmp_path / "set"
    services.fault_share = 0.1
    for _ in range(4):  # what three tries did not get, the next start does
        try:
            manifest = build(SIZE, out, source="legacy", settings=settings, shard_size=SHARD)
        except FetchError:
            continue
        break
    assert manifest["galaxies"] == SIZE
    check_rows(out, services.survey.galaxies)
    assert services.counts["legacy"] >= SIZE
    assert not services.counts["sas"]


def test_what_failed_is_listed_and_tried_again(services, settings, whole, tmp_path, monkeypatch):
    out = tmp_path / "set"
    number = services.survey.fields[2][2]
    services.down = {f"-{number:04d}.fits"}
    with pytest.raises(
        FetchError, match=r"of 30 galaxies could not be retrieved.*run the same command"
    ):
        build(SIZE, out, settings=settings, shard_size=SHARD)
    failures = pd.read_csv(out / "failures.csv")
    assert failures.reason.str.contains("unavailable").all()
    lost = {g.objid for g in services.survey.galaxies if g.field == number}
    assert lost <= set(failures.objID)
    # Galaxies at the edge of the fields beside it are not cut without it, either.
    near = {g.objid for g in services.survey.galaxies if abs(g.field - number) <= 1}
    assert set(failures.objID) <= near
    arrays, manifest = shards.read(out)
    assert len(arrays["split"]) == manifest["galaxies"] == SIZE - len(failures)
    # Tried again in vain, they are listed again, however many they are.
    monkeypatch.setattr(sdss, "MAX_FAILURES_IN_A_ROW", 2)
    with pytest.raises(FetchError, match="of 30 galaxies could not be retrieved"):
        build(SIZE, out, settings=settings, shard_size=SHARD)
    assert pd.read_csv(out / "failures.csv").equals(failures)
    services.reset()
    build(SIZE, out, settings=settings, shard_size=SHARD)
    assert not (out / "failures.csv").exists()
    assert_same_set(out, whole)


def test_a_frame_of_another_field_is_not_taken_for_its_own(services, settings, monkeypatch):
    """The headers of g and i do not name the field: the coordinates tell."""
    run, camcol, number = services.survey.fields[1]
    right = services.survey.frame

    def frame(run, camcol, number, band):
        return right(run, camcol, number + (band == "g"), band)

    monkeypatch.setattr(services.survey, "frame", frame)
    field = Field(run, 301, camcol, number)
    with pytest.raises(FetchError, match="frames of other fields"):
        FrameCache(field, settings).frames(field, 5.0)


def test_a_cut_waits_for_frames_that_only_failed_this_time(services, settings):
    """Blank beyond the edge is what the survey did not see, not what a service did not give."""
    galaxy = services.survey.galaxies[0]
    field = Field(galaxy.run, 301, galaxy.camcol, galaxy.field)
    place = (galaxy.ra, galaxy.dec, field, 160.0)  # reaches over all edges
    pixels = cut_pixels(*place, FrameCache(field, settings))
    assert np.isnan(pixels.flux).any()
    assert services.counts["skyserver"] == 1
    services.down = {"fGetNearbyFrameEq"}
    with pytest.raises(FetchError, match="SkyServer") as raised:
        cut_pixels(*place, FrameCache(field, settings))
    assert not isinstance(raised.value, ServiceError)
    services.down = {f"{field.field + 1:04d}.fits"}
    with pytest.raises(FetchError, match="SDSS archive"):
        cut_pixels(*place, FrameCache(field, settings))


def test_where_a_run_ends_there_is_no_neighbour_to_wait_for(
    services, settings, tmp_path, monkeypatch
):
    right, fields = services.survey.frame, services.survey.fields

    def frame(run, camcol, number, band):
        return right(run, camcol, number, band) if (run, camcol, number) in fields else None

    monkeypatch.setattr(services.survey, "frame", frame)
    manifest = build(SIZE, tmp_path / "set", settings=settings)
    assert manifest["galaxies"] == SIZE
    assert manifest["failed"] == 0


def test_a_service_that_stays_down_ends_the_build(services, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(sdss, "MAX_FAILURES_IN_A_ROW", 5)
    services.down = {"sas"}
    with pytest.raises(FetchError, match="5 galaxies in a row"):
        build(SIZE, tmp_path / "set", settings=settings)
    assert not (tmp_path / "set" / "manifest.json").exists()
    services.down = set()
    assert build(SIZE, tmp_path / "set", settings=settings)["galaxies"] == SIZE


def test_a_folder_of_another_set_is_refused(services, settings, whole, tmp_path):
    with pytest.raises(DataError, match="holds another set"):
        build(SIZE - 1, whole, settings=settings, shard_size=SHARD)
    with pytest.raises(DataError, match="holds another set"):
        build(SIZE, whole, settings=settings, shard_size=SHARD, source="legacy")
    other = tmp_path / "other"
    other.mkdir()
    shards.write_shard(other / "shard-00000.safetensors", shards.empty(2))
    with pytest.raises(DataError, match="another kind"):
        build(SIZE, other, settings=settings)


def test_weights_are_trained_on_the_sky_alone(whole, tmp_path):
    config = Config(
        steps=2, real=8, unlabelled=4, rendered=8, tables=16, flow_steps=2, flow_batch=32,
        regressor_steps=2, regressors=2, regressor_width=8, threads=1,
    )  # fmt: skip
    out = tmp_path / "weights"
    manifest = make_weights([whole], out, tmp_path / "work", config, device="cpu")
    assert manifest["trained_on"][0]["kind"] == "survey"
    assert manifest["made_with"]["build"] == [
        f"galexplorer dataset build --size {SIZE} --seed 0 --source frames"
    ]
    engine = Engine.load(out, "cpu")
    assert len(engine.library.names) == int(read_rows(whole)["has_image"].sum())
    observation = Observation(None, Photometry("catalogue", {"g": 17.5, "r": 16.8, "i": 16.4}))
    assert np.isfinite(engine.infer(observation, draws=200).posterior.draws).all()
    assert torch.get_num_threads() == 1


def test_the_command(services, settings, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GALEXPLORER_LEGACY_URL", settings.legacy_url)
    out = tmp_path / "set"
    options = ["--size", "4", "--source", "legacy", "--parallel", "1"]
    assert main(["dataset", "build", *options, "--out", str(out)]) == 0
    assert len(read_rows(out)["objid"]) == 4
    (tmp_path / "file").touch()
    assert main(["dataset", "build", "--size", "4", "--out", str(tmp_path / "file")]) == 2
    assert "is a file" in capsys.readouterr().err
