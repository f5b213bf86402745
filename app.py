"""The explorer: ``streamlit run app.py``. Page order and nothing else."""

import streamlit as st

from galexplorer.ui import about, explore, frame

st.set_page_config(page_title="galexplorer", page_icon=frame.ICON, layout="wide")
st.navigation(
    [
        st.Page(explore.page, title="Explore", icon=":material/flare:", default=True),
        st.Page(about.page, title="About", icon=":material/info:", url_path="about"),
    ],
    position="top",
).run()
