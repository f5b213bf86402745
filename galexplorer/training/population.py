"""One table of galaxies with all nine targets, from every real source at hand.

Real rows come first: photometry and redshifts are measured, always. A target that a row
lacks is completed from rows that have it: gradient boosting on rest-frame magnitudes, size
and the targets already known gives the mean, and the residual of a similar donor galaxy
gives the scatter, one donor for all residuals so that their correlations survive. Columns
``<target>_measured`` keep the two apart.

Scales are made one: masses and star-formation rates are those of MPA-JHU (Kroupa IMF),
metallicities those of Tremonti et al. 2004 (astro-ph/0405537), line fluxes those of the 3"
fibre in 1e-17 erg/s/cm2. Black-hole masses follow McConnell & Ma 2013 (1211.2816),
log M = 8.32 + 5.64 log(sigma/200), for sigma between 70 and 420 km/s. By definition they carry
no intrinsic scatter about that relation.

A metallicity exists where star formation makes the lines, a black-hole mass where sigma is in
that range. Elsewhere ``<target>_valid`` is false: the value stands in as a parent of other
quantities, and no loss is taken of it.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord
from kcorrect.kcorrect import KcorrectSDSS
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors

from galexplorer.schema import BANDS, TARGET_NAMES
from galexplorer.science.bpt import classify
from galexplorer.training import sources
from galexplorer.training.rows import black_hole_mass, draw_faint_lines
from galexplorer.training.sources import COSMOLOGY

log = logging.getLogger(__name__)


def build(data: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Assemble and complete the population.

    Parameters
    ----------
    data : Path
        Folder of the real tables.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        One row per galaxy: ``source, ra, dec``, dereddened ``u g r i z``, ``err_u`` to
        ``err_z``, ``petro_r50, petro_r90`` (arcsec), ``axis_ratio``, ``ebv``, the nine targets
        with ``<target>_measured`` and ``<target>_valid``, and absolute magnitudes ``abs_u`` to
        ``abs_z`` (AB, z=0).

    Raises
    ------
    galexplorer.errors.DataError
        If no source can be read.
    """
    rows = sources.read_all(data)
    rows = rows[np.isfinite(rows.redshift) & rows.redshift.between(0.003, 0.33)]
    rows = _merge_duplicates(rows)
    rows = rows[np.isfinite(rows[list(BANDS)]).sum(axis=1) >= 4].reset_index(drop=True)
    gr, ri = rows.g - rows.r, rows.r - rows.i
    absurd = (gr < -0.4) | (gr > 2.0) | (ri < -0.5) | (ri > 1.0)
    rows = rows[~absurd].reset_index(drop=True)
    log.info(
        "%d galaxies after merging duplicates; %d of absurd colour left out",
        len(rows),
        absurd.sum(),
    )
    _rest_frame(rows)
    for name in TARGET_NAMES:
        if name not in rows:
            rows[name] = np.nan
    draw_faint_lines(rows, rng)
    for name in TARGET_NAMES:
        rows[f"{name}_measured"] = np.isfinite(rows[name])
        rows[f"{name}_valid"] = True
    _complete(rows, rng)
    return rows


def _merge_duplicates(rows: pd.DataFrame) -> pd.DataFrame:
    """Join rows of one galaxy (3 arcsec); the first source that has a value gives it."""
    placed = rows[np.isfinite(rows.ra)].reset_index(drop=True)
    sky = SkyCoord(placed.ra.to_numpy() * units.deg, placed.dec.to_numpy() * units.deg)
    first, second, _, _ = sky.search_around_sky(sky, 3 * units.arcsec)
    group = np.arange(len(placed))
    np.minimum.at(group, second, first)
    merged = placed.groupby(group[group], sort=True).first()
    return pd.concat([merged, rows[~np.isfinite(rows.ra)]], ignore_index=True)


def _rest_frame(rows: pd.DataFrame) -> None:
    """Add absolute magnitudes and a mass (Blanton & Roweis 2007, astro-ph/0606170)."""
    corrector = KcorrectSDSS()
    magnitude = rows[list(BANDS)].to_numpy(float)
    error = rows[[f"err_{b}" for b in BANDS]].to_numpy(float)
    error = np.hypot(np.where(np.isfinite(error), error, 0.05), [0.05, 0.02, 0.02, 0.02, 0.03])
    good = np.isfinite(magnitude)
    maggies = np.where(good, 10 ** (-0.4 * np.where(good, magnitude, 20.0)), 1e-12)
    ivar = np.where(good, 1 / (maggies * error * 0.921) ** 2, 0.0)
    redshift = rows.redshift.to_numpy(float)
    coeffs = corrector.fit_coeffs(redshift=redshift, maggies=maggies, ivar=ivar)
    absolute = corrector.absmag(redshift=redshift, maggies=maggies, ivar=ivar, coeffs=coeffs)
    model = corrector.reconstruct(redshift=redshift, coeffs=coeffs)
    fill = 22.5 - 2.5 * np.log10(np.maximum(model, 1e-14) * 1e9)
    for k, band in enumerate(BANDS):
        rows[f"abs_{band}"] = np.where(np.abs(absolute[:, k]) < 30, absolute[:, k], np.nan)
        rows[band] = np.where(good[:, k], magnitude[:, k], fill[:, k])
    mass = np.log10(np.maximum(corrector.derived(redshift=redshift, coeffs=coeffs)["mremain"], 1e5))
    rows["kcorrect_mass"] = mass


