"""What the posteriors are compared with: gradient boosting, and a Gaussian around it.

Both learn from the training rows of the same split and are judged on the same held-out rows.
The Gaussian is homoscedastic: its mean is the boosted one, its covariance that of the boosted
means' residuals on validation rows. On a table that was cut in redshift it is cut there too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, logsumexp
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from galexplorer.datasets.shards import select
from galexplorer.evaluation.prediction import Mode, mask_inputs
from galexplorer.evaluation.samples.sample import Sample
from galexplorer.inference.noise import RedshiftRange, redshift_limits
from galexplorer.realism.apertures import measured_features
from galexplorer.schema import TARGETS

MIN_TRAINING_ROWS = 60


@dataclass(frozen=True)
class Baseline:
    """Boosted predictions for the test rows of one sample in one mode.

    Attributes
    ----------
    mean : ndarray, shape (n, 9)
        NaN for targets with too few training rows.
    sigma : ndarray, shape (9,)
        Standard deviation of the Gaussian, from validation rows.
    correlation : ndarray, shape (9, 9)
    redshift_range : tuple of float, ndarray of shape (n, 2), or None
    """

    mean: np.ndarray
    sigma: np.ndarray
    correlation: np.ndarray
    redshift_range: RedshiftRange | None

    def log_density(self, truth: np.ndarray) -> np.ndarray:
        """Return the Gaussian's log density at known values (n, 9), per unit of the target."""
        noise = (truth - self.mean) / self.sigma
        density = -0.5 * noise**2 - np.log(self.sigma) - 0.5 * math.log(2 * math.pi)
        low, high = redshift_limits(self.redshift_range, len(truth)).T
        ends = [(edge - self.mean[:, 0]) / self.sigma[0] for edge in (low, high)]
        density[:, 0] -= _log_share(*ends)
        return density

    def joint_log_density(self, truth: np.ndarray, columns: list[int]) -> np.ndarray:
        """Return the log density of several targets at once, shape (n,), without the cut."""
        noise = ((truth - self.mean) / self.sigma)[:, columns]
        matrix = self.correlation[np.ix_(columns, columns)]
        _, log_determinant = np.linalg.slogdet(matrix)
        quadratic = np.einsum("ni,ij,nj->n", noise, np.linalg.inv(matrix), noise)
        constant = len(columns) * math.log(2 * math.pi) + log_determinant
        return -0.5 * (quadratic + constant) - np.log(self.sigma[columns]).sum()


def fit(sample: Sample, mode: Mode, measured: np.ndarray | None, targets: list[int]) -> Baseline:
    """Train on the sample's training rows and predict its test rows.

    Parameters
    ----------
    sample : Sample
    mode : Mode
        Decides which numbers are given.
    measured : ndarray, shape (rows, f) or None
        `measured_features` of all rows; needed where the mode has images.
    targets : list of int
        Which to predict.

    Returns
    -------
    Baseline
    """
    number = len(TARGETS)
    given = features(sample, mode, measured)
    mean = np.full((len(sample.test), number), np.nan)
    folds = list(training_folds(sample))
    # of each fold's model: all left out the validation rows
    residual = np.full((len(folds), len(sample.validation), number), np.nan)
    for k in targets:
        if mode.fixed and k == 0:
            continue
        for fold, (train, judged) in enumerate(folds):
            taught = train[np.isfinite(sample.truth[train, k])]
            if len(taught) < MIN_TRAINING_ROWS:
                continue
            model = boosting().fit(given[taught], sample.truth[taught, k])
            guess = model.predict(given[sample.test[judged]])
            check = model.predict(given[sample.validation])
            if k == 0 and sample.redshift_range is not None:
                guess, check = (part.clip(*sample.redshift_range) for part in (guess, check))
            mean[judged, k] = guess
            residual[fold, :, k] = sample.truth[sample.validation, k] - check
    sigma, correlation = _spread(residual.reshape(-1, number))
    return Baseline(mean, sigma, correlation, sample.prior_range)


