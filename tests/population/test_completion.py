"""Completion: what is drawn for a row that lacks a value, against how it was made."""

import numpy as np
import pandas as pd
import pytest

from galexplorer.datasets.rows import TYPICAL_LINE_ERROR
from galexplorer.population.completion import (
    add_black_hole_masses,
    impute,
    impute_errors,
    impute_line_errors,
)
from galexplorer.schema import LINE_NAMES

COLUMNS = [name.removeprefix("log_flux_") for name in LINE_NAMES]


def galaxies(number: int, rng: np.random.Generator, **columns) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "log_stellar_mass": rng.uniform(10.0, 11.4, number),
            "log_sfr": rng.uniform(-1.5, 1.0, number),
            "log_r50_kpc": rng.uniform(0.2, 1.0, number),
            "log_concentration": rng.uniform(0.32, 0.52, number),
        }
    )
    return rows.assign(**({"velocity_dispersion_kms": np.nan} | columns))


def with_dispersions(number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Galaxies that obey sigma^2 ~ M / R, with a scatter of 0.08 dex."""
    rows = galaxies(number, rng)
    virial = 0.5 * (rows.log_stellar_mass - 10.7) - 0.5 * (rows.log_r50_kpc - 0.6)
    log_sigma = 2.15 + virial + 0.08 * rng.standard_normal(number)
    return rows.assign(velocity_dispersion_kms=10**log_sigma)


@pytest.mark.parametrize(("sigma", "mass"), [(200.0, 8.32), (100.0, 6.62), (300.0, 9.31)])
def test_black_holes_follow_mcconnell_and_ma(rng, sigma, mass):
    """Their fit to all galaxies (2013, table 2): alpha 8.32, beta 5.64."""
    rows = galaxies(1, rng, velocity_dispersion_kms=sigma)
    add_black_hole_masses(rows, with_dispersions(200, rng), rng)
    assert rows.log_bh_mass[0] == pytest.approx(mass, abs=0.01)
    assert rows.log_bh_mass_measured[0]
    assert rows.log_bh_mass_valid[0]


@pytest.mark.parametrize("sigma", [50.0, 450.0])
def test_no_black_hole_mass_beyond_the_range_of_dispersions(rng, sigma):
    rows = galaxies(1, rng, velocity_dispersion_kms=sigma)
    add_black_hole_masses(rows, with_dispersions(200, rng), rng)
    assert not rows.log_bh_mass_valid[0]
    assert not rows.log_bh_mass_measured[0]
    assert 5.7 < rows.log_bh_mass[0] < 10.2


def test_dispersions_are_drawn_given_mass_and_size_with_the_scatter_of_their_donors(rng):
    rows = galaxies(4000, rng)
    add_black_hole_masses(rows, with_dispersions(600, rng), rng)
    virial = 0.5 * (rows.log_stellar_mass - 10.7) - 0.5 * (rows.log_r50_kpc - 0.6)
    residual = np.log10(rows.velocity_dispersion_drawn_kms) - 2.15 - virial
    assert residual.median() == pytest.approx(0, abs=0.015)
    assert residual.std() == pytest.approx(0.08, rel=0.12)
    large = rows.log_r50_kpc > 0.8
    assert abs(residual[large].median() - residual[~large].median()) < 0.03
    assert not rows.log_bh_mass_measured.any()
    assert rows.attrs["fits"][0]["quantity"] == "log_velocity_dispersion"


def test_completed_values_have_mean_and_scatter_of_their_donors():
    random = np.random.default_rng(3)
    features = random.normal(size=(600, 2))
    truth = 2 * features[:, 0] + 0.5 * random.standard_normal(600)
    rows = pd.DataFrame({"x": np.where(np.arange(600) < 300, truth, np.nan)})
    kept = rows.x[:300].copy()
    impute(rows, ["x"], features, np.random.default_rng(4))
    assert rows.x.notna().all()
    pd.testing.assert_series_equal(rows.x[:300], kept)
    residual = rows.x[300:] - 2 * features[300:, 0]
    assert residual.mean() == pytest.approx(0, abs=0.1)
    assert 0.45 < residual.std() < 0.7  # the donors' scatter, and the boosting's own error
    (record,) = rows.attrs["fits"]
    assert record["donors"] == record["completed"] == 300
    assert record["rms"] == pytest.approx(residual.std(), rel=0.25)


def test_too_few_donors_leave_a_column_as_it_is():
    rows = pd.DataFrame({"x": np.where(np.arange(200) < 50, 1.0, np.nan)})
    impute(rows, ["x"], np.zeros((200, 1)), np.random.default_rng(4))
    assert rows.x.notna().sum() == 50


def test_errors_are_those_of_rows_of_like_brightness(rng):
    magnitude = rng.uniform(14, 20, 3000)
    error = 0.01 * 10 ** (0.3 * (magnitude - 16))
    known = rng.random(3000) < 0.5
    rows = pd.DataFrame(
        dict.fromkeys("ugriz", magnitude)
        | {f"err_{band}": np.where(known, error, np.nan) for band in "ugriz"}
        | dict.fromkeys(COLUMNS, np.full(3000, 10.0))
        | {f"{column}_err": np.full(3000, 2.0) for column in COLUMNS}
    )
    impute_errors(rows, rng)
    np.testing.assert_array_equal(rows.err_g[known], error[known])
    np.testing.assert_allclose(rows.err_g[~known], error[~known], rtol=0.1)
    assert (rows.halpha_err == 2.0).all()


def with_lines(number: int, rng: np.random.Generator, error: float) -> pd.DataFrame:
    rows = pd.DataFrame({"r": rng.uniform(14.5, 17.7, number)})
    for name, column in zip(LINE_NAMES, COLUMNS, strict=True):
        rows[name] = rng.uniform(0.5, 3.0, number)
        rows[f"{column}_err"], rows[f"{name}_snr"] = error, np.nan
    return rows


def noise(rows: pd.DataFrame, name: str) -> np.ndarray:
    """An error that grows with the line and with the continuum under it."""
    return 10 ** (0.4 * rows[name] - 0.1 * (rows.r - 16)).to_numpy(float)


def test_line_errors_come_from_lines_of_like_flux_in_galaxies_of_like_r(rng):
    donors, rows = with_lines(8000, rng, np.nan), with_lines(500, rng, np.nan)
    for name, column in zip(LINE_NAMES, COLUMNS, strict=True):
        donors[f"{column}_err"] = noise(donors, name)
    rows.loc[:9, "halpha_err"] = 123.0
    rows.loc[20, "log_flux_halpha"] = np.nan
    impute_line_errors(rows, donors, rng)
    assert (rows.halpha_err[:10] == 123.0).all()
    assert np.isnan(rows.halpha_err[20])
    for name, column in zip(LINE_NAMES, COLUMNS, strict=True):
        new = rows[21:]
        given = new[f"{column}_err"].to_numpy()
        # thirty of 8,000 lie within some 0.1 dex and 0.3 mag of a row
        assert np.quantile(np.abs(np.log10(given / noise(new, name))), 0.95) < 0.07
        np.testing.assert_allclose(new[f"{name}_snr"], 10 ** new[name] / given)


def test_without_donors_a_line_error_is_the_typical_one(rng):
    rows = with_lines(5, rng, np.nan)
    impute_line_errors(rows, None, rng)
    for name, column in zip(LINE_NAMES, COLUMNS, strict=True):
        assert (rows[f"{column}_err"] == TYPICAL_LINE_ERROR).all()
        np.testing.assert_allclose(rows[f"{name}_snr"], 10 ** rows[name] / TYPICAL_LINE_ERROR)