def _complete(rows: pd.DataFrame, rng: np.random.Generator) -> None:
    colours = -np.diff(rows[[f"abs_{b}" for b in BANDS]].to_numpy(float), axis=1)
    z = rows.redshift.to_numpy()
    kpc_per_arcsec = COSMOLOGY.kpc_proper_per_arcmin(z).value / 60

    def features(*names: str) -> np.ndarray:
        columns = [rows[name].to_numpy(float) for name in names]
        return np.column_stack([colours, rows.abs_r, *columns])

    # mass: kcorrect's, shifted to MPA-JHU's scale by rows that have both
    residual = rows.log_stellar_mass - rows.kcorrect_mass
    # dwarf and IFU samples have scales of their own, so they lend no masses
    known = np.isfinite(residual.to_numpy())
    lends = rows.source.isin(["mpajhu", "structure", "main_sample"]).to_numpy()
    _fill(
        rows,
        ["log_stellar_mass"],
        features("kcorrect_mass"),
        rng,
        donors=known & lends,
        takers=~known,
        anchor="kcorrect_mass",
    )
    log.info("mass - kcorrect mass: median %.3f", np.nanmedian(residual))

    # sizes in kpc, so that galaxies at any distance can lend theirs
    rows["log_r50_kpc"] = np.log10(rows.petro_r50 * kpc_per_arcsec)
    rows["log_concentration"] = np.log10(rows.petro_r90 / rows.petro_r50)
    rows["size_measured"] = np.isfinite(rows.log_r50_kpc)
    _fill(rows, ["log_r50_kpc"], features("log_stellar_mass"), rng)
    _fill(rows, ["log_concentration"], features("log_stellar_mass", "log_r50_kpc"), rng)
    rows["petro_r50_true"] = 10**rows.log_r50_kpc / kpc_per_arcsec
    rows["petro_r90_true"] = rows.petro_r50_true * 10**rows.log_concentration
    _fill(rows, ["axis_ratio"], features("log_concentration"), rng)
    rows["axis_ratio"] = rows.axis_ratio.clip(0.12, 1.0)

    # lines relative to the continuum, which frees them of distance
    halpha = rows.log_flux_halpha + 0.4 * (rows.r - 22.5)
    rows["ha_rel"] = halpha
    rows["n2"] = rows.log_flux_nii_6584 - rows.log_flux_halpha
    rows["decrement"] = rows.log_flux_halpha - rows.log_flux_hbeta
    rows["o3"] = rows.log_flux_oiii_5007 - rows.log_flux_hbeta
    rows["log_r50"] = np.log10(rows.petro_r50_true)
    with_lines = np.isfinite(rows[["ha_rel", "n2", "decrement", "o3"]].to_numpy()).all(axis=1)
    # star formation of rows with lines knows about the lines; of the others, not
    base = ("log_stellar_mass", "log_r50_kpc", "redshift")
    lines = ("ha_rel", "n2", "o3")
    known = np.isfinite(rows.log_sfr.to_numpy())
    _fill(
        rows,
        ["log_sfr"],
        features(*base, *lines, "log_r50"),
        rng,
        donors=known & with_lines,
        takers=~known & with_lines,
    )
    _fill(rows, ["log_sfr"], features(*base), rng, donors=known)
    _fill(
        rows,
        ["ha_rel", "n2", "decrement", "o3"],
        features(*base, "log_sfr", "log_r50"),
        rng,
        donors=with_lines,
        takers=~with_lines,
    )
    rows["log_flux_halpha"] = rows.log_flux_halpha.fillna(rows.ha_rel - 0.4 * (rows.r - 22.5))
    rows["log_flux_nii_6584"] = rows.log_flux_nii_6584.fillna(rows.log_flux_halpha + rows.n2)
    rows["log_flux_hbeta"] = rows.log_flux_hbeta.fillna(rows.log_flux_halpha - rows.decrement)
    rows["log_flux_oiii_5007"] = rows.log_flux_oiii_5007.fillna(rows.log_flux_hbeta + rows.o3)

    rows["bpt_class"] = classify(
        rows.log_flux_nii_6584 - rows.log_flux_halpha, rows.log_flux_oiii_5007 - rows.log_flux_hbeta
    )
    _fill(
        rows,
        ["gas_metallicity"],
        features("log_stellar_mass", "log_sfr", *lines, "log_r50_kpc"),
        rng,
    )
    # a metallicity exists where star formation makes the lines and they are strong enough
    threshold = np.log10(5.0)
    gaseous = (rows.bpt_class == 0) & (rows.log_flux_hbeta > threshold)
    gaseous |= rows.gas_metallicity_measured
    rows["gas_metallicity_valid"] = gaseous
    _black_holes(rows, rng)


