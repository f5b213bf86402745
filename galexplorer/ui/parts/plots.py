"""Figures of results, each drawn once: kept by the hash of what it shows.

An underscore before a parameter keeps Streamlit from hashing arrays; the keys beside it say all
that the figure depends on.
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from galexplorer.figures.bpt import bpt_figure
from galexplorer.figures.lines import lines_figure
from galexplorer.figures.mass_excitation import mex_figure
from galexplorer.figures.palette import OVERLAY, SERIES, theme
from galexplorer.figures.screen_corner import BRIEF, Layer, Panels, corner_panels, screen_corner
from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES, PROPERTY_NAMES, TARGET_NAMES, TARGETS
from galexplorer.science.mass_excitation import MEX_LABELS, mex_probabilities
from galexplorer.science.summary import (
    BPT_LABELS,
    describe_interval,
    format_value,
    in_sentence,
    not_measurable,
)
from galexplorer.ui.parts.images import address
from galexplorer.ui.parts.linked_corner import (
    Region,
    clear_region,
    selected_region,
    show_linked_corner,
)
from galexplorer.ui.parts.tables import line_words, show_line_kinds
from galexplorer.ui.session import state
from galexplorer.ui.session.state import ExploredGalaxy

KEPT = 64
DIAGRAM_PX = 400
BPT, MEX = "BPT", "Mass-excitation"
PANELS = {"Properties": PROPERTY_NAMES, "Lines": LINE_NAMES, "All nine": TARGET_NAMES}

_LABELS = {target.name: target.label for target in TARGETS}
_Truth = tuple[tuple[str, float], ...]


def dark() -> bool:
    """Return whether the page has a dark background."""
    return st.context.theme.type == "dark"


def show_corner(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the joint posterior, with an earlier one in grey behind it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Joint posterior", anchor=False, width="content")
        names = choose_panels("panels")
    truth = tuple(sorted(record.known.items()))
    records = [record] if earlier is None else [record, earlier]
    names = shown_panels(records, names)
    posterior = record.result.posterior
    svg = corner_of(records, names, truth)
    if svg is None:
        st.info("Everything shown here is held fixed.", icon=":material/info:")
        return
    described = ", ".join(
        f"{in_sentence(_LABELS[name])} {describe_interval(posterior, name)}" for name in names
    )
    overlaid = " The previous result is drawn in grey." if earlier is not None else ""
    show_linked_corner(
        address(svg.encode(), "svg+xml"),
        f"Corner plot of the posterior: {described}.{overlaid}",
        _panels(tuple(r.key for r in records), names, truth, [r.result for r in records]),
        record.galaxy,
    )
    words = ["Contours: 68% and 95% of the draws; dashed: median and 68% interval."]
    if truth:
        words.append("Orange: known values.")
    if earlier is not None:
        words.append("Grey: previous result.")
    words.append("Drag over a panel to select draws.")
    st.caption(" ".join(words))
    _show_selected(record)


def _show_selected(record: ExploredGalaxy) -> None:
    """Draw the medians of the selected draws beside those of all."""
    region = selected_region(record.galaxy)
    posterior = record.result.posterior
    if region is None:
        return
    inside = region.holds(posterior)
    count, number = int(inside.sum()), len(posterior.draws)
    limits = " and ".join(
        f"{in_sentence(_LABELS[name])} {format_value(name, low)} to {format_value(name, high)}"
        for name, low, high in region.ranges
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{count:,} of {number:,} draws** ({count / number:.0%}) have {limits}.",
            width="content",
        )
        st.button("Clear", key="clear_region", type="tertiary", on_click=clear_region)
    if count:
        rows = [("Selected", posterior.draws[inside]), ("All", posterior.draws)]
        medians = [
            {"Median": words}
            | {
                BRIEF[name]: format_value(name, float(np.median(draws[:, k])))
                for k, name in enumerate(TARGET_NAMES)
            }
            for words, draws in rows
        ]
        with st.container(key="numbers_selected"):
            st.table(
                pd.DataFrame(medians),
                border="horizontal",
                hide_index=True,
                alt="Medians of the selected draws and of all",
            )


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
    """Return those of some targets that have a value to show in every result."""
    return tuple(n for n in names if not any(not_measurable(r.result, n) for r in records))


def corner_of(
    records: list[ExploredGalaxy], names: tuple[str, ...], truth: _Truth = (), series: bool = False
) -> str | None:
    """Return the corner plot of some results as SVG, None where nothing varies.

    Parameters
    ----------
    records : list of ExploredGalaxy
        The first lies on top.
    names : tuple of str
    truth : tuple of (str, float)
    series : bool
        One colour for each; otherwise all but the first are grey.
    """
    keys = tuple(record.key for record in records)
    names = shown_panels(records, names)
    try:
        return _corner_svg(keys, names, dark(), truth, series, [r.result for r in records])
    except ValueError:
        return None


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _panels(
    keys: tuple[str, ...], names: tuple[str, ...], truth: _Truth, _results: list[Result]
) -> Panels:
    layers = [Layer(result.posterior, "") for result in _results]
    return corner_panels(layers, names, dict(truth))


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _corner_svg(
    keys: tuple[str, ...],
    names: tuple[str, ...],
    dark: bool,
    truth: _Truth,
    series: bool,
    _results: list[Result],
) -> str:
    colours = (
        series_colours(len(_results), dark)
        if series
        else [theme(dark).accent, *[OVERLAY] * (len(_results) - 1)]
    )
    layers = [
        Layer(result.posterior, colour) for result, colour in zip(_results, colours, strict=True)
    ]
    return screen_corner(layers, names, dict(truth), dark)


def series_colours(number: int, dark: bool) -> list[str]:
    """Return one colour for each galaxy of a comparison."""
    return [theme(dark).accent, *SERIES[1:]][:number]


def show_diagram(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the BPT or the mass-excitation cloud."""
    st.session_state.setdefault("diagram", BPT)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Excitation", anchor=False, width="content")
        chosen = st.segmented_control(
            "Diagram",
            [BPT, MEX],
            required=True,
            key="diagram",
            persist_state="session",
            label_visibility="collapsed",
        )
    result = record.result
    region = selected_region(record.galaxy)
    truth = tuple(sorted(record.known.items()))
    if chosen == MEX:
        chances = mex_probabilities(result.posterior.draws, result.measurable)
        shares = ", ".join(f"{MEX_LABELS[name]} {p:.0%}" for name, p in chances.items())
        figure = _mex_plot(record.key, dark(), truth, region, result, chances)
        title = "Mass-excitation diagram"
        words = (
            "Thin: 95% contour. Grey: Juneau et al. 2014; between the two curves galaxies may be "
            "of either kind."
        )
    else:
        shares = ", ".join(f"{BPT_LABELS[name]} {p:.0%}" for name, p in result.bpt.items())
        before = [] if earlier is None else [("Before", earlier.result, OVERLAY)]
        keys = (record.key, *([earlier.key] if earlier is not None else []))
        figure = bpt_of(
            keys, dark(), result, before, shares=True, truth=truth, region=region, height=DIAGRAM_PX
        )
        title = "BPT diagram"
        words = (
            "Thin: 95% contour. Grey, solid: Kewley et al. 2001; dashed: Kauffmann et al. 2003; "
            "dotted: Schawinski et al. 2007."
        )
    st.plotly_chart(
        figure,
        key="bpt",
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
        alt=f"{title} with the cloud of posterior draws. Class probabilities: {shares}.",
    )
    st.caption(words)


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def bpt_of(
    keys: tuple[str, ...],
    dark: bool,
    _result: Result,
    _others: list[tuple[str, Result, str]],
    shares: bool,
    name: str = "Draws",
    truth: _Truth = (),
    region: Region | None = None,
    height: int = 430,
) -> go.Figure:
    """Return the BPT figure of a result and others; the keys say which."""
    return bpt_figure(
        _result.posterior,
        _result.bpt if shares else None,
        dark,
        _reference(),
        [(label, other.posterior, colour) for label, other, colour in _others],
        name,
        dict(truth),
        None if region is None else region.holds(_result.posterior),
        height,
    )


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _mex_plot(
    key: str,
    dark: bool,
    truth: _Truth,
    region: Region | None,
    _result: Result,
    _chances: dict[str, float],
) -> go.Figure:
    selected = None if region is None else region.holds(_result.posterior)
    return mex_figure(_result.posterior, _chances, dark, dict(truth), selected, DIAGRAM_PX)


