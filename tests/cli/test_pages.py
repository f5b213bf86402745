"""Pages of many galaxies: one file each, whole, of the draws that the table is made of."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.api.engine import Engine, load
from galexplorer.cli import main
from galexplorer.commands import figures
from galexplorer.commands.figures import PageFolder
from galexplorer.commands.sky import name_file
from galexplorer.errors import OptionError
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.schema import BPT_CLASSES, TARGET_NAMES
from galexplorer.science.summary import not_measurable

TABLE = """id,u,g,r,i,z,redshift,redshift_min,redshift_max
twin,19.1,17.6,17.0,16.7,16.5,,,
twin,18.9,17.4,16.6,16.2,16.0,,,
none,,,,,,,,
a/../b c,19.1,17.6,17.0,16.7,16.5,0.07,,
narrow,19.1,17.6,17.0,16.7,16.5,,0.04,0.05
"""
NAMES = ["a_.._b_c", "narrow", "twin", "twin-2"]


@pytest.fixture(scope="module")
def engine(weights_dir) -> Engine:
    return load(weights_dir, "cpu")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.slow
def test_a_catalogue_has_a_page_for_each_row_that_did_not_fail(weights_dir, table, tmp_path, capfd):
    folder = tmp_path / "new" / "pages"
    given = ("infer", "--catalog", table, "--out", tmp_path / "o.ecsv", "--draws", 200)
    assert run(*given, "--figures", folder, "--workers", 2) == 0
    assert sorted(path.stem for path in folder.glob("*.pdf")) == NAMES
    assert len(list(folder.iterdir())) == len(NAMES)
    told = capfd.readouterr().err
    assert f"4 pages in {folder}; 1 of 5 galaxies failed and have none." in told
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    rows = Table.read(tmp_path / "o.ecsv", format="ascii.ecsv")
    for stem, row in zip(NAMES, (3, 4, 0, 1), strict=True):
        (page,) = pypdf.PdfReader(folder / f"{stem}.pdf").pages
        words = " ".join(page.extract_text().split())
        assert str(rows["id"][row]) in words
        low, high = (rows[f"log_stellar_mass_{q}"][row] for q in ("p16", "p84"))
        assert f"{low:.2f} to {high:.2f}" in words
        assert ("fixed" in words) == (row == 3)


def test_a_row_is_handed_over_with_the_draws_of_its_columns(engine, table):
    found: dict[int, Result] = {}
    out = engine.infer_table(
        table, draws=300, seed=5, each=lambda row, result: found.setdefault(row, result)
    )
    assert sorted(found) == [0, 1, 3, 4]
    for row, result in found.items():
        summary = result.posterior.summary()
        for name in TARGET_NAMES:
            hidden = bool(not_measurable(result, name))
            for statistic, value in summary[name].items():
                column = out[f"{name}_{statistic}"]
                shown = float(getattr(column, "value", column)[row])
                assert np.isnan(shown) if hidden else shown == np.float32(value)
        for name in BPT_CLASSES:
            assert result.bpt[name] == pytest.approx(out[name][row], abs=1e-6)
        assert result.name == out["id"][row]
        assert result.provenance["seed"] == 5
        assert len(result.posterior.draws) == 300
    assert found[3].posterior.fixed == ("redshift",)
    assert found[3].provenance["redshift_fixed"] == 0.07
    assert found[4].provenance["redshift_range"] == pytest.approx([0.04, 0.05])
    alone = engine.infer(
        magnitudes={"u": 19.1, "g": 17.6, "r": 17.0, "i": 16.7, "z": 16.5}, draws=300, seed=5
    )
    np.testing.assert_allclose(found[0].posterior.draws, alone.posterior.draws, atol=2e-3)


@pytest.mark.parametrize("format", ["png", "svg"])
@pytest.mark.slow
def test_a_list_has_pages_too(weights_dir, tmp_path, capfd, format):
    listed = tmp_path / "list.csv"
    listed.write_text("name,u,g,r,i,z\nA,18.9,17.4,16.8,16.4,16.2\n10:99:00 +20:00:00,,,,,\n")
    given = ("targets", listed, "--no-images", "--draws", 100, "--out", tmp_path / "o.csv")
    folder = tmp_path / "pages"
    assert run(*given, "--figures", folder, "--figure-format", format, "--workers", 1) == 0
    assert [path.name for path in folder.iterdir()] == [f"A.{format}"]
    assert "1 page in" in (told := capfd.readouterr().err)
    assert "1 of 2 galaxies failed and have none" in told


def test_one_galaxy_has_its_page(weights_dir, tmp_path, capfd):
    magnitudes = ("--mag-g", 17.6, "--mag-r", 17.0)
    assert run("infer", *magnitudes, "--draws", 100, "--figures", tmp_path, "--workers", 1) == 0
    assert (tmp_path / "galaxy.pdf").read_bytes().startswith(b"%PDF")
    assert "1 page in" in capfd.readouterr().err


@pytest.mark.slow
def test_what_goes_wrong_in_a_worker_is_said_and_leaves_no_part_of_a_file(engine, tmp_path):
    result = engine.infer(magnitudes={"r": 17.0}, draws=100)
    blank = replace(result, posterior=Posterior(np.full((100, 9), np.nan, np.float32)))
    (tmp_path / "taken.pdf").mkdir()
    with pytest.raises(OptionError, match="Cannot write"), PageFolder(tmp_path, "pdf", 1) as pages:
        pages.add(result, "taken")
    with pytest.raises(ValueError, match="fixed"), PageFolder(tmp_path, "pdf", 1) as pages:
        pages.add(blank, "blank")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.pdf"]


@pytest.mark.slow
def test_a_worker_that_the_system_ends_is_an_error(engine, tmp_path, monkeypatch):
    result = engine.infer(magnitudes={"r": 17.0}, draws=100)
    monkeypatch.setattr(figures, "_draw", _end_at_once)
    with (
        pytest.raises(OptionError, match="ended by the system"),
        PageFolder(tmp_path, "pdf", 1) as p,
    ):
        p.add(result, "one")


def _end_at_once(*given: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_few_results_wait_at_a_time(engine, tmp_path):
    """However fast galaxies are inferred: memory must not grow with their number."""
    result = engine.infer(magnitudes={"r": 17.0}, draws=100)
    seen = []
    with PageFolder(tmp_path, "svg", 1, seen.append) as pages:
        for _ in range(8):
            pages.add(result, "same")
            assert len(pages._waiting) <= figures._AHEAD
    assert seen[-1] == 8
    assert len(list(tmp_path.iterdir())) == 8


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGKILL)),
    ],
)
def test_an_interruption_leaves_whole_files_and_no_process(weights_dir, tmp_path, number):
    table, folder = tmp_path / "t.csv", tmp_path / "pages"
    table.write_text("g,r,i\n" + 60 * "17.6,17.0,16.7\n")
    given = ["infer", "--catalog", table, "--out", tmp_path / "o.csv", "--figures", folder]
    command = [sys.executable, "-m", "galexplorer.cli", *map(str, given), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    began = time.monotonic()
    while not (folder.is_dir() and any(folder.glob("*.pdf"))):
        assert time.monotonic() - began < 300
        assert process.poll() is None
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to all of them
    else:
        process.send_signal(number)
    _, told = process.communicate(timeout=120)  # ends once every process has closed the pipe
    pages = list(folder.glob("*.pdf"))
    assert 0 < len(pages) < 60
    assert all(page.read_bytes().rstrip().endswith(b"%%EOF") for page in pages)
    if number == signal.SIGKILL:
        assert not (tmp_path / "o.csv").exists()
        return
    assert process.returncode == 128 + number
    assert f"{len(pages)} pages in " in told
    assert f"interrupted: {len(pages)} of 60 rows are in" in told
    assert "Traceback" not in told
    assert not list(folder.glob(".*"))
    done = np.isfinite(np.ma.filled(Table.read(tmp_path / "o.csv")["redshift_p50"], np.nan))
    assert done.sum() == len(pages)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--figure-format", "png"], "--figure-format belongs to --figures"),
        (["--figures", "file"], "file is a file"),
        (["--figures", "file/below"], "cannot be made"),
        (["--figures", "p", "--figure-format", "gif"], "--figure-format"),
        (["--figures", "p", "--workers", "0"], "--workers"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "t.csv").write_text(TABLE)
    for command in (["infer", "--catalog", "t.csv"], ["targets", "t.csv", "--no-images"]):
        assert run(*command, "--out", "o.csv", *arguments) == 2
        told = capsys.readouterr().err
        assert words in told
        assert told.count("\n") == 1


def test_workers_need_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    for command in (["targets", "t.csv", "--out", "o.csv"], ["infer", "--mag-r", "17"]):
        assert run(*command, "--workers", "2") == 2
        assert "--workers belongs to --figures" in capsys.readouterr().err
    assert run("infer", "--mag-r", "17", "--resume") == 2
    assert "--resume belongs to --catalog" in capsys.readouterr().err


def test_reports_and_pages_of_several_go_to_two_folders(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("infer", "M 1", "M 2", "--out", "d", "--figures", "./d") == 2
    assert "name one folder" in capsys.readouterr().err


def test_names_of_files_are_found_at_once_and_never_twice():
    taken: dict[str, int] = {}
    began = time.process_time()
    names = [name_file("same", taken) for _ in range(50_000)]
    assert time.process_time() - began < 5  # a search from the start would take minutes
    assert names[:3] == ["same", "same-2", "same-3"]
    mixed = [name_file(name, taken) for name in ("x-2", "x", "X", "x", "x-2", "../x", "")]
    assert mixed == ["x-2", "x", "X-3", "x-4", "x-2-2", "x-5", "target"]
    assert len({name.lower() for name in [*names, *mixed]}) == 50_007
