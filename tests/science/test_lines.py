import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.cosmology import Planck18

from galexplorer.science.lines import (
    ATTENUATION_LAWS,
    DETECTABLE_LOG_FLUX,
    FAINT_LOG_FLUX,
    balmer_av,
    colour_excess,
    halpha_log_sfr,
    kpc_per_arcsec,
    line_status,
    log_luminosity,
    luminosity_distance_mpc,
    strong_line_oh,
)


def calzetti2000(wavelength_um, rv=4.05):
    if wavelength_um >= 0.63:
        return 2.659 * (-1.857 + 1.040 / wavelength_um) + rv
    inverse = 1 / wavelength_um
    return 2.659 * np.polyval([0.011, -0.198, 1.509, -2.156], inverse) + rv


def cardelli1989(wavelength_um, rv=3.1):
    y = 1 / wavelength_um - 1.82
    a = np.polyval([0.32999, -0.77530, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1], y)
    b = np.polyval([-2.09002, 5.30260, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0], y)
    return rv * a + b


@pytest.mark.parametrize(("name", "law"), [("calzetti00", calzetti2000), ("ccm89", cardelli1989)])
def test_coefficients_follow_from_the_published_polynomials(name, law):
    k = ATTENUATION_LAWS[name]
    assert k["halpha"] == pytest.approx(law(0.65628), abs=1e-3)
    assert k["hbeta"] == pytest.approx(law(0.48613), abs=1e-3)


def test_no_dust_at_the_case_b_ratio():
    assert colour_excess(np.log10(2.86), 0.0) == pytest.approx(0.0)
    assert colour_excess(np.log10(3.1), 0.0, intrinsic=3.1) == pytest.approx(0.0)


def test_colour_excess_matches_dominguez_2013():
    # E(B-V) = 1.97 log10[(Ha/Hb)/2.86] for the Calzetti law
    assert colour_excess(np.log10(28.6), 0.0) == pytest.approx(1.97, abs=0.01)


def test_av_recovers_a_known_screen():
    """Dim both lines by a screen of A_V = 1.5 mag built from the law itself."""
    for name, law in (("calzetti00", calzetti2000), ("ccm89", cardelli1989)):
        excess = 1.5 / ATTENUATION_LAWS[name]["v"]
        log_ha = np.log10(2.86) - 0.4 * excess * law(0.65628)
        log_hb = -0.4 * excess * law(0.48613)
        assert balmer_av(log_ha, log_hb, name) == pytest.approx(1.5, abs=3e-3)


def test_negative_decrements_are_kept_for_av_and_ignored_for_sfr():
    assert balmer_av(np.log10(2.5), 0.0) < 0
    assert halpha_log_sfr(1.0, 1.0, 0.05) == halpha_log_sfr(1.0, 1.0 - np.log10(2.86), 0.05)


def test_unknown_law_is_refused():
    with pytest.raises(ValueError, match="law must be one of calzetti00, ccm89"):
        balmer_av(0.0, 0.0, law="smc")


def test_luminosity_distance_is_that_of_planck18():
    z = np.array([1e-6, 1e-3, 0.0197, 0.1, 0.35, 0.99, 1.7])
    expected = Planck18.luminosity_distance(z).to_value(u.Mpc)
    np.testing.assert_allclose(luminosity_distance_mpc(z), expected, rtol=1e-6)


def test_luminosity_distance_follows_hubble_nearby():
    assert luminosity_distance_mpc(1e-4) == pytest.approx(1e-4 * 299792.458 / 67.66, rel=1e-3)


def test_distance_without_a_redshift_is_nan():
    assert np.isnan(luminosity_distance_mpc([-0.01, np.nan])).all()
    assert luminosity_distance_mpc(0.0) == 0.0
    assert np.isnan(log_luminosity(1.0, 0.0))


def test_angular_scale():
    expected = Planck18.kpc_proper_per_arcmin(0.1).to_value(u.kpc / u.arcsec)
    assert kpc_per_arcsec(0.1) == pytest.approx(expected, rel=1e-6)


def test_sfr_constant_is_that_of_murphy_2011():
    """SFR = 5.37e-42 L(Ha) without dust."""
    flux, z = 100e-17, 0.05
    distance = Planck18.luminosity_distance(z).to_value(u.cm)
    expected = np.log10(5.37e-42 * 4 * np.pi * distance**2 * flux)
    found = halpha_log_sfr(2.0, 2.0 - np.log10(2.86), z)
    assert found == pytest.approx(expected, abs=2e-3)


