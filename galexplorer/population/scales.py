"""One scale for every quantity: the shifts between the tables, each with what it rests on.

Masses and star-formation rates are MPA-JHU's (Kroupa IMF), metallicities those of Tremonti et
al. 2004, magnitudes SDSS model magnitudes, radii SDSS Petrosian radii in r. A shift is measured
on galaxies in common, or, where too few are, on galaxies of equal photometry and redshift.
"""

import numpy as np

from galexplorer.schema import BANDS

LINE_EXTINCTION_PER_EBV = {"halpha": 2.53, "nii_6584": 2.53, "hbeta": 3.61, "oiii_5007": 3.47}
"""A/E(B-V) at the lines, Cardelli, Clayton & Mathis 1989 with R = 3.1."""

UNSTATED_REDDENING = 0.033
"""E(B-V) that the table at z 0.10-0.12 carries, in its magnitudes and its lines: with it the red
sequence and the lines at equal photometry agree with the tables that are corrected. Positions are
unknown, so one value has to do."""

EXTINCTION_R_OF_1998 = 2.751
"""A_r over E(B-V) before Schlafly & Finkbeiner 2011 (Stoughton et al. 2002, table 22), which the
sample of kcorrect has: its extinctions in g, r and i stand as 1.379 : 1 : 0.758."""

SALPETER_TO_KROUPA_MASS = float(np.log10(0.66))
"""Shift of log mass from a Salpeter to a Kroupa IMF (Madau & Dickinson 2014, 1403.0007)."""

SALPETER_TO_KROUPA_SFR = float(np.log10(0.67))
"""Shift of log star-formation rate, from the same review."""

CHABRIER_TO_KROUPA_MASS = float(np.log10(0.66 / 0.61))
CHABRIER_TO_KROUPA_SFR = float(np.log10(0.67 / 0.63))

# T04 as a cubic in PP04 (Kewley & Ellison 2008, 0801.1849, table 3), and where it holds
_KEWLEY_ELLISON = {
    "N2": (-1661.9380, 585.17650, -68.471750, 2.6766690),
    "O3N2": (-738.1193, 258.9673, -30.05705, 1.167937),
}
_KEWLEY_ELLISON_RANGE = (8.05, 8.9)

# model minus Petrosian magnitude: value at g - r = 0.65 and slope with g - r, from 1,827 galaxies
# of the SDSS main sample at z 0.02-0.06 (scatter 0.07-0.13 mag)
_PETRO_TO_MODEL = {
    "u": (0.006, -0.121),
    "g": (-0.031, -0.256),
    "r": (-0.057, -0.192),
    "i": (-0.072, -0.158),
    "z": (-0.129, -0.073),
}

RESOLVE_SIZE_OFFSET = -0.14
"""RESOLVE's radii are this much (dex) above SDSS's Petrosian ones: 42 galaxies in common with
MPA-JHU and xGASS, both radii alike."""

RESOLVE_SFR_OFFSET = -0.15
"""Ultraviolet rates of RESOLVE to those of MPA-JHU, dex."""

# shift of log mass to MPA-JHU's: value at 10^10 Msun and slope per dex. kcorrect's and RESOLVE's
# from boosting on 4,804 galaxies of MPA-JHU's scale with equal photometry and redshift (66 and 62
# galaxies in common agree within 0.03); the others from galaxies in common with those two
# (8,454 of GLADE+, 93 of ALFALFA, 18 of MaNGA)
_MASS_SHIFTS = {
    "kcorrect": (-0.026, 0.090),
    "kcorrect10k": (-0.026, 0.090),
    "resolve": (0.062, -0.030),
    "glade": (0.205, 0.0),
    "alfalfa": (-0.08, 0.0),
    "manga": (-0.08, 0.0),
    # from 375, 174 and 1 galaxies in common with MPA-JHU and 113, 90 and 24 with tables of its
    # masses; GSWLC's from 22 and, through Nair & Abraham, 176
    "nair": (0.05, 0.0),
    "mass_type": (-0.13, 0.0),
    "gama": (0.02, 0.0),
    "gswlc": (-0.07, 0.0),
}
_MASS_SHIFT_RANGE = (8.5, 11.2)

SCATTERED_MASSES = ("nair", "mass_type", "gama", "gswlc_sga", "virgo_gswlc")
"""Tables whose masses judge and do not teach: at equal photometry and redshift they scatter by 0.08
to 0.25 dex (median absolute deviation) about those of MPA-JHU, which do by 0.05 themselves."""

CHOSEN_BY_SPECTRUM = ("quench",)
"""Tables that judge and do not teach. Galaxies chosen by their spectra have other lines than those
of equal photometry and redshift: in 3,384 of these Ha is 0.10 dex brighter, [N II] 0.16."""


def to_mpajhu_mass(log_mass: np.ndarray, scale: str) -> np.ndarray:
    """Return masses of another table on the scale of MPA-JHU.

    Parameters
    ----------
    log_mass : ndarray, shape (n,)
        log10 solar masses.
    scale : str
        Source of the masses; those on MPA-JHU's scale, or unknown, come back as they are.

    Returns
    -------
    ndarray, shape (n,)
    """
    value = np.asarray(log_mass, float)
    if scale not in _MASS_SHIFTS:
        return value
    zero, slope = _MASS_SHIFTS[scale]
    return value + zero + slope * (np.clip(value, *_MASS_SHIFT_RANGE) - 10.0)


def petro_to_model(magnitudes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return model magnitudes expected of a nearby galaxy's Petrosian ones, dereddened."""
    colour = np.clip(magnitudes["g"] - magnitudes["r"] - 0.65, -0.5, 0.4)
    out = {}
    for band in BANDS:
        zero, slope = _PETRO_TO_MODEL[band]
        out[band] = magnitudes[band] + zero + slope * colour
    return out


def pp04_to_t04(metallicity: np.ndarray, calibrator: str = "O3N2") -> np.ndarray:
    """Convert 12+log(O/H) of Pettini & Pagel 2004 to the scale of Tremonti et al. 2004.

    Parameters
    ----------
    metallicity : ndarray, shape (n,)
    calibrator : str
        ``O3N2`` or ``N2``.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the conversion is not defined.
    """
    value = np.asarray(metallicity, float)
    low, high = _KEWLEY_ELLISON_RANGE
    inside = np.where((value >= low) & (value <= high), value, np.nan)
    return np.polynomial.polynomial.polyval(inside, _KEWLEY_ELLISON[calibrator])
