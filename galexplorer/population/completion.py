"""Imputation of missing values from rows that have them.

Boosting gives the mean, the residual of one similar donor galaxy the scatter (predictive mean
matching, Little 1988, 10.1080/07350015.1988.10509663): similar is who has the same predicted
values, and one donor serves all columns that are imputed together, so that their correlations
survive. Every fit leaves a record of its donors and residuals for the report.
"""

import logging

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors

from galexplorer.datasets.rows import TYPICAL_LINE_ERROR, black_hole_mass
from galexplorer.population import relations
from galexplorer.schema import BANDS, LINE_NAMES

log = logging.getLogger(__name__)

_NEIGHBOURS = 30
_FEWEST_DONORS = 100
_DONORS_PER_LEAF, _FEWEST_LEAVES, _MOST_LEAVES = 200, 4, 15


def impute(
    rows: pd.DataFrame,
    names: list[str],
    features: np.ndarray,
    rng: np.random.Generator,
    donors: np.ndarray | None = None,
    recipients: np.ndarray | None = None,
    anchor: str | None = None,
    similarity_features: np.ndarray | None = None,
    neighbours: int = _NEIGHBOURS,
) -> None:
    """Complete columns: boosted mean plus the residuals of one similar donor.

    Parameters
    ----------
    rows : pandas.DataFrame
        Changed in place; ``rows.attrs["fits"]`` gains the record of the fit.
    names : list of str
        Columns to impute together.
    features : ndarray, shape (n, f)
    rng : numpy.random.Generator
    donors, recipients : ndarray, shape (n,), bool, optional
        Rows that give and rows that may receive; by default those with and those without values.
    anchor : str, optional
        Column relative to which the values are predicted.
    similarity_features : ndarray, shape (n, m), optional
        More in which a donor has to be similar, besides the predicted values.
    neighbours : int
        How many similar donors there are to draw one from.
    """
    values = rows[names].to_numpy(float)
    known = np.isfinite(values).all(axis=1) if donors is None else donors
    missing = ~np.isfinite(values)
    if recipients is not None:
        missing &= recipients[:, None]
    wanted = missing.any(axis=1)
    if known.sum() < _FEWEST_DONORS or not wanted.any():
        log.warning("%s: %d donors, left as they are", names, known.sum())
        return
    offset = 0.0 if anchor is None else rows[anchor].to_numpy(float)[:, None]
    seed = int(rng.integers(2**31))
    train = (values - offset)[known]
    expected = np.empty_like(train)
    mean = np.empty((len(rows), len(names)))
    leaves = int(np.clip(len(train) // _DONORS_PER_LEAF, _FEWEST_LEAVES, _MOST_LEAVES))
    for j in range(len(names)):
        model = HistGradientBoostingRegressor(
            max_iter=150,
            learning_rate=0.07,
            max_leaf_nodes=leaves,
            min_samples_leaf=20,
            random_state=seed,
        )
        expected[:, j] = cross_val_predict(model, features[known], train[:, j], cv=5)
        model.fit(features[known], train[:, j])
        mean[:, j] = model.predict(features)
    _record(rows, names, values[known], train - expected, int(wanted.sum()))
    # out of fold a residual holds the fit's error beside the scatter, within the fit too little of
    # it; values imputed with the one are harder to predict than measured ones, with the other
    # easier
    residual = train - (expected + mean[known]) / 2
    # the scatter depends on what is predicted: star-forming galaxies are more alike than others
    others = np.empty((len(rows), 0)) if similarity_features is None else similarity_features
    width = np.r_[np.std(expected, axis=0), np.std(others[known], axis=0)] + 1e-9
    near = NearestNeighbors(n_neighbors=min(neighbours, int(known.sum())))
    near.fit(np.column_stack([expected, others[known]]) / width)
    places = np.column_stack([mean, others])[wanted] / width
    chosen = near.kneighbors(places, return_distance=False)
    donor = chosen[np.arange(len(chosen)), rng.integers(0, chosen.shape[1], len(chosen))]
    completed = (mean + offset)[wanted] + residual[donor]
    rows.loc[wanted, names] = np.where(missing[wanted], completed, values[wanted])


def _record(
    rows: pd.DataFrame, names: list[str], known: np.ndarray, residual: np.ndarray, completed: int
) -> None:
    for j, name in enumerate(names):
        fit = {
            "quantity": name,
            "donors": len(residual),
            "completed": completed,
            "bias": float(np.median(residual[:, j])),
            "rms": float(np.std(residual[:, j])),
            "mad": 1.4826 * float(np.median(np.abs(residual[:, j] - np.median(residual[:, j])))),
            "r2": 1 - float(np.var(residual[:, j]) / np.var(known[:, j])),
        }
        rows.attrs.setdefault("fits", []).append(fit)
        log.info("%(quantity)s: %(donors)d donors, rms %(rms).3f, R2 %(r2).2f", fit)


def impute_errors(rows: pd.DataFrame, rng: np.random.Generator) -> None:
    """Give magnitudes and lines without errors those of a row of like brightness."""
    for band in BANDS:
        brightness = rows[band].to_numpy(float)
        rows[f"err_{band}"] = _like(brightness, rows[f"err_{band}"].to_numpy(float), rng)
    for name in LINE_NAMES:
        column = name.removeprefix("log_flux_")
        flux = np.log10(np.maximum(np.abs(rows[column].to_numpy(float)), 1.0))
        rows[f"{column}_err"] = _like(flux, rows[f"{column}_err"].to_numpy(float), rng)


def impute_line_errors(
    rows: pd.DataFrame, donors: pd.DataFrame | None, rng: np.random.Generator
) -> None:
    """Give lines without an error that of a measured line of like flux in a galaxy of like r.

    With it an imputed line has the signal-to-noise ratio that a spectrum would have had, and
    cuts on that ratio select among imputed lines as they do among measured ones.

    Parameters
    ----------
    rows : pandas.DataFrame
        With log fluxes; ``<line>_err`` and ``<target>_snr`` are imputed in place.
    donors : pandas.DataFrame or None
        Galaxies with measured lines; without them the error is `TYPICAL_LINE_ERROR`.
    rng : numpy.random.Generator
    """
    for name in LINE_NAMES:
        column = f"{name.removeprefix('log_flux_')}_err"
        wanted = np.isfinite(rows[name]) & ~(rows[column] > 0)
        if not wanted.any():
            continue
        if donors is None:
            rows.loc[wanted, column] = TYPICAL_LINE_ERROR
        else:
            known = donors[np.isfinite(donors[name]) & (donors[column] > 0)]
            near = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(known)))
            near.fit(_brightness(known, name))
            chosen = near.kneighbors(_brightness(rows[wanted], name), return_distance=False)
            donor = chosen[np.arange(len(chosen)), rng.integers(0, chosen.shape[1], len(chosen))]
            rows.loc[wanted, column] = known[column].to_numpy(float)[donor]
        rows.loc[wanted, f"{name}_snr"] = 10 ** rows.loc[wanted, name] / rows.loc[wanted, column]


