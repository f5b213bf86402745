"""Lists of targets: the job beside the pages, and the page."""

import io
import time
from threading import Event

import numpy as np
import pytest
from astropy.table import Table
from streamlit.testing.v1 import AppTest

from galexplorer.query.target_list import Target
from galexplorer.runs.target_run import Outcome
from galexplorer.ui.pages.targets import filter_frame, results_frame
from galexplorer.ui.session.jobs import Job, JobHandle

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


def targets(number):
    return [Target(f"galaxy {k}", f"galaxy {k}") for k in range(number)]


def test_a_job_does_every_target_in_order():
    job = Job(targets(300), lambda target, tell: Outcome(target))
    assert not job.running
    job.start()
    wait(lambda: not job.running)
    assert [o.target for o in job.outcomes] == list(job.targets)
    assert not job.cancelled


def test_a_bug_in_one_target_stops_no_other(caplog):
    def run(target, tell):
        if target.label == "galaxy 1":
            raise ZeroDivisionError
        return Outcome(target)

    job = Job(targets(4), run)
    job.start()
    wait(lambda: not job.running)
    assert [bool(o.problem) for o in job.finished] == [False, True, False, False]
    assert "unexpected error (ZeroDivisionError)" in job.outcomes[1].problem
    assert "galaxy 1 failed unexpectedly" in caplog.text


def test_cancel_keeps_what_is_done_and_can_be_undone():
    reached, go = Event(), Event()

    def run(target, tell):
        if target.label == "galaxy 2" and not go.is_set():
            reached.set()
            go.wait(30)
            tell("the next step")  # where a cancelled target ends
        return Outcome(target)

    job = Job(targets(5), run)
    job.start()
    assert reached.wait(30)
    assert job.words.startswith("galaxy 2")
    job.cancel()
    go.set()
    wait(lambda: not job.running)
    assert job.done == 2
    job.start()
    wait(lambda: not job.running)
    assert job.done == 5


def test_two_lists_take_turns():
    order = []

    def run(target, tell):
        order.append(target.label)
        time.sleep(0.01)
        return Outcome(target)

    long = Job([Target(f"long {k}", "") for k in range(40)], run)
    short = Job([Target(f"short {k}", "") for k in range(3)], run)
    long.start()
    short.start()
    wait(lambda: not (long.running or short.running))
    assert order.index("short 2") < order.index("long 20")


def test_a_forgotten_session_ends_its_job():
    started = Event()

    def run(target, tell):
        started.set()
        time.sleep(0.01)
        return Outcome(target)

    handle = JobHandle(Job(targets(2000), run))
    job = handle.job
    job.start()
    assert started.wait(30)
    del handle
    wait(lambda: not job.running)
    assert job.cancelled
    assert job.done < 2000


# --- the page ---------------------------------------------------------------------------------


@pytest.fixture
def app() -> AppTest:
    at = AppTest.from_string(
        "from galexplorer.ui.pages import targets; targets.page()", default_timeout=120
    )
    at.run()
    assert not at.exception
    return at


def finish(at):
    wait(lambda: not at.session_state["targets_held"].job.running, 120)
    at.run()
    assert not at.exception
    return at.session_state["targets_held"].job


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
    give(app, "\n".join(f"NGC {k}" for k in range(501)).encode(), "long.txt")
    assert "501 targets, but at most 500 are allowed" in app.error[0].value


def test_magnitudes_need_no_network(app, weights_dir, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("galexplorer.runs.target_run.fetch_target", refuse)
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
    assert any("4 of 4 done, 1 failed" in m.value for m in app.markdown)
    assert job.outcomes[0].result.view is None


def test_filter_and_state(app, weights_dir):
    give(app, CSV.replace(b"C,,,,,,\n", b""))
    app.button(key="targets_run").click().run()
    finish(app)
    app.button_group(key="targets_state").set_value("Failed").run()
    assert app.dataframe[0].value.empty
    app.button_group(key="targets_state").set_value("All").run()
    app.text_input(key="targets_filter").set_value("held").run()
    assert list(app.dataframe[0].value["Target"]) == ["B"]


def test_the_same_galaxy_has_the_same_posterior_as_alone(app, weights_dir):
    from galexplorer.inference.observe import observe
    from galexplorer.records.photometry import Photometry
    from galexplorer.ui.session.state import load_engine

    give(app, CSV.splitlines()[0] + b"\n" + CSV.splitlines()[1] + b"\n")
    app.button(key="targets_run").click().run()
    outcome = finish(app).outcomes[0]
    magnitudes = dict(zip("ugriz", (18.9, 17.4, 16.8, 16.4, 16.2), strict=True))
    alone = load_engine().infer(observe(None, Photometry("catalogue", magnitudes)), draws=1000)
    # another thread may split the sums differently: the last digit is free
    np.testing.assert_allclose(
        outcome.result.posterior.draws, alone.posterior.draws, rtol=1e-5, atol=1e-6
    )


def test_frames_filter_by_words_and_state():
    job = Job(targets(3), lambda target, tell: Outcome(target, problem=f"No {target.label}."))
    assert list(results_frame(job)["State"]) == ["Waiting"] * 3
    job.start()
    wait(lambda: not job.running)
    frame = results_frame(job)
    assert list(frame["State"]) == ["Failed"] * 3
    assert list(filter_frame(frame, "NO GALAXY 1", "All").index) == [1]
    assert filter_frame(frame, "(", "All").empty  # words, not a pattern
    assert filter_frame(frame, "", "Done").empty


def test_the_table_goes_home(app, weights_dir):
    from galexplorer.export.target_tables import summary_bytes

    give(app, CSV.replace(b"C,,,,,,\n", b""))
    app.button(key="targets_run").click().run()
    job = finish(app)
    assert [button.label for button in app.get("download_button")] == ["Download"]
    table = Table.read(
        io.BytesIO(summary_bytes(job.finished, "csv")), format="ascii.csv", comment="#"
    )
    assert list(table["target"]) == ["A", "B", "D"]
