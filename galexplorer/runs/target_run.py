"""One target of a list: resolved, fetched, inferred; a failure is recorded, not raised."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galexplorer.errors import GalexplorerError, TargetError
from galexplorer.inference.observe import observe, observe_fetched
from galexplorer.inference.prior import RedshiftPrior
from galexplorer.query.target_list import Target
from galexplorer.records.result import Result
from galexplorer.runs.options import Options
from galexplorer.schema import TARGETS

if TYPE_CHECKING:
    import galexplorer.sky.http
    from galexplorer.inference.engine import Engine

DRAWS = 1000
OPTIONS = Options(None, DRAWS, 0)
INTERRUPTED = "interrupted"
"""Problem of a target whose turn had not come when a run was stopped."""

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
    options: Options = OPTIONS,
    progress: Progress = lambda words: None,
    settings: "galexplorer.sky.http.Settings | None" = None,
) -> Outcome:
    """Infer one target; a failure is recorded in the outcome, not raised.

    Parameters
    ----------
    target : Target
    load_engine : callable
        Returns the engine; called once pixels are there.
    images : bool
        Fetch the image of a target that has magnitudes of its own; False infers it from those,
        without a network.
    options : Options
        What is stated of the redshift counts where the target has none that is held fixed: the
        range within its own, the prior where it has none of its own.
    progress : callable
        Is told what happens next, a few words each time.
    settings : Settings, optional
        Limits of the network, and where the cache is.

    Returns
    -------
    Outcome
    """
    try:
        return _infer(target, load_engine, images, options, progress, settings)
    except GalexplorerError as error:
        return Outcome(target, problem=str(error))


def _infer(
    target: Target,
    load_engine: "Callable[[], Engine]",
    images: bool,
    options: Options,
    progress: Progress,
    settings: "galexplorer.sky.http.Settings | None",
) -> Outcome:
    ra: float | None = None
    dec: float | None = None
    # before anything is fetched: a redshift that is stated is never left out
    low, high = TARGETS[0].bounds
    if target.redshift is not None and math.isnan(target.redshift):
        raise TargetError("Its redshift is not a number: correct it, or leave it empty.")
    if target.redshift is not None and not low < target.redshift <= high:
        raise TargetError(
            f"Its redshift {target.redshift:g} is outside the model's range, {low:g} to {high:g}: "
            "leave it empty to have it inferred."
        )
    limits, prior = _prior_of(target, options)
    if target.photometry is not None and (not images or not target.text):
        observation = observe(None, target.photometry)
    elif target.text:
        from galexplorer.sky.fetch import fetch_target  # clients of services: only where asked

        fetched = fetch_target(target.text, progress, settings=settings)
        ra, dec = fetched.ra, fetched.dec
        observation = observe_fetched(fetched, target.photometry)
    else:
        raise TargetError(
            "The row has neither a name nor a position nor a magnitude: give one of them."
        )
    progress("inferring")
    result = load_engine().infer(
        observation,
        redshift=target.redshift,
        redshift_range=limits,
        prior=prior,
        detected=options.detected,
        draws=options.draws,
        seed=options.seed,
    )
    noted = replace(result, notes=(*target.notes, *result.notes))
    return Outcome(target, noted, ra=ra, dec=dec)


def _prior_of(
    target: Target, options: Options
) -> tuple[tuple[float, float] | None, RedshiftPrior | None]:
    """Return range and prior of a target's redshift, none where that is fixed."""
    if target.redshift is not None:
        return None, None
    low, high = options.redshift_range or TARGETS[0].bounds
    own = target.redshift_range or (low, high)
    first, last = max(low, own[0]), min(high, own[1])
    if not first < last:
        raise TargetError(
            f"Its redshift range {own[0]:g} to {own[1]:g} has nothing in common with {low:g} to "
            f"{high:g}: correct it, or leave it empty."
        )
    prior = options.prior_of(target.redshift_prior)
    return None if (first, last) == TARGETS[0].bounds else (first, last), prior
