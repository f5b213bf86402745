"""The app in a real browser: an example is clicked, and the corner plot appears."""

import json
import sys
from pathlib import Path

import pytest

from galexplorer.schema import TARGET_NAMES
from galexplorer.ui.session.sources import EXAMPLES_DIR, list_examples

served = sys.modules["served"]  # loaded by conftest.py


def test_an_example_shows_its_corner_plot(open_page):
    examples = list_examples()
    if not examples:
        pytest.skip(f"no examples in {EXAMPLES_DIR}")
    visit = open_page()
    visit.get_by_role("button", name=examples[0].name, exact=True).click()
    corner = visit.locator('img[alt^="Corner plot of the posterior: redshift"]')
    corner.wait_for()
    visit.wait_for_function(
        "image => image.complete && image.naturalWidth > 500", arg=corner.element_handle()
    )
    visit.locator(".st-key-downloads_open button").first.click()
    served.choose(visit, "What", "Summary")
    visit.get_by_role("radio", name="LaTeX table row").wait_for()
    with visit.expect_download() as waiting:
        visit.locator(".st-key-download button").first.click()
    summary = json.loads(Path(waiting.value.path()).read_text())
    assert set(summary["posterior"]) == set(TARGET_NAMES)
    images = visit.locator("[data-testid=stMain] img")
    assert all(image.get_attribute("alt") for image in images.all())


def test_a_bad_file_gives_a_sentence(open_page, bad_files):
    visit = open_page()
    name, content = bad_files["text"]
    visit.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/fits", "buffer": content}
    )
    alert = visit.locator("[data-testid=stAlert]")
    alert.wait_for()
    assert name in alert.inner_text()
