"""Relations and readers of the population against their published values."""

import numpy as np
import pandas as pd
import pytest

from galexplorer.schema import LINE_NAMES
from galexplorer.training import sources
from galexplorer.training.population import _black_holes, _fill, _merge_duplicates
from galexplorer.training.rows import DETECTION_S_TO_N, draw_faint_lines

COLUMNS = [name.removeprefix("log_flux_") for name in LINE_NAMES]


def galaxies(number: int, **columns) -> pd.DataFrame:
    rows = pd.DataFrame({"log_stellar_mass": np.full(number, 10.7), "log_sfr": np.zeros(number)})
    return rows.assign(velocity_dispersion_kms=np.nan, **columns)


@pytest.mark.parametrize(("sigma", "mass"), [(200.0, 8.32), (100.0, 6.62), (300.0, 9.31)])
def test_black_holes_follow_mcconnell_and_ma(rng, sigma, mass):
    """Their fit to all galaxies (2013, table 2): alpha 8.32, beta 5.64."""
    rows = galaxies(1).assign(velocity_dispersion_kms=sigma)
    _black_holes(rows, rng)
    assert rows.log_bh_mass[0] == pytest.approx(mass, abs=0.01)
    assert rows.log_bh_mass_measured[0]
    assert rows.log_bh_mass_valid[0]


@pytest.mark.parametrize("sigma", [50.0, 450.0])
def test_no_black_hole_mass_beyond_the_range_of_dispersions(rng, sigma):
    rows = galaxies(1).assign(velocity_dispersion_kms=sigma)
    _black_holes(rows, rng)
    assert not rows.log_bh_mass_valid[0]
    assert not rows.log_bh_mass_measured[0]
    assert 5.7 < rows.log_bh_mass[0] < 10.2


def test_missing_dispersions_are_drawn_from_the_relation(rng):
    rows = galaxies(4000)
    rows.loc[2000:, "log_sfr"] = -2.0
    _black_holes(rows, rng)
    log_sigma = np.log10(200) + (rows.log_bh_mass - 8.32) / 5.64
    for part, (zero, _, scatter) in zip(
        (log_sigma[:2000], log_sigma[2000:]), sources.DISPERSION_RELATION, strict=True
    ):
        assert part.median() == pytest.approx(zero, abs=0.01)
        spread = 0.5 * (part.quantile(0.84) - part.quantile(0.16))
        assert spread == pytest.approx(scatter, rel=0.1)
    assert not rows.log_bh_mass_measured.any()


def line_rows(flux: np.ndarray, error: float) -> pd.DataFrame:
    errors = {f"{column}_err": np.full(len(flux), error) for column in COLUMNS}
    return pd.DataFrame(dict.fromkeys(COLUMNS, flux) | errors)


def test_bright_lines_keep_their_flux(rng):
    flux = np.array([30.0, 100.0, 4.1])
    rows = line_rows(flux, 2.0)
    draw_faint_lines(rows, rng)
    np.testing.assert_allclose(rows.log_flux_halpha, np.log10(flux))
    np.testing.assert_allclose(rows.log_flux_halpha_snr, flux / 2)


def test_faint_lines_are_drawn_below_their_limit(rng):
    flux = np.repeat([-3.0, 0.0, 1.0, 3.9], 250)
    rows = line_rows(flux, 2.0)
    assert (flux / 2.0 <= DETECTION_S_TO_N).all()
    draw_faint_lines(rows, rng)
    drawn = 10**rows.log_flux_oiii_5007
    assert (drawn >= 0.05 * 2.0 * 0.999).all()
    assert (drawn <= np.maximum(flux, 0) + 3 * 2.0 + 1e-9).all()
    # what was measured higher is drawn higher, and one value gives many draws
    medians = [np.median(drawn[flux == value]) for value in (-3.0, 1.0, 3.9)]
    assert medians == sorted(medians)
    assert drawn[flux == 0.0].nunique() > 20