def _brightness(rows: pd.DataFrame, name: str) -> np.ndarray:
    return np.column_stack([rows[name] / 0.1, rows.r / 0.3]).astype(float)


def _like(order: np.ndarray, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Complete `value` from rows near in `order`; rows without `order` stay as they are."""
    known = np.isfinite(order) & np.isfinite(value) & (value > 0)
    wanted = np.isfinite(order) & ~known
    if not known.any():
        return value
    index = np.flatnonzero(known)[np.argsort(order[known], kind="stable")]
    place = np.searchsorted(order[index], order[wanted]) + rng.integers(-15, 16, wanted.sum())
    out = value.copy()
    out[wanted] = value[index[np.clip(place, 0, len(index) - 1)]]
    return out


def add_black_hole_masses(
    rows: pd.DataFrame, donors: pd.DataFrame | None, rng: np.random.Generator
) -> None:
    """Add black-hole masses from velocity dispersions, measured or drawn.

    A dispersion that a row lacks is drawn given mass, size, colour and concentration: the
    virial theorem ties it to mass and size, and the rest tells the type. Straight lines fitted to
    `donors` give the mean, their residuals the scatter. Black-hole masses are those of
    `galexplorer.datasets.rows.black_hole_mass`.

    Parameters
    ----------
    rows : pandas.DataFrame
        Changed in place.
    donors : pandas.DataFrame or None
        Galaxies with ``velocity_dispersion_kms`` and the quantities of `dispersion_features`;
        without them the line of `relations.DISPERSION_WEIGHTS` stands in.
    rng : numpy.random.Generator
    """
    sigma = rows.velocity_dispersion_kms.to_numpy(float).copy()
    measured = np.isfinite(sigma) & (sigma > 30) & (sigma < 500)
    weights, residual = _dispersion_fit(rows, donors, rng)
    drawn = dispersion_features(rows) @ weights + rng.choice(residual, len(rows))
    sigma[~measured] = 10 ** drawn[~measured]
    rows["log_bh_mass"], rows["log_bh_mass_valid"] = black_hole_mass(sigma)
    rows["log_bh_mass_measured"] = measured & rows.log_bh_mass_valid
    rows["velocity_dispersion_drawn_kms"] = sigma


def _dispersion_fit(
    rows: pd.DataFrame, donors: pd.DataFrame | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the straight line in `dispersion_features` and residuals about it."""
    if donors is None:
        drawn = relations.DISPERSION_SCATTER * rng.standard_normal(1000)
        return np.array(relations.DISPERSION_WEIGHTS), drawn
    design = dispersion_features(donors)
    log_sigma = np.log10(donors.velocity_dispersion_kms.to_numpy(float))
    weights, scatter = _straight(design, log_sigma)
    residual = log_sigma - design @ weights
    keep = np.abs(residual) < 4 * scatter
    completed = int(rows.velocity_dispersion_kms.isna().sum())
    name = ["log_velocity_dispersion"]
    _record(rows, name, log_sigma[keep, None], residual[keep, None], completed)
    return weights, residual[keep]


def dispersion_features(rows: pd.DataFrame) -> np.ndarray:
    """Return what a dispersion is drawn from, shape (n, 5); all values about zero."""
    ssfr = rows.log_sfr - rows.log_stellar_mass
    return np.column_stack(
        [
            np.ones(len(rows)),
            rows.log_stellar_mass - 10.7,
            rows.log_r50_kpc - 0.6,
            rows.log_concentration - 0.42,
            ssfr.clip(-12.2, -9.8) + 11,
        ]
    ).astype(float)


def _straight(design: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares with outliers beyond three sigma left out; returns weights and scatter."""
    keep = np.isfinite(value) & np.isfinite(design).all(axis=1)
    for _ in range(8):
        weights, *_ = np.linalg.lstsq(design[keep], value[keep], rcond=None)
        residual = value - design @ weights
        scatter = 1.4826 * float(np.median(np.abs(residual[keep])))
        keep = np.isfinite(residual) & (np.abs(residual) < 3 * scatter)
    return weights, scatter
