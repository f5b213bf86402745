"""From any page to the galaxy that the user wants to see next.

The two functions end the run of the page that calls them, as `st.switch_page` does. Call them in
the body of a page, ``if st.button("Explore"): explore_target("NGC 5332")``; in a callback
Streamlit ignores a change of page, so that there the search box is set and nothing more.
"""

import streamlit as st

from galexplorer.ui import state

TARGET_KEY = "target"
"""Session key of the text in the search box: a name, a position or an objID."""

ASKED_KEY = "asked"
"""Session key of what the explore page shall look up, None once it has."""

_WAY_KEY = "explore_page"


def remember_way(page) -> None:
    """Tell this session which page explores; ``app.py`` does so on each run.

    Parameters
    ----------
    page : streamlit.Page
    """
    st.session_state[_WAY_KEY] = page


def explore_target(text: str) -> None:
    """Look a galaxy up on the explore page: fill its search box, ask, and go there.

    Parameters
    ----------
    text : str
        What the search box takes: a name, a position (``"162.18416 +26.05369"``) or an SDSS
        objID.
    """
    st.session_state[ASKED_KEY] = text
    _go()


def explore_again(key: str) -> None:
    """Return to an earlier result of this session with the options that it was made with.

    Parameters
    ----------
    key : str
        `galexplorer.ui.state.Explored.key`; a result that was forgotten is ignored.
    """
    record = state.recall(key)
    if record is not None:
        state.return_to(record)
    _go()


def _go() -> None:
    if _WAY_KEY in st.session_state:
        st.switch_page(st.session_state[_WAY_KEY])
