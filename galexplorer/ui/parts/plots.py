"""Figures of results, each drawn once: kept by the hash of what it shows.

An underscore before a parameter keeps Streamlit from hashing arrays; the keys beside it say all
that the figure depends on.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from galexplorer.figures.bpt import bpt_diagram
from galexplorer.figures.diagram import Diagram
from galexplorer.figures.lines import lines_figure
from galexplorer.figures.mass_excitation import mex_diagram
from galexplorer.figures.palette import OVERLAY, SERIES, theme
from galexplorer.figures.screen_corner import Layer, Panels, corner_panels, screen_corner
from galexplorer.figures.screen_diagram import Frame, frame_of, screen_diagram
from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES, PROPERTY_NAMES, TARGET_NAMES
from galexplorer.science.summary import not_measurable
from galexplorer.ui.parts.images import address
from galexplorer.ui.session import state
from galexplorer.ui.session.region import Region
from galexplorer.ui.session.state import ExploredGalaxy

KEPT = 64
ZOOMED_PX = 430
ZOOMED = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}
"""Height and settings of a diagram that can be zoomed."""

PANELS = {"Properties": PROPERTY_NAMES, "Lines": LINE_NAMES, "All nine": TARGET_NAMES}

Truth = tuple[tuple[str, float], ...]


def dark() -> bool:
    """Return whether the page has a dark background."""
    return st.context.theme.type == "dark"


def choose_panels(key: str) -> tuple[str, ...]:
    """Draw the choice of the targets that a corner plot shows, and return them."""
    st.session_state.setdefault(key, "Properties")
    chosen = st.segmented_control(
        "Quantities in the corner plot",
        list(PANELS),
        required=True,
        key=key,
        persist_state="session",
        label_visibility="collapsed",
    )
    return tuple(PANELS[chosen or "Properties"])


def shown_panels(records: list[ExploredGalaxy], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of some targets that have a value to show in every result that may be used."""
    results = [r.result for r in records if r.result.verdict.usable] or [r.result for r in records]
    return tuple(n for n in names if not any(not_measurable(result, n) for result in results))


def corner_of(
    records: list[ExploredGalaxy],
    names: tuple[str, ...],
    truth: Truth = (),
    colours: tuple[str, ...] = (),
) -> str | None:
    """Return the corner plot of some results as SVG, None where nothing varies.

    Parameters
    ----------
    records : list of ExploredGalaxy
        The first lies on top.
    names : tuple of str
    truth : tuple of (str, float)
    colours : tuple of str
        One for each; without them all but the first are grey.
    """
    keys = tuple(record.key for record in records)
    names = shown_panels(records, names)
    try:
        return _corner_svg(keys, names, dark(), truth, colours, [r.result for r in records])
    except ValueError:
        return None


@st.cache_data(show_spinner=False, max_entries=KEPT)
def panels_of(
    keys: tuple[str, ...], names: tuple[str, ...], truth: Truth, _results: list[Result]
) -> Panels:
    """Return where the panels of `corner_of` lie."""
    layers = [Layer(result.posterior, "") for result in _results]
    return corner_panels(layers, names, dict(truth))


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _corner_svg(
    keys: tuple[str, ...],
    names: tuple[str, ...],
    dark: bool,
    truth: Truth,
    colours: tuple[str, ...],
    _results: list[Result],
) -> str:
    colours = colours or (theme(dark).accent, *[OVERLAY] * (len(_results) - 1))
    layers = [
        Layer(result.posterior, colour) for result, colour in zip(_results, colours, strict=True)
    ]
    return screen_corner(layers, names, dict(truth), dark)


def series_colours(number: int, dark: bool) -> list[str]:
    """Return one colour for each galaxy of a comparison."""
    return [theme(dark).accent, *SERIES[1:]][:number]


@dataclass(frozen=True)
class Drawn:
    """A diagram, and a picture of it.

    Attributes
    ----------
    diagram : Diagram
    """

    diagram: Diagram

    @cached_property
    def picture(self) -> str:
        """Address of the picture."""
        return address(screen_diagram(self.diagram).encode(), "svg+xml")

    @cached_property
    def frame(self) -> Frame:
        """Where its axes lie."""
        return frame_of(self.diagram)


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def bpt_of(
    keys: tuple[str, ...],
    dark: bool,
    _result: Result,
    _others: list[tuple[str, Result, str]],
    shares: bool,
    name: str = "Draws",
    truth: Truth = (),
    region: Region | None = None,
) -> Drawn:
    """Return the BPT diagram of a result and others; the keys say which."""
    return Drawn(
        bpt_diagram(
            _result.posterior,
            _result.bpt if shares else None,
            dark,
            _reference(),
            [(label, other.posterior, colour) for label, other, colour in _others],
            name,
            dict(truth),
            None if region is None else region.holds(_result.posterior),
        )
    )


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def mex_of(
    key: str,
    dark: bool,
    truth: Truth,
    region: Region | None,
    _result: Result,
    _chances: dict[str, float],
) -> Drawn:
    """Return the mass-excitation diagram of a result."""
    selected = None if region is None else region.holds(_result.posterior)
    return Drawn(mex_diagram(_result.posterior, _chances, dark, dict(truth), selected))


@st.cache_resource(show_spinner=False)
def _reference() -> tuple[np.ndarray, np.ndarray] | None:
    """Return the measured line ratios of the library's galaxies, None where there are few."""
    known = state.load_engine().library.known.numpy()
    column = {name: known[:, k].astype(float) for k, name in enumerate(TARGET_NAMES)}
    x = column["log_flux_nii_6584"] - column["log_flux_halpha"]
    y = column["log_flux_oiii_5007"] - column["log_flux_hbeta"]
    there = np.isfinite(x) & np.isfinite(y)
    return (x[there], y[there]) if there.sum() >= 20 else None


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def lines_of(key: str, dark: bool, truth: Truth, _result: Result) -> go.Figure:
    """Return the figure of the four lines."""
    return lines_figure(_result.posterior, dict(truth), dark)
