"""Every error a user can meet, one family.

The message of each is one sentence that says what is wrong and what to do; the
command line prints it on one line and the app shows it as it stands.
"""

import re

# what steers a terminal, and halves of letters that no output can encode
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class GalexplorerError(Exception):
    """Base of all errors that are meant for the user's eyes."""

    def __str__(self) -> str:
        """Return the message; names in it may come from a hostile file, so it holds only text."""
        return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", super().__str__())


class InputError(GalexplorerError):
    """A file or table cannot be read, or is not what it claims to be."""


class ScaleError(InputError):
    """An image does not say how large its pixels are: only the user can."""


class ZeroPointError(InputError):
    """An image does not say, or not clearly, what its values mean: only the user can."""


class BandsError(InputError):
    """Files do not say which of them is g, r or i, or one of the three is not there yet."""


class TargetError(GalexplorerError):
    """No galaxy can be found or measured where it was asked for."""


class OptionError(GalexplorerError):
    """An option is out of range, or contradicts another."""


class WeightsError(GalexplorerError):
    """The model's files are missing, damaged, or of another version."""


class DataError(GalexplorerError):
    """Training or evaluation data are missing or unusable."""


class FetchError(GalexplorerError):
    """A service on the network gave no usable answer."""


class InterruptionError(GalexplorerError):
    """Ctrl-C or the system ended a command, which kept what was done.

    Parameters
    ----------
    message : str
        What was kept, and how to go on.
    signal : int
        Number of the signal that came.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal
