"""What a user reads on stderr beside the results: remarks, progress and the log."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

# The level of this logger is the one switch: below WARNING there are neither remarks nor progress.
_log = logging.getLogger("galexplorer")
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


def progress(*columns: "str | ProgressColumn") -> "Progress":
    """Return a progress bar on stderr, which shows itself only to a terminal.

    Parameters
    ----------
    *columns : str or rich.progress.ProgressColumn
        Default: those of rich.

    Returns
    -------
    rich.progress.Progress
        To be used as a context.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=is_quiet() or not console.is_terminal)
