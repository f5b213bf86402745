"""What a session remembers, and how pages send the user to a galaxy; without a browser."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from galexplorer.image.pixels import Pixels
from galexplorer.query.parse import parse_target
from galexplorer.records.photometry import Photometry
from galexplorer.sky.fetch import Fetched
from galexplorer.ui.session import state
from galexplorer.ui.session.identity import Identity
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source, list_examples
from galexplorer.ui.session.state import ExploredGalaxy

ROOT = Path(__file__).resolve().parents[3]


class Store(dict):
    """Stands for `st.session_state`."""


@pytest.fixture
def session(monkeypatch):
    store = Store()
    monkeypatch.setattr(state.st, "session_state", store)
    return store


def record(key: str, name: str = "spiral", size: int = 10, **options) -> ExploredGalaxy:
    source = Source("example", name, ((f"{name}.fits", bytes(size)),), "")
    return ExploredGalaxy(key, Identity(name, ""), source, Options(**options), result=None)


def test_history_has_the_latest_first(session):
    for key in "abc":
        state.store_result(record(key))
    assert [r.key for r in state.history()] == ["c", "b", "a"]
    assert state.find_result("a").key == "a"
    assert [r.key for r in state.history()] == ["a", "c", "b"]
    assert state.find_result("unknown") is None


def test_history_is_bounded_in_number_and_bytes(session, monkeypatch):
    for k in range(state.HISTORY + 5):
        state.store_result(record(str(k)))
    assert len(state.history()) == state.HISTORY
    monkeypatch.setattr(state, "SOURCE_BYTES", 100)
    state.store_result(record("large", size=90))
    state.store_result(record("larger", size=150))
    assert [r.key for r in state.history()] == ["larger"]


def test_before_is_the_last_other_answer_about_the_same_galaxy(session):
    state.store_result(record("a", "spiral"))
    state.store_result(record("b", "dwarf"))
    now = record("c", "spiral", redshift=0.02)
    state.store_result(now)
    assert state.previous_result(now).key == "a"
    assert state.previous_result(record("b", "dwarf")) is None
    assert state.previous_result(record("d", "spiral", ra=1.0, dec=2.0)) is None


def test_a_link_finds_its_source_in_the_session(session):
    state.store_result(record("a", "spiral"))
    assert state.find_source(("example", "spiral")).name == "spiral"
    assert state.find_source(("example", "dwarf")) is None


@pytest.fixture
def app(weights_dir) -> AppTest:
    if not list_examples():
        pytest.skip("no examples")
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)


def test_the_address_says_what_is_shown(app):
    app.query_params["example"] = "spiral"
    app.query_params["seed"] = "3"
    app.query_params["draws"] = "1000"
    app.run()
    assert not app.exception
    assert app.number_input(key="seed").value == 3
    assert app.header[0].value == "Nearby spiral"
    assert any("z = 0." in words.value for words in app.markdown)
    app.number_input(key="seed").set_value(4).run()
    assert app.query_params["seed"] == "4"
    assert len(app.session_state["history"]) == 2


def test_prior_cuts_and_inputs_reach_the_engine(app):
    app.query_params["example"] = "spiral"
    app.run()
    app.slider(key="cut_log_stellar_mass").set_value((10.5, 13.0)).run()
    assert not app.exception
    newest = list(app.session_state["history"].values())[-1].result
    assert newest.posterior.column("log_stellar_mass").min() >= np.float32(10.5)
    assert app.query_params["log_stellar_mass"] == "10.5~13"
    app.button_group(key="use").set_value([]).run()
    assert "No input is left" in app.error[0].value


def test_a_link_to_an_upload_asks_for_the_file(app):
    app.query_params["upload"] = "0123456789abcdef"
    app.run()
    assert "upload it again" in app.error[0].value


def test_another_page_sends_the_user_to_a_galaxy(app, monkeypatch):
    asked = []

    def fetch(text, progress):
        asked.append(text)
        from galexplorer.errors import FetchError

        raise FetchError("The services are asleep: try again later.")

    monkeypatch.setattr("galexplorer.sky.fetch.fetch_target", fetch)
    app.query_params["draws"] = "1000"
    app.run()
    app.text_input(key="target").set_value("NGC 5332").run()
    assert asked == ["NGC 5332"]
    assert "asleep" in app.error[0].value
    assert app.query_params["target"] == "NGC 5332"
    assert app.query_params["draws"] == "1000"


def test_what_was_fetched_is_kept_for_other_sessions_up_to_a_limit(monkeypatch):
    asked = []

    def fetch(text, progress):
        asked.append(text)
        pixels = Pixels(np.zeros((3, 1024, 1024), np.float32), 0.396, "fits", "0" * 64)
        photometry = Photometry(kinds[text])
        return Fetched(parse_target(text), 10.0, 20.0, pixels, photometry, None, {}, "", "", {})

    kinds = {f"{k}.0 +20.0": "catalogue" for k in range(8)} | {"9.0 +30.0": "none"}
    kept = OrderedDict()
    monkeypatch.setattr("galexplorer.sky.fetch.fetch_target", fetch)
    monkeypatch.setattr(state, "_fetched", lambda: kept)
    first = state.fetch_source("0.0 +20.0", print)
    assert state.fetch_source("0.0 +20.0", print) is first
    assert asked == ["0.0 +20.0"]
    state.fetch_source("9.0 +30.0", print)  # without SDSS's values: asked again the next time
    assert list(kept) == ["0.0 +20.0"]
    for words in list(kinds)[:8]:  # 12 MB each
        state.fetch_source(words, print)
    assert "0.0 +20.0" not in kept
    assert sum(source.fetched.pixels.flux.nbytes for _, source in kept.values()) <= (
        state.FETCHED_BYTES
    )


def test_another_seed_does_not_encode_again(weights_dir, monkeypatch):
    engine = state.load_engine()
    calls = []
    prepare = type(engine).prepare
    monkeypatch.setattr(
        type(engine), "prepare", lambda self, seen: calls.append(1) or prepare(self, seen)
    )
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["example"] = list_examples()[0].reference
    at.query_params["draws"] = "517"
    state._prepared.clear()
    at.run()
    first = at.table[0].value
    at.number_input(key="seed").set_value(3).run()
    assert not at.exception
    assert not at.table[0].value.equals(first)
    assert len(calls) == 1
    at.number_input(key="mag_g").set_value(15.0).run()
    assert not at.exception
    assert len(calls) == 2


def test_the_address_follows_the_interval(weights_dir):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["example"] = list_examples()[0].reference
    at.query_params["draws"] = "517"
    at.run()
    assert "interval" not in at.query_params
    at.button_group(key="interval").set_value("95%").run()
    assert at.query_params["interval"] == "95"
