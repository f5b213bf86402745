"""A diagram of the page: a picture, with the values under the pointer."""

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from galexplorer.figures.screen_diagram import Frame

_HTML = "<div class='pointed diagram'><img alt=''><output hidden></output></div>"
POINTED_CSS = """
.pointed {position: relative; touch-action: pan-y; user-select: none}
.pointed img {display: block; width: 100%; height: auto}
.pointed output {position: absolute; padding: 2px 6px; border-radius: 3px; font-size: 13px;
  white-space: nowrap; pointer-events: none; font-variant-numeric: tabular-nums;
  color: var(--st-background-color); background: var(--st-text-color)}
"""
"""Of a picture that tells what is under the pointer."""

_mount = st.components.v2.component(
    "galexplorer_diagram",
    html=_HTML,
    css=POINTED_CSS + ".diagram {cursor: crosshair}",
    js=(Path(__file__).parent / "pointed_diagram.js").read_text(),
    isolate_styles=False,
)


def show_pointed_diagram(picture: str, alt: str, frame: Frame, key: str) -> None:
    """Draw a diagram that tells the values under the pointer.

    Parameters
    ----------
    picture : str
        An address.
    alt : str
        What it shows, in words.
    frame : Frame
        Where its axes lie.
    key : str
    """
    _mount(key=key, data={"picture": picture, "alt": alt, "frame": asdict(frame)})
