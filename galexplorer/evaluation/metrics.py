"""Figures of merit of posteriors against known values, each with its bootstrap error."""

import numpy as np

LEVELS = (0.50, 0.68, 0.90, 0.95)
MIN_ROWS = 30
"""Fewest known values for which figures are given: with fewer, errors would dominate."""

PIT_BINS = 20
OUTLIER_DZ = 0.05
OUTLIER_SIGMA = 3.0


def point_metrics(truth: np.ndarray, mean: np.ndarray) -> dict[str, float]:
    """Return R2, RMSE and bias of posterior means; arrays of shape (n,).

    Of all points of a posterior the mean has the least squared error (Gneiting 2011,
    10.1198/jasa.2011.r10138), and it is what regressors fitted by squared error predict.
    """
    residual = mean - truth
    spread = np.sum((truth - truth.mean()) ** 2)
    return {
        "r2": float(1 - np.sum(residual**2) / spread) if spread > 0 else float("nan"),
        "rmse": float(np.sqrt(np.mean(residual**2))),
        "bias": float(np.mean(residual)),
    }


def scatter_metrics(truth: np.ndarray, median: np.ndarray, redshift: bool) -> dict[str, float]:
    """Return robust scatter and outlier fraction of posterior medians.

    ``sigma_mad`` is 1.4826 times the median absolute deviation of the residual, for a redshift
    of dz = (z_p - z_s) / (1 + z_s). Outliers have |dz| > 0.05 or, for the other targets, lie
    more than three sigma_mad from the median residual.
    """
    residual = (median - truth) / (1 + truth) if redshift else median - truth
    centred = residual - np.median(residual)
    sigma = 1.4826 * float(np.median(np.abs(centred)))
    far = np.abs(residual) > OUTLIER_DZ if redshift else np.abs(centred) > OUTLIER_SIGMA * sigma
    return {"sigma_mad": sigma, "outliers": float(np.mean(far))}


def redshift_metrics(truth: np.ndarray, median: np.ndarray) -> dict[str, float]:
    """Return `scatter_metrics` of redshifts."""
    return scatter_metrics(truth, median, redshift=True)


def pit(truth: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return the probability integral transform: the rank of the truth among the draws.

    The truth has one of d + 1 ranks among d draws; a rank counts by the middle of its share, so
    that no truth lies at 0 or 1 for want of draws.

    Parameters
    ----------
    truth : ndarray, shape (n,)
    draws : ndarray, shape (n, d)

    Returns
    -------
    ndarray, shape (n,)
        Uniform where the posteriors are calibrated.
    """
    return ((draws < truth[:, None]).sum(axis=1) + 0.5) / (draws.shape[1] + 1)


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


def crps_rows(truth: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of each row (Gneiting & Raftery 2007).

    Uses the draws' order statistics: E|X - y| - E|X - X'| / 2.
    """
    ordered = np.sort(draws, axis=1)
    count = ordered.shape[1]
    distance = np.mean(np.abs(ordered - truth[:, None]), axis=1)
    weight = 2 * np.arange(1, count + 1) - count - 1
    return distance - np.sum(weight * ordered, axis=1) / (count * (count - 1))


def crps(truth: np.ndarray, draws: np.ndarray) -> float:
    """Return the mean continuous ranked probability score."""
    return float(np.mean(crps_rows(truth, draws)))


def resamples(size: int, number: int = 200, seed: int = 0) -> np.ndarray:
    """Return bootstrap indices, shape (number, size)."""
    return np.random.default_rng(seed).integers(0, size, (number, size))


def point_errors(
    truth: np.ndarray, mean: np.ndarray, median: np.ndarray, redshift: bool, number: int
) -> dict[str, float]:
    """Return bootstrap errors of R2, RMSE and sigma_mad, keys ``<figure>_err``."""
    picks = resamples(len(truth), number)
    drawn = []
    for pick in picks:
        figures = point_metrics(truth[pick], mean[pick])
        spread = scatter_metrics(truth[pick], median[pick], redshift)
        drawn.append((figures["r2"], figures["rmse"], spread["sigma_mad"]))
    names = ("r2_err", "rmse_err", "sigma_mad_err")
    return {name: float(v) for name, v in zip(names, np.std(drawn, axis=0), strict=True)}


def score_points(
    truth: np.ndarray,
    mean: np.ndarray,
    median: np.ndarray,
    redshift: bool = False,
    bootstrap: int = 0,
) -> dict[str, float]:
    """Return every figure that needs no more than points for each row; shapes (n,).

    What predicts a single point gives it for mean and median.
    """
    figures: dict[str, float] = {"rows": len(truth), **point_metrics(truth, mean)}
    figures |= scatter_metrics(truth, median, redshift)
    if bootstrap:
        figures |= point_errors(truth, mean, median, redshift, bootstrap)
    return figures


def score(
    truth: np.ndarray,
    draws: np.ndarray,
    redshift: bool = False,
    log_density: np.ndarray | None = None,
    bootstrap: int = 0,
) -> dict:
    """Return every figure for one target; rows without a truth are left out.

    Parameters
    ----------
    truth : ndarray, shape (n,)
    draws : ndarray, shape (n, d)
    redshift : bool
        Judge scatter and outliers as is usual for photometric redshifts.
    log_density : ndarray, shape (n,), optional
        Log of the model's density at the truth, per unit of the target: its mean is the log score.
    bootstrap : int
        Number of bootstrap samples for the errors; 0 leaves errors out.

    Returns
    -------
    dict
        ``pit`` holds the share of truths in each of `PIT_BINS` equal bins; ``r2_median`` is that
        of the medians.
    """
    good = np.isfinite(truth)
    truth, draws = truth[good], draws[good]
    if len(truth) < MIN_ROWS:
        return {"rows": len(truth)}
    values = pit(truth, draws)
    mean, median = draws.mean(axis=1), np.median(draws, axis=1)
    figures: dict = score_points(truth, mean, median, redshift, bootstrap)
    figures["r2_median"] = point_metrics(truth, median)["r2"]
    figures |= coverage(values)
    figures["pit_ks"] = kolmogorov_smirnov(values)
    figures["pit"] = (np.histogram(values, PIT_BINS, (0, 1))[0] / len(values)).tolist()
    ranked = crps_rows(truth, draws)
    figures["crps"] = float(ranked.mean())
    if log_density is not None:
        figures["log_score"] = float(log_density[good].mean())
    if bootstrap:
        root = np.sqrt(len(truth))
        figures["crps_err"] = float(ranked.std() / root)
        if log_density is not None:
            figures["log_score_err"] = float(log_density[good].std() / root)
    return figures
