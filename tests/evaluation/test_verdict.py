"""The bench of the verdict: what it counts, and what the report card makes of it."""

import numpy as np
import pytest

from galexplorer.evaluation import verdict
from galexplorer.evaluation.shortfalls import sentences
from galexplorer.export.report_card import alarm_rows, caught_rows
from galexplorer.figures.card.calibration import verdict_plot


def judged(kind: str, level: str, p: float = 0.9, width: float = 0.02, **given) -> verdict._Judged:
    plain = {"r": 16.5, "size_arcsec": 4.0, "group": "late"}
    plain["score"] = np.inf if np.isnan(p) else 1 - p  # what is refused counts as found
    return verdict._Judged(kind, level, p_galaxy=p, width=width, **{**plain, **given})


@pytest.fixture
def found() -> list[verdict._Judged]:
    return [
        *(judged("galaxy", "fine") for _ in range(95)),
        *(judged("galaxy", "caution", r=14.5) for _ in range(3)),
        *(judged("galaxy", "do_not_use", 0.3, group="early") for _ in range(2)),
        *(judged("star", "do_not_use", 0.01) for _ in range(7)),
        judged("star", "refused", np.nan, np.nan),
        judged("star", "caution", 0.5, 0.06, held=True),
        judged("star", "fine", 0.8, 0.04, held=False),
    ]


def test_what_is_refused_is_caught_and_what_is_missed_has_its_width(found):
    stars = verdict._caught(found, ("star",))
    assert stars["number"] == 10
    assert stars["caught"] == pytest.approx(0.8)
    assert stars["warned"] == pytest.approx(0.9)
    assert stars["refused"] == pytest.approx(0.1)
    assert (stars["missed"], stars["missed_width"]) == (2, pytest.approx(2.5))
    assert stars["missed_held"] == 0.5
    assert verdict._caught(found, ("quasar",))["missed_held"] is None


def test_scores_are_compared_with_those_of_galaxies(found):
    stars = verdict._caught(found, ("star",))  # of ten, all but one lie above all galaxies or most
    assert stars["auc"] == pytest.approx((8 + 0.98 + 0.98) / 10)
    assert stars["at_rate"] == pytest.approx(0.8)


def test_alarms_are_counted_by_magnitude_size_and_type(found):
    rows = {(row["by"], row["group"]): row for row in verdict._alarms(found)}
    assert rows["all", "all"]["do_not_use"] == pytest.approx(0.02)
    assert rows["all", "all"]["warned"] == pytest.approx(0.05)
    assert rows["r", "14 to 15"]["warned"] == 1
    assert rows["r", "16 to 17"]["number"] == 97
    assert rows["R50", "3 to 5"]["number"] == 100
    assert rows["type", "early"]["do_not_use"] == 1


def test_reliability_assumes_nine_galaxies_in_ten(found):
    curve = verdict._reliability(found)
    assert sum(curve["count"]) == 109  # what was refused has no probability
    place = int(np.argmax(curve["count"]))
    assert curve["probability"][place] == pytest.approx(0.9)
    assert curve["share"][place] == 1.0
    low = int(np.argmin(curve["probability"]))
    assert curve["share"][low] == 0


def test_the_card_shows_the_bench_and_says_what_falls_short(found):
    kinds = [
        {"kind": "Stars", "input": "ugriz", "goal": goal, **verdict._caught(found, ("star",))}
        for goal in (0.95, 0.5)
    ]
    card = {
        "false_alarm_rate": 0.01,
        "kinds": kinds,
        "false_alarms": [{"input": "ugriz", **row} for row in verdict._alarms(found)],
        "reliability": {"ugriz": verdict._reliability(found)},
    }
    assert caught_rows(card)[0]["Do not use"] == "80.0%"
    assert alarm_rows(card)[0]["Number"] == "100"
    assert "Reliability" in verdict_plot({**card, "reliability": {**card["reliability"], "image":
        verdict._reliability(found)}}).title  # fmt: skip
    said = sentences({"samples": {}, "verdict": card})
    assert said == ["The verdict catches fewer than it should of: stars (80% of 10, aim 95%)."]
