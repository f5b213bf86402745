"""Colour pictures of places on the sky, to look at and not to measure."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from galexplorer.errors import InputError
from galexplorer.fits.bounded import Blob
from galexplorer.image.jpeg import read_channels
from galexplorer.sky.cache import Cache
from galexplorer.sky.cutouts import LEGACY
from galexplorer.sky.http import Network, ServiceError, Settings

SIDE_PX = 128
THREADS = 4
PATIENCE = Settings(connect_s=2.0, read_s=4.0, frame_s=4.0, total_s=8.0, attempts=1)
"""Pictures are optional: a page waits at most this long for all of them together."""

Place = tuple[float, float, float]


def fetch_pictures(
    places: Sequence[Place], network: Network, cache: Cache
) -> tuple[list[bytes | None], str]:
    """Get SDSS colour pictures from the Legacy Surveys viewer, several at a time.

    Parameters
    ----------
    places : sequence of (float, float, float)
        ra and dec in degrees, and the side of the field in arcsec.
    network : Network
        For all of them together; see `PATIENCE`.
    cache : Cache

    Returns
    -------
    pictures : list of bytes or None
        JPEGs of `SIDE_PX` pixels, north up; None where there is none.
    problem : str
        The first sentence on why one is missing, empty if none is. After a failure nothing
        more is asked for.
    """
    problems: list[str] = []

    def get(place: Place) -> bytes | None:
        label = _label(place)
        if kept := cache.get(label):
            return kept
        if problems:
            return None
        try:
            picture = network.ask(LEGACY, lambda: _get(place, network), network.remaining())
        except ServiceError as error:
            problems.append(str(error))
            return None
        cache.put(label, picture)
        return picture

    with ThreadPoolExecutor(THREADS) as pool:
        pictures = list(pool.map(get, places))
    return pictures, problems[0] if problems else ""


def kept_pictures(places: Sequence[Place], cache: Cache) -> list[bytes | None]:
    """Return the pictures that were fetched before, without a network.

    Parameters
    ----------
    places : sequence of (float, float, float)
        As of `fetch_pictures`.
    cache : Cache

    Returns
    -------
    list of bytes or None
        None where none is kept.
    """
    return [cache.get(_label(place)) for place in places]


def _label(place: Place) -> str:
    return "legacy jpeg {:.5f} {:+.5f} {:.1f}".format(*place)


def _get(place: Place, network: Network) -> bytes:
    ra, dec, side_arcsec = place
    url = f"{network.settings.legacy_url.rstrip('/')}/jpeg-cutout"
    params: dict[str, str | float] = {
        "ra": f"{ra:.6f}",
        "dec": f"{dec:.6f}",
        "layer": "sdss",
        "pixscale": f"{side_arcsec / SIDE_PX:.4f}",
        "size": SIDE_PX,
    }
    picture = network.get(LEGACY, url, params)
    try:
        size = read_channels(Blob("the picture", picture, picture)).shape[1:]
    except InputError as error:
        raise ServiceError(
            f"{LEGACY} returned something other than an image.", retry=False
        ) from error
    if size != (SIDE_PX, SIDE_PX):
        raise ServiceError(f"{LEGACY} returned an image of another size.", retry=False)
    return picture
