"""Galactic extinction where SDSS gives none: IRSA's dust maps through astroquery."""

import json

from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery.ipac.irsa.irsa_dust import IrsaDust, IrsaDustClass

from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network, ServiceError
from galexplorer.sky.reddening import MAX_REDDENING, redden

SERVICE = "IRSA's dust service"
ORIGIN = "IRSA, E(B-V) of Schlegel et al. 1998, coefficients of Schlafly & Finkbeiner 2011"
DUST_S = 10.0

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
    if there.separation(place) > _NEAR_DEG * u.deg or not 0 <= reddening < MAX_REDDENING:
        raise ServiceError(f"{SERVICE} returned the dust at another position: try again later.")
    return reddening
