"""What a person does with the explorer, in a real browser against replayed services."""

import json
import re
import sys
from pathlib import Path

import pytest

served = sys.modules["served"]  # loaded by conftest.py
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("app_server")]


def corner(page):
    return page.locator('img[alt^="Corner plot"]')


def headline(page):
    return page.locator(".st-key-bar")


def open_downloads(page):
    page.locator(".st-key-downloads_open button").first.click()


def wait_for_result(page, words: str):
    """Wait until a page shows a result with some words in its bar, to the last figure."""
    headline(page).filter(has_text=words).wait_for()
    # for a moment the plot of the galaxy before may still be there
    expect = pytest.importorskip("playwright.sync_api").expect
    expect(corner(page)).to_have_count(1, timeout=served.WAIT_MS)
    page.get_by_role("tab", name="Notes").wait_for()


def search(page, text: str):
    box = page.get_by_label("Galaxy", exact=True)
    box.fill(text)
    box.press("Enter")


def summary(page) -> dict:
    """Download the summary of the page's result."""
    open_downloads(page)
    served.choose(page, "What", "Summary")
    page.get_by_role("radio", name="JSON").wait_for()
    with page.expect_download() as waiting:
        page.locator(".st-key-download button").first.click()
    page.keyboard.press("Escape")
    return json.loads(Path(waiting.value.path()).read_text())


def fix_redshift(page, value: str):
    page.get_by_test_id("stSidebar").get_by_text("Known", exact=True).click()
    box = page.get_by_label("Redshift, held fixed")
    box.fill(value)
    box.press("Enter")


def test_search_by_name_to_export(open_page):
    page = open_page()
    search(page, "Haro 25")
    wait_for_result(page, "Star-forming")
    assert page.get_by_text("read as the name Haro 25").first.is_visible()
    assert "SDSS DR17 model magnitudes" in page.get_by_test_id("stMain").inner_text()
    found = summary(page)
    assert found["known"]["redshift"] == pytest.approx(0.0258)
    assert found["photometry"]["kind"] == "catalogue"
    assert "target=Haro+25" in page.url


def test_a_name_that_nobody_knows_is_said_and_the_next_one_works(open_page):
    page = open_page()
    search(page, "no such galaxy")
    page.get_by_test_id("stAlert").wait_for()
    search(page, "162.18416 +26.05369")
    wait_for_result(page, "z =")
    assert page.get_by_text("read as RA 162.18416°").first.is_visible()


def mask_with_a_line(page):
    """Draw a line on the chart: the answer without what it holds stands beside the one before."""
    page.locator(".st-key-sky_hand").get_by_text("Mask", exact=True).click()
    page.get_by_role("button", name="Mask a circle").wait_for()
    page.wait_for_timeout(1500)  # the chart of the field goes
    box = page.locator(".st-key-first_row .js-plotly-plot .nsewdrag").first.bounding_box()
    x, y = box["x"] + 0.12 * box["width"], box["y"] + 0.12 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    for across, down in ((24, 0), (24, 24), (0, 24), (0, 4)):
        page.mouse.move(x + across, y + down, steps=4)
    page.mouse.up()
    page.get_by_test_id("stMain").get_by_text("1 masked").wait_for()
    page.wait_for_url(re.compile("mask_regions=icrs"))
    page.locator(".st-key-nine").get_by_text(re.compile("before 0")).first.wait_for()
    page.get_by_role("button", name="Clear").click()
    page.wait_for_url(lambda url: "mask_regions" not in url)


