"""The population without the real tables: complete, and it says what is lost."""

import logging

import numpy as np
import pytest

from galexplorer.population import package_tables, table
from galexplorer.schema import TARGET_NAMES


@pytest.fixture(scope="module")
def rows():
    return table.build(None, np.random.default_rng(3), size=10_500)


def test_every_target_has_a_value_and_no_measured_line(rows):
    assert len(rows) == 10_500
    assert rows.id.is_unique
    assert np.isfinite(rows[list(TARGET_NAMES)].to_numpy(float)).all()
    assert rows.redshift_measured.sum() > 9000
    for name in ("log_sfr", "gas_metallicity", "log_bh_mass", "log_flux_halpha"):
        assert not rows[f"{name}_measured"].any()


def test_what_is_lost_is_said(caplog, monkeypatch):
    monkeypatch.setattr(package_tables, "read_packages", lambda: _stop())
    with caplog.at_level(logging.WARNING), pytest.raises(StopIteration):
        table.build(None, np.random.default_rng(3))
    assert "no star-formation rate" in caplog.text


def _stop():
    raise StopIteration


def test_properties_correlate_as_in_the_sky(rows):
    rate = rows.log_sfr - rows.log_stellar_mass
    colour = rows.abs_u - rows.abs_r
    assert np.corrcoef(colour.fillna(2), rate)[0, 1] < -0.6
    valid = rows[rows.gas_metallicity_valid]
    assert np.corrcoef(valid.log_stellar_mass, valid.gas_metallicity)[0, 1] > 0.3
    n2 = rows.log_flux_nii_6584 - rows.log_flux_halpha
    assert n2[rate < -11.5].median() > n2[rate > -10.3].median() + 0.2
    assert (rows.petro_r90_true > rows.petro_r50_true).all()
