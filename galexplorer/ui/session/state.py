"""State of a session, and state that all sessions share.

The history is the memory that pages have in common: every galaxy that was explored is a plain
record in it. Pages read it with `history` and add to it with `store_result`; nothing else is passed
between pages but a galaxy to look up (`galexplorer.ui.session.navigation`).
"""

import gc
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from galexplorer.image.pixels import Pixels
from galexplorer.records.observation import Observation
from galexplorer.records.result import Result
from galexplorer.ui.session.identity import Identity, identify
from galexplorer.ui.session.request import Options, Request, observe_request, read_pixels, run
from galexplorer.ui.session.sources import Source, source_of_target

if TYPE_CHECKING:
    from galexplorer.api.engine import Engine
    from galexplorer.inference.prepared import PreparedObservation

HISTORY = 24
"""Results that a session keeps; one takes about 0.5 MB."""

ASIDE = 10
"""Results that it keeps of what was compared and not explored."""

SOURCE_BYTES = 256 * 1024**2
"""Bytes of images that a session keeps for its results; the oldest results go first."""

FETCHED_S, FETCHED_BYTES = 3600.0, 64 * 1024**2
"""How long, and how much of, what was fetched for any session is kept in memory."""


@dataclass(frozen=True)
class ExploredGalaxy:
    """One galaxy as this session explored it: the image, what was stated, the answer.

    Attributes
    ----------
    key : str
        Hash of files and options: equal requests have equal answers.
    identity : Identity
        Which galaxy it is: its name, position and published values.
    source : Source or None
        The image and where it came from; None where magnitudes alone were given.
    options : Options
        What was stated beside the image: redshift, bands, draws, seed, cuts.
    result : Result
    """

    key: str
    identity: Identity
    source: Source | None
    options: Options
    result: Result

    @property
    def known(self) -> dict[str, float]:
        """Return published or simulated values by target; the model saw none of them."""
        return self.identity.known

    @property
    def name(self) -> str:
        """Return what the galaxy is called."""
        return self.identity.name

    @property
    def reference(self) -> tuple[str, str] | None:
        """Return what a link says to find the source again, None without an image."""
        return None if self.source is None else self.source.reference

    def is_same_galaxy(self, other: "ExploredGalaxy") -> bool:
        """Return whether another record is of the same galaxy, as far as can be told."""
        if self.source is None and other.source is None:
            stated = [(r.options.magnitudes, r.options.petro_r50, r.options.petro_r90,
                       r.options.name) for r in (self, other)]  # fmt: skip
            return stated[0] == stated[1]
        return self.galaxy == other.galaxy or self.identity.is_near(other.identity)

    @property
    def galaxy(self) -> str:
        """Return a hash of which galaxy it is, whatever is stated of it."""
        words = repr((self.reference, *_aim(self.options)))
        return hashlib.sha256(words.encode()).hexdigest()[:16]


@st.cache_resource(show_spinner=False)
def load_engine() -> "Engine":
    """Return the engine; its weights are read once for all sessions and never change."""
    from galexplorer.api.engine import load  # takes seconds: not before it must

    engine = load()
    # Streamlit collects garbage after every run of a page. What was loaded so far stays for good:
    # left out of the search, it saves two thirds of the time that a small change takes.
    gc.collect()
    gc.freeze()
    return engine


# The caches below are shared by all sessions and kept by a hash of the content: a session can
# only be given what it brought itself. They bound the memory that images take.


def pixels_of(request: Request) -> Pixels | None:
    """Return the pixels of a request, from memory where they were read before."""
    if request.fetched is not None or not request.files:
        return read_pixels(request)
    return _pixels(request.pixels_key(), request)


@st.cache_resource(show_spinner=False, max_entries=3)
def _pixels(key: str, _request: Request) -> Pixels | None:
    return read_pixels(_request)


def observation_of(request: Request) -> Observation:
    """Return the observation of a request, from memory where it was made before."""
    return _observation(request.observation_key(), request)


@st.cache_resource(show_spinner=False, max_entries=24)
def _observation(key: str, _request: Request) -> Observation:
    return observe_request(_request, pixels_of(_request))


def prepared_of(request: Request, observation: Observation) -> "PreparedObservation":
    """Return a request's observation prepared for sampling, from memory where it was before."""
    return _prepared(request.prepared_key(), observation)


@st.cache_resource(show_spinner=False, max_entries=24)
def _prepared(key: str, _observation: Observation) -> "PreparedObservation":
    return load_engine().prepare(_observation)


def fetch_source(words: str, progress: Callable[[str], None]) -> Source:
    """Return what the services of the sky have of a target, from memory where it was just fetched.

    Responses are cached on disk, but to unpack three frames takes seconds. The sky is the same for
    all sessions: they share this memory.

    Parameters
    ----------
    words : str
        A name, position or objID.
    progress : callable
        Is told what happens next.

    Raises
    ------
    FetchError, TargetError
        As of `galexplorer.sky.fetch.fetch_target`.
    """
    from galexplorer.sky.fetch import fetch_target  # clients of services: only where asked

    kept, now = _fetched(), time.monotonic()
    until, source = kept.get(words, (0.0, None))
    if source is None or until < now:
        fetched = fetch_target(words, progress)
        source = source_of_target(fetched)
        if fetched.photometry.kind == "none":
            return source  # SDSS was away, and may be back soon
        kept[words] = (now + FETCHED_S, source)
        while sum(_bytes_of(other) for _, other in list(kept.values())) > FETCHED_BYTES:
            kept.popitem(last=False)
    return source


