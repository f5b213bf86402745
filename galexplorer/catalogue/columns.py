"""The columns that a catalogue may have, and what a value in each of them may be."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galexplorer.catalogue.formats import read_raw
from galexplorer.catalogue.raw import RawTable
from galexplorer.errors import InputError
from galexplorer.schema import BANDS, TARGETS

ERRORS = tuple(f"err_{band}" for band in BANDS)
POSITIONS = ("ra", "dec")
PETRO_BANDS = tuple(f"petro_{band}" for band in BANDS)
NUMBERS = (
    *POSITIONS,
    *BANDS,
    *ERRORS,
    *PETRO_BANDS,
    "petro_r50",
    "petro_r90",
    "redshift",
    "redshift_min",
    "redshift_max",
    "pixel_scale",
)
TEXTS = ("id", "image")
COLUMNS = ("id", *NUMBERS[:-1], "image", "pixel_scale")
"""Columns that a catalogue may have."""

# Closed intervals; a value outside one is taken as missing, and its row says so.
LIMITS = {
    "ra": (0.0, 360.0),
    "dec": (-90.0, 90.0),
    **dict.fromkeys(BANDS, (5.0, 30.0)),
    **dict.fromkeys(ERRORS, (1e-6, 10.0)),
    **dict.fromkeys(PETRO_BANDS, (5.0, 30.0)),
    "petro_r50": (0.05, 3600.0),
    "petro_r90": (0.05, 3600.0),
    "redshift": (1e-6, TARGETS[0].high),
    **dict.fromkeys(("redshift_min", "redshift_max"), TARGETS[0].bounds),
    "pixel_scale": (0.01, 60.0),
}
# What surveys write where they have no value. 99 and 0 mean it for magnitudes, not for angles.
SENTINELS = (-9999.0, -999.0, -99.9, -99.0, 1e20, -1e20)
MAGNITUDE_SENTINELS = (*SENTINELS, 99.0, 99.9, 99.99, 999.0, 9999.0, 0.0)


@dataclass(frozen=True)
class Catalogue:
    """Galaxies in the order of their table; NaN or an empty string where a value is missing.

    Attributes
    ----------
    id : ndarray of str, shape (n,)
        The row's number, from 0, where the table names none. Need not be unique.
    ra, dec : ndarray, shape (n,), float64
        Degrees, ICRS.
    magnitudes, errors : ndarray, shape (n, 5), float64
        Dereddened AB model magnitudes and their 1-sigma errors, bands u, g, r, i, z.
    petro_magnitudes : ndarray, shape (n, 5), float64
        Dereddened Petrosian magnitudes, which count beside a model magnitude of their band.
    petro_r50, petro_r90 : ndarray, shape (n,), float64
        Petrosian radii in r, arcsec.
    redshift : ndarray, shape (n,), float64
        Known redshift, to be held fixed.
    redshift_min, redshift_max : ndarray, shape (n,), float64
        Prior range of redshift of the row, such as a sample limited in luminosity has.
    image : ndarray of str, shape (n,)
        Path of an image; a relative one was looked up beside the table, then here.
    pixel_scale : ndarray, shape (n,), float64
        Arcsec per pixel of that image.
    flags : ndarray of str, shape (n,)
        What was wrong with the row, such as ``unreadable:g;out_of_range:r``; empty if nothing.
    notes : tuple of str
        What was ignored or taken as missing, a sentence each.
    """

    id: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    magnitudes: np.ndarray
    errors: np.ndarray
    petro_magnitudes: np.ndarray
    petro_r50: np.ndarray
    petro_r90: np.ndarray
    redshift: np.ndarray
    redshift_min: np.ndarray
    redshift_max: np.ndarray
    image: np.ndarray
    pixel_scale: np.ndarray
    flags: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.id)


def read_catalogue(path: str | Path) -> Catalogue:
    """Read a table of galaxies: CSV, ECSV, Parquet, FITS or VOTable.

    Columns are ``id, ra, dec, u, g, r, i, z, err_u ... err_z, petro_u ... petro_z, petro_r50,
    petro_r90, redshift, redshift_min, redshift_max, image, pixel_scale``, in any order and case; at
    least one magnitude or ``image`` must be there, and others are ignored. No row is lost: a value
    that cannot be read or cannot be true is taken as missing and flagged.

    Parameters
    ----------
    path : str or Path
        The file, which may be packed by gzip or bzip2.

    Returns
    -------
    Catalogue

    Raises
    ------
    InputError
        If the file is missing, empty, too large, damaged or of no known format.
    InputError
        If it has no rows, none of the columns expected, or two that share a name.
    InputError
        If its column ``z`` holds redshifts, not magnitudes.
    """
    path = Path(path)
    raw = read_raw(path, select_columns, NUMBERS)
    n = raw.length
    if n == 0:
        raise InputError(f"{path} has no rows.")
    _refuse_redshift_as_magnitude(raw, path)

    flagged: dict[str, np.ndarray] = {"ragged_row": raw.ragged} if raw.ragged.any() else {}
    numbers = {}
    for name in NUMBERS:
        numbers[name], wrong = _check(name, raw.numbers.get(name), n)
        unreadable = raw.unreadable.get(name, np.zeros(n, bool))
        flagged[f"unreadable:{name}"] = unreadable
        flagged[f"out_of_range:{name}"] = wrong
    # 90% of a galaxy's light lie further out than 50%; which of the two is wrong is not known
    inconsistent = numbers["petro_r90"] <= numbers["petro_r50"]
    for name in ("petro_r50", "petro_r90"):
        numbers[name][inconsistent] = np.nan
    flagged["inconsistent:radii"] = inconsistent

    magnitudes = np.stack([numbers[band] for band in BANDS], axis=1)
    errors = np.stack([numbers[name] for name in ERRORS], axis=1)
    errors[np.isnan(magnitudes)] = np.nan
    flagged = {word: mask for word, mask in flagged.items() if mask.any()}
    return Catalogue(
        id=_identify(raw.texts.get("id"), n),
        ra=np.mod(numbers["ra"], 360.0),
        dec=numbers["dec"],
        magnitudes=magnitudes,
        errors=errors,
        petro_magnitudes=np.stack([numbers[name] for name in PETRO_BANDS], axis=1),
        petro_r50=numbers["petro_r50"],
        petro_r90=numbers["petro_r90"],
        redshift=numbers["redshift"],
        redshift_min=numbers["redshift_min"],
        redshift_max=numbers["redshift_max"],
        image=_locate(raw.texts.get("image"), n, path.parent),
        pixel_scale=numbers["pixel_scale"],
        flags=_join_flags(flagged, n),
        notes=_describe(raw, flagged),
    )


def select_columns(names: list[str], path: Path) -> dict[str, str]:
    """Find the known columns among a table's own.

    Parameters
    ----------
    names : list of str
        As the table writes them.
    path : Path
        For the message.

    Returns
    -------
    dict of str to str
        The table's name of each known column that it has.

    Raises
    ------
    InputError
        If a name is ambiguous, or nothing in the table can be used.
    """
    spellings = defaultdict(list)
    for name in names:
        spellings[name.strip().lower()].append(name)
    chosen = {}
    for column in COLUMNS:
        candidates = spellings[column]
        exact = [name for name in candidates if name.strip() == column] or candidates
        if len(exact) > 1:
            listed = ", ".join(f"'{name}'" for name in candidates)
            raise InputError(
                f"{path} has {len(candidates)} columns that could be '{column}' ({listed}): "
                "keep one of them."
            )
        if exact:
            chosen[column] = exact[0]
    if not any(column in chosen for column in (*BANDS, "image")):
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise InputError(
            f"{path} has none of the columns u, g, r, i, z (dereddened AB magnitudes) or image: "
            f"name at least one of them so (its columns are: {shown})."
        )
    return chosen


def _refuse_redshift_as_magnitude(raw: RawTable, path: Path) -> None:
    values = raw.numbers.get("z")
    if values is None:
        return
    values = values[np.isfinite(values) & ~np.isin(values, MAGNITUDE_SENTINELS)]
    if values.size and np.all((values > 0) & (values <= 1.5)):
        raise InputError(
            f"column z of {path} looks like a redshift (its values lie between 0 and 1.5), but "
            "z is the magnitude in the z band: rename the column to redshift."
        )


def _check(name: str, values: np.ndarray | None, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Replace sentinels and impossible values by NaN; tell which were the latter."""
    if values is None:
        return np.full(n, np.nan), np.zeros(n, bool)
    values = values.copy()
    sentinels = MAGNITUDE_SENTINELS if name in BANDS + ERRORS + PETRO_BANDS else SENTINELS
    # Single precision turns -99.9 into -99.9000015.
    for sentinel in sentinels:
        values[np.isclose(values, sentinel, rtol=1e-6, atol=0)] = np.nan
    low, high = LIMITS[name]
    wrong = np.isfinite(values) & ((values < low) | (values > high))
    values[wrong] = np.nan
    return values, wrong


