"""Judged rows of a catalogue as columns of a table, and back."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from astropy.table import Column, Table

from galexplorer.catalogue import Catalogue
from galexplorer.catalogue.joining import label_inputs, row_names
from galexplorer.schema import BANDS, IMAGE_BANDS
from galexplorer.tables.cells import pack_texts
from galexplorer.tables.writer import flatten

_JUDGED = "_judged_"
"""Before the names of columns that hold what the input's columns were judged to be worth."""

_BY_BAND = {"magnitudes": "mag", "errors": "err", "petro_magnitudes": "petro"}
_NUMBERS = ("petro_r50", "petro_r90", "redshift", "redshift_min", "redshift_max", "pixel_scale")
_PRIORS = ("redshift_prior_mean", "redshift_prior_sigma")
OWN = ("row", "id", "ra", "dec")
"""The first columns of a result."""


def judged_table(catalogue: Catalogue, first: int, results: Sequence[str]) -> Table:
    """Return a catalogue as a table of plain columns.

    Parameters
    ----------
    catalogue : Catalogue
    first : int
        Rows before it in the input.
    results : sequence of str
        Names of the columns that a result has, which no column of the input may have.

    Returns
    -------
    astropy.table.Table
        `OWN`, the input's columns under the names that they have in the result, and the judged
        ones. A row without a position has one that only says where it is filed; they are spread
        evenly over the sky.
    """
    number = len(catalogue)
    table = Table()
    table["row"] = np.arange(first, first + number, dtype=np.int64)
    named = "id" in catalogue.used
    table["id"] = row_names(catalogue) if named else table["row"].astype(str)
    placed = np.isfinite(catalogue.ra) & np.isfinite(catalogue.dec)
    filed_ra, filed_dec = spread_evenly(np.asarray(table["row"]))
    table["ra"] = Column(np.where(placed, catalogue.ra, filed_ra), unit="deg")
    table["dec"] = Column(np.where(placed, catalogue.dec, filed_dec), unit="deg")
    if catalogue.table is not None:
        labels = label_inputs(catalogue, results)
        plain = Table(catalogue.table, copy=False)
        keep = [name for name, label in labels.items() if label not in OWN]
        for name in keep:
            table[labels[name]] = plain[name]
    table = flatten(table)
    for part, word in _BY_BAND.items():
        values = getattr(catalogue, part)
        for k, band in enumerate(BANDS):
            table[f"{_JUDGED}{word}_{band}"] = values[:, k]
    for name in ("ra", "dec", *_NUMBERS):
        table[f"{_JUDGED}{name}"] = getattr(catalogue, name)
    priors = catalogue.redshift_prior
    for k, name in enumerate(_PRIORS):
        table[f"{_JUDGED}{name}"] = np.full(number, np.nan) if priors is None else priors[:, k]
    table[f"{_JUDGED}image"] = pack_texts([str(text) for text in catalogue.image])
    for k, band in enumerate(IMAGE_BANDS):
        bands = catalogue.band_images
        texts = [""] * number if bands is None else [str(text) for text in bands[:, k]]
        table[f"{_JUDGED}image_{band}"] = pack_texts(texts)
    table[f"{_JUDGED}flags"] = pack_texts([str(text) for text in catalogue.flags])
    return table


def catalogue_of(frame: pd.DataFrame) -> Catalogue:
    """Return the catalogue that a frame of `judged_table`'s columns holds."""

    def number(name: str) -> np.ndarray:
        return frame[f"{_JUDGED}{name}"].to_numpy(np.float64, na_value=np.nan)

    def text(name: str) -> np.ndarray:
        column = frame[f"{_JUDGED}{name}"] if name != "id" else frame["id"]
        return column.astype(str).to_numpy(object)

    def by_band(word: str) -> np.ndarray:
        return np.stack([number(f"{word}_{band}") for band in BANDS], axis=1)

    bands = np.stack([text(f"image_{band}") for band in IMAGE_BANDS], axis=1)
    priors = np.stack([number(name) for name in _PRIORS], axis=1)
    return Catalogue(
        id=text("id"),
        ra=number("ra"),
        dec=number("dec"),
        magnitudes=by_band(_BY_BAND["magnitudes"]),
        errors=by_band(_BY_BAND["errors"]),
        petro_magnitudes=by_band(_BY_BAND["petro_magnitudes"]),
        petro_r50=number("petro_r50"),
        petro_r90=number("petro_r90"),
        redshift=number("redshift"),
        redshift_min=number("redshift_min"),
        redshift_max=number("redshift_max"),
        pixel_scale=number("pixel_scale"),
        image=text("image"),
        flags=text("flags"),
        band_images=bands if (bands != "").any() else None,
        redshift_prior=None if np.isnan(priors).all() else priors,
    )


def names_of_inputs(names: Sequence[str]) -> list[str]:
    """Return those of a judged table's columns that came with the input."""
    return [name for name in names if name not in OWN and not name.startswith(_JUDGED)]


def arrow_column(column: Column) -> pa.Array:
    """Return a column of results for Arrow, with NaN as NaN and not as a gap."""
    values = np.asarray(column)
    if values.dtype.kind in "OU":
        return pa.array(values.tolist(), pa.string())
    values = values.astype(values.dtype.newbyteorder("="))
    if values.ndim == 1:
        return pa.array(values, from_pandas=False)
    offsets = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), from_pandas=False))


def spread_evenly(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return positions for rows that have none, degrees, evenly over the sphere.

    Parameters
    ----------
    rows : ndarray, shape (n,), int

    Returns
    -------
    ra, dec : ndarray, shape (n,)

    Examples
    --------
    >>> ra, dec = spread_evenly(np.arange(1000))
    >>> bool(np.abs(np.sin(np.radians(dec)).mean()) < 0.01)
    True
    """
    # multiples of two numbers that are badly approximated by fractions fill a square evenly
    # (Roberts 2018, extremelearning.com.au/unreasonable-effectiveness-of-quasirandom-sequences)
    across = np.mod(0.5 + rows * 0.7548776662466927, 1.0)
    along = np.mod(0.5 + rows * 0.5698402909980532, 1.0)
    return 360.0 * across, np.degrees(np.arcsin(np.clip(2 * along - 1, -1, 1)))
