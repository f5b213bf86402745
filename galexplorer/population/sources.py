"""Readers of the real tables: each source to one set of columns and scales."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.cosmology import FlatLambdaCDM
from astropy.table import Table

from galexplorer.errors import DataError
from galexplorer.population import further_tables, scales
from galexplorer.population.further_tables import clean
from galexplorer.population.templates import sdss_templates
from galexplorer.schema import BANDS, EXTINCTION_PER_REDDENING, LINE_NAMES

COSMOLOGY = FlatLambdaCDM(H0=70, Om0=0.3)

LINE_COLUMNS = tuple(name.removeprefix("log_flux_") for name in LINE_NAMES)

MPA_ERROR_FACTORS = {"halpha": 2.473, "hbeta": 1.882, "oiii_5007": 1.566, "nii_6584": 2.039}
"""Factors by which the MPA-JHU line errors are too small (their own repeat observations)."""

_NOMINAL_MODULUS = 37.0
_TEMPLATE_ERROR = np.array([0.05, 0.02, 0.02, 0.02, 0.03])
_COLUMNS = (
    "source",
    "key",
    "ra",
    "dec",
    *BANDS,
    *(f"err_{b}" for b in BANDS),
    *(f"petro_{b}" for b in BANDS),
    "petro_r50",
    "petro_r90",
    "axis_ratio",
    "ebv",
    "velocity_dispersion_kms",
    "redshift",
    "photometric_redshift",
    "log_stellar_mass",
    "log_sfr",
    "gas_metallicity",
    *LINE_COLUMNS,
    *(f"{line}_err" for line in LINE_COLUMNS),
)


def data_folder(data: Path | None = None) -> Path | None:
    """Return the folder of real data: the argument, GALEXPLORER_DATA, or ../shared/data.

    An empty folder holds none: then, as without one, the answer is None.
    """
    if data is not None:
        if not data.is_dir():
            raise DataError(f"There is no folder {data}; give the one that holds the real data.")
        return data
    candidate = Path(
        os.environ.get("GALEXPLORER_DATA", Path(__file__).parents[2] / "../shared/data")
    )
    return candidate.resolve() if candidate.is_dir() and any(candidate.iterdir()) else None


def read_tables(data: Path) -> pd.DataFrame:
    """Return every real row with photometry and redshift, one set of columns.

    Raises
    ------
    DataError
        If a table is there but cannot be read.
    """
    try:
        tables = [make_table(columns) for columns in _read(data)]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"A table in {data} cannot be read ({error}); check the folder.") from error
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[np.isfinite(rows.redshift)].reset_index(drop=True)
    magnitudes = rows[list(BANDS)].to_numpy(float)
    rows[list(BANDS)] = np.where((magnitudes > 8) & (magnitudes < 26), magnitudes, np.nan)
    return rows


def _read(data: Path) -> Iterator[dict]:
    """Read all tables: of one galaxy in several the first has the say."""
    main = _main_sample(data)
    yield main
    readers = (_lines_z010, _mpajhu, _resolve, _structure)
    yield from (reader(data) for reader in readers)
    more = data / further_tables.FOLDER
    if more.is_dir():
        yield further_tables.read_photoz(more)
        yield further_tables.read_subclass(more)
        yield further_tables.read_mergers(more, main)
        yield further_tables.read_faint(more)
        yield further_tables.read_nearby(more, main)
        yield _quench(more)
        yield from further_tables.read_labels(more)
    yield from (reader(data) for reader in (_xcoldgass, _califa, _lines_z011))


def make_table(columns: dict) -> pd.DataFrame:
    """Return a table of the common columns; those that are not given are NaN."""
    size = len(columns["redshift"])
    return pd.DataFrame({name: columns.get(name, np.full(size, np.nan)) for name in _COLUMNS})


def _lines(table: pd.DataFrame, factors: bool) -> dict:
    out = {}
    for line in LINE_COLUMNS:
        flux = np.asarray(table[line], float)
        error = np.asarray(table.get(f"{line}_err", np.full(len(table), np.nan)), float)
        good = np.isfinite(flux) & (np.abs(flux) < 1e5) & (flux != 0) & ~(error <= 0)
        out[line] = np.where(good, flux, np.nan)
        out[f"{line}_err"] = np.where(
            good, error * (MPA_ERROR_FACTORS[line] if factors else 1), np.nan
        )
    return out


def _mpajhu(data: Path) -> dict:
    table = pd.read_csv(data / "mpajhu_z002_005.csv.gz")
    z = table.z_spec.to_numpy()
    absolute = {b: clean(table[f"absmag_petro_{b}"], -26, -10) for b in BANDS}
    magnitudes = _observed(absolute, z)
    return {
        "source": "mpajhu",
        "ra": table.ra,
        "dec": table.dec,
        **scales.petro_to_model(magnitudes),
        "petro_r50": clean(table.petro_r50, 0.3, 200),
        "petro_r90": clean(table.petro_r90, 0.5, 400),
        "redshift": z,
        "log_stellar_mass": clean(table.log_mstar, 5, 13),
        "log_sfr": clean(table.log_sfr, -6, 4),
        "gas_metallicity": clean(table.oh_t04, 7, 10),
        **_lines(table, factors=True),
    }


def _observed(absolute: dict[str, np.ndarray], redshift: np.ndarray) -> dict[str, np.ndarray]:
    """Return apparent magnitudes of absolute ones at z = 0 by the templates of kcorrect.

    The correction of a blue galaxy differs from a red one's: one per band would turn
    star-forming galaxies redder by 0.07 mag in g - r.
    """
    corrector = sdss_templates()
    rest = np.column_stack([absolute[b] for b in BANDS])
    good = np.isfinite(rest)
    maggies = 10 ** (-0.4 * (np.where(good, rest, -20.0) + _NOMINAL_MODULUS))
    ivar = np.where(good, 1 / (maggies * _TEMPLATE_ERROR) ** 2, 0.0)
    here = np.zeros(len(redshift))
    coefficients = corrector.fit_coeffs(redshift=here, maggies=maggies, ivar=ivar)
    there = corrector.reconstruct(redshift=redshift, coeffs=coefficients)
    rest_frame = corrector.reconstruct(redshift=here, coeffs=coefficients)
    with np.errstate(divide="ignore", invalid="ignore"):
        correction = -2.5 * np.log10(there / rest_frame)
    modulus = COSMOLOGY.distmod(redshift).value
    return {b: absolute[b] + modulus + correction[:, k] for k, b in enumerate(BANDS)}


def _lines_z010(data: Path) -> dict:
    table = pd.read_csv(data / "sdss_lines_z010.csv.gz")
    return {
        "source": "lines_z010",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[b] for b in BANDS},
        "redshift": table.z_spec,
        **_lines(table, factors=True),
    }


def _lines_z011(data: Path) -> dict:
    # galaxies observed twice are listed twice
    table = pd.read_csv(data / "sdss_lines_z011.csv.gz").drop_duplicates("objid")
    ebv = scales.UNSTATED_REDDENING
    lines = _lines(table, factors=False)
    for line, extinction in scales.LINE_EXTINCTION_PER_EBV.items():
        lines[line] = lines[line] * 10 ** (0.4 * extinction * ebv)
    return {
        "source": "lines_z011",
        # no position is given, and none follows from an identifier of data release 7
        "key": "dr7/" + table.objid.astype(str),
        **{b: table[b] - EXTINCTION_PER_REDDENING[b] * ebv for b in BANDS},
        "redshift": table.z_spec,
        **lines,
    }


def _resolve(data: Path) -> dict:
    table = pd.read_csv(data / "resolve.csv.gz")
    sfr = table.sfr_nuv.to_numpy(float)
    return {
        "source": "resolve",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[b] for b in BANDS},
        "petro_r50": clean(table.r50, 0.3, 200) * 10**scales.RESOLVE_SIZE_OFFSET,
        "petro_r90": clean(table.r90, 0.5, 400) * 10**scales.RESOLVE_SIZE_OFFSET,
        "axis_ratio": clean(table.b_a, 0.05, 1.01),
        "velocity_dispersion_kms": clean(table.vdisp, 30, 500),
        "redshift": table.cz_kms / 299792.458,
        "log_stellar_mass": scales.to_mpajhu_mass(clean(table.log_mstar, 5, 13), "resolve"),
        "log_sfr": np.where(sfr > 0, np.log10(np.maximum(sfr, 1e-6)), np.nan)
        + scales.RESOLVE_SFR_OFFSET,
        **_lines(table, factors=True),
    }


def _main_sample(data: Path) -> dict:
    table = pd.read_csv(data / "sdss10k_kcorrect_x_gladeplus.csv.gz")
    axis_ratio = 10 ** -clean(table.logr25, -0.01, 1.2)
    ebv = table.ext_r / scales.EXTINCTION_R_OF_1998
    extinction = {b: EXTINCTION_PER_REDDENING[b] * ebv for b in BANDS}
    return {
        "source": "main_sample",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[f"model_{b}"] - extinction[b] for b in BANDS},
        **{f"err_{b}": clean(table[f"modelerr_{b}"], 0, 5) for b in BANDS},
        **{f"petro_{b}": clean(table[f"petro_{b}"], 8, 26) - extinction[b] for b in BANDS},
        "axis_ratio": np.clip(axis_ratio, 0, 1),
        "ebv": ebv,
        "redshift": table.z,
        "log_stellar_mass": scales.to_mpajhu_mass(clean(table.kc_logmass, 6, 13), "kcorrect"),
    }


def _quench(more: Path) -> dict:
    """Read quenched galaxies and their controls, whose magnitudes are absolute and Petrosian.

    Those made of them scatter by 0.08 mag about SDSS's, 0.2 in u, which is left out.
    """
    table = pd.read_csv(more / "quench.csv.gz")
    z = table.z_spec.to_numpy(float)
    absolute = {b: clean(table[f"absmag_{b}"], -26, -10) for b in BANDS}
    magnitudes = scales.petro_to_model(_observed(absolute, np.clip(z, 0.003, 0.5)))
    return {
        "source": "quench",
        "ra": table.ra,
        "dec": table.dec,
        **{b: magnitudes[b] for b in BANDS[1:]},
        **{f"err_{b}": np.full(len(table), 0.05) for b in BANDS[1:]},
        "petro_r50": clean(table.petro_r50, 0.3, 200),
        "velocity_dispersion_kms": clean(table.vdisp, 30, 500),
        "redshift": z,
        "log_stellar_mass": clean(table.log_mstar, 6, 13),
        "log_sfr": clean(table.log_sfr, -6, 4),
        **_lines(table, factors=True),
    }


def _structure(data: Path) -> dict:
    table = pd.read_csv(data / "galaxyzoo_structure.csv.gz")
    bulgy = table.p_el_debiased > table.p_cs_debiased
    radius = np.where(
        bulgy,
        table.deVRad_r * np.sqrt(table.deVAB_r.clip(lower=0)),
        table.expRad_r * np.sqrt(table.expAB_r.clip(lower=0)),
    )
    # light concentration of a de Vaucouleurs and an exponential profile (Petrosian, no seeing)
    r50 = np.where(bulgy, 0.70, 0.98) * clean(radius, 0.3, 60)
    r50 = np.hypot(r50, 0.65)
    return {
        "source": "structure",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[b] for b in BANDS},
        "petro_r50": r50,
        "axis_ratio": clean(np.where(bulgy, table.deVAB_r, table.expAB_r), 0.03, 1.01),
        "redshift": table.z_spec,
        "log_stellar_mass": clean(table.log_mstar, 6, 13),
    }


def _xcoldgass(data: Path) -> dict:
    """Read xCOLD GASS, which has no photometry: it gives its values to rows of other tables."""
    cold = Table.read(data / "xcoldgass.fits").to_pandas()
    metal = clean(cold["Z_PP04_O3N2"], 7, 10)
    nothing = np.full(len(cold), np.nan)
    return {
        "source": "xcoldgass",
        "ra": cold["RA"].astype(float),
        "dec": cold["DEC"].astype(float),
        **dict.fromkeys(BANDS, nothing),
        "redshift": cold["Z_SDSS"].astype(float),
        "log_stellar_mass": clean(cold["LOGMSTAR"], 6, 13),
        "log_sfr": clean(cold["LOGSFR_BEST"], -6, 4),
        "gas_metallicity": scales.pp04_to_t04(metal),
    }


def _califa(data: Path) -> dict:
    """Read CALIFA's values without its magnitudes, whose columns do not name bands reliably."""
    table = pd.read_csv(data / "califa_nsa.csv")
    table = table[table["Z"] > 0.003]
    z = table["Z"].to_numpy(float)
    nothing = np.full(len(table), np.nan)
    return {
        "source": "califa",
        "ra": table["RA"],
        "dec": table["DEC"],
        **dict.fromkeys(BANDS, nothing),
        "petro_r50": clean(table["PETROTH50"], 0.3, 200),
        "petro_r90": clean(table["PETROTH90"], 0.5, 400),
        "axis_ratio": clean(table["SERSIC_BA"], 0.05, 1.01),
        "velocity_dispersion_kms": clean(table["VDISP"], 30, 500),
        "redshift": z,
        "log_stellar_mass": clean(table["log(Mass) Pipe3D"], 6, 13)
        + scales.SALPETER_TO_KROUPA_MASS,
        "log_sfr": clean(table["log(SFR) Pipe3D"], -6, 4) + scales.SALPETER_TO_KROUPA_SFR,
    }
