"""Magnitudes for observed images without catalogue photometry: those of matched galaxies.

Few labelled images have a catalogue's magnitudes: too few to learn from what these add to an
image. Galaxies of the tables at the same redshift and mass, with about the colours and the
brightness that were measured on the image, give theirs.
"""

import numpy as np
from scipy.spatial import cKDTree

from galexplorer.datasets.shards import OBSERVED, Arrays
from galexplorer.schema import BANDS, IMAGE_BANDS
from galexplorer.training.training_data import TrainingData

MAX_MATCHES = 8
"""Maximum number of galaxies whose photometry an image may take, one at a time."""

_COLUMNS = ("catalogue_mag", "catalogue_err", "catalogue_petro", "catalogue_petro_mag")
_GRI = [BANDS.index(band) for band in IMAGE_BANDS]
_SCALE = (0.003, 0.1, 0.35, 0.1, 0.05)
"""Of redshift, mass, r, g - r and r - i. Magnitudes measured on JPEGs scatter about a catalogue's
by 0.33, colours by 0.10 and 0.05 (144 galaxies); a redshift tells more than that of a catalogue's
magnitudes, whose error is 0.02."""

_FURTHEST = 3.0
"""Maximum distance of a match, in these units."""


class MatchedPhotometry:
    """Which rows give their magnitudes to which labelled images.

    Parameters
    ----------
    training_data : TrainingData
    """

    def __init__(self, training_data: TrainingData) -> None:
        rows = training_data.rows
        # simulated galaxies have the magnitudes of rows that are in the tables already
        observed = rows["kind"] == OBSERVED
        bands = np.isfinite(rows["catalogue_mag"])
        measured: np.ndarray = np.all(np.isin(rows["label"][:, :2], (1, 3)), axis=1)
        giving = measured & observed & np.all(bands, axis=1)
        donors = training_data.tables[giving[training_data.tables]]
        wanting = training_data.observed[
            (measured & ~np.any(bands, axis=1))[training_data.observed]
        ]
        mine = _place(rows["targets"][wanting], rows["measured_mag"][wanting])
        known = np.all(np.isfinite(mine), axis=1)
        self._donors = np.full((len(measured), MAX_MATCHES), -1)
        if len(donors) and known.any():
            theirs = _place(rows["targets"][donors], rows["catalogue_mag"][donors][:, _GRI])
            _, nearest = cKDTree(theirs).query(
                mine[known], MAX_MATCHES, distance_upper_bound=_FURTHEST
            )
            # where there are fewer, the tree answers with its size
            self._donors[wanting[known]] = np.append(donors, -1)[nearest]
        self._number = (self._donors >= 0).sum(axis=1)
        self._training_data = training_data

    def assign(self, images: Arrays, rows: np.ndarray, rng: np.random.Generator) -> None:
        """Give the images of some rows what the catalogue has of a galaxy like each, in place."""
        place = rng.integers(0, np.maximum(self._number[rows], 1))
        donor = self._donors[rows, place]
        for name in _COLUMNS:
            images[name][donor >= 0] = self._training_data.rows[name][donor[donor >= 0]]


def _place(targets: np.ndarray, gri: np.ndarray) -> np.ndarray:
    """Return where galaxies lie, (n, 5), in units of what counts as alike."""
    g, r, i = gri.T.astype(float)
    return np.column_stack([targets[:, 0], targets[:, 1], r, g - r, r - i]) / _SCALE
