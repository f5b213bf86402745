"""Distances and percentiles of the domain against scipy."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import mahalanobis

from galexplorer.errors import WeightsError
from galexplorer.model.features import INPUTS
from galexplorer.verdict.domain import (
    DomainStatistics,
    assess_domain,
    distance_inputs,
    faintest_magnitudes,
    levels,
    misfit_of,
    percentile,
    squared_distance,
    summarise,
)


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(6)
    mixing = torch.randn((5, 5), generator=generator)
    return torch.randn((4000, 5), generator=generator) @ mixing + 3.0


def test_the_distance_is_mahalanobis(rows):
    mean, precision, _ = summarise(rows)
    ours = squared_distance(rows[:20], mean, precision)
    theirs = [mahalanobis(row, mean.numpy(), precision.numpy()) ** 2 for row in rows[:20].numpy()]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)


def test_distances_of_normal_rows_follow_chi_square(rows):
    _, _, quantiles = summarise(rows)
    for share in (0.1, 0.5, 0.9):
        expected = stats.chi2(5).ppf(share)
        assert quantiles[int(1000 * share)].item() == pytest.approx(expected, rel=0.06)


def test_a_few_wild_rows_do_not_hide_others(rows):
    """Wrong rows among the training galaxies must not make everything look typical."""
    wild = torch.cat([rows, torch.full((20, 5), 1e4)])
    mean, precision, _ = summarise(rows)
    wild_mean, wild_precision, _ = summarise(wild)
    typical = squared_distance(rows, mean, precision)
    with_wild = squared_distance(rows, wild_mean, wild_precision)
    assert with_wild.median().item() == pytest.approx(typical.median().item(), rel=0.4)
    assert squared_distance(wild[-1:], wild_mean, wild_precision).item() > 100 * typical.max()


def test_missing_dimensions_are_marginalised(rows):
    """A row is as unlikely as what is known of it, whatever is missing."""
    mean, precision, _ = summarise(rows)
    incomplete = rows[:50].clone()
    incomplete[::2, [1, 3]] = float("nan")
    incomplete[1::2, 0] = float("nan")
    distance = squared_distance(incomplete, mean, precision)
    covariance = np.linalg.inv(precision.double().numpy())
    for row, ours in zip(incomplete.double().numpy(), distance, strict=True):
        known = np.isfinite(row)
        offset = (row - mean.double().numpy())[known]
        theirs = offset @ np.linalg.solve(covariance[np.ix_(known, known)], offset)
        tail = stats.chi2.sf(theirs, known.sum())
        assert stats.chi2.sf(ours.item(), 5) == pytest.approx(tail, rel=1e-3)


def test_a_row_without_any_dimension_cannot_be_assessed(rows):
    mean, precision, quantiles = summarise(rows)
    nothing = torch.full((1, 5), float("nan"))
    assert torch.isnan(squared_distance(nothing, mean, precision)).all()
    statistics = DomainStatistics(
        {"photometry": mean}, {"photometry": precision}, {"photometry": quantiles}, {}
    )
    (found,) = assess_domain(statistics, "photometry", nothing, None, nothing)
    assert not found.inside
    assert "Too few bands" in found.reasons[0]


def test_percentiles_are_empirical():
    quantiles = levels(torch.arange(1001).float())
    np.testing.assert_allclose(
        percentile(torch.tensor([-5.0, 0.0, 500.0, 997.0, 2000.0]), quantiles),
        [0, 0, 50, 99.7, 100],
        atol=1e-4,
    )


def complete_arrays(rows) -> dict[str, torch.Tensor]:
    """Return what a file of statistics holds, all kinds of it."""
    mean, precision, quantiles = summarise(rows)
    latent = {"mean": torch.zeros(32), "precision": torch.eye(32), "misfit_levels": quantiles}
    arrays = {"mean.photometry": mean, "precision.photometry": precision}
    arrays |= {f"{part}.{k}": value for k in ("fits", "jpeg") for part, value in latent.items()}
    arrays |= {f"distance_levels.{kind}": quantiles for kind in INPUTS}
    return arrays | {f"faintest.{kind}": torch.full((5,), 19.0) for kind in INPUTS}


def test_statistics_survive_their_file(rows):
    arrays = complete_arrays(rows)
    again = DomainStatistics.from_arrays(arrays)
    assert torch.equal(again.precision["photometry"], arrays["precision.photometry"])
    kept = again.to_arrays()
    assert set(kept) == set(arrays)
    assert all(torch.equal(kept[name], value) for name, value in arrays.items())


@pytest.mark.parametrize("name", ["mean.photometry", "misfit_levels.jpeg", "precision.fits"])
@pytest.mark.parametrize("how", ["renamed", "cut"])
def test_statistics_that_are_damaged_are_refused_in_a_sentence(rows, name, how):
    arrays = complete_arrays(rows)
    value = arrays.pop(name)
    arrays |= {f"{name}x": value} if how == "renamed" else {name: value[:-1]}
    with pytest.raises(WeightsError, match="restore the folder weights"):
        DomainStatistics.from_arrays(arrays)


def test_each_measure_gives_its_own_reason(rows):
    mean, precision, quantiles = summarise(rows)
    misfits = levels(torch.linspace(0, 1, 1000))
    statistics = DomainStatistics(
        {"fits": mean}, {"fits": precision}, {"fits": quantiles}, {"fits": misfits}
    )
    inputs = torch.stack([mean, mean + 1e3, mean])
    typical, far, misfitting = assess_domain(
        statistics, "fits", inputs, torch.tensor([0.5, 0.5, 9.0]), torch.full((3, 5), torch.nan)
    )
    assert typical.inside
    assert typical.score == pytest.approx(50, abs=1)
    assert not far.inside
    assert "image, as the model encodes it" in far.reasons[0]
    assert not misfitting.inside
    assert "reconstructs it worse than 100.0%" in misfitting.reasons[0]


def test_photometry_is_assessed_by_magnitude_and_colours():
    magnitudes = torch.tensor([[19.0, 17.5, 16.8, 16.4, 16.1]])
    inputs = distance_inputs(torch.zeros(1, 32), magnitudes, "photometry")
    torch.testing.assert_close(inputs, torch.tensor([[16.8, 1.5, 0.7, 0.4, 0.3]]))
    assert distance_inputs(torch.ones(1, 32), magnitudes, "jpeg").shape == (1, 32)


def test_the_misfit_is_relative_to_the_light():
    image = torch.full((1, 3, 8, 8), 0.5)
    assert misfit_of(image, image).item() == 0
    assert misfit_of(image, 0.9 * image).item() == pytest.approx(0.01, rel=1e-4)


def test_the_domain_ends_where_the_survey_does(rows):
    """However typical its distance, a galaxy fainter than the survey is outside."""
    mean, precision, quantiles = summarise(rows)
    listed = np.tile(np.linspace(14.0, 18.0, 4001)[:, None], (1, 5)) + np.arange(5)
    listed[:, 0] = np.nan  # no u
    listed[::2, 1] = np.nan
    faintest = faintest_magnitudes(listed)
    assert torch.isnan(faintest[0])
    np.testing.assert_allclose(faintest[1:], np.arange(1, 5) + 18.0 - 0.001 * 4.0, atol=2e-3)
    statistics = DomainStatistics(
        {"photometry": mean},
        {"photometry": precision},
        {"photometry": quantiles},
        {},
        {"photometry": faintest},
    )
    magnitudes = torch.tensor(
        [
            [30.0, 18.9, 19.9, 20.9, 21.9],
            [17.0, 18.9, 22.4, 21.0, 21.9],
            [torch.nan, torch.nan, 20.1, torch.nan, torch.nan],
        ]
    )
    inside, faint, alone = assess_domain(
        statistics, "photometry", mean.repeat(3, 1), None, magnitudes
    )
    assert inside.inside
    assert inside.score < 1
    assert not faint.inside
    assert faint.score == pytest.approx(99.9)
    assert faint.reasons == (
        "Its r magnitude of 22.40 is fainter than that of all but 0.1% of the training galaxies "
        "(20.00).",
    )
    assert not alone.inside
    (unassessed,) = assess_domain(
        statistics, "photometry", torch.full((1, 5), torch.nan), None, magnitudes[1:2]
    )
    assert len(unassessed.reasons) == 2
    assert "22.40" in unassessed.reasons[1]