def test_the_prior_of_faint_lines_is_flat_in_the_logarithm(rng):
    """A line of huge error says nothing: its draws follow the prior where the data allow."""
    rows = line_rows(np.zeros(1500), 100.0)
    draw_faint_lines(rows, rng)
    low = rows.log_flux_halpha[rows.log_flux_halpha < np.log10(25.0)]
    quarters = np.histogram(low, bins=np.linspace(np.log10(5.0), np.log10(25.0), 5))[0]
    np.testing.assert_allclose(quarters, len(low) / 4, rtol=0.25)


def test_absurd_and_missing_lines_stay_missing(rng):
    rows = line_rows(np.array([np.nan, 1e7, 5.0]), 2.0)
    rows.loc[2, [f"{column}_err" for column in COLUMNS]] = 0.0
    draw_faint_lines(rows, rng)
    assert rows[list(LINE_NAMES)].isna().all(axis=None)


def test_rows_of_one_galaxy_are_joined():
    rows = pd.DataFrame(
        {
            "source": ["a", "b", "c", "d"],
            "ra": [10.0, 10.0 + 1 / 3600, 10.1, np.nan],
            "dec": [5.0, 5.0, 5.0, np.nan],
            "redshift": [0.05, 0.0501, 0.1, 0.2],
            "log_sfr": [np.nan, 0.3, 0.1, 0.7],
        }
    )
    merged = _merge_duplicates(rows)
    assert list(merged.source) == ["a", "c", "d"]
    assert list(merged.log_sfr) == [0.3, 0.1, 0.7]
    assert merged.redshift[0] == 0.05


def test_completed_values_have_mean_and_scatter_of_their_donors():
    random = np.random.default_rng(3)
    features = random.normal(size=(600, 2))
    truth = 2 * features[:, 0] + 0.5 * random.standard_normal(600)
    rows = pd.DataFrame({"x": np.where(np.arange(600) < 300, truth, np.nan)})
    kept = rows.x[:300].copy()
    _fill(rows, ["x"], features, np.random.default_rng(4))
    assert rows.x.notna().all()
    pd.testing.assert_series_equal(rows.x[:300], kept)
    residual = rows.x[300:] - 2 * features[300:, 0]
    assert residual.mean() == pytest.approx(0, abs=0.1)
    assert 0.45 < residual.std() < 0.7  # the donors' scatter, and the boosting's own error


def test_too_few_donors_leave_a_column_as_it_is():
    rows = pd.DataFrame({"x": np.where(np.arange(200) < 50, 1.0, np.nan)})
    _fill(rows, ["x"], np.zeros((200, 1)), np.random.default_rng(4))
    assert rows.x.notna().sum() == 50


def test_the_dispersion_relation_is_recovered(rng):
    mass = rng.uniform(10.5, 11.5, 4000)
    late = rng.random(4000) < 0.5
    sigma = np.where(late, 2.04 + 0.28 * (mass - 10.7), 2.17 + 0.30 * (mass - 10.7))
    table = pd.DataFrame(
        {
            "logMstar": mass,
            "logvelDisp_e": sigma + 0.05 * rng.standard_normal(4000),
            "TType": np.where(late, 3, -2),
        }
    )
    for fit, expected in zip(
        sources.dispersion_relation(table), ((2.04, 0.28), (2.17, 0.30)), strict=True
    ):
        np.testing.assert_allclose(fit[:2], expected, atol=0.02)
        assert fit[2] == pytest.approx(0.05, rel=0.1)


def test_salpeter_to_kroupa_is_that_of_madau_and_dickinson():
    """Masses times 0.66, rates times 0.67 (2014, section 3.1.1)."""
    assert np.log10(0.66) == pytest.approx(sources.SALPETER_TO_KROUPA, abs=0.025)


def test_the_real_tables_come_on_one_set_of_columns(data_dir):
    rows = sources.read_all(data_dir)
    assert set(rows.source) >= {"main_sample", "lines_z010", "mpajhu", "resolve", "structure"}
    assert len(rows) > 20_000
    magnitudes = rows[list("ugriz")]
    assert magnitudes.min(axis=None) > 8
    assert magnitudes.max(axis=None) < 26
    assert rows.redshift.notna().all()
    metals = rows.gas_metallicity.dropna()
    assert metals.between(7, 10).all()
    assert len(rows.attrs["dispersion_relation"]) == 2
