"""When an SDSS spectrum shows a line."""

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.datasets.shards import TRAIN
from galexplorer.population.sources import read_tables
from galexplorer.science.detection import DETECTABLE, detection_probability


def test_rows_that_it_was_not_fitted_on(data_dir):
    """Lines and errors of SDSS spectra: as many are detected as it says, also of doubtful ones."""
    rows = read_tables(data_dir)
    rows = rows[rows.source.isin(["lines_z010", "mpajhu"])]
    split = shards.splits_of(rows.ra.to_numpy(), rows.dec.to_numpy(), rows.key.to_numpy())
    rows = rows[split != TRAIN]
    for line in DETECTABLE:
        known = rows[(rows[f"{line}_err"] > 0) & np.isfinite(rows[line]) & np.isfinite(rows.r)]
        log_flux = np.log10(known[line].to_numpy(float).clip(1e-3))
        chance = detection_probability(log_flux, known.r.to_numpy(float), line)
        seen = (known[line] > 3 * known[f"{line}_err"]).to_numpy()
        assert chance.mean() == pytest.approx(seen.mean(), abs=0.015), line
        doubtful = (chance > 0.1) & (chance < 0.9)
        assert doubtful.sum() > 300
        assert chance[doubtful].mean() == pytest.approx(seen[doubtful].mean(), abs=0.04), line


def test_a_galaxy_of_unknown_brightness_is_a_faint_one():
    faint, unknown = (
        detection_probability(np.array([1.2]), np.array([r]), "hbeta") for r in (17.77, np.nan)
    )
    assert faint == unknown
