"""The corner plot of the page: values under the pointer, and a region of draws to select."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from jaxtyping import Bool

from galexplorer.figures.screen_corner import Panels
from galexplorer.records.posterior import Posterior
from galexplorer.schema import TARGET_NAMES

_HTML = (
    "<div class='corner'><img alt=''><svg aria-hidden='true'></svg><output hidden></output></div>"
)
_CSS = """
.corner {position: relative; touch-action: pan-y; user-select: none}
.corner img {display: block; width: 100%; height: auto}
.corner svg {position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none}
.corner rect {fill: #cc79a7; fill-opacity: 0.22; stroke: #cc79a7; stroke-width: 2}
.corner output {position: absolute; padding: 2px 6px; border-radius: 3px; font-size: 13px;
  white-space: nowrap; pointer-events: none; font-variant-numeric: tabular-nums;
  color: var(--st-background-color); background: var(--st-text-color)}
"""
_REGION = "corner_region"

_mount = st.components.v2.component(
    "galexplorer_corner",
    html=_HTML,
    css=_CSS,
    js=(Path(__file__).parent / "linked_corner.js").read_text(),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Region:
    """A range of one target, or of two.

    Attributes
    ----------
    ranges : tuple of (str, float, float)
        Target, lower and upper bound; one or two of them.
    """

    ranges: tuple[tuple[str, float, float], ...]

    def holds(self, posterior: Posterior) -> Bool[np.ndarray, " n"]:
        """Tell which draws lie in it."""
        inside = np.ones(len(posterior.draws), bool)
        for name, low, high in self.ranges:
            column = posterior.column(name)
            inside &= (column >= low) & (column <= high)
        return inside


def selected_region(galaxy: str) -> Region | None:
    """Return the region that the user selected, None for none.

    Parameters
    ----------
    galaxy : str
        Which galaxy is shown: a selection on another one is forgotten.
    """
    owner, words = st.session_state.get(_REGION, ("", None))
    return _read(words) if owner == galaxy else None


def clear_region() -> None:
    """Forget the selection."""
    st.session_state.pop(_REGION, None)


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
        As of `selected_region`.
    """
    key = f"corner_{galaxy}"

    def store() -> None:
        st.session_state[_REGION] = (galaxy, st.session_state[key].get("region"))

    owner, words = st.session_state.get(_REGION, ("", None))
    _mount(
        key=key,
        data={
            "picture": picture,
            "alt": alt,
            "panels": asdict(panels),
            "region": words if owner == galaxy else None,
        },
        on_region_change=store,
    )


def _read(words: object) -> Region | None:
    """Return a region from what the browser sent, None where it makes no sense."""
    if not isinstance(words, Sequence) or len(words) != 6:
        return None
    across, up, *edges = words
    if across not in TARGET_NAMES or up not in (None, *TARGET_NAMES):
        return None
    if not all(isinstance(edge, int | float) and np.isfinite(edge) for edge in edges):
        return None
    ranges = [(str(across), float(edges[0]), float(edges[1]))]
    if up is not None:
        ranges.append((str(up), float(edges[2]), float(edges[3])))
    return Region(tuple(ranges))