def test_dropped_fits_to_another_object_and_a_neighbour(open_page, crowded):
    page = open_page()
    page.locator("input[type=file]").set_input_files(
        {"name": "field.fits", "mimeType": "application/fits", "buffer": crowded}
    )
    # Nothing lies at the centre: the page says so, and shows what there is.
    page.get_by_test_id("stAlert").get_by_text("No object was found at the position").wait_for()
    page.get_by_text("3 objects in this image").wait_for()
    page.locator(".st-key-object_Field_1").get_by_role("button").click()
    wait_for_result(page, "z =")
    assert "upload=" in page.url
    first = corner(page).get_attribute("alt")
    page.get_by_text("Field", exact=True).click()
    page.get_by_role("button", name="3 galaxies").click()
    own = page.locator(".st-key-object_Field_1").get_by_role("button")
    own.wait_for()
    assert own.is_disabled()
    page.locator(".st-key-object_Field_2").get_by_role("button").click()
    page.wait_for_function(
        "old => { const image = document.querySelector('img[alt^=\"Corner plot\"]');"
        " return image && image.alt !== old }",
        arg=first,
    )
    mask_with_a_line(page)
    page.get_by_role("heading", name="Nearest neighbours").wait_for()
    cards = page.locator("[class*=st-key-gallery_neighbours]")
    cards.get_by_role("button", name="Explore").first.click()
    page.wait_for_url(re.compile("library="))
    wait_for_result(page, "z =")
    page.get_by_role("button", name="Fetch its SDSS image").wait_for()


def test_fixing_the_redshift_shows_before_and_after_and_back_undoes_it(open_page):
    page = open_page("/?example=spiral")
    wait_for_result(page, "z =")
    free = headline(page).get_by_text("z = ").first.inner_text()
    fix_redshift(page, "0.03")
    wait_for_result(page, "z = 0.03 (fixed)")
    page.locator('img[alt^="Corner plot"][alt*="The previous result"]').wait_for()
    assert page.locator(".st-key-nine").get_by_text("before fixed").count() == 0
    assert page.locator(".st-key-nine").get_by_text(re.compile("before 0")).first.is_visible()
    assert "redshift=0.03" in page.url
    page.go_back()
    headline(page).get_by_text(free, exact=True).first.wait_for()
    assert "redshift" not in page.url
    page.go_forward()
    wait_for_result(page, "z = 0.03 (fixed)")


def test_bands_and_draws_lose_nothing(open_page):
    page = open_page("/?example=spiral&draws=1000&seed=3")
    wait_for_result(page, "z =")
    page.get_by_test_id("stSidebar").get_by_text("Radii", exact=True).click()
    page.wait_for_url(re.compile("use="))
    wait_for_result(page, "z =")
    page.get_by_role("tab", name="Notes").click()
    page.get_by_text("Excluded by the user: radii.").wait_for()
    provenance = summary(page)["provenance"]
    assert (provenance["draws"], provenance["seed"]) == (1000, 3)


def test_compare_two_galaxies(open_page):
    page = open_page("/?example=spiral&draws=1000")
    wait_for_result(page, "z =")
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("button", name="Massive elliptical", exact=True).click()
    page.wait_for_url(re.compile("example=elliptical"))
    wait_for_result(page, "Passive")
    page.get_by_role("link", name="Compare").click()
    page.locator('img[alt^="Corner plot of 2 posteriors"]').wait_for()
    heads = page.get_by_role("columnheader").all_inner_texts()
    assert {"Nearby spiral", "Massive elliptical"} <= set(heads)
    page.get_by_role("heading", name="BPT diagram").wait_for()  # of Compare
    page.get_by_role("button", name="Open", exact=True).last.click()
    wait_for_result(page, "z =")
    assert "example=spiral" in page.url
    page.go_back()
    page.locator('img[alt^="Corner plot of 2 posteriors"]').wait_for()


def test_the_names_of_compared_galaxies_are_whole_on_a_phone(open_page):
    page = open_page("/?example=spiral&draws=1000&seed=3&redshift=0.03&ebv=0.04")
    wait_for_result(page, "z = 0.03 (fixed)")
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("button", name="Compare Nearby spiral and Massive elliptical").click()
    page.locator('img[alt^="Corner plot of 2 posteriors"]').wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    chips = page.locator(".st-key-compared [data-tag]")
    long = chips.filter(has_text="E(B−V) = 0.04")
    page.wait_for_timeout(1000)
    assert long.bounding_box()["height"] > 40  # two lines or more
    parts = "[data-testid=stMultiSelectTagsContainer], [data-tag], [data-tag] > span"
    cut = page.locator(f".st-key-compared :is({parts})").evaluate_all(
        """all => all.filter(one => one.scrollWidth > one.clientWidth + 1
                                 || one.scrollHeight > one.clientHeight + 1).length"""
    )
    assert cut == 0


