"""What a value of each quantity may be, and what surveys write where they have none."""

import numpy as np

from galexplorer.schema import BANDS, TARGETS

ERRORS = tuple(f"err_{band}" for band in BANDS)
PETRO_BANDS = tuple(f"petro_{band}" for band in BANDS)
MAGNITUDES = frozenset((*BANDS, *ERRORS, *PETRO_BANDS))

# Closed intervals; a value outside one is taken as missing, and its row says so.
LIMITS = {
    "ra": (-180.0, 360.0),
    "dec": (-90.0, 90.0),
    **dict.fromkeys(BANDS, (5.0, 30.0)),
    **dict.fromkeys(ERRORS, (1e-6, 10.0)),
    **dict.fromkeys(PETRO_BANDS, (5.0, 30.0)),
    "petro_r50": (0.05, 3600.0),
    "petro_r90": (0.05, 3600.0),
    # what lies beyond the model is judged row by row, where it is inferred
    "redshift": (-np.inf, np.inf),
    **dict.fromkeys(("redshift_min", "redshift_max"), (-np.inf, np.inf)),
    "redshift_prior_mean": (-10.0, 10.0),
    "redshift_prior_sigma": (1e-6, 10.0),
    "pixel_scale": (0.01, 60.0),
}
MODEL_REDSHIFTS = TARGETS[0].bounds

# 99 and 0 mean it for magnitudes, not for angles; -1 and -9 for redshifts.
SENTINELS = (-9999.0, -999.0, -99.9, -99.0, 1e20, -1e20)
MAGNITUDE_SENTINELS = (*SENTINELS, 99.0, 99.9, 99.99, 999.0, 9999.0, 0.0)
REDSHIFT_SENTINELS = (*SENTINELS, -1.0, -9.0, -9.99, -99.99, -1234.0, 99.0, 999.0, 9999.0)


def sentinels_of(name: str) -> tuple[float, ...]:
    """Return the numbers that mean "no value" in a column of this quantity."""
    if name in MAGNITUDES:
        return MAGNITUDE_SENTINELS
    return REDSHIFT_SENTINELS if name.startswith("redshift") else SENTINELS


def clear_sentinels(values: np.ndarray, name: str) -> np.ndarray:
    """Return the values with NaN where a sentinel stood."""
    values = values.copy()
    # Single precision turns -99.9 into -99.9000015.
    for sentinel in sentinels_of(name):
        values[np.isclose(values, sentinel, rtol=1e-6, atol=0)] = np.nan
    return values


def clear_fluxes(fluxes: np.ndarray) -> np.ndarray:
    """Clear sentinels of fluxes, among which negative numbers are values."""
    cleared = fluxes.copy()
    cleared[np.isin(cleared, SENTINELS) | (np.abs(cleared) >= 1e19)] = np.nan
    return cleared


def check(name: str, values: np.ndarray | None, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Replace sentinels and impossible values by NaN; return which were the latter."""
    if values is None:
        return np.full(n, np.nan), np.zeros(n, bool)
    values = clear_sentinels(values, name)
    low, high = LIMITS[name]
    wrong = np.isfinite(values) & ((values < low) | (values > high))
    values[wrong] = np.nan
    return values, wrong
