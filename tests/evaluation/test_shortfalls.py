"""Sentences on what falls short: each kind is found, and nothing is made up."""

import runpy
from pathlib import Path

from galexplorer.evaluation.shortfalls import sentences
from galexplorer.model.weights import read_report_card

ROOT = Path(__file__).resolve().parents[2]


def target(coverage=0.68, ratio=(0.9, 0.8, 1.0), gain=0.1, log_score=1.0) -> dict:
    value, low, high = ratio
    return {
        "galexplorer": {"coverage_68": coverage, "log_score": log_score},
        "versus": {
            "rmse_ratio": {"value": value, "low": low, "high": high},
            "log_score_gain": gain,
            "log_score_gain_err": 0.02,
        },
    }


def sample(found: dict, state: str = "holds", mode: str = "photometry") -> dict:
    checks = {name: {"coverage_68": state, "pit_ks": "holds"} for name in found}
    return {"title": "A set", "modes": {mode: {"targets": found, "checks": checks}}}


def report(**samples: dict) -> dict:
    return {"samples": samples, "fields": []}


def test_nothing_falls_short_where_all_is_well():
    assert sentences(report(one=sample({"redshift": target()}))) == []


def test_each_kind_of_shortfall_is_named():
    found = sentences(
        report(one=sample({"log_sfr": target(0.55, (1.1, 1.05, 1.2), -0.1)}, "fails"))
    )
    assert found == [
        "A set: 1 of 2 calibration checks fail; worst: 68% intervals of star-formation rate "
        "contain 55% (photometry); a larger RMSE than gradient boosting's with photometry "
        "(star-formation rate +10%); a log score below the conditional Gaussian's with photometry "
        "(star-formation rate)."
    ]


def test_a_difference_within_its_error_is_none():
    assert sentences(report(one=sample({"redshift": target(ratio=(1.1, 0.95, 1.3))}))) == []
    assert sentences(report(one=sample({"redshift": target(gain=-0.03)}))) == []


def test_an_idle_image_and_a_missed_field_are_said():
    alone = sample({"redshift": target(log_score=1.2)})
    both = sample({"redshift": target(log_score=1.1)}, mode="image + photometry")
    rendered = {"title": "R", "modes": {**both["modes"], **alone["modes"]}}
    fields = [
        {"galaxy": name, "inside_95": name != "B", "log_density": 1.0, "log_density_photometry": 2}
        for name in "ABC"
    ]
    found = sentences({"samples": {"rendered": rendered}, "fields": fields})
    assert found[0].startswith("Given ugriz and radii, a rendered image does not")
    assert "misses 1 (B)" in found[1]
    assert "by 1.00 on average" in found[2]


def test_sets_too_small_to_judge_are_named():
    found = sentences(report(one={"title": "Tiny", "modes": {}}))
    assert found == ["Too few held-out galaxies for a test: Tiny."]


def test_the_documentation_says_what_the_report_card_does(weights_dir):
    script = runpy.run_path(str(ROOT / "scripts" / "performance.py"))
    card = read_report_card()
    assert card is not None
    page = script["PAGE"].read_text(encoding="utf-8")
    assert script["rewrite"](page, card) == page
