"""The mass-excitation diagram (MEx): stellar mass in place of [N II]/Halpha.

Throughout, ``log_mass`` is log10 of the stellar mass in Msun, and ``log_oiii_hb`` is
log10([O III] 5007 / Hbeta), dimensionless. The demarcations are for masses with a Chabrier IMF;
this project's have a Kroupa IMF and are some 0.03 dex higher (Madau & Dickinson 2014, ARA&A 52,
415, sect. 3.1), which is left as it is: posteriors are several times as wide.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from galexplorer.schema import LINE_NAMES, TARGET_NAMES
from galexplorer.science.bpt import line_ratios, shows_lines

MEX_CLASSES = ("star_forming", "intermediate", "agn")
MEX_LABELS = dict(zip(MEX_CLASSES, ("Star-forming", "Intermediate", "AGN"), strict=True))

_MASS = TARGET_NAMES.index("log_stellar_mass")
_UPPER = Polynomial([410.24, -109.333, 9.71731, -0.288244])
_LOWER = Polynomial([352.066, -93.8249, 8.32651, -0.246416])
_UPPER_FROM, _LOWER_FROM = 10.0, 9.6


def mex_upper(log_mass: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return the demarcation above which galaxies are active.

    Parameters
    ----------
    log_mass : array_like

    Returns
    -------
    ndarray
        log10([O III]/Hb).

    References
    ----------
    Juneau et al. 2014, ApJ 788, 88, eq. 1.
    """
    return _demarcation(log_mass, _UPPER, _UPPER_FROM)


def mex_lower(log_mass: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return the demarcation below which galaxies form stars; between the two they may be either.

    Parameters
    ----------
    log_mass : array_like

    Returns
    -------
    ndarray
        log10([O III]/Hb).

    References
    ----------
    Juneau et al. 2014, ApJ 788, 88, eq. 2.
    """
    return _demarcation(log_mass, _LOWER, _LOWER_FROM)


def _demarcation(log_mass: ArrayLike, curve: Polynomial, begin: float) -> np.ndarray:
    """Return the hyperbola that both share up to some mass, and a cubic of its own from there."""
    x = np.asarray(log_mass, dtype=float)
    below = x <= begin
    return np.where(below, 0.375 / (np.where(below, x, 0.0) - 10.5) + 1.14, curve(x))


def classify_mex(log_mass: ArrayLike, log_oiii_hb: ArrayLike) -> Int[np.ndarray, "..."]:
    """Return the class of each point.

    Parameters
    ----------
    log_mass, log_oiii_hb : array_like
        Broadcast against each other.

    Returns
    -------
    ndarray of int
        Index into `MEX_CLASSES`, -1 where a coordinate is not finite.

    Examples
    --------
    >>> classify_mex([9.0, 10.5, 10.9], [0.3, -0.2, 0.9]).tolist()
    [0, 1, 2]
    """
    x, y = np.broadcast_arrays(
        np.asarray(log_mass, dtype=float), np.asarray(log_oiii_hb, dtype=float)
    )
    finite = np.isfinite(x) & np.isfinite(y)
    safe = np.where(finite, x, 9.0)
    upper, lower = mex_upper(safe), mex_lower(safe)
    return np.select([~finite, y > np.maximum(upper, lower), y <= lower], [-1, 2, 0], default=1)


def mex_coordinates(
    draws: Float[np.ndarray, " *rows 9"],
) -> tuple[Float[np.ndarray, " *rows"], Float[np.ndarray, " *rows"]]:
    """Return log stellar mass and log([O III]/Hb) of posterior draws.

    Parameters
    ----------
    draws : ndarray, shape (..., 9)
        Columns in the order of `galexplorer.schema.TARGET_NAMES`.

    Returns
    -------
    log_mass, log_oiii_hb : ndarray, shape (...)
    """
    return draws[..., _MASS].astype(float), line_ratios(draws)[1]


def mex_probabilities(
    draws: Float[np.ndarray, "n 9"], measurable: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the probability of each class of the mass-excitation diagram.

    Parameters
    ----------
    draws : ndarray, shape (n, 9)
    measurable : mapping of str to float, optional
        Probability that a spectrum shows each line; with it, only draws that show them count, as
        for the BPT classes.

    Returns
    -------
    dict of str to float
        By `MEX_CLASSES`, adding up to 1; NaN where no draw counts.
    """
    classes = classify_mex(*mex_coordinates(draws))
    counted = classes >= 0
    if measurable:
        counted &= shows_lines(draws, np.array([measurable[name] for name in LINE_NAMES]))
    number = counted.sum()
    return {
        name: float((classes[counted] == k).sum() / number) if number else float("nan")
        for k, name in enumerate(MEX_CLASSES)
    }
