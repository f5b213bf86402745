"""BPT classes: accuracy and reliability against cases that can be counted by hand."""

import numpy as np
import pytest

from galexplorer.evaluation.classes import (
    class_probabilities_of_draws,
    known_classes,
    score_classes,
    score_measurable,
)
from galexplorer.schema import BPT_CLASSES, MEASURABLE_NAMES


def galaxy(nii: float, oiii: float) -> np.ndarray:
    """Return targets with log [NII]/Ha and log [OIII]/Hb as given."""
    out = np.full(9, np.nan)
    out[5:] = [2.0, 1.5, 2.0 + nii, 1.5 + oiii]
    return out


TRUTH = np.array([galaxy(-0.6, -0.3), galaxy(-0.15, -0.2), galaxy(0.0, 0.9), galaxy(0.2, 0.2)])


def test_classes_need_all_four_lines():
    holes = TRUTH.copy()
    holes[0, 6] = np.nan
    assert [BPT_CLASSES[k] for k in known_classes(TRUTH)] == list(BPT_CLASSES)
    assert known_classes(holes)[0] == -1


def test_a_sure_and_right_answer_is_perfect():
    draws = np.repeat(TRUTH[:, None], 20, axis=1)
    figures = score_classes(known_classes(TRUTH), class_probabilities_of_draws(draws))
    assert figures["accuracy"] == 1
    assert figures["brier"] == 0
    assert figures["ece"] == 0
    np.testing.assert_array_equal(figures["confusion"], np.eye(4))


def test_reliable_probabilities_have_no_gap_and_overconfident_ones_do(rng):
    p = rng.dirichlet([1, 1, 1, 1], 20_000)
    classes = (p.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    right = score_classes(classes, p)
    sharp = p**2 / (p**2).sum(axis=1, keepdims=True)
    wrong = score_classes(classes, sharp)
    assert right["ece"] < 0.01
    assert wrong["ece"] > 0.05
    assert wrong["accuracy"] == right["accuracy"]
    assert wrong["brier"] > right["brier"]
    curve = right["reliability"]
    often = np.array(curve["count"]) > 1000
    probability, share = np.array(curve["probability"]), np.array(curve["share"])
    np.testing.assert_allclose(probability[often], share[often], atol=0.03)
    expected = np.mean(np.sum(p * (1 - p), axis=1))
    assert right["brier"] == pytest.approx(expected, abs=0.01)


def test_unclassified_rows_are_left_out():
    figures = score_classes(np.array([-1, 0]), np.array([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]))
    assert figures["rows"] == 1
    assert figures["recall"]["liner"] is None
    assert score_classes(np.array([-1]), np.ones((1, 4)) / 4) == {"rows": 0}


def test_what_spectra_show_is_judged_by_the_share_that_comes_true(rng):
    """Right probabilities lie on the diagonal; their Brier score is the mean of p (1 - p)."""
    p = rng.beta(0.6, 0.6, (20_000, 5))
    shown = (rng.random(p.shape) < p).astype(float)
    shown[:, 1] = np.nan  # no spectrum says
    shown[:, 2] = 1.0  # all say the same
    found = score_measurable(shown, p)
    assert set(found) == {MEASURABLE_NAMES[k] for k in (0, 3, 4)}
    for k in (0, 3, 4):
        figures = found[MEASURABLE_NAMES[k]]
        assert figures["brier"] == pytest.approx(np.mean(p[:, k] * (1 - p[:, k])), abs=0.005)
        assert figures["brier_share"] == pytest.approx(0.25, abs=0.005)
        assert figures["ece"] < 0.02
    wrong = score_measurable(shown, p**3)[MEASURABLE_NAMES[0]]
    assert wrong["ece"] > 0.1
    assert wrong["brier"] > found[MEASURABLE_NAMES[0]]["brier"] + 0.02
