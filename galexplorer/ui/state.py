"""What a session remembers, and what all sessions share."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from galexplorer.inference.result import Result
from galexplorer.ui.request import Request, run

if TYPE_CHECKING:
    from galexplorer.inference.engine import Engine

HISTORY = 12
"""Results that a session keeps; one takes about 0.3 MB."""


@st.cache_resource(show_spinner=False)
def load_engine() -> "Engine":
    """Return the engine; its weights are read once for all sessions and never change."""
    from galexplorer.inference.engine import Engine  # torch takes seconds: not before it must

    return Engine.load()


def known_result(key: str) -> Result | None:
    """Return this session's answer to the request of that hash, None where it has none yet."""
    history = _history()
    if key in history:
        history.move_to_end(key)
    return history.get(key)


def infer(request: Request, key: str, progress: Callable[[str], None]) -> Result:
    """Answer a request, remember the answer, and forget the one that is longest ago."""
    history = _history()
    result = history[key] = run(request, load_engine, progress)
    while len(history) > HISTORY:
        history.popitem(last=False)
    return result


def _history() -> OrderedDict[str, Result]:
    return st.session_state.setdefault("history", OrderedDict())
