"""Neighbours and map without a browser: from a galaxy to another, offline."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from streamlit.testing.v1 import AppTest

from galexplorer.inference import library
from galexplorer.inference.neighbours import LIBRARY_FILE, Library
from galexplorer.query.target_list import read_targets
from galexplorer.records.result import EMPTY_LIBRARY
from galexplorer.sky import pictures
from galexplorer.sky.cache import Cache
from galexplorer.ui.parts import galaxy_list, gallery, latent_map
from galexplorer.ui.parts.latent_map import chosen_rows
from galexplorer.ui.session import navigation, state

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def app(weights_dir) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["example"] = "spiral"
    at.run()
    assert not at.exception
    return at


def the_record(at: AppTest):
    return list(at.session_state["history"].values())[-1]


def test_a_neighbour_is_explored_from_the_library(app):
    neighbour = the_record(app).result.neighbours[0]
    app.button(key=f"explore_neighbours_{neighbour.name}").click().run()
    assert not app.exception
    assert not app.error
    record = the_record(app)
    assert record.name == neighbour.name
    assert app.query_params["library"] == neighbour.name
    assert record.result.view is None
    assert record.result.known["redshift"] == pytest.approx(neighbour.known["redshift"], abs=1e-4)
    assert app.button(key="fetch_pixels").label == "Fetch its SDSS image"
    assert all(n.name != neighbour.name for n in record.result.neighbours)


def test_a_library_link_takes_the_options_of_the_user(weights_dir):
    from galexplorer.ui.session.state import load_engine

    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["library"] = load_engine().library.names[4]
    at.query_params["redshift"] = "0.05"
    at.run()
    assert not at.exception
    assert any("z = 0.05 (fixed)" in words.value for words in at.markdown)


def test_an_unknown_galaxy_of_the_library_is_a_sentence(weights_dir):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["library"] = "J000000.00+000000.0"
    at.run()
    assert not at.exception
    assert "has no galaxy J000000.00+000000.0" in at.error[0].value


def test_the_table_sets_values_beside_the_posterior(app):
    record = the_record(app)
    app.button_group(key="neighbours_view").set_value("Table").run()
    tables = [t.value for t in app.table if "Galaxy" in t.value.columns]
    assert list(tables[0]["Galaxy"]) == [
        "**This galaxy**",
        *[n.name for n in record.result.neighbours],
    ]
    library = state.load_engine().library
    rows = [library.find_row(n.name) for n in record.result.neighbours]
    table = galaxy_list.galaxy_table(library, rows, [n.distance for n in record.result.neighbours])
    first = record.result.neighbours[0]
    assert table["name"][0] == first.name
    assert table["redshift"][0] == pytest.approx(first.known["redshift"], abs=1e-3)
    assert table["redshift_published"][0]


def test_a_list_of_targets_keeps_names_positions_and_published_redshifts(weights_dir):
    library = state.load_engine().library
    values, published = library.values("redshift")
    rows = [int(np.flatnonzero(published)[0]), *np.flatnonzero(~published)[:1].tolist()]
    targets = read_targets(galaxy_list.target_text(library, rows).encode()).targets
    for target, row in zip(targets, rows, strict=True):
        ra, dec = library.position[row].tolist()
        assert target.label == library.names[row]
        assert target.text == f"{ra:.6f} {dec:+.6f}"
        assert target.redshift is None
        known = pytest.approx(float(values[row]), abs=1e-5) if published[row] else None
        assert target.known_redshift == known


def send_to_compare(at: AppTest) -> list[str]:
    """Compare the first neighbours of the galaxy on the page, and return their names."""
    names = [neighbour.name for neighbour in the_record(at).result.neighbours[:5]]
    at.button_group(key="neighbours_view").set_value("Table").run()
    at.button(key="neighbours_list_compare").click().run()
    assert not at.exception
    assert at.header[0].value == "Compare"
    return names


def test_a_comparison_leaves_what_was_explored_and_the_next_one_takes_its_place(app):
    first = send_to_compare(app)
    compared = app.multiselect(key="compared")
    assert list(app.table[0].value.columns[1:]) == first
    assert len(app.session_state["history"]) == 1
    app.button(key=f"return_{compared.value[4][:12]}").click().run()
    assert the_record(app).name == first[4]  # explored now
    assert len(app.session_state["history"]) == 2
    second = send_to_compare(app)
    assert list(app.table[0].value.columns[1:]) == second != first
    assert len(app.session_state["history"]) == 2


def test_a_page_that_was_asked_for_is_opened_wherever_the_next_run_begins(app):
    """A request of the page before may come between a change of page and its run."""
    app.session_state["targets_text"] = "NGC 5332"
    app.session_state["page_next"] = ("targets", None)
    app.run()
    assert app.header[0].value == "Targets"
    assert app.text_area(key="targets_text").value == "NGC 5332"
    app.run()
    assert "page_next" not in app.session_state


def test_a_click_counts_where_its_button_is_gone(app):
    """A selection that changes while the click travels takes the button away."""
    names = [neighbour.name for neighbour in the_record(app).result.neighbours[:3]]
    app.button_group(key="neighbours_view").set_value("Table").run()
    app.button(key="neighbours_list_list").click()
    app.button_group(key="neighbours_view").set_value("Pictures").run()  # in one run with it
    assert app.header[0].value == "Targets"
    lines = app.text_area(key="targets_text").value.splitlines()
    assert [line.split(",")[0] for line in lines[1:4]] == names


def test_links_name_the_position(app):
    links = gallery.links_of(the_record(app).result.neighbours[0])
    assert list(links) == ["SkyServer", "Legacy", "NED", "Simbad", "ESASky", "Aladin"]
    ra = f"{the_record(app).result.neighbours[0].ra:.5f}"
    assert all(url.startswith("https://") and ra in url for url in links.values())


def test_nothing_is_fetched_unless_wanted(app, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "galexplorer.sky.pictures.fetch_pictures",
        lambda places, *rest: (asked.append(places), ([None] * 8, ""))[1],
    )
    app.run()
    assert not asked
    app.toggle(key="sdss_pictures").set_value(True).run()
    assert len(asked) == 1
    assert len(asked[0]) == 8


def test_an_outage_is_remembered(app, monkeypatch):
    calls = []

    def fail(places, *rest):
        calls.append(time.monotonic())
        return [None] * len(places), "The viewer is away: try again later."

    monkeypatch.setattr("galexplorer.sky.pictures.fetch_pictures", fail)
    gallery._outage().clear()
    app.toggle(key="sdss_pictures").set_value(True).run()
    app.run()
    gallery._outage().clear()
    assert len(calls) == 1
    assert any("The viewer is away" in c.value for c in app.caption)


def test_pictures_that_were_fetched_are_shown_while_the_service_is_away(app, monkeypatch, tmp_path):
    """Real pixels, where there are any on the disk, before what the autoencoder makes."""
    cache = Cache(tmp_path)
    monkeypatch.setattr(pictures, "PATIENCE", replace(pictures.PATIENCE, cache_dir=tmp_path))
    monkeypatch.setattr(
        pictures, "fetch_pictures", lambda places, *rest: pytest.fail("the network was asked")
    )
    neighbours = the_record(app).result.neighbours
    monkeypatch.setitem(gallery._outage(), "pictures", (time.monotonic() + 60, "It is away."))
    for k, galaxy in enumerate(neighbours):
        if k == 1:
            continue
        cache.put(
            f"legacy jpeg {galaxy.ra:.5f} {galaxy.dec:+.5f} {galaxy.field_arcsec:.1f}", b"jpeg"
        )
    found, problem = gallery._fetch(neighbours)
    assert found == [None if k == 1 else b"jpeg" for k in range(8)]
    assert problem == "It is away."


def test_points_are_chosen_once_and_in_order():
    points = [{"customdata": [7]}, {"customdata": 3}, {"customdata": [7]}, {"x": 1.0}]
    assert chosen_rows({"selection": {"points": points}}) == [7, 3]


def test_the_map_page_needs_no_galaxy(weights_dir):
    at = AppTest.from_string("from galexplorer.ui.pages import latent_map; latent_map.page()")
    at.run(timeout=120)
    assert not at.exception
    assert "real galaxies" in at.markdown[0].value
    for name in latent_map.COLOURINGS:
        at.selectbox(key="map_colour").set_value(name).run()
        assert not at.exception


@pytest.fixture
def use_library(weights_dir, monkeypatch) -> Iterator[Callable[[dict[str, torch.Tensor]], Library]]:
    """Give the app's weights another library; nothing seen with another is remembered."""
    engine = state.load_engine()

    def use_library(arrays: dict[str, torch.Tensor]) -> Library:
        monkeypatch.setitem(engine.__dict__, "library", Library(arrays))
        return engine.library

    state._prepared.clear()
    yield use_library
    state._prepared.clear()


