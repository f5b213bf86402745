"""Which fields cover the part of a cutout that lies beyond its frame's edges.

The fields before and after lie in the same run; beyond the other two edges lies the strip
of another run, whose frames are turned a little. SkyServer tells which frames are near, by one
query, and with each the great circle that the run followed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from galexplorer.objids import Field
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC
from galexplorer.sky.cache import Cache
from galexplorer.sky.catalogue import MAX_ROWS, TOTAL, Row, query
from galexplorer.sky.http import Network

MAX_JOINED = 4
"""Fields that are joined to the first one at most."""

SEARCH_ARCMIN = 14.0
_QUERY_S = 12.0
_COLUMNS = ("run", "rerun", "camcol", "field", "ra", "dec", "node", "incl", "distance")
# Half a frame of 2048 x 1489 pixels, but for what it shares with the next, so that a position of
# the centre that is a little off does no harm.
_HALF_WIDTH_DEG = 0.5 * 2040 * SDSS_PIXEL_SCALE_ARCSEC / 3600
_HALF_HEIGHT_DEG = 0.5 * 1361 * SDSS_PIXEL_SCALE_ARCSEC / 3600


@dataclass(frozen=True)
class Footprint:
    """Where a frame lies.

    Attributes
    ----------
    field : Field
    ra, dec : float
        Its centre, degrees.
    node, incl : float
        Ascending node and inclination of the great circle of its run, degrees.
    """

    field: Field
    ra: float
    dec: float
    node: float
    incl: float

    def covers(self, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """Tell which positions (degrees) lie well inside, shape of `ra`."""
        mu, nu = survey_coordinates(ra, dec, self.node, self.incl)
        mu0, nu0 = survey_coordinates(self.ra, self.dec, self.node, self.incl)
        along = (mu - mu0 + 180) % 360 - 180
        along = along * np.cos(np.radians(nu0))
        return (np.abs(along) < _HALF_HEIGHT_DEG) & (np.abs(nu - nu0) < _HALF_WIDTH_DEG)


def survey_coordinates(
    ra: np.ndarray | float, dec: np.ndarray | float, node: float, incl: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of a great circle (Stoughton et al. 2002, AJ 123, 485, section 3.3).

    Parameters
    ----------
    ra, dec : array_like
        Degrees.
    node, incl : float
        Ascending node and inclination of the circle, degrees.

    Returns
    -------
    mu, nu : ndarray
        Along the circle from the node's right ascension on, and across it, degrees.
    """
    a, d = np.radians(np.asarray(ra) - node), np.radians(dec)
    i = np.radians(incl)
    x, y, z = np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)
    mu = np.degrees(np.arctan2(y * np.cos(i) + z * np.sin(i), x)) + node
    return mu % 360, np.degrees(np.arcsin(-y * np.sin(i) + z * np.cos(i)))


def query_footprints(ra: float, dec: float, network: Network, cache: Cache) -> list[Footprint]:
    """Return the frames near a position, the nearest centre first.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.
    network : Network
    cache : Cache

    Returns
    -------
    list of Footprint

    Raises
    ------
    ServiceError
        If SkyServer gave no usable answer.
    """
    columns = ", ".join(f"f.{name}" for name in _COLUMNS[:-1])
    sql = (
        f"SELECT TOP {MAX_ROWS} {columns}, n.distance AS distance, {TOTAL} "
        f"FROM dbo.fGetNearbyFrameEq({ra:.6f},{dec:.6f},{SEARCH_ARCMIN},0) AS n "
        "JOIN Frame AS f ON f.fieldID = n.fieldID AND f.zoom = 0 ORDER BY n.distance"
    )
    rows = query(sql, _COLUMNS, network, cache, _is_whole, _QUERY_S)
    return [_read(row) for row in rows]


def choose_fields(
    footprints: Sequence[Footprint], ra: np.ndarray, dec: np.ndarray, taken: Collection[Field]
) -> list[Field]:
    """Return the fewest fields that cover positions, as far as picking the best next one finds.

    Parameters
    ----------
    footprints : sequence of Footprint
    ra, dec : ndarray, shape (n,)
        What has to be covered, degrees.
    taken : collection of Field
        Those that are had already, or could not be had.

    Returns
    -------
    list of Field
        At most `MAX_JOINED`, the most useful first.
    """
    open_ = np.ones(len(ra), bool)
    left = {f.field: f.covers(ra, dec) for f in footprints if f.field not in taken}
    chosen: list[Field] = []
    while left and open_.any() and len(chosen) < MAX_JOINED:
        best = max(left, key=lambda field: int((left[field] & open_).sum()))
        covered = left.pop(best) & open_
        # A sliver is not worth three requests.
        if covered.sum() < 0.05 * len(ra):
            break
        open_ &= ~covered
        chosen.append(best)
    return chosen


def _is_whole(row: Row) -> bool:
    return all(isinstance(row[name], int) for name in _COLUMNS[:4]) and all(
        isinstance(row[name], int | float) for name in _COLUMNS[4:]
    )


def _read(row: Row) -> Footprint:
    field = Field(*(int(row[name] or 0) for name in _COLUMNS[:4]))
    return Footprint(field, *(float(row[name] or 0.0) for name in _COLUMNS[4:8]))
