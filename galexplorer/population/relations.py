"""Published relations between the properties of galaxies, each with its scatter.

They stand in where no table gives the quantity: without the real tables, all but redshift,
photometry and mass come from here. They know less than the tables do: no AGN, no correlations
between residuals.
"""

import numpy as np

from galexplorer.population import scales

_HALPHA_CONSTANT = 41.27
"""log SFR = log L(Halpha) - 41.27 (Kennicutt & Evans 2012, 1204.3552; Kroupa IMF)."""

_CASE_B = 2.86
_K_HALPHA, _K_HBETA = 2.53, 3.61  # Cardelli, Clayton & Mathis 1989

DISPERSION_WEIGHTS = (2.111, 0.426, -0.194, 0.383, -0.022)
"""log sigma on `completion.dispersion_features`: 420 galaxies of CALIFA and RESOLVE."""

DISPERSION_SCATTER = 0.087


def half_light_radius_kpc(
    log_mass: np.ndarray, early: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw half-light radii (Shen et al. 2003, astro-ph/0301527, table 1 with its erratum).

    Parameters
    ----------
    log_mass : ndarray, shape (n,)
        log10 solar masses.
    early : ndarray, shape (n,), bool
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n,)
        kpc.
    """
    mass = 10**log_mass
    late = 0.1 * mass**0.14 * (1 + mass / 3.98e10) ** 0.25
    median = np.where(early, 2.88e-6 * mass**0.56, late)
    # early types of low mass are larger than the power law of massive ones
    median = np.maximum(median, 0.5 * late)
    scatter = 0.34 + (0.47 - 0.34) / (1 + (mass / 3.98e10) ** 2)
    return median * np.exp(scatter * rng.standard_normal(len(mass)))


def gas_metallicity(log_mass: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw 12+log(O/H) from Tremonti et al. 2004 (astro-ph/0405537): scatter 0.1 dex."""
    m = np.clip(log_mass, 8.5, 11.5)
    mean = -1.492 + 1.847 * m - 0.08026 * m**2
    return mean + 0.1 * rng.standard_normal(len(m))


def halpha_attenuation_mag(log_mass: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw A(Halpha) from Garn & Best 2010 (1007.1145): scatter 0.28 mag, never negative."""
    x = np.clip(log_mass, 8.0, 11.8) - 10.0
    mean = 0.91 + 0.77 * x + 0.11 * x**2 - 0.09 * x**3
    return np.maximum(mean + 0.28 * rng.standard_normal(len(x)), 0.0)


def emission_lines(
    log_sfr: np.ndarray,
    log_mass: np.ndarray,
    metallicity: np.ndarray,
    in_fibre: np.ndarray,
    luminosity_distance_cm: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draw fibre fluxes of four lines of star-forming galaxies, and of retired ones.

    The star-formation rate gives Halpha, attenuated; the Balmer decrement follows from case B
    and the same attenuation; [N II] and [O III] from the metallicity by the calibrations of
    Pettini & Pagel 2004 (astro-ph/0401128), 0.38 and 0.25 dex (95%) wide. Below a specific rate
    of 10^-11.3 per year ratios are those of retired galaxies (Cid Fernandes et al. 2011,
    1012.4426).

    Parameters
    ----------
    log_sfr, log_mass, metallicity : ndarray, shape (n,)
    in_fibre : ndarray, shape (n,)
        Share of the light in the fibre.
    luminosity_distance_cm : ndarray, shape (n,)
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray, shape (n,)
        log10 of 1e-17 erg/s/cm2 per target name.
    """
    number = len(log_sfr)
    attenuation = halpha_attenuation_mag(log_mass, rng)
    area = np.log10(4 * np.pi) + 2 * np.log10(luminosity_distance_cm)
    halpha = log_sfr + _HALPHA_CONSTANT - area + 17 + np.log10(in_fibre) - 0.4 * attenuation
    halpha += 0.15 * rng.standard_normal(number)
    reddening = attenuation / _K_HALPHA
    hbeta = halpha - np.log10(_CASE_B) - 0.4 * reddening * (_K_HBETA - _K_HALPHA)
    pp04 = _from_t04(metallicity)
    n2 = np.clip((pp04 - 8.90) / 0.57 + 0.19 * rng.standard_normal(number), -2.0, -0.3)
    o3 = np.clip((8.73 - pp04) / 0.32 + n2 + 0.12 * rng.standard_normal(number), -1.0, 1.0)
    retired = log_sfr - log_mass < -11.3
    n2 = np.where(retired, 0.0 + 0.18 * rng.standard_normal(number), n2)
    o3 = np.where(retired, 0.2 + 0.2 * rng.standard_normal(number), o3)
    return {
        "log_flux_halpha": halpha,
        "log_flux_hbeta": hbeta,
        "log_flux_nii_6584": halpha + n2,
        "log_flux_oiii_5007": hbeta + o3,
    }


def _from_t04(metallicity: np.ndarray) -> np.ndarray:
    """Invert the conversion of Kewley & Ellison; its ends are held."""
    grid = np.linspace(8.06, 8.89, 200)
    return np.interp(metallicity, scales.pp04_to_t04(grid), grid)
