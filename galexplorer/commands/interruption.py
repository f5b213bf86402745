"""Ctrl-C and SIGTERM during a long run: what is done is kept."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from galexplorer import console
from galexplorer.errors import InterruptionError

AGAIN_S = 0.5
_REPEATS = hasattr(signal, "setitimer")  # not on Windows


class Interruption:
    """A wish to stop, from Ctrl-C or SIGTERM, for a run that asks for it now and then.

    A second signal ends the process at once. It is used as a context, in the main thread.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._raises = False
        self._told = False

    def __enter__(self) -> Self:
        """Take the signals, but one that whoever started the process has it ignore."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {n: signal.getsignal(n) for n in numbers}
        for number, handler in self._before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._take)
        if _REPEATS:
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._repeat)
        self._told_unraisable, sys.unraisablehook = sys.unraisablehook, self._tell_unraisable
        return self

    def __exit__(self, *given: object) -> None:
        """Leave the signals as they were."""
        if _REPEATS:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._told_unraisable

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self._number is not None

    def tell(self) -> None:
        """Say, once, that the run is about to stop."""
        if self() and not self._told:
            self._told = True
            console.tell("stopping; what is done is written. A second Ctrl-C ends at once.")

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt: where a run waits long, or begins again anyway.

        One that came before does so at once.
        """
        self._raises = True
        try:
            if self():
                raise KeyboardInterrupt
            yield
        finally:
            self._raises = False

    def report(self, words: str) -> InterruptionError:
        """Return the error that ends the command.

        Parameters
        ----------
        words : str
            What was kept, and how to go on.
        """
        assert self._number is not None
        return InterruptionError(f"interrupted: {words}", self._number)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            # Not set when the first one comes: a second that is caught already, and not yet
            # handled, would find no handler and be lost.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._number = number
        if self._raises:
            raise KeyboardInterrupt

    def _repeat(self, number: int, frame: FrameType | None) -> None:
        if self._raises:
            raise KeyboardInterrupt

    def _tell_unraisable(self, dropped: "sys.UnraisableHookArgs") -> None:
        """Have raised once more what was lost: Python drops what a library's callback raises.

        Dask has one, for each collection of garbage.
        """
        if not (self() and issubclass(dropped.exc_type, KeyboardInterrupt)):
            self._told_unraisable(dropped)
        elif _REPEATS and self._raises:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
