"""The app's example galaxies: simulated from held-out rows, and labelled as such."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.image.fits_writer import write_cube
from galexplorer.population.store import load_population
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC, TARGET_NAMES
from galexplorer.simulation.rendering import render
from galexplorer.simulation.training_set import galaxy_of

_MAX_SIDE = 260


@dataclass(frozen=True)
class Kind:
    """A kind of galaxy to show, and how to choose its row."""

    file: str
    name: str
    description: str
    condition: str


KINDS = (
    Kind(
        "spiral.fits.gz",
        "Nearby spiral",
        "A star-forming disc, wide enough to show its arms.",
        "redshift.between(0.015, 0.04) and petro_r50_true.between(5, 9) and axis_ratio > 0.6 "
        "and log_sfr - log_stellar_mass > -10.3 and log_stellar_mass > 9.8",
    ),
    Kind(
        "edge_on.fits.gz",
        "Edge-on disc",
        "A disc seen from the side, dust in its plane.",
        "redshift.between(0.015, 0.06) and petro_r50_true.between(3.5, 8) and axis_ratio < 0.27 "
        "and log_sfr - log_stellar_mass > -10.6",
    ),
    Kind(
        "elliptical.fits.gz",
        "Massive elliptical",
        "Old stars, hardly any gas.",
        "redshift.between(0.04, 0.1) and log_stellar_mass > 11.1 "
        "and log_sfr - log_stellar_mass < -11.6 and log_concentration > 0.48",
    ),
    Kind(
        "dwarf.fits.gz",
        "Blue dwarf",
        "Low mass, metal-poor, strong oxygen lines.",
        "redshift < 0.025 and log_stellar_mass < 9.2 and petro_r50_true.between(2, 5) and r < 16.8 "
        "and log_flux_oiii_5007 > 2.2 and bpt_class == 0",
    ),
    Kind(
        "seyfert.fits.gz",
        "Seyfert host",
        "An active nucleus in a massive disc.",
        "redshift.between(0.03, 0.07) and bpt_class == 2 and log_flux_oiii_5007 > 2.0 and r < 16 "
        "and log_flux_hbeta > 1.2 and log_stellar_mass > 10.4",
    ),
    Kind(
        "distant.fits.gz",
        "Distant red galaxy",
        "At the far end of the main sample.",
        "redshift > 0.17 and log_sfr - log_stellar_mass < -11",
    ),
)


def render_examples(rendered: Path, out: Path, seed: int = 7) -> list[dict]:
    """Render the examples and write them with their listing.

    Parameters
    ----------
    rendered : Path
        A rendered set; its population gives the rows.
    out : Path
        Folder for the FITS cubes and ``examples.json``.
    seed : int

    Returns
    -------
    list of dict
        The listing.

    Raises
    ------
    DataError
        If the population has no galaxy of a kind.
    """
    _, manifest = shards.read(rendered)
    rows = load_population(rendered, manifest["seed"])
    out.mkdir(parents=True, exist_ok=True)
    placed = rows[np.isfinite(rows.ra)]
    held = np.array(
        [shards.split_of(*p) == shards.TEST for p in zip(placed.ra, placed.dec, strict=True)]
    )
    listing = []
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng([seed, number])
        chosen = placed[held].query(kind.condition)
        if chosen.empty:
            raise DataError(f"The population holds no {kind.name}; render a larger one.")
        row = chosen.iloc[int(rng.integers(len(chosen)))]
        flux = _trim(render(galaxy_of(row, ebv=0.03), rng))
        write_cube(
            out / kind.file,
            flux,
            SDSS_PIXEL_SCALE_ARCSEC,
            header_cards={
                "OBJECT": (kind.name, "rendered, not observed"),
                "ORIGIN": "galexplorer",
                "TRUEZ": (float(row.redshift), "redshift it was rendered for"),
            },
        )
        listing.append(
            {
                "file": kind.file,
                "name": kind.name,
                "truth": _truth(row),
                "description": kind.description,
            }
        )
    (out / "examples.json").write_text(json.dumps(listing, indent=2) + "\n")
    return listing


def _trim(flux: np.ndarray) -> np.ndarray:
    size = flux.shape[1]
    margin = max(0, (size - _MAX_SIDE) // 2)
    inner = slice(margin, size - margin)
    # a thousandth of a nanomaggy is far below the noise; round numbers pack well
    return np.round(flux[:, inner, inner] * 1024) / 1024


def _truth(row: pd.Series) -> dict[str, float]:
    return {
        name: round(float(row[name]), 4)
        for name in TARGET_NAMES
        if np.isfinite(row[name]) and bool(row[f"{name}_valid"])
    }
