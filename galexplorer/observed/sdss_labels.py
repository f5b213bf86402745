"""From SDSS's catalogues to the labelled rows of a training set.

Scales are those of `galexplorer.population.table`: masses and star-formation rates of MPA-JHU
(Kroupa IMF; Kauffmann et al. 2003, astro-ph/0204055; Brinchmann et al. 2004, astro-ph/0311060),
metallicities of Tremonti et al. 2004 (astro-ph/0405537), black-hole masses by M-sigma from the
dispersion of SDSS's spectroscopic pipeline. Line fluxes are taken as they stand: MPA-JHU measured
them on spectra that had been corrected for Galactic extinction (Tremonti et al. 2004, section 3)
and scaled to the r magnitude of the fibre. Their errors are too small by known factors.

What MPA-JHU flags as unreliable has no label. A target that has none is given the value of a
similar galaxy, so that it can serve as a parent where the chain of flows needs one; the label
stays 0 and no loss is taken of it.
"""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from galexplorer.datasets import shards
from galexplorer.datasets.rows import black_hole_mass, draw_faint_lines, labels_of
from galexplorer.population.sources import MPA_ERROR_FACTORS
from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES, TARGETS

_LINE_COLUMNS = {
    "halpha": "h_alpha",
    "hbeta": "h_beta",
    "nii_6584": "nii_6584",
    "oiii_5007": "oiii_5007",
}
_EXTRA_COLUMNS = {
    "log_stellar_mass": "lgm_tot_p50",
    "log_sfr": "sfr_tot_p50",
    "gas_metallicity": "oh_p50",
}
_MAX_DISPERSION_ERROR = 0.3
_DONORS = 10


def describe(rows: pd.DataFrame, seed: int) -> shards.Arrays:
    """Return everything about galaxies but their images.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `galexplorer.observed.sdss_selection.select`, n rows.
    seed : int
        For the draws of lines below detection, and the choice of donors.

    Returns
    -------
    dict of str to ndarray
        As in `galexplorer.datasets.shards`, without ``grid``.
    """
    rng = np.random.default_rng([seed, 1])
    table = _targets(rows, rng)
    arrays = shards.empty(len(rows), with_grid=False)
    for k, band in enumerate(BANDS):
        magnitude = rows[f"modelMag_{band}"].where(rows[f"modelMag_{band}"].between(5, 30))
        extinction = rows[f"extinction_{band}"].where(rows[f"extinction_{band}"].between(0, 20))
        error = rows[f"modelMagErr_{band}"]
        arrays["catalogue_mag"][:, k] = magnitude - extinction
        arrays["catalogue_err"][:, k] = error.where((error > 0) & (error < 5))
    radii = rows[["petroR50_r", "petroR90_r"]].to_numpy()
    both = ((radii > 0.3) & (radii < 400)).all(axis=1)
    arrays["catalogue_petro"][both] = radii[both]
    arrays["position"][:] = rows[["ra", "dec"]]
    arrays["split"][:] = [
        shards.split_of(ra, dec) for ra, dec in zip(rows.ra, rows.dec, strict=True)
    ]
    arrays["targets"][:], arrays["label"][:] = labels_of(table)
    _draw_missing_parents(arrays, rng)
    return arrays


def _targets(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the nine targets with what `labels_of` asks about them."""
    reliable = (rows.reliable == 1).to_numpy()
    table = pd.DataFrame({"redshift": rows.z.to_numpy()})
    for name, column in _EXTRA_COLUMNS.items():
        table[name] = _inside(name, rows[column].where(reliable))
    for name, column in _LINE_COLUMNS.items():
        flux, error = rows[f"{column}_flux"], rows[f"{column}_flux_err"]
        good = reliable & (flux.abs() < 1e5) & (flux != 0) & (error > 0)
        table[name] = flux.where(good)
        table[f"{name}_err"] = error.where(good) * MPA_ERROR_FACTORS[name]
    draw_faint_lines(table, rng)
    dispersion, error = rows.velDisp, rows.velDispErr
    measured = (dispersion > 0) & (error > 0) & (error < _MAX_DISPERSION_ERROR * dispersion)
    mass, valid = black_hole_mass(dispersion.where(measured).to_numpy())
    table["log_bh_mass"] = mass
    for name in TARGET_NAMES:
        table[f"{name}_measured"] = np.isfinite(table[name])
        table[f"{name}_valid"] = valid if name == "log_bh_mass" else True
    return table


def _inside(name: str, values: pd.Series) -> np.ndarray:
    """Return values inside the bounds of their target, NaN for others: -9999 means missing."""
    target = TARGETS[TARGET_NAMES.index(name)]
    return values.where((values > target.low) & (values < target.high)).to_numpy()


def _draw_missing_parents(arrays: shards.Arrays, rng: np.random.Generator) -> None:
    """Give targets without a value that of a galaxy near in colour, magnitude, redshift and so on.

    One of the `_DONORS` nearest gives it: a draw from what such galaxies have, not their mean.
    Lines are taken relative to the continuum, which frees them of distance.
    """
    magnitude = arrays["catalogue_mag"]
    targets = arrays["targets"]
    r = magnitude[:, 2]
    known = [magnitude[:, 1] - r, r - magnitude[:, 3], r, np.log(targets[:, 0] + 0.02)]
    for k, name in enumerate(TARGET_NAMES[1:], start=1):
        features = np.nan_to_num(_standard(np.column_stack(known)))
        relative = targets[:, k] + (0.4 * (r - 22.5) if name in LINE_NAMES else 0)
        donors = np.flatnonzero(np.isfinite(relative))
        recipients = np.flatnonzero(~np.isfinite(targets[:, k]))
        if len(donors) and len(recipients):
            number = min(_DONORS, len(donors))
            _, near = cKDTree(features[donors]).query(features[recipients], [*range(1, number + 1)])
            chosen = donors[
                near[np.arange(len(recipients)), rng.integers(0, number, len(recipients))]
            ]
            relative[recipients] = relative[chosen]
            shift = 0.4 * (r[recipients] - 22.5) if name in LINE_NAMES else 0
            targets[recipients, k] = relative[recipients] - shift
        if name in ("log_stellar_mass", "log_sfr"):
            known.append(targets[:, k].copy())


def _standard(values: np.ndarray) -> np.ndarray:
    """Return columns of median 0 and spread 1; those without any value are left out."""
    values = values[:, np.isfinite(values).any(axis=0)]
    spread = np.nanstd(values, axis=0)
    return (values - np.nanmedian(values, axis=0)) / np.where(spread > 0, spread, 1.0)
