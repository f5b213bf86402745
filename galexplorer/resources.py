"""Where the files lie that come with the package: weights, examples, settings of the app."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """Return the path of a file or folder that comes with the package.

    An installed package holds them itself; in a checkout they stand beside it, at the top.

    Parameters
    ----------
    name : str
        Such as ``"weights"`` or ``"assets/examples"``.

    Returns
    -------
    Path
        It need not exist.
    """
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
