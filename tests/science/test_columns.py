"""What is said of columns: units, words, UCDs."""

import pytest
from astropy import units as u
from astropy.io.votable.ucd import check_ucd
from astropy.table import QTable, Table

from galexplorer.schema import SUMMARY_QUANTILES, SUMMARY_STATISTICS, TARGETS
from galexplorer.science.columns import MEANINGS, describe_columns
from galexplorer.science.derived import DERIVED_NAMES


@pytest.mark.parametrize("name", MEANINGS)
def test_each_has_words_and_a_ucd_of_the_ivoa(name):
    meaning = MEANINGS[name]
    assert meaning.description.isascii()  # for FITS
    assert check_ucd(meaning.ucd, check_controlled_vocabulary=True)


def test_every_statistic_has_a_meaning():
    names = {f"{t.name}_{s}" for t in TARGETS for s in SUMMARY_STATISTICS}
    names |= {f"{name}_{q}" for name in DERIVED_NAMES for q in SUMMARY_QUANTILES}
    assert names <= set(MEANINGS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("log_stellar_mass_p50", ["log10", "Kroupa IMF", "Msun"]),
        ("log_sfr_mean", ["log10", "Kroupa IMF", "Msun/yr"]),
        ("gas_metallicity_p16", ["12+log(O/H)", "Tremonti et al. 2004"]),
        ("log_bh_mass_p84", ["M-sigma", "McConnell & Ma 2013"]),
        ("log_flux_halpha_p50", ["3 arcsec fibre", "corrected for Galactic extinction", "1e-17"]),
    ],
)
def test_scale_and_initial_mass_function_are_named(name, words):
    assert all(word in MEANINGS[name].description for word in words)


def test_the_width_of_a_logarithm_is_a_ratio():
    table = Table({"log_stellar_mass_p50": [10.0], "log_stellar_mass_std": [0.3], "other": [1]})
    found = QTable(describe_columns(table))
    assert found["log_stellar_mass_p50"].physical[0] == 1e10 * u.Msun
    assert found["log_stellar_mass_std"].unit == u.dex
    assert not table["other"].description
