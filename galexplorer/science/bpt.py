"""The BPT diagram: demarcations and classes (Baldwin, Phillips & Terlevich 1981).

Throughout, ``log_nii_ha`` is log10([N II] 6584 / Halpha) and ``log_oiii_hb`` is
log10([O III] 5007 / Hbeta), both dimensionless.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from galexplorer.schema import BPT_CLASSES, LINE_NAMES, TARGET_NAMES

KEWLEY_POLE = 0.47
KAUFFMANN_POLE = 0.05

LEAST_SHOWN = 50
"""Draws that stand for those which show all four lines, where fewer do."""

UNCLASSIFIED = -1
"""Class of a point with a ratio that is not finite."""


def _hyperbola(log_nii_ha: ArrayLike, pole: float, offset: float) -> Float[np.ndarray, "..."]:
    """Return 0.61 / (x - pole) + offset, and minus infinity from the pole on.

    The other branch of the hyperbola has no meaning: right of the pole every point
    lies above the demarcation.
    """
    x = np.asarray(log_nii_ha, dtype=float)
    left = x < pole
    curve = 0.61 / np.where(left, x - pole, -1.0) + offset
    return np.where(left, curve, np.where(np.isnan(x), np.nan, -np.inf))


def kewley2001(log_nii_ha: ArrayLike) -> Float[np.ndarray, "..."]:
    """Maximum starburst: the highest log([O III]/Hb) that stars can ionize.

    Parameters
    ----------
    log_nii_ha : array_like

    Returns
    -------
    ndarray
        log10([O III]/Hb) of the demarcation, minus infinity for x >= 0.47.

    References
    ----------
    Kewley et al. 2001, ApJ 556, 121, eq. 5; repeated by Kewley et al. 2006,
    MNRAS 372, 961, eq. 5.
    """
    return _hyperbola(log_nii_ha, KEWLEY_POLE, 1.19)


def kauffmann2003(log_nii_ha: ArrayLike) -> Float[np.ndarray, "..."]:
    """Upper edge of the pure star-forming sequence of SDSS galaxies.

    Parameters
    ----------
    log_nii_ha : array_like

    Returns
    -------
    ndarray
        log10([O III]/Hb) of the demarcation, minus infinity for x >= 0.05.

    References
    ----------
    Kauffmann et al. 2003, MNRAS 346, 1055, eq. 1; repeated as eq. 4 of Kewley et al. 2006.
    """
    return _hyperbola(log_nii_ha, KAUFFMANN_POLE, 1.3)


def schawinski2007(log_nii_ha: ArrayLike) -> Float[np.ndarray, "..."]:
    """Division of active galaxies into Seyferts (above) and LINERs (below).

    Parameters
    ----------
    log_nii_ha : array_like

    Returns
    -------
    ndarray
        log10([O III]/Hb) of the demarcation.

    References
    ----------
    Schawinski et al. 2007, MNRAS 382, 1415, sect. 2.2.
    """
    return np.asarray(1.05 * np.asarray(log_nii_ha, dtype=float) + 0.45)


def classify(log_nii_ha: ArrayLike, log_oiii_hb: ArrayLike) -> Int[np.ndarray, "..."]:
    """Return the class of each point.

    Points on a demarcation belong to the class below it. Left of x = -1.28, where the
    two hyperbolae cross, a point under Kauffmann's is star-forming whatever
    Kewley's says: metal-poor dwarfs live there.

    Parameters
    ----------
    log_nii_ha, log_oiii_hb : array_like
        Broadcast against each other.

    Returns
    -------
    ndarray of int
        Index into `galexplorer.schema.BPT_CLASSES`, `UNCLASSIFIED` where a ratio is not finite.
    """
    x, y = np.broadcast_arrays(
        np.asarray(log_nii_ha, dtype=float), np.asarray(log_oiii_hb, dtype=float)
    )
    names = np.select(
        [
            ~(np.isfinite(x) & np.isfinite(y)),
            y <= kauffmann2003(x),
            y <= kewley2001(x),
            y > schawinski2007(x),
        ],
        [
            UNCLASSIFIED,
            BPT_CLASSES.index("star_forming"),
            BPT_CLASSES.index("composite"),
            BPT_CLASSES.index("seyfert"),
        ],
        default=BPT_CLASSES.index("liner"),
    )
    return names.astype(int)


def line_ratios(
    draws: Float[np.ndarray, " *rows 9"],
) -> tuple[Float[np.ndarray, " *rows"], Float[np.ndarray, " *rows"]]:
    """Return log([N II]/Ha) and log([O III]/Hb) of posterior draws.

    Parameters
    ----------
    draws : ndarray, shape (..., 9)
        Columns in the order of `galexplorer.schema.TARGET_NAMES`.

    Returns
    -------
    log_nii_ha, log_oiii_hb : ndarray, shape (...)
    """
    halpha, hbeta, nii, oiii = (
        draws[..., TARGET_NAMES.index(f"log_flux_{line}")].astype(float)
        for line in ("halpha", "hbeta", "nii_6584", "oiii_5007")
    )
    return nii - halpha, oiii - hbeta


def shows_lines(
    draws: Float[np.ndarray, "*rows d 9"], measurable: Float[np.ndarray, "*rows 4"]
) -> Bool[np.ndarray, "*rows d"]:
    """Tell which posterior draws would show all four lines in a spectrum of SDSS.

    A line is seen where it is bright: in as many of the brightest draws as it has probability to
    be detected. Where hardly any draw shows all four, those that come nearest to it stand for them.

    Parameters
    ----------
    draws : ndarray, shape (..., d, 9)
        Columns in the order of `galexplorer.schema.TARGET_NAMES`.
    measurable : ndarray, shape (..., 4)
        Probability that a spectrum shows each of `galexplorer.schema.LINE_NAMES`.

    Returns
    -------
    ndarray of bool, shape (..., d)
    """
    number = draws.shape[-2]
    columns = [TARGET_NAMES.index(name) for name in LINE_NAMES]
    lines = draws[..., columns]
    rank = (lines.argsort(axis=-2).argsort(axis=-2) + 0.5) / number
    weakest = (rank - (1 - np.asarray(measurable)[..., None, :])).min(axis=-1)
    least = min(LEAST_SHOWN, number)
    nearest = np.partition(weakest, number - least, axis=-1)[..., number - least, None]
    return weakest >= np.minimum(nearest, 0.0)


def class_shares(
    draws: Float[np.ndarray, "*rows d 9"], measurable: Float[np.ndarray, "*rows 4"] | None = None
) -> Float[np.ndarray, "*rows 4"]:
    """Return the share of posterior draws in each BPT class, for any number of galaxies.

    Parameters
    ----------
    draws : ndarray, shape (..., d, 9)
    measurable : ndarray, shape (..., 4), optional
        As of `shows_lines`; with it, the shares are those of the draws that show the lines.

    Returns
    -------
    ndarray, shape (..., 4)
        In the order of `galexplorer.schema.BPT_CLASSES`, adding up to 1 over the draws that have
        finite ratios; NaN where none has.
    """
    classes = classify(*line_ratios(draws))
    counted = classes != UNCLASSIFIED
    if measurable is not None:
        counted &= shows_lines(draws, measurable)
    number = counted.sum(axis=-1)
    shares = [((classes == k) & counted).sum(axis=-1) for k in range(len(BPT_CLASSES))]
    with np.errstate(invalid="ignore"):
        return np.stack(shares, axis=-1) / number[..., None]


def class_probabilities(
    draws: Float[np.ndarray, "n 9"], measurable: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the probability of each BPT class.

    Parameters
    ----------
    draws : ndarray, shape (n, 9)
        Columns in the order of `galexplorer.schema.TARGET_NAMES`.
    measurable : mapping of str to float, optional
        Probability that a spectrum shows each line. With it, the classes are those that a galaxy
        would have if its lines were seen; without it, all draws count.

    Returns
    -------
    dict of str to float
        Probability of each of `galexplorer.schema.BPT_CLASSES`, adding up to 1; NaN where no draw
        has finite ratios.

    Examples
    --------
    >>> draws = np.zeros((100, 9))
    >>> draws[:, 7] = -0.5  # log [N II]/Ha; log [O III]/Hb = 0
    >>> class_probabilities(draws)["star_forming"]
    1.0
    """
    chances = None
    if measurable:
        chances = np.array([measurable[name] for name in LINE_NAMES])
    return {
        name: float(share)
        for name, share in zip(BPT_CLASSES, class_shares(draws, chances), strict=True)
    }
