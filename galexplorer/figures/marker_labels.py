"""Where the names of marked galaxies stand on a map, so that none covers another."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Box = tuple[float, float, float, float]
"""Left, bottom, right, top; pixels."""

_FIRST = (34.0, 34.0)
_RING = 13.0
_LETTER, _LINE = 6.9, 22.0
"""Width of a letter and height of a label with its border, pixels."""
_WIDTHS = (300.0, 520.0, 1300.0)
"""Widths that a chart has on a phone, beside other charts, and alone on a wide screen, pixels."""
_GAP = 3.0
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
    taken: list[list[Box]] = [[] for _ in _WIDTHS]
    leaders: list[list[np.ndarray]] = [[] for _ in _WIDTHS]
    found = []
    for k, label in enumerate(labels):
        half = 0.5 * (_LETTER * len(label) + 8.0)

        def cost(offset: tuple[float, float], k: int = k, half: float = half) -> float:
            total = 0.0
            for width, own, boxes, lines in zip(_WIDTHS, shown, taken, leaders, strict=True):
                box = _box(own[k], offset, half)
                rings = [_around(place) for j, place in enumerate(own) if j != k]
                total += sum(_overlap(box, other) for other in (*boxes, *rings))
                inside = _overlap(box, (0.0, 0.0, width, height))
                total += (box[2] - box[0]) * (box[3] - box[1]) - inside
                crossed = sum(_points_in(_leader(own[k], offset), other) for other in boxes)
                crossed += sum(_points_in(line, box) for line in lines)
                total += _CROSSED * crossed
            return total

        offsets = _offsets(half)
        best = min(offsets, key=cost)  # of equals the first
        found.append(best)
        for own, boxes, lines in zip(shown, taken, leaders, strict=True):
            boxes.append(_box(own[k], best, half))
            lines.append(_leader(own[k], best))
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


def _box(place: np.ndarray, offset: tuple[float, float], half: float) -> Box:
    x, y = float(place[0]) + offset[0], float(place[1]) + offset[1]
    tall = 0.5 * _LINE + _GAP
    return x - half - _GAP, y - tall, x + half + _GAP, y + tall


def _leader(place: np.ndarray, offset: tuple[float, float]) -> np.ndarray:
    """Return points on the line from a marker to its label, (n, 2)."""
    return place + np.linspace(0.2, 0.9, 12)[:, None] * offset


def _points_in(points: np.ndarray, box: Box) -> int:
    x, y = points.T
    return int(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).sum())


def _around(place: np.ndarray) -> Box:
    x, y = float(place[0]), float(place[1])
    return x - _RING, y - _RING, x + _RING, y + _RING


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
