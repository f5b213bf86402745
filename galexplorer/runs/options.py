"""How the galaxies of a run are inferred: what is stated of all of them, checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from galexplorer.errors import InputError
from galexplorer.inference.detection import check_detected
from galexplorer.inference.options import check_options
from galexplorer.inference.prior import Prior, RedshiftPrior, choose_prior, gaussian


@dataclass(frozen=True)
class Options:
    """How every galaxy is inferred.

    Attributes
    ----------
    redshift_range : tuple of float or None
        Prior range of the redshift of galaxies whose redshift is not fixed.
    draws, seed : int
    prior : RedshiftPrior or None
        Of the redshift of these galaxies.
    detected : tuple of str
        Lines that the spectra of all are known to show.
    """

    redshift_range: tuple[float, float] | None
    draws: int
    seed: int
    prior: RedshiftPrior | None = None
    detected: tuple[str, ...] = ()

    def prior_of(self, own: tuple[float, float] | None) -> RedshiftPrior | None:
        """Return the redshift prior of a row: its own mean and standard deviation, or that of all.

        Raises
        ------
        InputError
            If it has one of the two alone.
        """
        if own is None or all(map(math.isnan, own)):
            return self.prior
        if any(map(math.isnan, own)):
            raise InputError("Its redshift prior needs both a mean and a standard deviation.")
        return gaussian(*own)

    def tell(self) -> dict:
        """Return them as the provenance of a table tells them."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "redshift_range": self.redshift_range and list(self.redshift_range),
            "redshift_prior": self.prior and self.prior.sha256,
            "detected": list(self.detected),
        }


def choose_options(
    redshift_range: tuple[float, float] | None,
    prior: Prior | None,
    detected: Sequence[str],
    draws: int,
    seed: int,
) -> Options:
    """Check what is stated of all galaxies of a run.

    Parameters
    ----------
    redshift_range, prior, detected, draws, seed
        As of `galexplorer.inference.engine.Engine.infer`.

    Raises
    ------
    OptionError
        If one is out of range, or the prior is zero in the redshift range.
    InputError
        If the prior cannot be read.
    """
    check_options(None, redshift_range, draws, seed)
    known = choose_prior(prior, None, redshift_range)
    return Options(redshift_range, draws, seed, known, check_detected(detected))
