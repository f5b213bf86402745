"""Shifts between tables against independent values and against the tables themselves."""

import numpy as np
import pytest

from galexplorer.population import scales, sources


def test_salpeter_to_kroupa_is_that_of_madau_and_dickinson():
    """Masses times 0.66, rates times 0.67 (2014, section 3.1.1)."""
    assert pytest.approx(-0.18, abs=0.005) == scales.SALPETER_TO_KROUPA_MASS
    assert pytest.approx(-0.174, abs=0.005) == scales.SALPETER_TO_KROUPA_SFR
    # from Chabrier both become a little larger
    assert 0 < scales.CHABRIER_TO_KROUPA_SFR < scales.CHABRIER_TO_KROUPA_MASS < 0.05


@pytest.mark.parametrize("calibrator", ["N2", "O3N2"])
def test_the_metallicity_conversion_is_monotonic_and_defined_in_its_range_only(calibrator):
    grid = np.linspace(8.1, 8.85, 40)
    assert (np.diff(scales.pp04_to_t04(grid, calibrator)) > 0).all()
    assert np.isnan(scales.pp04_to_t04(np.array([7.9, 9.2]), calibrator)).all()


def test_converted_o3n2_agrees_with_tremonti_on_the_same_spectra(data_dir):
    """PP04 O3N2 from the lines, converted, against the T04 value of the same galaxies."""
    rows = sources.read_tables(data_dir).query("source == 'mpajhu'")
    lines = rows[["halpha", "hbeta", "nii_6584", "oiii_5007"]]
    errors = rows[[f"{name}_err" for name in lines]].to_numpy()
    good = (lines.to_numpy() > 5 * errors).all(axis=1) & rows.gas_metallicity.notna()
    rows = rows[good]
    o3n2 = np.log10(rows.oiii_5007 / rows.hbeta * rows.halpha / rows.nii_6584)
    converted = scales.pp04_to_t04(8.73 - 0.32 * o3n2)
    difference = (converted - rows.gas_metallicity).dropna()
    assert len(difference) > 200
    assert difference.median() == pytest.approx(0, abs=0.04)
    assert difference.std() < 0.12
