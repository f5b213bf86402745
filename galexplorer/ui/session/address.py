"""The page's address follows the view, and the view follows the address.

Streamlit adds an entry to the browser's history for each change, and runs the page again when the
user goes back: the address then differs from the one that this session knows, and what it says is
applied.
"""

from dataclasses import replace

import streamlit as st

from galexplorer.ui.session import link, navigation
from galexplorer.ui.session.link import View

_KNOWN_KEY, _BLANK_KEY = "address", "blank_address"


def read() -> View | None:
    """Return what the address asks for, None where it says what is shown already."""
    store = st.session_state
    query = st.query_params.to_dict()
    known = store.get(_KNOWN_KEY, {})
    if not query and known and navigation.is_new_page():
        # Back from another page by the menu, which drops the parameters: all stays as it was,
        # and from now on that is what the bare address stands for.
        store[_BLANK_KEY] = known
        return None
    meant = query or store.get(_BLANK_KEY, {})
    if meant == known:
        return None
    store[_KNOWN_KEY] = meant
    return link.from_query(meant)


def write(view: View) -> None:
    """Let the address say what is shown.

    Parameters
    ----------
    view : View
    """
    store = st.session_state
    query, shown = link.to_query(view), st.query_params.to_dict()
    store[_KNOWN_KEY] = query
    if query != (shown or store.get(_BLANK_KEY, {})) or (
        navigation.is_new_page() and query != shown
    ):
        st.query_params.from_dict(query)


def write_interval(interval: str) -> None:
    """Let the address say another interval, where the page was not drawn again for it.

    Parameters
    ----------
    interval : str
        One of `galexplorer.ui.session.link.INTERVALS`.
    """
    view = link.from_query(st.session_state.get(_KNOWN_KEY, {}))
    if view.interval != interval:
        write(replace(view, interval=interval))
