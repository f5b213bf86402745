"""Every error a user can meet, one family.

The message of each is one sentence that says what is wrong and what to do; the
command line prints it on one line and the app shows it as it stands.
"""


class GalexplorerError(Exception):
    """Base of all errors that are meant for the user's eyes."""


class InputError(GalexplorerError):
    """A file or table cannot be read, or is not what it claims to be."""


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
