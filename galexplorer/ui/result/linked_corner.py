"""The corner plot of the page: values under the pointer, and a region of draws to select."""

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from galexplorer.figures.screen_corner import Panels
from galexplorer.ui.result.pointed_diagram import POINTED_CSS
from galexplorer.ui.session.region import keep_region, region_words

_HTML = (
    "<div class='pointed corner'><img alt=''><svg aria-hidden='true'></svg>"
    "<output hidden></output></div>"
)
_CSS = """
.corner svg {position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none}
.corner rect {fill: #cc79a7; fill-opacity: 0.22; stroke: #cc79a7; stroke-width: 2}
"""
_mount = st.components.v2.component(
    "galexplorer_corner",
    html=_HTML,
    css=POINTED_CSS + _CSS,
    js=(Path(__file__).parent / "linked_corner.js").read_text(),
    isolate_styles=False,
)


def show_linked_corner(picture: str, alt: str, panels: Panels, galaxy: str) -> None:
    """Draw a corner plot on which draws can be selected.

    Parameters
    ----------
    picture : str
        An address.
    alt : str
        What it shows, in words.
    panels : Panels
        Where its panels lie.
    galaxy : str
        As of `galexplorer.ui.session.region.selected_region`.
    """
    key = f"corner_{galaxy}"

    def store() -> None:
        keep_region(galaxy, st.session_state[key].get("region"))

    _mount(
        key=key,
        data={
            "picture": picture,
            "alt": alt,
            "panels": asdict(panels),
            "region": region_words(galaxy),
        },
        on_region_change=store,
    )
