"""Galaxies with known redshift in the two real SDSS fields."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from galexplorer.errors import GalexplorerError
from galexplorer.evaluation.densities import marginal_log_density
from galexplorer.image.reader import read_image
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.records.observation import Observation
from galexplorer.schema import TARGETS

GALAXIES = (
    ("NGC 6978", "ngc6976-{}.fits.bz2", 313.1478, -5.7111, 0.0197),
    ("NGC 6977", "ngc6976-{}.fits.bz2", 313.1238, -5.7461, 0.0196),
    ("small galaxy near NGC 6976", "ngc6976-{}.fits.bz2", 313.1556, -5.6450, 0.122),
    ("second small galaxy", "ngc6976-{}.fits.bz2", 313.1180, -5.7306, 0.188),
    ("Haro 25", "frame-{}-005112-4-0345.fits.bz2", 162.1842, 26.0537, 0.0258),
    ("dwarf near Haro 25", "frame-{}-005112-4-0345.fits.bz2", 162.1810, 26.0333, 0.0257),
    ("galaxy at the frame's edge", "frame-{}-005112-4-0345.fits.bz2", 162.1036, 26.0556, 0.139),
)
"""Name, file, position (degrees) and spectroscopic redshift."""


def evaluate_fields(engine: Engine, data: Path) -> list[dict]:
    """Infer every galaxy from its pixels, and from the magnitudes measured on them alone.

    Returns
    -------
    list of dict
        Redshift quantiles, whether the 95% interval holds the truth, the measured r and notes;
        ``log_density`` and ``log_density_photometry`` at the true redshift with and without the
        image.
    """
    report = []
    for name, pattern, ra, dec, redshift in GALAXIES:
        row: dict = {"galaxy": name, "redshift": redshift}
        try:
            pixels = read_image({b: data / "fits" / pattern.format(b) for b in "gri"})
            observation = observe(pixels, None, ra, dec)
            result = engine.infer(observation)
        except GalexplorerError as error:
            report.append({**row, "error": str(error)})
            continue
        summary = result.posterior.summary()["redshift"]
        inside = summary["p2_5"] <= redshift <= summary["p97_5"]
        report.append(
            {
                **row,
                **{k: summary[k] for k in ("p2_5", "p16", "p50", "p84", "p97_5")},
                "inside_95": bool(inside),
                "log_density": _log_density(engine, observation, redshift),
                "log_density_photometry": _log_density(
                    engine, _without_image(observation), redshift
                ),
                "r": result.photometry.magnitudes.get("r", float("nan")),
                "domain_inside": result.domain.inside,
                "notes": list(result.notes),
            }
        )
    return report


def _without_image(observation: Observation) -> Observation:
    """Return the same magnitudes and radii as if a catalogue had given them."""
    photometry = observation.photometry
    sized = photometry.petro_kind != "none"
    return Observation(
        None,
        replace(photometry, kind="catalogue", petro_kind="catalogue" if sized else "none"),
    )


def _log_density(engine: Engine, observation: Observation, redshift: float) -> float:
    truth = np.full((1, len(TARGETS)), np.nan)
    truth[0, 0] = redshift
    with torch.inference_mode():
        encoded = engine.encode([observation])
        nothing = torch.zeros((1, 1, len(TARGETS)))
        return float(marginal_log_density(engine, encoded, nothing, truth)[0, 0])
