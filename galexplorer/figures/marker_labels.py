"""Where the names of marked galaxies stand on a map, so that none covers another."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

Boxes = Float[np.ndarray, "... 4"]
"""Left, bottom, right, top; pixels."""

_FIRST = (34.0, 34.0)
_RING = 13.0
_LETTER, _LINE = 6.9, 22.0
"""Width of a letter and height of a label with its border, pixels."""
_WIDTHS = (300.0, 520.0, 1300.0)
"""Widths that a chart has on a phone, beside other charts, and alone on a wide screen, pixels."""
_GAP = 3.0
_ALONG = np.linspace(0.2, 0.9, 12)
"""Where points on the line from a marker to its label are, as fractions of its length."""
_CROSSED = 20.0
"""Square pixels of overlap that a point of a line below a label counts as."""


def place_labels(
    places: Float[np.ndarray, "n 2"],
    labels: Sequence[str],
    low: Float[np.ndarray, "2"],
    high: Float[np.ndarray, "2"],
    height: float,
) -> list[tuple[float, float]]:
    """Return how far the middle of each label lies from its marker: to the right and up, pixels.

    The width of the chart is the browser's to choose: of the offsets that are tried the first is
    taken with which a label covers no other one, no marker and no line at any usual width.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        Of the markers, in the units of the axes.
    labels : sequence of str
    low, high : ndarray, shape (2,)
        Ends of the axes.
    height : float
        Of the axes, pixels.
    """
    span = np.maximum(high - low, 1e-9)
    shown = [(places - low) / span * (width, height) for width in _WIDTHS]
    rings = [_boxes(own, _RING, _RING) for own in shown]
    taken = [np.empty((0, 4)) for _ in _WIDTHS]
    leaders = [np.empty((0, 2)) for _ in _WIDTHS]
    found = []
    for k, label in enumerate(labels):
        half = 0.5 * (_LETTER * len(label) + 8.0)
        offsets = np.array(_offsets(half))
        boxes = [_boxes(own[k] + offsets, half + _GAP, 0.5 * _LINE + _GAP) for own in shown]
        lines = [own[k] + _ALONG[:, None] * offsets[:, None] for own in shown]
        cost = np.zeros(len(offsets))
        for width, tried, drawn, around, others, crossed in zip(
            _WIDTHS, boxes, lines, rings, taken, leaders, strict=True
        ):
            covered = np.concatenate([others, np.delete(around, k, axis=0)])
            cost += _overlap(tried[:, None], covered).sum(axis=1)
            chart = np.array([0.0, 0.0, width, height])
            cost += _overlap(tried, tried) - _overlap(tried, chart)
            below = _within(drawn[:, :, None], others).sum(axis=(1, 2))
            cost += _CROSSED * (below + _within(crossed, tried[:, None]).sum(axis=1))
        best = int(np.argmin(cost.round(6)))  # of equals the first
        found.append((float(offsets[best, 0]), float(offsets[best, 1])))
        taken = [np.vstack([old, new[best]]) for old, new in zip(taken, boxes, strict=True)]
        leaders = [np.vstack([old, new[best]]) for old, new in zip(leaders, lines, strict=True)]
    return found


def _offsets(half: float) -> list[tuple[float, float]]:
    aside = half + 22.0
    tried = [_FIRST]
    for step in range(7):
        up = _FIRST[1] + step * (_LINE + 4.0)
        tried += [(x, y) for y in (up, -up) for x in (_FIRST[0], -_FIRST[0], aside, -aside)]
        if step == 0:
            tried += [(aside, 0.0), (-aside, 0.0)]
    return tried


def _boxes(middles: Float[np.ndarray, "n 2"], wide: float, tall: float) -> Boxes:
    """Return boxes round points that reach so far to each side."""
    reach = np.array([wide, tall])
    return np.hstack([middles - reach, middles + reach])


def _within(points: Float[np.ndarray, "... 2"], boxes: Boxes) -> Bool[np.ndarray, "..."]:
    """Return which points lie inside a box."""
    return np.all((points > boxes[..., :2]) & (points < boxes[..., 2:]), axis=-1)


def _overlap(ones: Boxes, others: Boxes) -> Float[np.ndarray, "..."]:
    """Return the area that two boxes share, square pixels."""
    sides = np.minimum(ones[..., 2:], others[..., 2:]) - np.maximum(ones[..., :2], others[..., :2])
    return sides.clip(0.0).prod(axis=-1)
