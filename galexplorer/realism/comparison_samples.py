"""Real images that are no donors, and simulated ones delivered as by the same servers.

Both kinds pass through the same server, the same measurement and the same cutout.

Galaxy Zoo's images have no known scale. They are measured at a nominal one, real and simulated
alike, which compares surface brightnesses and relative sizes.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from galexplorer.datasets import shards
from galexplorer.errors import InputError, TargetError
from galexplorer.image.cutout import cut
from galexplorer.image.measure import Measurement, measure
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.schema import IMAGE_BANDS
from galexplorer.simulation.donors import KNOWN_SCALES_ARCSEC, RESERVED, Donors, unlabelled
from galexplorer.simulation.jpeg_service import jpeg_service_of, render_jpeg
from galexplorer.simulation.rendering import render
from galexplorer.simulation.training_set import galaxy_of
from galexplorer.simulation.transplants import choose, transplant

NOMINAL_SCALE_ARCSEC = 0.396
_TYPES = {0: "elliptical", 1: "spiral", 2: "spiral", 3: "edge-on", 10: "non-spiral", 11: "spiral"}


@dataclass
class Sample:
    """Cutouts and what was measured on their pixels."""

    grids: list[np.ndarray] = field(default_factory=list)
    measured: list[tuple[float, float, float, float]] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.grids)

    def add(self, pixels: Pixels, name: str, kind: str) -> bool:
        """Measure and cut an image; return whether a galaxy was found in the middle of it."""
        try:
            found = measure(pixels)
        except TargetError:
            return False
        if len(found.magnitudes) < len(IMAGE_BANDS) or not is_central(pixels, found):
            return False
        g, r, i = (found.magnitudes[band] for band in IMAGE_BANDS)
        size = found.petro_r50 or 0.4 * found.aperture_arcsec
        self.grids.append(cut(pixels, found)[0])
        self.measured.append((r, float(np.log10(size)), g - r, r - i))
        self.sets.append(name)
        self.types.append(kind)
        return True


def read_real_sample(data: Path, tuning: bool = False) -> Sample:
    """Read real images that give nothing to simulated ones.

    Parameters
    ----------
    data : Path
        Folder of the real sets.
    tuning : bool
        Instead of the images reserved for measuring realism, read as many others from outside the
        training split: those that the simulation's constants may be changed by.

    Returns
    -------
    Sample
    """
    sample = Sample()
    listed = unlabelled(data)
    if tuning:
        listed = listed[~listed.reserved & (listed.split != shards.TRAIN)]
        listed = pd.concat(
            part.sample(min(len(part), RESERVED[str(name)]), random_state=0)
            for name, part in listed.groupby("set")
        )
    else:
        listed = listed[listed.reserved]
    for name, file, code in zip(listed.set, listed.file, listed.kind, strict=True):
        scale = KNOWN_SCALES_ARCSEC.get(name, NOMINAL_SCALE_ARCSEC)
        try:
            pixels = read_image(data / name / file, pixel_scale_arcsec=scale)
        except InputError:
            continue  # an empty picture; the figures are of those that can be read
        kind = "spiral" if name == "sdss_spirals" else _TYPES.get(int(code), "other")
        sample.add(pixels, name, kind)
    return sample


def simulate_sample(
    rows: pd.DataFrame, number: dict[str, int], seed: int, donors: Donors | None
) -> Sample:
    """Simulate galaxies as the servers of the real sets would have delivered them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Population.
    number : dict of str to int
        Images wanted per set.
    seed : int
    donors : Donors or None
        With them, galaxies are transplanted; without, rendered.

    Returns
    -------
    Sample
    """
    sample = Sample()
    for position, (name, wanted) in enumerate(number.items()):
        rng = np.random.default_rng([seed, position])
        able = rows[selection_mask(rows, name)]
        made = 0
        for index in rng.permutation(len(able)):
            pixels = simulate_delivery(able.iloc[int(index)], name, donors, rng)
            if pixels is None:
                continue
            if name not in KNOWN_SCALES_ARCSEC:
                pixels = _nominal(pixels)
            made += sample.add(pixels, name, "")
            if made == wanted:
                break
    return sample


def simulate_delivery(
    row: pd.Series, name: str, donors: Donors | None, rng: np.random.Generator
) -> Pixels | None:
    """Simulate a galaxy as the server of a real set would have delivered it.

    Parameters
    ----------
    row : pandas.Series
        Of the population.
    name : str
        The real set.
    donors : Donors or None
        With them, the galaxy is transplanted; without, rendered.
    rng : numpy.random.Generator

    Returns
    -------
    Pixels or None
        None where no donor is fit.
    """
    galaxy = galaxy_of(row, float(row.ebv) if np.isfinite(row.ebv) else 0.03)
    if donors is None:
        flux = render(galaxy, rng)
    else:
        k = choose(donors, galaxy, rng)
        if k is None:
            return None
        flux = transplant(donors, k, galaxy, rng)
    return render_jpeg(flux, jpeg_service_of(name, float(row.petro_r90_true), float(row.dec)), rng)


def selection_mask(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Return which rows the survey behind a set would have chosen."""
    r, r90 = rows.r.to_numpy(float), rows.petro_r90_true.to_numpy(float)
    if name == "gz1_jpeg":
        return (r < 17.77) & (r90 < 40)
    if name == "gz2_jpeg":
        return (r < 17.0) & (r90 > 3.0) & (r90 < 40)
    late = (rows.log_sfr - rows.log_stellar_mass > -11.3).to_numpy()
    # a Petrosian radius above 5.5 arcsec: 3.63 scale lengths of a disc, R90 3.77 of them
    return (r < 17.77) & (r90 > 5.7) & (r90 < 25) & late


def _nominal(pixels: Pixels) -> Pixels:
    """Return a delivered image at a nominal pixel scale."""
    factor = (NOMINAL_SCALE_ARCSEC / pixels.pixel_scale_arcsec) ** 2
    return Pixels(
        flux=pixels.flux * np.float32(factor),
        pixel_scale_arcsec=NOMINAL_SCALE_ARCSEC,
        origin="jpeg",
        sha256="",
        composite=pixels.composite,
    )


def is_central(pixels: Pixels, found: Measurement) -> bool:
    """Return whether what was found lies in the middle of an image."""
    height, width = pixels.flux.shape[1:]
    offset = np.hypot(found.x - (width - 1) / 2, found.y - (height - 1) / 2)
    return bool(offset < 0.12 * min(height, width))
