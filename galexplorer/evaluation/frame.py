"""Stars of a real SDSS frame: linear pixels as the archive serves them, which taught nothing."""

from pathlib import Path

import numpy as np
import sep

from galexplorer.errors import GalexplorerError
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.records.observation import Observation
from galexplorer.schema import IMAGE_BANDS

_FRAME = "frame-{}-005112-4-0345.fits.bz2"
_STAR_R = (13.0, 18.5)


def stars_of_frame(data: Path) -> list[Observation]:
    """Return what the point sources of a real SDSS frame are measured as.

    They are those whose half-light radius is the commonest among bright sources, within a tenth:
    stars share the point-spread function, and galaxies do not.
    """
    pixels = _read(data)
    found, radius, magnitude = _sources(pixels)
    usual = _usual_radius(radius, magnitude)
    chosen = _between(magnitude, _STAR_R) & (np.abs(radius / usual - 1) < 0.1)
    out = []
    for k in np.flatnonzero(chosen):
        ra, dec = pixels.to_sky(float(found["x"][k]), float(found["y"][k]))
        try:
            out.append(observe(pixels, None, ra, dec))
        except GalexplorerError:  # which a user would be told
            continue
    return out


def _read(data: Path) -> Pixels:
    return read_image({band: data / "fits" / _FRAME.format(band) for band in IMAGE_BANDS})


def _sources(pixels: Pixels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sources, their half-light radii in pixels, NaN where unknown, and r magnitudes."""
    plane = np.ascontiguousarray(np.nan_to_num(pixels.flux[1]), dtype=np.float32)
    background = sep.Background(plane)
    found = sep.extract(plane - background.back(), 5.0, err=background.globalrms)
    radius, _ = sep.flux_radius(plane, found["x"], found["y"], 6 * found["a"], 0.5, subpix=5)
    return found, radius, 22.5 - 2.5 * np.log10(np.maximum(found["flux"], 1e-3))


def _between(magnitude: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (magnitude > limits[0]) & (magnitude < limits[1])


def _usual_radius(radius: np.ndarray, magnitude: np.ndarray) -> float:
    bright = _between(magnitude, _STAR_R) & np.isfinite(radius)
    counts, edges = np.histogram(radius[bright], np.arange(0.5, 6, 0.1))
    return float(edges[counts.argmax()] + 0.05)