def test_a_shared_link_gives_the_same_numbers_in_a_fresh_browser(open_page):
    page = open_page("/?example=dwarf")
    wait_for_result(page, "z =")
    fix_redshift(page, "0.012")
    wait_for_result(page, "z = 0.012 (fixed)")
    # not the words: a line's probability may read 95% too
    page.get_by_role("radiogroup").get_by_text("95%", exact=True).click()
    page.wait_for_url(re.compile("interval=95"))
    page.get_by_role("columnheader", name="95% interval").first.wait_for()
    expected = summary(page)["posterior"]
    fresh = open_page(page.url.removeprefix(re.match(r"http://[^/]*", page.url)[0]))
    wait_for_result(fresh, "z = 0.012 (fixed)")
    fresh.get_by_role("columnheader", name="95% interval").first.wait_for()
    assert summary(fresh)["posterior"] == expected
    assert fresh.locator(".st-key-nine").get_by_text("before").count() == 0


def test_back_leads_to_the_galaxy_before(open_page):
    page = open_page()
    search(page, "Haro 25")
    wait_for_result(page, "z =")
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("button", name="Massive elliptical", exact=True).click()
    wait_for_result(page, "Passive")
    page.go_back()
    wait_for_result(page, "Star-forming")
    page.wait_for_function("document.querySelector('input[aria-label=Galaxy]').value === 'Haro 25'")
    page.go_back()
    page.get_by_role("button", name="Nearby spiral", exact=True).wait_for()
    headline(page).wait_for(state="detached")


def test_a_page_opened_directly_leads_on(open_page):
    page = open_page("/about")
    page.get_by_test_id("stMainBlockContainer").get_by_role("heading").first.wait_for()
    page.get_by_role("link", name="Explore").first.click()
    page.get_by_role("button", name="Nearby spiral", exact=True).click()
    wait_for_result(page, "z =")


def test_a_garbled_link_is_named(open_page):
    page = open_page("/?example=spiral&redshift=ten&draws=1000")
    page.get_by_text("The link's redshift could not be read and was ignored.").wait_for()
    wait_for_result(page, "z =")


def test_a_random_galaxy_is_shown_whatever_the_network_does(open_page):
    """An example, or a galaxy of the library that the replayed services may not know."""
    page = open_page()
    page.get_by_role("button", name="Random galaxy").click()
    wait_for_result(page, "z =")
    assert re.search(r"[?&](example|target)=", page.url)
    first = page.url
    page.get_by_role("button", name="Random galaxy").click()
    page.wait_for_function("old => location.href !== old", arg=first)
    wait_for_result(page, "z =")


def test_draws_selected_on_the_corner_plot_are_marked_elsewhere(open_page):
    page = open_page("/?example=spiral")
    wait_for_result(page, "z =")
    corner(page).scroll_into_view_if_needed()
    box = corner(page).bounding_box()
    scale = box["width"] / corner(page).evaluate("image => image.naturalWidth")
    # the histogram of the redshift: its panel begins at 82, 54 and is 150 wide
    left, top = box["x"] + 82 * scale, box["y"] + 54 * scale
    page.mouse.move(left + 40 * scale, top + 70 * scale)
    page.locator(".corner output").filter(has_text=re.compile(r"^z 0\.\d{3}$")).wait_for()
    page.mouse.down()
    page.mouse.move(left + 75 * scale, top + 60 * scale, steps=4)
    page.mouse.up()
    said = page.locator("p", has_text="of 5,000 draws").inner_text()
    number = re.search(r"[\d,]+", said)[0]
    assert re.search(r"have redshift 0\.\d+ to 0\.\d+", said)
    marked = page.locator('img[alt^="BPT diagram"][alt*="Selected draws"]')
    assert f"Selected draws ({number})" in marked.get_attribute("alt")
    assert page.locator(".st-key-numbers_selected tbody tr").count() == 2
    page.get_by_role("button", name="Clear").click()
    marked.wait_for(state="detached")
    page.get_by_text("Mass-excitation", exact=True).click()
    page.get_by_text("Juneau et al. 2014").wait_for()