def _black_holes(rows: pd.DataFrame, rng: np.random.Generator) -> None:
    """Add black-hole masses from velocity dispersions, measured or drawn.

    Dispersions that a row lacks follow sigma(M*) of the galaxies that have both, quiescent
    and star-forming apart (split at a specific star-formation rate of 1e-11 per year).
    """
    sigma = rows.velocity_dispersion_kms.to_numpy(float).copy()
    measured = np.isfinite(sigma) & (sigma > 30) & (sigma < 500)
    quiescent = (rows.log_sfr - rows.log_stellar_mass < -11).to_numpy()
    mass = rows.log_stellar_mass.to_numpy() - 10.7
    # medians and scatter of 46,155 galaxies at M* > 3e10: `sources.dispersion_relation`
    relation = rows.attrs.get("dispersion_relation", sources.DISPERSION_RELATION)
    for state, (zero, slope, scatter) in zip((False, True), relation, strict=True):
        take = ~measured & (quiescent == state)
        drawn = zero + slope * mass[take] + scatter * rng.standard_normal(take.sum())
        sigma[take] = 10**drawn
    rows["log_bh_mass"], rows["log_bh_mass_valid"] = black_hole_mass(sigma)
    rows["log_bh_mass_measured"] = measured & rows.log_bh_mass_valid


def _fill(
    rows: pd.DataFrame,
    names: list[str],
    features: np.ndarray,
    rng: np.random.Generator,
    donors: np.ndarray | None = None,
    takers: np.ndarray | None = None,
    anchor: str | None = None,
) -> None:
    """Complete columns: boosted mean plus the residuals of one similar donor.

    Parameters
    ----------
    rows : pandas.DataFrame
        Changed in place.
    names : list of str
        Columns to complete together.
    features : ndarray, shape (n, f)
    rng : numpy.random.Generator
    donors, takers : ndarray, shape (n,), bool, optional
        Rows that lend and rows that may receive; by default those with and those without values.
    anchor : str, optional
        Column relative to which the values are predicted.
    """
    values = rows[names].to_numpy(float)
    known = np.isfinite(values).all(axis=1) if donors is None else donors
    missing = ~np.isfinite(values)
    if takers is not None:
        missing &= takers[:, None]
    wanted = missing.any(axis=1)
    if known.sum() < 100 or not wanted.any():
        log.warning("%s: %d donors, left as they are", names, known.sum())
        return
    offset = 0.0 if anchor is None else rows[anchor].to_numpy(float)[:, None]
    seed = int(rng.integers(2**31))
    train = (values - offset)[known]
    residual = np.empty_like(train)
    mean = np.empty((len(rows), len(names)))
    for j in range(len(names)):
        model = HistGradientBoostingRegressor(
            max_iter=150,
            learning_rate=0.07,
            max_leaf_nodes=15,
            min_samples_leaf=20,
            random_state=seed,
        )
        residual[:, j] = train[:, j] - cross_val_predict(model, features[known], train[:, j], cv=5)
        model.fit(features[known], train[:, j])
        mean[:, j] = model.predict(features)
    spread = np.std(residual, axis=0)
    log.info("%s: %d donors, residual scatter %s", names, known.sum(), spread.round(3))
    # donors are looked for among galaxies of like features, since the scatter depends on them
    centre, width = np.nanmedian(features[known], axis=0), np.nanstd(features[known], axis=0) + 1e-9
    scaled = np.nan_to_num((features - centre) / width)
    near = NearestNeighbors(n_neighbors=min(30, int(known.sum()))).fit(scaled[known])
    chosen = near.kneighbors(scaled[wanted], return_distance=False)
    donor = chosen[np.arange(len(chosen)), rng.integers(0, chosen.shape[1], len(chosen))]
    completed = (mean + offset)[wanted] + residual[donor]
    rows.loc[wanted, names] = np.where(missing[wanted], completed, values[wanted])
