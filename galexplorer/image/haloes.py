"""Take the light of brighter neighbours off a field: it would be measured as the target's."""

import numpy as np

OWN_REACH = 2.5
"""Within so many axes of an object lie its own knots and arms."""

_MOST = 8
_REACH = 12.0
_RINGS = 24
_INNERMOST, _OUTERMOST = 0.3, 14.4
_FEWEST_PIXELS = 8


def elliptical_distance(x: np.ndarray, y: np.ndarray, centre: np.ndarray | np.void) -> np.ndarray:
    """Return how far places are from objects, in units of the objects' axes ``a`` and ``b``.

    Parameters
    ----------
    x, y : ndarray
        Pixels.
    centre : structured ndarray
        One object, or as many as there are places, as `sep.extract` returns them.
    """
    cos, sin = np.cos(centre["theta"]), np.sin(centre["theta"])
    dx, dy = x - centre["x"], y - centre["y"]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    return np.hypot(along / np.maximum(centre["a"], 1.0), across / np.maximum(centre["b"], 1.0))


def brighter_neighbours(objects: np.ndarray, target: int) -> np.ndarray:
    """Return which objects outshine the target and are near enough to reach it.

    A galaxy is not its own knots' neighbour: those that the target lies on do not count.

    Parameters
    ----------
    objects : structured ndarray
        As `sep.extract` returns them.
    target : int
        Row of the target.

    Returns
    -------
    ndarray of int
        Rows, the brightest first, eight at most.
    """
    own = objects[target]
    distance = np.hypot(objects["x"] - own["x"], objects["y"] - own["y"])
    apart = elliptical_distance(own["x"], own["y"], objects) > OWN_REACH
    near = apart & (distance < _REACH * objects["a"])
    rows = np.flatnonzero(near & (objects["flux"] > own["flux"]))
    return rows[np.argsort(-objects["flux"][rows])][:_MOST]


def without(
    flux: np.ndarray, blank: np.ndarray, objects: np.ndarray, segments: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return the field less the elliptical median profiles of some objects, one after the other.

    A profile is the median of each elliptical ring over the object's own pixels and those that
    belong to none, which falls outwards and ends where it reaches the sky.

    Parameters
    ----------
    flux : ndarray, shape (3, h, w)
        Above the sky.
    blank : ndarray of bool, shape (h, w)
        Pixels that were not measured.
    objects, segments : ndarray
        As `sep.extract` returns them.
    rows : ndarray of int
        Which objects.

    Returns
    -------
    ndarray, shape (3, h, w), float32
    """
    left = flux.astype(np.float32)
    for row in rows:
        reach = _OUTERMOST * max(objects["a"][row], 1.0)
        window = tuple(
            slice(max(0, int(middle - reach)), min(side, int(middle + reach) + 1))
            for middle, side in zip(objects[["y", "x"]][row], blank.shape, strict=True)
        )
        near = segments[window]
        usable = ~blank[window] & ((near == 0) | (near == row + 1))
        y, x = np.ogrid[window]
        distance = elliptical_distance(x, y, objects[row])
        part = left[:, *window]
        part -= _profile(part, usable, distance)
    return np.ascontiguousarray(left)


def _profile(flux: np.ndarray, usable: np.ndarray, radius: np.ndarray) -> np.ndarray:
    edges = np.geomspace(_INNERMOST, _OUTERMOST, _RINGS)
    ring = np.digitize(radius, edges)
    centres = np.concatenate([[0.0], np.sqrt(edges[:-1] * edges[1:])])
    told = np.flatnonzero(np.bincount(ring[usable], minlength=len(edges)) >= _FEWEST_PIXELS)
    told = told[told < len(centres)]  # not what lies beyond the outermost ring
    if len(told) == 0:
        return np.zeros_like(flux)
    light = np.stack([np.median(flux[:, usable & (ring == k)], axis=1) for k in told], axis=1)
    light = np.minimum.accumulate(light, axis=1).clip(min=0.0)
    return np.stack([np.interp(radius, centres[told], band, right=0.0) for band in light])
