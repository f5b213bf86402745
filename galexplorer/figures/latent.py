"""The map of latent space: thousands of real galaxies, and where the explored ones lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float, Int, Shaped
from plotly.colors import sample_colorscale

from galexplorer.figures.marker_labels import place_labels
from galexplorer.figures.names import plotly_name
from galexplorer.figures.palette import CLASS_COLOURS, SELECTED, SERIES, UNITS, theme
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.summary import BPT_LABELS, in_sentence

CLASSES = "bpt"
"""Name of the colouring by BPT class, beside the targets' names."""

_TARGETS = {target.name: target for target in TARGETS}
_SYMBOLS = dict(zip(BPT_CLASSES, ("circle", "diamond", "square", "triangle-up"), strict=True))
_SHOWN = (0.02, 0.98)
"""Quantiles at which the colour scale ends."""
_ABOVE, _BELOW = 64, 34
"""Margins, pixels."""


@dataclass(frozen=True)
class MapPoints:
    """Galaxies on the map, and the quantity that colours them.

    Attributes
    ----------
    places : ndarray, shape (n, 2)
    values : ndarray, shape (n,)
        Of the quantity, or the index of a class.
    published : ndarray, shape (n,), bool
        Whether the value is a published one and not the model's.
    words : tuple of str
        What is said of each point beside its value, such as its name; may be empty.
    """

    places: Float[np.ndarray, "n 2"]
    values: Shaped[np.ndarray, " n"]
    published: Bool[np.ndarray, " n"]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapMarker:
    """A galaxy to point out.

    Attributes
    ----------
    place : ndarray, shape (2,)
    label : str
    """

    place: Float[np.ndarray, "2"]
    label: str


def latent_figure(
    points: MapPoints,
    name: str,
    marks: Sequence[MapMarker] = (),
    neighbours: Int[np.ndarray, " k"] | None = None,
    dark: bool = False,
    height: int = 460,
    lasso: bool = False,
    selected: Int[np.ndarray, " s"] | None = None,
) -> go.Figure:
    """Draw the map.

    Parameters
    ----------
    points : MapPoints
    name : str
        A target's name, or `CLASSES`.
    marks : sequence of MapMarker
        Explored galaxies.
    neighbours : ndarray, shape (k,), int, optional
        Points to ring, with their number from 1.
    dark : bool
        Colours for a dark background.
    height : int
        Pixels.
    lasso : bool
        Dragging draws a line round points; otherwise it enlarges, and a click selects a point.
    selected : ndarray, shape (s,), int, optional
        Points to mark as selected.

    Returns
    -------
    plotly.graph_objects.Figure
        Filled symbols are published values, open ones the model's; the number of each point
        is its ``customdata``.
    """
    colours = theme(dark)
    figure = go.Figure()
    if name == CLASSES:
        _add_classes(figure, points)
    else:
        _add_values(figure, points, name, dark)
    if selected is not None and len(selected):
        x, y = points.places[selected].T
        figure.add_scattergl(
            x=x,
            y=y,
            mode="markers",
            name="Selected",
            marker={
                "symbol": "circle-open",
                "size": 9,
                "color": SELECTED,
                "line": {"width": 1.6},
            },
            hoverinfo="skip",
            showlegend=False,
            customdata=selected,
        )
    if neighbours is not None and len(neighbours):
        x, y = points.places[neighbours].T
        figure.add_scattergl(
            x=x,
            y=y,
            mode="markers",
            name="Nearest neighbours",
            marker={
                "symbol": "circle-open",
                "size": 12,
                "color": colours.text,
                "line": {"width": 1.8},
            },
            hoverinfo="skip",
            showlegend=False,
            customdata=neighbours,
        )
        for k, row in enumerate(neighbours):
            figure.add_annotation(
                x=float(points.places[row, 0]),
                y=float(points.places[row, 1]),
                text=str(k + 1),
                showarrow=False,
                xshift=12,
                yshift=10,
                font={"size": 12, "color": colours.text},
                bgcolor=colours.with_opacity("background", 0.75),
                borderpad=1,
            )
    offsets = _place_labels(points, marks, height)
    cycled = cycle((colours.accent, *SERIES[1:]))
    for mark, offset, colour in zip(marks, offsets, cycled, strict=False):
        _add_mark(figure, mark, offset, colour, colours.background, colours.text)
    plain = {
        "showticklabels": False,
        "zeroline": False,
        "showgrid": False,
        "showline": True,
        "mirror": True,
        "linecolor": colours.with_opacity("faint", 0.5),
    }
    title = {"font": {"color": colours.text, "size": 12}}
    figure.update_layout(
        xaxis={**plain, "title": title | {"text": "map, axis 1 (no unit)"}},
        yaxis={**plain, "title": title | {"text": "map, axis 2 (no unit)"}},
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "font": {"size": 11, "color": colours.text},
            "itemsizing": "constant",
            "bgcolor": "rgba(0,0,0,0)",
        },
        coloraxis=_colour_axis(points, name, dark) if name != CLASSES else None,
        margin={"l": 34, "r": 8, "t": _ABOVE, "b": _BELOW},
        height=height,
        hoverlabel={"namelength": -1},  # by default a name ends after 15 letters
        # with a lasso in hand Streamlit gives clicks no meaning: it is taken up where it is wanted
        dragmode="lasso" if lasso else "zoom",
        uirevision="map",  # what was zoomed in on stays when the colours change
    )
    return figure


