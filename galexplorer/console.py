"""What a user reads on stderr beside the results: remarks, progress and the log."""

import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

# The level of this logger is the one switch: below WARNING there are neither remarks nor progress.
_log = logging.getLogger("galexplorer")
_Item = TypeVar("_Item")
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


class _StderrHandler(logging.Handler):
    """Writes to the stderr of the moment, which a progress bar replaces while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


_handler = _StderrHandler()
_handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))


@contextmanager
def verbosity(steps: int) -> Iterator[None]:
    """Set how much is told, until the context ends.

    Parameters
    ----------
    steps : int
        -1 for failures alone, 0 for remarks and progress, 1 for the log too, 2 for its details.
    """
    before = _log.level
    _log.setLevel(_LEVELS[min(max(steps, -1), 2) + 1])
    _log.addHandler(_handler)
    try:
        with warnings.catch_warnings():
            if is_quiet():
                warnings.simplefilter("ignore")
            yield
    finally:
        _log.removeHandler(_handler)
        _log.setLevel(before)


def show_log() -> None:
    """Show the log unless the user wants quiet: it is the progress of a command of hours."""
    if not is_quiet():
        _log.setLevel(min(_log.getEffectiveLevel(), logging.INFO))


def is_quiet() -> bool:
    """Return whether only failures are told."""
    return not _log.isEnabledFor(logging.WARNING)


def tell(words: str) -> None:
    """Tell a remark, unless the user wants quiet.

    Parameters
    ----------
    words : str
        One line.
    """
    if not is_quiet():
        tell_failure(words)


def tell_failure(words: str) -> None:
    """Tell what failed, in any case.

    Parameters
    ----------
    words : str
        One line.
    """
    print(f"galexplorer: {words}", file=sys.stderr)


class Pace:
    """Says how far a long run is, in a line now and then: for a log, which has no bar.

    The first line comes after ten seconds, the next ones after intervals that grow to ten minutes
    or with each tenth that is done. A run of less than ten seconds says nothing.

    Parameters
    ----------
    words : str
        What is counted, in the plural.
    done : float
        How much of it was done before.
    now : float
        Seconds, of any clock.

    Examples
    --------
    >>> pace = Pace("galaxies", 0, now=0)
    >>> pace.line(2_140, 100_000, now=9)
    >>> pace.line(2_354, 100_000, now=11)
    '2,354 of 100,000 galaxies, 214 per second, about 8 min left'
    """

    def __init__(self, words: str, done: float, now: float) -> None:
        self.words = words
        self._first = done
        self._tenth = 0
        self._began = self._said = now

    def line(self, done: float, total: float | None, now: float) -> str | None:
        """Return what to say at this time, or None.

        Parameters
        ----------
        done : float
        total : float or None
            None where nobody knows.
        now : float
            Seconds.

        Returns
        -------
        str or None
        """
        taken, silent = now - self._began, now - self._said
        tenth = math.floor(10 * done / total) if total else 0
        finished = total is not None and done >= total and self._said > self._began
        due = silent >= min(max(_FIRST_S, taken / 2), _LONGEST_S)
        if not (due or finished or (silent >= _FIRST_S and tenth > self._tenth)):
            return None
        self._said, self._tenth = now, tenth
        counted = f"{done:,.0f} {self.words}" if total is None else f"{done:,.0f} of {total:,.0f}"
        counted = counted if total is None else f"{counted} {self.words}"
        rate = (done - self._first) / taken if taken > 0 else 0.0
        if rate <= 0:
            return counted
        if total is not None and done >= total:
            return f"{counted}, {_tell_rate(rate)}, done in {_tell_time(taken)}"
        left = "" if total is None else f", about {_tell_time((total - done) / rate)} left"
        return f"{counted}, {_tell_rate(rate)}{left}"


_FIRST_S, _LONGEST_S = 10.0, 600.0
"""The shortest and the longest time between two lines."""


def _tell_rate(per_second: float) -> str:
    for unit, rate in (("second", per_second), ("minute", 60 * per_second)):
        if rate >= 1:
            return f"{rate:,.0f} per {unit}" if rate >= 10 else f"{rate:.1f} per {unit}"
    return f"{3600 * per_second:.1f} per hour"


def _tell_time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def progress(*columns: "str | ProgressColumn") -> "Progress":
    """Return what shows progress on stderr: a bar on a terminal, elsewhere a line now and then.

    Parameters
    ----------
    *columns : str or rich.progress.ProgressColumn
        Of the bar. Default: those of rich.

    Returns
    -------
    rich.progress.Progress
        To be used as a context. The description of a task says what is counted, in the plural.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if console.is_terminal or is_quiet():
        return Progress(*columns, console=console, disable=is_quiet())
    return _make_lines(*columns)


def _make_lines(
    *columns: "str | ProgressColumn", clock: Callable[[], float] | None = None
) -> "Progress":
    """Return progress that tells lines."""
    from rich.progress import Progress

    paces: dict[int, Pace] = {}

    class Lines(Progress):
        """Progress without a display."""

        # the parameters are rich's, passed on as they are
        def add_task(
            self,
            description: str,
            start: bool = True,
            total: float | None = 100.0,
            completed: int = 0,
            visible: bool = True,
            **fields: Any,  # noqa: ANN401
        ) -> "TaskID":
            task = super().add_task(description, start, total, completed, visible, **fields)
            paces[task] = Pace(description, completed, self.get_time())
            return task

        def update(self, task_id: "TaskID", **given: Any) -> None:  # noqa: ANN401
            super().update(task_id, **given)
            self._say(task_id)

        def advance(self, task_id: "TaskID", advance: float = 1) -> None:
            super().advance(task_id, advance)
            self._say(task_id)

        def _say(self, task_id: "TaskID") -> None:
            task = self._tasks[task_id]
            line = paces[task_id].line(task.completed, task.total, self.get_time())
            if line is not None:
                tell(line)

    return Lines(*columns, disable=True, get_time=clock)


def track(items: Iterable[_Item], words: str, total: float | None = None) -> Iterator[_Item]:
    """Show the progress of a loop; see `progress`.

    Parameters
    ----------
    items : iterable
    words : str
        What is counted, in the plural.
    total : float, optional
        How many there are, where `items` has no length.

    Yields
    ------
    object
        The items.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with progress() as bar:
        task = bar.add_task(words, total=total)
        for item in items:
            yield item
            bar.advance(task)
