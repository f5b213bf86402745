"""Where real tables lie, and apparent magnitudes made of absolute ones."""

import numpy as np
import pytest

from galexplorer.population.sources import COSMOLOGY, _observed, data_folder
from galexplorer.population.templates import sdss_templates
from galexplorer.schema import BANDS

BLUE = np.array([-18.6, -19.7, -20.1, -20.3, -20.4])
RED = np.array([-18.1, -19.9, -20.65, -21.0, -21.3])

SDSS_TO_AB = [-0.036, 0.012, 0.010, 0.028, 0.040]
"""What kcorrect adds to SDSS magnitudes (Eisenstein, sdss-calib/1152)."""


def test_the_k_correction_follows_colour_and_comes_back():
    """Absolute magnitudes that kcorrect makes of the apparent ones are those that went in."""
    absolute = np.stack([BLUE, RED])
    z = np.array([0.08, 0.08])
    found = _observed({b: absolute[:, k] for k, b in enumerate(BANDS)}, z)
    magnitude = np.column_stack([found[b] for b in BANDS])
    correction = magnitude - COSMOLOGY.distmod(z).value[:, None] - absolute
    blue, red = correction
    assert red[1] - blue[1] > 0.1
    # old galaxies redden as they recede, young ones hardly
    assert red[1] - red[2] == pytest.approx(0.16, abs=0.04)
    assert abs(blue[1] - blue[2]) < 0.06
    corrector = sdss_templates()
    maggies = 10 ** (-0.4 * magnitude)
    ivar = 1 / (0.02 * maggies) ** 2
    back = corrector.absmag(
        redshift=z,
        maggies=maggies,
        ivar=ivar,
        coeffs=corrector.fit_coeffs(redshift=z, maggies=maggies, ivar=ivar),
        distance=COSMOLOGY.luminosity_distance(z).to_value("Mpc"),
    )
    np.testing.assert_allclose((back - SDSS_TO_AB)[1], RED, atol=0.02)
    np.testing.assert_allclose((back - SDSS_TO_AB)[0], BLUE, atol=0.07)


def test_an_empty_folder_of_data_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GALEXPLORER_DATA", str(tmp_path))
    assert data_folder() is None
    (tmp_path / "table.csv").touch()
    assert data_folder() == tmp_path.resolve()
    monkeypatch.setenv("GALEXPLORER_DATA", str(tmp_path / "none"))
    assert data_folder() is None
