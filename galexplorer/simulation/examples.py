"""The app's example galaxies: simulated from held-out rows, and labelled as such.

They are showcases: the first galaxies of their kind whose answer is right. How often it is right is
what the report card measures.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from galexplorer.api.engine import Engine
from galexplorer.datasets import shards
from galexplorer.errors import DataError, TargetError
from galexplorer.image.fits_writer import write_cube
from galexplorer.population.store import load_population
from galexplorer.records.result import Result
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC, TARGET_NAMES
from galexplorer.science.summary import kind_of_galaxy, not_measurable
from galexplorer.simulation.rendering import render
from galexplorer.simulation.training_set import galaxy_of

_MAX_SIDE = 260
CANDIDATES = 200
"""Galaxies of a kind that are tried before the search ends."""

LEAST_WITHIN_68 = 2 / 3
"""Share of the true values that the 68% intervals must hold; those of 95% hold all."""


@dataclass(frozen=True)
class Kind:
    """A kind of galaxy to show: how to choose its row, and how its answer begins."""

    file: str
    name: str
    description: str
    condition: str
    answer: str


KINDS = (
    Kind(
        "spiral.fits.gz",
        "Nearby spiral",
        "A star-forming disc, wide enough to show its arms.",
        "redshift.between(0.015, 0.04) and petro_r50_true.between(5, 9) and axis_ratio > 0.6 "
        "and log_sfr - log_stellar_mass > -10.3 and log_stellar_mass > 9.8 and r < 15 "
        "and gas_metallicity_valid and log_bh_mass_valid",
        "Star-forming galaxy",
    ),
    Kind(
        "edge_on.fits.gz",
        "Edge-on disc",
        "A disc seen from the side, dust in its plane.",
        "redshift.between(0.015, 0.06) and petro_r50_true.between(3.5, 8) and axis_ratio < 0.27 "
        "and log_sfr - log_stellar_mass > -10.6",
        "Star-forming galaxy",
    ),
    Kind(
        "elliptical.fits.gz",
        "Massive elliptical",
        "Old stars, hardly any gas.",
        "redshift.between(0.04, 0.1) and log_stellar_mass > 11.1 "
        "and log_sfr - log_stellar_mass < -11.6 and log_concentration > 0.48",
        "Passive galaxy",
    ),
    Kind(
        "dwarf.fits.gz",
        "Blue dwarf",
        "Low mass, metal-poor, strong oxygen lines. So blue that the verdict asks whether its "
        "bands are swapped.",
        "redshift < 0.025 and log_stellar_mass < 9.2 and petro_r50_true.between(2, 5) and r < 17.2 "
        "and log_flux_oiii_5007 > 2.2 and bpt_class == 0 and gas_metallicity < 8.5 "
        "and gas_metallicity_valid",
        "Star-forming galaxy",
    ),
    # No Seyfert: of 60 rendered ones none was called so, for light in broad bands hardly shows it.
    Kind(
        "composite.fits.gz",
        "Composite galaxy",
        "Young stars and a weak active nucleus at once. Its lines are called composite, and "
        "the galaxy passive.",
        "redshift.between(0.03, 0.1) and bpt_class == 1 and r < 17 and log_stellar_mass > 10.2 "
        "and log_sfr - log_stellar_mass > -11",
        "Composite galaxy",
    ),
    Kind(
        "distant.fits.gz",
        "Distant red galaxy",
        "At the far end of the main sample.",
        "redshift > 0.17 and log_sfr - log_stellar_mass < -11",
        "Passive galaxy",
    ),
)


def render_examples(rendered: Path, out: Path, engine: Engine, seed: int = 7) -> list[dict]:
    """Render the examples and write them with their listing.

    Of each kind it is the first galaxy, in random order, of which the posterior names the class,
    and holds the true values: all in 95%, and `LEAST_WITHIN_68` of them in 68%.

    Parameters
    ----------
    rendered : Path
        A rendered set; its population gives the rows.
    out : Path
        Folder for the FITS cubes and ``examples.json``.
    engine : Engine
        Whose answers are judged.
    seed : int

    Returns
    -------
    list of dict
        The listing.

    Raises
    ------
    DataError
        If the population has no galaxy of a kind, or none whose answer is right.
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
        row, flux = _search(kind, chosen, engine, rng)
        write_cube(out / kind.file, flux, SDSS_PIXEL_SCALE_ARCSEC, header_cards=_cards(kind, row))
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


def _search(
    kind: Kind, rows: pd.DataFrame, engine: Engine, rng: np.random.Generator
) -> tuple[pd.Series, np.ndarray]:
    """Return the first galaxy whose answer is right, and its pixels."""
    for number in rng.permutation(len(rows))[:CANDIDATES]:
        row = rows.iloc[int(number)]
        flux = _trim(render(galaxy_of(row, ebv=0.03), rng))
        buffer = io.BytesIO()
        write_cube(buffer, flux, SDSS_PIXEL_SCALE_ARCSEC, header_cards=_cards(kind, row))
        try:
            result = engine.infer(buffer.getvalue(), draws=2000)
        except TargetError:
            continue  # nothing stands out from the noise
        if kind_of_galaxy(result).startswith(kind.answer) and holds(result, _truth(row)):
            return row, flux
    raise DataError(
        f"The answer was right for no {kind.name} of {CANDIDATES}: relax its condition."
    )


def holds(result: Result, truth: dict[str, float]) -> bool:
    """Return whether the answer shows all true values: 95% hold each, 68% enough of them."""
    if any(not_measurable(result, name) for name in truth):
        return False
    summary = result.posterior.summary()

    def within(low: str, high: str) -> list[bool]:
        return [summary[t][low] <= value <= summary[t][high] for t, value in truth.items()]

    share = float(np.mean(within("p16", "p84")))
    return all(within("p2_5", "p97_5")) and share >= LEAST_WITHIN_68


def _cards(kind: Kind, row: pd.Series) -> dict[str, object]:
    return {
        "OBJECT": (kind.name, "rendered, not observed"),
        "ORIGIN": "galexplorer",
        "TRUEZ": (float(row.redshift), "redshift it was rendered for"),
    }


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
