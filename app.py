"""The explorer: ``streamlit run app.py``. Page order and nothing else.

A page is loaded when it is opened, so that the first one need not wait for the others.
"""

import streamlit as st

from galexplorer.ui.pages import explore
from galexplorer.ui.parts import page_style
from galexplorer.ui.session import navigation


def compare() -> None:
    """Show galaxies of the session side by side."""
    from galexplorer.ui.pages.compare import page

    page()


def targets() -> None:
    """Infer a list of galaxies."""
    from galexplorer.ui.pages.targets import page

    page()


def latent_map() -> None:
    """Show the map of the latent space."""
    from galexplorer.ui.pages.latent_map import page

    page()


def card() -> None:
    """Show the report card."""
    from galexplorer.ui.pages.card import page

    page()


def about() -> None:
    """Say what this is."""
    from galexplorer.ui.pages.about import page

    page()


st.set_page_config(page_title="galexplorer", page_icon=page_style.ICON, layout="wide")
home = st.Page(explore.page, title="Explore", icon=":material/flare:", default=True)
others = [
    st.Page(compare, title="Compare", icon=":material/compare:", url_path="compare"),
    st.Page(targets, title="Targets", icon=":material/list:", url_path="targets"),
]
shown = st.navigation(
    [
        home,
        *others,
        st.Page(latent_map, title="Map", icon=":material/bubble_chart:", url_path="map"),
        st.Page(card, title="How good?", icon=":material/monitoring:", url_path="how-good"),
        st.Page(about, title="About", icon=":material/info:", url_path="about"),
    ],
    position="top",
)
navigation.register_page(shown, home, others)
shown.run()
