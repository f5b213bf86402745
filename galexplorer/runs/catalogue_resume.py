"""A run over a catalogue that goes on where one before it was stopped."""

import hashlib

import numpy as np
from astropy.table import Column, Table

from galexplorer.catalogue import Catalogue
from galexplorer.errors import OptionError
from galexplorer.runs.made_with import list_differences
from galexplorer.tables.cells import texts_of
from galexplorer.tables.units import Mixin

INTERRUPTED = "not_inferred: interrupted"
"""Flag of a row whose turn had not come when the run was stopped."""


def digest_of(catalogue: Catalogue) -> str:
    """Return a hash of all that the rows of a catalogue are inferred from.

    Images count by their paths.

    Parameters
    ----------
    catalogue : Catalogue

    Returns
    -------
    str
        SHA-256.
    """
    digest = hashlib.sha256()
    numbers = (
        *(catalogue.ra, catalogue.dec, catalogue.magnitudes, catalogue.errors),
        *(catalogue.petro_magnitudes, catalogue.petro_r50, catalogue.petro_r90),
        *(catalogue.redshift, catalogue.redshift_min, catalogue.redshift_max),
        catalogue.pixel_scale,
    )
    prior = catalogue.redshift_prior
    for values in (*numbers, *(() if prior is None else (prior,))):
        digest.update(np.ascontiguousarray(values, np.float64).tobytes())
    texts = (catalogue.id, catalogue.image, catalogue.flags, catalogue.band_images)
    for column in texts:
        digest.update(b"\1")
        for text in () if column is None else column.ravel():
            digest.update(str(text).encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def is_interrupted(table: Table) -> np.ndarray:
    """Tell which rows of a result were not done when the run was stopped.

    Parameters
    ----------
    table : Table

    Returns
    -------
    ndarray, shape (n,), bool
    """
    flags = np.ma.filled(np.ma.asarray(table["flag"]).astype(str), "")
    return np.char.endswith(np.asarray(flags, str), INTERRUPTED)


def find_missing(before: Table, provenance: dict, number: int) -> np.ndarray:
    """Check that a result before is of the same run, and tell which of its rows are missing.

    Parameters
    ----------
    before : Table
    provenance : dict
        Of the run that goes on.
    number : int
        Rows of the catalogue.

    Returns
    -------
    ndarray, shape (number,), bool

    Raises
    ------
    OptionError
        If it says nothing of how it was made.
    OptionError
        If it was made otherwise, or of other rows.
    """
    made = before.meta.get("provenance")
    if not isinstance(made, dict) or "flag" not in before.colnames:
        raise OptionError(
            "The table before does not say how it was made, so nothing can be added to it: CSV has "
            "no place for that, and ECSV, Parquet, FITS and VOTable have."
        )
    differ = list_differences(made, provenance)
    if differ or len(before) != number:
        raise OptionError(
            f"The table before was made with other {' and '.join(differ) or 'rows'}: give what it "
            "was made with, or start again."
        )
    return is_interrupted(before)


def take_over(found: Table, before: Table, done: np.ndarray) -> None:
    """Put the rows that were done before into a result, in place.

    Parameters
    ----------
    found : Table
        In it the other rows are new.
    before : Table
        Of the same input, with all columns of `found`.
    done : ndarray, shape (n,), bool
    """
    lacking = [name for name in found.colnames if name not in before.colnames]
    if lacking:
        raise OptionError(
            f"The table before lacks the column {lacking[0]}: give it as it was written, or start "
            "again."
        )
    same = texts_of(before["id"]) == texts_of(found["id"])
    for name in ("ra", "dec"):
        places = np.asarray(_values_of(before[name]), float), np.asarray(found[name], float)
        same &= np.isclose(*places, rtol=0, atol=1e-6, equal_nan=True)
    if not same.all():
        raise OptionError(
            "The table before has its rows in another order: give it as it was written, or start "
            "again."
        )
    for name in found.colnames:
        values = np.where(done, _values_of(before[name]), np.asarray(found[name]))
        kind = found[name].dtype
        found[name] = Column(
            np.array(values.tolist(), str) if kind.kind == "U" else values.astype(kind),
            unit=found[name].unit,
            description=found[name].description,
            meta=found[name].meta,
        )


def _values_of(column: Mixin) -> np.ndarray:
    """Return values as they were before a format or a reader made gaps of NaN and empty texts."""
    values = np.array(getattr(column, "unmasked", column))
    gaps = np.asarray(getattr(column, "mask", False))
    if values.dtype.kind == "f":
        values[gaps] = np.nan
    elif values.dtype.kind not in "biu":
        values = values.astype(str)
        values[gaps] = ""
    return values