@st.cache_resource(show_spinner=False)
def _fetched() -> OrderedDict[str, tuple[float, Source]]:
    return OrderedDict()


def _bytes_of(source: Source) -> int:
    return source.fetched.pixels.flux.nbytes if source.fetched is not None else 0


def history() -> tuple[ExploredGalaxy, ...]:
    """Return what this session explored, the latest first."""
    return tuple(reversed(_records().values()))


def find_result(key: str) -> ExploredGalaxy | None:
    """Return this session's answer to the request of that hash, None where it has none.

    Looking a record up makes it the latest, of what was explored even where it was only compared.
    """
    records = _records()
    if key in records:
        records.move_to_end(key)
    elif key in _aside():
        store_result(_aside().pop(key))
    return records.get(key)


def compared_only() -> tuple[ExploredGalaxy, ...]:
    """Return what this session compared and did not explore, the latest first."""
    return tuple(reversed(_aside().values()))


def store_result(record: ExploredGalaxy) -> None:
    """Add a record as the latest one, and forget the oldest beyond what a session may keep.

    A galaxy that is known by its position alone takes the name that another record has for it,
    whichever came first.

    Parameters
    ----------
    record : ExploredGalaxy
    """
    records = _records()
    for key, other in list(records.items()):
        records[key] = replace(other, identity=other.identity.named_as(record.identity))
        record = replace(record, identity=record.identity.named_as(other.identity))
    records[record.key] = record
    records.move_to_end(record.key)
    while len(records) > 1 and (len(records) > HISTORY or _size(records) > SOURCE_BYTES):
        records.popitem(last=False)


def explore(
    request: Request, source: Source | None, progress: Callable[[str], None] = lambda words: None
) -> ExploredGalaxy:
    """Answer a request, from memory where it can, and keep the answer.

    Parameters
    ----------
    request : Request
    source : Source or None
        Where the request's files came from.
    progress : callable
        Is told what happens next, a few words each time.

    Returns
    -------
    ExploredGalaxy

    Raises
    ------
    GalexplorerError
        If a file cannot be read, no galaxy is found, or an option contradicts another.
    """
    key = request.key()
    record = find_result(key)
    if record is None:
        store_result(_answer(request, source, progress))
        record = _records()[key]
    return record


def answer_aside(request: Request, source: Source | None) -> ExploredGalaxy:
    """Answer a request for a comparison: what was explored stays, and in its order.

    Parameters
    ----------
    request : Request
    source : Source or None

    Returns
    -------
    ExploredGalaxy

    Raises
    ------
    GalexplorerError
        As of `explore`.
    """
    key, aside = request.key(), _aside()
    if key in _records():
        return _records()[key]
    aside[key] = aside.pop(key) if key in aside else _answer(request, source)
    while len(aside) > ASIDE:
        aside.popitem(last=False)
    return aside[key]


def _answer(
    request: Request, source: Source | None, progress: Callable[[str], None] = lambda words: None
) -> ExploredGalaxy:
    result = run(request, load_engine, progress, observation_of, prepared_of)
    identity = identify(request, source, result, observation_of)
    return ExploredGalaxy(request.key(), identity, source, request.options, result)


def has_result(request: Request, source: Source | None) -> bool:
    """Return whether this session has an answer about the same galaxy: the next is a short way."""
    return any(
        record.reference == (None if source is None else source.reference)
        and _aim(record.options) == _aim(request.options)
        for record in _records().values()
    )


def find_source(reference: tuple[str, str]) -> Source | None:
    """Return the source that a link's parameter names, where this session still has it."""
    for record in history():
        if record.source is not None and record.reference == reference:
            return record.source
    return None


def previous_result(record: ExploredGalaxy) -> ExploredGalaxy | None:
    """Return this session's last other answer about the same galaxy, None without one."""
    for other in history():
        same = other.reference == record.reference and other.key != record.key
        if same and _aim(other.options) == _aim(record.options):
            return other
    return None


def _aim(options: Options) -> tuple:
    return options.ra, options.dec, options.pixel, options.name, options.place


def _records() -> OrderedDict[str, ExploredGalaxy]:
    return st.session_state.setdefault("history", OrderedDict())


def _aside() -> OrderedDict[str, ExploredGalaxy]:
    return st.session_state.setdefault("compared_only", OrderedDict())


def _size(records: OrderedDict[str, ExploredGalaxy]) -> int:
    """Return the bytes of all images in memory, each counted once."""
    sources = [r.source for r in records.values() if r.source is not None]
    sizes = {id(content): len(content) for s in sources for _, content in s.files}
    sizes |= {id(s.fetched): s.fetched.pixels.flux.nbytes for s in sources if s.fetched}
    return sum(sizes.values())
