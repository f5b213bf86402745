"""Figures of merit of posteriors against known values."""

import numpy as np

LEVELS = (0.50, 0.68, 0.90, 0.95)


def point_metrics(truth: np.ndarray, median: np.ndarray) -> dict[str, float]:
    """Return R2, RMSE and bias of posterior medians; arrays of shape (n,)."""
    residual = median - truth
    spread = np.sum((truth - truth.mean()) ** 2)
    return {
        "r2": float(1 - np.sum(residual**2) / spread) if spread > 0 else float("nan"),
        "rmse": float(np.sqrt(np.mean(residual**2))),
        "bias": float(np.mean(residual)),
    }


def redshift_metrics(truth: np.ndarray, median: np.ndarray) -> dict[str, float]:
    """Return the scatter and outlier fraction of dz = (z_p - z_s) / (1 + z_s).

    ``sigma_mad`` is 1.4826 times the median absolute deviation; outliers have |dz| > 0.05.
    """
    dz = (median - truth) / (1 + truth)
    return {
        "sigma_mad": float(1.4826 * np.median(np.abs(dz - np.median(dz)))),
        "outliers": float(np.mean(np.abs(dz) > 0.05)),
    }


def pit(truth: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return the probability integral transform: the share of draws below the truth.

    Parameters
    ----------
    truth : ndarray, shape (n,)
    draws : ndarray, shape (n, d)

    Returns
    -------
    ndarray, shape (n,)
        Uniform where the posteriors are calibrated.
    """
    return (draws < truth[:, None]).mean(axis=1)


def coverage(values: np.ndarray) -> dict[str, float]:
    """Return how often central intervals of each nominal level hold the truth, from PIT values."""
    return {
        f"coverage_{round(100 * level)}": float(np.mean(np.abs(values - 0.5) <= level / 2))
        for level in LEVELS
    }


def kolmogorov_smirnov(values: np.ndarray) -> float:
    """Return the largest distance of the PIT's distribution from the uniform one."""
    ordered = np.sort(values)
    steps = np.arange(1, len(ordered) + 1) / len(ordered)
    return float(
        np.max(np.maximum(np.abs(steps - ordered), np.abs(steps - 1 / len(ordered) - ordered)))
    )


def crps(truth: np.ndarray, draws: np.ndarray) -> float:
    """Return the mean continuous ranked probability score (Gneiting & Raftery 2007).

    Uses the draws' order statistics: E|X - y| - E|X - X'| / 2.
    """
    ordered = np.sort(draws, axis=1)
    count = ordered.shape[1]
    distance = np.mean(np.abs(ordered - truth[:, None]), axis=1)
    weight = 2 * np.arange(1, count + 1) - count - 1
    spread = np.sum(weight * ordered, axis=1) / (count * (count - 1))
    return float(np.mean(distance - spread))


def score(truth: np.ndarray, draws: np.ndarray, redshift: bool = False) -> dict[str, float]:
    """Return every figure for one target; rows without a truth are left out.

    Parameters
    ----------
    truth : ndarray, shape (n,)
    draws : ndarray, shape (n, d)
    redshift : bool
        Add the metrics of photometric redshifts.
    """
    good = np.isfinite(truth)
    truth, draws = truth[good], draws[good]
    if len(truth) < 10:
        return {"rows": len(truth)}
    median = np.median(draws, axis=1)
    values = pit(truth, draws)
    figures: dict[str, float] = {"rows": len(truth), **point_metrics(truth, median)}
    if redshift:
        figures |= redshift_metrics(truth, median)
    figures |= coverage(values)
    return figures | {"pit_ks": kolmogorov_smirnov(values), "crps": crps(truth, draws)}
