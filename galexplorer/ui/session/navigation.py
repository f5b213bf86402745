"""Navigation from any page to another galaxy.

A galaxy with its options is an address (`galexplorer.ui.session.link`), so every view can be
shared, and the browser's back button returns from it. The functions end the run that calls them.
Call them in a callback, ``st.button("Explore", on_click=explore_target, args=("NGC 5332",))``: what
a click means is then known before the page is drawn, and does not depend on whether its button is
still there. The page that was asked for stays noted until its run begins, since a request of the
page before it that comes meanwhile, such as one for a picture under the pointer, may undo a change
of page. It is not noted for longer: whoever goes elsewhere while a page is drawn means it. So no
page may send requests of its own just after a click; ``pointed_galaxy.js`` waits.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import Page

from galexplorer.ui.session import link, settings, state
from galexplorer.ui.session.link import View

TARGETS_FILES = "targets_files"
"""Where the session counts the files that were put into the form of a list: each has a place."""

COMPARE, TARGETS = "compare", "targets"
"""Addresses of pages that others lead to."""

WANTED_KEY = "compare_wanted"
"""Where the session keeps the names of the library's galaxies that are to be compared."""

_WAY_KEY, _PAGE_KEY, _BEFORE_KEY, _OTHERS_KEY = "explore_page", "page", "page_before", "pages"
_NEXT_KEY = "page_next"


def register_page(page: Page, explore_page: Page, others: Sequence[Page] = ()) -> None:
    """Note which page is drawn; ``app.py`` does so at the start of each run.

    Where another page was asked for and not drawn yet, the run ends and that one is.

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
    if _NEXT_KEY not in store:
        return
    path, query = store[_NEXT_KEY]
    if page.url_path != path:
        _switch(path, query)
    del store[_NEXT_KEY]
    if query is not None and query != st.query_params.to_dict():
        st.query_params.from_dict(query)


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
    _switch(name, None)


def open_targets(text: str) -> None:
    """Show the page of targets with a list in its box; the run ends.

    Parameters
    ----------
    text : str
        As `galexplorer.query.target_list.read_targets` reads it.
    """
    st.session_state["targets_text"] = text
    st.session_state[TARGETS_FILES] = st.session_state.get(TARGETS_FILES, 0) + 1
    open_page(TARGETS)


def compare_library(names: Sequence[str]) -> None:
    """Show galaxies of the library beside one another; the run ends, and that page infers them.

    Parameters
    ----------
    names : sequence of str
        Some of `galexplorer.inference.neighbours.Library.names`.
    """
    st.session_state[WANTED_KEY] = tuple(names)
    open_page(COMPARE)


def open_view(view: View) -> None:
    """Show a view on the explore page; the run ends.

    Parameters
    ----------
    view : View
    """
    query = link.to_query(view)
    if not is_explore_page():
        _switch(st.session_state[_WAY_KEY].url_path, query)
    if _WAY_KEY in st.session_state:
        st.session_state[_NEXT_KEY] = st.session_state[_WAY_KEY].url_path, query
    set_view_address(view)
    st.rerun()


def _switch(path: str, query: dict | None) -> None:
    store = st.session_state
    store[_NEXT_KEY] = path, query
    pages = (store[_WAY_KEY], *store[_OTHERS_KEY])
    st.switch_page(next(page for page in pages if page.url_path == path), query_params=query)


def set_view_address(view: View) -> None:
    """Set the explore page's own address; for its callbacks, which a run follows anyway.

    Parameters
    ----------
    view : View
    """
    st.query_params.from_dict(link.to_query(view))
