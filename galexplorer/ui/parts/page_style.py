"""The style sheet and icon of every page."""

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
ICON = str(FOLDER / "icon.svg")


def apply_style() -> None:
    """Apply the style sheet; call it once, at the top of a page."""
    st.html(FOLDER / "style.css")
