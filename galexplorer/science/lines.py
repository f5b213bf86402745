"""Quantities from four emission lines: dust, star formation, oxygen abundance, luminosity.

Every function is vectorised and meant for posterior draws: a derived quantity keeps
its full posterior. Line fluxes are log10 of 1e-17 erg/s/cm2, as in the targets.
"""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from jaxtyping import Float
from numpy.typing import ArrayLike

FLUX_UNIT_ERG_S_CM2 = 1e-17
CM_PER_MPC = float((1 * u.Mpc).to_value(u.cm))

CASE_B_RATIO = 2.86
"""Intrinsic Ha/Hb of H II regions, case B, 1e4 K, 100 per cm3 (Osterbrock & Ferland 2006)."""

ATTENUATION_LAWS = {
    "calzetti00": {"halpha": 3.326, "hbeta": 4.598, "v": 4.05},
    "ccm89": {"halpha": 2.535, "hbeta": 3.609, "v": 3.1},
}
"""k = A / E(B-V) at Ha, Hb and V: Calzetti et al. 2000 (ApJ 533, 682, eq. 4) with R_V 4.05,
Cardelli, Clayton & Mathis 1989 (ApJ 345, 245, eq. 3) with R_V 3.1."""

LOG_HALPHA_SFR_CONSTANT = 41.27
"""log of erg/s per Msun/yr: Kennicutt & Evans 2012 (ARA&A 50, 531), table 1, Kroupa IMF."""

STRONG_LINE_CALIBRATIONS = {
    # name: (index, intercept, slope, lowest, highest)
    "pp04_n2": ("n2", 8.90, 0.57, -2.5, -0.3),
    "pp04_o3n2": ("o3n2", 8.73, -0.32, -1.0, 1.9),
    "marino13_n2": ("n2", 8.743, 0.462, -1.6, -0.2),
    "marino13_o3n2": ("o3n2", 8.533, -0.214, -1.1, 1.7),
}
"""12 + log(O/H) = intercept + slope * index, valid between the two limits of the index:
Pettini & Pagel 2004 (MNRAS 348, L59, eqs. 1 and 3),
Marino et al. 2013 (A&A 559, A114, eqs. 2 and 4)."""

DETECTABLE_LOG_FLUX = 1.2
"""Three times the median error of these lines in SDSS's galaxies below redshift 0.1.

The median is 5.4e-17 erg/s/cm2 over the four lines, and 4.3e-17 ([O III]) to 8.0e-17 (Ha) in one of
them, where the listed errors are scaled by what repeat observations showed: 2.473 for Ha, 1.882
for Hb, 1.566 for [O III] and 2.039 for [N II] (MPA-JHU release notes for DR7). As listed it is
2.8e-17.
"""

FAINT_LOG_FLUX = 2.5
"""Limits above this are uninformative: at least 80% of lines at z < 0.1 are fainter."""

LINE_KINDS = ("measured-like", "upper limit", "unconstrained")


@dataclass(frozen=True)
class LineStatus:
    """Whether the posterior of one line resembles a detection, an upper limit or neither.

    Attributes
    ----------
    kind : str
        One of `LINE_KINDS`.
    log_limit : float
        Upper limit at 95%: log10 of 1e-17 erg/s/cm2. Of use for the second kind.
    """

    kind: str
    log_limit: float


def line_status(log_flux: Float[np.ndarray, " n"]) -> LineStatus:
    """Classify the posterior of a line's flux.

    No line was measured; the labels describe the draws. *Measured-like*: at
    least 95% of them lie above `DETECTABLE_LOG_FLUX`, so that a typical SDSS spectrum would
    show the line at three sigma. *Upper limit*: a line too faint to be seen is among the answers,
    and 95% of the draws lie below `FAINT_LOG_FLUX`. *Unconstrained*: anything from invisible to
    bright.

    Parameters
    ----------
    log_flux : ndarray, shape (n,)
        Draws, log10 of 1e-17 erg/s/cm2.

    Returns
    -------
    LineStatus
    """
    low, high = np.quantile(np.asarray(log_flux, float), [0.05, 0.95])
    if low >= DETECTABLE_LOG_FLUX:
        return LineStatus("measured-like", float(high))
    if high <= FAINT_LOG_FLUX:
        return LineStatus("upper limit", float(high))
    return LineStatus("unconstrained", float(high))


def _law(name: str) -> dict[str, float]:
    try:
        return ATTENUATION_LAWS[name]
    except KeyError:
        raise ValueError(
            f"law must be one of {', '.join(ATTENUATION_LAWS)}, not {name!r}"
        ) from None


def colour_excess(
    log_flux_halpha: ArrayLike,
    log_flux_hbeta: ArrayLike,
    law: str = "calzetti00",
    intrinsic: float = CASE_B_RATIO,
) -> Float[np.ndarray, "..."]:
    """Return E(B-V) of the gas from the Balmer decrement.

    Parameters
    ----------
    log_flux_halpha, log_flux_hbeta : array_like
        log10 fluxes in one unit.
    law : {"calzetti00", "ccm89"}
    intrinsic : float
        Ha/Hb without dust.

    Returns
    -------
    ndarray
        Magnitudes. Negative where Ha/Hb lies below `intrinsic`: noise, or another temperature.

    Raises
    ------
    ValueError
        If the law is unknown.

    References
    ----------
    Dominguez et al. 2013, ApJ 763, 145, eq. 4.
    """
    k = _law(law)
    log_ratio = np.asarray(log_flux_halpha, float) - np.asarray(log_flux_hbeta, float)
    return np.asarray(2.5 / (k["hbeta"] - k["halpha"]) * (log_ratio - np.log10(intrinsic)))


