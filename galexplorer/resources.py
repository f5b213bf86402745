"""What there is to work with: files that come with the package, and cores."""

import os
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


def count_cores() -> int:
    """Return the number of cores that this process may use.

    Returns
    -------
    int

    Examples
    --------
    >>> count_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
