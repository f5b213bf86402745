"""How likely an SDSS spectrum shows a line of a given flux."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from galexplorer.schema import LINE_NAMES, TARGETS

_FAINTEST_R = 17.77  # of the main galaxy sample (Strauss et al. 2002, AJ 124, 1810)


class Threshold(NamedTuple):
    """Where a line of half of all galaxies is detected.

    Attributes
    ----------
    log_flux : float
        log10 of the flux in 1e-17 erg/s/cm2 that half of the galaxies of r = 17 need for S/N = 3.
    slope : float
        Its change per magnitude of r: the continuum's noise grows with the galaxy's light.
    scatter : float
        Of it among galaxies of equal r, dex.
    """

    log_flux: float
    slope: float
    scatter: float


THRESHOLDS = dict(
    zip(
        LINE_NAMES,
        (
            Threshold(1.250, -0.193, 0.192),
            Threshold(1.110, -0.168, 0.166),
            Threshold(1.097, -0.220, 0.162),
            Threshold(1.055, -0.144, 0.177),
        ),
        strict=True,
    )
)
"""By line: a probit fit to whether S/N > 3 on the training rows of two tables of SDSS spectra at
z < 0.1, those of the MPA-JHU values (Brinchmann et al. 2004, astro-ph/0311060) among them; the
tests compare it with their other rows."""

DETECTABLE = tuple(name.removeprefix("log_flux_") for name in LINE_NAMES)
"""Short names of the lines."""

_PLACES = {short: k for k, short in enumerate(DETECTABLE)}


def detection_probability(
    log_flux: Float[np.ndarray, "*rows"], r: Float[np.ndarray, "*#rows"], line: str
) -> Float[np.ndarray, "*rows"]:
    """Return the probability that a line has S/N > 3 in an SDSS spectrum.

    Parameters
    ----------
    log_flux : ndarray
        log10 of the flux in 1e-17 erg/s/cm2.
    r : ndarray
        Dereddened magnitude; NaN counts as the main sample's limit, near which most galaxies lie.
    line : str
        One of `DETECTABLE`.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> flux = np.array([1.0, 1.25, 2.0])
    >>> detection_probability(flux, np.array([17.0]), "halpha").round(2)
    array([0.1, 0.5, 1. ])
    """
    return np.exp(log_detection_probability(log_flux, r, line))


def log_detection_probability(
    log_flux: Float[np.ndarray, "*rows"], r: Float[np.ndarray, "*#rows"], line: str
) -> Float[np.ndarray, "*rows"]:
    """Return the natural logarithm of `detection_probability`, which never underflows."""
    from scipy.special import log_ndtr  # most inferences state no line

    threshold = THRESHOLDS[LINE_NAMES[_PLACES[line]]]
    brightness = np.where(np.isfinite(r), r, _FAINTEST_R) - 17.0
    needed = threshold.log_flux + threshold.slope * brightness
    return log_ndtr((log_flux - needed) / threshold.scatter)


def label_of(line: str) -> str:
    """Return the name of a line for a person, such as ``Hα``."""
    target = next(target for target in TARGETS if target.name == LINE_NAMES[_PLACES[line]])
    return target.label.removesuffix(" flux")
