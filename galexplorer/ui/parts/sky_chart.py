"""The sky round a galaxy as a chart: zoom and pan, objects to click, lines to draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from galexplorer.figures.palette import theme
from galexplorer.figures.sky import STAR, bar_length_arcsec, length_label

CHOSEN = "#FFD54A"
MASKED = "#FF8A65"
_LABEL = {"color": "#fff", "size": 12}
_ARM_PX = 30


@dataclass(frozen=True)
class Layer:
    """A square picture of the sky, north up.

    Attributes
    ----------
    address : str
        Of the picture.
    east, north : float
        Its middle, arcsec from the galaxy.
    side_arcsec : float
    """

    address: str
    east: float
    north: float
    side_arcsec: float


@dataclass(frozen=True)
class ChartObject:
    """An object of the chart.

    Attributes
    ----------
    number : int
        Of a galaxy, from 1; 0 for a star.
    east, north : float
        Arcsec from the galaxy on the page.
    magnitude : float
    chosen : bool
        Whether it is the galaxy on the page.
    """

    number: int
    east: float
    north: float
    magnitude: float
    chosen: bool = False


@dataclass(frozen=True)
class SkyChart:
    """What a chart of the sky shows.

    Attributes
    ----------
    layers : tuple of Layer
        The lowest first.
    objects : tuple of ChartObject
    side_arcsec : float
        Side of what is seen at first.
    oriented : bool
        North is up and east left.
    radius_arcsec : float or None
        Of the aperture; None draws none.
    kpc_per_arcsec : float or None
    masks : tuple of ndarray, shape (n, 2)
        Outlines of what is masked, arcsec to the east and north.
    """

    layers: tuple[Layer, ...]
    objects: tuple[ChartObject, ...]
    side_arcsec: float
    oriented: bool
    radius_arcsec: float | None = None
    kpc_per_arcsec: float | None = None
    masks: tuple[np.ndarray, ...] = field(default=())


def chart_figure(chart: SkyChart, dark: bool, draws: bool, look: str) -> go.Figure:
    """Draw a chart of the sky.

    Parameters
    ----------
    chart : SkyChart
    dark : bool
        Colours of the labels for a dark page.
    draws : bool
        A drag draws a line round something; otherwise it pans.
    look : str
        Where the user zoomed to is kept while this is the same.

    Returns
    -------
    plotly.graph_objects.Figure
        Axes in arcsec from the galaxy. Objects carry their number, 0 for stars.
    """
    figure = go.Figure()
    half = 0.5 * chart.side_arcsec
    for layer in chart.layers:
        figure.add_layout_image(
            source=layer.address, xref="x", yref="y", layer="below", sizing="stretch",
            x=layer.east + 0.5 * layer.side_arcsec, y=layer.north + 0.5 * layer.side_arcsec,
            sizex=layer.side_arcsec, sizey=layer.side_arcsec,
        )  # fmt: skip
    if chart.radius_arcsec is not None:
        turn, radius = np.linspace(0, 2 * np.pi, 121), chart.radius_arcsec
        figure.add_scatter(
            x=radius * np.cos(turn), y=radius * np.sin(turn), mode="lines", hoverinfo="skip",
            line={"color": "rgba(255, 255, 255, 0.8)", "width": 1.3, "dash": "dash"},
        )  # fmt: skip
    for outline in chart.masks:
        closed = np.vstack([outline, outline[:1]])
        figure.add_scatter(
            x=closed[:, 0], y=closed[:, 1], mode="lines", fill="toself", hoverinfo="skip",
            line={"color": MASKED, "width": 1.5}, fillcolor="rgba(255, 138, 101, 0.3)",
        )  # fmt: skip
    _scale_bar(figure, chart)
    _objects(figure, [o for o in chart.objects if o.number == 0])
    _objects(figure, [o for o in chart.objects if o.number > 0])
    colours = theme(dark)
    axis = {
        "showgrid": False, "zeroline": False, "ticks": "outside", "ticklen": 3,
        "color": colours.text,
        "tickfont": {"size": 11}, "title": {"font": {"size": 11}, "standoff": 4},
    }  # fmt: skip
    words = ("East [″]", "North [″]") if chart.oriented else ("Left [″]", "Up [″]")
    figure.update_layout(
        xaxis={**axis, "range": [half, -half], "constrain": "domain"},
        yaxis={**axis, "range": [-half, half], "scaleanchor": "x", "constrain": "domain"},
        xaxis_title_text=words[0], yaxis_title_text=words[1],
        margin={"l": 44, "r": 6, "t": 6, "b": 38}, height=350, showlegend=False,
        plot_bgcolor="#000", paper_bgcolor="rgba(0,0,0,0)", hovermode="closest",
        dragmode="lasso" if draws else "pan", uirevision=look, selectionrevision=look,
        newselection={"line": {"color": MASKED}},
        modebar={"bgcolor": "rgba(0, 0, 0, 0.5)", "color": "#ccc", "activecolor": "#fff"},
        font={"color": colours.text, "family": '"Source Sans", sans-serif'},
    )  # fmt: skip
    if chart.oriented:
        _compass(figure)
    return figure


def _scale_bar(figure: go.Figure, chart: SkyChart) -> None:
    length = bar_length_arcsec(chart.side_arcsec)
    start, height = 0.45 * chart.side_arcsec, -0.44 * chart.side_arcsec
    figure.add_scatter(
        x=[start, start - length], y=[height, height], mode="lines", hoverinfo="skip",
        line={"color": "#fff", "width": 3},
    )  # fmt: skip
    figure.add_annotation(
        x=start, y=height, text=length_label(length, chart.kpc_per_arcsec), showarrow=False,
        xanchor="left", yanchor="bottom", yshift=3, font=_LABEL, bgcolor="rgba(0, 0, 0, 0.5)",
    )  # fmt: skip


def _compass(figure: go.Figure) -> None:
    place = {"xref": "paper", "yref": "paper", "x": 0.94, "y": 0.06, "font": _LABEL}
    arrow = {"arrowcolor": "#fff", "arrowwidth": 1.6, "arrowhead": 2, "text": ""}
    for letter, right, up in (("N", 0, _ARM_PX), ("E", -_ARM_PX, 0)):
        figure.add_annotation(
            **place, **arrow, xshift=right, yshift=up, ax=-right, ay=up, showarrow=True
        )
        figure.add_annotation(
            **place, text=letter, xshift=1.35 * right, yshift=1.35 * up, showarrow=False
        )


def _objects(figure: go.Figure, objects: Sequence[ChartObject]) -> None:
    """Draw stars as crosses, galaxies as rings with their numbers."""
    if not objects:
        return
    stars = objects[0].number == 0
    what = "Star" if stars else "Galaxy %{customdata}"
    figure.add_scatter(
        x=[o.east for o in objects], y=[o.north for o in objects],
        customdata=[o.number for o in objects], meta=[0.0],
        text=["" if stars else str(o.number) for o in objects],
        mode="markers" if stars else "markers+text", textposition="top right",
        textfont=_LABEL,
        marker={
            "symbol": "x-thin" if stars else "circle-open", "size": 9 if stars else 18,
            "line": {"width": 2, "color": STAR if stars else "#fff"},
            "color": STAR if stars else [CHOSEN if o.chosen else "#fff" for o in objects],
        },
        unselected={"marker": {"opacity": 1}, "textfont": {"color": "#fff"}},
        hovertext=[f"r ≈ {o.magnitude:.1f}" for o in objects],
        hovertemplate=f"{what}, %{{hovertext}}<extra></extra>",
    )  # fmt: skip
