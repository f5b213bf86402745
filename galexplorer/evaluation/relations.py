"""Scaling relations of the known values, and of the posterior draws of the same galaxies.

Bins are of the drawn mass for draws and of the known mass for known values: where posteriors
are right, both trace one relation, scatter included.
"""

import numpy as np

from galexplorer.schema import TARGET_NAMES

MASS_BINS = np.arange(8.5, 11.76, 0.25)
_MIN_GALAXIES = 12
_STAR_FORMING_LOG_SSFR = -11.0

RELATIONS = {
    "mass-metallicity": ("gas_metallicity", "Gas-phase metallicity of galaxies with a known one"),
    "main sequence": ("log_sfr", "Star-formation rate above log sSFR = −11"),
    "black hole-mass": ("log_bh_mass", "Black-hole mass through M–σ"),
}


def scaling_relations(truth: np.ndarray, draws: np.ndarray) -> dict[str, dict]:
    """Return medians and 68% ranges in bins of stellar mass.

    Parameters
    ----------
    truth : ndarray, shape (n, 9)
        NaN where unknown.
    draws : ndarray, shape (n, d, 9)

    Returns
    -------
    dict
        By relation: ``mass`` (bin centres), ``known`` and ``drawn``, each with ``p16``, ``p50``,
        ``p84`` (None in bins with too few galaxies), and ``offset``: the RMS difference of the
        medians, dex.
    """
    mass_column = TARGET_NAMES.index("log_stellar_mass")
    out = {}
    for relation, (name, _) in RELATIONS.items():
        k = TARGET_NAMES.index(name)
        rows = np.isfinite(truth[:, mass_column]) & np.isfinite(truth[:, k])
        known_mass, known = truth[rows, mass_column], truth[rows, k]
        mass, value = (draws[rows, :, j].ravel() for j in (mass_column, k))
        if name == "log_sfr":
            forming = known - known_mass > _STAR_FORMING_LOG_SSFR
            known_mass, known = known_mass[forming], known[forming]
            forming = value - mass > _STAR_FORMING_LOG_SSFR
            mass, value = mass[forming], value[forming]
        bins = {
            "known": _binned(known_mass, known, _MIN_GALAXIES),
            "drawn": _binned(mass, value, _MIN_GALAXIES * draws.shape[1]),
        }
        pairs = [
            (a, b)
            for a, b in zip(bins["known"]["p50"], bins["drawn"]["p50"], strict=True)
            if a is not None and b is not None
        ]
        if len(pairs) < 3:
            continue
        difference = np.diff(np.array(pairs), axis=1)
        out[relation] = {
            "mass": (0.5 * (MASS_BINS[:-1] + MASS_BINS[1:])).tolist(),
            **bins,
            "offset": float(np.sqrt(np.mean(difference**2))),
        }
    return out


def tremonti2004(log_mass: np.ndarray) -> np.ndarray:
    """Return 12 + log(O/H) of the mass-metallicity relation (Tremonti et al. 2004, eq. 3).

    Valid for 8.5 < log M < 11.5; NaN elsewhere.
    """
    m = np.asarray(log_mass, float)
    return np.where((m > 8.5) & (m < 11.5), -1.492 + 1.847 * m - 0.08026 * m**2, np.nan)


def _binned(mass: np.ndarray, value: np.ndarray, least: int) -> dict[str, list[float | None]]:
    index = np.digitize(mass, MASS_BINS) - 1
    rows: list[list[float | None]] = []
    for k in range(len(MASS_BINS) - 1):
        inside = value[index == k]
        enough = len(inside) >= least
        quantiles = np.quantile(inside, [0.16, 0.5, 0.84]).tolist() if enough else [None] * 3
        rows.append(quantiles)
    return {name: [row[j] for row in rows] for j, name in enumerate(("p16", "p50", "p84"))}
