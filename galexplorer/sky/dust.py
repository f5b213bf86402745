"""Galactic extinction where SDSS gives none: IRSA's dust maps through astroquery."""

import contextlib
import io
import json

from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery.ipac.irsa.irsa_dust import IrsaDust, IrsaDustClass

from galexplorer.errors import OptionError
from galexplorer.schema import EXTINCTION_PER_REDDENING
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network, ServiceError

SERVICE = "IRSA's dust service"
ORIGIN = "IRSA, E(B-V) of Schlegel et al. 1998, coefficients of Schlafly & Finkbeiner 2011"
DUST_S = 10.0

_MAX_REDDENING = 100.0
_NEAR_DEG = 0.01


def query_extinction(ra: float, dec: float, network: Network, cache: Cache) -> dict[str, float]:
    """Return the Galactic extinction towards a position.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.
    network : Network
    cache : Cache

    Returns
    -------
    dict of str to float
        Magnitudes by band, ugriz.

    Raises
    ------
    ServiceError
        If the service gave no usable answer.
    """
    label = f"IRSA dust {ra:.4f} {dec:+.4f}"
    if kept := cache.get(label):
        reddening = float(json.loads(kept))
    else:
        place = SkyCoord(ra, dec, unit="deg")
        service = IrsaDustClass()
        network.adopt(service)
        reddening = network.ask(SERVICE, lambda: _ask(service, place, network), DUST_S)
        cache.put(label, json.dumps(reddening).encode())
    return redden(reddening)


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
    if not 0 <= reddening < _MAX_REDDENING:
        raise OptionError(f"E(B-V) is {reddening:g}: give magnitudes from 0 to {_MAX_REDDENING:g}.")
    return {band: factor * reddening for band, factor in EXTINCTION_PER_REDDENING.items()}


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
    return redden(float(query(SkyCoord(ra, dec, unit="deg"))))


def _ask(service: IrsaDustClass, place: SkyCoord, network: Network) -> float:
    try:
        table = service.get_query_table(
            place, timeout=network.settings.read_s, url=IrsaDust.DUST_SERVICE_URL
        )
    except Exception as error:
        # astroquery raises a bare Exception where the service tells of an error
        if type(error) is Exception:
            raise ServiceError(f"{SERVICE} refused the position: try again later.") from error
        raise
    row = table[0]
    there = SkyCoord(float(row["RA"]), float(row["Dec"]), unit="deg", frame="fk5")
    reddening = float(row["ext SFD ref"])
    if there.separation(place) > _NEAR_DEG * u.deg or not 0 <= reddening < _MAX_REDDENING:
        raise ServiceError(f"{SERVICE} returned the dust at another position: try again later.")
    return reddening
