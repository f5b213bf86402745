"""Subtract the light of brighter neighbours, which would be measured as the target's."""

import numpy as np

OWN_REACH = 2.5
"""An object's own knots and arms lie within this many of its axes."""

# `a` of a bright star is that of its core, whose wings reach far
_REACH = 28.0
_INNERMOST, _RINGS = 0.3, 30
_MOST = 8
_FEWEST_PIXELS = 8


def elliptical_distance(
    x: np.ndarray | float, y: np.ndarray | float, found: np.ndarray | np.void
) -> np.ndarray:
    """Return how far places are from objects, in units of the objects' axes ``a`` and ``b``.

    Parameters
    ----------
    x, y : ndarray or float
        Pixels.
    found : structured ndarray
        One object, or as many as there are places, as `sep.extract` returns them. An axis counts
        as a pixel at least.
    """
    cos, sin = np.cos(found["theta"]), np.sin(found["theta"])
    dx, dy = x - found["x"], y - found["y"]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    return np.hypot(along / np.maximum(found["a"], 1.0), across / np.maximum(found["b"], 1.0))


def brighter_neighbours(objects: np.ndarray, target: int) -> np.ndarray:
    """Return which objects outshine the target and are near enough to reach it.

    A galaxy is not its own knots' neighbour, and what lies on the target is inseparable from it
    by rings: neither counts.

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
    apart &= elliptical_distance(objects["x"], objects["y"], own) > OWN_REACH
    near = distance < _REACH * np.maximum(objects["a"], 1.0)
    rows = np.flatnonzero(apart & near & (objects["flux"] > own["flux"]))
    return rows[np.argsort(-objects["flux"][rows])][:_MOST]


def without(
    flux: np.ndarray, blank: np.ndarray, objects: np.ndarray, segments: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Subtract the elliptical median profiles of some objects, one after the other.

    A profile is the median of each elliptical ring over the object's own pixels and those that
    belong to none. It falls outwards, and ends where it reaches the sky or at 28 axes.

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
        reach = _REACH * max(objects["a"][row], 1.0)
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
    return left


def _profile(flux: np.ndarray, usable: np.ndarray, radius: np.ndarray) -> np.ndarray:
    edges = np.geomspace(_INNERMOST, _REACH, _RINGS)
    ring = np.digitize(radius, edges)
    centres = np.concatenate([[0.0], np.sqrt(edges[:-1] * edges[1:])])
    # sorted once: a boolean pass over the field for each ring would take seconds
    inside = np.flatnonzero(usable & (ring < len(centres)))
    inside = inside[np.argsort(ring.ravel()[inside], kind="stable")]
    number = np.bincount(ring.ravel()[inside], minlength=len(centres))
    told = np.flatnonzero(number >= _FEWEST_PIXELS)
    if len(told) == 0:
        return np.zeros_like(flux)
    rings = np.split(inside, np.cumsum(number)[:-1])
    values = flux.reshape(len(flux), -1)
    light = np.stack([np.median(values[:, rings[k]], axis=1) for k in told], axis=1)
    light = np.minimum.accumulate(light, axis=1).clip(min=0.0)
    return np.stack([np.interp(radius, centres[told], band, right=0.0) for band in light])
