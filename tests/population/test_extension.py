"""Galaxies moved to other redshifts, against the distances that move them, and weights."""

import numpy as np
import pandas as pd
import pytest
from astropy.cosmology import FlatLambdaCDM

from galexplorer.population import extension
from galexplorer.population.templates import sdss_templates
from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES

COSMOLOGY = FlatLambdaCDM(H0=70, Om0=0.3)


@pytest.fixture
def rows(rng) -> pd.DataFrame:
    """Galaxies of one spectrum and small errors, as the completed population has them."""
    number = 400
    z = rng.uniform(0.04, 0.12, number)
    r = rng.uniform(15.0, 17.3, number)
    table = pd.DataFrame({"redshift": z, "r": r, "abs_r": r - COSMOLOGY.distmod(z).value})
    for band, colour in zip(BANDS, (2.5, 0.9, 0.0, -0.38, -0.7), strict=True):
        table[band] = r + colour
        table[f"err_{band}"] = 0.001
        table[f"petro_{band}"] = table[band] + rng.normal(0.05, 0.03, number)
    table["petro_r50_true"] = rng.uniform(1.5, 4.0, number)
    table["petro_r90_true"] = 2.6 * table.petro_r50_true
    table[["petro_r50", "petro_r90"]] = table[["petro_r50_true", "petro_r90_true"]]
    for name in TARGET_NAMES:
        if name not in table:
            table[name] = rng.normal(2.0, 0.3, number)
        table[f"{name}_measured"] = True
        table[f"{name}_valid"] = True
    for name in LINE_NAMES:
        column = name.removeprefix("log_flux_")
        table[[column, f"{column}_err", f"{name}_snr"]] = 10.0
    table["log_stellar_mass"], table["log_sfr"] = 10.5, 0.2
    table["bpt_class"], table["size_measured"] = 0, True
    table["source"], table["split"] = "main_sample", 0
    table["id"] = table["parent"] = [f"g{k}" for k in range(number)]
    return table


@pytest.fixture
def coefficients(rows) -> np.ndarray:
    maggies = 10 ** (-0.4 * rows[list(BANDS)].to_numpy())
    z = rows.redshift.to_numpy()
    return sdss_templates().fit_coeffs(redshift=z, maggies=maggies, ivar=(50 / maggies) ** 2)


def test_copies_keep_what_belongs_to_the_galaxy(rows, coefficients, rng):
    copies = extension.shifted_copies(rows, coefficients, 500, rng)
    parents = rows.set_index("id").loc[copies.parent]
    assert len(copies) == 500
    assert copies.id.is_unique
    assert not copies.id.isin(rows.id).any()
    for name in ("log_stellar_mass", "log_sfr", "gas_metallicity", "log_bh_mass", "split"):
        np.testing.assert_array_equal(copies[name], parents[name])
    assert not copies[[f"{name}_measured" for name in TARGET_NAMES]].any(axis=None)
    for band in BANDS:
        beyond, parental = (t[f"petro_{band}"] - t[band] for t in (copies, parents))
        np.testing.assert_allclose(beyond, parental, atol=1e-9)


def test_copies_dim_and_shrink_with_distance(rows, coefficients, rng):
    copies = extension.shifted_copies(rows, coefficients, 500, rng)
    parents = rows.set_index("id").loc[copies.parent]
    moved = (copies.redshift.to_numpy() / parents.redshift.to_numpy()) - 1
    assert (np.abs(moved) > 0.1).mean() > 0.5
    modulus = COSMOLOGY.distmod(copies.redshift.to_numpy()).value
    modulus -= COSMOLOGY.distmod(parents.redshift.to_numpy()).value
    k_correction = copies.r.to_numpy() - parents.r.to_numpy() - modulus
    # a galaxy of g - r = 0.9 reddens in r by about one magnitude per unit redshift
    slope = np.polyfit(copies.redshift.to_numpy() - parents.redshift.to_numpy(), k_correction, 1)[0]
    assert 0.4 < slope < 1.8
    distances = [COSMOLOGY.angular_diameter_distance(t.redshift).value for t in (copies, parents)]
    kpc = [
        np.sqrt(t.petro_r50_true.to_numpy() ** 2 - 0.79**2) * d
        for t, d in zip((copies, parents), distances, strict=True)
    ]
    np.testing.assert_allclose(kpc[0], kpc[1], rtol=1e-6)


def test_copies_stay_within_the_limits_and_gain_noise(rows, coefficients, rng):
    rows = rows.assign(err_u=0.02 * 10 ** (0.4 * (rows.u - 18)))
    copies = extension.shifted_copies(rows, coefficients, 2000, rng)
    assert copies.redshift.between(0.004, 0.33).all()
    assert (copies.r < 17.9).mean() > 0.85
    assert copies.r.max() < 19.3
    fainter = copies[copies.u > copies.u.median()]
    assert fainter.err_u.median() > copies.err_u.median()


def test_a_line_in_the_fibre_grows_less_than_the_galaxy_comes_near():
    """Of a nearer galaxy the fibre sees less: at R = R50 half, at R90 nine tenths."""
    share = extension.in_fibre(np.array([1.5, 0.5, 3.0]), np.array([4.0, 1.5, 9.0]))
    np.testing.assert_allclose(share[:2], [0.5, 0.9], rtol=1e-6)
    assert share[2] < 0.5


def test_weights_turn_the_population_into_the_main_sample(rng):
    number = 3000
    rows = pd.DataFrame({"source": np.where(np.arange(number) < 1000, "main_sample", "resolve")})
    rows["redshift"] = np.where(
        rows.source == "main_sample", rng.normal(0.1, 0.03, number), rng.normal(0.07, 0.04, number)
    )
    for band in BANDS:
        rows[band] = 17.0 + 0.1 * rng.standard_normal(number)
    rows["parent"] = np.arange(number).astype(str)
    weight = extension.main_sample_weights(rows, rng)
    assert weight.mean() == pytest.approx(1)
    assert rows.redshift.mean() < 0.085
    assert np.average(rows.redshift, weights=weight) == pytest.approx(0.1, abs=0.006)
