"""The app as a server of its own, and a browser to look at it: for tests, timings, screenshots."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as BrowserTimeoutError

ROOT = Path(__file__).resolve().parents[1]
START_S = 120.0
WAIT_MS = 120_000
"""Longest wait for an element: two busy cores."""

# No request of the browser's own: what it sends is what the pages ask for.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Return the path of Debian's Chromium, None without it."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Served:
    """A running app.

    Attributes
    ----------
    address : str
    log : Path
        What the server wrote.
    pid : int
    """

    address: str
    log: Path
    pid: int

    def is_own(self, url: str) -> bool:
        """Return whether a request stays on this server."""
        own = (self.address, self.address.replace("http", "ws"), "data:", "blob:")
        return url.startswith(own)


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def checkout(port: int) -> list[str]:
    """Return the command that serves the app of this checkout."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    return [*command, f"--server.port={port}", "--server.headless=true"]


@contextmanager
def served(
    environment: Mapping[str, str] | None = None,
    command: Callable[[int], list[str]] = checkout,
) -> Iterator[Served]:
    """Serve the app as a user would.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Variables beside those of this process.
    command : callable
        Returns the command for a port; it runs in a new folder.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        with log.open("w") as output:
            server = subprocess.Popen(
                command(port), cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            app = Served(f"http://127.0.0.1:{port}", log, server.pid)
            _wait(f"{app.address}/_stcore/health", server, log)
            yield app
        finally:
            server.terminate()
            server.wait(timeout=30)


@contextmanager
def replayed(data: Path | None = None) -> Iterator[dict[str, str]]:
    """Serve recorded answers of the sky services; yields the variables that point there."""
    command = [sys.executable, str(ROOT / "tests" / "sky" / "replay.py"), "--small"]
    if data is not None:
        command[-1:] = ["--data", str(data)]
    with tempfile.TemporaryDirectory() as cache:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            variables = {"GALEXPLORER_CACHE": cache, "GALEXPLORER_RUNS": f"{cache}/runs"}
            while "GALEXPLORER_IRSA_URL" not in variables:
                line = server.stdout.readline()
                if not line:
                    raise RuntimeError("the replay server did not start")
                name, _, value = line.removeprefix("export ").strip().partition("=")
                variables[name] = value
            yield variables
        finally:
            server.terminate()
            server.wait(timeout=30)
            if server.stdout is not None:
                server.stdout.close()


def menu(page) -> list[str]:
    """Return the titles of the app's pages, from its menu on a Playwright page."""
    links = page.locator('[data-testid="stTopNavLink"], [data-testid="stSidebarNavLink"]')
    # inner text begins with the name of the icon, on a line of its own
    return [(link.inner_text() or "").strip().split("\n")[-1] for link in links.all()]


def go_to(page, title: str) -> None:
    """Click a page's link in the menu, which a narrow window hides in the sidebar."""
    expand = page.get_by_test_id("stExpandSidebarButton")
    if expand.count():
        expand.click()
        page.wait_for_timeout(600)  # it slides in
    page.get_by_role("link", name=title).first.click(timeout=WAIT_MS)
    collapse = page.get_by_test_id("stSidebarCollapseButton").get_by_role("button")
    if expand.count() == 0 and (page.viewport_size or {"width": 0})["width"] < 700:
        collapse.click()


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urlopen(url, timeout=2) as response:
                if response.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the app did not start: {log.read_text()}")
        time.sleep(0.2)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list, again where the page was still filling and closed it."""
    for _ in range(8):
        page.get_by_role("combobox", name=label).click(timeout=WAIT_MS)
        try:
            page.get_by_role("option", name=option).click(timeout=4000)
        except BrowserTimeoutError:
            page.keyboard.press("Escape")
        else:
            return
    raise LookupError(f"The list {label} never showed {option}.")
