"""The corner plot of the screen: an SVG of a few kilobytes, made in milliseconds.

`galexplorer.figures.corner` draws the same panels for print with the package corner, which takes
a hundred times as long. Both show contours of 68% and 95%, medians and 68% intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from galexplorer.figures.axis_names import AXES, BRIEF, BRIEF_UNITS
from galexplorer.figures.density import contour_lines, credible_levels
from galexplorer.figures.palette import TRUTH, Theme, theme
from galexplorer.records.posterior import Posterior
from galexplorer.schema import PROPERTY_NAMES, TARGETS
from galexplorer.science.summary import format_interval, format_value

LEVELS = (0.68, 0.95)
BINS = 36
PANEL_PX, GAP_PX = 150, 12
LEFT_PX, TOP_PX, RIGHT_PX, BOTTOM_PX = 82, 66, 56, 66
FONT_PX = 15

_LABELS = {target.name: target.label for target in TARGETS}
_DIGITS = {target.name: target.digits for target in TARGETS}
_STEPS = ((720, 600), (420, 374))
"""Widths on the screen from which down, and for which, letters are made larger."""

_LEGIBLE_PX = 10.0
_FONT = "font-family='Source Sans Pro, Helvetica Neue, Liberation Sans, Arial, sans-serif'"


@dataclass(frozen=True)
class Layer:
    """One posterior and its colour.

    Attributes
    ----------
    posterior : Posterior
    colour : str
        Hexadecimal.
    """

    posterior: Posterior
    colour: str


@dataclass(frozen=True)
class Panels:
    """Where a corner plot's panels lie, for whoever points at them.

    Attributes
    ----------
    width, height : int
        Of the picture, pixels of its own.
    left, top, side, step : int
        Corner of the first panel, side of one, and distance from one to the next.
    axes : tuple of (str, str, int, float, float)
        Target, short name, digits, and the values at either edge of its panels, in order.
    """

    width: int
    height: int
    left: int
    top: int
    side: int
    step: int
    axes: tuple[tuple[str, str, int, float, float], ...]


def corner_panels(
    layers: Sequence[Layer],
    names: Sequence[str] = PROPERTY_NAMES,
    truths: Mapping[str, float] | None = None,
) -> Panels:
    """Return where the panels of `screen_corner` lie, which has the same parameters."""
    shown, _ = _split(layers, names)
    scales = _scales(layers, shown, _finite(truths))
    width, height = _size(len(shown))
    axes = tuple((n, BRIEF[n], _DIGITS[n], scales[n].low, scales[n].high) for n in shown)
    return Panels(width, height, LEFT_PX, TOP_PX, PANEL_PX, PANEL_PX + GAP_PX, axes)


def screen_corner(
    layers: Sequence[Layer],
    names: Sequence[str] = PROPERTY_NAMES,
    truths: Mapping[str, float] | None = None,
    dark: bool = False,
) -> str:
    """Draw one- and two-dimensional marginals of one or more posteriors.

    Parameters
    ----------
    layers : sequence of Layer
        The first gives the titles and lies on top; the others are for comparison.
    names : sequence of str
        Targets to show, in this order. One that is not finite in some layer, or varies in none,
        has no panel: a note in the figure says so. Where it is fixed in one layer, a line stands
        for that layer.
    truths : mapping of str to float, optional
        Known values, by target; any may be missing.
    dark : bool
        Colours for a dark background, which itself stays clear.

    Returns
    -------
    str
        An SVG document.

    Raises
    ------
    ValueError
        If no target can be drawn.
    """
    shown, notes = _split(layers, names)
    if not shown:
        raise ValueError("every target is fixed: a corner plot needs at least one that varies")
    colours = theme(dark)
    truths = _finite(truths)
    columns = [{n: layer.posterior.column(n).astype(float) for n in shown} for layer in layers]
    scales = _scales(layers, shown, truths)
    cells = [{n: scales[n].cells(column[n]) for n in shown} for column in columns]
    densities = [
        _densities(cell, [n for n in shown if not _is_constant(column[n])])
        for column, cell in zip(columns, cells, strict=True)
    ]
    width, height = _size(len(shown))
    out = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' {_FONT} font-size='{FONT_PX}' fill='{colours.text}'>",
        _style(width),
    ]
    for i, row in enumerate(shown):
        for j, name in enumerate(shown[: i + 1]):
            x, y = LEFT_PX + j * (PANEL_PX + GAP_PX), TOP_PX + i * (PANEL_PX + GAP_PX)
            out.append(f"<g transform='translate({x} {y})'>")
            if i == j:
                out += _histograms(layers, columns, cells, name, scales[name])
            else:
                out += _contours(layers, columns, densities, scales, name, row)
            out += _known_lines(scales, truths, name, None if i == j else row)
            out.append(
                f"<rect width='{PANEL_PX}' height='{PANEL_PX}' fill='none' "
                f"stroke='{colours.faint}' stroke-width='0.8'/>"
            )
            last = i == len(shown) - 1
            out += _ticks(scales[name], scales[row], last, j == 0 and i > 0, colours)
            if last:
                out.append(_axis_name(name, PANEL_PX / 2, PANEL_PX + 46))
            if j == 0 and i > 0:
                out.append(_axis_name(row, -58, PANEL_PX / 2, turned=True))
            out.append("</g>")
    for k, note in enumerate(notes):
        out.append(
            f"<text x='{width - RIGHT_PX}' y='{20 + 20 * k}' text-anchor='end'>"
            f"{escape(note)}</text>"
        )
    return "".join(out) + "</svg>"


@dataclass(frozen=True)
class _Scale:
    """From values to pixels of a panel, rightwards."""

    low: float
    high: float

    @classmethod
    def of(cls, columns: list[np.ndarray], known: float | None) -> "_Scale":
        limits = [edge for c in columns for edge in np.quantile(c, [0.002, 0.998])]
        if known is not None:
            limits.append(known)
        margin = 0.06 * (max(limits) - min(limits)) or 1e-3
        return cls(float(min(limits) - margin), float(max(limits) + margin))

    def pixel(self, value: ArrayLike) -> np.ndarray:
        return np.asarray(PANEL_PX * (np.asarray(value) - self.low) / (self.high - self.low))

    def cells(self, values: np.ndarray) -> np.ndarray:
        """Return the bin of each value; 0 and BINS + 1 are for those outside."""
        share = (values - self.low) / (self.high - self.low)
        return np.clip(np.floor(BINS * share).astype(np.int64) + 1, 0, BINS + 1)

    @cached_property
    def centres(self) -> np.ndarray:
        """Pixels of the bins' centres, one beyond either edge."""
        return PANEL_PX / BINS * (np.arange(BINS + 2) - 0.5)

    @cached_property
    def ticks(self) -> np.ndarray:
        values = np.asarray(MaxNLocator(3).tick_values(self.low, self.high))
        margin = 0.04 * (self.high - self.low)
        return values[(values > self.low + margin) & (values < self.high - margin)]

    @property
    def few_ticks(self) -> np.ndarray:
        """The outermost ticks, or one where they are close: for large letters."""
        ends = self.ticks[[0, -1]] if len(self.ticks) > 1 else self.ticks
        letters = max((len(_number(value)) for value in ends), default=0)
        return ends if np.ptp(self.pixel(ends)) > FONT_PX * letters else ends[:1]


