"""Redshift-shifted copies of galaxies, and the weights of the population.

A real galaxy is moved to another redshift: its templates (kcorrect) give the colours there, its
own departure from the templates stays, the photometry gains the noise of its new brightness, sizes
and fibre fluxes follow the distance. What belongs to the galaxy (mass, star-formation rate,
metallicity, dispersion) stays. Copies are for training: nothing of them counts as measured, and
they share the split of the galaxy that they come from.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from galexplorer.population.completion import impute_line_errors
from galexplorer.population.sources import COSMOLOGY
from galexplorer.population.templates import sdss_templates
from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES

MAIN_SAMPLE_LIMIT_MAG = 17.77
_FAINT_LIMIT_MAG = 19.0
_FAINT_SHARE = 0.1
_REDSHIFTS = np.linspace(0.004, 0.33, 80)
_FIBRE_RADIUS_ARCSEC = 1.5
_SEEING_SIZE_ARCSEC = 0.79
_SMALLEST_SIZE_ARCSEC = 0.25

SHIFTED = "shifted"
"""Source of moved copies."""

METALLICITY_S_TO_N = 3.0
"""What the lines of a metallicity need. MPA-JHU give one to 98% of such galaxies and to few others;
the cut at 5 of Tremonti et al. 2004 is of errors before their correction."""


def shifted_copies(
    rows: pd.DataFrame, coefficients: np.ndarray, number: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return copies of galaxies at other redshifts.

    Parameters
    ----------
    rows : pandas.DataFrame
        The population, missing values imputed.
    coefficients : ndarray, shape (n, 5)
        Templates of each row (kcorrect).
    number : int
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        `number` rows of the same columns.
    """
    if number <= 0:
        return rows.iloc[:0]
    columns = [name.removeprefix("log_flux_") for name in LINE_NAMES]
    measured = np.isfinite(rows[columns].to_numpy(float)).all(axis=1)
    donors = rows.loc[measured] if measured.any() else None
    track = _apparent(coefficients)
    chance = _chances(rows)
    parent = rng.choice(len(rows), number, p=chance / chance.sum())
    old = rows.redshift.to_numpy(float)[parent]
    limit = np.where(rng.random(number) < _FAINT_SHARE, _FAINT_LIMIT_MAG, MAIN_SAMPLE_LIMIT_MAG)
    new = _new_redshifts(rows, track, parent, limit, rng)
    copies = rows.iloc[parent].reset_index(drop=True)
    for k, band in enumerate(BANDS):
        shift = _at(track[parent, :, k], new) - _at(track[parent, :, k], old)
        copies[band] = copies[band].to_numpy(float) + shift
    _add_noise(copies, rows, rng)
    for band in BANDS:  # as far from the model magnitude as it was
        copies[f"petro_{band}"] += copies[band] - rows[band].to_numpy(float)[parent]
    nearer, farther = (COSMOLOGY.angular_diameter_distance(z).value for z in (old, new))
    ratio = nearer / farther
    old_sizes = copies[["petro_r50_true", "petro_r90_true"]].to_numpy(float)
    for name in ("petro_r50_true", "petro_r90_true"):
        copies[name] = _rescaled(copies[name].to_numpy(float), ratio)
    copies[["petro_r50", "petro_r90"]] = np.nan
    sizes = copies[["petro_r50_true", "petro_r90_true"]].to_numpy(float)
    modulus = COSMOLOGY.distmod(new).value - COSMOLOGY.distmod(old).value
    dimming = -0.4 * modulus + np.log10(in_fibre(*sizes.T) / in_fibre(*old_sizes.T))
    for name in LINE_NAMES:
        column = name.removeprefix("log_flux_")
        copies[name] = copies[name].to_numpy(float) + dimming
        copies[[column, f"{column}_err", f"{name}_snr"]] = np.nan
    for name in LINE_NAMES:
        copies[f"{name}_rel"] = copies[name] - log_continuum(copies)
    copies["log_r50"] = np.log10(copies.petro_r50_true)
    copies["redshift"] = new
    copies["size_measured"] = False
    copies[[f"{name}_measured" for name in TARGET_NAMES]] = False
    impute_line_errors(copies, donors, rng)
    copies["gas_metallicity_valid"] = has_metallicity(copies)
    copies["source"] = SHIFTED
    copies["id"] = [f"{name}-{k}" for k, name in enumerate(copies.parent)]
    return copies


def log_continuum(rows: pd.DataFrame) -> np.ndarray:
    """Return log10 of the light in r, nanomaggies: lines relative to it are free of distance."""
    return -0.4 * (rows.r.to_numpy(float) - 22.5)


def has_metallicity(rows: pd.DataFrame) -> pd.Series:
    """Return where star formation makes the lines and they are strong enough to tell O/H."""
    gaseous = rows.bpt_class == 0
    for name in ("log_flux_halpha", "log_flux_hbeta", "log_flux_nii_6584"):
        gaseous &= rows[f"{name}_snr"] > METALLICITY_S_TO_N
    return gaseous


