"""A list of twenty targets in a real browser, three of them bad, against the replayed services."""

import importlib.util
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
from astropy.table import Table

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 240_000  # two busy cores
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

GOOD_NAMES = ("haro 25", "dwarf", "lonely", "seam", "edge")
POSITIONS = (
    *((162.18416, 26.05369), (162.181, 26.0333), (162.30, 25.80)),
    *((162.20186, 26.05125), (162.1036, 26.0556)),
)
BAD = {
    "no such galaxy": "No object is known by the name",
    "far": "has redshift 0.410",
    "10:99:00 +20:00:00": "minutes or seconds of 60 or more",
}


def the_list(objid: int) -> list[str]:
    names = [*GOOD_NAMES[:2], *list(BAD)[:2], *GOOD_NAMES[2:], list(BAD)[2]]
    places = [f"{ra} {dec:+}" for ra, dec in POSITIONS]
    fixed = [f"{ra}, {dec}, 0.03" for ra, dec in POSITIONS]
    return [*names, *places, *fixed, str(objid), "162.1811 +26.0334"]


@pytest.fixture(scope="module")
def replay():
    spec = importlib.util.spec_from_file_location("ui_replay", ROOT / "tests/sky/replay.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ui_replay"] = module
    spec.loader.exec_module(module)
    servers = module.Replay(small=True)
    servers.haro25 = module.HARO25_OBJID
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def address(replay, tmp_path_factory):
    """Address of the app, which asks the replayed services and no others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    environment = {
        **os.environ,
        **replay.environment(),
        "PYTHONPATH": str(ROOT),
        "GALEXPLORER_CACHE": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += [f"--server.port={port}", "--server.headless=true"]
    log = folder / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while not _is_up(url):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert "Traceback" not in log.read_text()


def _is_up(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as response:
            return response.status == 200
    except (URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def page(address):
    """The page of targets; console errors and requests to other hosts fail the test."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium: install Debian's package of that name")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    problems = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        own = (address, address.replace("http", "ws"), "data:", "blob:")
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: None if r.url.startswith(own) else problems.append(r.url))
        page.goto(address)
        page.get_by_role("link", name="Targets").click(timeout=WAIT_MS)
        yield page
        browser.close()
    assert not problems


def give(page, lines: list[str]) -> None:
    field = page.get_by_role("textbox", name="One target a line")
    field.fill("\n".join(lines), timeout=WAIT_MS)
    field.press("Control+Enter")
    page.get_by_role("button", name=f"Run {len(lines)} targets").click(timeout=WAIT_MS)


def mark_row(page, row: int) -> None:
    # The table is a canvas: rows are 35 pixels high under a head of that height.
    box = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 35 * (row + 1) + 17)


def test_twenty_targets_three_of_them_bad(page, replay, weights_dir, tmp_path):
    lines = the_list(replay.haro25)
    assert len(lines) == 20
    give(page, lines)
    page.get_by_text("20 of 20 done, 3 failed").wait_for(timeout=WAIT_MS)

    with page.expect_download(timeout=WAIT_MS) as waiting:
        page.get_by_role("button", name="Download", exact=True).click(timeout=WAIT_MS)
    waiting.value.save_as(tmp_path / "targets.ecsv")
    table = Table.read(tmp_path / "targets.ecsv", format="ascii.ecsv")
    assert len(table) == 20
    failed = {row["target"]: row["problem"] for row in table if row["problem"]}
    assert set(failed) == set(BAD)
    for target, words in BAD.items():
        assert words in failed[target]
    assert (table["redshift_fixed"] == 0.03).sum() == 5

    mark_row(page, lines.index("far"))
    alert = page.get_by_test_id("stAlert")
    alert.wait_for(timeout=WAIT_MS)
    assert BAD["far"] in alert.inner_text()

    mark_row(page, lines.index("lonely"))
    page.get_by_role("button", name="Explore lonely").click(timeout=WAIT_MS)
    page.locator("h2", has_text="at z =").wait_for(timeout=WAIT_MS)
    assert page.url.endswith("/?target=lonely")

    # Back to the list: it is still there.
    page.go_back()
    page.get_by_text("20 of 20 done, 3 failed").wait_for(timeout=WAIT_MS)


def test_cancel_keeps_what_is_done_and_goes_on(page, replay, weights_dir):
    replay.faults["skyserver"] = "silence"  # each target now takes seconds
    try:
        # A little beside the galaxies of the other test, whose answers are kept.
        near = [f"{ra + 1e-4:.5f} {dec:+.5f}" for ra, dec in POSITIONS[:4]]
        give(page, ["10:99:00 +20:00:00", *near])
        page.get_by_text("1 of 5 done, 1 failed").wait_for(timeout=WAIT_MS)
        page.get_by_role("button", name="Cancel").click(timeout=WAIT_MS)
        page.get_by_text("Cancelled: ").wait_for(timeout=WAIT_MS)
    finally:
        replay.faults.clear()
    page.get_by_role("button", name="Go on").click(timeout=WAIT_MS)
    page.get_by_text("5 of 5 done").wait_for(timeout=WAIT_MS)
