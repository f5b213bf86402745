"""Readers of further tables of SDSS galaxies: photometry of other selections, and labels alone.

Tables of labels give their values to rows of other tables at the same place. Magnitudes that are
not corrected for Galactic extinction get that of galaxies of the main sample nearby on the sky.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from galexplorer.population import scales
from galexplorer.schema import BANDS, EXTINCTION_PER_REDDENING

FOLDER = "more"
"""Where these tables stand in the folder of real data; it may be absent."""

_NEIGHBOURS = 5


def clean(values: pd.Series | np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values, NaN where they are not between two limits: missing, or absurd."""
    values = np.asarray(values, float)
    return np.where((values > low) & (values < high), values, np.nan)


def read_photoz(folder: Path) -> dict:
    """Read the galaxies with SDSS's own photometric redshifts: ugriz, errors, metallicities.

    They have no positions, but some stand in other tables that do.
    """
    table = pd.read_csv(folder / "sdss_photoz.csv.gz", low_memory=False)
    table = table[table["class"] == "GALAXY"].drop_duplicates("dr8objid")
    metallicity = pd.read_csv(folder / "oh_by_objid.csv.gz").drop_duplicates("dr8objid")
    places = _positions(folder).reindex(table.dr8objid)
    return {
        "source": "photoz",
        "key": "dr8/" + table.dr8objid.astype(str),
        "ra": places.ra.to_numpy(),
        "dec": places.dec.to_numpy(),
        **{b: clean(table[b], 8, 26) for b in BANDS},
        **{f"err_{b}": clean(table[f"err_{b}"], 0, 5) for b in BANDS},
        "redshift": table.z_spec.to_numpy(float),
        "photometric_redshift": clean(table.sdss_photoz, 0, 2),
        "gas_metallicity": clean(
            table.dr8objid.map(metallicity.set_index("dr8objid").oh_p50), 7, 10
        ),
    }


def _positions(folder: Path) -> pd.DataFrame:
    """Return ra and dec of galaxies by their identifier of data release 8."""
    names = ("mass_type", "manga", "vdisp1000", "sdss_faint")
    columns = ["dr8objid", "ra", "dec"]
    tables = [pd.read_csv(folder / f"{name}.csv.gz", usecols=columns) for name in names]
    places = pd.concat(tables).drop_duplicates("dr8objid")
    return places[places.dr8objid > 0].set_index("dr8objid")


def read_subclass(folder: Path) -> dict:
    """Read the galaxies chosen by class of spectrum, in about equal parts."""
    table = pd.read_csv(folder / "sdss_subclass.csv.gz", low_memory=False)
    return {
        "source": "subclass",
        "ra": table.ra,
        "dec": table.dec,
        **{b: clean(table[b], 8, 26) for b in BANDS},
        "redshift": table.z_spec,
    }


def read_faint(folder: Path) -> dict:
    """Read galaxies beyond the limit of the main sample."""
    table = pd.read_csv(folder / "sdss_faint.csv.gz", low_memory=False)
    table = table[(table["class"] == "GALAXY") & (table.probPSF < 0.5)]
    return {
        "source": "faint",
        "ra": table.ra,
        "dec": table.dec,
        **{b: clean(table[b], 8, 26) for b in BANDS},
        "redshift": table.z_spec,
    }


def read_nearby(folder: Path, main: dict) -> dict:
    """Read galaxies at z < 0.02, most of them dwarfs; `main` is the sample of known E(B-V)."""
    table = pd.read_csv(folder / "nearby_ugriz.csv.gz")
    return {
        "source": "nearby",
        "ra": table.ra,
        "dec": table.dec,
        **_corrected(table, "{}", main),
        "redshift": table.z_spec,
    }


def read_mergers(folder: Path, main: dict) -> dict:
    """Read the brighter members of mergers, with masses and rates; `main` as for `read_nearby`."""
    table = pd.read_csv(folder / "mergers.csv.gz")
    return {
        "source": "mergers",
        "ra": table.ra,
        "dec": table.dec,
        **_corrected(table, "{}_app_1", main),
        **{f"err_{b}": clean(table[f"{b}_app_err_1"], 0, 5) for b in BANDS},
        "redshift": table.z_spec,
        "log_stellar_mass": clean(table.log_mstar, 6, 13),
        "log_sfr": clean(table.log_sfr, -6, 4),
    }


def _corrected(table: pd.DataFrame, column: str, main: dict) -> dict:
    """Return E(B-V), and magnitudes without the extinction that it means."""
    ebv = reddening_nearby(table, main)
    extinction = {b: EXTINCTION_PER_REDDENING[b] * ebv for b in BANDS}
    magnitudes = {b: clean(table[column.format(b)], 8, 26) - extinction[b] for b in BANDS}
    return {**magnitudes, "ebv": ebv}


def reddening_nearby(table: pd.DataFrame, main: dict) -> np.ndarray:
    """Return E(B-V) of positions, shape (n,): the mean of the nearest galaxies that have one."""
    known = np.isfinite(np.asarray(main["ebv"], float))
    tree = cKDTree(_on_sphere(np.asarray(main["ra"])[known], np.asarray(main["dec"])[known]))
    _, nearest = tree.query(_on_sphere(table.ra.to_numpy(), table.dec.to_numpy()), _NEIGHBOURS)
    return np.asarray(main["ebv"], float)[known][nearest].mean(axis=1)


def _on_sphere(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    ra, dec = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def read_labels(folder: Path) -> list[dict]:
    """Read tables of values without magnitudes: the more certain of a kind come first."""
    nair = pd.read_csv(folder / "nair_abraham.csv.gz")
    manga = pd.read_csv(folder / "manga.csv.gz")
    sigma = pd.read_csv(folder / "vdisp1000.csv.gz")
    gama = pd.read_csv(folder / "gama_g09.csv.gz")
    types = pd.read_csv(folder / "mass_type.csv.gz")
    tables = [
        {
            "source": "nair",
            **_placed(nair),
            "petro_r50": clean(nair.r50, 0.3, 200),
            "petro_r90": clean(nair.r90, 0.5, 400),
            "axis_ratio": clean(nair.ba, 0.05, 1.01),
            "velocity_dispersion_kms": clean(nair.vdisp, 30, 500),
            "log_stellar_mass": scales.to_mpajhu_mass(clean(nair.log_mstar, 6, 13), "nair"),
        },
        {
            "source": "manga",
            **_placed(manga),
            "velocity_dispersion_kms": clean(manga.vdisp, 30, 500),
            "gas_metallicity": clean(manga.oh_t04, 7, 10),
        },
        {
            "source": "vdisp1000",
            **_placed(sigma),
            "velocity_dispersion_kms": clean(sigma.vdisp, 30, 500),
        },
    ]
    for name in ("virgo_gswlc", "gswlc_sga"):
        table = pd.read_csv(folder / f"{name}.csv.gz")
        tables.append(
            {
                "source": name,
                **_placed(table),
                "log_stellar_mass": scales.to_mpajhu_mass(clean(table.log_mstar, 6, 13), "gswlc"),
            }
        )
    for name, table in (("mass_type", types), ("gama", gama)):
        mass = scales.to_mpajhu_mass(clean(table.log_mstar, 6, 13), name)
        tables.append({"source": name, **_placed(table), "log_stellar_mass": mass})
    return tables


def _placed(table: pd.DataFrame) -> dict:
    nothing = dict.fromkeys(BANDS, np.full(len(table), np.nan))
    return {"ra": table.ra, "dec": table.dec, "redshift": table.z_spec, **nothing}