@pytest.fixture
def empty_library(use_library) -> Library:
    return use_library(library.empty_library())


def test_a_galaxy_that_the_library_lists_twice_is_two(use_library, weights_dir):
    """Of two images: each has its card, its link and its place in a comparison."""
    arrays = load_file(weights_dir / LIBRARY_FILE)
    arrays["position"] = torch.cat([arrays["position"][:1], arrays["position"][:-1]])
    known = use_library(arrays)
    other, twin = known.names[:2]

    def page(rows: list[int]) -> None:
        from galexplorer.ui.parts import gallery
        from galexplorer.ui.session import state

        gallery.show_gallery(state.load_engine().describe(rows), "twins", False)

    at = AppTest.from_function(page, args=([0, 1],), default_timeout=120).run()
    assert not at.exception
    assert [button.key.rsplit("twins_")[1] for button in at.button] == [other, twin]

    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["library"] = twin
    at.run()
    assert not at.exception
    shown = the_record(at)
    assert shown.source.stored.stored.latent.tolist() == known.latents[1].tolist()
    assert not {n.name for n in shown.result.neighbours} & {other, twin}

    at = AppTest.from_string(
        "from galexplorer.ui.pages import compare; compare.page()", default_timeout=120
    )
    at.session_state[navigation.WANTED_KEY] = (other, twin)
    at.run()
    assert not at.exception
    assert len(at.multiselect(key="compared").value) == 2
    assert list(at.table[0].value.columns) == ["Quantity", other, twin]


def test_without_real_galaxies_the_map_says_how_to_get_some(empty_library):
    at = AppTest.from_string("from galexplorer.ui.pages import latent_map; latent_map.page()")
    at.run(timeout=120)
    assert not at.exception
    assert at.info[0].value == EMPTY_LIBRARY
    assert not at.selectbox


def test_without_real_galaxies_a_galaxy_is_shown_without_neighbours(empty_library):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["example"] = "dwarf"
    at.query_params["redshift"] = "0.0123"
    at.run()
    assert not at.exception
    assert EMPTY_LIBRARY in [info.value for info in at.info]
    at.button(key="random").click().run()
    assert not at.exception
    assert the_record(at).source.kind == "example"
