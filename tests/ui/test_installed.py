"""The explorer that a wheel brings, started from an empty folder and seen in a browser."""

import sys

import pytest

from galexplorer.ui.session.sources import list_examples

served = sys.modules["served"]  # loaded by conftest.py

SETTINGS = """() => {
    const style = getComputedStyle(document.querySelector('[data-testid="stApp"]'));
    return {size: getComputedStyle(document.documentElement).fontSize,
            background: style.backgroundColor, text: style.color};
}"""


@pytest.fixture(scope="module")
def installed_app(installed, weights_dir):
    def command(port: int) -> list[str]:
        return [str(installed.galexplorer), "app", "--no-browser", f"--port={port}"]

    with served.served({"PYTHONPATH": ""}, command) as app:
        yield app
        assert "Traceback" not in app.log.read_text()


def test_it_is_the_explorer_of_the_checkout(open_at, installed_app, app_server):
    """With its settings, from whichever folder, and with its examples."""
    seen = []
    for app in (installed_app, app_server):
        page = open_at(app, color_scheme="light")
        for example in list_examples():
            page.get_by_role("button", name=example.name, exact=True).wait_for()
        seen.append((served.menu(page), page.evaluate(SETTINGS)))
    assert seen[0] == seen[1]
    assert seen[0][1] == {
        "size": "15px", "background": "rgb(255, 255, 255)", "text": "rgb(11, 14, 18)",
    }  # fmt: skip


@pytest.mark.slow
def test_an_example_is_inferred(open_at, installed_app):
    page = open_at(installed_app)
    page.get_by_role("button", name=list_examples()[0].name, exact=True).click()
    page.locator('img[alt^="Corner plot of the posterior: redshift"]').wait_for()
