"""The style sheet and icon of every page."""

from pathlib import Path

import streamlit as st

from galexplorer.figures.palette import DARK

FOLDER = Path(__file__).parent
ICON = str(FOLDER / "icon.svg")


def apply_style() -> None:
    """Apply the style sheet; call it once, at the top of a page."""
    st.html(FOLDER / "style.css")
    if st.context.theme.type == "dark":
        # white on the accent has a contrast of 3
        primary = '[data-testid="stBaseButton-primary"]:enabled *'
        chosen = '[data-testid="stMultiSelect"] [data-tag] *'
        st.html(f"<style>{primary},{chosen}{{color:{DARK.background} !important}}</style>")


def start_at_top(shown: str) -> None:
    """Scroll to the top of the page where it shows something else than before.

    Parameters
    ----------
    shown : str
        What it shows, a hash: as long as it is the same, the page stays where it is.
    """
    script = "document.querySelector('[data-testid=stMain]')?.scrollTo({top: 0})"
    st.html(f"<script>/* {shown} */ {script};</script>", unsafe_allow_javascript=True)
