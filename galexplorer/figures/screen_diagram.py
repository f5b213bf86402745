"""A diagram as an SVG that a page shows at once; Plotly draws the same for a closer look.

A page that loads and runs Plotly for five hundred draws and some lines takes longer for that than
for all else of a result.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from galexplorer.figures.diagram import Axis, Diagram, Label, Line, Points

WIDTH_PX, HEIGHT_PX = 420, 330
"""Of the picture, without its legend."""

LEFT_PX, TOP_PX, RIGHT_PX, BOTTOM_PX = 60, 8, 10, 46
FONT_PX, SMALL_PX = 13, 12
_LETTER = 0.53  # width of a letter by its height, on average
_SAMPLE_PX, _ROW_PX, _LEAST_PX = 18, 19, 6  # the last of a symbol in the legend
_DASHES = {"solid": "", "dash": " stroke-dasharray='7 4'", "dot": " stroke-dasharray='2 3'"}
_FONT = "font-family='Source Sans Pro, Helvetica Neue, Liberation Sans, Arial, sans-serif'"


@dataclass(frozen=True)
class Frame:
    """Where the axes of a picture lie, for whoever points at it.

    Attributes
    ----------
    width, height : float
        Of the picture, pixels of its own.
    left, top, right, bottom : float
        Edges of the axes.
    axes : tuple of (str, float, float)
        Short name, and the values at either end, of the axis across and of the one up.
    """

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    axes: tuple[tuple[str, float, float], tuple[str, float, float]]

    def place(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the pixels of values (n,), (n,), shape (n, 2)."""
        (_, low, high), (_, bottom, top) = self.axes
        across = (np.asarray(x, float) - low) / (high - low)
        up = (np.asarray(y, float) - bottom) / (top - bottom)
        return np.stack(
            [
                self.left + across * (self.right - self.left),
                self.bottom - up * (self.bottom - self.top),
            ],
            axis=-1,
        )


def frame_of(diagram: Diagram) -> Frame:
    """Return where the axes of `screen_diagram` lie."""
    rows = max((row for _, row, _ in _legend_places(diagram)), default=-1) + 1
    return Frame(
        WIDTH_PX,
        HEIGHT_PX + rows * _ROW_PX,
        LEFT_PX,
        TOP_PX,
        WIDTH_PX - RIGHT_PX,
        HEIGHT_PX - BOTTOM_PX,
        tuple((a.name, a.low, a.high) for a in (diagram.across, diagram.up)),  # type: ignore[arg-type]
    )


def screen_diagram(diagram: Diagram) -> str:
    """Draw a diagram.

    Parameters
    ----------
    diagram : Diagram

    Returns
    -------
    str
        An SVG document; its background is clear.
    """
    frame, colours = frame_of(diagram), diagram.colours
    box = (
        f"x='{frame.left}' y='{frame.top}' width='{frame.right - frame.left}' "
        f"height='{frame.bottom - frame.top}'"
    )
    out = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {frame.width} {frame.height}' "
        f"width='{frame.width}' height='{frame.height}' {_FONT} font-size='{FONT_PX}' "
        f"fill='{colours.text}'><clipPath id='axes'><rect {box}/></clipPath>",
        *_axis_marks(diagram, frame),
        "<g clip-path='url(#axes)'>",
        *(part for mark in diagram.marks for part in _draw(mark, frame)),
        f"</g><rect {box} fill='none' stroke='{colours.faint}' stroke-width='0.8'/>",
        *(part for label in diagram.labels for part in _draw_label(label, diagram, frame)),
        *_draw_legend(diagram, frame),
    ]
    return "".join(out) + "</svg>"


def _draw(mark: Line | Points, frame: Frame) -> Iterator[str]:
    places = frame.place(mark.x, mark.y)
    if isinstance(mark, Line):
        yield _line(mark, places)
    else:
        yield _open_group(mark)
        yield from (_symbol(mark, *place) for place in places[np.isfinite(places).all(axis=1)])
        yield "</g>"


def _line(mark: Line, places: np.ndarray) -> str:
    gaps = np.flatnonzero(~np.isfinite(places).all(axis=1))
    parts = (part[np.isfinite(part).all(axis=1)] for part in np.split(places, gaps))
    path = "".join(
        "M" + "L".join(["%.1f %.1f"] * len(part)) % tuple(part.ravel().tolist())
        for part in parts
        if len(part) > 1
    )
    return (
        f"<path d='{path}' fill='none' stroke='{mark.colour}' "
        f"stroke-width='{mark.width}'{_DASHES[mark.dash]}/>"
    )


