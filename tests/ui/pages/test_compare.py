"""The page that compares galaxies, without a browser."""

from collections import OrderedDict

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result
from galexplorer.records.verdict import Verdict, reason
from galexplorer.ui.session import navigation, state
from galexplorer.ui.session.identity import Identity
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source, list_examples
from galexplorer.ui.session.state import ExploredGalaxy

MEANS = [0.05, 10.4, 0.2, 8.9, 7.1, 2.1, 1.55, 1.65, 1.2]
BPT = {"star_forming": 0.7, "composite": 0.2, "seyfert": 0.06, "liner": 0.04}
STAR = Verdict((reason("star", "do_not_use"),), 0.02)


def record(name: str, seed: int, file: str = "", **more) -> ExploredGalaxy:
    draws = np.random.default_rng(seed).normal(MEANS, 0.01, (400, 9)).astype(np.float32)
    result = Result(
        Posterior(draws), BPT, Photometry("none"), Domain(True, 40.0),
        provenance={"weights_sha256": "ab" * 32, "seed": seed, "draws": 400}, **more,
    )  # fmt: skip
    source = Source("upload", name, ((f"{file or name}.fits", b""),), "")
    return ExploredGalaxy(f"{name}{seed}", Identity(name, ""), source, Options(seed=seed), result)


@pytest.fixture
def show(weights_dir):
    """Draw the page for a session that explored some galaxies."""

    def show(*records: ExploredGalaxy) -> AppTest:
        at = AppTest.from_string(
            "from galexplorer.ui.pages import compare; compare.page()", default_timeout=120
        )
        at.session_state["history"] = OrderedDict((r.key, r) for r in reversed(records))
        at.run()
        assert not at.exception
        return at

    return show


def test_one_click_fills_the_empty_page(show):
    if not list_examples():
        pytest.skip("no examples")
    at = show()
    assert not at.table
    assert any("side by side" in words.value for words in at.markdown)
    at.button(key="compare_examples").click().run()
    assert not at.exception
    posteriors, differences = (table.value for table in at.table)
    assert list(posteriors.columns) == ["Quantity", "Nearby spiral", "Massive elliptical"]
    rows = posteriors["Massive elliptical"].tolist()
    assert rows[3].startswith("not measurable")
    # an elliptical forms fewer stars and has a heavier black hole, and the draws say so
    chances = dict(zip(differences["Quantity"], differences["P(first larger)"], strict=True))
    assert float(chances["Star-formation rate"].split()[-1]) > 0.95
    assert chances["Black-hole mass"] == "< 0.01"
    assert differences["Difference"].tolist()[3] == "none"


def test_a_comparison_that_ends_in_a_bug_does_not_end_the_next_visit(weights_dir, monkeypatch):
    names = state.load_engine().library.names[:2]
    at = AppTest.from_string(
        "from galexplorer.ui.pages import compare; compare.page()", default_timeout=120
    )
    at.session_state[navigation.WANTED_KEY] = tuple(names)

    def spoilt(*given):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(state, "answer_aside", spoilt)
        at.run()
    assert at.exception
    at.run()
    assert not at.exception
    assert navigation.WANTED_KEY not in at.session_state
    assert any("side by side" in words.value for words in at.markdown)


def test_a_comparison_whose_run_is_undone_is_made_by_the_next(weights_dir, monkeypatch):
    names = state.load_engine().library.names[:2]
    at = AppTest.from_string(
        "from galexplorer.ui.pages import compare; compare.page()", default_timeout=120
    )
    at.session_state[navigation.WANTED_KEY] = tuple(names)
    with monkeypatch.context() as patch:
        patch.setattr(state, "answer_aside", lambda *given: st.stop())
        at.run()
    at.run()
    assert not at.exception
    assert list(at.table[0].value.columns) == ["Quantity", *names]


@pytest.mark.slow
def test_one_galaxy_is_compared_with_an_example(show):
    if not list_examples():
        pytest.skip("no examples")
    at = show(record("NGC 1", 1))
    assert at.button(key="compare_examples").label == "Compare NGC 1 and Nearby spiral"


def test_two_galaxies_have_a_difference(show):
    smaller = record("NGC 2", 2)
    smaller.result.posterior.draws[:, 2] -= 1
    at = show(record("NGC 1", 1), smaller)
    assert at.multiselect(key="compared").value == ["NGC 11", "NGC 22"]
    posteriors, differences = (table.value for table in at.table)
    assert posteriors["NGC 1"].str.startswith("**").sum() == 9
    chances = dict(zip(differences["Quantity"], differences["P(first larger)"], strict=True))
    assert chances["Star-formation rate"] == r"\> 0.99"  # without \ it is Markdown's quotation
    assert differences["Apart"].str.fullmatch(r"\d+\.\dσ").all()
    assert sum(badge.value.count("Like the training galaxies") for badge in at.markdown) == 2


def test_what_must_not_be_used_is_named_so_and_has_no_bold_number(show):
    at = show(record("A star", 1, verdict=STAR), record("NGC 2", 2))
    (posteriors,) = (table.value for table in at.table)  # and no difference
    grey = posteriors["A star (do not use)"].tolist()
    assert all(words.startswith(":gray[") for words in grey[:9])
    assert not any("**" in words for words in grey)
    assert posteriors["NGC 2"].str.startswith("**").sum() == 9
    words = " ".join(element.value for element in (*at.markdown, *at.caption))
    assert "It is probably a star. Check the position or the row." in words
    assert "mean nothing for what was given" in words


@pytest.mark.slow
def test_what_none_may_use_is_not_drawn(show):
    at = show(record("A star", 1, verdict=STAR), record("Another", 2, verdict=STAR))
    assert "None of these galaxies may be used" in at.info[0].value
    assert len(at.get("plotly_chart")) == 0


def test_results_of_one_galaxy_have_no_difference(show):
    """They rest on the same data: independent they are not."""
    at = show(record("NGC 1", 1, "same"), record("NGC 1", 2, "same"))
    assert len(at.table) == 1
    assert any("rest on the same data" in words.value for words in at.caption)


def test_names_are_words_not_markup(show):
    """Streamlit reads Markdown in heads of tables and on buttons, and none in choices."""
    at = show(record("A *b* $x$", 1), record("NGC 2", 2))
    head = r"A \*b\* \$x\$"
    assert list(at.table[0].value.columns) == ["Quantity", head, "NGC 2"]
    assert any(words.value.startswith(f"{head} minus NGC 2: ") for words in at.caption)
    assert any(button.label.startswith(head) for button in at.button)
    assert at.multiselect(key="compared").options[0].startswith("A *b* $x$")
