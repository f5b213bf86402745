"""A survey that is cut short, by whatever, goes on: every row exactly once, no torn file."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

pytest.importorskip("lsdb", reason="needs lsdb: pip install -r requirements-survey.txt")

from galexplorer.catalogue import read_catalogue
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.survey.cluster import open_client
from galexplorer.survey.output import data_files, tidy_progress

pytestmark = pytest.mark.filterwarnings("ignore")  # those of lsdb and Dask

ROWS = 1500
MANY = 100_000
OPTIONS = ("--partition-rows", 100, "--workers", 2)


@pytest.fixture(scope="module")
def table(make_galaxies, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("long") / "galaxies.fits"
    make_galaxies(ROWS, seed=11).write(path)
    return path


@pytest.fixture(scope="module")
def medians(engine, table) -> np.ndarray:
    return np.asarray(infer_catalogue(engine, read_catalogue(table), draws=100)["redshift_p50"])


def assert_whole(out: Path, medians: np.ndarray, rows: int = ROWS) -> None:
    """Check that every row is there once, and that those which were inferred alone are the same."""
    assert not list(out.rglob("*.part"))
    columns = ["row", "redshift_p50"]
    found = pa.concat_tables([pq.ParquetFile(file).read(columns) for file in data_files(out)])
    found = found.sort_by("row")
    np.testing.assert_array_equal(found["row"].to_numpy(), np.arange(rows))
    every = rows // len(medians)
    some = found["redshift_p50"].to_numpy()[::every][: len(medians)]
    np.testing.assert_array_equal(some, medians)
    assert not (out / ".survey").exists()
    assert not (out / "done").exists()


def marks(out: Path) -> int:
    return len(list((out / "done").glob("*_done")))


def wait_for(condition, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def children(pid: int) -> list[int]:
    """Return the processes below one, that of resources, which Python starts, left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"spawn_main" in words:
            found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_a_command_that_is_killed_goes_on(survey, table, medians, tmp_path):
    out = tmp_path / "out"
    for done in (0, 4, 9, 14):  # partitions, when it dies
        process = survey.start(table, "--out", out, *OPTIONS, "--resume")
        begun = (out / ".survey").exists if done == 0 else lambda done=done: marks(out) >= done
        assert wait_for(lambda begun=begun, process=process: begun() or process.poll() is not None)
        if done == 0:
            time.sleep(1.5)  # while the input is read
        process.kill()
        process.wait()
        process.stderr.close()
    assert marks(out) > 0
    last = survey.run(table, "--out", out, *OPTIONS, "--resume")
    assert last.returncode == 0, last.stderr
    assert_whole(out, medians)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_workers_that_are_killed_are_replaced(survey, table, medians, tmp_path):
    out = tmp_path / "out"
    process = survey.start(table, "--out", out, *OPTIONS)
    for done in (2, 8, 13):
        assert wait_for(lambda done=done: marks(out) >= done or process.poll() is not None)
        if process.poll() is None and (own := children(process.pid)):
            os.kill(own[done % len(own)], signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert_whole(out, medians)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_ten_random_kills_lose_and_double_no_row(survey, engine, make_galaxies, tmp_path):
    """The command or one of its workers, at any moment: whatever it was doing then.

    Some four minutes on two cores; of the rows a hundredth is inferred apart.
    """
    table, out = make_galaxies(MANY, seed=12), tmp_path / "out"
    table.write(tmp_path / "galaxies.parquet")
    some = read_catalogue(table[:: MANY // 1000])
    medians = np.asarray(infer_catalogue(engine, some, draws=100)["redshift_p50"])
    words = (tmp_path / "galaxies.parquet", "--out", out, "--partition-rows", 2000, "--workers", 2)
    random, killed, ended = np.random.default_rng(20), 0, 0
    process = survey.start(*words, "--resume")
    while killed < 10:
        time.sleep(random.uniform(0.2, 20))
        own = children(process.pid)
        if process.poll() is None and own and random.random() < 0.5:
            os.kill(own[random.integers(len(own))], signal.SIGKILL)
        else:
            ended += process.poll() is None
            process.kill()
            process.communicate()
            process = survey.start(*words, "--resume")
        killed += 1
    assert ended > 1  # in the midst of its work
    _, said = process.communicate(timeout=900)
    assert process.returncode == 0, said
    assert_whole(out, medians, MANY)


@pytest.mark.slow
def test_a_scheduler_that_is_killed_ends_the_command(survey, table, medians, tmp_path):
    out, port = tmp_path / "out", _free_port()
    for died in (True, False):
        scheduler, worker = _start_cluster(port, tmp_path)
        try:
            words = (table, "--out", out, "--partition-rows", 100, "--resume")
            process = survey.start(*words, "--scheduler", f"tcp://127.0.0.1:{port}")
            if died:
                assert wait_for(lambda process=process: marks(out) >= 3 or process.poll())
                scheduler.kill()
            _, said = process.communicate(timeout=300)
        finally:
            for one in (worker, scheduler):
                one.kill()
                one.wait()
        assert process.returncode == (2 if died else 0), said
        if died:
            assert "--resume" in said
            assert "Traceback" not in said, said
    assert_whole(out, medians)


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


def _start_cluster(port: int, folder: Path) -> list[subprocess.Popen]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    dask = [sys.executable, "-m", "dask"]
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", *local, "--port", str(port)], **quiet)
    address = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "20"]
    worker = subprocess.Popen([*dask, "worker", f"tcp://127.0.0.1:{port}", *address], **quiet)
    return [scheduler, worker]


@pytest.mark.slow
def test_a_worker_that_holds_much_goes_on(tmp_path):
    # Dask would pause it, and with nothing to give back it would stay so
    def hold() -> int:
        held = b"x" * 1_180_000_000
        sys.held = held  # type: ignore[attr-defined]
        time.sleep(2)  # Dask looks twice a second
        return len(held)

    with open_client(None, 1, tmp_path) as client:
        assert client.submit(hold).result(timeout=60) == 1_180_000_000
        assert client.submit(len, "next").result(timeout=30) == 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_is_one_error_and_goes_on(survey, table, medians, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", disk]).returncode:
        pytest.skip("this system mounts no tmpfs")
    try:
        done = survey.run(table, "--out", disk / "out", *OPTIONS)
        assert done.returncode == 2
        assert "the disk is full" in done.stderr
        assert sum("error" in line for line in done.stderr.splitlines()) == 1
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        again = survey.run(table, "--out", disk / "out", *OPTIONS, "--resume")
        assert again.returncode == 0, again.stderr
        assert_whole(disk / "out", medians)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(survey, table, medians, tmp_path):
    out = tmp_path / "out"
    process = survey.start(table, "--out", out, *OPTIONS)
    assert wait_for(lambda: marks(out) >= 3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "--resume infers the others" in said
    assert "Traceback" not in said
    with FileLock(out / ".survey" / "lock"):  # two at once are refused
        second = survey.run(table, "--out", out, *OPTIONS, "--resume")
    assert second.returncode == 2
    assert "another survey is at work" in second.stderr
    done = survey.run(table, "--out", out, *OPTIONS, "--resume")
    assert done.returncode == 0, done.stderr
    assert_whole(out, medians)


@pytest.mark.slow
@pytest.mark.parametrize("made", [False, True], ids=["new folder", "empty folder"])
def test_ctrl_c_while_the_input_is_read_leaves_nothing(survey, make_galaxies, tmp_path, made):
    make_galaxies(MANY, seed=12).write(tmp_path / "galaxies.csv")
    out = tmp_path / "out"
    if made:
        out.mkdir()
    for more in ((), ("--resume",)):  # a new start and one that goes on are both accepted
        given = (tmp_path / "galaxies.csv", "--out", out, "--workers", 1, *more)
        process = subprocess.Popen(
            survey.command(*given), stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert wait_for((out / ".survey" / "parts").is_dir)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        begin = time.monotonic()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert time.monotonic() - begin < 10
        assert said.endswith("error: interrupted: no row was done, and nothing is written.\n")
        assert "Traceback" not in said
        assert out.exists() == made
        assert not made or not list(out.iterdir())


def test_marks_without_their_partition_are_removed(surveyed, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(surveyed[0], out)
    (out / "done").mkdir()
    (out / "hists").mkdir()
    file = data_files(out)[0]
    order = int(file.parent.parent.name.removeprefix("Norder="))
    number = int(file.stem.removeprefix("Npix="))

    def mark(pixel: str, histogram: bytes | None) -> None:
        (out / "done" / f"{pixel}_done").touch()
        if histogram is not None:
            (out / "hists" / f"{pixel}_histogram.npz").write_bytes(histogram)

    np.savez(tmp_path / "whole.npz", a=np.arange(3))
    whole = (tmp_path / "whole.npz").read_bytes()
    mark(f"{order}_{number}", whole)
    mark("9_17", whole)  # no such partition
    mark("9_18", None)
    mark("9_19", whole[:20])
    (out / "hists" / "9_20_histogram.npz").write_bytes(whole)
    assert tidy_progress(out) == 1
    assert [path.name for path in (out / "done").iterdir()] == [f"{order}_{number}_done"]
    assert len(list((out / "hists").iterdir())) == 1
    file.write_bytes(file.read_bytes()[:-30])
    assert tidy_progress(out) == 0
