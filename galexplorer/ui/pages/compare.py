"""The page that overlays galaxies of this session."""

import pandas as pd
import streamlit as st

from galexplorer.figures.diagram import plotly_figure
from galexplorer.figures.palette import SERIES
from galexplorer.records.result import Result
from galexplorer.schema import TARGETS
from galexplorer.science.summary import (
    class_words,
    describe_galaxy,
    describe_interval,
    emphasise,
    format_value,
    not_measurable,
)
from galexplorer.ui.parts import controls, history, page_style, plots
from galexplorer.ui.parts.history import label, show_history
from galexplorer.ui.parts.sky_pictures import colour_picture
from galexplorer.ui.parts.tables import INTERVALS, UNITS
from galexplorer.ui.session import navigation, state
from galexplorer.ui.session.field import surroundings_of
from galexplorer.ui.session.state import ExploredGalaxy

MAX_GALAXIES = len(SERIES)


def page() -> None:
    """Draw the page: choose results of this session, see them over one another."""
    page_style.apply_style()
    st.header("Compare", anchor=False)
    records = {record.key: record for record in state.history()}
    chosen = _choose(records) if len(records) > 1 else []
    if len(chosen) > 1:
        _show(chosen)
    else:
        st.markdown(
            "Explore two or more galaxies, or one with different options; then select here which "
            "to overlay."
        )
    show_history()


def _choose(records: dict[str, ExploredGalaxy]) -> list[ExploredGalaxy]:
    kept = [key for key in st.session_state.get("compared", []) if key in records]
    st.session_state["compared"] = kept or [record.key for record in _latest(records)]
    keys = st.multiselect(
        "Galaxies",
        list(records),
        key="compared",
        persist_state="session",
        format_func=lambda key: label(records[key]),
        max_selections=MAX_GALAXIES,
        placeholder="Choose two or more",
    )
    return [records[key] for key in keys]


def _latest(records: dict[str, ExploredGalaxy]) -> list[ExploredGalaxy]:
    """Return the latest results of two galaxies, or of one where there is but one."""
    first, *rest = records.values()
    others = [record for record in rest if record.reference != first.reference] or rest
    return [first, *others[:1]]


def _show(chosen: list[ExploredGalaxy]) -> None:
    colours = plots.series_colours(len(chosen), plots.dark())
    names = _names(chosen)
    for column, record, name, colour in zip(
        st.columns(len(chosen), gap="small"), chosen, names, colours, strict=True
    ):
        with column:
            _show_one(record, name, colour)
    _show_table(chosen, names)
    left, right = st.columns([3, 2], gap="medium")
    with right:
        _show_bpt(chosen, names, colours)
    with left:
        _show_corner(chosen, names)


@st.fragment
def _show_table(chosen: list[ExploredGalaxy], names: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Posteriors", anchor=False, width="content")
        level = controls.choose_interval()
    st.table(
        comparison_table(chosen, names, level),
        border="horizontal",
        hide_index=True,
        alt=f"Medians and {level} intervals of {', '.join(names)}",
    )


def _show_one(record: ExploredGalaxy, name: str, colour: str) -> None:
    if record.result.view is not None:
        around = surroundings_of(record.source, record.options, record.result.view)
        st.image(
            colour_picture(record.result, "SDSS", True, around),
            width=260,
            alt=f"Colour image of {name}",
        )
    swatch = f"<span style='color:{colour}' aria-hidden='true'>&#9632;</span>"
    st.html(f"{swatch} <strong>{_escape(name)}</strong>")
    st.caption(describe_galaxy(record.result))
    if st.button("Open this result", key=f"return_{record.key[:12]}", icon=":material/flare:"):
        navigation.explore_again(record.key)


def _escape(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def comparison_table(chosen: list[ExploredGalaxy], names: list[str], level: str) -> pd.DataFrame:
    """Return the medians and intervals of several results, one column each.

    Parameters
    ----------
    chosen : list of ExploredGalaxy
    names : list of str
        Heads of the columns.
    level : {"68%", "95%"}
    """
    low, high = INTERVALS[level]
    summaries = [record.result.posterior.summary() for record in chosen]
    rows = []
    for target in TARGETS:
        row = {"Quantity": target.label}
        for name, record, summary in zip(names, chosen, summaries, strict=True):
            values = summary[target.name]
            middle = format_value(target.name, values["p50"])
            edges = " to ".join(format_value(target.name, values[k]) for k in (low, high))
            fixed = target.name in record.result.posterior.fixed
            hidden = not_measurable(record.result, target.name)
            bold = emphasise(record.result, middle)
            row[name] = hidden or f"{bold} ({'fixed' if fixed else edges})"
        rows.append({**row, "Unit": UNITS.get(target.unit, target.unit)})
    shares = {"Quantity": "BPT class"}
    shares |= {name: class_words(record.result) for name, record in zip(names, chosen, strict=True)}
    return pd.DataFrame([*rows, {**shares, "Unit": ""}])


def _names(chosen: list[ExploredGalaxy]) -> list[str]:
    """Return names that differ: with the options where one galaxy appears twice."""
    plain = [record.name for record in chosen]
    names: list[str] = []
    for record in chosen:
        name = record.name if plain.count(record.name) == 1 else label(record)
        while name in names:
            name += "′"
        names.append(name)
    return names


@st.fragment
def _show_corner(chosen: list[ExploredGalaxy], names: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Joint posteriors", anchor=False, width="content")
        panels = plots.choose_panels("panels")
    svg = plots.corner_of(chosen, panels, series=True)
    if svg is None:
        st.info("Everything shown here is held fixed.", icon=":material/info:")
        return
    words = "; ".join(
        f"{name}: redshift {describe_interval(record.result.posterior, 'redshift')}"
        for name, record in zip(names, chosen, strict=True)
    )
    st.image(
        svg,
        width="stretch",
        caption="Contours enclose 68% and 95% of the draws; titles and dashed lines: first galaxy.",
        alt=f"Corner plot of {len(chosen)} posteriors. {words}.",
    )


def _show_bpt(chosen: list[ExploredGalaxy], names: list[str], colours: list[str]) -> None:
    st.subheader("BPT diagram", anchor=False)
    others: list[tuple[str, Result, str]] = [
        (name, record.result, colour)
        for name, record, colour in zip(names[1:], chosen[1:], colours[1:], strict=True)
    ]
    keys = (*(record.key for record in chosen), *names)
    st.plotly_chart(
        plotly_figure(
            plots.bpt_of(keys, plots.dark(), chosen[0].result, others, False, names[0]).diagram,
            plots.ZOOMED_PX,
        ),
        key="bpt_compared",
        config=plots.ZOOMED,
        alt="BPT diagram with the posterior draws of "
        + ", ".join(
            f"{n} ({history.describe_options(r.options) or 'defaults'})"
            for n, r in zip(names, chosen, strict=True)
        ),
    )
