"""The bar that stays on top of a result: which galaxy, its main numbers, whether to trust them."""

from typing import Literal

import streamlit as st

from galexplorer.figures.palette import theme
from galexplorer.records.result import Result
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, FINE, LEVEL_WORDS
from galexplorer.science.summary import (
    describe_concentration,
    describe_interval,
    kind_of_galaxy,
)
from galexplorer.ui.parts import plots
from galexplorer.ui.result import samp
from galexplorer.ui.result.downloads import show_downloads
from galexplorer.ui.session.state import ExploredGalaxy

_STANDING: dict[str, tuple[str, Literal["green", "orange", "red"]]] = {
    FINE: (":material/check:", "green"),
    CAUTION: (":material/warning:", "orange"),
    DO_NOT_USE: (":material/block:", "red"),
}


def show_bar(record: ExploredGalaxy) -> None:
    """Draw name, class, redshift, mass, standing and downloads of a galaxy in one bar.

    Parameters
    ----------
    record : ExploredGalaxy
    """
    posterior = record.result.posterior
    # what scrolls below it must not show through
    colours = theme(plots.dark())
    st.html(
        f"<style>.st-key-bar{{background:{colours.background}}}"
        # Streamlit's own colours of badges fall short of a contrast of 4.5 on dark pages
        f".st-key-bar .stMarkdownBadge{{color:{colours.text} !important}}</style>"
    )
    with st.container(
        key="bar", horizontal=True, vertical_alignment="center", gap="xsmall", width="stretch"
    ):
        st.header(record.name, anchor=False, width="content")
        if record.result.verdict.usable:  # what means nothing has a name and no values
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
            samp.offer_samp(record)


def show_standing(result: Result) -> None:
    """Draw a badge that says whether to trust the result."""
    level = result.verdict.level
    icon, colour = _STANDING[level]
    words = "Like the training galaxies" if level == FINE else LEVEL_WORDS[level]
    st.badge(words, icon=icon, color=colour)
