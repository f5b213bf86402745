"""Time the app in a browser: its first page, a result, warm changes of controls, ten sessions.

python benchmarks/app.py [--repeats 9] [--sessions 10] [--busy 0]

With ``--repeats 0`` the sessions alone, with ``--busy 2`` all beside two loops that do nothing.

Times are those that a person sees, taken in the page from the click to the change of the figure.
Beside them stands the time that the server's processor and the page's main thread spent on each
change, which is what an idle machine would need and grows less with the load of a busy one.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
from served import ARGUMENTS, WAIT_MS, Served, chromium, served

SETTLE_MS = 2500
WIDE = {"width": 1440, "height": 1000}
EXAMPLES = ("spiral", "edge_on", "elliptical", "dwarf", "composite", "distant")

# Clicks, and returns the milliseconds until the state that `read` returns has changed.
CLICK = """([button, read]) => new Promise(done => {
  const state = new Function("return " + read);
  const before = state(), begin = performance.now();
  const look = () => {
    const now = state();
    if (now && now !== before) { done(performance.now() - begin); return; }
    if (performance.now() - begin > 60000) { done(NaN); return; }
    setTimeout(look, 4);
  };
  (new Function("return " + button))().click();
  look();
})"""

TABLE = "document.querySelector('[data-testid=stTable]')?.innerText"
CORNER = "document.querySelector('img[alt^=\"Corner plot\"]')?.src"
PICTURE = "document.querySelector('img[alt^=\"Colour image\"]')?.src"
BPT = "document.querySelector('img[alt^=\"BPT diagram\"]')?.src"
NAME = "document.querySelector('.st-key-bar h2')?.innerText"
BEFORE = "document.querySelector('[class*=st-key-history_] button:not([disabled])')"
SEED_UP = "document.querySelector('.st-key-seed [data-testid=stNumberInputStepUp]')"


def choice(words: str) -> str:
    """Return the script that finds a button by its words."""
    return (
        "[...document.querySelectorAll('[data-testid=stMain] button, [data-testid=stMain] "
        f"[role=radio]')].find(b => b.innerText.trim() === '{words}')"
    )


def main() -> None:
    """Print medians, and what ten sessions cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--busy", type=int, default=0, help="Loops beside it.")
    options = parser.parse_args()
    idle = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(idle) for _ in range(options.busy)]
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            begin = time.monotonic()
            with served() as app:
                time_opening(browser, app, begin)
                if options.repeats:
                    time_results(browser, app, max(1, options.repeats // 3))
                    page = browser.new_page(viewport=WIDE)
                    page.goto(f"{app.address}/?example=spiral")
                    settle(page)
                    time_controls(page, app.pid, options.repeats)
                    time_again(page, app.pid, options.repeats)
                    page.close()
                if options.sessions:
                    run_sessions(browser, app, options.sessions)
            browser.close()
    finally:
        for loop in loops:
            loop.kill()


def time_opening(browser: Browser, app: Served, begin: float) -> None:
    """Print how long the first page takes, from the start of the server, and the first result."""
    page = browser.new_page(viewport=WIDE)
    page.goto(app.address)
    page.get_by_role("button", name="Nearby spiral", exact=True).wait_for(timeout=WAIT_MS)
    print(f"first page, from the start of the server: {time.monotonic() - begin:.1f} s", flush=True)
    page.wait_for_timeout(SETTLE_MS)
    time_result(page, "first result, model not loaded before", "Nearby spiral")
    page.close()


def time_results(browser: Browser, app: Served, repeats: int) -> None:
    """Print how long other results take, and those of a page whose processor is slowed."""
    for slower, example in ((1, "Massive elliptical"), (6, "Nearby spiral")):
        for _ in range(repeats):
            page = browser.new_page(viewport=WIDE)
            page.goto(app.address)
            page.get_by_role("button", name=example, exact=True).wait_for(timeout=WAIT_MS)
            page.wait_for_timeout(SETTLE_MS)
            devtools = page.context.new_cdp_session(page)
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
            time_result(page, f"a result, the page's processor 1/{slower} as fast", example)
            page.close()


def time_result(page: Page, what: str, example: str) -> None:
    """Click an example and print when its headline, its corner plot and all else are there."""
    begin = time.monotonic()
    page.get_by_role("button", name=example, exact=True).click()
    page.locator(".st-key-bar").get_by_text("z =").first.wait_for(timeout=WAIT_MS)
    headline = time.monotonic() - begin
    page.locator('img[alt^="Corner plot"]').first.wait_for(timeout=WAIT_MS)
    corner = time.monotonic() - begin
    settle(page)
    whole = time.monotonic() - begin
    print(
        f"{what}: headline {headline:.2f} s, corner plot {corner:.2f} s, all {whole:.2f} s",
        flush=True,
    )


def time_controls(page: Page, pid: int, repeats: int) -> None:
    """Print the median time of each kind of change; 5,000 draws, corner plot of all nine."""
    page.get_by_test_id("stMain").get_by_text("All nine", exact=True).click()
    page.locator('img[alt*="5007 flux"]').first.wait_for(timeout=WAIT_MS)
    page.get_by_test_id("stSidebar").get_by_text("Sampling").click()
    page.wait_for_timeout(SETTLE_MS)
    corner = page.evaluate(CORNER)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    changes = {
        "another interval, until the table": (choice("95%"), choice("68%"), TABLE),
        "another stretch, until the image": (choice("Faint"), choice("SDSS"), PICTURE),
        "another seed (5,000 new draws), until the table": (SEED_UP, SEED_UP, TABLE),
        "another seed, until the corner plot of all nine": (SEED_UP, SEED_UP, CORNER),
        "another seed, until the BPT diagram": (SEED_UP, SEED_UP, BPT),
    }
    for what, (first, second, read) in changes.items():
        time_clicks(page, devtools, pid, what, [first, second] * (repeats // 2 + 1), read)
        if read == PICTURE:
            kept = page.evaluate(CORNER) == corner
            print(f"corner plot left as it was by both: {'yes' if kept else 'NO'}", flush=True)


def time_clicks(
    page: Page, devtools: CDPSession, pid: int, what: str, buttons: list[str], read: str
) -> None:
    """Print the median time from a click to the change of what is read, and what it cost."""
    seconds, spent, drawn = [], [], []
    for button in buttons:
        before, drawn_before = processor_seconds(pid), busy_seconds(devtools)
        seconds.append(page.evaluate(CLICK, [button, read]) / 1e3)
        page.wait_for_timeout(SETTLE_MS)
        spent.append(processor_seconds(pid) - before)
        drawn.append(busy_seconds(devtools) - drawn_before)
    print(
        f"{what}: {np.median(seconds):.2f} s (from {min(seconds):.2f} to {max(seconds):.2f}), "
        f"processor {np.median(spent):.2f} s in the server and {np.median(drawn):.2f} s in the "
        "page's main thread until all is still",
        flush=True,
    )


def time_again(page: Page, pid: int, repeats: int) -> None:
    """Print how long a galaxy of the session takes to be shown again."""
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("button", name="Massive elliptical", exact=True).click()
    page.wait_for_function(f"{NAME} === 'Massive elliptical'", timeout=WAIT_MS)
    settle(page)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    for what, read in (("its name", NAME), ("its corner plot", CORNER), ("its BPT diagram", BPT)):
        time_clicks(
            page, devtools, pid, f"a galaxy again, until {what}", [BEFORE] * (repeats + 1), read
        )


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds(devtools: CDPSession) -> float:
    """Return how long the page's main thread has been at work."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def run_sessions(browser: Browser, app: Served, number: int) -> None:
    """Let sessions ask at once for galaxies with seeds of their own, and look what each got."""
    idle = memory_mb(app.pid, "VmRSS")
    contexts = [browser.new_context() for _ in range(number)]
    pages = [context.new_page() for context in contexts]
    begin = time.monotonic()
    for k, page in enumerate(pages):
        example = EXAMPLES[k % len(EXAMPLES)]
        page.goto(f"{app.address}/?example={example}&seed={100 + k}", wait_until="commit")
    for page in pages:
        settle(page)
    spent = time.monotonic() - begin
    for k, page in enumerate(pages):
        page.get_by_role("tab", name="Notes").click()
        notes = page.get_by_text(re.compile(r"seed \d+, [\d,]+ draws")).first.text_content() or ""
        assert f"seed {100 + k}," in notes, f"session {k} sees {notes}"
        history = page.locator('[class*="st-key-history_"]').count()
        assert history == 1, f"session {k} sees {history} results"
    peak = memory_mb(app.pid, "VmHWM")
    print(
        f"{number} sessions at once: all answered in {spent:.1f} s, each with its own result only; "
        f"server {idle:.0f} MB before, {peak:.0f} MB at its peak"
    )
    for context in contexts:
        context.close()


def settle(page: Page) -> None:
    """Wait until a result is complete."""
    page.locator('img[alt^="Corner plot"]').first.wait_for(timeout=2 * WAIT_MS)
    page.get_by_role("tab", name="Notes").wait_for(timeout=2 * WAIT_MS)


def memory_mb(pid: int, field: str) -> float:
    """Return a field of a process's status in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    main()
