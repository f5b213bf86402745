"""How far apart two galaxies are in each target, from the draws of their posteriors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from galexplorer.records.result import Result
from galexplorer.schema import SUMMARY_QUANTILES, TARGET_NAMES
from galexplorer.science.summary import format_number, not_measurable

INDEPENDENT = (
    "The posteriors are taken as independent: errors of the model that both share are not in these "
    "numbers."
)
"""What a reader of these numbers has to know."""

_GRID = 256
"""Quantiles of each posterior behind the quantiles of their difference."""
_LEAST = 0.01
"""Probabilities are told to this, which thousands of draws justify."""


@dataclass(frozen=True)
class Contrast:
    """One target of a first galaxy less that of a second.

    Attributes
    ----------
    quantiles : dict of str to float
        Of the difference, in the target's unit, by ``galexplorer.schema.SUMMARY_QUANTILES``.
    p_greater : float
        Probability that the first galaxy has the larger value.
    """

    quantiles: dict[str, float]
    p_greater: float

    @property
    def spreads(self) -> float:
        """The median difference in units of half its 68% interval, the combined spread."""
        low, middle, high = (self.quantiles[key] for key in ("p16", "p50", "p84"))
        return abs(middle) / (0.5 * (high - low))


def contrast_draws(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " m"]) -> Contrast:
    """Return the difference between two independent quantities.

    Every draw of the one meets every draw of the other, so that the order of the draws does not
    matter. The probability is the statistic of Mann & Whitney (1947, Ann. Math. Statist. 18, 50),
    U / (n m), exact for the draws.

    Parameters
    ----------
    first, second : ndarray, shape (n,) and (m,)
        Finite; one of them may be constant.

    Examples
    --------
    >>> found = contrast_draws(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.5]))
    >>> round(found.p_greater, 3)
    0.667
    """
    first, ordered = first.astype(np.float64), np.sort(second.astype(np.float64))
    below = np.searchsorted(ordered, first, "left") + np.searchsorted(ordered, first, "right")
    steps = (np.arange(_GRID) + 0.5) / _GRID
    apart = np.subtract.outer(np.quantile(first, steps), np.quantile(ordered, steps))
    found = np.quantile(apart, list(SUMMARY_QUANTILES.values())).tolist()
    quantiles = dict(zip(SUMMARY_QUANTILES, found, strict=True))
    return Contrast(quantiles, float(below.mean() / (2 * len(ordered))))


def contrast(first: Result, second: Result) -> dict[str, Contrast]:
    """Return the difference between two galaxies in each target that has one.

    Parameters
    ----------
    first, second : Result
        Of two galaxies: two results of one galaxy rest on the same data, and are not independent.

    Returns
    -------
    dict of str to Contrast
        Without the targets that are fixed in both, or not measurable in one; empty where the
        verdict is not to use one of them.
    """
    if not (first.verdict.usable and second.verdict.usable):
        return {}
    found = {}
    for name in TARGET_NAMES:
        columns = [result.posterior.column(name) for result in (first, second)]
        hidden = any(not_measurable(result, name) for result in (first, second))
        if hidden or not all(np.isfinite(column).all() for column in columns):
            continue
        if any(np.ptp(column) > 0 for column in columns):
            found[name] = contrast_draws(*columns)
    return found


def describe_probability(p: float) -> str:
    """Return a probability with no more digits than thousands of draws justify.

    Examples
    --------
    >>> describe_probability(0.9996), describe_probability(0.368), describe_probability(0.0)
    ('> 0.99', '0.37', '< 0.01')
    """
    if p < _LEAST:
        return f"< {_LEAST:g}"
    return f"> {1 - _LEAST:g}" if p > 1 - _LEAST else format_number(p, 2)
