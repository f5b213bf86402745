"""The app in a real browser: an example is clicked, and the corner plot appears."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from galexplorer.schema import TARGET_NAMES
from galexplorer.screening import corruptions
from galexplorer.ui.session.sources import EXAMPLES_DIR, list_examples

served = sys.modules["served"]  # loaded by conftest.py


def test_an_example_shows_its_corner_plot(open_page):
    examples = list_examples()
    if not examples:
        pytest.skip(f"no examples in {EXAMPLES_DIR}")
    visit = open_page()
    visit.locator('img[alt^="BPT diagram of"]').wait_for()  # the result on the first page
    picture = visit.locator(f'img[alt^="{examples[0].name}: rendered example"]')
    box = picture.bounding_box()
    visit.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    corner = visit.locator('img[alt^="Corner plot of the posterior: redshift"]')
    corner.wait_for()
    visit.wait_for_function(
        "image => image.complete && image.naturalWidth > 500", arg=corner.element_handle()
    )
    visit.locator(".st-key-downloads_open button").first.click()
    served.choose(visit, "What", "Summary")
    visit.get_by_role("radio", name="JSON").wait_for()
    with visit.expect_download() as waiting:
        visit.locator(".st-key-download button").first.click()
    summary = json.loads(Path(waiting.value.path()).read_text())
    assert set(summary["posterior"]) == set(TARGET_NAMES)
    images = visit.locator("[data-testid=stMain] img")
    assert all(image.get_attribute("alt") for image in images.all())
    visit.get_by_role("tab", name="Copy as code").click()
    visit.get_by_text('bundled("assets/examples/spiral.fits.gz")').first.wait_for()


@pytest.mark.slow
def test_the_result_on_the_first_page_leads_to_its_galaxy(open_page):
    visit = open_page("/")
    visit.locator('img[alt^="BPT diagram of"]').wait_for()
    visit.get_by_role("button", name="Explore this galaxy").click()
    visit.get_by_role("heading", name="Nearby spiral").wait_for()
    visit.locator('img[alt^="Corner plot"]').wait_for()


@pytest.mark.slow
def test_what_means_nothing_has_no_headline(open_page):
    """A star's image, and a redshift range that a nearby spiral contradicts."""
    visit = open_page("/?example=spiral&redshift=0.3~0.35")
    visit.get_by_role("heading", name="Nearby spiral").wait_for()
    alert = visit.get_by_test_id("stAlert").filter(has_text="Do not use")
    alert.wait_for()
    assert "The data contradict the redshift range" in alert.inner_text()
    picture = visit.locator('img[alt^="Colour image of the galaxy"]')
    picture.wait_for()
    assert "Widen it" in alert.inner_text()
    assert not visit.get_by_role("heading", name=re.compile(" at z = ")).count()
    assert not visit.get_by_role("table").first.is_visible()  # one click away
    visit.get_by_text("Show the values, which").click()
    cell = visit.get_by_role("table").first.locator("td").nth(1)
    cell.wait_for()
    assert int(cell.evaluate("cell => getComputedStyle(cell).fontWeight")) < 500
    star = corruptions.star(np.random.default_rng(3), np.array([10.9, 10.4, 10.2]), True)
    buffer = io.BytesIO()
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri", "CUNIT1": "deg", "CUNIT2": "deg"})
    header["CDELT1"] = header["CDELT2"] = star.pixel_scale_arcsec / 3600
    fits.PrimaryHDU(star.flux, header).writeto(buffer)
    visit.locator("input[type=file]").set_input_files(
        {"name": "star.fits", "mimeType": "application/fits", "buffer": buffer.getvalue()}
    )
    visit.get_by_role("heading", name="star.fits").wait_for()


def test_a_bad_file_gives_a_sentence(open_page, bad_files):
    visit = open_page()
    name, content = bad_files["text"]
    visit.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/fits", "buffer": content}
    )
    alert = visit.locator("[data-testid=stAlert]")
    alert.wait_for()
    assert name in alert.inner_text()

    # the next drop finds nothing of it, and is asked for what it lacks, where it was dropped
    picture = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 30, (160, 160, 3)).astype(np.uint8)
    Image.fromarray(noise).save(picture, "PNG")
    visit.locator("input[type=file]").set_input_files(
        {"name": "cutout.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    visit.get_by_role("button", name="Use this").wait_for()
    assert visit.locator("[data-testid=stAlert]").count() == 0
    scale = visit.get_by_role("spinbutton", name="Pixel scale (″)").first
    assert scale.input_value() == "0.396"
    visit.get_by_role("radio", name="Legacy").click()
    visit.get_by_text("41.9″ wide").wait_for()  # 160 pixels of 0.262


@pytest.mark.slow
def test_the_menu_of_examples_closes_over_the_one_that_was_chosen(open_page):
    visit = open_page("/?example=spiral")
    visit.get_by_role("tab", name="Notes").wait_for()
    visit.get_by_role("button", name="Examples").click()
    # the galaxy's own, of this session, has the same name
    menu = visit.get_by_test_id("stPopoverBody")
    other = menu.get_by_role("button", name="Edge-on disc", exact=True)
    other.click()
    visit.get_by_role("heading", name="Edge-on disc").wait_for()
    other.wait_for(state="hidden")
    visit.get_by_role("tab", name="Notes").wait_for()
    visit.get_by_role("button", name="Examples").click()
    other.wait_for()
    visit.get_by_role("link", name="About").click()
    visit.wait_for_url("**/about")
    visit.wait_for_timeout(2000)
    assert visit.url.endswith("/about")


@pytest.mark.slow
def test_a_mark_beside_a_value_leads_to_its_note(open_page):
    visit = open_page("/?example=elliptical")
    mark = visit.locator(".st-key-nine a").first
    mark.wait_for()
    words = mark.get_attribute("title")
    note = visit.locator(mark.get_attribute("href"))
    assert note.inner_text().removeprefix(mark.inner_text()).strip() == words
