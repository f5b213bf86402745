"""From any page to the galaxy that the user wants to see next."""

import streamlit as st

TARGET_KEY = "target"
"""Session key of the text in the search box: a name, a position or an objID."""


def explore_target(text: str) -> None:
    """Ask the explore page to look a galaxy up when it is drawn next.

    Parameters
    ----------
    text : str
        What the search box takes: a name, a position or an SDSS objID.
    """
    st.session_state[TARGET_KEY] = text
