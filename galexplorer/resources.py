"""Where the files lie that come with the package: weights, examples, the app and its settings."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "bundled"
"""In an installed package, what a checkout has beside the package, at the top."""


def bundled(name: str) -> Path:
    """Return the path of a file or folder that comes with the package.

    Parameters
    ----------
    name : str
        As in a checkout: ``"weights"``, ``"assets/examples"``, ``"app.py"``.

    Returns
    -------
    Path
        It need not exist.

    Examples
    --------
    >>> bundled("assets/examples/spiral.fits.gz").is_file()
    True
    """
    return (_INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent) / name
