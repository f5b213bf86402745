"""A run of many targets on disk: listed, stopped, gone on with, deleted."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from galexplorer.api import run_folder
from galexplorer.api.target_run import PART
from galexplorer.api.target_runs import begin_run, list_runs, open_run
from galexplorer.errors import InputError, OptionError
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.inference.prior import read_prior
from galexplorer.query.target_list import MAX_TARGETS, TargetList, read_targets
from galexplorer.runs.target_run import Outcome

NUMBER = 2 * PART + 3


@pytest.fixture(scope="module")
def engine(weights_dir):
    return Engine.load(weights_dir)


def a_list(number: int = NUMBER) -> bytes:
    """Return rows with magnitudes, which no service is asked for, and one without anything."""
    rows = [
        f"g{k},{17.5 + 0.01 * k:.2f},16.8,16.4,{'0.05' if k == 1 else ''}" for k in range(number)
    ]
    rows[4] = "no such galaxy,,,,"
    return "\n".join(["name,g,r,i,redshift", *rows]).encode()


def test_a_known_redshift_is_kept_and_one_that_is_not_stated_changes_no_hash(tmp_path):
    """A run of an earlier version holds none, and goes on."""
    targets = read_targets(b"name,ra,dec,known_redshift\nJ1,162.1,26,0.0258\nJ2,150,2,\n")
    run = begin_run(tmp_path, targets, "my list")
    assert run.targets() == targets.targets
    first, second = json.loads((run.folder / "targets.json").read_text())
    assert first["known_redshift"] == 0.0258
    assert "known_redshift" not in second  # spelt as before
    without = [replace(target, known_redshift=None) for target in targets.targets]
    asked = [
        run_folder.describe_request(own, True, run.options) for own in (run.targets(), without)
    ]
    assert asked[0]["input_sha256"] != asked[1]["input_sha256"]
    assert asked[1]["input_sha256"] == (
        "e3dd48faa7b7484f7f333d45513e07df63dbcff71b884e1759a9fa3578411838"
    )


def test_a_run_goes_on_after_it_was_stopped(engine, replay, settings, tmp_path):
    targets = read_targets(a_list())
    run = begin_run(tmp_path, targets, "my list", images=False, draws=100)
    assert (run.done, run.complete) == (0, False)
    with pytest.raises(InputError, match="No target of my list"):
        run.table()
    asked = []

    def stop_in_second_part():
        asked.append(1)
        return len(asked) > PART + 4

    run.infer(lambda: engine, stop=stop_in_second_part, settings=settings)
    assert run.done == PART + 4  # what was tried is kept
    (found,) = list_runs(tmp_path)  # as another process would
    assert found == run
    seen = []
    found.infer(lambda: engine, progress=lambda *given: seen.append(given), settings=settings)
    assert found.complete
    assert seen[0][0] == PART + 4
    assert seen[-1][:2] == (NUMBER, NUMBER)
    table = found.table()
    assert table["target"].tolist() == [target.label for target in targets.targets]
    assert "No object is known" in table["problem"][4]
    assert np.isfinite(np.delete(np.asarray(table["redshift_p50"]), 4)).all()
    assert table["redshift_fixed"][1] == 0.05
    assert table["log_sfr_p50"].unit is not None
    rows = sum(pq.read_metadata(path).num_rows for path in found.draws_files())
    assert rows == len(found.draws_table()) == 100 * (NUMBER - 1)
    assert len(found.draws_table().meta["origins"]) == NUMBER - 1
    assert len(found.draws_table().meta["caveats"]) == NUMBER - 1
    whole = begin_run(tmp_path, targets, "again", images=False, draws=100)
    whole.infer(lambda: engine, settings=settings)
    np.testing.assert_array_equal(whole.table()["redshift_p50"], table["redshift_p50"])
    assert {own.title for own in list_runs(tmp_path)} == {"again", "my list"}
    whole.delete()
    whole.delete()  # as somebody else may have done meanwhile
    assert list_runs(tmp_path) == [found]
    assert not whole.folder.exists()


def test_a_part_of_failures_leaves_the_provenance(engine, tmp_path):
    targets = read_targets(a_list(5))
    run = begin_run(tmp_path, targets, "five", images=False, draws=100)
    run.keep([run.infer_one(targets.targets[0], lambda: engine)])
    run.keep([Outcome(targets.targets[1], problem="There is no such galaxy.")])
    for table in (run.table(), run.draws_table()):
        assert table.meta["provenance"]["weights_sha256"] == engine.weights.sha256


def test_a_run_goes_on_with_what_it_was_begun_with(engine, tmp_path):
    targets = read_targets(a_list(5))
    run = begin_run(tmp_path, targets, "five", images=False, draws=100)
    outcome = run.infer_one(targets.targets[0], lambda: engine)
    others = {**outcome.result.provenance, "verdict_sha256": "0" * 64}
    run.keep([replace(outcome, result=replace(outcome.result, provenance=others))])
    with pytest.raises(OptionError, match="begun with other classifiers of the verdict"):
        run.infer(lambda: engine)
    assert run.done == 1


def test_a_limit_that_is_not_stated_is_that_of_the_model(tmp_path):
    targets = read_targets(b"name,redshift_min,redshift_max\na,0.05,\nb,,0.1\nc,,\n")
    assert [own.redshift_range for own in targets.targets] == [(0.05, None), (None, 0.1), None]
    run = begin_run(tmp_path, targets, "three", images=False, draws=100)
    # as versions before wrote it
    listed = run.folder / "targets.json"
    text = listed.read_text().replace("[0.05, null]", "[0.05, 0.35]")
    listed.write_text(text.replace("[null, 0.1]", "[0.0, 0.1]"))
    (found,) = list_runs(tmp_path)
    assert found.targets() != targets.targets
    assert found.request == run_folder.describe_request(targets.targets, False, run.options)
    listed.write_text(text.replace("[null, 0.1]", "[0.01, 0.1]"))
    (other,) = list_runs(tmp_path)
    assert other.request != found.request


def test_what_is_stated_of_all_targets_is_told_to_each(engine, tmp_path):
    targets = TargetList(read_targets(a_list(5)).targets[:3])
    stated = {"redshift_range": (0.02, 0.15), "prior": (0.06, 0.01), "detected": ["halpha"]}
    begun = begin_run(tmp_path, targets, "stated", images=False, draws=100, **stated)
    (run,) = list_runs(tmp_path)  # as another process would
    assert run == begun
    assert run.options.prior.sha256 == read_prior((0.06, 0.01)).sha256
    outcomes = [run.infer_one(target, lambda: engine) for target in run.targets()]
    run.keep(outcomes)
    free = targets.targets[0].photometry
    expected = engine.infer(observe(None, free), draws=100, **stated)
    np.testing.assert_array_equal(outcomes[0].result.posterior.draws, expected.posterior.draws)
    # the second target's redshift is held fixed, and its lines were seen all the same
    told = [outcome.result.provenance for outcome in outcomes]
    assert [each.get("redshift_range") for each in told] == [[0.02, 0.15], None, [0.02, 0.15]]
    assert ["redshift_prior" in each for each in told] == [True, False, True]
    assert [each["detected"]["lines"] for each in told] == [["halpha"]] * 3
    for table in (run.table(), run.draws_table()):
        made = table.meta["provenance"]
        assert made["redshift_range"] == [0.02, 0.15]
        assert made["redshift_prior"] == run.redshift_prior
        assert made["detected"] == ["halpha"]
    prior = run.folder / "redshift_prior.json"
    prior.write_text(prior.read_text().replace("0.06", "0.07", 1))
    (changed,) = list_runs(tmp_path)
    with pytest.raises(InputError, match="The run stated is damaged"):
        _ = changed.options
    with pytest.raises(OptionError, match=r"has no probability between 0\.1 and 0\.2"):
        begin_run(tmp_path, targets, "no", redshift_range=(0.1, 0.2), prior=(0.01, 0.001))
    assert len(list_runs(tmp_path)) == 1


def test_a_run_that_is_at_work_is_left_alone(engine, settings, tmp_path):
    run = begin_run(tmp_path, read_targets(a_list(PART)), "busy", images=False, draws=100)
    refused = []

    def stop():
        for call in (run.delete, lambda: run.infer(lambda: engine, settings=settings)):
            with pytest.raises(OptionError, match="at work"):
                call()
            refused.append(1)
        return True

    run.infer(lambda: engine, stop=stop, settings=settings)
    assert len(refused) == 2
    assert list_runs(tmp_path) == [run]


def test_lists_may_be_longer_than_those_in_memory(tmp_path):
    content = a_list(MAX_TARGETS + 100)
    with pytest.raises(InputError, match="at most 500"):
        read_targets(content)
    run = begin_run(tmp_path, read_targets(content, most=100_000), "long")
    assert run.number == MAX_TARGETS + 100
    assert run.targets() == read_targets(content, most=100_000).targets
    own = read_targets(
        b"id,r,redshift_max,redshift_prior_mean,redshift_prior_sigma\nx,17,0.2,0.1,0.02\n"
    )
    assert begin_run(tmp_path, own, "own").targets() == own.targets
    assert own.targets[0].redshift_prior == (0.1, 0.02)


def test_what_is_no_run_is_none(tmp_path):
    run = begin_run(tmp_path, read_targets(b"NGC 1\n"), "one")
    assert open_run(tmp_path, run.folder.name) == run
    for name in ("../x", "", "20260101T000000-0000000g", "20260101T000000-00000000"):
        assert open_run(tmp_path, name) is None
    (run.folder / "targets.json").write_text("[{]")
    with pytest.raises(InputError, match="damaged"):
        run.targets()
    (run.folder / "run.json").write_text(json.dumps({"title": 3}))
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "nowhere") == []


SPOILT = {
    "title": (5, None),
    "created": (None, "yesterday", 20261130),
    "number": ("3", 0, True, 1.5),
    "images": ("yes", None),
    "draws": ("100", 1),
    "seed": (None, -1),
    "redshift_range": ("0.1", [0.2, 0.1], [0.1], 0.1),
    "redshift_prior": (3, ["a"]),
    "detected": (5, ["hdelta"], [3], None),
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, all in SPOILT.items() for v in all])
def test_a_run_that_was_spoilt_by_hand_is_left_out_and_hides_no_other(tmp_path, key, value):
    targets = read_targets(b"NGC 1\n")
    good, bad = (begin_run(tmp_path, targets, title) for title in ("good", "bad"))
    (bad.folder / "run.json").write_text(json.dumps({**bad.about(), key: value}))
    assert list_runs(tmp_path) == [good]


def test_a_title_that_cannot_be_shown_is_mended(tmp_path):
    run = begin_run(tmp_path, read_targets(b"NGC 1\n"), "one")
    for title, shown in (("a\n" * 9999, "a " * 50), ("", "unnamed"), ("x\ud800", "x?")):
        (run.folder / "run.json").write_text(json.dumps({**run.about(), "title": title}))
        assert open_run(tmp_path, run.folder.name).title == shown


def test_two_who_rename_a_run_at_once_leave_it_whole(tmp_path):
    """As two tabs of a browser do, each in a thread; who reads meanwhile finds one or the other."""
    run = begin_run(tmp_path, read_targets(b"NGC 1\n"), "a")
    with ThreadPoolExecutor(3) as pool:
        renaming = [
            pool.submit(lambda t: [run.rename(t) for _ in range(300)], own)
            for own in ("a", "b" * 90)
        ]
        found = set()
        while not all(own.done() for own in renaming):
            read = open_run(tmp_path, run.folder.name)
            found.add(read and read.title)
    assert [own.exception() for own in renaming] == [None, None]
    assert found == {"a", "b" * 90}
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "draws", "parts", "run.json", "targets.json"
    ]  # fmt: skip


def test_a_run_that_goes_while_it_is_renamed_was_deleted(tmp_path, monkeypatch):
    run = begin_run(tmp_path, read_targets(b"NGC 1\n"), "one")
    here = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: here(path) and (run.delete() or True))
    with pytest.raises(InputError, match="deleted meanwhile"):
        run.rename("two")
    assert not run.folder.exists()
