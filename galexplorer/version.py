"""The version of the package, the one place that names it, and those of what it computes with."""

from functools import cache
from importlib import metadata

__version__ = "0.2.0"


def versions() -> dict[str, str]:
    """Return the versions of what made a result."""
    packages = {name: _version(name) for name in ("torch", "nflows", "numpy", "astropy")}
    return {"galexplorer": __version__, **packages}


@cache
def _version(package: str) -> str:
    return metadata.version(package)  # reads and parses a file