def _finite(truths: Mapping[str, float] | None) -> dict[str, float]:
    return {name: value for name, value in (truths or {}).items() if np.isfinite(value)}


def _scales(
    layers: Sequence[Layer], shown: Sequence[str], truths: Mapping[str, float]
) -> dict[str, _Scale]:
    columns = {n: [layer.posterior.column(n).astype(float) for layer in layers] for n in shown}
    return {n: _Scale.of(columns[n], truths.get(n)) for n in shown}


def _size(number: int) -> tuple[int, int]:
    """Return width and height of a plot of so many targets."""
    side = number * (PANEL_PX + GAP_PX) - GAP_PX
    return LEFT_PX + side + RIGHT_PX, TOP_PX + side + BOTTOM_PX


def _split(layers: Sequence[Layer], names: Sequence[str]) -> tuple[list[str], list[str]]:
    shown, notes = [], []
    for name in names:
        columns = [layer.posterior.column(name) for layer in layers]
        if not all(np.isfinite(c).all() for c in columns):
            notes.append(f"{_LABELS[name]}: not shown, no value in some draws.")
        elif all(_is_constant(c) for c in columns):
            notes.append(f"{_LABELS[name]} fixed at {float(columns[0][0]):.6g}.")
        else:
            shown.append(name)
    return shown, notes


