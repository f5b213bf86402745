"""The figures of a result, linked: what is selected on the corner plot is marked on the others."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.figures.axis_names import BRIEF
from galexplorer.figures.diagram import plotly_figure
from galexplorer.figures.palette import OVERLAY, UNITS
from galexplorer.schema import LINE_NAMES, TARGET_NAMES, TARGETS
from galexplorer.science.glossary import explain
from galexplorer.science.mass_excitation import MEX_LABELS, mex_probabilities
from galexplorer.science.summary import (
    BPT_LABELS,
    describe_classes,
    describe_interval,
    describe_shares,
    format_value,
    in_sentence,
)
from galexplorer.ui.parts import plots
from galexplorer.ui.parts.images import address
from galexplorer.ui.parts.tables import line_words, show_line_kinds
from galexplorer.ui.result.linked_corner import show_linked_corner
from galexplorer.ui.result.pointed_diagram import show_pointed_diagram
from galexplorer.ui.session.region import clear_region, keep_region, selected_region
from galexplorer.ui.session.state import ExploredGalaxy

BPT, MEX = "BPT", "Mass-excitation"
_ZOOMED_PX = 560
_CLASSES = (
    *("BPT diagram", "Star-forming", "Composite", "Seyfert", "LINER"),
    "Mass-excitation diagram (MEx)",
)
_DIGITS = {target.name: target.digits for target in TARGETS}
_LABELS = {target.name: target.label for target in TARGETS}


def show_corner(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the joint posterior, with an earlier one in grey behind it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(
            "Joint posterior", anchor=False, width="content", help=explain("Corner plot", "Draw")
        )
        names = plots.choose_panels("panels")
        _select_by_hand(record, names)
    truth = tuple(sorted(record.known.items()))
    records = [record] if earlier is None else [record, earlier]
    names = plots.shown_panels(records, names)
    posterior = record.result.posterior
    svg = plots.corner_of(records, names, truth)
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
        plots.panels_of(tuple(r.key for r in records), names, truth, [r.result for r in records]),
        record.galaxy,
    )
    words = ["Contours: 68% and 95% of the draws; dashed: median and 68% interval."]
    if truth:
        words.append("Orange: known values.")
    if earlier is not None:
        words.append("Grey: previous result.")
    if set(names) & set(LINE_NAMES):
        words.append(f"Lines: {UNITS[TARGETS[-1].unit]}, 3″ fibre.")
    words.append("Drag over a panel to select draws.")
    st.caption(" ".join(words))
    _show_selected(record)


def _select_by_hand(record: ExploredGalaxy, names: tuple[str, ...]) -> None:
    """Offer what a drag over a panel does for those who use no mouse."""
    columns = {name: record.result.posterior.column(name).astype(float) for name in names}
    varying = [n for n, c in columns.items() if np.isfinite(c).all() and np.ptp(c) > 1e-6]
    if not varying:
        return
    with st.popover("Select draws", key="select_draws", type="tertiary"):
        name = st.selectbox("Quantity", varying, format_func=_LABELS.__getitem__, key="region_of")
        step = 10.0 ** -_DIGITS[name]
        low = step * math.floor(columns[name].min() / step)
        high = step * math.ceil(columns[name].max() / step)
        key = f"region_{record.key[:12]}_{name}"

        def keep() -> None:
            keep_region(record.galaxy, [name, None, *st.session_state[key], 0.0, 0.0])

        st.slider("Range", low, high, (low, high), step, format=f"%.{_DIGITS[name]}f", key=key,
                  on_change=keep)  # fmt: skip


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


def show_diagram(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the BPT or the mass-excitation cloud."""
    st.session_state.setdefault("diagram", BPT)
    heading = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with heading:
        st.subheader("Excitation", anchor=False, width="content", help=explain(*_CLASSES))
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
        drawn = plots.mex_of(record.key, plots.dark(), truth, region, result, chances)
        title = "Mass-excitation diagram"
        words = (
            f"{describe_shares(result)} Thin: 95% contour. Grey: Juneau et al. 2014; between the "
            "two curves galaxies may be of either kind."
        )
    else:
        shares = ", ".join(f"{BPT_LABELS[name]} {p:.0%}" for name, p in result.bpt.items())
        before = [] if earlier is None else [("Before", earlier.result, OVERLAY)]
        keys = (record.key, *([earlier.key] if earlier is not None else []))
        drawn = plots.bpt_of(
            keys, plots.dark(), result, before, shares=True, truth=truth, region=region
        )
        title = "BPT diagram"
        words = (
            f"{describe_classes(result)} Thin: 95% contour. Grey: Kewley et al. 2001 (solid), "
            "Kauffmann et al. 2003 (dashed), Schawinski et al. 2007 (dotted)."
        )
    alt = f"{title} with the cloud of posterior draws. Class probabilities: {shares}."
    if region is not None:
        number = int(region.holds(result.posterior).sum())
        alt += f" Selected draws ({number:,}) are marked."
    if heading.button("Zoom", key="zoom_diagram", type="tertiary", icon=":material/zoom_in:"):
        _zoom(title, drawn, alt)
    show_pointed_diagram(drawn.picture, alt, drawn.frame, key="bpt")
    st.caption(words)


def _zoom(title: str, drawn: plots.Drawn, alt: str) -> None:
    """Draw a diagram over the page, to be zoomed and pointed at."""

    @st.dialog(title, width="large")
    def show() -> None:
        figure = plotly_figure(drawn.diagram, _ZOOMED_PX)
        st.plotly_chart(figure, key="diagram_zoomed", config=plots.ZOOMED, alt=alt)

    show()


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
            plots.lines_of(record.key, plots.dark(), truth, record.result),
            key="lines",
            config={"displayModeBar": False},
            alt=f"Posteriors of the predicted log fluxes in 1e-17 erg/s/cm2: {words}.",
        )
    with right:
        show_line_kinds(record.result)
