"""What a row of a table states of its redshift: a value, a range, a prior."""

from typing import NamedTuple

import numpy as np

from galexplorer.catalogue.columns import Catalogue

Pair = tuple[float | None, float | None]
"""Two numbers, of which a row may have one alone."""


class RowRedshift(NamedTuple):
    """What a row states of its redshift.

    Attributes
    ----------
    fixed : float or None
        To be held fixed; NaN where what stands there is no number.
    limits : tuple or None
        Least and largest redshift; None for what is not stated, and for both.
    prior : tuple or None
        Mean and standard deviation of a Gaussian, likewise.
    """

    fixed: float | None = None
    limits: Pair | None = None
    prior: Pair | None = None


def read_redshift(catalogue: Catalogue, row: int) -> RowRedshift:
    """Return what a row states of its redshift, as it stands there.

    Parameters
    ----------
    catalogue : Catalogue
    row : int
    """
    fixed = float(catalogue.redshift[row])
    stated = np.isfinite(fixed) or "unreadable:redshift" in str(catalogue.flags[row]).split(";")
    return RowRedshift(
        fixed if stated else None,
        _pair(catalogue.redshift_min[row], catalogue.redshift_max[row]),
        None if catalogue.redshift_prior is None else _pair(*catalogue.redshift_prior[row]),
    )


def _pair(first: float, second: float) -> Pair | None:
    given = tuple(None if np.isnan(number) else float(number) for number in (first, second))
    return None if given == (None, None) else (given[0], given[1])