def describe_map(points: MapPoints, name: str, marks: Sequence[MapMarker] = ()) -> str:
    """Return what the map shows in words, for those who do not see it."""
    number, published = len(points.values), int(points.published.sum())
    known = f"published for {published:,}, the model's for the others"
    if name == CLASSES:
        counts = np.bincount(points.values.astype(int), minlength=len(BPT_CLASSES))
        words = ", ".join(
            f"{BPT_LABELS[kind]} {count:,}" for kind, count in zip(BPT_CLASSES, counts, strict=True)
        )
        shown = f"BPT class ({words}; {known})"
    else:
        target = _TARGETS[name]
        low, high = np.quantile(points.values, _SHOWN)
        unit = f" {UNITS.get(target.unit, target.unit)}" if target.unit else ""
        shown = (
            f"{in_sentence(target.label)} from {low:.{target.digits}f} to "
            f"{high:.{target.digits}f}{unit} ({known})"
        )
    place = f" Marked: {', '.join(mark.label for mark in marks)}." if marks else ""
    return f"Map of latent space with {number:,} real galaxies, coloured by {shown}.{place}"


def _groups(points: MapPoints) -> tuple[tuple[str, np.ndarray, str], ...]:
    """Return words, rows and style of what is the model's and what is published."""
    published = points.published
    return (
        (f"model's median ({int((~published).sum()):,})", np.flatnonzero(~published), "-open"),
        (f"published ({int(published.sum()):,})", np.flatnonzero(published), ""),
    )


def _words(points: MapPoints, rows: np.ndarray) -> list[str] | None:
    return [plotly_name(points.words[row]) for row in rows] if points.words else None


def _add_values(figure: go.Figure, points: MapPoints, name: str, dark: bool) -> None:
    target = _TARGETS[name]
    said = "%{text}<br>" if points.words else ""
    for words, rows, style in _groups(points):
        if len(rows) == 0:
            continue
        x, y = points.places[rows].T
        figure.add_scattergl(
            x=x,
            y=y,
            mode="markers",
            name=words.capitalize(),
            customdata=rows,
            text=_words(points, rows),
            showlegend=False,  # its symbols would have none of the scale's colours
            marker={
                "symbol": f"circle{style}",
                "size": 5 if style else 5.5,
                "color": points.values[rows].astype(np.float32),
                "coloraxis": "coloraxis",
                "opacity": 0.75 if style else 0.9,
            },
            hovertemplate=f"{said}{target.label} %{{marker.color:.{target.digits}f}}, "
            f"{words.split(' (')[0]}<extra></extra>",
        )


