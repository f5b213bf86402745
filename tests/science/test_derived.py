"""Derived quantities: what is physical, what is unconstrained, and many galaxies at once."""

import numpy as np
import pytest

from galexplorer.records.posterior import Posterior
from galexplorer.schema import SUMMARY_QUANTILES, TARGET_NAMES
from galexplorer.science.derived import (
    DERIVED_NAMES,
    UNCONSTRAINED_AV_MAG,
    derive,
    derived_statistics,
    finite_quantiles,
)


def galaxy(rng, decrement: float, scatter: float, number: int = 400) -> np.ndarray:
    """Draws of a galaxy whose Ha/Hb has this median and this scatter in dex."""
    draws = rng.normal([0.05, 10.4, 0.2, 8.9, 7.1, 2.1, 0, 1.65, 1.2], 0.01, (number, 9))
    ratio = np.log10(decrement) + scatter * rng.standard_normal(number)
    draws[:, TARGET_NAMES.index("log_flux_hbeta")] = draws[:, 5] - ratio
    return draws.astype(np.float32)


def of(draws, **given):
    return {quantity.name: quantity for quantity in derive(Posterior(draws), **given)}


def test_a_decrement_below_the_intrinsic_one_is_no_dust(rng):
    dust = of(galaxy(rng, 2.5, 0.001))["balmer_av"]
    assert set(dust.summary().values()) == {0.0}
    assert not dust.flag


def test_dust_is_that_of_the_decrement(rng):
    # Calzetti: A(V) = 4.05 * 2.5 / (4.598 - 3.326) * log10(ratio / 2.86)
    dust = of(galaxy(rng, 4.0, 0.001))["balmer_av"]
    assert dust.summary()["p50"] == pytest.approx(1.160, abs=0.005)


def test_dust_that_could_be_anything_is_unconstrained(rng):
    narrow, wide = (of(galaxy(rng, 8.0, scatter)) for scatter in (0.07, 0.13))
    for found, flag in ((narrow, ""), (wide, "unconstrained")):
        low, high = np.quantile(found["balmer_av"].draws, [0.025, 0.975])
        assert (high - low > UNCONSTRAINED_AV_MAG) == bool(flag)
        assert found["balmer_av"].flag == found["log_sfr_halpha"].flag == flag
        assert (found["balmer_av"].draws >= 0).all()
    assert set(wide["balmer_av"].summary().values()) == {None}
    assert "3 mag" in wide["balmer_av"].reason


def test_a_fibre_does_not_outdo_its_galaxy_without_a_word(rng):
    draws = galaxy(rng, 4.0, 0.001)
    assert not of(draws)["log_sfr_halpha"].flag
    inside = float(np.median(of(draws)["log_sfr_halpha"].draws))
    draws[:, TARGET_NAMES.index("log_sfr")] = inside - 0.2
    found = of(draws)["log_sfr_halpha"]
    assert found.flag == "above_total"
    assert "whole galaxy" in found.reason
    assert set(found.summary().values()) == {None}
    assert derived_statistics(draws[None], np.array([2.0]), np.array([0.9]))[1] == [
        ["log_sfr_halpha:above_total"]
    ]


def test_no_lines_give_no_abundance(rng):
    found = of(galaxy(rng, 4.0, 0.01), measurable={"gas_metallicity": 0.2})
    assert found["oh_pp04_o3n2"].flag == found["oh_marino13_n2"].flag == "not_measurable"
    assert found["oh_pp04_o3n2"].reason == "not measurable (p = 0.20)"
    assert not found["balmer_av"].flag


def test_many_galaxies_are_as_each_alone(rng):
    several = np.stack([galaxy(rng, 2.5, 0.05), galaxy(rng, 8.0, 0.3), galaxy(rng, 4.0, 0.05)])
    several[2, :100, TARGET_NAMES.index("log_flux_nii_6584")] = -2.5  # outside the calibration
    several[0, :, TARGET_NAMES.index("log_flux_nii_6584")] = -2.5
    radii, chances = np.array([3.0, np.nan, 5.0]), np.array([0.9, 0.1, np.nan])
    statistics, flags = derived_statistics(several, radii, chances)
    assert statistics.shape == (3, len(SUMMARY_QUANTILES), len(DERIVED_NAMES))
    for k, draws in enumerate(several):
        radius = None if np.isnan(radii[k]) else float(radii[k])
        alone = of(draws, petro_r50_arcsec=radius, measurable={"gas_metallicity": chances[k]})
        for j, name in enumerate(DERIVED_NAMES):
            values = alone[name].summary().values() if name in alone else [None] * 5
            np.testing.assert_allclose(statistics[k, :, j], np.array([*values], float), rtol=1e-9)
        words = [f"{name}:{quantity.flag}" for name, quantity in alone.items() if quantity.flag]
        assert flags[k] == words
    assert "oh_marino13_n2:outside_calibration" in flags[0]
    assert "balmer_av:unconstrained" in flags[1]
    assert flags[2] == []


@pytest.mark.parametrize("number", [1, 2, 5, 40])
def test_quantiles_of_many_rows_are_those_of_each(rng, number):
    values = rng.normal(size=(30, number))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[0], values[1, 0] = np.nan, np.inf
    levels = [0.0, 0.025, 0.16, 0.5, 0.84, 0.975, 1.0]
    found = finite_quantiles(values, levels)
    for row, own in zip(values, found, strict=True):
        seen = row[np.isfinite(row)]
        expected = np.quantile(seen, levels) if len(seen) else np.full(len(levels), np.nan)
        np.testing.assert_array_equal(own, expected)
