"""The bar that stays on top of a result: which galaxy, its main numbers, whether to trust them."""

import streamlit as st

from galexplorer.figures.palette import theme
from galexplorer.records.result import Result
from galexplorer.science.summary import (
    describe_concentration,
    describe_interval,
    kind_of_galaxy,
)
from galexplorer.ui.parts import plots
from galexplorer.ui.result.downloads import show_downloads
from galexplorer.ui.session.state import ExploredGalaxy


def show_bar(record: ExploredGalaxy) -> None:
    """Draw name, class, redshift, mass, standing and downloads of a galaxy in one bar.

    Parameters
    ----------
    record : ExploredGalaxy
    """
    posterior = record.result.posterior
    # what scrolls below it must not show through
    background = theme(plots.dark()).background
    st.html(f"<style>.st-key-bar{{background:{background}}}</style>")
    with st.container(
        key="bar", horizontal=True, vertical_alignment="center", gap="xsmall", width="stretch"
    ):
        st.header(record.name, anchor=False, width="content")
        st.badge(
            kind_of_galaxy(record.result),
            color="primary",
            help=describe_concentration(record.result).capitalize() or None,
        )
        for words, name in (("z", "redshift"), ("log M⋆/M☉", "log_stellar_mass")):
            st.badge(f"{words} = {describe_interval(posterior, name)}", color="gray")
        show_standing(record.result)
        with st.popover("Download", icon=":material/download:", key="downloads_open"):
            show_downloads(record.result, record.identity)


def show_standing(result: Result) -> None:
    """Draw a badge that says whether the galaxy is one that the model knows."""
    if result.domain.inside:
        st.badge("Like the training galaxies", icon=":material/check:", color="green")
    else:
        st.badge("Unlike the training galaxies", icon=":material/warning:", color="orange")
