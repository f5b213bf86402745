"""How the galaxies of a run are inferred: what is stated of all of them, checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from galexplorer.catalogue.row_redshift import Pair, RowRedshift
from galexplorer.errors import InputError
from galexplorer.inference.detection import check_detected
from galexplorer.inference.options import check_options
from galexplorer.inference.prior import (
    Prior,
    RedshiftPrior,
    check_within,
    choose_prior,
    gaussian,
)
from galexplorer.schema import TARGETS


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

    def redshift_of(self, own: RowRedshift) -> tuple[tuple[float, float], RedshiftPrior | None]:
        """Return prior range and prior of the redshift of a row.

        Parameters
        ----------
        own : RowRedshift
            What the row itself states: its range counts within that of all, its prior in place of
            that of all.

        Returns
        -------
        tuple of float
            The model's own range where the redshift is held fixed.
        RedshiftPrior or None
            None likewise.

        Raises
        ------
        InputError
            If the redshift is no number or one that the model does not know, the range has nothing
            in common with that of all, or the prior is one number alone.
        OptionError
            If the prior is zero in the range.
        """
        bounds = TARGETS[0].bounds
        if own.fixed is not None:
            if math.isnan(own.fixed):
                raise InputError("Its redshift is not a number: correct it, or leave it empty.")
            if not bounds[0] < own.fixed <= bounds[1]:
                raise InputError(
                    f"Its redshift {own.fixed:g} is outside the model's range, {bounds[0]:g} to "
                    f"{bounds[1]:g}: leave it empty to have it inferred."
                )
            return bounds, None
        limits = self._range_within(own.limits or (None, None))
        prior = self.prior
        if own.prior is not None:
            mean, sigma = own.prior
            if mean is None or sigma is None:
                raise InputError("Its redshift prior needs both a mean and a standard deviation.")
            prior = gaussian(mean, sigma)
        if prior is not None:
            check_within(prior, *limits)
        return limits, prior

    def _range_within(self, own: Pair) -> tuple[float, float]:
        low, high = self.redshift_range or TARGETS[0].bounds
        first = low if own[0] is None else max(low, own[0])
        last = high if own[1] is None else min(high, own[1])
        if not first < last:
            words = " to ".join("..." if limit is None else f"{limit:g}" for limit in own)
            raise InputError(
                f"Its redshift range {words} has nothing in common with {low:g} to {high:g}: "
                "correct it, or leave it empty."
            )
        return first, last

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
