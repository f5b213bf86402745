"""The page of the report card: what it shows, without a browser."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from galexplorer.model.weights import read_report_card
from galexplorer.ui.pages import card

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = "from galexplorer.ui.pages import card; card.page()"


@pytest.fixture
def report(weights_dir) -> dict:
    found = read_report_card(weights_dir)
    if found is None:
        pytest.skip("the weights have no report card")
    return found


@pytest.fixture
def opened(report) -> AppTest:
    at = AppTest.from_string(SCRIPT, default_timeout=240).run()
    assert not at.exception
    return at


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[*`]", "", text))


def test_the_page_says_how_good_it_is_and_what_falls_short(opened, report):
    assert opened.header[0].value == "How good is it?"
    text = "\n".join(element.value for element in opened.markdown)
    for sentence in (*report["shortfalls"], *card.LIMITS):
        assert sentence in text
    labels = [metric.label.split(":")[0] for metric in opened.metric]
    assert labels == [headline[0] for headline in card.HEADLINES]
    first = report["samples"]["main_sample"]["modes"]["photometry"]["targets"]["redshift"]
    assert f"{first['galexplorer']['sigma_mad']:.4f}" in opened.metric[0].value
    assert len(opened.table) >= 4


def test_another_set_can_be_chosen(opened, report):
    opened.selectbox(key="card_sample").set_value("mpajhu").run()
    assert not opened.exception
    sample = report["samples"]["mpajhu"]
    assert list(opened.selectbox(key="card_mode_mpajhu").options) == list(sample["modes"])
    assert any("0.02 < z < 0.05" in caption.value for caption in opened.caption)
    shown = list(opened.table[0].value["Target"])
    assert len(shown) == len(sample["modes"]["photometry"]["targets"])


def test_without_a_report_card_the_page_says_what_to_do(monkeypatch):
    monkeypatch.setattr(card, "read_report_card", lambda: None)
    card.read_card.clear()
    at = AppTest.from_string(SCRIPT, default_timeout=60).run()
    card.read_card.clear()
    assert not at.exception
    assert "no report card yet" in at.info[0].value