def _is_constant(column: np.ndarray) -> bool:
    return bool(np.ptp(column) <= 1e-6 * max(1.0, abs(float(column[0]))))


def _histograms(
    layers: Sequence[Layer],
    columns: list[dict[str, np.ndarray]],
    cells: list[dict[str, np.ndarray]],
    name: str,
    scale: _Scale,
) -> list[str]:
    heights = []
    for column, cell in zip(columns, cells, strict=True):
        counts = np.bincount(cell[name], minlength=BINS + 2)[1:-1]
        height = gaussian_filter(counts / len(cell[name]), 1.0, mode="constant")
        heights.append(None if _is_constant(column[name]) else height)
    top = 1.08 * max(float(h.max()) for h in heights if h is not None) or 1.0
    out = []
    for layer, column, height in reversed(list(zip(layers, columns, heights, strict=True))):
        if height is None:
            x = float(scale.pixel(column[name][0]))
            line = f"M{x:.1f} 0V{PANEL_PX}"
        else:
            line = _path(np.column_stack([scale.centres[1:-1], PANEL_PX * (1 - height / top)]))
        out.append(f"<path d='{line}' fill='none' stroke='{layer.colour}' stroke-width='1.6'/>")
    low, middle, high = np.quantile(columns[0][name], [0.16, 0.5, 0.84])
    words = short = f"{middle:.6g} fixed"
    if heights[0] is not None:
        words = format_interval(name, low, middle, high)
        half = format_value(name, 0.5 * (high - low))
        short = f"{format_value(name, middle)} ± {half}"
        for edge in scale.pixel([low, middle, high]):
            out.append(
                f"<path d='M{edge:.1f} 0V{PANEL_PX}' stroke='{layers[0].colour}' "
                "stroke-dasharray='4 3' stroke-width='1'/>"
            )
    out.append(_text(_LABELS[name], PANEL_PX / 2, -26, kind="full"))
    out.append(_text(words, PANEL_PX / 2, -8, weight=600, kind="full"))
    # in lines of their own letters' height, whatever that is
    out.append(
        f"<text class='brief' x='0' y='-8'><tspan x='0' dy='-1.1em'>{BRIEF[name]}"
        f"{BRIEF_UNITS.get(name, '')}</tspan>"
        f"<tspan x='0' dy='1.1em' font-weight='600'>{short}</tspan></text>"
    )
    return out


