"""Rows of training sets as galaxies of the library."""

from pathlib import Path

import numpy as np

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.errors import DataError
from galexplorer.inference.library import Entries, join

_PUBLISHED = 1
"""The label of a value that was measured, neither imputed nor drawn."""


def read_sets(folders: list[Path]) -> Entries:
    """Read the galaxies of labelled image sets.

    Parameters
    ----------
    folders : list of Path
        Sets of real images, as the commands under ``galexplorer dataset`` write them.

    Raises
    ------
    DataError
        If a folder holds no set, or a set of rendered galaxies.
    """
    parts = []
    for folder in folders:
        arrays, manifest = shards.read(folder)
        if manifest.get("kind") == "rendered":
            raise DataError(
                f"{folder} holds rendered galaxies, and the library is one of real galaxies: give "
                "a set of real images."
            )
        parts.append(entries_of(arrays))
    return join(parts)


def entries_of(arrays: Arrays) -> Entries:
    """Return the rows that have an image of known scale, a position and measured photometry."""
    usable = arrays["has_image"].astype(bool) & np.isfinite(arrays["pixel_scale"])
    usable &= np.isfinite(arrays["position"]).all(axis=1)
    usable &= np.isfinite(arrays["measured_mag"]).all(axis=1)
    rows = shards.select(arrays, np.flatnonzero(usable))
    known = np.where(rows["label"] == _PUBLISHED, rows["targets"], np.nan)
    catalogue_r = rows["catalogue_mag"][:, 2]
    r = np.where(np.isfinite(catalogue_r), catalogue_r, rows["measured_mag"][:, 1])
    return Entries(
        grid=rows["grid"],
        pixel_scale=rows["pixel_scale"],
        origin=rows["origin"],
        magnitudes=rows["measured_mag"],
        errors=rows["measured_err"],
        petro=rows["measured_petro"],
        position=rows["position"],
        known=np.column_stack([known, r]),
    )