def test_dust_correction_restores_the_dust_free_rate():
    clean = halpha_log_sfr(2.0, 2.0 - np.log10(2.86), 0.05)
    excess = 0.4
    dimmed = halpha_log_sfr(
        2.0 - 0.4 * excess * calzetti2000(0.65628),
        2.0 - np.log10(2.86) - 0.4 * excess * calzetti2000(0.48613),
        0.05,
    )
    assert dimmed == pytest.approx(clean, abs=1e-3)


def test_strong_line_abundances_at_published_anchors():
    # The solar abundance 8.66 of PP04 lies at O3N2 = 0.22, N2 = -0.42 of their linear fits.
    assert strong_line_oh(-0.22, 0.0, "pp04_o3n2") == pytest.approx(8.66, abs=0.01)
    assert strong_line_oh(-0.42, 0.0, "pp04_n2") == pytest.approx(8.66, abs=0.01)
    # Marino et al. 2013: 8.533 and 8.743 are the values at an index of zero and -1.
    assert strong_line_oh(0.3, 0.3, "marino13_o3n2") == pytest.approx(8.533)
    assert strong_line_oh(-1.0, 0.0, "marino13_n2") == pytest.approx(8.281)


@pytest.mark.parametrize(
    ("calibration", "lowest", "highest"),
    [
        ("pp04_n2", -2.5, -0.3),
        ("pp04_o3n2", -1.0, 1.9),
        ("marino13_n2", -1.6, -0.2),
        ("marino13_o3n2", -1.1, 1.7),
    ],
)
def test_out_of_range_means_no_value(calibration, lowest, highest):
    index = np.array([lowest - 0.01, lowest + 0.01, highest - 0.01, highest + 0.01, np.nan])
    n2, o3 = (index, 0 * index) if calibration.endswith("_n2") else (0 * index, index)
    found = strong_line_oh(n2, o3, calibration)
    assert np.isfinite(found).tolist() == [False, True, True, False, False]


def test_unknown_calibration_is_refused():
    with pytest.raises(ValueError, match="calibration must be one of pp04_n2"):
        strong_line_oh(0, 0, "t04")


def test_functions_take_draws():
    rng = np.random.default_rng(1)
    draws = rng.normal(2.0, 0.3, size=(3, 500))
    z = rng.uniform(0.01, 0.3, 500)
    assert halpha_log_sfr(draws[0], draws[1], z).shape == (500,)
    assert strong_line_oh(draws[0] - draws[1], draws[2] - draws[1]).shape == (500,)


def test_kinds_of_line_posteriors():
    spread = np.linspace(-1, 1, 2001)  # 5% and 95% at -0.9 and 0.9
    assert line_status(DETECTABLE_LOG_FLUX + 0.91 + spread).kind == "measured-like"
    faint = line_status(FAINT_LOG_FLUX - 0.91 + spread)
    assert faint.kind == "upper limit"
    assert faint.log_limit == pytest.approx(FAINT_LOG_FLUX - 0.01)
    assert line_status(DETECTABLE_LOG_FLUX + 0.89 + 2 * spread).kind == "unconstrained"


def test_detectable_flux_is_three_sigma_of_sdss_lines(data_dir):
    """Errors of 5,000 galaxies, scaled as MPA-JHU's repeats ask."""
    table = pd.read_csv(data_dir / "sdss_lines_z010.csv.gz")
    factors = {"halpha": 2.473, "hbeta": 1.882, "oiii_5007": 1.566, "nii_6584": 2.039}
    errors = np.concatenate([f * table[f"{line}_err"] for line, f in factors.items()])
    sigma = np.median(errors[errors > 0])
    assert pytest.approx(np.log10(3 * sigma), abs=0.05) == DETECTABLE_LOG_FLUX


def test_most_lines_are_fainter_than_a_telling_limit(data_dir):
    table = pd.read_csv(data_dir / "sdss_lines_z010.csv.gz")
    for line in ("halpha", "hbeta", "oiii_5007", "nii_6584"):
        assert (table[line] < 10**FAINT_LOG_FLUX).mean() > 0.8
