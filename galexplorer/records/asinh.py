"""SDSS's asinh magnitudes, which exist for fluxes of any sign.

Lupton, Gunn & Szalay 1999 (astro-ph/9903081): m = -2.5 / ln 10 [asinh(x / 2b) + ln b], with x the
flux in maggies and b a softening of about the noise. From ten times b on they equal the common
magnitudes within 0.3%; SDSS's catalogues give these.
"""

import numpy as np
from jaxtyping import Bool, Float

SOFTENING = (1.4e-10, 0.9e-10, 1.2e-10, 1.8e-10, 7.4e-10)
"""The constant b by band, u to z (Stoughton et al. 2002, table 21)."""

LIMIT_SIGMA = 3.0
"""What an upper limit is taken for: a flux of zero, whose error is a third of the limit."""

COMMON_FROM_S_TO_N = 5.0
"""Signal-to-noise ratio from which a flux has a common magnitude here; fainter ones, asinh."""

_POGSON = 2.5 / np.log(10)
_NMGY = 1e-9
_NO_FLUX = 1e-6  # of an error: what rounding leaves of zero


def asinh_magnitude(
    flux_nmgy: Float[np.ndarray, "*n"],
    error_nmgy: Float[np.ndarray, "*n"],
    softening: float | tuple[float, ...] = SOFTENING,
) -> tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Return magnitudes and errors of fluxes, which may be negative.

    Parameters
    ----------
    flux_nmgy, error_nmgy : ndarray, shape (...)
        Nanomaggies; bands u to z along the last axis, unless all are of one.
    softening : float or tuple of float
        Of that band, or of the five.

    Returns
    -------
    magnitudes, errors : ndarray, shape (...)

    Examples
    --------
    Zero flux in r has 24.80 mag:

    >>> import numpy as np
    >>> magnitudes, _ = asinh_magnitude(np.zeros(5), np.ones(5))
    >>> magnitudes.round(2)
    array([24.63, 25.11, 24.8 , 24.36, 22.83])
    """
    soft = np.array(softening)
    ratio = np.asarray(flux_nmgy, float) * _NMGY / (2 * soft)
    magnitudes = -_POGSON * (np.arcsinh(ratio) + np.log(soft))
    slope = _POGSON * _NMGY / (2 * soft) / np.sqrt(1 + ratio**2)
    return magnitudes, slope * np.asarray(error_nmgy, float)


def limit_magnitude(
    faintest: Float[np.ndarray, "*n"], softening: float
) -> tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Return what stands for a galaxy fainter than a limit: no flux, with a third of it as error.

    Parameters
    ----------
    faintest : ndarray, shape (...)
        Common AB magnitude of a flux of `LIMIT_SIGMA` errors.
    softening : float
        Of the band.

    Returns
    -------
    magnitudes, errors : ndarray, shape (...)
        Asinh magnitudes.
    """
    sigma = 10 ** (-0.4 * (np.asarray(faintest, float) - 22.5)) / LIMIT_SIGMA
    return asinh_magnitude(np.zeros_like(sigma), sigma, softening)


def flux_of(
    magnitudes: Float[np.ndarray, "*n 5"], errors: Float[np.ndarray, "*n 5"]
) -> tuple[Float[np.ndarray, "*n 5"], Float[np.ndarray, "*n 5"]]:
    """Return fluxes and errors, nanomaggies, of asinh magnitudes: the inverse.

    Parameters
    ----------
    magnitudes, errors : ndarray, shape (..., 5)
        Bands u to z.
    """
    soft = np.array(SOFTENING)
    ratio = np.sinh(-np.asarray(magnitudes, float) / _POGSON - np.log(soft))
    slope = _POGSON * _NMGY / (2 * soft) / np.sqrt(1 + ratio**2)
    return ratio * 2 * soft / _NMGY, np.asarray(errors, float) / slope


def is_seen(
    magnitudes: Float[np.ndarray, "*n 5"],
    errors: Float[np.ndarray, "*n 5"],
    least_s_to_n: float = 0.0,
) -> Bool[np.ndarray, "*n 5"]:
    """Return whether a band's flux is positive and not below a signal-to-noise ratio.

    Errors of asinh magnitudes cannot tell: that of no flux is small where the image is deep.

    Parameters
    ----------
    magnitudes, errors : ndarray, shape (..., 5)
        Asinh magnitudes, bands u to z; one without an error is seen.
    least_s_to_n : float

    Examples
    --------
    An upper limit is a flux of zero, however deep:

    >>> import numpy as np
    >>> limit, error = limit_magnitude(np.array([22.3, 26.0]), SOFTENING[0])
    >>> is_seen(limit[:, None] + np.zeros(5), error[:, None] + np.zeros(5))[:, 0]
    array([False, False])
    """
    flux, sigma = flux_of(magnitudes, errors)
    return np.isnan(errors) | (flux > np.maximum(least_s_to_n, _NO_FLUX) * sigma)
