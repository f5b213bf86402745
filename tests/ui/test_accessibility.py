"""axe-core on every page, wide and narrow, light and dark: no serious violation."""

import sys

import pytest

served = sys.modules["served"]  # loaded by conftest.py
pytestmark = pytest.mark.slow

ALLOWED: dict[str, str] = {}
"""Rules that a page may break, each with the reason."""


@pytest.fixture(scope="module")
def axe():
    module = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    return module.Axe()


def serious(axe, page) -> list[str]:
    """Return the violations of a page, a line each: rule, help, first element."""
    found = axe.run(page).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: {node['html'][:160]} {node['any'][:1]}"
        for v in found
        if v["impact"] in {"serious", "critical"} and v["id"] not in ALLOWED
        for node in v["nodes"][:4]
    ]


def settle(page) -> None:
    """Wait until nothing is redrawn: what is stale is faded, below any contrast."""
    page.wait_for_timeout(1500)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
    page.wait_for_timeout(500)


LOOKS = [
    {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "light"},
    {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
]


@pytest.mark.parametrize("look", LOOKS, ids=["wide light", "narrow dark"])
def test_no_page_has_serious_violations(axe, open_page, look):
    page = open_page("/?example=spiral&draws=1000", **look)
    page.locator('img[alt^="Corner plot"]').wait_for()
    problems = {}
    tabs = (
        "Predicted emission lines",
        "What the model saw",
        "More like this",
        "Notes",
        "Derived quantities",
    )
    for tab in tabs:
        page.get_by_role("tab", name=tab).click()
        if tab == "More like this":
            page.get_by_text("Model picture, moved").wait_for()
        settle(page)
        problems[tab] = serious(axe, page)
    for part in ("Field", "Mask"):
        page.locator(".st-key-sky_hand").get_by_text(part, exact=True).click()
        page.locator(".st-key-first_row .js-plotly-plot .nsewdrag").first.wait_for()
        settle(page)
        problems[part] = serious(axe, page)
    for view in ("Map", "Table", "Pictures"):
        page.locator(".st-key-neighbours_view").get_by_text(view, exact=True).click()
        settle(page)
        problems[view] = serious(axe, page)
    titles = [title for title in served.menu(page) if title != "Explore"]
    for title in titles:
        served.go_to(page, title)
        page.get_by_test_id("stMainBlockContainer").get_by_role("heading").first.wait_for()
        settle(page)
        problems[title] = serious(axe, page)
    page = open_page("/?example=spiral&redshift=0.3~0.35&draws=1000", **look)
    page.get_by_test_id("stAlert").filter(has_text="Do not use").wait_for()
    settle(page)
    problems["unusable"] = serious(axe, page)
    served.go_to(page, "Compare")
    page.get_by_role("button", name="Compare Nearby spiral").wait_for()
    settle(page)
    problems["compare, empty"] = serious(axe, page)
    page.get_by_role("button", name="Compare Nearby spiral").click()
    page.locator('img[alt^="Corner plot of 2 posteriors"]').wait_for()
    settle(page)
    problems["compare, unusable"] = serious(axe, page)
    page = open_page("/", **look)
    page.get_by_role("button", name="Nearby spiral", exact=True).wait_for()
    problems["start"] = serious(axe, page)
    assert len(problems) >= 4
    assert not any(problems.values()), {k: v for k, v in problems.items() if v}
