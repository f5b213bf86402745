"""Densities of the flows against closed forms, and a planted failure from end to end."""

import numpy as np
import pytest
import torch
from scipy import stats

from galexplorer.datasets import shards
from galexplorer.evaluation.calibration import check_calibration, passes, tarp
from galexplorer.evaluation.metrics import score
from galexplorer.evaluation.prediction import (
    GRI,
    PHOTOMETRY,
    PHOTOMETRY_FIXED,
    UGRIZ,
    Prediction,
    encode_rows,
    keep_with_lines,
    mask_inputs,
    predict,
    tell_detected,
)
from galexplorer.schema import TARGETS
from galexplorer.science.detection import THRESHOLDS

MEAN = (-2.1, 10.5, 0.2, 8.8, 7.0, 2.0, 1.5, 1.6, 1.4)
SPREAD = (0.5, 0.6, 0.7, 0.25, 1.0, 0.6, 0.6, 0.6, 0.7)


def closed_form(values: np.ndarray) -> np.ndarray:
    """Return log densities of independent normals, the redshift's in log(z + 0.02)."""
    out = stats.norm.logpdf(values, MEAN, SPREAD)
    z = values[:, 0]
    out[:, 0] = stats.norm.logpdf(np.log(z + 0.02), MEAN[0], SPREAD[0]) - np.log(z + 0.02)
    return out


@pytest.fixture
def few(table_rows):
    return shards.select(table_rows, np.arange(40))


@pytest.fixture
def values(rng):
    out = rng.normal(MEAN, SPREAD, (40, 9))
    out[:, 0] = rng.uniform(0.02, 0.3, 40)
    return out


def test_log_densities_have_their_closed_form(normal_engine, few, values):
    found = predict(normal_engine, few, PHOTOMETRY, values, draws=100, parents=4)
    expected = closed_form(values)
    edges = (np.log([0.02, 0.37]) - MEAN[0]) / SPREAD[0]
    expected[:, 0] -= np.log(np.diff(stats.norm.cdf(edges)))
    np.testing.assert_allclose(found.log_density, expected, atol=0.05)
    np.testing.assert_allclose(found.joint_log_density, expected[:, :3].sum(axis=1), atol=0.1)


def test_every_row_has_noise_of_its_own_and_the_same_each_time(normal_engine, few, values):
    """Else what few draws are too wide by chance would look like a fault of the posteriors."""
    first, second = (
        predict(normal_engine, few, PHOTOMETRY, values, draws=100, parents=2).draws
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first.std(axis=1)[:, 1].round(6))) == len(first)


def test_calibration_has_its_jacobian(normal_engine, few, values):
    """Skew and tails included: the derivative of noise by target is taken numerically."""
    model = normal_engine.model
    shift, width, skew, tail = 0.4, 1.7, 0.25, 0.8
    model.base_shift[0], model.base_width[0] = shift, width
    model.base_skew[0], model.base_tail[0] = skew, tail

    def noise(value: np.ndarray) -> np.ndarray:
        standard = (value - MEAN) / SPREAD
        return np.sinh(tail * np.arcsinh((standard - shift) / width) - skew)

    step = 1e-6
    slope = (noise(values + step) - noise(values - step)) / (2 * step)
    expected = stats.norm.logpdf(noise(values)) + np.log(slope)
    found = predict(normal_engine, few, PHOTOMETRY, values, draws=100, parents=4)
    np.testing.assert_allclose(found.log_density[:, 1:], expected[:, 1:], atol=0.05)
    # and for redshift, which lives on a logarithmic line
    line = np.log(values[:, 0] + 0.02)
    step = 1e-4 * values[:, :1]
    lines = [
        np.c_[np.log(values[:, :1] + 0.02 + s), values[:, 1:]] for s in (-step, 0 * step, step)
    ]
    before, at, after = (noise(x)[:, 0] for x in lines)
    ends = [noise(np.r_[np.log(z + 0.02), MEAN[1:]])[0] for z in (0.0, 0.35)]
    share = np.diff(stats.norm.cdf(ends))
    expected = stats.norm.logpdf(at) + np.log((after - before) / (2 * step[:, 0])) - np.log(share)
    inside = np.abs(line - MEAN[0]) < 3 * SPREAD[0]
    np.testing.assert_allclose(found.log_density[inside, 0], expected[inside], atol=0.06)


