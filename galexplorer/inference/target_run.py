"""One target of a list: looked up, fetched, inferred; a failure is an answer too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galexplorer.errors import GalexplorerError, TargetError
from galexplorer.inference.observe import observe, observe_fetched
from galexplorer.records.result import Result
from galexplorer.sky.fetch import fetch_target
from galexplorer.sky.http import Settings
from galexplorer.sky.target_list import Target

if TYPE_CHECKING:
    from galexplorer.inference.engine import Engine

DRAWS = 1000

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a target.

    Attributes
    ----------
    target : Target
    result : Result or None
        None after a failure.
    problem : str
        Why there is no result, in a sentence.
    ra, dec : float or None
        Degrees, where the target was found.
    """

    target: Target
    result: Result | None = None
    problem: str = ""
    ra: float | None = None
    dec: float | None = None

    def slim(self) -> "Outcome":
        """Return it without image and neighbours, so that hundreds fit in memory."""
        if self.result is None:
            return self
        return replace(self, result=replace(self.result, view=None, neighbours=(), latent=None))


def infer_target(
    target: Target,
    load_engine: "Callable[[], Engine]",
    *,
    images: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = lambda words: None,
    settings: Settings | None = None,
) -> Outcome:
    """Infer one target; whatever is wrong with it is said in the outcome and not raised.

    Parameters
    ----------
    target : Target
    load_engine : callable
        Returns the engine; called once pixels are there.
    images : bool
        Fetch the image of a target that has magnitudes of its own; False infers it from those,
        without a network.
    draws, seed : int
        As of `galexplorer.inference.engine.Engine.infer`.
    progress : callable
        Is told what happens next, a few words each time.
    settings : Settings, optional
        Limits of the network, and where the cache is.

    Returns
    -------
    Outcome
    """
    try:
        return _infer(target, load_engine, images, draws, seed, progress, settings)
    except GalexplorerError as error:
        return Outcome(target, problem=str(error))


def _infer(
    target: Target,
    load_engine: "Callable[[], Engine]",
    images: bool,
    draws: int,
    seed: int,
    progress: Progress,
    settings: Settings | None,
) -> Outcome:
    ra: float | None = None
    dec: float | None = None
    if target.photometry is not None and (not images or not target.text):
        observation = observe(None, target.photometry)
    elif target.text:
        fetched = fetch_target(target.text, progress, settings=settings)
        ra, dec = fetched.ra, fetched.dec
        observation = observe_fetched(fetched, target.photometry)
    else:
        raise TargetError(
            "The row has neither a name nor a position nor a magnitude: give one of them."
        )
    progress("inferring")
    result = load_engine().infer(observation, redshift=target.redshift, draws=draws, seed=seed)
    noted = replace(result, notes=(*target.notes, *result.notes))
    return Outcome(target, noted, ra=ra, dec=dec)
