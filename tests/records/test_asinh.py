"""Asinh magnitudes against published values and their own inverse."""

import numpy as np
import pytest

from galexplorer.records.asinh import asinh_magnitude, flux_of


def test_zero_flux_has_the_published_magnitudes():
    """SDSS's table of asinh softening parameters: 24.63, 25.11, 24.80, 24.36, 22.83."""
    magnitudes, _ = asinh_magnitude(np.zeros(5), np.ones(5))
    np.testing.assert_allclose(magnitudes, [24.63, 25.11, 24.80, 24.36, 22.83], atol=0.006)


def test_bright_magnitudes_are_the_common_ones():
    flux = np.full(5, 10 ** (0.4 * (22.5 - 17.0)))
    magnitudes, errors = asinh_magnitude(flux, 0.01 * flux)
    np.testing.assert_allclose(magnitudes, 17.0, atol=1e-3)
    np.testing.assert_allclose(errors, 0.010857, rtol=1e-3)


@pytest.mark.parametrize("flux", [-3.0, 0.0, 0.4, 1000.0])
def test_fluxes_of_any_sign_come_back(flux):
    given = np.full((2, 5), flux)
    back, error = flux_of(*asinh_magnitude(given, np.full((2, 5), 0.7)))
    np.testing.assert_allclose(back, given, atol=1e-9)
    np.testing.assert_allclose(error, 0.7)
