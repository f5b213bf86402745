"""Readers of the real tables: each source to one set of columns and scales."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.cosmology import FlatLambdaCDM
from astropy.table import Table

from galexplorer.errors import DataError
from galexplorer.schema import BANDS, LINE_NAMES

COSMOLOGY = FlatLambdaCDM(H0=70, Om0=0.3)

LINE_COLUMNS = tuple(name.removeprefix("log_flux_") for name in LINE_NAMES)

GLADE_MASS_OFFSET = 0.16
"""GLADE+ masses lie this much below kcorrect's and MPA-JHU's, dex (8,580 galaxies in common)."""

MPA_ERROR_FACTORS = {"halpha": 2.473, "hbeta": 1.882, "oiii_5007": 1.566, "nii_6584": 2.039}
"""Factors by which the MPA-JHU line errors are too small (their own repeat observations)."""

SALPETER_TO_KROUPA = -0.2
"""Shift of log mass and log SFR from a Salpeter to a Kroupa IMF (Madau & Dickinson 2014)."""

DISPERSION_RELATION = ((2.036, 0.28, 0.13), (2.171, 0.30, 0.10))
"""log sigma (km/s) at 10^10.7 Msun, slope and scatter: star-forming, quiescent.

The values that `dispersion_relation` finds.
"""

_COLUMNS = (
    "source",
    "ra",
    "dec",
    *BANDS,
    *(f"err_{b}" for b in BANDS),
    "petro_r50",
    "petro_r90",
    "axis_ratio",
    "ebv",
    "velocity_dispersion_kms",
    "redshift",
    "log_stellar_mass",
    "log_sfr",
    "gas_metallicity",
    *LINE_COLUMNS,
    *(f"{line}_err" for line in LINE_COLUMNS),
)


def data_folder(data: Path | None = None) -> Path | None:
    """Return the folder of real data: the argument, GALEXPLORER_DATA, or ../shared/data."""
    if data is not None:
        if not data.is_dir():
            raise DataError(f"There is no folder {data}; give the one that holds the real data.")
        return data
    candidate = Path(
        os.environ.get("GALEXPLORER_DATA", Path(__file__).parents[2] / "../shared/data")
    )
    return candidate.resolve() if candidate.is_dir() else None


def read_all(data: Path) -> pd.DataFrame:
    """Return every real row with photometry and redshift, one set of columns.

    Raises
    ------
    DataError
        If a table is there but cannot be read.
    """
    # of one galaxy in several tables the first has the say
    readers = (
        _main_sample,
        _lines_z010,
        _mpajhu,
        _resolve,
        _structure,
        _xcoldgass,
        _califa,
        _lines_z011,
    )
    try:
        tables = [_frame(reader(data)) for reader in readers]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"A table in {data} cannot be read ({error}); check the folder.") from error
    rows = pd.concat(tables, ignore_index=True)
    magnitudes = rows[list(BANDS)].to_numpy(float)
    rows[list(BANDS)] = np.where((magnitudes > 8) & (magnitudes < 26), magnitudes, np.nan)
    dispersions = data / "mstar_vdisp.csv.gz"
    if dispersions.exists():
        rows.attrs["dispersion_relation"] = dispersion_relation(pd.read_csv(dispersions))
    return rows


def dispersion_relation(table: pd.DataFrame) -> tuple[tuple[float, float, float], ...]:
    """Fit log sigma = zero + slope (log M* - 10.7) to star-forming and quiescent galaxies.

    The table holds massive galaxies only; below 10^10.5 Msun the lines are extrapolated, with
    slopes that agree with Faber-Jackson and Tully-Fisher relations (about 0.3).
    """
    fits = []
    for late in (True, False):
        part = table[(table.TType > 0) == late]
        mass, sigma = part.logMstar - 10.7, part.logvelDisp_e
        good = np.isfinite(mass) & np.isfinite(sigma) & sigma.between(1.6, 2.7)
        slope, zero = np.polyfit(mass[good], sigma[good], 1)
        residual = sigma[good] - zero - slope * mass[good]
        scatter = 1.4826 * float(np.median(np.abs(residual)))
        fits.append((float(zero), float(np.clip(slope, 0.2, 0.4)), scatter))
    return tuple(fits)


def _frame(columns: dict) -> pd.DataFrame:
    size = len(columns["redshift"])
    return pd.DataFrame({name: columns.get(name, np.full(size, np.nan)) for name in _COLUMNS})


def _clean(values: pd.Series | np.ndarray, low: float, high: float) -> np.ndarray:
    values = np.asarray(values, float)
    return np.where((values > low) & (values < high), values, np.nan)


def _lines(table: pd.DataFrame, factors: bool) -> dict:
    out = {}
    for line in LINE_COLUMNS:
        flux = np.asarray(table[line], float)
        error = np.asarray(table.get(f"{line}_err", np.full(len(table), 2.5)), float)
        good = np.isfinite(flux) & (np.abs(flux) < 1e5) & (flux != 0) & (error > 0)
        out[line] = np.where(good, flux, np.nan)
        out[f"{line}_err"] = np.where(
            good, error * (MPA_ERROR_FACTORS[line] if factors else 1), np.nan
        )
    return out


def _mpajhu(data: Path) -> dict:
    table = pd.read_csv(data / "mpajhu_z002_005.csv.gz")
    z = table.z_spec.to_numpy()
    modulus = COSMOLOGY.distmod(z).value
    # the K-corrections that were applied, from the rows in common with the main sample (z = 0.04)
    k_at_004 = {"u": 0.149, "g": 0.091, "r": 0.049, "i": 0.006, "z": -0.004}
    magnitudes = {
        b: _clean(table[f"absmag_petro_{b}"], -26, -10) + modulus + k_at_004[b] * z / 0.04
        for b in BANDS
    }
    return {
        "source": "mpajhu",
        "ra": table.ra,
        "dec": table.dec,
        **magnitudes,
        "petro_r50": _clean(table.petro_r50, 0.3, 200),
        "petro_r90": _clean(table.petro_r90, 0.5, 400),
        "redshift": z,
        "log_stellar_mass": _clean(table.log_mstar, 5, 13),
        "log_sfr": _clean(table.log_sfr, -6, 4),
        "gas_metallicity": _clean(table.oh_t04, 7, 10),
        **_lines(table, factors=True),
    }


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
    table = pd.read_csv(data / "sdss_lines_z011.csv.gz")
    return {
        "source": "lines_z011",
        **{b: table[b] for b in BANDS},
        "redshift": table.z_spec,
        **_lines(table, factors=False),
    }


def _resolve(data: Path) -> dict:
    table = pd.read_csv(data / "resolve.csv.gz")
    sfr = table.sfr_nuv.to_numpy(float)
    return {
        "source": "resolve",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[b] for b in BANDS},
        "petro_r50": _clean(table.r50, 0.3, 200),
        "petro_r90": _clean(table.r90, 0.5, 400),
        "axis_ratio": _clean(table.b_a, 0.05, 1.01),
        "velocity_dispersion_kms": _clean(table.vdisp, 30, 500),
        "redshift": table.cz_kms / 299792.458,
        "log_stellar_mass": _clean(table.log_mstar, 5, 13),
        # ultraviolet rates lie 0.15 dex above MPA-JHU's on galaxies in common
        "log_sfr": np.where(sfr > 0, np.log10(np.maximum(sfr, 1e-6)) - 0.15, np.nan),
        **_lines(table, factors=True),
    }


def _main_sample(data: Path) -> dict:
    table = pd.read_csv(data / "sdss10k_kcorrect_x_gladeplus.csv.gz")
    axis_ratio = 10 ** -_clean(table.logr25, -0.01, 1.2)
    return {
        "source": "main_sample",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[f"model_{b}"] - table[f"ext_{b}"] for b in BANDS},
        **{f"err_{b}": _clean(table[f"modelerr_{b}"], 0, 5) for b in BANDS},
        "axis_ratio": np.clip(axis_ratio, 0, 1),
        "ebv": table.ext_r / 2.285,
        "redshift": table.z,
        "log_stellar_mass": _clean(table.kc_logmass, 6, 13) + 0.015,
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
    r50 = np.where(bulgy, 0.70, 0.98) * _clean(radius, 0.3, 60)
    r50 = np.hypot(r50, 0.65)
    return {
        "source": "structure",
        "ra": table.ra,
        "dec": table.dec,
        **{b: table[b] for b in BANDS},
        "petro_r50": r50,
        "axis_ratio": np.where(bulgy, table.deVAB_r, table.expAB_r),
        "redshift": table.z_spec,
        "log_stellar_mass": _clean(table.log_mstar, 6, 13),
    }


def _xcoldgass(data: Path) -> dict:
    """Read xCOLD GASS, which has no photometry: it lends its values to rows of other tables."""
    cold = Table.read(data / "xcoldgass.fits").to_pandas()
    metal = _clean(cold["Z_PP04_O3N2"], 7, 10)
    nothing = np.full(len(cold), np.nan)
    return {
        "source": "xcoldgass",
        "ra": cold["RA"].astype(float),
        "dec": cold["DEC"].astype(float),
        **dict.fromkeys(BANDS, nothing),
        "redshift": cold["Z_SDSS"].astype(float),
        "log_stellar_mass": _clean(cold["LOGMSTAR"], 6, 13),
        "log_sfr": _clean(cold["LOGSFR_BEST"], -6, 4),
        # PP04 to T04: 0.31 dex on the few galaxies in common,
        # as in Kewley & Ellison 2008 near solar
        "gas_metallicity": metal + 0.31,
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
        "petro_r50": _clean(table["PETROTH50"], 0.3, 200),
        "petro_r90": _clean(table["PETROTH90"], 0.5, 400),
        "axis_ratio": _clean(table["SERSIC_BA"], 0.05, 1.01),
        "velocity_dispersion_kms": _clean(table["VDISP"], 30, 500),
        "redshift": z,
        "log_stellar_mass": _clean(table["log(Mass) Pipe3D"], 6, 13) + SALPETER_TO_KROUPA,
        "log_sfr": _clean(table["log(SFR) Pipe3D"], -6, 4) + SALPETER_TO_KROUPA,
    }
