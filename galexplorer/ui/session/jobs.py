"""Lists of targets at work in the background; no Streamlit here, so tests need none.

A list is a run on disk (`galexplorer.api.target_run`). While it is at work every session of this
process finds it here, so that a page that was loaded again shows it where it is.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import RLock

from astropy.table import Table, vstack
from filelock import FileLock

from galexplorer.api.target_run import PART, TargetRun
from galexplorer.errors import GalexplorerError
from galexplorer.export.target_tables import summary_table
from galexplorer.query.target_list import Target
from galexplorer.runs.target_run import Outcome, Progress

Infer = Callable[[Target, Progress], Outcome]

WORKERS = 2
"""Targets at work at once, of all sessions together: pages must stay quick on two cores."""

_log = logging.getLogger(__name__)
_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="targets")
_at_work: dict[str, "Job"] = {}


class _Cancelled(BaseException):
    """Ends the running target; not an Exception, so that no handler catches it."""


class Job:
    """A list at work: one target at a time, so that the lists of other sessions get their turn.

    Parameters
    ----------
    run : TargetRun
    infer : callable
        Infers one target; given it and a function that is told what happens next.
    """

    def __init__(self, run: TargetRun, infer: Infer) -> None:
        self.run = run
        self.targets = run.targets()
        self.words = "Starting"
        self.problem = ""
        self._infer = infer
        self._kept = run.done
        self._fresh: list[Outcome] = []
        self._cancelled = False
        self._claim: FileLock | None = None
        self._lock = RLock()
        self._table: tuple[int, Table] | None = None

    @property
    def running(self) -> bool:
        """Whether a target is at work or waits for its turn."""
        return self._claim is not None

    @property
    def cancelled(self) -> bool:
        """Whether the list was ended before its end."""
        return self._cancelled

    @property
    def done(self) -> int:
        """How many targets were tried."""
        with self._lock:
            return self._kept + len(self._fresh)

    def start(self) -> None:
        """Begin, or go on after `cancel`; what is done stays done.

        Raises
        ------
        OptionError
            If the run is at work in another process.
        """
        with self._lock:
            if self.running:
                return
            self._claim = self.run.claim()
            self._cancelled = False
            self.problem = ""
            self._kept = self.run.done
            _at_work[self.run.folder.name] = self
        self._next()

    def cancel(self) -> None:
        """End before the next target, or at the next step of the one at work."""
        self._cancelled = True

    def table(self) -> Table | None:
        """Return a row for each target that was tried, None before the first."""
        with self._lock:
            kept, fresh = self._kept, tuple(self._fresh)
            if kept and (self._table is None or self._table[0] != kept):
                self._table = (kept, self.run.table())
            disk = self._table[1] if kept and self._table is not None else None
        new = summary_table(fresh) if fresh else None
        parts = [part for part in (disk, new) if part is not None]
        return vstack(parts, metadata_conflicts="silent") if parts else None

    def _next(self) -> None:
        done = self.done
        if done == len(self.targets) or self._cancelled or self.problem:
            self._end()
            return
        self.words = f"{self.targets[done].label}: waiting for its turn"
        try:
            _pool.submit(self._step, done)
        except RuntimeError:  # the program ends: what is done is kept
            self._end()

    def _step(self, place: int) -> None:
        target = self.targets[place]

        def tell(words: str) -> None:
            if self._cancelled:
                raise _Cancelled
            self.words = f"{target.label}: {words}"

        try:
            tell("starting")
            self._add(self._infer(target, tell))
        except _Cancelled:
            _log.debug("%s was cancelled", target.label)
        except Exception as error:
            # A bug: it must be told apart from a bad target, and must not stop the list.
            _log.exception("%s failed unexpectedly", target.label)
            words = f"An unexpected error ({type(error).__name__}): please report it."
            self._add(Outcome(target, problem=words))
            raise
        finally:
            self._next()

    def _add(self, outcome: Outcome) -> None:
        with self._lock:
            self._fresh.append(outcome)
            if len(self._fresh) == PART:
                self._keep()

    def _keep(self) -> None:
        """Put on disk what is in memory alone."""
        try:
            self.run.keep(self._fresh)
        except GalexplorerError as error:
            self.problem = str(error)
            return
        self._kept += len(self._fresh)
        self._fresh = []

    def _end(self) -> None:
        with self._lock:
            self._keep()
            _at_work.pop(self.run.folder.name, None)
            claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()


def find_job(run: TargetRun, infer: Infer) -> Job:
    """Return the job of a run: the one at work, or a new one that rests."""
    return _at_work.get(run.folder.name) or Job(run, infer)
