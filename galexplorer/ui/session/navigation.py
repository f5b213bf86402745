"""Navigation from any page to another galaxy.

A galaxy with its options is an address (`galexplorer.ui.session.link`), so every view can be
shared, and the browser's back button returns from it. The functions end the run of the page that
calls them. Call them in the body of a page,
``if st.button("Explore"): explore_target("NGC 5332")``, and not in a callback, where Streamlit
ignores a change of page.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import Page

from galexplorer.ui.session import link, settings, state
from galexplorer.ui.session.link import View

COMPARE, TARGETS = "compare", "targets"
"""Addresses of pages that others lead to."""

_WAY_KEY, _PAGE_KEY, _BEFORE_KEY, _OTHERS_KEY = "explore_page", "page", "page_before", "pages"


def register_page(page: Page, explore_page: Page, others: Sequence[Page] = ()) -> None:
    """Note which page is drawn; ``app.py`` does so at the start of each run.

    Parameters
    ----------
    page : streamlit.Page
        The page of this run.
    explore_page : streamlit.Page
        The page that explores.
    others : sequence of streamlit.Page
        Pages that `open_page` leads to.
    """
    store = st.session_state
    store[_WAY_KEY] = explore_page
    store[_OTHERS_KEY] = tuple(others)
    store[_BEFORE_KEY] = store.get(_PAGE_KEY, page.url_path)
    store[_PAGE_KEY] = page.url_path


def is_new_page() -> bool:
    """Return whether the run before this one was another page's."""
    store = st.session_state
    return store.get(_PAGE_KEY) != store.get(_BEFORE_KEY)


def explore_target(text: str) -> None:
    """Look a galaxy up on the explore page: fill its search box, ask, and go there.

    Draws, seed, inputs and prior cuts stay as the user set them.

    Parameters
    ----------
    text : str
        What the search box takes: a name, a position (``"162.18416 +26.05369"``) or an SDSS
        objID.
    """
    open_view(View(("target", text), settings.lasting_options(), settings.interval()))


def explore_library(name: str) -> None:
    """Explore a galaxy of the library from its stored latents, which needs no network.

    Parameters
    ----------
    name : str
        One of `galexplorer.inference.neighbours.Library.names`.
    """
    open_view(View(("library", name), settings.lasting_options(), settings.interval()))


def explore_again(key: str) -> None:
    """Return to an earlier result of this session with the options that it was made with.

    Parameters
    ----------
    key : str
        `galexplorer.ui.session.state.ExploredGalaxy.key`; a result that was forgotten is ignored.
    """
    record = state.find_result(key)
    if record is not None:
        open_view(View(record.reference, record.options, settings.interval()))


def return_to(key: str) -> None:
    """Return to an earlier result as `explore_again`, in a callback of the explore page.

    What is on the page is not drawn once more before it goes.

    Parameters
    ----------
    key : str
    """
    record = state.find_result(key)
    if record is not None:
        set_view_address(View(record.reference, record.options, settings.interval()))


def is_explore_page() -> bool:
    """Return whether the page of this run is the one that explores."""
    way = st.session_state.get(_WAY_KEY)
    return way is None or st.session_state.get(_PAGE_KEY) == way.url_path


def open_page(name: str) -> None:
    """Show another page than the one that explores; the run ends.

    Parameters
    ----------
    name : {"compare", "targets"}
    """
    st.switch_page(next(o for o in st.session_state[_OTHERS_KEY] if o.url_path == name))


def open_view(view: View) -> None:
    """Show a view on the explore page; the run ends, except in a callback of that page itself.

    Parameters
    ----------
    view : View
    """
    if is_explore_page():
        set_view_address(view)
        st.rerun()
    st.switch_page(st.session_state[_WAY_KEY], query_params=link.to_query(view))


def set_view_address(view: View) -> None:
    """Set the explore page's own address; for its callbacks, which a run follows anyway.

    Parameters
    ----------
    view : View
    """
    st.query_params.from_dict(link.to_query(view))
