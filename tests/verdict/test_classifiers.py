"""The classifiers of the verdict: their inputs, and that a row's answer is its own."""

import numpy as np
import pytest
import torch

from galexplorer.errors import WeightsError
from galexplorer.image.quality import NAMES
from galexplorer.verdict.classifiers import (
    HIDDEN,
    IMAGE_CLASSES,
    IMAGE_SIZE,
    PATTERNS,
    PHOTOMETRY_CLASSES,
    PHOTOMETRY_SIZE,
    RATES,
    Classifier,
    excess_error,
    pattern_of,
    photometry_inputs,
    size_log_odds,
    weigh_quasars,
)
from galexplorer.verdict.judgement import Screens

GALAXY = np.array([[19.0, 17.6, 16.8, 16.4, 16.1]])
NOTHING = np.full((1, 5), np.nan)


def a_classifier(inputs: int, classes: int, patterns: int = 1) -> Classifier:
    generator = torch.Generator().manual_seed(2)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    first, second = [drawn(HIDDEN, inputs), drawn(HIDDEN)], [drawn(HIDDEN, HIDDEN), drawn(HIDDEN)]
    layers = [*first, *second, drawn(classes, HIDDEN), drawn(classes)]
    return Classifier(
        torch.zeros(inputs),
        torch.ones(inputs),
        tuple(layers * 2),
        torch.zeros(patterns, len(RATES)),
        torch.tensor([0.0, 1.0]),
    )


def test_a_missing_band_is_told_from_any_value():
    whole = photometry_inputs(GALAXY, NOTHING)
    assert whole.shape == (1, PHOTOMETRY_SIZE)
    lacking = GALAXY.copy()
    lacking[0, 0] = np.nan
    found = photometry_inputs(lacking, NOTHING)
    assert found[0, 5] == 0  # u is absent
    assert whole[0, 5] == 1
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0, 1:5], whole[0, 1:5])


def test_colours_count_and_not_the_zero_point():
    brighter = photometry_inputs(GALAXY - 1, NOTHING)
    np.testing.assert_allclose(
        brighter[0, 15:], photometry_inputs(GALAXY, NOTHING)[0, 15:], atol=1e-6
    )


def test_an_error_of_the_survey_is_no_excess():
    assert excess_error(GALAXY, np.full((1, 5), 0.02)).max() == 0
    assert excess_error(GALAXY, np.full((1, 5), 0.5)).min() > 0.4


def test_a_row_has_the_same_answer_beside_others(rng):
    classifier = a_classifier(PHOTOMETRY_SIZE, len(PHOTOMETRY_CLASSES))
    inputs = rng.normal(size=(50, PHOTOMETRY_SIZE)).astype(np.float32)
    together = classifier.probabilities(inputs)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    for k in (0, 17, 49):
        alone = classifier.probabilities(inputs[k : k + 1])
        np.testing.assert_array_equal(alone[0].astype("f4"), together[k].astype("f4"))


def test_a_point_source_has_the_size_of_one():
    odds = size_log_odds(np.array([0.75, 2.4, np.nan]), np.array([17.0, 17.0, 17.0]))
    assert odds[0] > 0
    assert odds[1] < -4
    assert odds[2] == 0


def test_limits_go_with_bands_and_brightness():
    faint = np.vstack([GALAXY - 2, GALAXY, GALAXY + 1.9, GALAXY + 5])
    assert pattern_of(faint).tolist() == [31, 31, 63, 95]
    lacking = faint.copy()
    lacking[:, 2] = np.nan
    assert pattern_of(lacking).tolist() == [27, 27, 59, 91]
    assert pattern_of(np.full((1, 5), np.nan)) % 32 == 0


def test_bright_quasars_are_rarer():
    even = np.full((4, len(PHOTOMETRY_CLASSES)), 0.2)
    found = weigh_quasars(even, np.array([15.0, 17.0, 20.0, np.nan]))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    quasar, star = (PHOTOMETRY_CLASSES.index(name) for name in ("quasar", "star"))
    np.testing.assert_allclose(found[:, quasar] / found[:, star], [10**-2.4, 10**-0.8, 1, 1])


def test_linear_images_are_not_judged_by_doubts():
    classifier = a_classifier(IMAGE_SIZE, len(IMAGE_CLASSES), 2)
    doubtful = np.zeros((1, len(IMAGE_CLASSES)))
    doubtful[0, IMAGE_CLASSES.index("scale")] = 0.9
    doubtful[0, IMAGE_CLASSES.index("units")] = 0.06
    assert classifier.score(doubtful, IMAGE_CLASSES, linear=False)[0] == ["scale"]
    codes, scores = classifier.score(doubtful, IMAGE_CLASSES, linear=True)
    assert (codes, scores.round(3).tolist()) == (["units"], [0.06])


def test_what_is_written_is_read_and_another_version_refused():
    screens = Screens(
        a_classifier(PHOTOMETRY_SIZE, len(PHOTOMETRY_CLASSES), PATTERNS),
        a_classifier(IMAGE_SIZE, len(IMAGE_CLASSES), 2),
    )
    arrays = screens.to_arrays()
    again = Screens.from_arrays(arrays)
    inputs = np.ones((3, len(NAMES)), np.float32)
    np.testing.assert_array_equal(
        again.image.probabilities(inputs), screens.image.probabilities(inputs)
    )
    assert again.photometry.limits.shape == (PATTERNS, len(RATES))
    name = "image.layer2"
    for changed in (
        {**arrays, "layout": torch.tensor([99])},
        {**arrays, name: arrays[name][:, 1:]},
        {other: value for other, value in arrays.items() if other != "photometry.odds"},
    ):
        with pytest.raises(WeightsError, match="another version"):
            Screens.from_arrays(changed)
