"""Galactic extinction from a reddening that is stated, or from dust maps on this machine."""

import contextlib
import io

import numpy as np
from astropy.coordinates import SkyCoord
from jaxtyping import Float

from galexplorer.errors import OptionError
from galexplorer.schema import EXTINCTION_PER_REDDENING

MAX_REDDENING = 100.0
"""Magnitudes of E(B-V)."""


def redden(reddening: float) -> dict[str, float]:
    """Return the Galactic extinction that a reddening means.

    Parameters
    ----------
    reddening : float
        E(B-V) of Schlegel et al. 1998, magnitudes.

    Returns
    -------
    dict of str to float
        Magnitudes by band, ugriz (Schlafly & Finkbeiner 2011, R_V = 3.1).

    Raises
    ------
    OptionError
        If the reddening is out of range.

    Examples
    --------
    >>> round(redden(0.1)["r"], 4)
    0.2285
    """
    if not 0 <= reddening < MAX_REDDENING:
        raise OptionError(f"E(B-V) is {reddening:g}: give magnitudes from 0 to {MAX_REDDENING:g}.")
    return {band: factor * reddening for band, factor in EXTINCTION_PER_REDDENING.items()}


def read_reddening(
    ra: Float[np.ndarray, " n"], dec: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return E(B-V) towards positions, from dust maps on this machine.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        ICRS degrees; NaN where there is no position.

    Returns
    -------
    ndarray, shape (n,)
        Magnitudes, on the scale of Schlegel et al. 1998; NaN without a position.

    Raises
    ------
    OptionError
        If the package dustmaps is not installed, or its map was not fetched.
    """
    try:
        from dustmaps.sfd import SFDQuery
    except ImportError as error:
        raise OptionError(
            "Dust maps need the package dustmaps: install it, or state E(B-V)."
        ) from error
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints advice before it raises
            query = SFDQuery()
    except (OSError, ValueError) as error:
        raise OptionError(
            "The dust map of Schlegel et al. is not on this machine: fetch it once with "
            "dustmaps.sfd.fetch(), or state E(B-V)."
        ) from error
    found = np.full(len(ra), np.nan)
    placed = np.isfinite(ra) & (np.abs(dec) <= 90)
    found[placed] = query(SkyCoord(ra[placed], dec[placed], unit="deg"))
    return found


def read_extinction(ra: float, dec: float) -> dict[str, float]:
    """Return the Galactic extinction towards a position, from dust maps on this machine.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.

    Returns
    -------
    dict of str to float
        Magnitudes by band, ugriz, from the map of Schlegel et al. 1998.

    Raises
    ------
    OptionError
        If the package dustmaps is not installed, or its map was not fetched.
    """
    return redden(float(read_reddening(np.array([ra]), np.array([dec]))[0]))
