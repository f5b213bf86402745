"""The picture of the library's galaxy that the pointer rests on, beside the pointer."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from galexplorer.ui.parts import gallery
from galexplorer.ui.session import state

if TYPE_CHECKING:
    from galexplorer.inference.engine import Engine

_HTML = "<div class='pointed-galaxy' hidden><img alt=''></div>"
_CSS = """
.pointed-galaxy {position: fixed; z-index: 95; pointer-events: none; line-height: 0}
.pointed-galaxy img {width: 96px; height: 96px; border-radius: 4px; border: 1px solid #7e858f}
"""
_mount = st.components.v2.component(
    "galexplorer_pointed_galaxy",
    html=_HTML,
    css=_CSS,
    js=(Path(__file__).parent / "pointed_galaxy.js").read_text(),
    isolate_styles=False,
)


@st.fragment
def show_pointed_galaxy(chart: str) -> None:
    """Let a chart show the picture of the galaxy under the pointer; a picture redraws this alone.

    Parameters
    ----------
    chart : str
        Key of a Plotly chart whose ``customdata`` are rows of the library.
    """
    key = f"{chart}_pointed"

    def keep() -> None:
        st.session_state[f"{key}_row"] = st.session_state[key].get("row")

    told = picture_of(state.load_engine(), st.session_state.get(f"{key}_row"))
    _mount(key=key, data={"chart": chart, **told}, on_row_change=keep)


def picture_of(engine: "Engine", row: object) -> dict[str, Any]:
    """Return the picture of a galaxy of the library as the page wants it, empty for none.

    Parameters
    ----------
    engine : galexplorer.inference.engine.Engine
    row : object
        As a browser sent it.

    Returns
    -------
    dict
        ``row``, ``picture``, which is an address, and ``alt``.
    """
    if not isinstance(row, int) or not 0 <= row < len(engine.library):
        return {"row": None, "picture": "", "alt": ""}
    (galaxy,) = engine.describe([row])
    return {
        "row": row,
        "picture": gallery.thumbnail_address(galaxy.thumbnail),
        "alt": f"{galaxy.name} under the pointer, as the VAE reconstructs it",
    }
