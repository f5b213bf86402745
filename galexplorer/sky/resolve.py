"""The position of a named object: Sesame at astropy's addresses, else NED through astroquery."""

import json
import math
import re
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from astropy.coordinates.name_resolve import sesame_database, sesame_url
from astroquery.exceptions import RemoteServiceError
from astroquery.ipac.ned import NedClass

from galexplorer.errors import FetchError, TargetError
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network, ServiceError

SESAME_S = 12.0
NED_S = 15.0

_J2000 = re.compile(r"%J\s+(\d+(?:\.\d*)?)\s+([+-]\d+(?:\.\d*)?)\s")
_DONE = re.compile(r"#=+Done")


@dataclass(frozen=True)
class Position:
    """Where a name lies.

    Attributes
    ----------
    ra, dec : float
        ICRS degrees.
    origin : str
        The service that said so.
    """

    ra: float
    dec: float
    origin: str


def resolve_name(name: str, network: Network, cache: Cache) -> Position:
    """Look a name up.

    Parameters
    ----------
    name : str
    network : Network
    cache : Cache

    Returns
    -------
    Position

    Raises
    ------
    TargetError
        If the services know no such name.
    FetchError
        If none of them answered.
    """
    label = f"name {' '.join(name.split()).lower()}"
    if kept := cache.get(label):
        return Position(**json.loads(kept))
    position = _ask_sesame(name, network)
    if position is None:
        position = _ask_ned(name, network)
    cache.put(label, json.dumps(vars(position)).encode())
    return position


def _ask_sesame(name: str, network: Network) -> Position | None:
    """Return the position, or None if Sesame failed or knows no such name.

    The addresses are astropy's. Its own `SkyCoord.from_name` takes what a truncated answer
    holds of a number for the position, so the answer is read here, to its last line.
    """
    database = sesame_database.get()
    code = "SNV" if database == "all" else database[0].upper()
    for server in sesame_url.get():
        url = f"{server.rstrip('/')}/{code}?{quote(name)}"

        def call(url: str = url) -> Position | None:
            return _read_sesame(network.get("Sesame", url, limit_s=network.settings.read_s))

        try:
            return network.ask("Sesame", call, SESAME_S)
        except ServiceError:
            continue
    return None


def _read_sesame(answer: bytes) -> Position | None:
    lines = answer.decode("utf-8", "replace").strip().splitlines()
    if not lines or not _DONE.match(lines[-1]):
        raise ServiceError("Sesame returned an incomplete response: try again later.")
    for line in lines:
        if match := _J2000.match(line):
            return _check(float(match[1]), float(match[2]), "Sesame (CDS)")
    return None


def _ask_ned(name: str, network: Network) -> Position:
    service = NedClass()
    network.adopt(service)

    def call() -> Position | None:
        try:
            row = service.query_object(name)[0]
        except RemoteServiceError as error:
            if _says_unknown(str(error)):
                return None
            raise
        # a gap would be nan with a warning
        ra, dec = (math.nan if row[k] is np.ma.masked else float(row[k]) for k in ("RA", "DEC"))
        return _check(ra, dec, "NED")

    try:
        position = network.ask("NED", call, NED_S)
    except ServiceError as error:
        raise FetchError(
            f"'{name}' could not be looked up (no position from Sesame or NED): check the "
            "network and the spelling, try again later, or give a position."
        ) from error
    if position is None:
        raise TargetError(
            f"No object is known by the name '{name}': check its spelling, or give a position "
            "such as 162.184 +26.054."
        )
    return position


def _check(ra: float, dec: float, origin: str) -> Position:
    if not (0 <= ra < 360 and -90 <= dec <= 90):
        raise ServiceError(
            f"{origin} returned an impossible position: enter the position yourself."
        )
    return Position(float(ra), float(dec), origin)


def _says_unknown(message: str) -> bool:
    words = message.lower()
    return any(part in words for part in ("not currently recognized", "no object", "not found"))
