"""Independent pieces of work in threads, a few ahead, their results in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from galexplorer.resources import count_cores

_Piece = TypeVar("_Piece")
_Found = TypeVar("_Found")

_AHEAD = 2
"""Pieces per worker that are begun or wait at a time; memory does not grow with their number."""


def run_in_order(
    work: Callable[[_Piece], _Found], pieces: Sequence[_Piece], workers: int | None = None
) -> Iterator[tuple[_Piece, _Found]]:
    """Do work in threads.

    Torch, numpy's quantiles and sorting let other threads run meanwhile. Each thread has as many
    threads of torch as the caller, which is a setting of the thread and not of the process.
    Signals are handled within half a second while the caller waits.

    Parameters
    ----------
    work : callable
    pieces : sequence
    workers : int, optional
        As many as there are cores by default.

    Yields
    ------
    tuple
        A piece and what the work on it returned, in the order of the pieces. What the work raises
        is raised here; pieces that were not begun then are left.
    """
    number = max(1, min(workers or count_cores(), len(pieces)))
    waiting: deque[tuple[_Piece, Future[_Found]]] = deque()
    pool = ThreadPoolExecutor(
        number, initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)
    )
    try:
        for piece in pieces:
            if len(waiting) >= _AHEAD * number:
                first, future = waiting.popleft()
                yield first, _await(future)
            waiting.append((piece, pool.submit(work, piece)))
        for first, future in waiting:
            yield first, _await(future)
    finally:
        pool.shutdown(cancel_futures=True)


def _await(future: Future[_Found]) -> _Found:
    """Return a result; a signal that comes just before the wait does not interrupt it."""
    while not wait([future], timeout=0.5).done:
        pass
    return future.result()
