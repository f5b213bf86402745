"""The bar that stays on top of a result: which galaxy, its main numbers, whether to trust them."""

from typing import Literal

import numpy as np
import streamlit as st

from galexplorer.figures.palette import theme
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, FINE, LEVEL_WORDS
from galexplorer.science.glossary import explain
from galexplorer.science.rounding import linear_errors
from galexplorer.science.summary import (
    BPT_LABELS,
    describe_concentration,
    describe_interval,
    kind_of_galaxy,
)
from galexplorer.ui.parts import plots
from galexplorer.ui.parts.words import verbatim
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
        st.header(verbatim(record.name), anchor=False, width="content")
        if record.result.verdict.usable:  # what means nothing has a name and no values
            kind = kind_of_galaxy(record.result)
            st.badge(kind, color="primary", help=_explain_kind(record.result, kind))
            for words, name, hint in (
                ("z", "redshift", explain("Redshift z")),
                ("log M⋆/M☉", "log_stellar_mass", _linear_mass(posterior)),
            ):
                st.badge(f"{words} = {describe_interval(posterior, name)}", color="gray", help=hint)
        show_standing(record.result)
        with st.popover("Download", icon=":material/download:", key="downloads_open"):
            show_downloads(record.result, record.identity)
            samp.offer_samp(record)


def _explain_kind(result: Result, kind: str) -> str:
    """Return what a class means, what its share is of, and the shape of the galaxy."""
    named = [word for word in ("Passive", *BPT_LABELS.values()) if word in kind]
    shape = describe_concentration(result)
    share = "A share of draws is the probability of the class, not how good the answer is."
    if "draws with lines" in kind:
        share += " Draws with lines are those of which an SDSS spectrum would show all four lines."
    told = [
        explain(*named),
        share if "of draws" in kind else "",
        f"{shape[0].upper()}{shape[1:]}." if shape else "",
    ]
    return "\n\n".join(filter(None, told))


def _linear_mass(posterior: Posterior) -> str:
    at = np.quantile(posterior.column("log_stellar_mass").astype(float), [0.16, 0.5, 0.84])
    return f"M⋆ = {linear_errors(*at)} M☉\n\n{explain('Stellar mass M⋆')}"


def show_standing(result: Result) -> None:
    """Draw a badge that says whether to trust the result."""
    level = result.verdict.level
    icon, colour = _STANDING[level]
    words = "Like the training galaxies" if level == FINE else LEVEL_WORDS[level]
    st.badge(words, icon=icon, color=colour)
