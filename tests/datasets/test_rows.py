"""What every source does to lines: bright ones are kept, faint ones drawn."""

import numpy as np
import pandas as pd

from galexplorer.datasets.rows import FAINTEST_LABEL_S_TO_N, draw_faint_lines
from galexplorer.schema import LINE_NAMES

COLUMNS = [name.removeprefix("log_flux_") for name in LINE_NAMES]


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
    assert (flux / 2.0 <= FAINTEST_LABEL_S_TO_N).all()
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
