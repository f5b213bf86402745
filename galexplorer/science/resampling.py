"""Draws again from draws, each as often as its weight says."""

import numpy as np
from jaxtyping import Float


def resample(
    samples: Float[np.ndarray, "n draws k"], log_weight: Float[np.ndarray, "n draws"]
) -> tuple[Float[np.ndarray, "n draws k"], Float[np.ndarray, " n"]]:
    """Draw again from the draws of each row, as many.

    Draws are repeated or left out in turn (systematic resampling: Kitagawa 1996,
    doi:10.1080/10618600.1996.10474692), so that no randomness is added.

    Parameters
    ----------
    samples : ndarray, shape (n, draws, k)
    log_weight : ndarray, shape (n, draws)
        Natural logarithms; that of a weight of zero is -inf.

    Returns
    -------
    samples : ndarray, shape (n, draws, k)
    effective : ndarray, shape (n,)
        Effective sample size over the number of draws (Kish 1965).

    Raises
    ------
    ValueError
        If a row has a weight that is no number, or none above zero.

    Examples
    --------
    >>> samples = np.array([[[1.0], [2.0], [3.0], [4.0]]])
    >>> found, effective = resample(samples, np.log([[1.0, 1.0, 1e-9, 1e-9]]))
    >>> found.ravel().tolist(), effective.round(2).tolist()
    ([1.0, 1.0, 2.0, 2.0], [0.5])
    """
    if not np.isfinite(log_weight.max(axis=1)).all():
        raise ValueError("weights have to be finite, and some of each row above zero")
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    effective = weight.sum(axis=1) ** 2 / (weight**2).sum(axis=1) / weight.shape[1]
    share = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    even = (np.arange(weight.shape[1]) + 0.5) / weight.shape[1]
    rows = [
        own[np.searchsorted(below, even).clip(max=len(own) - 1)]
        for own, below in zip(samples, share, strict=True)
    ]
    return np.stack(rows), effective