def _densities(cells: dict[str, np.ndarray], names: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Return the smoothed number of draws per bin of each panel, shape (BINS + 2, BINS + 2).

    A panel is that of a target and of a later one. All are smoothed at once. An empty rim closes
    the contours at the panel's edge.
    """
    size = BINS + 2
    pairs = [(name, row) for i, row in enumerate(names) for name in names[:i]]
    counts = np.empty((len(pairs), size, size))
    for k, (name, row) in enumerate(pairs):
        flat = np.bincount(cells[row] * size + cells[name], minlength=size**2)
        counts[k] = flat.reshape(size, size)
    smooth = gaussian_filter(counts[:, 1:-1, 1:-1], (0.0, 1.0, 1.0), mode="constant")
    return dict(zip(pairs, np.pad(smooth, ((0, 0), (1, 1), (1, 1))), strict=True))


def _contours(
    layers: Sequence[Layer],
    columns: list[dict[str, np.ndarray]],
    densities: list[dict[tuple[str, str], np.ndarray]],
    scales: dict[str, "_Scale"],
    name: str,
    row: str,
) -> list[str]:
    out = []
    for layer, column, density_of in reversed(list(zip(layers, columns, densities, strict=True))):
        if (name, row) not in density_of:
            # A contour without width: the central 95% along the line.
            x = scales[name].pixel(np.quantile(column[name], [0.025, 0.975]))
            y = PANEL_PX - scales[row].pixel(np.quantile(column[row], [0.025, 0.975]))
            line = _path(np.column_stack([x, y]))
            out.append(f"<path d='{line}' stroke='{layer.colour}' stroke-width='1.6'/>")
            continue
        density, centres = density_of[name, row], scales[name].centres
        levels = credible_levels(density, LEVELS)
        contours = contour_lines(centres, PANEL_PX - centres, density, levels)
        for lines, opacity in zip(contours, (0.26, 0.16), strict=True):
            d = "".join(_path(line) + "Z" for line in lines)
            out.append(
                f"<path d='{d}' fill='{layer.colour}' fill-opacity='{opacity}' "
                f"fill-rule='evenodd' stroke='{layer.colour}' stroke-width='1.2'/>"
            )
    return out


def _known_lines(
    scales: dict[str, _Scale], truths: Mapping[str, float], name: str, row: str | None
) -> list[str]:
    out = []
    if name in truths:
        x = scales[name].pixel(truths[name])
        out.append(f"<path d='M{x:.1f} 0V{PANEL_PX}' stroke='{TRUTH}' stroke-width='1.4'/>")
    if row is not None and row in truths:
        y = PANEL_PX - scales[row].pixel(truths[row])
        out.append(f"<path d='M0 {y:.1f}H{PANEL_PX}' stroke='{TRUTH}' stroke-width='1.4'/>")
    return out


def _ticks(across: _Scale, up: _Scale, below: bool, beside: bool, colours: Theme) -> list[str]:
    out = []
    if below:
        for value, x in zip(across.ticks, across.pixel(across.ticks), strict=True):
            out.append(f"<path d='M{x:.1f} {PANEL_PX}v5' stroke='{colours.faint}'/>")
            out.append(_text(_number(value), float(x), PANEL_PX + 22, kind="full"))
        out += [
            _text(_number(value), float(across.pixel(value)), PANEL_PX + 32, kind="brief tick")
            for value in across.few_ticks
        ]
    if beside:
        for value, y in zip(up.ticks, PANEL_PX - up.pixel(up.ticks), strict=True):
            out.append(f"<path d='M0 {y:.1f}h-5' stroke='{colours.faint}'/>")
            out.append(_label_beside(value, float(y) + 5, "full"))
        for value, y in zip(up.few_ticks, PANEL_PX - up.pixel(up.few_ticks), strict=True):
            out.append(_label_beside(value, float(y) + 8, "brief tick"))
    return out


def _label_beside(value: float, y: float, kind: str) -> str:
    return f"<text class='{kind}' x='-9' y='{y:.1f}' text-anchor='end'>{_number(value)}</text>"


def _number(value: float) -> str:
    return f"{round(value, 6):g}".replace("-", "\N{MINUS SIGN}")


def _style(width: int) -> str:
    """Return the rules for a picture that is shown smaller: few and larger letters.

    An SVG in a page takes its own width there for that of the medium.
    """
    rules = [".brief{display:none}"]
    for widest, shown in _STEPS:
        size = _LEGIBLE_PX * width / shown
        if size > 1.2 * FONT_PX:
            ticks = ".tick{display:none}" if size > 2 * FONT_PX else ""
            rules.append(
                f"@media(max-width:{widest}px){{.full{{display:none}}"
                f".brief{{display:inline;font-size:{size:.0f}px}}{ticks}}}"
            )
    return f"<style>{''.join(rules)}</style>"


def _axis_name(name: str, x: float, y: float, turned: bool = False) -> str:
    """Return the name of an axis, in letters as small as one panel asks for."""
    size = min(FONT_PX, int(PANEL_PX / (0.52 * len(AXES[name]))))
    return _text(AXES[name], x, y, turned, kind=f"full' font-size='{size}")


def _text(
    words: str, x: float, y: float, turned: bool = False, weight: int = 400, kind: str = ""
) -> str:
    turn = f" transform='rotate(-90 {x:.1f} {y:.1f})'" if turned else ""
    return (
        f"<text class='{kind}' x='{x:.1f}' y='{y:.1f}' text-anchor='middle' "
        f"font-weight='{weight}'{turn}>"
        f"{escape(words)}</text>"
    )


def _path(points: np.ndarray) -> str:
    # one format for the whole line: most of the plot's time goes into these numbers
    return "M" + "L".join(["%.1f %.1f"] * len(points)) % tuple(points.ravel().tolist())
