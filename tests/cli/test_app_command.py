"""`galexplorer app` starts the explorer, keeps its guards up, and ends when told."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import requests

from galexplorer.cli import main

ROOT = Path(__file__).resolve().parents[2]
START_S = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def explore(tmp_path):
    """Start the explorer from an empty folder; returns the process and its address."""
    started = []

    def explore(*options: str) -> tuple[subprocess.Popen, str]:
        port = free_port()
        command = [sys.executable, "-m", "galexplorer", *options, "app", "--no-browser"]
        process = subprocess.Popen(
            [*command, f"--port={port}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with urlopen(f"{address}/_stcore/health", timeout=5):
                    return process, address
            except (URLError, TimeoutError):
                time.sleep(0.1)
        process.kill()
        raise RuntimeError(f"the explorer did not start: {process.communicate()}")

    yield explore
    for process in started:
        process.kill()
        process.communicate()


def test_it_serves_guards_itself_and_ends(explore):
    process, address = explore()
    assert requests.get(address, timeout=30).status_code == 200
    # what is uploaded needs the token that the page was given, and then a session
    place = f"{address}/_stcore/upload_file/session/file"
    token = requests.get(f"{address}/_stcore/health", timeout=30).cookies["_streamlit_xsrf"]
    answers = [
        requests.put(
            place,
            files={"file": b"pixels"},
            cookies={"_streamlit_xsrf": token},
            headers={"X-Xsrftoken": given},
            timeout=30,
        )
        for given in ("", token)
    ]
    assert [answer.status_code for answer in answers] == [403, 400]
    assert "session" in answers[1].text
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert told.startswith(f"galexplorer: the explorer is at {address}; Ctrl-C stops it.\n")
    assert "Traceback" not in out + told


def test_quiet_is_quiet(explore):
    process, _ = explore("--quiet")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, "")


def test_a_port_in_use_is_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--port", str(port)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"galexplorer: error: port {port} is in use: choose another")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "0"], "--port"),
        (["--port", "65536"], "--port"),
        (["--port", "8501", "--address", "no address"], "no address is no address"),
        # kept for documents (RFC 5737), so that no machine has it
        (["--port", "8501", "--address", "192.0.2.1"], "cannot listen on 192.0.2.1"),
    ],
)
def test_mistakes(capsys, options, words):
    assert main(["app", *options]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_without_a_port_it_takes_one_that_is_free(monkeypatch, capsys):
    from galexplorer.commands import app

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(app, "_FIRST_PORT", port)
        chosen = app._choose_port("127.0.0.1", None)
        assert port < chosen < port + 100
        monkeypatch.setattr(app, "_PORTS_TRIED", 1)
        assert main(["app"]) == 2
    assert f"the ports {port} to {port} are in use" in capsys.readouterr().err
