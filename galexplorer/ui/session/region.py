"""The draws that the user selected: a range of one target or two."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Bool

from galexplorer.records.posterior import Posterior
from galexplorer.schema import TARGET_NAMES

_REGION = "corner_region"


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
    return _read(region_words(galaxy))


def region_words(galaxy: str) -> object:
    """Return that region as the browser sent it."""
    owner, words = st.session_state.get(_REGION, ("", None))
    return words if owner == galaxy else None


def keep_region(galaxy: str, words: object) -> None:
    """Keep what the browser sent as the region of a galaxy."""
    st.session_state[_REGION] = (galaxy, words)


def clear_region() -> None:
    """Forget the selection."""
    st.session_state.pop(_REGION, None)


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