def training_folds(sample: Sample) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training rows, and which of the test rows (t,) they judge: once unless cross-fitted."""
    if sample.fold is None:
        yield sample.train, np.ones(len(sample.test), bool)
        return
    judged_by = sample.fold[sample.test]
    for fold in np.unique(judged_by):
        yield sample.train[sample.fold[sample.train] != fold], judged_by == fold


def boosting() -> HistGradientBoostingRegressor:
    """Return the regressor: 300 trees of twelve leaves."""
    return HistGradientBoostingRegressor(
        max_iter=300, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=12, random_state=0
    )


def fit_classes(
    sample: Sample, mode: Mode, measured: np.ndarray | None, classes: np.ndarray, number: int
) -> np.ndarray | None:
    """Return boosted class probabilities of the test rows, shape (n, number).

    Parameters
    ----------
    sample : Sample
    mode : Mode
    measured : ndarray or None
    classes : ndarray of int, shape (rows,)
        Class of each row; negative where unknown.
    number : int
        Number of classes.

    Returns
    -------
    ndarray or None
        None where there are too few training rows.
    """
    given = features(sample, mode, measured)
    out = np.zeros((len(sample.test), number))
    for rows, judged in training_folds(sample):
        train = rows[classes[rows] >= 0]
        if len(train) < MIN_TRAINING_ROWS or len(np.unique(classes[train])) < 2:
            return None
        model = HistGradientBoostingClassifier(
            max_iter=80, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=12, random_state=0
        )
        model.fit(given[train], classes[train])
        out[np.ix_(judged, model.classes_)] = model.predict_proba(given[sample.test[judged]])
    return out


def features(sample: Sample, mode: Mode, measured: np.ndarray | None) -> np.ndarray:
    """Return the features of all rows in a mode: the inputs that the posterior is given too."""
    rows = mask_inputs(sample.arrays, mode)
    columns = []
    if not mode.has_image or mode.mask.catalogue > 0:
        magnitudes = rows["catalogue_mag"]
        columns += [magnitudes, magnitudes[:, :-1] - magnitudes[:, 1:]]
        if mode.mask.petro > 0:
            radii = rows["catalogue_petro"]
            columns += [radii, radii[:, 1:] / radii[:, :1]]
        if mode.mask.petro_magnitudes > 0:
            columns += [rows["catalogue_petro_mag"], rows["catalogue_petro_mag"] - magnitudes]
    if mode.has_image:
        assert measured is not None
        columns.append(measured)
    if mode.fixed:
        columns.append(sample.truth[:, :1])
    given = np.concatenate(columns, axis=1).astype(float)
    return given[:, np.isfinite(given[sample.train]).any(axis=0)]


def measure_images(sample: Sample) -> np.ndarray | None:
    """Return `measured_features` of the rows of a sample that are used, NaN for the others."""
    if not any(mode.has_image for mode in sample.modes):
        return None
    used = np.concatenate([sample.train, sample.validation, sample.test])
    if len(used) == 0:
        return None
    found = measured_features(select(sample.arrays, used))
    out = np.full((len(sample.truth), found.shape[1]), np.nan)
    out[used] = found
    return out


def _spread(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return standard deviations and correlations of residuals with holes."""
    number = residual.shape[1]
    known = np.isfinite(residual)
    sigma = np.full(number, np.nan)
    for k in np.flatnonzero(known.sum(axis=0) >= 5):
        sigma[k] = np.sqrt(np.mean(residual[known[:, k], k] ** 2))
    scaled = np.where(known, residual, 0.0) / np.where(sigma > 0, sigma, 1.0)
    both = known.T.astype(float) @ known
    correlation = np.divide(
        scaled.T @ scaled, both, out=np.zeros((number, number)), where=both > 0
    ).clip(-0.98, 0.98)
    np.fill_diagonal(correlation, 1.0)
    return sigma, correlation


def _log_share(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the log of the standard normal's share between two edges, accurate in the tails."""
    flip = low > 0
    start, end = np.where(flip, -high, low), np.where(flip, -low, high)
    pair = np.stack([log_ndtr(end), log_ndtr(start)])
    return logsumexp(pair, axis=0, b=np.array([[1.0], [-1.0]]))