def test_a_prior_range_normalises_the_redshift(normal_engine, few, values):
    values[:20, 0] = 0.07
    found = predict(
        normal_engine, few, PHOTOMETRY, values, draws=100, parents=2, redshift_range=(0.05, 0.1)
    )
    edges = (np.log([0.07, 0.12]) - MEAN[0]) / SPREAD[0]
    share = np.log(np.diff(stats.norm.cdf(edges)))
    np.testing.assert_allclose(
        found.log_density[:20, 0], closed_form(values)[:20, 0] - share, atol=0.05
    )
    outside = (values[:, 0] < 0.05) | (values[:, 0] > 0.1)
    assert np.isneginf(found.log_density[outside, 0]).all()
    assert (found.draws[:, :, 0] >= 0.05).all()
    assert (found.draws[:, :, 0] <= 0.1).all()


def test_a_range_for_each_row_is_that_row_s_own(engine, few, values):
    limits = np.where(np.arange(40)[:, None] % 2, [[0.02, 0.3]], [[0.05, 0.1]])
    mixed = predict(engine, few, PHOTOMETRY, values, 100, parents=2, redshift_range=limits)
    for rows, cut in ((slice(0, None, 2), (0.05, 0.1)), (slice(1, None, 2), (0.02, 0.3))):
        same = predict(engine, few, PHOTOMETRY, values, 100, parents=2, redshift_range=cut)
        np.testing.assert_allclose(mixed.draws[rows], same.draws[rows], rtol=1e-5)
        np.testing.assert_allclose(
            mixed.log_density[rows], same.log_density[rows], rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("limits", [None, (0.04, 0.12)])
def test_the_density_of_the_mass_is_the_mean_over_redshifts(engine, few, values, limits):
    """Against the plain mean over many draws of the redshift, which has a known error."""
    found = predict(engine, few, PHOTOMETRY, values, 2000, parents=1, redshift_range=limits)
    encoded = encode_rows(engine, few, PHOTOMETRY.mask)
    for row in range(8):
        targets = torch.from_numpy(found.draws[row]).clone()
        targets[:, 1] = float(values[row, 1])
        with torch.inference_mode():
            each = engine.model.log_density(
                1,
                targets,
                encoded.context[[row]].expand(2000, -1, -1),
                encoded.mode[[row]].expand(2000),
            )
        density = each.exp().numpy()
        error = density.std() / np.sqrt(2000)
        assert np.exp(found.log_density[row, 1]) == pytest.approx(density.mean(), abs=5 * error)


@pytest.mark.parametrize("k", [0, 1, 5, 8])
def test_densities_integrate_to_one(engine, few, k):
    """For splines of any shape, marginal over their parents: a density in the target's unit."""
    row = shards.select(few, np.zeros(200, int))
    low, high = max(TARGETS[k].low, MEAN[k] - 14 * SPREAD[k]), MEAN[k] + 14 * SPREAD[k]
    grid = np.linspace(1e-5, 0.35, 200) if k == 0 else np.linspace(low, high, 200)
    truth = np.full((200, 9), np.nan)
    truth[:, k] = grid
    found = predict(engine, row, PHOTOMETRY, truth, draws=100, parents=40)
    density = np.exp(found.log_density[:, k])
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=0.03)
    # the mean of the density is the mean of the draws
    mean = np.trapezoid(density * grid, grid)
    draws = found.draws[0, :, k]
    assert mean == pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(40))


def test_a_fixed_redshift_conditions_the_rest(engine, few, values):
    found = predict(engine, few, PHOTOMETRY_FIXED, values, draws=100, parents=30)
    np.testing.assert_allclose(found.draws[:, :, 0], np.repeat(values[:, :1], 100, 1), rtol=1e-6)
    assert np.isnan(found.log_density[:, 0]).all()
    # the mass has one parent, which is known: its density is exact
    encoded = encode_rows(engine, few, PHOTOMETRY_FIXED.mask)
    with torch.inference_mode():
        direct = engine.model.log_density(
            1,
            torch.from_numpy(values).float(),
            encoded.context,
            encoded.mode,
        )
    np.testing.assert_allclose(found.log_density[:, 1], direct, rtol=1e-4, atol=1e-4)


def test_modes_show_what_they_name(few):
    hidden = mask_inputs(few, GRI)
    assert np.isnan(hidden["catalogue_mag"][:, [0, 4]]).all()
    assert np.isfinite(few["catalogue_mag"]).all()
    assert mask_inputs(few, UGRIZ) is few


