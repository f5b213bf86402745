"""A list of twenty targets in a real browser, three of them bad, against the replayed services."""

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.table import Table

served = sys.modules["served"]  # loaded by conftest.py
ROOT = Path(__file__).resolve().parents[2]

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

pytestmark = pytest.mark.slow


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
def app(replay, weights_dir, tmp_path_factory):
    """An app of its own, whose services this module can make fail."""
    cache = {
        "GALEXPLORER_CACHE": str(tmp_path_factory.mktemp("cache")),
        "GALEXPLORER_RUNS": str(tmp_path_factory.mktemp("runs")),
    }
    with served.served({**replay.environment(), **cache}) as app:
        yield app
        assert "Traceback" not in app.log.read_text()


@pytest.fixture
def page(open_at, app):
    page = open_at(app, viewport={"width": 1440, "height": 1200})
    page.get_by_role("button", name="Nearby spiral", exact=True).wait_for()
    settle(page)
    page.get_by_role("link", name="Targets").click()
    page.get_by_role("button", name="Run", exact=True).wait_for()
    # the sidebar of the page before goes away meanwhile, and all moves aside
    page.get_by_test_id("stSidebar").wait_for(state="hidden")
    settle(page)
    return page


def settle(page) -> None:
    """Wait for the end of the run that has drawn what the caller waited for."""
    page.get_by_text("Inferring this galaxy").wait_for(state="hidden")
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def give(page, lines: list[str]) -> None:
    field = page.get_by_role("textbox", name="One target per line")
    field.fill("\n".join(lines))
    # one click, though the text reaches the app only when the field is left, by that click; as
    # slow as a hand's, so that the page is drawn again while the button is down
    page.get_by_role("button", name="Run", exact=True).click(delay=500)


def mark_row(page, row: int) -> None:
    """Select a row, or no longer; the head of the table counts as row -1."""
    # The table is a canvas: rows are 35 pixels high under a head of that height.
    box = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 35 * (row + 1) + 17)


def download(page, path, button: str) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    waiting.value.save_as(path)


def test_twenty_targets_three_of_them_bad(page, replay, tmp_path):
    lines = the_list(replay.haro25)
    assert len(lines) == 20
    give(page, lines)
    page.get_by_text("17 of 20 done, 3 failed").wait_for(timeout=2 * served.WAIT_MS)

    page.get_by_role("radio", name="Full", exact=True).click()
    page.get_by_role("button", name="More", exact=True).click()
    download(page, tmp_path / "targets.ecsv", "Full table")
    page.keyboard.press("Escape")
    table = Table.read(tmp_path / "targets.ecsv", format="ascii.ecsv")
    assert len(table) == 20
    failed = {row["target"]: row["problem"] for row in table if row["problem"]}
    assert set(failed) == set(BAD)
    for target, words in BAD.items():
        assert words in failed[target]
    assert (table["redshift_fixed"] == 0.03).sum() == 5

    mark_row(page, lines.index("far"))
    alert = page.get_by_test_id("stAlert")
    alert.wait_for()
    assert BAD["far"] in alert.inner_text()
    words = page.get_by_test_id("stMarkdownContainer")  # cells of the table are not among them
    assert words.get_by_text(BAD["far"]).count() == 1

    mark_row(page, lines.index("far"))
    mark_row(page, lines.index("lonely"))
    words.get_by_text("SDSS flags its spectrum (zWarning 4)").wait_for()
    page.get_by_role("button", name="Explore lonely").click()
    page.locator(".st-key-bar").get_by_text("z = ").first.wait_for()
    assert page.url.endswith("/?target=lonely")

    # Back to the list: it is still there, also after the page was loaded again.
    page.go_back()
    page.get_by_text("17 of 20 done, 3 failed").wait_for()
    assert "?run=" in page.url
    page.reload()
    page.get_by_text("17 of 20 done, 3 failed").wait_for()

    page.get_by_role("button", name="Change").click()
    page.get_by_label("Name", exact=True).fill("Dwarfs")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("heading", name="Dwarfs").wait_for()

    page.get_by_role("button", name="Delete for good").click()
    page.get_by_text("17 of 20 done, 3 failed").wait_for(state="detached")
    assert page.get_by_text("Kept lists").count() == 0


def test_what_is_on_the_screen_is_downloaded_in_its_order_and_compared(page, tmp_path):
    give(page, ["lonely", "no such galaxy", "haro 25", "haro 25, 0.0257"])
    page.get_by_text("3 of 4 done, 1 failed").wait_for()
    assert page.get_by_role("textbox", name="One target per line").is_hidden()  # the form is shut

    def check(button: str, wanted: Callable[[list[str]], bool]) -> None:
        """Download until the page has drawn what was asked of it."""
        deadline = time.monotonic() + served.WAIT_MS / 1000
        while True:
            download(page, tmp_path / "targets.csv", button)
            assert ",nan" not in (tmp_path / "targets.csv").read_text()
            found = list(Table.read(tmp_path / "targets.csv", format="ascii.csv")["target"])
            if wanted(found):
                settle(page)
                return
            assert time.monotonic() < deadline, found
            page.wait_for_timeout(200)

    # a header sorts, and again the other way round
    settle(page)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    rising = ["haro 25", "haro 25", "lonely", "no such galaxy"]
    page.mouse.click(box["x"] + 120, box["y"] + 17)
    check("CSV of all 4", rising.__eq__)
    page.mouse.click(box["x"] + 120, box["y"] + 17)
    check("CSV of all 4", rising[::-1].__eq__)
    # what failed has no z, and so is last
    served.choose(page, "Sort by", "Sort by z")
    check("CSV of all 4", lambda found: found[-1] == "no such galaxy")

    page.get_by_role("textbox", name="Filter").fill("haro")
    page.get_by_role("textbox", name="Filter").press("Enter")
    check("CSV of 2 shown", ["haro 25", "haro 25"].__eq__)
    mark_row(page, -1)  # all rows that are shown
    check("CSV of 2 selected", ["haro 25", "haro 25"].__eq__)
    page.get_by_role("button", name="Compare 2").click()
    page.get_by_text("Both are of one galaxy").first.wait_for()
    page.go_back()

    # The lines of a list come back for another one.
    page.get_by_role("button", name="Edit as a new list").click()
    lines = page.get_by_role("textbox", name="One target per line")
    lines.wait_for()
    assert lines.input_value().splitlines()[-1] == "haro 25, 0.0257"
    page.get_by_text("4 targets: 4 to look up, 1 with the redshift held fixed.").wait_for()


def test_cancel_keeps_what_is_done_and_goes_on(page, replay):
    replay.faults["skyserver"] = "silence"  # each target now takes seconds
    try:
        # A little beside the galaxies of the other test, whose answers are kept.
        near = [f"{ra + 1e-4:.5f} {dec:+.5f}" for ra, dec in POSITIONS[:4]]
        give(page, ["10:99:00 +20:00:00", *near])
        page.get_by_text("0 of 5 done, 1 failed").wait_for()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_text("Cancelled: ").wait_for()
    finally:
        replay.faults.clear()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("4 of 5 done, 1 failed").wait_for()
