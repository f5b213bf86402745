"""The explorer: ``streamlit run app.py``. Page order and nothing else."""

import streamlit as st

from galexplorer.ui import about, explore, frame, journey

st.set_page_config(page_title="galexplorer", page_icon=frame.ICON, layout="wide")
home = st.Page(explore.page, title="Explore", icon=":material/flare:", default=True)
journey.remember_way(home)
st.navigation(
    [
        home,
        st.Page(about.page, title="About", icon=":material/info:", url_path="about"),
    ],
    position="top",
).run()