def balmer_av(
    log_flux_halpha: ArrayLike,
    log_flux_hbeta: ArrayLike,
    law: str = "calzetti00",
    intrinsic: float = CASE_B_RATIO,
) -> Float[np.ndarray, "..."]:
    """Return A_V of the gas in magnitudes from the Balmer decrement.

    Parameters and errors are those of `colour_excess`; negative values are kept.
    """
    excess = colour_excess(log_flux_halpha, log_flux_hbeta, law, intrinsic)
    return np.asarray(_law(law)["v"] * excess)


# d_L / z is smooth down to z = 0; least squares at Chebyshev nodes, highest power first. The
# cosmology itself takes longer to import than a galaxy to infer.
_DISTANCE_OVER_Z_MPC = (
    *(-2.5094, 20.068, -68.33033, 120.01163, -79.19487, -108.63613),
    *(259.80372, 63.35587, -1240.93545, 3396.76896, 4430.86695),
)
_FIT_REACHES = 1.0


def luminosity_distance_mpc(redshift: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return the luminosity distance in Mpc, Planck 2018 cosmology.

    A polynomial within 1e-8 of `astropy.cosmology.Planck18` below z = 1, and that itself beyond.

    Parameters
    ----------
    redshift : array_like

    Returns
    -------
    ndarray
        NaN where the redshift is negative or NaN.
    """
    z = np.asarray(redshift, dtype=float)
    near = np.polyval(_DISTANCE_OVER_Z_MPC, np.clip(z, 0, _FIT_REACHES))
    distance = np.where(z >= 0, z * near, np.nan)
    far = z > _FIT_REACHES
    if np.any(far):
        from astropy.cosmology import Planck18

        distance = np.where(far, 0.0, distance)
        distance[far] = Planck18.luminosity_distance(z[far]).to_value(u.Mpc)
    return distance


def kpc_per_arcsec(redshift: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return the proper transverse scale in kpc per arcsec, Planck 2018 cosmology."""
    z = np.asarray(redshift, dtype=float)
    angular_diameter_kpc = 1e3 * luminosity_distance_mpc(z) / (1 + z) ** 2
    return np.asarray(angular_diameter_kpc * np.deg2rad(1 / 3600))


def log_luminosity(log_flux: ArrayLike, redshift: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return log10 of the line luminosity in erg/s.

    Parameters
    ----------
    log_flux : array_like
        log10 of 1e-17 erg/s/cm2.
    redshift : array_like

    Returns
    -------
    ndarray
        NaN where the redshift is not positive.
    """
    distance_cm = luminosity_distance_mpc(redshift) * CM_PER_MPC
    log_area = np.log10(4 * np.pi) + 2 * np.log10(np.where(distance_cm > 0, distance_cm, np.nan))
    return np.asarray(np.asarray(log_flux, float) + np.log10(FLUX_UNIT_ERG_S_CM2) + log_area)


def halpha_log_sfr(
    log_flux_halpha: ArrayLike,
    log_flux_hbeta: ArrayLike,
    redshift: ArrayLike,
    law: str = "calzetti00",
    intrinsic: float = CASE_B_RATIO,
) -> Float[np.ndarray, "..."]:
    """Return log10 of the star-formation rate in Msun/yr from Ha, corrected for dust.

    It counts the light of the spectrograph's fibre only, and any light of an active
    nucleus with it. A Balmer decrement below the intrinsic one counts as no dust.

    Parameters
    ----------
    log_flux_halpha, log_flux_hbeta : array_like
        log10 of 1e-17 erg/s/cm2.
    redshift : array_like
    law, intrinsic
        As in `colour_excess`.

    Returns
    -------
    ndarray
        Kroupa IMF; NaN where the redshift is not positive.

    References
    ----------
    Kennicutt & Evans 2012, ARA&A 50, 531, table 1; the constant equals the 5.37e-42
    of Murphy et al. 2011, ApJ 737, 67, eq. 2.
    """
    excess = np.maximum(colour_excess(log_flux_halpha, log_flux_hbeta, law, intrinsic), 0.0)
    log_corrected = log_luminosity(log_flux_halpha, redshift) + 0.4 * _law(law)["halpha"] * excess
    return np.asarray(log_corrected - LOG_HALPHA_SFR_CONSTANT)


def strong_line_oh(
    log_nii_ha: ArrayLike, log_oiii_hb: ArrayLike, calibration: str = "pp04_o3n2"
) -> Float[np.ndarray, "..."]:
    """Return 12 + log(O/H) from a strong-line calibration.

    The scales of the calibrations differ from one another and from that of Tremonti et
    al. 2004, which `gas_metallicity` uses, by up to 0.4 dex (Kewley & Ellison 2008).

    Parameters
    ----------
    log_nii_ha, log_oiii_hb : array_like
        log10 of the line ratios; N2 is the first, O3N2 their difference.
    calibration : {"pp04_n2", "pp04_o3n2", "marino13_n2", "marino13_o3n2"}

    Returns
    -------
    ndarray
        NaN where the index lies outside the calibration's range.

    Raises
    ------
    ValueError
        If the calibration is unknown.
    """
    if calibration not in STRONG_LINE_CALIBRATIONS:
        known = ", ".join(STRONG_LINE_CALIBRATIONS)
        raise ValueError(f"calibration must be one of {known}, not {calibration!r}")
    kind, intercept, slope, lowest, highest = STRONG_LINE_CALIBRATIONS[calibration]
    n2, o3 = np.broadcast_arrays(np.asarray(log_nii_ha, float), np.asarray(log_oiii_hb, float))
    index = n2 if kind == "n2" else o3 - n2
    valid = (index >= lowest) & (index <= highest)
    return np.where(valid, intercept + slope * index, np.nan)
