"""The map of latent space: coloured by any quantity, points to click or to lasso."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from galexplorer.figures.latent import CLASSES, MapMarker, MapPoints, describe_map, latent_figure
from galexplorer.schema import TARGETS
from galexplorer.ui.parts import gallery, plots
from galexplorer.ui.parts.galaxy_list import offer_list
from galexplorer.ui.parts.pointed_galaxy import show_pointed_galaxy
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session import state
from galexplorer.ui.session.state import ExploredGalaxy

if TYPE_CHECKING:
    from galexplorer.inference.neighbours import Library

COLOURINGS = {CLASSES: "BPT class", **{target.name: target.label for target in TARGETS}}
CLICK, LASSO = "Click", "Lasso"
SHOWN = 16
"""Cards on one page of a selection."""


@st.fragment
def show_map(
    records: Sequence[ExploredGalaxy],
    key: str,
    neighbours: Sequence[str] = (),
    height: int = 460,
) -> None:
    """Draw the map and the galaxies that are chosen on it.

    Parameters
    ----------
    records : sequence of ExploredGalaxy
        Galaxies to mark; distances are from the first.
    key : str
        Of the chart and its gallery.
    neighbours : sequence of str
        Names of the library's galaxies to ring.
    height : int
        Pixels.
    """
    engine = state.load_engine()
    library = engine.library
    st.session_state.setdefault("map_hand", CLICK)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = st.selectbox(
            "Colour the map by",
            list(COLOURINGS),
            index=list(COLOURINGS).index("log_stellar_mass"),
            format_func=COLOURINGS.__getitem__,
            key="map_colour",
            persist_state="session",
            width=220,
        )
        hand = st.segmented_control(
            "Select",
            [CLICK, LASSO],
            required=True,
            key="map_hand",
            persist_state="session",
            help="Click a point, and drag to enlarge; or draw a line round several points.",
        )
    marks = [
        MapMarker(library.place(latent), "This galaxy" if neighbours else record.name)
        for record in records
        if (latent := record.result.latent) is not None
    ]
    points = points_of(library, name)
    rings = np.array([library.find_row(n) for n in neighbours], int)
    chosen = _chosen_for(key, f"{name} {hand} {plots.dark()}")
    st.plotly_chart(
        _figure(
            f"{engine.weights.sha256} {len(library)}", name, plots.dark(), height, hand == LASSO,
            tuple((*(float(v) for v in mark.place), mark.label) for mark in marks),
            tuple(rings.tolist()), tuple(chosen.drawn), points, marks, rings,
        ),
        key=key,
        on_select=partial(_take, key),
        selection_mode=("points", "lasso", "box"),
        config={"displaylogo": False, "scrollZoom": False},
        alt=describe_map(points, name, marks),
    )  # fmt: skip
    open_ones = len(library) - int(points.published.sum())
    ringed = " Rings: the nearest neighbours, numbered as their pictures." if neighbours else ""
    st.caption(
        f"Filled: published values ({len(library) - open_ones:,}). Open: the model's medians "
        f"({open_ones:,}).{ringed} Click a point, or draw a line round several, to see them."
    )
    show_pointed_galaxy(key)
    if chosen.rows:
        _show_chosen(chosen.rows, records[0] if records else None, key)


@dataclass
class _Chosen:
    """What is selected on one map; it stays when the colours change.

    Attributes
    ----------
    look : str
        Colours and tool of the chart that is on the page: with others it is a new one, which
        knows of no selection.
    rows : list of int
        Galaxies that are selected.
    drawn : list of int
        Those that the chart marks itself, since they were selected on another one.
    """

    look: str
    rows: list[int]
    drawn: list[int]


def _chosen_for(key: str, look: str) -> _Chosen:
    chosen: _Chosen = st.session_state.setdefault(f"{key}_chosen", _Chosen(look, [], []))
    if chosen.look != look or key not in st.session_state:
        chosen.look, chosen.drawn = look, chosen.rows
    return chosen


def _take(key: str) -> None:
    """Take the selection from the chart, which the user just changed."""
    chosen: _Chosen = st.session_state[f"{key}_chosen"]
    chosen.rows = chosen_rows(st.session_state[key])
    if chosen.drawn:
        chosen.drawn = chosen.rows


def _clear(key: str) -> None:
    chosen: _Chosen = st.session_state[f"{key}_chosen"]
    # another chart: the one on the page would mark them still
    chosen.look, chosen.rows, chosen.drawn = "", [], []


def points_of(library: "Library", name: str) -> MapPoints:
    """Return the library's galaxies with the quantity that colours them."""
    values, published = library.classes_of() if name == CLASSES else library.values(name)
    return MapPoints(library.places, values, published, _names(library))


def _names(library: "Library") -> tuple[str, ...]:
    """Return name and redshift of every galaxy, for those who point at it."""
    redshifts, _ = library.values("redshift")
    return tuple(f"{n}, z {z:.3f}" for n, z in zip(library.names, redshifts, strict=True))


def chosen_rows(event: Mapping[str, Any]) -> list[int]:
    """Return the rows of the library that a selection holds, each once, in order."""
    found: dict[int, None] = {}
    for point in event["selection"]["points"]:
        data = point.get("customdata")
        data = data[0] if isinstance(data, list | tuple) and data else data
        if isinstance(data, int | float):
            found[int(data)] = None
    return list(found)


def _show_chosen(rows: list[int], origin: ExploredGalaxy | None, key: str) -> None:
    engine = state.load_engine()
    distances, order = None, ""
    if origin is not None and origin.result.latent is not None:
        apart = engine.library.distances(origin.result.latent).numpy()
        rows = sorted(rows, key=lambda row: float(apart[row]))
        distances = [float(apart[row]) for row in rows]
        order = f", the nearest to {verbatim(origin.name)} first"
    pages = math.ceil(len(rows) / SHOWN)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{len(rows):,} selected on the map**{order}", width="content")
        st.button("Clear", key=f"{key}_clear", type="tertiary", on_click=_clear, args=(key,))
        pictures = bool(st.session_state.get("sdss_pictures"))
        turned = st.pagination(pages, key=f"{key}_{len(rows)}_page") if pages > 1 else 1
    part = slice((turned - 1) * SHOWN, turned * SHOWN)
    shown = engine.describe(rows[part], None if distances is None else distances[part])
    gallery.show_gallery(shown, f"{key}_chosen", pictures)
    offer_list(engine.library, rows, f"{key}_list", distances)


@st.cache_resource(show_spinner=False, max_entries=48)
def _figure(
    library: str,
    name: str,
    dark: bool,
    height: int,
    lasso: bool,
    marked: tuple,
    ringed: tuple,
    selected: tuple[int, ...],
    _points: MapPoints,
    _marks: list[MapMarker],
    _rings: np.ndarray,
) -> go.Figure:
    chosen = np.array(selected, int)
    return latent_figure(_points, name, _marks, _rings, dark, height, lasso, chosen)
