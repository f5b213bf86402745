"""The fit of the classifiers, on toys and on rows that are easily told apart."""

import numpy as np
import pandas as pd
import pytest

from galexplorer.datasets.shards import TRAIN, VALIDATION
from galexplorer.schema import BANDS
from galexplorer.screening import fit
from galexplorer.screening.tables import MagnitudeSampler, spoil, stock_of
from galexplorer.verdict.classifiers import (
    GALAXY,
    IMAGE_CLASSES,
    IMAGE_SIZE,
    PATTERNS,
    RATES,
    pattern_of,
)

MEAN = {
    "galaxy": (19.0, 17.6, 16.8, 16.4, 16.1),
    "star": (18.2, 17.0, 16.8, 16.7, 16.7),
    "quasar": (17.0, 16.9, 16.8, 16.7, 16.7),
    "distant": (22.0, 19.8, 18.2, 17.6, 17.2),
}


@pytest.fixture
def rows(rng) -> pd.DataFrame:
    parts = []
    for kind, mean in MEAN.items():
        part = pd.DataFrame(rng.normal(mean, 0.05, (600, 5)), columns=list(BANDS))
        shift = rng.uniform(-1, 1, 600)
        part[list(BANDS)] += shift[:, None]
        parts.append(part.assign(kind=kind, source="toy", redshift=0.1, r50=np.nan))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(split=np.where(np.arange(len(table)) % 4, TRAIN, VALIDATION))


def test_batches_have_every_class_at_every_magnitude(rows, rng):
    magnitudes, errors, label = MagnitudeSampler(rows).draw(4000, rng)
    assert set(label) == set(range(5))
    r = magnitudes[:, 2]
    for k in (0, 1, 2):
        assert np.nanmedian(r[label == k]) == pytest.approx(16.8, abs=0.3)
    assert np.isfinite(magnitudes).any(axis=1).all()
    assert 0.1 < np.isfinite(errors[:, 0]).mean() < 0.2
    stock = stock_of(rows, VALIDATION)
    assert len(stock.stars) == 150
    assert (stock.galaxies[:, 3] > 1).mean() > 0.9  # sizes usual at their magnitude


def test_spoilt_magnitudes_are_others(rng):
    plain = np.tile(MEAN["galaxy"], (300, 1))
    assert (np.abs(spoil(plain, rng) - plain).max(axis=1) > 0.05).mean() > 0.95


def test_limits_hold_on_the_rows_that_chose_them(rows, monkeypatch):
    monkeypatch.setitem(fit._STEPS, "photometry", 80)
    monkeypatch.setattr(fit, "_MEMBERS", {"photometry": 1, "image": 1})
    classifier = fit.fit_photometry(rows)
    assert classifier.limits.shape == (PATTERNS, len(RATES))
    galaxies = rows[rows.kind == "galaxy"][list(BANDS)].to_numpy()
    score = 1 - fit._judge_magnitudes(classifier, galaxies, 31)[:, GALAXY]
    limits = classifier.limits[pattern_of(galaxies)].numpy()
    for k, rate in enumerate(RATES):
        assert (score > limits[:, k]).mean() <= rate + 2 / len(score)
    stars = rows[(rows.kind == "star") & (rows.split == VALIDATION)][list(BANDS)].to_numpy()
    score = 1 - fit._judge_magnitudes(classifier, stars, 31)[:, GALAXY]
    assert (score > classifier.limits[pattern_of(stars), 1].numpy()).mean() > 0.9


def test_images_of_unknown_scale_say_nothing_of_it(rng, monkeypatch):
    monkeypatch.setitem(fit._STEPS, "image", 60)
    monkeypatch.setattr(fit, "_MEMBERS", {"photometry": 1, "image": 1})
    label = np.arange(1800) % len(IMAGE_CLASSES)
    inputs = rng.normal(0, 0.3, (1800, IMAGE_SIZE)).astype("f4")
    inputs[np.arange(1800), label] += 3
    split = np.where(rng.random(1800) < 0.3, VALIDATION, TRAIN)
    linear = rng.random(1800) < 0.4
    classifier = fit.fit_images(inputs, label, split, rng.random(1800) < 0.8, linear)
    found = classifier.probabilities(inputs).argmax(axis=1)
    assert (found == label).mean() > 0.9
    assert classifier.limits.shape == (2, len(RATES))
    assert float(classifier.limits[:, 1].min()) >= 0.5  # more likely wrong than not
