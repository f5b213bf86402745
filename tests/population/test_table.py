"""Readers of the real tables, and how rows of one galaxy are joined."""

import numpy as np
import pandas as pd

from galexplorer.population import sources
from galexplorer.population.table import _impute_sizes, _merge_duplicates


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


def test_the_real_tables_come_on_one_set_of_columns(data_dir):
    rows = sources.read_tables(data_dir)
    assert set(rows.source) >= {"main_sample", "lines_z010", "mpajhu", "resolve", "structure"}
    assert len(rows) > 20_000
    magnitudes = rows[list("ugriz")]
    assert magnitudes.min(axis=None) > 8
    assert magnitudes.max(axis=None) < 26
    assert rows.redshift.notna().all()
    metals = rows.gas_metallicity.dropna()
    assert metals.between(7, 10).all()
    axis_ratio = rows.axis_ratio.dropna()
    assert axis_ratio.between(0.02, 1.01).all()
    unplaced = rows[rows.ra.isna()]
    assert unplaced.key.is_unique


def test_sizes_are_completed_given_the_lines_and_concentrations_given_the_sizes(rng):
    """A line completed by likeness alone would teach that lines and sizes are unrelated."""
    number = 1200
    line = rng.normal(size=number)
    size = 0.6 + 0.3 * line + 0.05 * rng.normal(size=number)
    concentration = 0.42 - 0.2 * (size - 0.6) + 0.01 * rng.normal(size=number)
    rows = pd.DataFrame({"line": line, "log_r50_kpc": size, "log_concentration": concentration})
    lacking = np.arange(number) % 2 == 0
    rows["size_measured"] = ~lacking
    # a value that is there without having been measured gives nothing
    rows.loc[np.arange(number) % 10 == 0, "log_r50_kpc"] = 9.0
    untouched = rows.log_r50_kpc == 9.0
    rows.loc[lacking & ~untouched, "log_r50_kpc"] = np.nan
    rows.loc[lacking, "log_concentration"] = np.nan
    _impute_sizes(
        rows,
        lambda *names: rows[list(names)].to_numpy(float),
        ("line",),
        np.zeros((number, 1)),
        rng,
    )
    drawn = lacking & ~untouched
    assert np.corrcoef(rows.log_r50_kpc[drawn], line[drawn])[0, 1] > 0.95
    assert abs(np.std(rows.log_r50_kpc[drawn] - 0.6 - 0.3 * line[drawn]) - 0.05) < 0.02
    given_size = 0.42 - 0.2 * (rows.log_r50_kpc[drawn] - 0.6)
    assert np.corrcoef(rows.log_concentration[drawn], given_size)[0, 1] > 0.95
    assert (rows.log_r50_kpc[untouched] == 9.0).all()
