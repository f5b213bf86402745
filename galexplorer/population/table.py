"""One table of galaxies with all nine targets, from every available real source.

Real rows come first: photometry and redshifts are measured, always. A target that a row
lacks is imputed from rows that have it (`galexplorer.population.completion`): boosting on
rest-frame magnitudes, size and the targets already known gives the mean, and the residual of a
similar donor galaxy the scatter. Columns ``<target>_measured`` keep the two apart. Shifted copies
of real rows fill in where real ones are thin (`galexplorer.population.extension`).

Scales are made one (`galexplorer.population.scales`): masses and star-formation rates are those of
MPA-JHU (Kroupa IMF), metallicities those of Tremonti et al. 2004 (astro-ph/0405537), line
fluxes those of the 3" fibre in 1e-17 erg/s/cm2.

A metallicity exists where star formation makes the lines, a black-hole mass where the velocity
dispersion lies between 70 and 420 km/s. Elsewhere ``<target>_valid`` is false: the value only fills
its place, and no loss is taken of it.
"""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord
from scipy.spatial import cKDTree

from galexplorer.datasets import shards
from galexplorer.datasets.rows import draw_faint_lines
from galexplorer.population import extension, package_tables, scales, sources
from galexplorer.population.completion import (
    add_black_hole_masses,
    impute,
    impute_errors,
    impute_line_errors,
)
from galexplorer.population.sources import COSMOLOGY
from galexplorer.population.templates import sdss_templates
from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES
from galexplorer.science.bpt import classify

log = logging.getLogger(__name__)

_ABSURD_MASS_DEX = 0.8
"""A mass this far from kcorrect's belongs to another object or to bad photometry."""

_SAME = (5e-5, 0.02, 0.02, 0.02)
"""How near redshifts and magnitudes in g, r, i of one galaxy in two tables are."""

SIZE = 100_000
"""Galaxies of the whole population, shifted copies included."""


def build(data: Path | None, rng: np.random.Generator, size: int = SIZE) -> pd.DataFrame:
    """Assemble the population and impute its missing values.

    Parameters
    ----------
    data : Path or None
        Folder of the real tables; without it, Python packages and published relations stand in.
    rng : numpy.random.Generator
    size : int
        Number of galaxies; shifted copies fill up to it. No real row is dropped for it.

    Returns
    -------
    pandas.DataFrame
        One row per galaxy: ``id``, ``parent`` (the id of the row it is a copy of, or its own),
        ``source, ra, dec, split``, dereddened ``u g r i z``, ``err_u`` to ``err_z``,
        ``petro_r50, petro_r90`` (arcsec), ``axis_ratio``, ``ebv``, the nine targets with
        ``<target>_measured`` and ``<target>_valid``, absolute magnitudes ``abs_u`` to
        ``abs_z`` (AB, z=0) and ``weight``, which turns the table into the SDSS main sample.
        ``attrs["fits"]`` lists the fits used for imputation.

    Raises
    ------
    galexplorer.errors.DataError
        If no source can be read.
    """
    if data is None:
        log.warning(package_tables.LIMITATION)
    rows = package_tables.read_packages() if data is None else sources.read_tables(data)
    rows = rows[np.isfinite(rows.redshift) & rows.redshift.between(0.003, 0.33)]
    rows = rows[~rows.source.isin(scales.CHOSEN_BY_SPECTRUM)]
    scattered = rows.source.isin(scales.SCATTERED_MASSES)
    rows["log_stellar_mass"] = rows.log_stellar_mass.mask(scattered)
    rows = _merge_duplicates(_place_by_photometry(rows.reset_index(drop=True)))
    _physical_sizes(rows)
    dispersions = rows[_has_dispersion(rows)]
    rows = _without_absurd_photometry(rows)
    _name(rows)
    impute_errors(rows, rng)
    coefficients = _rest_frame(rows)
    departs = np.abs(rows.log_stellar_mass - rows.kcorrect_mass) > _ABSURD_MASS_DEX
    rows.loc[departs, "log_stellar_mass"] = np.nan
    for name in TARGET_NAMES:
        if name not in rows:
            rows[name] = np.nan
    draw_faint_lines(rows, rng)
    for name in TARGET_NAMES:
        rows[f"{name}_measured"] = np.isfinite(rows[name])
        rows[f"{name}_valid"] = True
    if data is None:
        package_tables.complete_by_relations(rows, rng)
        add_black_hole_masses(rows, None, rng)
        impute_line_errors(rows, None, rng)
    else:
        _complete(rows, dispersions, rng)
    _validate(rows)
    fits = rows.attrs.get("fits", [])
    copies = extension.shifted_copies(rows, coefficients, size - len(rows), rng)
    rows = pd.concat([rows, copies], ignore_index=True)
    rows["weight"] = extension.main_sample_weights(rows, rng)
    rows.attrs["fits"] = fits
    return rows