def _add_classes(figure: go.Figure, points: MapPoints) -> None:
    counts = np.bincount(points.values.astype(int), minlength=len(BPT_CLASSES))
    told: set[str] = set()
    said = "%{text}<br>" if points.words else ""
    for words, rows, style in _groups(points):
        for k, kind in enumerate(BPT_CLASSES):
            own = rows[points.values[rows] == k]
            if len(own) == 0:
                continue
            x, y = points.places[own].T
            figure.add_scattergl(
                x=x,
                y=y,
                mode="markers",
                name=f"{BPT_LABELS[kind]} ({counts[k]:,})",
                legendgroup=kind,
                showlegend=kind not in told,
                customdata=own,
                text=_words(points, own),
                marker={
                    "symbol": f"{_SYMBOLS[kind]}{style}",
                    "size": 5 if style else 7,
                    "color": CLASS_COLOURS[kind],
                    "opacity": 0.75 if style else 1.0,
                },
                hovertemplate=f"{said}{BPT_LABELS[kind]}, {words.split(' (')[0]}<extra></extra>",
            )
            told.add(kind)


def _place_labels(
    points: MapPoints, marks: Sequence[MapMarker], height: int
) -> list[tuple[float, float]]:
    if not marks:
        return []
    places = np.stack([mark.place for mark in marks])
    whole = np.concatenate([points.places, places])
    low, high = whole.min(axis=0), whole.max(axis=0)
    room = 0.06 * (high - low)  # about as much as Plotly leaves
    labels = [mark.label for mark in marks]
    return place_labels(places, labels, low - room, high + room, height - _ABOVE - _BELOW)


def _add_mark(
    figure: go.Figure,
    mark: MapMarker,
    offset: tuple[float, float],
    colour: str,
    background: str,
    text: str,
) -> None:
    x, y = (float(v) for v in mark.place)
    for size, width, ring in ((20, 6, background), (20, 3, colour)):
        # WebGL lies above what is drawn as SVG, rings included
        figure.add_scattergl(
            x=[x],
            y=[y],
            mode="markers",
            marker={
                "symbol": "circle-open",
                "size": size,
                "color": ring,
                "line": {"width": width},
            },
            name=plotly_name(mark.label),
            showlegend=False,
            hoverinfo="name",
        )
    figure.add_annotation(
        x=x,
        y=y,
        text=plotly_name(mark.label),
        showarrow=True,
        arrowhead=0,
        arrowwidth=1.5,
        arrowcolor=colour,
        standoff=10,
        ax=offset[0],
        ay=-offset[1],  # Plotly counts down
        font={"size": 12, "color": text},
        bgcolor=background,
        bordercolor=colour,
        borderpad=3,
    )


def _colour_axis(points: MapPoints, name: str, dark: bool) -> dict:
    target, colours = _TARGETS[name], theme(dark)
    low, high = np.quantile(points.values, _SHOWN)
    # without the end that drowns in the background
    ends = (0.15, 1.0) if dark else (0.0, 0.92)
    scale = sample_colorscale("Viridis", np.linspace(*ends, 24))
    unit = f", {UNITS.get(target.unit, target.unit)}" if target.unit else ""
    return {
        "colorscale": scale,
        "cmin": float(low),
        "cmax": float(high),
        "colorbar": {
            "title": {
                "text": f"{target.label}{unit}",
                "side": "top",
                "font": {"size": 12, "color": colours.text},
            },
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "bottom",
            "thickness": 8,
            "len": 0.6,
            "outlinewidth": 0,
            "tickfont": {"color": colours.text, "size": 11},
        },
    }