def main_sample_weights(rows: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return weights that turn the population into the SDSS main sample, shape (n,), mean 1.

    A classifier in (r, colours, z) tells rows of the main sample from the rest; its odds, from
    folds that did not hold the row, are the ratio of densities. One galaxy and its copies stay in
    one fold. Rows of the main sample weigh as much as the others of their place.
    """
    main = (rows.source == "main_sample").to_numpy()
    if not main.any() or main.all():
        return np.ones(len(rows))
    # p = main / (main + rest), so the density of the main sample over that of all is p itself
    weight = np.clip(_chance_of(rows, main, rng), 1e-4, None)
    return weight / weight.mean()


def odds_weights(rows: pd.DataFrame, main: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return weights that turn rows, none of them of `main`, into `main`, shape (n,), mean 1."""
    both = pd.concat([rows, main])
    chance = _chance_of(both, np.arange(len(both)) >= len(rows), rng)[: len(rows)]
    weight = np.clip(chance, 1e-4, 0.98) / (1 - np.clip(chance, 1e-4, 0.98))
    return weight / weight.mean()


def _chance_of(rows: pd.DataFrame, main: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the probability that a row is one of the main sample, from folds without it."""
    groups = pd.factorize(rows.parent)[0]
    folds = rng.integers(0, 5, groups.max() + 1)[groups]
    splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
    model = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.1, max_leaf_nodes=16, random_state=int(rng.integers(2**31))
    )
    features = photometric_features(rows)
    return cross_val_predict(model, features, main, cv=splits, method="predict_proba")[:, 1]


def photometric_features(rows: pd.DataFrame) -> np.ndarray:
    """Return r, the four colours and redshift, shape (n, 6)."""
    magnitude = rows[list(BANDS)].to_numpy(float)
    return np.column_stack([magnitude[:, 2], -np.diff(magnitude, axis=1), rows.redshift])


def _apparent(coefficients: np.ndarray) -> np.ndarray:
    """Return template magnitudes of each row on the redshift grid, shape (n, g, 5)."""
    corrector = sdss_templates()
    track = np.empty((len(coefficients), len(_REDSHIFTS), 5))
    for k, z in enumerate(_REDSHIFTS):
        model = corrector.reconstruct(redshift=np.full(len(coefficients), z), coeffs=coefficients)
        track[:, k] = -2.5 * np.log10(np.maximum(model, 1e-20)) + COSMOLOGY.distmod(z).value
    return track


def _at(track: np.ndarray, redshift: np.ndarray) -> np.ndarray:
    """Interpolate each row's track (n, g) at its redshift (n,)."""
    place = np.interp(redshift, _REDSHIFTS, np.arange(len(_REDSHIFTS)))
    low = np.clip(place.astype(int), 0, len(_REDSHIFTS) - 2)
    share = place - low
    index = np.arange(len(track))
    return track[index, low] * (1 - share) + track[index, low + 1] * share


def _chances(rows: pd.DataFrame) -> np.ndarray:
    """Return how likely a row is copied: more often where the tables are thin."""
    ssfr = rows.log_sfr - rows.log_stellar_mass
    chance = np.ones(len(rows))
    chance[rows.abs_r < -22.3] *= 2.0
    chance[rows.log_stellar_mass < 9.0] *= 1.5
    chance[rows.bpt_class >= 2] *= 1.5
    chance[ssfr > -9.5] *= 2.0
    # how a magnitude-limited sample looks is best told by one
    chance[rows.source.isin(["main_sample", "structure"])] *= 2.0
    # their magnitudes are of another kind, or of one not stated: moved, they would spread it
    chance[rows.source.isin(["resolve", "lines_z011"])] *= 0.3
    return chance


def _new_redshifts(
    rows: pd.DataFrame,
    track: np.ndarray,
    parent: np.ndarray,
    limit: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw redshifts uniform in volume between bounds near the old one and the limit in r."""
    old = rows.redshift.to_numpy(float)[parent]
    r_track = track[parent, :, 2]
    r_at = rows.r.to_numpy(float)[parent][:, None] + r_track - _at(r_track, old)[:, None]
    visible = np.where(r_at < limit[:, None], _REDSHIFTS, 0.0).max(axis=1)
    high = np.clip(np.minimum(1.7 * old, visible), None, _REDSHIFTS[-1])
    low = np.maximum(0.6 * old, _REDSHIFTS[0])
    high = np.maximum(high, 1.02 * low)
    distance = COSMOLOGY.comoving_distance(_REDSHIFTS).value
    near, far = np.interp(low, _REDSHIFTS, distance), np.interp(high, _REDSHIFTS, distance)
    drawn = np.cbrt(near**3 + (far**3 - near**3) * rng.random(len(old)))
    return np.interp(drawn, distance, _REDSHIFTS)


def _add_noise(copies: pd.DataFrame, rows: pd.DataFrame, rng: np.random.Generator) -> None:
    """Give copies the errors of real rows of their brightness, and the noise they lack."""
    for band in BANDS:
        order = np.argsort(rows[band].to_numpy(float))
        brightness = rows[band].to_numpy(float)[order]
        place = np.searchsorted(brightness, copies[band]) + rng.integers(-10, 11, len(copies))
        error = rows[f"err_{band}"].to_numpy(float)[order][np.clip(place, 0, len(rows) - 1)]
        had = copies[f"err_{band}"].to_numpy(float)
        missing = np.sqrt(np.maximum(np.nan_to_num(error**2 - had**2), 0))
        copies[band] += np.minimum(missing, 1.0) * rng.standard_normal(len(copies))
        copies[f"err_{band}"] = error


def _rescaled(radius: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Scale radii without the seeing in them."""
    inner = np.sqrt(np.maximum(radius**2 - _SEEING_SIZE_ARCSEC**2, _SMALLEST_SIZE_ARCSEC**2))
    return np.hypot(inner * ratio, _SEEING_SIZE_ARCSEC)


def in_fibre(r50: np.ndarray, r90: np.ndarray) -> np.ndarray:
    """Return the share of light in the 3" fibre: 1 - 2^-(R/r50)^b, which holds at both radii."""
    slope = np.log(np.log2(10.0)) / np.log(np.maximum(r90 / r50, 1.2))
    return 1 - 2 ** -((_FIBRE_RADIUS_ARCSEC / r50) ** slope)