@pytest.mark.slow
def test_an_overconfident_model_fails_and_the_right_one_passes(engine, table_rows):
    """Truths are draws of the posterior itself; then its base is narrowed to 0.7."""
    size = len(table_rows["split"])
    encoded = encode_rows(engine, table_rows, PHOTOMETRY.mask)
    source = engine.sample(encoded, 400, seed=12).numpy().astype(float)
    truth = source[np.arange(size), np.arange(size) % 400]
    log_scores = {}
    for factor in (1.0, 0.7):
        engine.model.base_width[:] = factor
        found = predict(engine, table_rows, PHOTOMETRY, truth, draws=400, parents=10)
        passed = [
            passes(
                check_calibration(
                    score(truth[:, k], found.draws[:, :, k], k == 0, found.log_density[:, k])
                )
            )
            for k in range(9)
        ]
        joint = passes(check_calibration(tarp(truth, found.draws)))
        log_scores[factor] = found.joint_log_density.mean()
        # one of some fifty checks of the right model may fail by chance; the wrong one fails all
        assert sum(passed) >= 8 if factor == 1.0 else not any(passed)
        assert joint == (factor == 1.0)
    assert log_scores[1.0] > log_scores[0.7]


def test_a_detected_line_is_a_prior(rng):
    """A normal flux and a probit of detection: an extended skew normal (Azzalini 1985)."""
    threshold = THRESHOLDS["log_flux_halpha"]
    draws = np.zeros((2, 20_000, 9))
    draws[:, :, 5] = rng.normal(1.0, 0.5, (2, 20_000))
    density, truth = np.full((2, 9), np.nan), np.full((2, 9), np.nan)
    density[:, 5], truth[:, 5] = stats.norm.logpdf(1.4, 1.0, 0.5), 1.4
    detected = np.zeros((2, 9), bool)
    detected[0, 5] = True
    found = tell_detected(
        Prediction(draws, density, np.zeros(2), np.zeros((2, 5))),
        *(truth, detected, np.array([17.0, 17.0])),
    )
    flux = np.linspace(-2, 4, 6001)
    told = stats.norm.pdf(flux, 1.0, 0.5)
    told *= stats.norm.cdf((flux - threshold.log_flux) / threshold.scatter)
    told /= np.trapezoid(told, flux)
    below = np.concatenate([[0], np.cumsum(told[1:] + told[:-1]) * (flux[1] - flux[0]) / 2])
    values = np.sort(found.draws[0, :, 5])
    share = (np.arange(len(values)) + 0.5) / len(values)
    assert np.abs(np.interp(values, flux, below) - share).max() < 0.02
    assert found.log_density[0, 5] == pytest.approx(np.log(np.interp(1.4, flux, told)), abs=0.03)
    np.testing.assert_array_equal(found.draws[1], draws[1])
    assert found.log_density[1, 5] == density[1, 5]


def test_a_limit_in_flux_cuts_exactly(rng):
    draws = np.zeros((1, 20_000, 9))
    draws[:, :, 5] = rng.normal(1.0, 0.5, (1, 20_000))
    density, truth = np.full((1, 9), np.nan), np.full((1, 9), np.nan)
    density[:, 5], truth[:, 5] = stats.norm.logpdf(1.4, 1.0, 0.5), 1.4
    detected = np.zeros((1, 9), bool)
    detected[0, 5] = True
    found = tell_detected(
        Prediction(draws, density, np.zeros(1), np.zeros((1, 5))),
        *(truth, detected, np.array([17.0]), 15.0),
    )
    cut = stats.truncnorm((np.log10(15) - 1.0) / 0.5, np.inf, 1.0, 0.5)
    assert found.draws[0, :, 5].min() > np.log10(15)
    assert stats.kstest(found.draws[0, ::20, 5], cut.cdf).pvalue > 0.01
    assert found.log_density[0, 5] == pytest.approx(cut.logpdf(1.4), abs=0.03)


def test_lines_detected_together_keep_draws_together(rng):
    draws = np.zeros((2, 500, 9))
    draws[:, :, 5] = rng.normal(size=(2, 500))
    draws[:, :, 6] = draws[:, :, 5] + 1
    detected = np.zeros((2, 9), bool)
    detected[0, 5:7] = True
    found = keep_with_lines(draws, detected, np.array([17.0, 17.0]))
    assert found[0, :, 5].mean() > draws[0, :, 5].mean() + 0.5
    np.testing.assert_allclose(found[0, :, 6], found[0, :, 5] + 1)
    np.testing.assert_array_equal(found[1], draws[1])
