"""One target of a list: resolved, fetched, inferred; a failure is recorded, not raised."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galexplorer.catalogue.row_redshift import RowRedshift
from galexplorer.errors import GalexplorerError, TargetError
from galexplorer.inference.observe import observe, observe_fetched
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

    @property
    def known_redshift(self) -> float | None:
        """Return the published redshift: what was found with the target, or else its list's."""
        found = self.result.known.get("redshift") if self.result is not None else None
        return self.target.known_redshift if found is None else found

    @property
    def position(self) -> tuple[float | None, float | None]:
        """Return RA and Dec in degrees: where it was found, else as the list states them."""
        return self.target.position if self.ra is None else (self.ra, self.dec)

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
    stated = RowRedshift(target.redshift, target.redshift_range, target.redshift_prior)
    limits, prior = options.redshift_of(stated)
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
        redshift_range=None if limits == TARGETS[0].bounds else limits,
        prior=prior,
        detected=options.detected,
        draws=options.draws,
        seed=options.seed,
    )
    noted = replace(result, notes=(*target.notes, *result.notes))
    return Outcome(target, noted, ra=ra, dec=dec)
