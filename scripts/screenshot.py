"""Take the screenshots of the documentation: the app as served, in headless Chromium.

python scripts/screenshot.py [--out docs] [--dark] [--width 1440]
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from galexplorer.ui.sources import list_examples

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
WAIT_MS = 120_000


def main() -> None:
    """Write ``explorer.png``: the result of the first example."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--name", default="explorer.png")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += [f"--server.port={port}", "--server.headless=true"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/_stcore/health")
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            scheme = "dark" if options.dark else "light"
            page = browser.new_page(
                viewport={"width": options.width, "height": 1000}, color_scheme=scheme
            )
            page.goto(address)
            page.get_by_role("button", name=list_examples()[0].name, exact=True).click(
                timeout=WAIT_MS
            )
            page.locator('img[alt^="Corner plot"]').wait_for(timeout=WAIT_MS)
            page.get_by_role("button", name="Summary, JSON").wait_for(timeout=WAIT_MS)
            page.wait_for_timeout(2500)
            # the page scrolls inside an element of its own: a tall window shows all of it
            page.set_viewport_size({"width": options.width, "height": 6000})
            page.wait_for_timeout(2000)
            last = page.get_by_role("button", name="Summary, JSON").bounding_box()
            assert last is not None
            options.out.mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=str(options.out / options.name),
                clip={"x": 0, "y": 0, "width": options.width, "height": last["y"] + 110},
            )
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urlopen(url, timeout=2) as response:
                if response.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            pass
        if time.monotonic() > deadline:
            raise SystemExit("The app did not start.")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
