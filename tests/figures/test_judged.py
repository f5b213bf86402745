"""The first figures of the report card."""

import copy

import numpy as np
import pytest

from galexplorer.evaluation.scoring import MOST_POINTS, _points
from galexplorer.figures.card.judged import calibration_plot, has_points, truth_plot
from galexplorer.model.weights import read_report_card


@pytest.fixture
def report(weights_dir) -> dict:
    found = read_report_card(weights_dir)
    if found is None:
        pytest.skip("the weights have no report card")
    return copy.deepcopy(found)


def test_coverage_names_the_worst_real_sample(report):
    plot = calibration_plot(report)
    worst = report["samples"]["mpajhu"]["modes"]["photometry"]["targets"]["log_sfr"]
    worst["galexplorer"]["coverage_68"] = 0.0
    told = calibration_plot(report).alt
    assert "68 points: Star-formation rate" in told
    assert told != plot.alt
    lines = [len(axes.lines) for axes in plot.figure.axes]
    assert min(lines) > 10


def test_true_values_are_drawn_against_inferred_ones(report, rng):
    found = report["samples"]["main_sample"]["modes"]["photometry"]["targets"]["redshift"]
    truth = rng.uniform(0.01, 0.2, 4 * MOST_POINTS)
    truth[3] = np.nan
    draws = (
        truth[:, None]
        + rng.normal(0, 0.01, (len(truth), 500))
        + rng.normal(0, 0.01, (len(truth), 1))
    )
    found["points"] = _points(truth, draws)
    assert has_points(report)
    assert len(found["points"]["true"]) == MOST_POINTS
    assert found["points"]["true"][:4] == [round(v, 4) for v in truth[[0, 1, 2, 4]]]
    plot = truth_plot(report)
    true, low, high = (np.array(found["points"][key]) for key in ("true", "p16", "p84"))
    share = np.mean((low <= true) & (true <= high))
    assert f"Redshift, ugriz magnitudes: {share:.0%} of {MOST_POINTS}" in plot.alt
    assert 0.6 < share < 0.76


def test_a_card_without_single_galaxies_has_no_such_figure(report):
    for sample in report["samples"].values():
        for mode in sample["modes"].values():
            for target in mode["targets"].values():
                target.pop("points", None)
    assert not has_points(report)
    with pytest.raises(ValueError, match="no values"):
        truth_plot(report)
