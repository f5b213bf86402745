"""Take the screenshots of the documentation: every page as served, in headless Chromium.

python scripts/screenshot.py [--out docs/images] [--looks light dark] [--width 1440 390]
    [--only explore]

Every page is taken at both widths, in light and in dark: ``explore.png``, ``explore-dark.png``,
``explore-narrow.png``, ``explore-dark-narrow.png``. ``overview.png`` and ``overview-dark.png`` are
the upper part of the first of them.
"""

import argparse
import io
import itertools
from pathlib import Path

from PIL import Image, ImageColor
from playwright.sync_api import Page, sync_playwright
from served import ARGUMENTS, ROOT, WAIT_MS, chromium, go_to, menu, replayed, served

from galexplorer.figures.palette import CLASS_COLOURS, DARK, LIGHT, OVERLAY, SERIES, TRUTH

LOOKS = ("light", "dark")
LIST = "Haro 25\n162.181 +26.0333, 0.0257\nno such galaxy\n162.30 +25.80"
TALL_PX = 12000
SETTLE_MS = 2500
OVERVIEW_PX = 1405
"""Height of the upper part of the page of a galaxy, down to the end of its corner plot."""
COLOURS = 128
"""Of a picture's palette, beside those of `LINES`: the files stay small."""

LINES = [
    level
    for colour in (LIGHT.accent, DARK.accent, TRUTH, OVERLAY, *SERIES, *CLASS_COLOURS.values())
    for level in ImageColor.getrgb(colour)
]


def main() -> None:
    """Write a picture of each page, look and width."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--looks", nargs="+", choices=LOOKS, default=list(LOOKS))
    parser.add_argument("--width", type=int, nargs="+", default=[1440, 390])
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[3400, 2400], help="where long pages end, by width"
    )
    parser.add_argument("--only", nargs="+", help="names of pages, such as explore")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with replayed() as environment, served(environment) as app, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        sizes = list(zip(options.width, options.rows, strict=False))
        for look, (width, rows) in itertools.product(options.looks, sizes):
            page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=look)
            suffix = ("-dark" if look == "dark" else "") + ("-narrow" if width < 700 else "")
            missing = set(options.only or ())
            for name in visit(page, app.address):
                if name == "fixed" and suffix:
                    continue  # as the page before it but for the overlay
                if not options.only or name in options.only:
                    path = options.out / f"{name}{suffix}.png"
                    save(page, width, rows, path)
                    if name == "explore" and width >= 700:
                        crop(path, options.out / f"overview{suffix}.png")
                missing.discard(name)
                if options.only and not missing:
                    break
            page.close()
        browser.close()


def visit(page: Page, address: str):
    """Go through the pages, and yield the name of each when it is drawn."""
    page.goto(address)
    page.get_by_role("button", name="Nearby spiral", exact=True).wait_for(timeout=WAIT_MS)
    page.get_by_text("Inferring this galaxy").wait_for(state="hidden", timeout=WAIT_MS)
    page.wait_for_timeout(SETTLE_MS)
    page.get_by_text("Inferring this galaxy").wait_for(state="hidden", timeout=WAIT_MS)
    yield "start"
    page.goto(f"{address}/?example=elliptical")
    settle(page)
    page.get_by_label("Galaxy", exact=True).fill("Haro 25")
    page.get_by_label("Galaxy", exact=True).press("Enter")
    page.get_by_text("Haro 25, read as").wait_for(timeout=WAIT_MS)
    settle(page)
    yield "explore"
    page.get_by_role("button", name="Fix z").click(timeout=WAIT_MS)
    page.locator('img[alt*="The previous result"]').wait_for(timeout=WAIT_MS)
    settle(page)
    yield "fixed"
    # The other pages, by the links of the menu: the address alone would start a new session.
    for title in menu(page):
        if title != "Explore":
            go_to(page, title)
            if title == "Targets":
                run_list(page)
            page.wait_for_timeout(2 * SETTLE_MS)
            yield title.lower().split()[0]


def run_list(page: Page) -> None:
    """Give the page of targets a short list, and wait until it is done."""
    field = page.get_by_role("textbox", name="One target per line")
    field.fill(LIST, timeout=WAIT_MS)
    number = len(LIST.splitlines())
    page.get_by_role("button", name="Run", exact=True).click(timeout=WAIT_MS)
    # one of them is no galaxy
    page.get_by_text(f"{number - 1} of {number} done, 1 failed").wait_for(timeout=WAIT_MS)


def settle(page: Page) -> None:
    """Wait until a result is complete."""
    page.locator('img[alt^="Corner plot"]').last.wait_for(timeout=WAIT_MS)
    page.get_by_role("tab", name="Notes").wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(SETTLE_MS)


def save(page: Page, width: int, rows: int, path: Path) -> None:
    """Write the whole page: it scrolls inside an element, so the window is made tall."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": TALL_PX})
    page.wait_for_timeout(SETTLE_MS)
    box = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()
    assert box is not None
    height = min(rows, TALL_PX, max(600, box["y"] + box["height"]))
    picture = page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height})
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    few = image.quantize(COLOURS, dither=Image.Dither.NONE)
    # the palette follows areas: thin lines keep the colours that the project gave them
    palette = [*(few.getpalette() or [])[: 3 * COLOURS], *LINES]
    wanted = Image.new("P", (1, 1))
    wanted.putpalette(palette)
    image.quantize(palette=wanted, dither=Image.Dither.NONE).save(path, optimize=True)
    assert before is not None
    page.set_viewport_size(before)


def crop(path: Path, out: Path) -> None:
    """Write the upper part of a picture."""
    with Image.open(path) as image:
        image.crop((0, 0, image.width, OVERVIEW_PX)).save(out, optimize=True)


if __name__ == "__main__":
    main()
