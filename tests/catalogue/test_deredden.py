"""Galactic extinction that the user says is still there."""

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.catalogue import read_catalogue
from galexplorer.errors import InputError
from galexplorer.schema import BANDS, EXTINCTION_PER_REDDENING

COEFFICIENTS = np.array([EXTINCTION_PER_REDDENING[band] for band in BANDS])


def a_table(**columns) -> Table:
    bands = dict(zip(BANDS, (19.0, 17.6, 16.8, 16.4, 16.1), strict=True))
    return Table({**{band: [m, m] for band, m in bands.items()}, **columns})


def a_map(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    return 0.001 * ra + 0 * dec


def test_by_a_column_of_reddening():
    table = a_table(ebv=[0.1, 0.0])
    before = read_catalogue(table).magnitudes
    found = read_catalogue(table, deredden=a_map)
    np.testing.assert_allclose(before[0] - found.magnitudes[0], 0.1 * COEFFICIENTS)
    np.testing.assert_array_equal(before[1], found.magnitudes[1])
    assert any("Galactic extinction was removed by ebv" in note for note in found.notes)


def test_by_columns_of_extinction():
    table = a_table(**{f"extinction_{band}": [0.2, 0.1] for band in BANDS})
    found = read_catalogue(table, deredden=a_map)
    np.testing.assert_allclose(found.magnitudes[:, 2], [16.6, 16.7])


def test_by_a_map_where_nothing_tells():
    table = a_table(ra=[100.0, np.nan], dec=[0.0, 0.0], petro_r=[16.9, 16.9])
    found = read_catalogue(table, deredden=a_map)
    np.testing.assert_allclose(17.6 - found.magnitudes[0, 1], 0.1 * COEFFICIENTS[1])
    np.testing.assert_allclose(16.9 - found.petro_magnitudes[0, 2], 0.1 * COEFFICIENTS[2])
    assert np.isnan(found.magnitudes[1]).all()
    assert "no_extinction:g" in found.flags[1]
    assert any("dust map of Schlegel et al." in note for note in found.notes)
    with pytest.raises(InputError, match="neither a column ebv nor positions"):
        read_catalogue(a_table(), deredden=a_map)


def test_what_an_archive_dereddened_stays():
    table = Table({f"dered_{band}": [17.0] for band in "gri"} | {"ebv": [0.1]})
    assert read_catalogue(table, deredden=a_map).magnitudes[0, 2] == 17.0
    # but a column of which the user only says that it is r does not tell
    table = Table({"a": [17.0], "b": [16.5], "c": [16.2], "ebv": [0.1]})
    columns = {"g": "a", "r": "b", "i": "c"}
    assert read_catalogue(table, columns=columns).magnitudes[0, 2] == 16.5
    found = read_catalogue(table, columns=columns, deredden=a_map)
    np.testing.assert_allclose(found.magnitudes[0, 2], 16.5 - 0.1 * COEFFICIENTS[2])