@st.cache_resource(show_spinner=False)
def _reference() -> tuple[np.ndarray, np.ndarray] | None:
    """Return the measured line ratios of the library's galaxies, None where there are few."""
    known = state.load_engine().library.known.numpy()
    column = {name: known[:, k].astype(float) for k, name in enumerate(TARGET_NAMES)}
    x = column["log_flux_nii_6584"] - column["log_flux_halpha"]
    y = column["log_flux_oiii_5007"] - column["log_flux_hbeta"]
    there = np.isfinite(x) & np.isfinite(y)
    return (x[there], y[there]) if there.sum() >= 20 else None


def show_lines(record: ExploredGalaxy) -> None:
    """Draw the posteriors of the four lines, and what kind each is."""
    left, right = st.columns([3, 2], gap="medium")
    kinds = line_words(record.result.posterior)
    words = ", ".join(
        f"{_LABELS[name]} {describe_interval(record.result.posterior, name)} ({kinds[name]})"
        for name in LINE_NAMES
    )
    truth = tuple(sorted(record.known.items()))
    with left:
        st.plotly_chart(
            _lines_plot(record.key, dark(), truth, record.result),
            key="lines",
            config={"displayModeBar": False},
            alt=f"Posteriors of the log fluxes in 1e-17 erg/s/cm2: {words}.",
        )
    with right:
        show_line_kinds(record.result)


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _lines_plot(key: str, dark: bool, truth: _Truth, _result: Result) -> go.Figure:
    return lines_figure(_result.posterior, dict(truth), dark)
