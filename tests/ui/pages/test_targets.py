"""Lists of targets: the job beside the pages, and the page."""

import io
import time
from dataclasses import replace
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table
from streamlit.testing.v1 import AppTest

from galexplorer.api.target_run import PART
from galexplorer.api.target_runs import begin_run, list_runs, open_run
from galexplorer.query.target_list import Target, TargetList
from galexplorer.records.photometry import Photometry
from galexplorer.runs.target_run import Outcome
from galexplorer.ui.parts.target_table import count_words, filter_frame, results_frame
from galexplorer.ui.session.jobs import Job, find_job
from galexplorer.ui.session.state import load_engine

CSV = b"""id,u,g,r,i,z,redshift
A,18.9,17.4,16.8,16.4,16.2,
B,19.4,18.3,17.7,17.4,17.2,0.06
C,,,,,,
D,18.0,17.1,16.7,16.5,16.4,
"""


def wait(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


@pytest.fixture
def begin(runs):
    """Put a list on disk, and return a job that infers it."""

    def begin(number, infer, name="galaxy"):
        targets = tuple(Target(f"{name} {k}", f"{name} {k}") for k in range(number))
        return Job(begin_run(runs, TargetList(targets), name), infer)

    return begin


def fail(target, tell):
    return Outcome(target, problem=f"No {target.label}.")


def test_a_job_does_every_target_in_order(begin):
    job = begin(2 * PART + 3, fail)
    assert not job.running
    assert job.table() is None
    job.start()
    wait(lambda: not job.running)
    assert list(job.table()["target"]) == [target.label for target in job.targets]
    assert job.run.complete
    assert not job.cancelled


def test_a_bug_in_one_target_stops_no_other(begin, caplog):
    def infer(target, tell):
        if target.label == "galaxy 1":
            raise ZeroDivisionError
        return Outcome(target, problem="No.")

    job = begin(4, infer)
    job.start()
    wait(lambda: not job.running)
    problems = list(job.table()["problem"])
    assert problems[0] == problems[2] == problems[3] == "No."
    assert "unexpected error (ZeroDivisionError)" in problems[1]
    assert "galaxy 1 failed unexpectedly" in caplog.text


def test_cancel_keeps_what_is_done_and_can_be_undone(begin):
    reached, go = Event(), Event()

    def infer(target, tell):
        if target.label == "galaxy 2" and not go.is_set():
            reached.set()
            go.wait(30)
            tell("the next step")  # where a cancelled target ends
        return fail(target, tell)

    job = begin(5, infer)
    job.start()
    assert reached.wait(30)
    assert job.words.startswith("galaxy 2")
    # a page that is loaded again finds it at work
    assert find_job(job.run, infer) is job
    job.cancel()
    go.set()
    wait(lambda: not job.running)
    assert (job.done, job.run.done) == (2, 2)
    again = find_job(job.run, infer)
    assert again is not job  # as another process would: from the disk
    assert len(again.table()) == 2
    again.start()
    wait(lambda: not again.running)
    assert again.run.complete


def test_two_lists_take_turns(begin):
    order = []

    def infer(target, tell):
        order.append(target.label)
        time.sleep(0.01)
        return fail(target, tell)

    long, short = begin(40, infer, "long"), begin(3, infer, "short")
    long.start()
    short.start()
    wait(lambda: not (long.running or short.running))
    assert order.index("short 2") < order.index("long 20")


# --- the page ---------------------------------------------------------------------------------


def visit_from(address: str, **headers: str) -> SimpleNamespace:
    """Return what stands for `st.context` of a browser."""
    theme = SimpleNamespace(type="light")
    return SimpleNamespace(headers=headers, ip_address=address, theme=theme)


@pytest.fixture
def app(monkeypatch) -> AppTest:
    monkeypatch.setattr("streamlit.context", visit_from("127.0.0.1", Host="localhost:8501"))
    at = AppTest.from_string(
        "from galexplorer.ui.pages import targets; targets.page()", default_timeout=120
    )
    at.run()
    assert not at.exception
    return at


def finish(at):
    wait(lambda: not at.session_state["targets_job"].running, 120)
    at.run()
    assert not at.exception
    return at.session_state["targets_job"]


def give(at, content, name="list.csv"):
    at.file_uploader(key="targets_file").set_value([(name, content, "text/csv")])
    at.run()
    assert not at.exception


def test_the_page_asks_for_a_list(app):
    assert app.header[0].value == "Targets"
    assert app.button(key="targets_run").disabled
    assert not app.error


def test_a_bad_list_gives_a_sentence(app):
    give(app, b"colour,shape\nred,round\n")
    app.text_area(key="targets_text").set_value("a\n" * 3).run()
    assert app.button(key="targets_run").disabled is False  # text of one a line is a list
    give(app, b"\x89HDF\r\n\x1a\n" + b"\0" * 200, "list.h5")
    assert "list.h5" in app.error[0].value
    give(app, "\n".join(f"NGC {k}" for k in range(1001)).encode(), "long.txt")
    assert "1,001 targets, but at most 1,000 are allowed" in app.error[0].value


def test_magnitudes_need_no_network(app, weights_dir, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("galexplorer.sky.fetch.fetch_target", refuse)
    give(app, CSV.replace(b"redshift\n", b"redshift,name\n").replace(b"C,,,,,,", b"C,,,,,,,NGC 1"))
    assert "redshift held fixed" in " ".join(m.value for m in app.markdown)
    app.button(key="targets_run").click().run()
    job = finish(app)
    frame = app.dataframe[0].value
    assert list(frame["Target"]) == ["A", "B", "NGC 1", "D"]
    assert list(frame["State"]) == ["Done", "Done", "Failed", "Done"]
    assert frame["z"][1] == pytest.approx(0.06)
    assert np.isnan(frame["± z"][1])  # held fixed
    assert 0 < frame["z"][0] < 0.35
    assert frame["± z"][0] > 0
    # C has no magnitudes: its name is looked up, which was refused, and the rest went on.
    assert "AssertionError" in frame["Remarks"][2]
    assert any("3 of 4 done, 1 failed" in m.value for m in app.markdown)
    assert 6 < frame["log M_BH"][0] < 10
    assert frame["± log F Hα"][0] > 0
    table = job.table()
    assert "No image: inferred from photometry alone." in table["notes"][0]


def test_filter_and_state(app, weights_dir):
    give(app, CSV.replace(b"C,,,,,,\n", b""))
    app.button(key="targets_run").click().run()
    finish(app)
    app.button_group(key="targets_state").set_value("Failed").run()
    assert app.dataframe[0].value.empty
    app.button_group(key="targets_state").set_value("All").run()
    whole = app.dataframe[0].proto.id
    app.text_input(key="targets_filter").set_value("held").run()
    assert list(app.dataframe[0].value["Target"]) == ["B"]
    # a table of its own: the row that was selected is not that of another target
    assert app.dataframe[0].proto.id != whole


def test_the_same_galaxy_has_the_same_posterior_as_alone(app, weights_dir):
    from galexplorer.inference.observe import observe

    give(app, CSV.splitlines()[0] + b"\n" + CSV.splitlines()[1] + b"\n")
    app.button(key="targets_run").click().run()
    run = finish(app).run
    magnitudes = dict(zip("ugriz", (18.9, 17.4, 16.8, 16.4, 16.2), strict=True))
    alone = load_engine().infer(observe(None, Photometry("catalogue", magnitudes)), draws=1000)
    # another thread may split the sums differently: the last digit is free
    np.testing.assert_allclose(
        run.draws_table()["log_sfr"], alone.posterior.column("log_sfr"), rtol=1e-5, atol=1e-6
    )


def test_frames_filter_by_words_and_state(begin):
    job = begin(3, fail)
    assert list(results_frame(job.targets, None)["State"]) == ["Waiting"] * 3
    assert count_words(None, 3) == "0 of 3 done"
    job.start()
    wait(lambda: not job.running)
    frame = results_frame(job.targets, job.table())
    assert list(frame["State"]) == ["Failed"] * 3
    assert count_words(job.table(), 3) == "0 of 3 done, 3 failed"
    assert list(filter_frame(frame, "NO GALAXY 1", "All").index) == [1]
    assert filter_frame(frame, "(", "All").empty  # words, not a pattern
    assert filter_frame(frame, "", "Done").empty


def test_a_list_lives_on_after_a_reload(app, runs, weights_dir):
    from galexplorer.export.tables import written_bytes

    give(app, CSV.replace(b"C,,,,,,\n", b""))
    app.button(key="targets_run").click().run()
    job = finish(app)
    assert [button.label for button in app.get("download_button")] == ["Download"]
    table = Table.read(
        io.BytesIO(written_bytes(job.run.table(), "csv")), format="ascii.csv", comment="#"
    )
    assert list(table["target"]) == ["A", "B", "D"]

    name = job.run.folder.name
    again = AppTest.from_string(
        "from galexplorer.ui.pages import targets; targets.page()", default_timeout=120
    )
    again.query_params["run"] = name
    again.run()
    assert list(again.dataframe[0].value["Target"]) == ["A", "B", "D"]
    assert again.subheader[0].value == "list.csv"
    assert any("3 of 3 done" in m.value for m in again.markdown)
    again.button(key=f"delete_{name}").click().run()
    assert not again.exception
    assert open_run(runs, name) is None
    assert list_runs(runs) == []
    app.run()  # the page that showed it
    assert not app.exception
    assert len(app.dataframe) == 0


def test_a_run_that_was_stopped_is_gone_on_with(app, runs, weights_dir):
    """As after the program was ended: there is a list on disk, half of it done."""
    targets = tuple(Target(f"galaxy {k}", "10:99:00 +20:00:00") for k in range(3))
    run = begin_run(runs, TargetList(targets), "my list")
    with run.claimed():
        run.keep([Outcome(targets[0], problem="No galaxy.")])
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    assert not app.exception
    assert any("Stopped: 0 of 3 done, 1 failed" in m.value for m in app.markdown)
    app.button(key="targets_resume").click().run()
    finish(app)
    assert any("0 of 3 done, 3 failed" in m.value for m in app.markdown)


def test_lists_of_others_are_not_shown_through_a_proxy(app, runs, monkeypatch):
    """There all users have the address of the proxy, which may be this computer's."""
    run = begin_run(runs, TargetList((Target("mine", "10:99:00 +20:00:00"),)), "my list")
    opens = f"open_{run.folder.name}"
    app.run()
    assert opens in [button.key for button in app.button]
    for headers in ({"Host": "galaxies.example.org"}, {"X-Forwarded-For": "192.0.2.7"}):
        monkeypatch.setattr("streamlit.context", visit_from("127.0.0.1", **headers))
        app.run()
        assert not app.exception
        assert opens not in [button.key for button in app.button]


def test_a_list_that_another_page_deleted_can_be_deleted_again(app, runs):
    run = begin_run(runs, TargetList((Target("mine", "10:99:00 +20:00:00"),)), "my list")
    app.run()
    run.delete()
    app.button(key=f"delete_{run.folder.name}").click().run()
    assert not app.exception
    assert not run.folder.exists()


def test_a_list_whose_table_is_damaged_says_so(app, runs):
    targets = tuple(Target(f"galaxy {k}", "10:99:00 +20:00:00") for k in range(2))
    run = begin_run(runs, TargetList(targets), "my list")
    with run.claimed():
        run.keep([Outcome(targets[0], problem="No galaxy.")])
    next((run.folder / "parts").glob("*.parquet")).write_bytes(b"PAR1 no more")
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")


def test_a_list_begun_with_other_weights_is_not_gone_on_with(app, runs, weights_dir):
    """Values of two models in one table would not compare: the app says so, as commands do."""
    magnitudes = Photometry("catalogue", {"g": 17.5, "r": 16.8, "i": 16.4})
    targets = tuple(Target(f"galaxy {k}", "", photometry=magnitudes) for k in range(2))
    run = begin_run(runs, TargetList(targets), "my list", images=False, draws=100, seed=3)
    outcome = run.infer_one(targets[0], load_engine)
    for key, words in (("weights_sha256", "weights"), ("verdict_sha256", "classifiers")):
        for path in (*(run.folder / "parts").glob("*"), *(run.folder / "draws").glob("*")):
            path.unlink()
        made = {**outcome.result.provenance, key: "0" * 64}
        run.keep([replace(outcome, result=replace(outcome.result, provenance=made))])
        app.session_state["targets_job"] = Job(run, fail)
        app.run()
        assert f"begun with other {words}" in app.warning[0].value
        assert "targets_resume" not in [button.key for button in app.button]
    app.button(key="targets_again").click().run()
    again = finish(app).run
    assert not app.warning
    assert again.folder != run.folder
    assert (again.title, again.images, again.draws, again.seed) == ("my list", False, 100, 3)
    assert again.complete
    assert open_run(runs, run.folder.name).done == 1  # the list before is kept
    assert "targets_again" not in [button.key for button in app.button]
