"""Joint posteriors of galaxy properties from one image or from photometry alone.

>>> import galexplorer as gx
>>> result = gx.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, redshift=0.05)
>>> result.draws["log_stellar_mass"].shape
(5000,)

Nothing heavy is loaded before the first of these names is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from galexplorer.version import __version__

if TYPE_CHECKING:
    from galexplorer.api.engine import Engine, infer, load
    from galexplorer.api.inputs import observe
    from galexplorer.api.result import Result
    from galexplorer.api.services import fetch
    from galexplorer.errors import GalexplorerError

__all__ = [
    "Engine",
    "GalexplorerError",
    "Result",
    "__version__",
    "fetch",
    "infer",
    "load",
    "observe",
]

_HOMES = {
    **dict.fromkeys(("Engine", "infer", "load"), "galexplorer.api.engine"),
    "fetch": "galexplorer.api.services",
    "observe": "galexplorer.api.inputs",
    "Result": "galexplorer.api.result",
    "GalexplorerError": "galexplorer.errors",
}


def __getattr__(name: str) -> object:
    """Load a public name where it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
