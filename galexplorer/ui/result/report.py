"""The result of one galaxy: a bar, two rows of figures, and the details in tabs."""

import streamlit as st

from galexplorer.export.provenance import origin_label
from galexplorer.records.result import EMPTY_LIBRARY, Result
from galexplorer.records.verdict import FINE
from galexplorer.science.summary import VALUES_ANYWAY
from galexplorer.ui.parts import tables
from galexplorer.ui.parts.code import show_code
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.result import diagrams, picture
from galexplorer.ui.result.bar import show_bar
from galexplorer.ui.result.corrections import show_corrections
from galexplorer.ui.result.neighbours import offer_pixels, show_neighbours
from galexplorer.ui.result.verdict import show_verdict
from galexplorer.ui.session.state import ExploredGalaxy

DERIVED, LINES, SEEN = "Derived quantities", "Predicted emission lines", "What the model saw"
VARIED = "More like this, but …"
NOTES, CODE = "Notes", "Copy as code"
PANEL_PX = 330
"""Least width of a panel of the first row; where fewer fit, they go below one another."""


def show_result(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw everything that is known about one galaxy.

    Parameters
    ----------
    record : ExploredGalaxy
    earlier : ExploredGalaxy or None
        An answer about the same galaxy, to draw behind it.
    """
    result = record.result
    show_bar(record)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{verbatim(record.identity.description)} {_photometry_words(result)}")
        offer_pixels(record.source)
    if result.verdict.level != FINE:
        show_verdict(result)
        show_corrections(record)
    if result.verdict.usable:
        _show_values(record, earlier)
        return
    if result.view is not None:
        with st.container(width=PANEL_PX + 30):  # as wide as beside the values
            picture.show_picture(record)
    with st.expander(VALUES_ANYWAY, icon=":material/block:"), st.container(key="unusable"):
        _show_values(record, earlier, pictured=False)


def _show_values(
    record: ExploredGalaxy, earlier: ExploredGalaxy | None, pictured: bool = True
) -> None:
    """Draw figures, tables and details of a galaxy; the picture too, unless it is above."""
    _show_figures(record, earlier, pictured)
    _show_details(record)


@st.fragment
def _show_figures(record: ExploredGalaxy, earlier: ExploredGalaxy | None, pictured: bool) -> None:
    """Draw the two rows; what is selected or switched in one panel redraws these alone."""
    result = record.result
    with st.grid(3, min_column_width=PANEL_PX, gap="small", key="first_row"):
        if pictured and result.view is not None:
            with st.container(gap="xsmall"):
                picture.show_picture(record)
        with st.container(gap="xsmall"):
            tables.show_posterior(record, earlier)
        with st.container(gap="xsmall"):
            diagrams.show_diagram(record, earlier)
    with st.grid(2, min_column_width=440, gap="small", key="second_row"):
        with st.container(gap="xsmall"):
            diagrams.show_corner(record, earlier)
        with st.container(gap="xsmall"):
            if result.neighbours:
                show_neighbours(record)
            elif EMPTY_LIBRARY in result.notes:
                st.info(EMPTY_LIBRARY, icon=":material/info:")


@st.fragment
def _show_details(record: ExploredGalaxy) -> None:
    """Draw the tabs; the contents of one are made when it is opened."""
    names = [DERIVED, LINES, SEEN, VARIED, NOTES, CODE]
    if record.result.view is None:
        names.remove(SEEN)
    if record.result.latent is None or not record.result.verdict.usable:
        names.remove(VARIED)
    tabs = st.tabs(names, key="details", on_change="rerun")
    drawn = {
        DERIVED: lambda: tables.show_derived(record.result),
        LINES: lambda: diagrams.show_lines(record),
        SEEN: lambda: picture.show_reconstruction(record),
        VARIED: lambda: _show_variations(record),
        NOTES: lambda: _show_notes(record.result),
        CODE: lambda: show_code(record),
    }
    for name, tab in zip(names, tabs, strict=True):
        if tab.open:
            with tab:
                drawn[name]()


def _show_variations(record: ExploredGalaxy) -> None:
    from galexplorer.ui.result.latent_sliders import show_variations  # with torch

    show_variations(record)


def _show_notes(result: Result) -> None:
    lines = [
        f"- {_origin_label(what)}: {verbatim(where.rstrip('.'))}."
        for what, where in result.origins.items()
    ]
    lines += [f"- {verbatim(note)}" for note in result.notes]
    magnitudes = result.photometry.magnitudes
    if magnitudes:
        words = ", ".join(f"{band} = {value:.2f}" for band, value in magnitudes.items())
        lines.append(f"- Magnitudes (AB): {words}.")
    r50, r90 = result.photometry.petro_r50, result.photometry.petro_r90
    if r50 is not None and r90 is not None:
        lines.append(f"- Petrosian radii in r: R50 = {r50:.2f}″, R90 = {r90:.2f}″.")
    weights = str(result.provenance.get("weights_sha256", ""))[:12]
    content = str(result.provenance.get("input_sha256") or "")[:12]
    lines.append(
        f"- Weights `{weights or 'unknown'}`"
        + (f", input `{content}`" if content else "")
        + f", seed {result.provenance.get('seed')}, {len(result.posterior.draws):,} draws."
    )
    st.markdown("\n".join(lines))


def _origin_label(what: str) -> str:
    label = origin_label(what)
    return f"{label[0].upper()}{label[1:]}"


def _photometry_words(result: Result) -> str:
    kind = result.photometry.kind
    if kind == "catalogue":
        origin = result.origins.get("photometry")
        return f"Photometry: {origin}." if origin else "Photometry: entered by the user."
    return "Photometry: measured on the image." if kind == "measured" else "No photometry."