def _without_absurd_photometry(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[np.isfinite(rows[list(BANDS)]).sum(axis=1) >= 4]
    gr, ri = rows.g - rows.r, rows.r - rows.i
    absurd = (gr < -0.4) | (gr > 2.0) | (ri < -0.5) | (ri > 1.0)
    log.info("%d galaxies; %d of absurd colour left out", (~absurd).sum(), absurd.sum())
    return rows[~absurd].reset_index(drop=True)


def _physical_sizes(rows: pd.DataFrame) -> None:
    """Add sizes in kpc, so that galaxies at any distance can give theirs, and concentration."""
    kpc_per_arcsec = COSMOLOGY.kpc_proper_per_arcmin(rows.redshift.to_numpy(float)).value / 60
    rows["log_r50_kpc"] = np.log10(rows.petro_r50 * kpc_per_arcsec)
    rows["log_concentration"] = np.log10(rows.petro_r90 / rows.petro_r50)


def _has_dispersion(rows: pd.DataFrame) -> pd.Series:
    needed = ["log_stellar_mass", "log_sfr", "log_r50_kpc", "log_concentration"]
    known = rows[needed].notna().all(axis=1)
    return known & rows.velocity_dispersion_kms.between(30, 500)


def _name(rows: pd.DataFrame) -> None:
    """Add ``id``, ``parent`` and ``split``: by position, or by the key a table gives instead."""
    ra, dec, keys = rows.ra.to_numpy(float), rows.dec.to_numpy(float), rows.key.to_numpy()
    ids = []
    for source, right, up, key in zip(rows.source, ra, dec, keys, strict=True):
        place = f"{right:.5f}{up:+.5f}" if np.isfinite(right) else str(key)
        ids.append(hashlib.sha256(f"{source}/{place}".encode()).hexdigest()[:16])
    rows["id"] = ids
    rows["parent"] = ids
    rows["split"] = shards.splits_of(ra, dec, keys)


def _place_by_photometry(rows: pd.DataFrame) -> pd.DataFrame:
    """Give a galaxy without position that of one with its redshift and magnitudes: it is the same.

    So it is not split from itself.
    """
    columns = ["redshift", *BANDS[1:4]]
    known: np.ndarray = np.isfinite(rows[columns].to_numpy(float)).all(axis=1)
    placed = np.isfinite(rows.ra).to_numpy()
    place = rows[columns].to_numpy(float) / _SAME
    tree = cKDTree(place[known & placed])
    lost = np.flatnonzero(known & ~placed)
    distance, nearest = tree.query(place[lost], distance_upper_bound=1.0)
    found = np.isfinite(distance)
    theirs = np.flatnonzero(known & placed)[nearest[found]]
    for name in ("ra", "dec"):
        rows.loc[lost[found], name] = rows[name].to_numpy(float)[theirs]
    log.info("%d galaxies without position have been found in another table", found.sum())
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


def _rest_frame(rows: pd.DataFrame) -> np.ndarray:
    """Add absolute magnitudes and a mass (Blanton & Roweis 2007, astro-ph/0606170).

    Returns the coefficients of the templates, shape (n, 5).
    """
    corrector = sdss_templates()
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
    model_magnitude = 22.5 - 2.5 * np.log10(np.maximum(model, 1e-14) * 1e9)
    for k, band in enumerate(BANDS):
        rows[f"abs_{band}"] = np.where(np.abs(absolute[:, k]) < 30, absolute[:, k], np.nan)
        rows[band] = np.where(good[:, k], magnitude[:, k], model_magnitude[:, k])
    mass = np.log10(np.maximum(corrector.derived(redshift=redshift, coeffs=coeffs)["mremain"], 1e5))
    rows["kcorrect_mass"] = mass
    return coeffs


def _complete(rows: pd.DataFrame, dispersions: pd.DataFrame, rng: np.random.Generator) -> None:
    colours = -np.diff(rows[[f"abs_{b}" for b in BANDS]].to_numpy(float), axis=1)
    z = rows.redshift.to_numpy()
    kpc_per_arcsec = COSMOLOGY.kpc_proper_per_arcmin(z).value / 60

    def features(*names: str) -> np.ndarray:
        columns = [rows[name].to_numpy(float) for name in names]
        return np.column_stack([colours, rows.abs_r, *columns])

    # mass: kcorrect's, shifted to MPA-JHU's scale by rows that have both
    residual = rows.log_stellar_mass - rows.kcorrect_mass
    # kcorrect's own masses have no scatter about themselves, and RESOLVE's are of its own scale
    known = np.isfinite(residual.to_numpy())
    gives = rows.source.isin(["mpajhu", "structure", "mergers"]).to_numpy()
    impute(
        rows,
        ["log_stellar_mass"],
        features("kcorrect_mass"),
        rng,
        donors=known & gives,
        recipients=~known,
        anchor="kcorrect_mass",
    )
    log.info("mass - kcorrect mass: median %.3f", np.nanmedian(residual))

    # lines relative to the continuum, which frees them of distance
    lines = [f"{name}_rel" for name in LINE_NAMES]
    continuum = extension.log_continuum(rows)
    for name, relative in zip(LINE_NAMES, lines, strict=True):
        rows[relative] = rows[name] - continuum
    with_lines = np.isfinite(rows[lines].to_numpy()).all(axis=1)
    # who gives to whom: galaxies of like colours, luminosity, distance and brightness
    place = np.column_stack([colours, rows.abs_r, rows.log_stellar_mass, z, rows.r])
    place = np.where(np.isfinite(place), place, np.nanmedian(place, axis=0))
    rows["size_measured"] = np.isfinite(rows.log_r50_kpc)

    # a compact galaxy has other lines than an extended one, in itself and in the fibre. So sizes
    # that galaxies with lines lack are drawn given those, from galaxies that have both measured,
    # and lines given sizes: a line imputed without a look at the size would teach, as a donor,
    # that the two are unrelated
    ratios = _ratios(rows, lines)
    first = ("log_stellar_mass", "redshift")
    known = (*first, *ratios)
    _impute_sizes(rows, features, known, place, rng, donors=with_lines, recipients=with_lines)
    _impute_sizes(rows, features, first, place, rng)
    rows["petro_r50_true"] = 10**rows.log_r50_kpc / kpc_per_arcsec
    rows["petro_r90_true"] = rows.petro_r50_true * 10**rows.log_concentration
    rows["log_r50"] = np.log10(rows.petro_r50_true)
    sizes = rows[["log_r50", "log_concentration"]].to_numpy(float)
    impute(
        rows,
        lines,
        features(*first, "log_r50_kpc", "log_r50", "log_concentration"),
        rng,
        donors=with_lines,
        recipients=~with_lines,
        similarity_features=np.column_stack([place, sizes]),
        neighbours=1,
    )
    _ratios(rows, lines)  # of the imputed lines too
    impute(rows, ["axis_ratio"], features("log_concentration"), rng)
    rows["axis_ratio"] = rows.axis_ratio.clip(0.12, 1.0)
    impute(
        rows,
        ["log_sfr"],
        features(*known, "log_r50_kpc", "log_r50"),
        rng,
        donors=np.isfinite(rows.log_sfr.to_numpy()) & with_lines,
    )
    for name, relative in zip(LINE_NAMES, lines, strict=True):
        rows[name] = rows[name].fillna(rows[relative] + continuum)
    impute_line_errors(rows, rows[rows.log_flux_halpha_measured & with_lines], rng)

    impute(
        rows,
        ["gas_metallicity"],
        features("log_stellar_mass", "log_sfr", *ratios, "log_r50_kpc"),
        rng,
    )
    add_black_hole_masses(rows, dispersions, rng)


def _impute_sizes(
    rows: pd.DataFrame,
    features: Callable[..., np.ndarray],
    known: tuple[str, ...],
    place: np.ndarray,
    rng: np.random.Generator,
    donors: np.ndarray | bool = True,
    recipients: np.ndarray | bool = True,
) -> None:
    """Complete radius and concentration, the second given the first, among some of the rows."""
    for name, given in (("log_r50_kpc", known), ("log_concentration", (*known, "log_r50_kpc"))):
        gives = np.isfinite(rows[name].to_numpy(float)) & rows.size_measured & donors
        impute(
            rows,
            [name],
            features(*given),
            rng,
            donors=gives.to_numpy(bool),
            recipients=np.broadcast_to(recipients, len(rows)),
            similarity_features=place,
            neighbours=3,
        )


def _ratios(rows: pd.DataFrame, lines: list[str]) -> tuple[str, str, str]:
    """Add what tells a rate or a metallicity: Ha over the continuum, and the axes of BPT's plane.

    Trees cut along single columns, and find a ratio of two only with many cuts.
    """
    halpha, hbeta, nii, oiii = (rows[name] for name in lines)
    rows["n2"], rows["o3"] = nii - halpha, oiii - hbeta
    return lines[0], "n2", "o3"


def _validate(rows: pd.DataFrame) -> None:
    """Add the class of the BPT plane, and where values exist."""
    rows["bpt_class"] = classify(
        rows.log_flux_nii_6584 - rows.log_flux_halpha, rows.log_flux_oiii_5007 - rows.log_flux_hbeta
    )
    # the cut of Tremonti et al.
    rows["gas_metallicity_valid"] = extension.has_metallicity(rows) | rows.gas_metallicity_measured
