"""The gallery of neighbours and the map, in a real browser against replayed services."""

import re
import sys

import pytest

served = sys.modules["served"]  # loaded by conftest.py
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("app_server")]

RECONSTRUCTION = 'img[alt^="VAE reconstruction of J"]'
PICTURE = 'img[alt^="SDSS colour picture of J"]'


def wait_for_points(page, lasso=False):
    """Wait until the last chart of the page has its points, which are drawn after the frame."""
    page.wait_for_function(
        """lasso => {
          const plot = [...document.querySelectorAll("[class*=st-key-map] .js-plotly-plot")].pop();
          const layout = plot?._fullLayout;
          return layout && (!lasso || layout.dragmode === "lasso")
            && !document.querySelector("[data-stale=true]")
            && layout._plots.xy._scene?.scatter2d && !layout._plots.xy._scene.dirty;
        }""",
        arg=lasso,
    )


def draw_line(page, chart, right_of_edge=0.5):
    """Draw a line round some of a chart, in the middle unless told otherwise."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    x, y = box["x"] + right_of_edge * box["width"], box["y"] + 0.55 * box["height"]
    page.mouse.move(x - 30, y - 30)
    page.mouse.down()
    for right, down in ((30, -30), (30, 30), (-30, 30), (-30, -30)):
        page.mouse.move(x + right, y + down, steps=5)
    page.mouse.up()


def test_neighbours_show_pictures_of_the_sky_when_wanted(open_page):
    page = open_page("/?example=spiral")
    page.locator(RECONSTRUCTION).nth(7).wait_for()
    assert page.locator(PICTURE).count() == 0
    page.get_by_text("SDSS pictures", exact=True).click()
    page.locator(PICTURE).nth(7).wait_for()
    assert page.locator(RECONSTRUCTION).count() == 0


def test_a_line_round_points_shows_their_galaxies_and_one_is_explored(open_page):
    page = open_page("/?example=spiral")
    page.get_by_role("tab", name="Notes").wait_for()
    page.get_by_role("link", name="Map").first.click()
    chart = page.locator(".st-key-map .js-plotly-plot").last  # a stale one may stand before it
    chart.wait_for()
    page.get_by_role("radiogroup", name="Select").get_by_text("Lasso").click()
    wait_for_points(page, lasso=True)
    draw_line(page, chart)
    page.get_by_text("selected on the map").wait_for()
    cards = page.locator("[class*=st-key-gallery_map_chosen]")
    cards.get_by_role("button", name="Explore").first.click()
    page.wait_for_url(re.compile("library="))
    page.locator(".st-key-bar").get_by_text("z = ").first.wait_for()


def places_of_points(chart, number: int) -> list[tuple[float, float]]:
    """Return where on the screen some points of a chart are, a few of the whole list."""
    return chart.evaluate(
        """(chart, number) => {
          const {xaxis, yaxis} = chart._fullLayout, box = chart.getBoundingClientRect();
          const traces = chart._fullData.filter(t => t.customdata && t.x.length > 100);
          return Array.from({length: number}, (_, k) => {
            const trace = traces[k % traces.length];
            const n = Math.floor((k + 0.5) / number * trace.x.length);
            return [box.x + xaxis._offset + xaxis.l2p(trace.x[n]),
                    box.y + yaxis._offset + yaxis.l2p(trace.y[n])];
          });
        }""",
        number,
    )


@pytest.mark.parametrize("title", ["Map", "Explore"])
def test_a_click_on_a_point_shows_its_galaxy(open_page, title):
    """Streamlit takes clicks only where dragging draws no line."""
    page = open_page("/?example=spiral")
    page.get_by_role("tab", name="Notes").wait_for()
    if title == "Map":
        page.get_by_role("link", name="Map").first.click()
        page.get_by_role("heading", name="Map of the library").wait_for()
    else:
        page.locator(".st-key-neighbours_view").get_by_text("Map", exact=True).click()
    chart = page.locator("[class*=st-key-map] .js-plotly-plot")
    chart.wait_for()
    chart.scroll_into_view_if_needed()
    wait_for_points(page)
    pointed = chart.locator(".hoverlayer .hovertext")
    cards = page.locator("[class*=st-key-gallery_map]")
    for x, y in places_of_points(chart, 3):
        page.mouse.move(x, y)
        pointed.wait_for()
        name = re.search(r"J\d{6}[\d.+-]+", pointed.text_content())[0]
        page.mouse.click(x, y)
        cards.locator(f'img[alt^="VAE reconstruction of {name}"]').wait_for(timeout=15_000)
        page.get_by_text("1 selected on the map").wait_for(timeout=15_000)
        assert cards.get_by_role("button", name="Explore").count() == 1
        wait_for_points(page)
        page.mouse.move(5, 5)
        pointed.wait_for(state="hidden")
        page.wait_for_timeout(500)  # or two clicks are a double click
    served.choose(page, "Colour the map by", "Redshift")
    chart.locator(".infolayer").get_by_text("Redshift").first.wait_for()
    wait_for_points(page)
    assert page.get_by_text("1 selected on the map").is_visible()


def test_the_galaxy_under_the_pointer_shows_its_picture(open_page):
    page = open_page("/map")
    chart = page.locator(".st-key-map .js-plotly-plot").last  # a stale one may stand before it
    chart.wait_for()
    wait_for_points(page)
    ((x, y),) = places_of_points(chart, 1)
    page.mouse.move(x - 40, y - 40)
    page.mouse.move(x, y)
    picture = page.locator(".pointed-galaxy img")
    picture.wait_for()
    name = re.search(r"J\d{6}\S+", picture.get_attribute("alt"))[0]
    assert name in chart.locator(".hoverlayer").text_content()
    page.mouse.move(5, 5)
    picture.wait_for(state="hidden")


@pytest.mark.parametrize("end", ["lasso", "scroll", "card", "zoom"])
def test_the_picture_under_the_pointer_ends_with_the_hovering(open_page, end):
    """Plotly tells of no end where a drag begins or the page moves away."""
    page = open_page("/map", viewport={"width": 1440, "height": 700})
    chart = page.locator(".st-key-map .js-plotly-plot").last  # a stale one may stand before it
    chart.wait_for()
    if end == "lasso":
        page.get_by_role("radiogroup", name="Select").get_by_text("Lasso").click()
    wait_for_points(page, lasso=end == "lasso")
    x, y = places_of_points(chart, 3)[1]
    page.mouse.move(x - 40, y - 40)
    page.mouse.move(x, y)
    picture = page.locator(".pointed-galaxy img")
    picture.wait_for()
    if end == "scroll":
        page.get_by_test_id("stMain").evaluate("main => main.scrollBy(0, 150)")
        assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") > 100
    elif end == "card":  # what is over the chart, or where the pointer jumps to
        page.get_by_role("heading", name="Map of the library").dispatch_event("pointerover")
    else:
        page.mouse.down()
        for right, down in ((60, 0), (60, 60), (0, 60)):
            page.mouse.move(x + right, y + down, steps=4)
    picture.wait_for(state="hidden", timeout=3000)
    page.mouse.up()


def test_a_click_counts_though_the_selection_is_gone_by_then(open_page):
    page = open_page("/map")
    chart = page.locator(".st-key-map .js-plotly-plot").last  # a stale one may stand before it
    chart.wait_for()
    page.get_by_role("radiogroup", name="Select").get_by_text("Lasso").click()
    wait_for_points(page, lasso=True)
    draw_line(page, chart)
    page.get_by_text("selected on the map").wait_for()
    page.get_by_role("button", name="Target list").click()
    listed = page.get_by_role("button", name="To the page Targets")
    listed.wait_for()
    page.locator(".st-key-map_clear button").wait_for()
    # in one breath: the selection ends, galaxies are pointed at, and the button is clicked
    page.evaluate(
        """() => {
          const plot = [...document.querySelectorAll(".st-key-map .js-plotly-plot")].pop();
          const button = document.querySelector(".st-key-map_list_list button");
          document.querySelector(".st-key-map_clear button").click();
          button.click();
          for (let k = 0; k < 30; k++) {
            setTimeout(() => plot.emit?.("plotly_hover", {
              points: [{customdata: 100 + k}], event: {clientX: 300, clientY: 300}}), 130 * k);
          }
          setTimeout(() => { window.pointed = true; }, 130 * 30);
        }"""
    )
    lines = page.get_by_role("textbox", name="One target per line")
    lines.wait_for()
    page.wait_for_function("window.pointed")
    page.wait_for_timeout(1000)  # what was on its way has come
    assert page.url.endswith("/targets")
    assert lines.input_value().startswith("name,ra,dec,known_redshift\nJ")


FAR = """
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...given) {setTimeout(() => send.apply(this, given), 400)};
  const listen = WebSocket.prototype.addEventListener;
  WebSocket.prototype.addEventListener = function (kind, heard, ...given) {
    const late = event => setTimeout(() => heard.call(this, event), 400);
    return listen.call(this, kind, kind === "message" ? late : heard, ...given);
  };
  const own = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {...own, set(heard) {
    own.set.call(this, heard && (event => setTimeout(() => heard.call(this, event), 400)));
  }});
