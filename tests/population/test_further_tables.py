"""Further tables against the galaxies that they have in common with others."""

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from galexplorer.population import further_tables, scales, sources, table


@pytest.fixture(scope="module")
def rows(data_dir) -> pd.DataFrame:
    if not (data_dir / further_tables.FOLDER).is_dir():
        pytest.skip("the further tables are not at hand")
    return sources.read_tables(data_dir)


def pairs(rows: pd.DataFrame, first: str, second: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows of two tables that lie within 3 arcsec of each other."""
    a, b = (
        rows[(rows.source == name) & rows.ra.notna()].reset_index(drop=True)
        for name in (first, second)
    )
    mine, theirs = (
        SkyCoord(t.ra.to_numpy() * units.deg, t.dec.to_numpy() * units.deg) for t in (a, b)
    )
    nearest, separation, _ = mine.match_to_catalog_sky(theirs)
    near = separation.arcsec < 3
    return a[near], b.iloc[nearest[near]]


@pytest.mark.parametrize(
    ("first", "second", "column", "offset", "scatter"),
    [
        ("subclass", "lines_z010", "r", 0.005, 0.02),
        ("nearby", "subclass", "u", 0.02, 0.06),
        ("nearby", "subclass", "g", 0.01, 0.05),
        ("mergers", "main_sample", "g", 0.04, 0.05),
        ("main_sample", "subclass", "u", 0.02, 0.08),
        ("main_sample", "subclass", "r", 0.03, 0.05),
        ("quench", "subclass", "r", 0.05, 0.12),
        ("nair", "mpajhu", "log_stellar_mass", 0.02, 0.12),
        ("mass_type", "mpajhu", "log_stellar_mass", 0.02, 0.08),
        ("manga", "nair", "velocity_dispersion_kms", 4, 15),
        ("manga", "mpajhu", "gas_metallicity", 0.03, 0.06),
        ("quench", "mpajhu", "log_sfr", 0.05, 0.12),
        ("quench", "lines_z010", "halpha", 0.05, 0.5),
    ],
)
def test_galaxies_in_common_agree(rows, first, second, column, offset, scatter):
    a, b = pairs(rows, first, second)
    difference = a[column].to_numpy(float) - b[column].to_numpy(float)
    difference = difference[np.isfinite(difference)]
    assert len(difference) >= 10
    middle = np.median(difference)
    assert abs(middle) < offset
    assert 1.4826 * np.median(abs(difference - middle)) < scatter


def test_the_extinctions_of_the_main_sample_are_those_of_1998(data_dir):
    """Their ratios are those of Stoughton et al. 2002, table 22: 5.155, 3.793, 2.751, 2.086."""
    sample = pd.read_csv(data_dir / "sdss10k_kcorrect_x_gladeplus.csv.gz")
    for band, factor in zip("ugi", (5.155, 3.793, 2.086), strict=True):
        ratio = (sample[f"ext_{band}"] / sample.ext_r).median()
        assert ratio == pytest.approx(factor / scales.EXTINCTION_R_OF_1998, rel=2e-3)


def test_reddening_is_that_of_the_galaxies_around():
    main = {"ra": np.arange(10.0), "dec": np.zeros(10), "ebv": np.linspace(0, 0.9, 10)}
    asked = pd.DataFrame({"ra": [5.0, 2.0], "dec": [0.1, 0.0]})
    np.testing.assert_allclose(further_tables.reddening_nearby(asked, main), [0.5, 0.2])


def test_a_galaxy_without_position_is_found_in_another_table():
    common = {"redshift": 0.08, "g": 17.5, "r": 16.8, "i": 16.4}
    given = pd.DataFrame(
        [
            {"ra": 150.0, "dec": 2.0, **common},
            {"ra": np.nan, "dec": np.nan, **common, "r": 16.805},
            {"ra": np.nan, "dec": np.nan, **common, "redshift": 0.0802},
        ]
    )
    found = table._place_by_photometry(given)
    assert list(found.ra[:2]) == [150.0, 150.0]
    assert np.isnan(found.ra[2])


def test_objects_that_are_no_galaxies_stay_out(rows):
    assert rows[rows.source == "faint"].redshift.min() > -0.01
    unplaced = rows[(rows.source == "photoz") & rows.ra.isna()]
    assert unplaced.key.is_unique
    assert rows[rows.source == "photoz"].photometric_redshift.between(0, 2).mean() > 0.7
