"""The page for lists of targets."""

import io
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table
from streamlit.testing.v1 import AppTest

from galexplorer.api.target_runs import begin_run, list_runs, open_run
from galexplorer.query.target_list import Target, TargetList, read_targets
from galexplorer.records.photometry import Photometry
from galexplorer.runs.target_run import Outcome
from galexplorer.ui.session.jobs import Job
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


def fail(target, tell):
    return Outcome(target, problem=f"No {target.label}.")


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
    at.file_uploader[0].set_value([(name, content, "text/csv")])
    at.run()
    assert not at.exception


def test_the_page_asks_for_a_list(app):
    assert app.header[0].value == "Targets"
    assert not app.error
    assert not app.warning
    app.button(key="targets_run").click().run()  # never disabled: the text may be on its way
    assert "write one on each line" in app.warning[0].value
    assert "targets_job" not in app.session_state


def test_a_bad_list_gives_a_sentence(app):
    give(app, b"colour,shape\nred,round\n")
    app.text_area(key="targets_text").set_value("a\n" * 3).run()
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
    assert list(frame["Target"]) == ["A", "B (z = 0.06 fixed)", "NGC 1", "D"]
    assert list(frame["r"])[:2] == [16.8, 17.7]
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
    assert len(app.dataframe) == 0
    assert any("No target matches" in caption.value for caption in app.caption)
    app.button_group(key="targets_state").set_value("All").run()
    whole = app.dataframe[0].proto.id
    app.text_input(key="targets_filter").set_value("held").run()
    assert list(app.dataframe[0].value["Target"]) == ["B (z = 0.06 fixed)"]
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


def test_a_list_lives_on_after_a_reload(app, runs, weights_dir):
    from galexplorer.export.tables import written_bytes

    give(app, CSV.replace(b"C,,,,,,\n", b""))
    app.button(key="targets_run").click().run()
    job = finish(app)
    labels = [button.label for button in app.get("download_button")]
    assert labels == ["CSV of all 3", "Brief table", "Draws (Parquet)"]
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
    assert list(again.dataframe[0].value["Target"]) == ["A", "B (z = 0.06 fixed)", "D"]
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


def put(runs, *lines, title="my list"):
    """Put a list on disk whose targets all failed."""
    targets = read_targets("\n".join(lines).encode()).targets
    run = begin_run(runs, TargetList(targets), title)
    with run.claimed():
        run.keep([fail(target, None) for target in targets])
    return run


def test_a_shown_list_says_which_it_is_and_the_form_makes_way(app, runs):
    run = put(runs, "NGC 1", "NGC 2, 0.02")
    assert app.session_state["targets_new"] is True
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    assert app.session_state["targets_new"] is False
    assert app.subheader[0].value == "my list"
    assert any(f"Kept list of {run.created[:10]}" in m.value for m in app.markdown)
    app.button(key="targets_edit").click().run()
    assert app.session_state["targets_new"] is True
    assert app.text_area[0].value == "NGC 1\nNGC 2, 0.02"
    # what was edited and not run stays, whatever list is looked at
    app.button(key=f"delete_{run.folder.name}").click().run()
    assert app.session_state["targets_new"] is True
    assert app.text_area[0].value == "NGC 1\nNGC 2, 0.02"
    app.run()
    assert not app.exception


def test_the_form_is_empty_once_its_list_has_begun(app, weights_dir):
    app.text_area[0].set_value("10:99:00 +20:00:00")
    app.button(key="targets_run").click().run()  # one click for text that was just written
    job = finish(app)
    assert [target.label for target in job.targets] == ["10:99:00 +20:00:00"]
    assert app.text_area[0].value == ""
    assert app.session_state["targets_new"] is False


