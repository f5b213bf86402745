"""Joint coverage, and the limits within which a posterior counts as calibrated."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from galexplorer.evaluation.metrics import LEVELS, kolmogorov_smirnov, resamples

ALPHA = np.linspace(0.0, 1.0, 21)
# three sigma: hundreds of figures are checked, and chance alone must fail hardly any
_SIGMAS = 3.0
_CRITICAL_KS = 1.82  # the same probability, Kolmogorov distribution times the root of the rows

HOLDS, WITHIN_NOISE, FAILS = "holds", "within noise", "fails"


@dataclass(frozen=True)
class Limits:
    """Largest deviations that count as calibrated.

    Attributes
    ----------
    coverage : float
        Of the share of truths within a central interval from its nominal level.
    pit_ks : float
        Kolmogorov-Smirnov distance of the PIT values from uniform.
    tarp : float
        Largest deviation of the joint expected coverage.
    """

    coverage: float = 0.02
    pit_ks: float = 0.03
    tarp: float = 0.03


RENDERED_LIMITS = Limits()
REAL_LIMITS = Limits(coverage=0.04, pit_ks=0.04, tarp=0.04)


@dataclass(frozen=True)
class Check:
    """One figure of calibration against its limit.

    Attributes
    ----------
    name : str
    value, limit : float
        Deviation found and deviation allowed.
    noise : float
        Deviation that perfect posteriors stay below in 997 of 1000 samples of this size.
    state : {"holds", "within noise", "fails"}
        Within noise: beyond the limit, yet no further than perfect posteriors would go.
    """

    name: str
    value: float
    limit: float
    noise: float
    state: str


def check_calibration(figures: Mapping, limits: Limits = RENDERED_LIMITS) -> list[Check]:
    """Hold the figures of one target, or of one joint test, against the limits.

    Parameters
    ----------
    figures : mapping
        What `galexplorer.evaluation.metrics.score` or `tarp` returns; checked where present.
    limits : Limits

    Returns
    -------
    list of Check
        A posterior passes where none of them fails.
    """
    rows = max(int(figures.get("rows", 0)), 1)
    checks = []
    for level in LEVELS:
        name = f"coverage_{round(100 * level)}"
        if name in figures:
            noise = _SIGMAS * float(np.sqrt(level * (1 - level) / rows))
            checks.append(_check(name, abs(figures[name] - level), limits.coverage, noise))
    for name, limit in (("pit_ks", limits.pit_ks), ("tarp_deviation", limits.tarp)):
        if name in figures:
            checks.append(_check(name, figures[name], limit, _CRITICAL_KS / np.sqrt(rows)))
    return checks


def passes(checks: list[Check]) -> bool:
    """Return whether no check fails."""
    return all(check.state != FAILS for check in checks)


def _check(name: str, value: float, limit: float, noise: float) -> Check:
    state = HOLDS if value <= limit else WITHIN_NOISE if value <= noise else FAILS
    return Check(name, float(value), limit, float(noise), state)


def tarp(
    truth: np.ndarray,
    draws: np.ndarray,
    references: np.ndarray | None = None,
    seed: int = 0,
    bootstrap: int = 200,
) -> dict:
    """Test the joint coverage with random points (TARP; Lemos et al. 2023, 2302.03026).

    For each galaxy a reference point is drawn; the share of draws nearer to it than the truth
    is uniform where the joint posterior is right. Targets are scaled by the spread of their
    known values; a target without a known value takes no part in that galaxy's distances.

    Parameters
    ----------
    truth : ndarray, shape (n, t)
        NaN where unknown.
    draws : ndarray, shape (n, d, t)
    references : ndarray, shape (n, t), optional
        Reference points; by default uniform over the range of the known values.
    seed : int
    bootstrap : int
        Samples for the band.

    Returns
    -------
    dict
        ``alpha``, ``coverage`` (expected coverage at each), ``low``, ``high`` (95% band of the
        bootstrap), ``tarp_deviation`` (largest distance from the diagonal over all levels, with
        ``tarp_deviation_err``) and ``rows``.
    """
    known = np.isfinite(truth)
    rows, columns = known.any(axis=1), known.any(axis=0)
    truth, known = truth[rows][:, columns], known[rows][:, columns]
    draws = draws[rows][:, :, columns]
    if references is None:
        # not the extremes, which a few wrong labels would set
        low, high = np.nanquantile(truth, [0.01, 0.99], axis=0)
        references = np.random.default_rng(seed).uniform(low, high, truth.shape)
    else:
        references = references[rows][:, columns]
    scale = np.nanstd(truth, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    weight = known / scale
    filled = np.where(known, truth, references)
    to_truth = np.sum((weight * (filled - references)) ** 2, axis=1)
    to_draws = np.sum((weight[:, None] * (draws - references[:, None])) ** 2, axis=2)
    nearer = np.mean(to_draws < to_truth[:, None], axis=1)
    ordered = np.sort(nearer)
    expected = np.searchsorted(ordered, ALPHA, side="right") / len(nearer)
    curves, deviations = [], []
    for pick in resamples(len(nearer), bootstrap, seed):
        part = np.sort(nearer[pick])
        curves.append(np.searchsorted(part, ALPHA, side="right") / len(part))
        deviations.append(kolmogorov_smirnov(part))
    band = np.quantile(curves, [0.025, 0.975], axis=0)
    return {
        "rows": len(nearer),
        "alpha": ALPHA.tolist(),
        "coverage": expected.tolist(),
        "low": band[0].tolist(),
        "high": band[1].tolist(),
        "tarp_deviation": kolmogorov_smirnov(ordered),
        "tarp_deviation_err": float(np.std(deviations)),
    }
