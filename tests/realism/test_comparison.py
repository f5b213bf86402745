"""Classifiers that tell what is told apart and fail on what is alike; forms with known measures."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from galexplorer.datasets import shards
from galexplorer.image.composite import composite
from galexplorer.image.pixels import Pixels
from galexplorer.realism import comparison_samples, discriminators
from galexplorer.realism.comparison import compare, gallery, match
from galexplorer.realism.comparison_samples import Sample
from galexplorer.simulation import donors, morphology
from galexplorer.simulation.rendering import Galaxy, render


def profile_grid(power: float, scale: float = 8.0) -> np.ndarray:
    axis = np.arange(64) - 31.5
    radius = np.hypot(axis[:, None], axis[None, :])
    flux = 2.0 * np.exp(-((radius / scale) ** power))
    return np.round(255 * composite(np.stack([0.6 * flux, flux, 1.3 * flux]), 0.396)).astype(
        np.uint8
    )


def value(grid: np.ndarray, name: str) -> float:
    return float(morphology.measure_morphology(grid[None])[0, morphology.NAMES.index(name)])


def test_concentration_of_a_gaussian_and_of_an_exponential():
    """5 log r80/r20: 2.1 for a Gaussian, 2.8 for an exponential disc (Conselice 2003: 2.7)."""
    assert value(profile_grid(2.0, 10.0), "concentration") == pytest.approx(2.14, abs=0.15)
    assert value(profile_grid(1.0, 5.0), "concentration") == pytest.approx(2.75, abs=0.25)


def test_a_symmetric_galaxy_has_no_asymmetry_and_no_gradient():
    grid = profile_grid(1.0)
    assert value(grid, "asymmetry") < 0.02
    assert abs(value(grid, "gradient_gr")) < 0.05
    lopsided = grid.copy()
    lopsided[:, :, 34:] //= 2
    assert value(lopsided, "asymmetry") > 0.2


def test_gini_rises_and_m20_falls_with_concentration():
    flat, peaked = profile_grid(4.0, 14.0), profile_grid(1.0, 5.0)
    assert value(peaked, "gini") > value(flat, "gini") + 0.1
    assert value(peaked, "m20") < value(flat, "m20") - 0.3


@pytest.fixture(scope="module")
def samples():
    """Two samples of one kind, and one that is blurred."""
    one, two, blurred = Sample(), Sample(), Sample()
    for seed in range(60):
        rng = np.random.default_rng([9, seed])
        r = rng.uniform(15.5, 16.5)
        galaxy = Galaxy((r + 0.6, r, r - 0.35), 3.0, 2.4, 0.7, -9.8, 0.0)
        for k, sample in enumerate((one, two, blurred)):
            flux = render(galaxy, np.random.default_rng([k % 2, seed]))
            if sample is blurred:
                flux = (flux + np.roll(flux, 2, 1) + np.roll(flux, 4, 2)) / 3
            sample.add(Pixels(flux, 0.396, "fits", ""), "set", "spiral")
    return one, two, blurred


def test_pairs_are_alike_and_used_once(samples):
    one, two, _ = samples
    ours, theirs = match(one, two)
    assert len(set(ours)) == len(ours) == len(set(theirs)) > 30
    difference = np.array(one.measured)[ours] - np.array(two.measured)[theirs]
    assert np.abs(difference[:, 0]).max() < 0.75


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.slow
def test_the_like_is_not_told_apart_and_the_unlike_is(samples, weights_dir, tmp_path):
    one, two, blurred = samples
    same, other = compare(one, two), compare(one, blurred)
    assert same["latents"]["all"] < 0.72
    assert same["features"]["all"] < 0.72
    assert other["features"]["all"] > 0.85
    assert set(same["latents"]) == {"all", "set", "spiral"}
    key = gallery(one, two, tmp_path / "gallery.png", pairs=18)
    assert sum(key) == 18
    assert len(key) == 36
    assert (tmp_path / "gallery.png").stat().st_size > 1000


def test_nothing_is_chosen_by_what_is_scored():
    """Numbers without information score 0.5, not the better of two tries."""
    random = np.random.default_rng(8)
    x, truth = random.normal(size=(240, 6)), np.tile([0, 1], 120)
    k = np.arange(240) // 2
    folds = [(np.flatnonzero(k % 4 != j), np.flatnonzero(k % 4 == j)) for j in range(4)]
    assert abs(roc_auc_score(truth, discriminators.score_numbers(x, truth, folds, 0)) - 0.5) < 0.1
    x[:, 3] += truth
    assert roc_auc_score(truth, discriminators.score_numbers(x, truth, folds, 0)) > 0.65


def test_the_network_sees_what_numbers_miss():
    """Stripes and the same stripes turned in half of the images."""
    random = np.random.default_rng(9)
    truth = np.tile([0, 1], 80)
    y, x = np.mgrid[:64, :64]
    grids = random.integers(0, 60, (160, 3, 64, 64))
    grids[truth == 1] += (80 * ((x + y) % 8 < 4)).astype(int)
    grids[truth == 0] += (80 * ((x // 4 + y // 4) % 2)).astype(int)
    k = np.arange(160)
    folds = [(np.flatnonzero(k % 4 > 1), np.flatnonzero(k % 4 < 2))]
    score = discriminators.score_images(grids.astype(np.uint8), truth, folds, 0)
    scored = folds[0][1]
    assert roc_auc_score(truth[scored], score[scored]) > 0.9


def test_the_images_to_tune_by_are_others_than_those_that_judge(data_dir, monkeypatch):
    monkeypatch.setattr(comparison_samples, "read_image", lambda path, **_: path)
    read = []
    monkeypatch.setattr(Sample, "add", lambda self, pixels, *_: read.append(pixels) or True)
    comparison_samples.read_real_sample(data_dir)
    judging, read[:] = set(read), []
    comparison_samples.read_real_sample(data_dir, tuning=True)
    assert len(judging) == sum(donors.RESERVED.values())
    assert len(read) == len(set(read)) == len(judging)
    assert not judging & set(read)
    listed = donors.unlabelled(data_dir)
    donor_files = listed[~listed.reserved & (listed.split == shards.TRAIN)]
    donor_paths = {data_dir / n / f for n, f in zip(donor_files.set, donor_files.file, strict=True)}
    assert not donor_paths & (judging | set(read))