def test_a_list_to_edit_takes_the_place_of_a_file(app, runs, weights_dir):
    """What is run is what was put into the box."""
    run = put(runs, "10:99:00 +20:00:00", "11:99:00 +20:00:00")
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    give(app, CSV)
    app.button(key="targets_edit").click().run()
    app.button(key="targets_run").click().run()
    job = finish(app)
    assert job.run.folder != run.folder
    assert job.targets == run.targets()
    assert app.text_area[0].value == ""


def test_text_beside_a_file_stays_and_the_form_says_which_counts(app, weights_dir):
    app.text_area[0].set_value("NGC 1").run()
    assert not [caption for caption in app.caption if "takes the file" in caption.value]
    give(app, CSV.replace(b"C,,,,,,\n", b""))
    assert len([caption for caption in app.caption if "takes the file" in caption.value]) == 1
    app.button(key="targets_run").click().run()
    assert [target.label for target in finish(app).targets] == ["A", "B", "D"]
    assert app.text_area[0].value == "NGC 1"
    assert not app.file_uploader[0].value


def test_text_that_a_list_to_edit_replaced_is_brought_back(app, runs):
    run = put(runs, "NGC 1")
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    app.text_area[0].set_value("mine, not run").run()
    app.button(key="targets_edit").click().run()
    assert app.text_area[0].value == "NGC 1"
    other = put(runs, "NGC 2")
    app.run()
    app.button(key=f"open_{other.folder.name}").click().run()
    app.button(key="targets_edit").click().run()
    assert app.text_area[0].value == "NGC 2"
    app.button(key="targets_undo").click().run()
    assert app.text_area[0].value == "mine, not run"
    assert "targets_undo" not in [button.key for button in app.button]
    assert not app.exception


def name_field(at, name):
    return next(field for field in at.text_input if str(field.key).startswith(f"name_{name}"))


def test_a_list_that_another_page_renamed_has_its_new_name(app, runs):
    name = put(runs, "NGC 1").folder.name
    app.run()
    app.button(key=f"open_{name}").click().run()
    name_field(app, name).set_value("half written").run()
    open_run(runs, name).rename("Seyferts")
    app.run()
    assert not app.exception
    assert app.subheader[0].value == "Seyferts"
    assert app.button(key=f"open_{name}").label == "Seyferts"
    assert name_field(app, name).value == "Seyferts"


def test_a_list_is_renamed_and_its_name_is_words(app, runs):
    run = put(runs, "NGC 1")
    name = run.folder.name
    app.run()
    app.button(key=f"open_{name}").click().run()
    name_field(app, name).set_value(" *Seyferts*  $of$ mine ")
    app.button(key=f"rename_{name}").click().run()
    assert not app.exception
    assert open_run(runs, name).title == "*Seyferts* $of$ mine"
    assert app.subheader[0].value == r"\*Seyferts\* \$of\$ mine"
    assert app.button(key=f"open_{name}").label == app.subheader[0].value
    name_field(app, name).set_value(" ")
    app.button(key=f"rename_{name}").click().run()
    assert "needs a name" in app.toast[0].value
    assert open_run(runs, name).title == "*Seyferts* $of$ mine"


def test_the_order_is_kept_while_filtering(app, runs):
    run = put(runs, "b 1", "c", "a 1", "b 2")
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    first = app.dataframe[0].proto.id
    app.run()
    assert app.dataframe[0].proto.id == first  # it would lose scrolling and selection
    app.selectbox(key="targets_sort").select("Target").run()
    app.button_group(key="targets_direction").set_value("Descending").run()
    app.text_input(key="targets_filter").set_value("b").run()
    assert list(app.dataframe[0].value["Target"]) == ["b 2", "b 1"]
    assert app.get("download_button")[0].label == "CSV of 2 shown"
    assert not app.exception


def test_an_error_is_told_once(app, runs):
    run = put(runs, "NGC 1", "NGC 2")
    app.run()
    app.button(key=f"open_{run.folder.name}").click().run()
    assert not app.error  # the table has it
    assert not [caption for caption in app.caption if "No NGC" in caption.value]
