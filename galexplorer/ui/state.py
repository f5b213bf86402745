"""What a session remembers, and what all sessions share.

The history is the memory that pages have in common: every galaxy that was explored is a plain
record in it. Pages read it with `history` and add to it with `remember`; nothing else is passed
between pages but a galaxy to look up (`galexplorer.ui.journey`).
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from galexplorer.inference.result import Result
from galexplorer.ui.request import Options, Request, run
from galexplorer.ui.sources import Source

if TYPE_CHECKING:
    from galexplorer.inference.engine import Engine

HISTORY = 24
"""Results that a session keeps; one takes about 0.5 MB."""

SOURCE_BYTES = 256 * 1024**2
"""Bytes of images that a session keeps for its results; the oldest results go first."""

_RETURN_KEY = "return_to"


@dataclass(frozen=True)
class Explored:
    """One galaxy as this session explored it: the image, what was stated, the answer.

    Attributes
    ----------
    key : str
        Hash of files and options: equal requests have equal answers.
    name : str
        Words for a person, such as "NGC 5332".
    source : Source or None
        The image and where it came from; None where magnitudes alone were given.
    options : Options
        What was stated beside the image: redshift, bands, draws, seed, cuts.
    result : Result
    """

    key: str
    name: str
    source: Source | None
    options: Options
    result: Result

    @property
    def known(self) -> dict[str, float]:
        """Return published or simulated values by target; the model saw none of them."""
        return {**(self.source.truth if self.source else {}), **self.result.known}


@st.cache_resource(show_spinner=False)
def load_engine() -> "Engine":
    """Return the engine; its weights are read once for all sessions and never change."""
    from galexplorer.inference.engine import Engine  # torch takes seconds: not before it must

    return Engine.load()


def history() -> tuple[Explored, ...]:
    """Return what this session explored, the latest first."""
    return tuple(reversed(_records().values()))


def recall(key: str) -> Explored | None:
    """Return this session's answer to the request of that hash, None where it has none.

    Looking a record up makes it the latest.
    """
    records = _records()
    if key in records:
        records.move_to_end(key)
    return records.get(key)


def remember(record: Explored) -> None:
    """Add a record as the latest one, and forget the oldest beyond what a session may keep.

    Parameters
    ----------
    record : Explored
    """
    records = _records()
    records[record.key] = record
    records.move_to_end(record.key)
    while len(records) > 1 and (len(records) > HISTORY or _size(records) > SOURCE_BYTES):
        records.popitem(last=False)


def explore(
    request: Request, source: Source | None, progress: Callable[[str], None] = lambda words: None
) -> Explored:
    """Answer a request, from memory where it can, and remember the answer.

    Parameters
    ----------
    request : Request
    source : Source or None
        Where the request's files came from.
    progress : callable
        Is told what happens next, a few words each time.

    Returns
    -------
    Explored

    Raises
    ------
    GalexplorerError
        If a file cannot be read, no galaxy is found, or an option contradicts another.
    """
    key = request.key()
    record = recall(key)
    if record is None:
        result = run(request, load_engine, progress)
        name = source.name if source is not None else "Magnitudes alone"
        record = Explored(key, name, source, request.options, result)
        remember(record)
    return record


def return_to(record: Explored) -> None:
    """Ask the explore page to show a record when it is drawn next."""
    st.session_state[_RETURN_KEY] = record


def take_return() -> Explored | None:
    """Return the record that the explore page shall show, once."""
    return st.session_state.pop(_RETURN_KEY, None)


def _records() -> OrderedDict[str, Explored]:
    return st.session_state.setdefault("history", OrderedDict())


def _size(records: OrderedDict[str, Explored]) -> int:
    """Return the bytes of all images in memory, each counted once."""
    files = {id(c): len(c) for r in records.values() if r.source for _, c in r.source.files}
    return sum(files.values())
