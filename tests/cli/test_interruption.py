"""Ctrl-C and SIGTERM: what is done is written, and the run can go on. The signals are real."""

import gc
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from galexplorer.api import target_run, target_runs
from galexplorer.cli import main
from galexplorer.commands.figures import PageFolder
from galexplorer.commands.interruption import AGAIN_S, Interruption
from galexplorer.query.target_list import read_targets
from galexplorer.runs import catalogue_run
from galexplorer.runs.catalogue_resume import is_interrupted

ROWS = 200
DRAWS = 100

pytestmark = pytest.mark.usefixtures("weights_dir")


def write_input(path, rows: int) -> None:
    r = np.random.default_rng(3).normal(17, 0.5, rows)
    Table({"id": np.arange(rows), "g": r + 0.7, "r": r, "i": r - 0.4}).write(path)


@pytest.fixture
def given(tmp_path):
    """Arguments that infer a table into out.ecsv."""
    write_input(tmp_path / "in.csv", ROWS)
    out = tmp_path / "out.ecsv"
    return ["infer", "--catalog", tmp_path / "in.csv", "--out", out, "--draws", DRAWS]


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def send_at(monkeypatch, where, name: str, call: int, number: int) -> None:
    """Have the process get a signal when a function is called for the n-th time."""
    function, calls = getattr(where, name), []

    def interrupted(*args, **kwargs):
        calls.append(name)
        if len(calls) == call:
            os.kill(os.getpid(), number)
            time.sleep(0.2)  # a signal for the process arrives in its main thread
        return function(*args, **kwargs)

    monkeypatch.setattr(where, name, interrupted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_catalogue_goes_on_where_it_was_interrupted(given, tmp_path, capsys, number):
    out = tmp_path / "out.ecsv"
    assert run(*given) == 0
    whole = out.read_bytes()
    out.unlink()
    before = signal.getsignal(number)
    with pytest.MonkeyPatch.context() as patch:
        send_at(patch, catalogue_run, "observe_row", 100, number)
        assert run(*given, "--workers", 1) == 128 + number
    assert signal.getsignal(number) == before
    told = capsys.readouterr().err
    done = re.search(
        r"error: interrupted: (63|126) of 200 rows are in .*out\.ecsv; "
        r"the same command with --resume infers the others\.\n",
        told,
    )
    assert done, told
    assert "Traceback" not in told
    left = Table.read(out)
    # the batch of that row may be inferred before the signal is seen
    assert list(is_interrupted(left)) == [k >= int(done[1]) for k in range(ROWS)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.ecsv"]
    assert run(*given, "--draws", DRAWS + 1, "--resume") == 2
    assert "other draws" in capsys.readouterr().err
    assert run(*given, "--resume") == 0
    assert out.read_bytes() == whole


@pytest.mark.slow
def test_pages_of_the_rows_that_are_done_are_drawn_once(given, tmp_path, capsys):
    table = Table.read(tmp_path / "in.csv")[:70]
    table["r"][2:67] = np.nan  # rows that are not inferred have no page
    table["g"][2:67], table["i"][2:67] = np.nan, np.nan
    table.write(tmp_path / "in.csv", overwrite=True)
    pages = tmp_path / "pages"
    given += ["--figures", pages, "--figure-format", "svg", "--workers", 1]
    with pytest.MonkeyPatch.context() as patch:
        send_at(patch, PageFolder, "add", 2, signal.SIGINT)
        assert run(*given) == 130
    told = capsys.readouterr().err
    assert "2 pages in" in told
    assert "interrupted: 67 of 70 rows are in" in told
    drawn = {path.name: path.stat().st_mtime_ns for path in pages.iterdir()}
    assert sorted(drawn) == ["0.svg", "1.svg"]
    assert run(*given, "--resume") == 0
    assert "3 pages in" in capsys.readouterr().err
    now = {path.name: path.stat().st_mtime_ns for path in pages.iterdir()}
    assert sorted(now) == ["0.svg", "1.svg", "67.svg", "68.svg", "69.svg"]
    assert {name: now[name] for name in drawn} == drawn


def test_a_complete_catalogue_is_said_to_be(given, tmp_path, capsys):
    (tmp_path / "in.csv").write_text("id,g,r,i\na,17.6,17.0,16.6\n")
    assert run(*given) == 0
    whole = (tmp_path / "out.ecsv").read_bytes()
    assert run(*given, "--resume") == 0
    assert "out.ecsv is complete: nothing is left to infer." in capsys.readouterr().err
    assert (tmp_path / "out.ecsv").read_bytes() == whole


def test_where_nothing_is_done_what_was_there_stays(given, tmp_path, monkeypatch, capsys):
    (tmp_path / "out.ecsv").write_text("of before")
    send_at(monkeypatch, catalogue_run, "observe_row", 3, signal.SIGINT)
    assert run(*given, "--workers", 1) == 130
    assert (tmp_path / "out.ecsv").read_text() == "of before"
    assert "no row was done, and nothing is written." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("suffix", "words"),
    [("csv", "CSV has no place for that"), ("tex", "LaTeX has no place for how its rows")],
)
def test_a_table_that_tells_nothing_cannot_be_gone_on_with(given, tmp_path, capsys, suffix, words):
    given[4] = tmp_path / f"out.{suffix}"
    with pytest.MonkeyPatch.context() as patch:
        send_at(patch, catalogue_run, "observe_row", 100, signal.SIGINT)
        assert run(*given, "--workers", 1) == 130
    assert "only a run whose --out is .parquet, .ecsv" in capsys.readouterr().err
    if suffix == "tex":
        told = given[4].read_text()
        assert told.count("% Flag: not_inferred: interrupted") in (ROWS - 63, ROWS - 126)
        assert told.count(r" \\") == ROWS + 1 + told.count(r"% Galaxy & ")
    assert run(*given, "--resume") == 2
    assert words in capsys.readouterr().err


def test_targets_that_are_done_are_written(tmp_path, capsys, monkeypatch):
    listed = tmp_path / "list.csv"
    listed.write_text("name,g,r\n" + "".join(f"t{k},17.6,17.0\n" for k in range(6)))
    out, draws = tmp_path / "out.ecsv", tmp_path / "draws.parquet"
    given = ["targets", listed, "--no-images", "--draws", DRAWS, "--out", out]
    with monkeypatch.context() as patch:
        send_at(patch, target_run, "infer_target", 3, signal.SIGINT)
        assert run(*given, "--posterior", draws) == 130
    told = capsys.readouterr().err
    assert "error: interrupted: 2 of 6 targets are in" in told
    assert "Traceback" not in told
    table = Table.read(out)
    assert list(np.ma.filled(table["problem"], "")) == ["", "", *4 * ["interrupted"]]
    assert np.isfinite(table["redshift_p50"][:2]).all()
    assert pq.read_table(draws).num_rows == 2 * DRAWS
    assert run(*given, "--seed", 1, "--resume") == 2
    assert "out.ecsv was begun with other --seed" in capsys.readouterr().err
    text = listed.read_text()
    listed.write_text(text.replace("17.6", "17.7"))
    assert run(*given, "--resume") == 2
    assert "out.ecsv was begun with other targets: give" in capsys.readouterr().err
    listed.write_text(text)
    assert run(*given, "--detected", "halpha", "--redshift-prior", "0.1,0.02", "--resume") == 2
    assert "with other --redshift-prior and --detected: give" in capsys.readouterr().err
    assert run(*given, "--posterior", draws, "--resume") == 0
    told = capsys.readouterr().err
    assert "3 of 6: t2: done" in told
    assert "2 of 6" not in told
    whole = Table.read(out)
    assert not np.ma.filled(whole["problem"], "").astype(bool).any()
    np.testing.assert_array_equal(whole["redshift_p50"][:2], table["redshift_p50"][:2])
    assert len(set(whole["redshift_p50"])) == 1  # six times the same galaxy
    assert pq.read_table(draws).num_rows == 6 * DRAWS
    assert not (tmp_path / ".out.ecsv.run").exists()
    assert run(*given, "--resume") == 0
    assert "nothing is left to try" in capsys.readouterr().err
    listed.write_text(listed.read_text() + "t6,17.6,17.0\n")
    assert run(*given, "--seed", 1, "--resume") == 2
    assert "out.ecsv was begun with other targets and --seed: give" in capsys.readouterr().err


def test_a_list_that_is_at_work_is_not_begun_anew(tmp_path, capsys):
    listed = tmp_path / "list.csv"
    listed.write_text("name,g,r\nt,17.6,17.0\n")
    begun = target_runs.begin_run(tmp_path / ".out.csv.run", read_targets(listed), "list.csv")
    given = ["targets", listed, "--no-images", "--draws", DRAWS, "--out", tmp_path / "out.csv"]
    with begun.claimed():
        assert run(*given) == 2
    assert "list.csv is at work: stop it first" in capsys.readouterr().err
    assert len(begun.targets()) == 1
    assert run(*given) == 0


def start(*arguments: object, code: str = "") -> subprocess.Popen[str]:
    main = f"import sys; from galexplorer.cli import main\n{code}\nsys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", main, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_a_log_says_how_far_a_run_is_until_it_is_interrupted(tmp_path):
    write_input(tmp_path / "in.csv", 30_000)
    out = tmp_path / "out.parquet"
    process = start("infer", "--catalog", tmp_path / "in.csv", "--out", out, "--draws", 500)
    told = ""
    while " of 30,000 galaxies, " not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    assert re.search(r"^galexplorer: [\d,]+ of 30,000 galaxies, [\d.,]+ per \w+, about ", line)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, rest = process.communicate(timeout=120)
    assert process.returncode == 130
    assert re.fullmatch(
        r"galexplorer: stopping; what is done is written\. .*\n"
        r"galexplorer: error: interrupted: [\d,]+ of 30,000 rows are in .*\n",
        rest,
    )
    done = np.isfinite(Table.read(out)["redshift_p50"])
    assert 0 < done.sum() < 30_000


def test_what_a_library_drops_is_raised_again():
    """Python drops what is raised while garbage is collected, which a signal may interrupt."""
    before = signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)
    sent = []

    def collected(phase, info):
        if not sent:
            sent.append(phase)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)  # the handler raises here, in vain

    with Interruption() as interruption:
        gc.callbacks.append(collected)
        try:
            with pytest.raises(KeyboardInterrupt), interruption.at_once():  # noqa: PT012
                gc.collect()
                time.sleep(30)
        finally:
            gc.callbacks.remove(collected)
        assert interruption()
        with pytest.raises(KeyboardInterrupt), interruption.at_once():
            pytest.fail("a wish to stop that came before was not heard")
        time.sleep(1.2 * AGAIN_S)  # outside nothing is raised
    assert (signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)) == before


def test_a_second_signal_ends_at_once(given, tmp_path):
    slow = (
        "import time; from galexplorer.runs import catalogue_run as c; own = c.observe_row\n"
        "def wait(catalogue, k, images):\n"
        "    if k == 100: print('waiting', file=sys.stderr, flush=True); time.sleep(60)\n"
        "    return own(catalogue, k, images)\n"
        "c.observe_row = wait"
    )
    process = start(*given, "--workers", 1, code=slow)
    told = ""
    while "waiting" not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert not (tmp_path / "out.ecsv").exists()
