"""Lists of targets that run in the background; no Streamlit here, so tests need none."""

import logging
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from galexplorer.query.target_list import Target
from galexplorer.runs.target_run import Outcome, Progress

Run = Callable[[Target, Progress], Outcome]

WORKERS = 2
"""Targets at work at once, of all sessions together: pages must stay quick on two cores."""

_log = logging.getLogger(__name__)
_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="targets")


class _Cancelled(BaseException):
    """Ends the running target; not an Exception, so that no handler catches it."""


class Job:
    """A list at work: one target at a time, so that the lists of other sessions get their turn.

    Parameters
    ----------
    targets : sequence of Target
    run : callable
        Infers one target; given it and a function that is told what happens next.
    """

    def __init__(self, targets: Sequence[Target], run: Run) -> None:
        self.targets = tuple(targets)
        self.outcomes: list[Outcome | None] = [None] * len(self.targets)
        self.words = "Starting"
        self._run = run
        self._cancelled = False
        self._running = False
        self._lock = Lock()

    @property
    def running(self) -> bool:
        """Whether a target is at work or waits for its turn."""
        return self._running

    @property
    def cancelled(self) -> bool:
        """Whether the list was ended before its end."""
        return self._cancelled

    @property
    def done(self) -> int:
        """How many targets have an outcome."""
        return sum(outcome is not None for outcome in self.outcomes)

    @property
    def finished(self) -> list[Outcome]:
        """The outcomes that there are, in the order of the list."""
        return [outcome for outcome in self.outcomes if outcome is not None]

    def start(self) -> None:
        """Begin, or go on after `cancel`; what is done stays done."""
        with self._lock:
            if self._running:
                return
            self._cancelled = False
            self._running = True
        self._next()

    def cancel(self) -> None:
        """End before the next target, or at the next step of the one at work."""
        self._cancelled = True

    def _next(self) -> None:
        place = next((k for k, outcome in enumerate(self.outcomes) if outcome is None), None)
        if place is None or self._cancelled:
            self._running = False
            return
        self.words = f"{self.targets[place].label}: waiting for its turn"
        _pool.submit(self._step, place)

    def _step(self, place: int) -> None:
        target = self.targets[place]

        def tell(words: str) -> None:
            if self._cancelled:
                raise _Cancelled
            self.words = f"{target.label}: {words}"

        try:
            tell("starting")
            self.outcomes[place] = self._run(target, tell)
        except _Cancelled:
            _log.debug("%s was cancelled", target.label)
        except Exception as error:
            # A bug: it must be told apart from a bad target, and must not stop the list.
            _log.exception("%s failed unexpectedly", target.label)
            words = f"An unexpected error ({type(error).__name__}): please report it."
            self.outcomes[place] = Outcome(target, problem=words)
            raise
        finally:
            self._next()


class JobHandle:
    """A session's handle of its job: when the session is discarded, the job ends.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._end = weakref.finalize(self, job.cancel)
        self._end.atexit = False