def _identify(texts: np.ndarray | None, n: int) -> np.ndarray:
    rows = np.arange(n).astype(str).astype(object)
    return rows if texts is None else np.where(texts == "", rows, texts)


def _locate(texts: np.ndarray | None, n: int, folder: Path) -> np.ndarray:
    if texts is None:
        return np.full(n, "", dtype=object)
    located = np.empty(n, dtype=object)
    for k, text in enumerate(texts):
        # A name with a NUL, or one that is too long, is for the image reader to refuse.
        beside = folder / text
        located[k] = str(beside) if text and "\0" not in text and _is_file(beside) else text
    return located


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _join_flags(flagged: dict[str, np.ndarray], n: int) -> np.ndarray:
    words: dict[int, list[str]] = defaultdict(list)
    for word, mask in flagged.items():
        for row in np.flatnonzero(mask).tolist():
            words[row].append(word)
    flags = np.full(n, "", dtype=object)
    for row, own in words.items():
        flags[row] = ";".join(own)
    return flags


def _describe(raw: RawTable, flagged: dict[str, np.ndarray]) -> tuple[str, ...]:
    notes = []
    absent = [band for band in BANDS if band not in raw.numbers]
    if raw.ignored:
        shown = ", ".join(raw.ignored[:8]) + (", ..." if len(raw.ignored) > 8 else "")
        # one of them may be a band by another name
        misnamed = (
            f" (and none is called {', '.join(absent)})" if 0 < len(absent) < len(BANDS) else ""
        )
        notes.append(f"Columns that were not used: {shown}{misnamed}.")
    for word, mask in flagged.items():
        kind, _, name = word.partition(":")
        count = f"{int(mask.sum())} of {mask.size}"
        if kind == "unreadable":
            notes.append(f"{count} values of {name} are not numbers and count as missing.")
        elif kind == "out_of_range":
            low, high = LIMITS[name]
            notes.append(
                f"{count} values of {name} lie outside {low:g} to {high:g} and count as missing."
            )
        elif kind == "inconsistent":
            notes.append(
                f"{count} rows have a petro_r90 no larger than petro_r50; both are left out."
            )
        else:
            notes.append(f"{count} rows have more or fewer fields than the table has columns.")
    return tuple(notes)
