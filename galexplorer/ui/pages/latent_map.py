"""The page on the whole library in latent space."""

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.records.result import EMPTY_LIBRARY
from galexplorer.ui.parts import page_style
from galexplorer.ui.parts.latent_map import show_map
from galexplorer.ui.parts.words import show_error
from galexplorer.ui.session import state

MARKED = 5
"""Galaxies of the session that are marked on the map page."""


def page() -> None:
    """Draw the page on the whole library."""
    page_style.apply_style()
    st.header("Map of the library", anchor=False)
    try:
        library = state.load_engine().library
    except GalexplorerError as error:
        show_error(error)
        return
    if len(library) == 0:
        st.info(EMPTY_LIBRARY, icon=":material/info:")
        return
    st.markdown(
        f"{len(library):,} real galaxies, {int(library.published.sum()):,} of them with published "
        "values; most were in the training set. Galaxies with similar latents lie close together."
    )
    records = [r for r in state.history() if r.result.latent is not None]
    latest = {record.reference: record for record in reversed(records)}
    show_map(list(reversed(latest.values()))[:MARKED], "map", height=620)
    st.caption(
        "The map is a small network trained once to keep neighbours in the latent space "
        "together; every galaxy is placed by the same function. Its axes have no unit, and "
        "distances on it mean less than those given in the gallery. It is rotated so that "
        "stellar mass increases to the right."
    )
