"""A diagram of two quantities: what it shows, however it is drawn, and its Plotly figure.

`galexplorer.figures.screen_diagram` draws the same as a picture that a page shows at once.
"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from galexplorer.figures.names import plotly_name
from galexplorer.figures.palette import Theme


@dataclass(frozen=True)
class Line:
    """A line, in one part or several.

    Attributes
    ----------
    name : str
    x, y : ndarray, shape (n,)
        NaN between parts.
    colour : str
    width : float
        Pixels.
    dash : {"solid", "dash", "dot"}
    in_legend : bool
    told : bool
        Whether its name is told where one points at it.
    """

    name: str
    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    colour: str
    width: float
    dash: str = "solid"
    in_legend: bool = True
    told: bool = False


@dataclass(frozen=True)
class Points:
    """Points of one kind.

    Attributes
    ----------
    name : str
    x, y : ndarray, shape (n,)
    colour : str
    size : float
        Pixels.
    opacity : float
    symbol : {"circle", "circle-open", "diamond", "cross-thin"}
    edge : str
        Colour of the edge; none if empty.
    edge_width : float
        Pixels.
    told : bool
        Whether their values are told where one points at them.
    """

    name: str
    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    colour: str
    size: float
    opacity: float = 1.0
    symbol: str = "circle"
    edge: str = ""
    edge_width: float = 0.0
    told: bool = True


@dataclass(frozen=True)
class Label:
    """Words at a place.

    Attributes
    ----------
    words : str
    x, y : float
        Of their middle.
    angle : float
        Degrees, clockwise.
    target : tuple of float, optional
        Where a line points from them.
    """

    words: str
    x: float
    y: float
    angle: float = 0.0
    target: tuple[float, float] | None = None


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes
    ----------
    title : str
        With its unit.
    name : str
        In short.
    low, high : float
    """

    title: str
    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Diagram:
    """What a diagram shows.

    Attributes
    ----------
    across, up : Axis
    marks : tuple of Line or Points
        The last lie on top. Those of one name are one thing, and the last of them stands for all
        in the legend.
    labels : tuple of Label
    colours : Theme
    """

    across: Axis
    up: Axis
    marks: tuple[Line | Points, ...]
    labels: tuple[Label, ...]
    colours: Theme

    @property
    def legend(self) -> tuple[Line | Points, ...]:
        """What the legend names, each name once."""
        named = {m.name: m for m in self.marks if isinstance(m, Points) or m.in_legend}
        return tuple(named.values())


def plotly_figure(diagram: Diagram, height: int) -> go.Figure:
    """Draw a diagram that can be zoomed and tells its values.

    Parameters
    ----------
    diagram : Diagram
    height : int
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    legend = diagram.legend
    axes = (diagram.across.name, diagram.up.name)
    # Traces and layout go into the figure at once: adding to one takes three times as long.
    return go.Figure(
        [{**_trace(m, axes), "showlegend": any(m is one for one in legend)} for m in diagram.marks],
        _layout(diagram, height),
    )


def _trace(mark: Line | Points, axes: tuple[str, str]) -> dict:
    name = plotly_name(mark.name)
    trace = {"x": mark.x, "y": mark.y, "name": name, "legendgroup": name}
    if isinstance(mark, Line):
        line = {"color": mark.colour, "width": mark.width, "dash": mark.dash}
        told = "name" if mark.told else "skip"
        return {**trace, "mode": "lines", "line": line, "hoverinfo": told}
    marker: dict = {"color": mark.colour, "size": mark.size, "symbol": mark.symbol}
    marker["opacity"] = mark.opacity
    if mark.edge:
        marker["line"] = {"color": mark.edge, "width": mark.edge_width}
    trace |= {"mode": "markers", "marker": marker}
    if not mark.told:
        return {**trace, "hoverinfo": "skip"}
    words = f"{axes[0]} %{{x:.2f}}<br>{axes[1]} %{{y:.2f}}<extra>%{{fullData.name}}</extra>"
    return {**trace, "hovertemplate": words}


def _layout(diagram: Diagram, height: int) -> dict:
    colours = diagram.colours
    axes = {
        key: {
            "title": {"text": axis.title, "font": {"color": colours.text}},
            "range": (axis.low, axis.high),
            "zeroline": False,
            "tickfont": {"color": colours.text},
        }
        for key, axis in (("xaxis", diagram.across), ("yaxis", diagram.up))
    }
    return {
        **axes,
        "annotations": [_annotation(label, colours) for label in diagram.labels],
        "legend": {
            "orientation": "h",
            "y": -0.17,
            "yanchor": "top",
            "x": 0,
            "font": {"size": 11, "color": colours.text},
            "bgcolor": "rgba(0,0,0,0)",
            "itemsizing": "constant",
        },
        "hoverlabel": {"namelength": -1},  # by default a name ends after 15 letters
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "height": height,
    }


def _annotation(label: Label, colours: Theme) -> dict:
    words = {"text": plotly_name(label.words), "font": {"size": 12, "color": colours.text}}
    if label.target is None:
        return {
            **words,
            "x": label.x,
            "y": label.y,
            "textangle": label.angle,
            "showarrow": False,
            "bgcolor": colours.with_opacity("background", 0.6),
            "borderpad": 1,
        }
    return {
        **words,
        "x": label.target[0],
        "y": label.target[1],
        "ax": label.x,
        "ay": label.y,
        "axref": "x",
        "ayref": "y",
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": colours.text,
    }
