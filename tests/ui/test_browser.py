"""The app in a real browser: an example is clicked, and the corner plot appears."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from galexplorer.schema import TARGET_NAMES
from galexplorer.ui.sources import EXAMPLES_DIR, list_examples

ROOT = Path(__file__).resolve().parents[2]
START_S = 60
WAIT_MS = 120_000  # two busy cores
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium: install Debian's package of that name")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of the app, served as a user would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")),
                f"--server.port={port}",
                "--server.headless=true",
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_S
        while not _is_up(url):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"no answer in {START_S} s: {log.read_text()}"
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
    assert "Traceback" not in log.read_text()


def _is_up(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as response:
            return response.status == 200
    except (URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def visit(chromium, address):
    """A page of the app; console errors and requests to other hosts fail the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    problems = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
            else problems.append(r.url)
        ),
    )
    page.goto(address)
    yield page
    context.close()
    assert not problems


def test_an_example_shows_its_corner_plot(visit, weights_dir):
    examples = list_examples()
    if not examples:
        pytest.skip(f"no examples in {EXAMPLES_DIR}")
    visit.get_by_role("button", name=examples[0].name, exact=True).click(timeout=WAIT_MS)
    corner = visit.locator('img[alt^="Corner plot of the posterior: redshift"]')
    corner.wait_for(timeout=WAIT_MS)
    visit.wait_for_function(
        "image => image.complete && image.naturalWidth > 500", arg=corner.element_handle()
    )
    visit.get_by_role("combobox", name="What").click(timeout=WAIT_MS)
    visit.get_by_role("option", name="Summary").click(timeout=WAIT_MS)
    visit.get_by_role("radio", name="LaTeX table row").wait_for(timeout=WAIT_MS)
    with visit.expect_download(timeout=WAIT_MS) as waiting:
        visit.get_by_role("button", name="Download", exact=True).click(timeout=WAIT_MS)
    summary = json.loads(Path(waiting.value.path()).read_text())
    assert set(summary["posterior"]) == set(TARGET_NAMES)
    images = visit.locator("[data-testid=stMain] img")
    assert all(image.get_attribute("alt") for image in images.all())


def test_a_bad_file_gives_a_sentence(visit, bad_files):
    name, content = bad_files["text"]
    visit.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/fits", "buffer": content}, timeout=WAIT_MS
    )
    alert = visit.locator("[data-testid=stAlert]")
    alert.wait_for(timeout=WAIT_MS)
    assert name in alert.inner_text()