def _open_group(mark: Points) -> str:
    """Return the beginning of a group of symbols: what they have in common."""
    hollow = mark.symbol in ("circle-open", "cross-thin")
    edge = mark.edge or (mark.colour if hollow else "none")
    return (
        f"<g fill='{'none' if hollow else mark.colour}' fill-opacity='{mark.opacity}' "
        f"stroke='{edge}' stroke-opacity='{mark.opacity}' stroke-width='{mark.edge_width or 1}'>"
    )


def _symbol(mark: Points, x: float, y: float) -> str:
    half = mark.size / 2
    if mark.symbol == "diamond":
        long = 1.3 * half
        return f"<path d='M{x:.1f} {y - long:.1f}l{long} {long}l-{long} {long}l-{long} -{long}z'/>"
    if mark.symbol == "cross-thin":
        return f"<path d='M{x - half:.1f} {y:.1f}h{mark.size}m-{half} -{half}v{mark.size}'/>"
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{half}'/>"


def _axis_marks(diagram: Diagram, frame: Frame) -> Iterator[str]:
    """Draw ticks, their numbers and a faint grid, and the names of the axes."""
    faint = diagram.colours.faint
    centre = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    grid = f"stroke='{faint}' stroke-width='0.6' stroke-opacity='0.35'"
    for value in _ticks(diagram.across):
        x = float(frame.place(np.array(value), np.array(0.0))[0])
        yield f"<path d='M{x:.1f} {frame.bottom}V{frame.top}' {grid}/>"
        yield _text(_number(value), x, frame.bottom + 16)
    for value in _ticks(diagram.up):
        y = float(frame.place(np.array(0.0), np.array(value))[1])
        yield f"<path d='M{frame.left} {y:.1f}H{frame.right}' {grid}/>"
        yield _text(_number(value), frame.left - 7, y + 4.5, anchor="end")
    yield _text(diagram.across.title, centre[0], frame.bottom + 37)
    yield _text(diagram.up.title, 14, centre[1], turn=-90)


def _ticks(axis: Axis) -> list[float]:
    locator = MaxNLocator(6, steps=[1, 2, 5, 10])
    values = np.asarray(locator.tick_values(axis.low, axis.high))
    margin = 0.01 * (axis.high - axis.low)
    return values[(values > axis.low + margin) & (values < axis.high - margin)].tolist()


def _number(value: float) -> str:
    return f"{round(value, 6):g}".replace("-", "\N{MINUS SIGN}")


def _draw_label(label: Label, diagram: Diagram, frame: Frame) -> Iterator[str]:
    x, y = frame.place(np.array(label.x), np.array(label.y)).tolist()
    if label.target is not None:
        to_x, to_y = frame.place(*(np.array(v) for v in label.target)).tolist()
        half = _LETTER * SMALL_PX * len(label.words) / 2 + 4
        yield (
            f"<path d='M{x + np.copysign(half, to_x - x):.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}' "
            f"stroke='{diagram.colours.text}' stroke-width='1'/>"
        )
    rim = diagram.colours.background
    halo = f" stroke='{rim}' stroke-opacity='0.75' stroke-width='4' paint-order='stroke'"
    yield _text(label.words, x, y + 4, turn=label.angle, size=SMALL_PX, more=halo, about=(x, y))


def _legend_places(diagram: Diagram) -> Iterator[tuple[Line | Points, int, float]]:
    """Return what stands in the legend, in which row of it and how far to the right."""
    x, row = float(LEFT_PX), 0
    for mark in diagram.legend:
        length = _SAMPLE_PX + 6 + _LETTER * SMALL_PX * len(mark.name) + 12
        if x > LEFT_PX and x + length > WIDTH_PX:
            x, row = float(LEFT_PX), row + 1
        yield mark, row, x
        x += length


def _draw_legend(diagram: Diagram, frame: Frame) -> Iterator[str]:
    for mark, row, x in _legend_places(diagram):
        y = HEIGHT_PX + (row + 0.5) * _ROW_PX
        if isinstance(mark, Line):
            yield _line(mark, np.array([[x, y], [x + _SAMPLE_PX, y]]))
        else:
            mark = replace(mark, size=max(mark.size, _LEAST_PX), opacity=1.0)
            yield _open_group(mark) + _symbol(mark, x + _SAMPLE_PX / 2, y) + "</g>"
        yield _text(mark.name, x + _SAMPLE_PX + 6, y + 4, anchor="start", size=SMALL_PX)


def _text(
    words: str,
    x: float,
    y: float,
    turn: float = 0.0,
    anchor: str = "middle",
    size: int = FONT_PX,
    more: str = "",
    about: tuple[float, float] | None = None,
) -> str:
    if turn:
        around = about or (x, y)
        more += f" transform='rotate({turn:g} {around[0]:.1f} {around[1]:.1f})'"
    printable = "".join(letter for letter in words if letter.isprintable())  # XML has no others
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}'{more}>"
        f"{escape(printable)}</text>"
    )
