"""Joint posterior draws of the nine targets."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from galexplorer.schema import SUMMARY_QUANTILES, TARGET_NAMES


@dataclass(frozen=True)
class Posterior:
    """Joint posterior draws.

    Attributes
    ----------
    draws : ndarray, shape (n, 9), float32
        Columns in the order of `galexplorer.schema.TARGET_NAMES`.
    fixed : tuple of str
        Targets that the user fixed; their column is constant.
    """

    draws: Float[np.ndarray, "n 9"]
    fixed: tuple[str, ...] = ()

    def column(self, name: str) -> Float[np.ndarray, " n"]:
        """Return the draws of one target.

        Parameters
        ----------
        name : str
            Of the target.

        Returns
        -------
        ndarray, shape (n,)
        """
        return self.draws[:, TARGET_NAMES.index(name)]

    def summary(self) -> dict[str, dict[str, float]]:
        """Return quantiles, mean and standard deviation of every target.

        Returns
        -------
        dict of str to dict of str to float
            By target, then by `galexplorer.schema.SUMMARY_STATISTICS`.
        """
        draws = self.draws.astype(np.float64)
        quantiles = np.quantile(draws, list(SUMMARY_QUANTILES.values()), axis=0)
        mean, std = draws.mean(axis=0), draws.std(axis=0)
        return {
            name: {
                **{key: float(quantiles[k, j]) for k, key in enumerate(SUMMARY_QUANTILES)},
                "mean": float(mean[j]),
                "std": float(std[j]),
            }
            for j, name in enumerate(TARGET_NAMES)
        }
