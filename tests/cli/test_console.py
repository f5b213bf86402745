"""How much is told on stderr: --quiet, nothing said, --verbose once and twice."""

import logging
import os
import pty
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from galexplorer import console
from galexplorer.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "assets" / "examples" / "spiral.fits.gz"
LIST = "name,u,g,r,i,z\nA,18.9,17.4,16.8,16.4,16.2\n10:99:00 +20:00:00,,,,,\n"


@pytest.fixture
def tell(capsys):
    """Say one thing of each kind, return what arrives on stderr."""

    def tell(steps: int) -> list[str]:
        log = logging.getLogger("galexplorer.somewhere")
        with console.verbosity(steps):
            console.tell_failure("failed")
            console.tell("remark")
            log.error("error")
            log.warning("warning")
            log.info("information")
            log.debug("detail")
        return [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]

    return tell


def test_each_step_tells_more(tell):
    assert tell(-1) == ["failed", "error"]
    assert tell(0) == ["failed", "remark", "error", "warning"]
    assert tell(1) == ["failed", "remark", "error", "warning", "information"]
    assert tell(2) == ["failed", "remark", "error", "warning", "information", "detail"]
    assert tell(5) == tell(2)


def test_quiet_holds_for_warnings_of_libraries():
    with console.verbosity(-1):
        warnings.warn("odd", UserWarning, stacklevel=1)
    with console.verbosity(0), pytest.warns(UserWarning, match="odd"):
        warnings.warn("odd", UserWarning, stacklevel=1)


def test_all_is_as_before_afterwards(tell):
    log = logging.getLogger("galexplorer")
    before = (log.level, list(log.handlers), list(warnings.filters))
    tell(-1)
    tell(2)
    assert (log.level, list(log.handlers), list(warnings.filters)) == before


def test_the_log_of_long_commands_is_shown_but_for_quiet():
    log = logging.getLogger("galexplorer.somewhere")
    shown = []
    for steps in (-1, 0, 1, 2):
        with console.verbosity(steps):
            console.show_log()
            shown.append((log.isEnabledFor(logging.INFO), log.isEnabledFor(logging.DEBUG)))
    assert shown == [(False, False), (True, False), (True, False), (True, True)]


@pytest.mark.usefixtures("weights_dir")
def test_the_options_reach_a_command(capsys, tmp_path):
    (tmp_path / "list.csv").write_text(LIST)
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--draws", "100"]
    given += ["--out", str(tmp_path / "out.ecsv")]
    said = []
    for options in (["-q"], [], ["-v"]):
        assert main([*options, *given]) == 0
        said.append(capsys.readouterr().err)
    quiet, usual, verbose = said
    assert quiet.count("\n") == 1
    assert "2 of 2: 10:99:00 +20:00:00: '10:99:00 +20:00:00' has minutes" in quiet
    assert "1 of 2: A: done" in usual
    assert "weights" not in usual
    assert "weights" in verbose


@pytest.mark.usefixtures("weights_dir")
def test_the_log_says_what_was_read(capsys, tmp_path):
    given = ["infer", str(EXAMPLE), "--draws", "100", "--out", str(tmp_path / "a.json")]
    assert main(["-v", *given]) == 0
    once = capsys.readouterr().err
    assert "pixels of 0.396 arcsec" in once
    assert "taken from the header" not in once
    assert main(["-vv", *given]) == 0
    assert "taken from the header" in capsys.readouterr().err


def test_quiet_and_verbose_exclude_each_other(capsys):
    assert main(["-q", "-v", "cache", "list"]) == 2
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-q", "-vv", "--verbose"])
def test_an_option_in_the_wrong_place_is_shown_the_right_one(capsys, option):
    assert main(["infer", option]) == 2
    told = capsys.readouterr().err
    assert "Give it before the command" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(("steps", "shown"), [(-1, False), (0, True)])
def test_progress_needs_a_terminal_and_a_user_who_wants_it(steps, shown):
    code = (
        "from galexplorer import console\n"
        f"with console.verbosity({steps}), console.progress() as bar:\n"
        "    bar.add_task('galaxies', total=1)\n"
    )
    command = [sys.executable, "-c", code]
    piped = subprocess.run(command, capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    outside, inside = pty.openpty()
    with subprocess.Popen(command, stderr=inside, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(inside)
        seen = b""
        try:
            while part := os.read(outside, 4096):
                seen += part
        except OSError:  # the other side was closed: how Linux ends a terminal
            pass
        os.close(outside)
    assert process.returncode == 0
    assert (b"galaxies" in seen) is shown


def test_an_interrupted_command_says_so(tmp_path):
    """Ctrl-C while a named pipe is read, which never fills."""
    pipe = tmp_path / "galaxies.csv"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "galexplorer", "targets", str(pipe), "--out", "a.ecsv"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:  # fmt: skip
        writer = os.open(pipe, os.O_WRONLY)  # returns once the command reads
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
        os.close(writer)
    assert (process.returncode, told) == (130, "galexplorer: error: interrupted.\n")


def test_a_log_gets_lines_at_growing_intervals():
    pace = console.Pace("galaxies", 0, now=0)
    lines = {now: pace.line(200 * now, 100_000, now) for now in range(1, 501)}
    said = {now: line for now, line in lines.items() if line}
    # ten seconds, then twice as late each time, and with each tenth, which takes 50 s
    assert list(said) == [10, 20, 40, *range(50, 501, 50)]
    assert said[10] == "2,000 of 100,000 galaxies, 200 per second, about 8 min left"
    assert said[500] == "100,000 of 100,000 galaxies, 200 per second, done in 8 min"


@pytest.mark.parametrize(
    ("first", "done", "total", "seconds", "line"),
    [
        (0, 9, 20, 12, "9 of 20 targets, 45 per minute, about 15 s left"),
        (0, 1, 20, 1200, "1 of 20 targets, 3.0 per hour, about 6.3 h left"),
        (0, 24, None, 12, "24 targets, 2.0 per second"),
        (50, 60, 100, 10, "60 of 100 targets, 1.0 per second, about 40 s left"),
        (0, 0, 20, 15, "0 of 20 targets"),
    ],
)
def test_a_line_says_rate_and_time(first, done, total, seconds, line):
    assert console.Pace("targets", first, now=100.0).line(done, total, 100.0 + seconds) == line


def test_a_short_run_says_nothing():
    pace = console.Pace("galaxies", 0, now=0)
    assert [pace.line(k, 9, now=k) for k in range(10)] == 10 * [None]


def test_progress_without_a_terminal_is_lines(capsys):
    now = iter(range(0, 10_000, 4))
    bar = console._make_lines(clock=lambda: next(now))
    with console.verbosity(0), bar:
        task = bar.add_task("pages", total=100)
        for done in range(1, 101):
            bar.update(task, completed=done)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("galexplorer: ")
    assert " of 100 pages, " in said[0]
    assert said[-1].startswith("galexplorer: 100 of 100 pages, ")
    assert 5 < len(said) < 25
    with console.verbosity(-1), bar:
        bar.update(bar.add_task("pages", total=1), completed=1)
    assert list(console.track("abc", "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