"""
"""A server whose answers take 0.8 s, as through a slow proxy."""


def test_pointing_after_a_click_leaves_the_next_page_as_it_is(open_page):
    """A request of the page before, which came when the next was drawn, emptied it."""
    page = open_page("/about")
    page.context.add_init_script(FAR)
    page.goto(page.url.replace("about", "map"))
    chart = page.locator(".st-key-map .js-plotly-plot").last  # a stale one may stand before it
    chart.wait_for()
    page.get_by_role("radiogroup", name="Select").get_by_text("Lasso").click()
    wait_for_points(page, lasso=True)
    draw_line(page, chart)
    page.get_by_text("selected on the map").wait_for()
    cards = page.locator("[class*=st-key-gallery_map_chosen]")
    cards.get_by_role("button", name="Explore").first.wait_for()
    page.evaluate(
        """() => {
          const plot = [...document.querySelectorAll(".st-key-map .js-plotly-plot")].pop();
          document.querySelector("[class*=st-key-explore_map_chosen] button").click();
          for (let k = 0; k < 30; k++) {
            setTimeout(() => plot.emit?.("plotly_hover", {
              points: [{customdata: 100 + k}], event: {clientX: 300, clientY: 300}}), 130 * k);
          }
        }"""
    )
    page.wait_for_url(re.compile("library="))
    page.locator(".st-key-bar h2").wait_for()
    page.wait_for_timeout(3000)  # what was on its way has come
    assert page.locator(".st-key-bar h2").is_visible()


def test_a_neighbour_is_shown_from_its_headline_on(open_page):
    page = open_page("/?example=spiral")
    page.get_by_role("tab", name="Notes").wait_for()
    button = page.locator("[class*=st-key-explore_neighbours_] button").first
    button.scroll_into_view_if_needed()
    main = page.get_by_test_id("stMain")
    main.evaluate("main => main.scrollTo({top: 600})")
    button.click()
    page.wait_for_url(re.compile("library="))
    page.get_by_role("button", name="Fetch its SDSS image").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop < 10")
    assert 0 < page.locator(".st-key-bar h2").bounding_box()["y"] < 600
    # What is only looked at anew stays where it is.
    main.evaluate("main => main.scrollTo({top: 700})")
    page.get_by_test_id("stSidebar").get_by_text("Radii", exact=True).click()
    page.wait_for_url(re.compile("use="))
    page.wait_for_timeout(3000)
    assert main.evaluate("main => main.scrollTop") > 300


def test_a_selection_becomes_a_comparison_or_a_list_of_targets(open_page):
    page = open_page("/map")
    chart = page.locator(".st-key-map .js-plotly-plot").last  # a stale one may stand before it
    chart.wait_for()
    page.get_by_role("radiogroup", name="Select").get_by_text("Lasso").click()
    wait_for_points(page, lasso=True)
    draw_line(page, chart)
    page.locator(RECONSTRUCTION).nth(4).wait_for()
    wait_for_points(page, lasso=True)  # and all else is drawn
    names = [
        re.search(r"J\d{6}\S+", alt)[0]
        for alt in page.locator(RECONSTRUCTION).evaluate_all("all => all.map(one => one.alt)")
    ]
    page.get_by_role("button", name="Target list").click()
    page.get_by_role("button", name="To the page Targets").click()
    lines = page.get_by_role("textbox", name="One target per line")
    lines.wait_for()
    header, *listed = lines.input_value().splitlines()
    assert header == "name,ra,dec,known_redshift"
    assert len(listed) >= len(names)
    assert all(re.fullmatch(r"J[\d.+-]+,[\d.]+,[+-][\d.]+,(0\.\d+)?", line) for line in listed)
    page.go_back()
    page.get_by_role("button", name="Compare the first 5").click()
    page.locator('img[alt^="Corner plot of 5 posteriors"]').wait_for()
    for name in names[:5]:
        page.locator(f'img[alt^="VAE reconstruction of {name}"]').wait_for()
    assert page.url.endswith("/compare")
    # Another selection takes their place.
    page.go_back()
    chart = page.locator(".st-key-map .js-plotly-plot").last
    chart.wait_for()
    wait_for_points(page, lasso=True)
    draw_line(page, chart, 0.35)
    page.locator(f'img[alt^="VAE reconstruction of {names[0]}"]').wait_for(state="hidden")
    page.locator(RECONSTRUCTION).nth(4).wait_for()
    wait_for_points(page, lasso=True)  # and all else is drawn anew
    others = [
        re.search(r"J\d{6}\S+", alt)[0]
        for alt in page.locator(RECONSTRUCTION).evaluate_all("all => all.map(one => one.alt)")
    ]
    assert not set(others[:5]) & set(names)
    page.get_by_role("button", name="Compare the first 5").click()
    page.wait_for_url(re.compile("compare"))
    for name in others[:5]:
        page.locator(f'img[alt^="VAE reconstruction of {name}"]').wait_for()
    page.locator('img[alt^="Corner plot of 5 posteriors"]').wait_for()
    page.locator('[data-testid=stApp][data-test-script-state="notRunning"]').wait_for()
    assert page.get_by_text("This session").count() == 0
