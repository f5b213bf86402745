"""Published relations against values read off the papers' figures and tables."""

import numpy as np
import pytest

from galexplorer.population import relations


def test_sizes_follow_shen(rng):
    """Their equations 17 and 18 by hand: 2.65 kpc late at 10^10 Msun, 4.2 kpc early at 10^11."""
    many = np.full(4000, 10.0)
    late = relations.half_light_radius_kpc(many, np.zeros(4000, bool), rng)
    early = relations.half_light_radius_kpc(many + 1, np.ones(4000, bool), rng)
    assert np.median(late) == pytest.approx(2.65, rel=0.05)
    assert np.median(early) == pytest.approx(4.2, rel=0.06)
    assert np.std(np.log(early)) == pytest.approx(0.36, abs=0.03)


def test_metallicities_follow_tremonti(rng):
    """Their equation 3 by hand; scatter 0.1 dex."""
    for mass, median in ((9.0, 8.63), (10.0, 8.952), (11.0, 9.114)):
        drawn = relations.gas_metallicity(np.full(4000, mass), rng)
        assert np.median(drawn) == pytest.approx(median, abs=0.03)
        assert np.std(drawn) == pytest.approx(0.1, rel=0.1)


def test_attenuation_grows_with_mass(rng):
    """Garn & Best 2010: 0.91 mag at 10^10 Msun."""
    medians = [
        np.median(relations.halpha_attenuation_mag(np.full(3000, m), rng)) for m in (9, 10, 11)
    ]
    assert medians[1] == pytest.approx(0.91, abs=0.03)
    assert medians == sorted(medians)


def test_lines_give_back_their_star_formation_rate(rng):
    """Dust-corrected Halpha by Kennicutt & Evans, from the fluxes alone."""
    number = 4000
    distance = np.full(number, 1.4e27)
    lines = relations.emission_lines(
        np.zeros(number),
        np.full(number, 10.0),
        np.full(number, 8.9),
        np.full(number, 0.3),
        distance,
        rng,
    )
    decrement = lines["log_flux_halpha"] - lines["log_flux_hbeta"]
    ebv = 2.5 / (3.61 - 2.53) * (decrement - np.log10(2.86))
    corrected = lines["log_flux_halpha"] - 17 + 0.4 * 2.53 * ebv
    luminosity = corrected + np.log10(4 * np.pi * distance**2)
    rate = luminosity - 41.27 - np.log10(0.3)
    assert np.median(rate) == pytest.approx(0, abs=0.02)
    n2 = lines["log_flux_nii_6584"] - lines["log_flux_halpha"]
    assert -0.9 < np.median(n2) < -0.3


def test_passive_galaxies_have_ratios_of_retired_ones(rng):
    number = 2000
    lines = relations.emission_lines(
        np.full(number, -1.5),
        np.full(number, 11.0),
        np.full(number, 9.1),
        np.full(number, 0.3),
        np.full(number, 1.4e27),
        rng,
    )
    n2 = lines["log_flux_nii_6584"] - lines["log_flux_halpha"]
    assert np.median(n2) == pytest.approx(0.0, abs=0.03)
