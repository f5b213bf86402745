"""The explorer: ``streamlit run app.py``. Page order and nothing else."""

import streamlit as st

from galexplorer.ui.pages import about, card, compare, explore, latent_map, targets
from galexplorer.ui.parts import page_style
from galexplorer.ui.session import navigation

st.set_page_config(page_title="galexplorer", page_icon=page_style.ICON, layout="wide")
home = st.Page(explore.page, title="Explore", icon=":material/flare:", default=True)
others = [
    st.Page(compare.page, title="Compare", icon=":material/compare:", url_path="compare"),
    st.Page(targets.page, title="Targets", icon=":material/list:", url_path="targets"),
]
page = st.navigation(
    [
        home,
        *others,
        st.Page(latent_map.page, title="Map", icon=":material/bubble_chart:", url_path="map"),
        st.Page(card.page, title="How good?", icon=":material/monitoring:", url_path="how-good"),
        st.Page(about.page, title="About", icon=":material/info:", url_path="about"),
    ],
    position="top",
)
navigation.register_page(page, home, others)
page.run()
