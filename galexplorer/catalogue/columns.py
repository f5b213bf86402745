"""A catalogue: the columns of a table that the model takes, judged value by value."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.table import Table

from galexplorer.catalogue.column_lookup import IDS, IMAGES, OTHERS, RADII, Names, list_names
from galexplorer.catalogue.identifiers import check_identifiers, find_lost
from galexplorer.catalogue.images import leave_images, read_images
from galexplorer.catalogue.limits import ERRORS, LIMITS, MODEL_REDSHIFTS, PETRO_BANDS, check
from galexplorer.catalogue.photometry import explain_absence, has_photometry, read_photometry
from galexplorer.catalogue.positions import read_positions
from galexplorer.catalogue.redshifts import read_redshifts
from galexplorer.errors import InputError
from galexplorer.schema import BANDS
from galexplorer.tables.cells import is_plain, numbers_of, texts_of
from galexplorer.tables.formats import RawTable, Readable, read_raw
from galexplorer.tables.units import arcsec_per_pixel_per, degrees_per

COLUMNS = (
    *("id", "ra", "dec", *BANDS, *ERRORS, *PETRO_BANDS, "petro_r50", "petro_r90"),
    *("redshift", "redshift_min", "redshift_max", "redshift_prior_mean", "redshift_prior_sigma"),
    *(*IMAGES, "pixel_scale"),
)
"""Names of a table's columns that mean what they say; archives' names are known beside them."""

_NUMBERS = (
    "ra",
    "dec",
    *BANDS,
    *ERRORS,
    *PETRO_BANDS,
    "petro_r50",
    "petro_r90",
    "redshift",
    "redshift_min",
    "redshift_max",
    "redshift_prior_mean",
    "redshift_prior_sigma",
    "pixel_scale",
)


Reddening = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns E(B-V), magnitudes, of positions ra and dec, degrees, all (n,); NaN of NaN."""

_FLAG_WORDS = {
    "unreadable": "values of {name} are not numbers and count as missing",
    "out_of_range": "values of {name} lie outside {low:g} to {high:g} and count as missing",
    "no_extinction": "values of {name} have no usable extinction and count as missing",
    "inconsistent": "rows have a petro_r90 no larger than petro_r50; both are left out",
    "ragged_row": "rows have more or fewer fields than the table has columns",
}


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
        Known redshift, to be held fixed, whether the model knows galaxies so far or not.
    redshift_min, redshift_max : ndarray, shape (n,), float64
        Prior range of redshift of the row, such as a sample limited in luminosity has.
    image : ndarray of str, shape (n,)
        Path of an image; a relative one was looked up beside the table, then here.
    pixel_scale : ndarray, shape (n,), float64
        Arcsec per pixel of that image.
    flags : ndarray of str, shape (n,)
        What was wrong with the row, such as ``unreadable:g;not_detected:u``; empty if nothing.
    notes : tuple of str
        How columns were read, and what was taken as missing, a sentence each.
    band_images : ndarray of str, shape (n, 3), or None
        Paths of images in g, r, i, where these are files of their own.
    redshift_prior : ndarray, shape (n, 2), or None
        Mean and standard deviation of a Gaussian prior on the row's redshift, NaN without one.
    table : Table or None
        Every column as it came, for the output.
    used : dict of str to str
        The table's column for each quantity that it has.
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
    band_images: np.ndarray | None = None
    redshift_prior: np.ndarray | None = None
    table: Table | None = None
    used: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.id)

    def image_paths(self) -> list[Path]:
        """Return every image that the rows name."""
        named = [*self.image, *([] if self.band_images is None else self.band_images.ravel())]
        return [Path(path) for path in dict.fromkeys(named) if path]


def read_catalogue(
    source: Readable,
    *,
    columns: Mapping[str, str | None] | None = None,
    hdu: int | str | None = None,
    name: str | None = None,
    folder: str | Path | None = None,
    image: str | Path | None = None,
    deredden: Reddening | None = None,
) -> Catalogue:
    """Read a table of galaxies.

    Columns are ``id, ra, dec, u, g, r, i, z, err_u ... err_z, petro_u ... petro_z, petro_r50,
    petro_r90, redshift, redshift_min, redshift_max, redshift_prior_mean, redshift_prior_sigma,
    image, pixel_scale``, or fluxes ``flux_u, flux_err_u ...``, in any order and case, with units
    that can be converted; names of the archives are known too. At least one magnitude, flux or
    image must be there; the others come out again as they are. No row is lost: a value that cannot
    be read or cannot be true is taken as missing and flagged.

    Parameters
    ----------
    source : str, Path, bytes, Table or DataFrame
        As in `galexplorer.tables.formats.read_raw`.
    columns : mapping of str to str or None, optional
        The table's column for a quantity, such as ``{"g": "mag_g", "redshift": None}``; None says
        that the table has none, and ``"F [nJy]"`` states a unit too.
    hdu : int or str, optional
        Which table of a file of several.
    name : str, optional
        What messages call it.
    folder : str or Path, optional
        Where images are looked up first, in place of the table's folder.
    image : str or Path, optional
        Image of the rows that name none, such as a wide frame in which their ``ra, dec`` lie.
    deredden : callable, optional
        Says that Galactic extinction is still in magnitudes whose names do not tell: it is removed
        by the table's columns of extinction or E(B-V), and where there are none by the E(B-V) that
        this returns for positions, such as `galexplorer.sky.reddening.read_reddening`.

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
        If a unit cannot be converted, or identifiers lost their last digits.
    OptionError
        If `columns` states a quantity that there is not.

    Examples
    --------
    >>> from astropy.table import Table
    >>> table = Table({"name": ["M 1"], "mag": [16.8]})
    >>> read_catalogue(table, columns={"r": "mag"}).magnitudes[0, 2]
    np.float64(16.8)
    """
    raw = read_raw(
        source, name=name, hdu=hdu, usable=lambda table: _is_usable(table, columns, image)
    )
    names = Names(raw.table, raw.label, columns)
    return judge_catalogue(raw, names, folder, image, deredden=deredden)


def judge_catalogue(
    raw: RawTable,
    names: Names,
    folder: str | Path | None = None,
    image: str | Path | None = None,
    of_targets: bool = False,
    deredden: Reddening | None = None,
) -> Catalogue:
    """Judge the columns of a table that was read; see `read_catalogue`.

    A list of targets needs no photometry, and the files that it names are never opened: it may
    come from someone who may not read them.
    """
    n = len(raw.table)
    if n == 0:
        raise InputError(f"{raw.label} has no rows.")
    identified = _identify(names, n)
    redshifts = read_redshifts(names)
    pictured = image is not None or any(names.find(key) for key in IMAGES)
    if not of_targets and not pictured and not has_photometry(names):
        raise InputError(
            f"{raw.label} has none of the columns u, g, r, i, z (dereddened AB magnitudes) or "
            f"image: name at least one of them so{explain_absence(names)} (its columns are: "
            f"{list_names(raw.table.colnames)})."
        )
    positions = read_positions(names)

    def reddening() -> np.ndarray:
        if positions.ra is None or positions.dec is None:
            raise InputError(
                f"{raw.label} has neither a column ebv nor positions at which a dust map tells it: "
                "add one of the two."
            )
        assert deredden is not None
        return deredden(positions.ra, positions.dec)

    photometry = read_photometry(names, None if deredden is None else reddening)
    values: dict[str, np.ndarray | None] = {
        "ra": positions.ra,
        "dec": positions.dec,
        **photometry.magnitudes,
        **{f"err_{band}": own for band, own in photometry.errors.items()},
        **{f"petro_{band}": own for band, own in photometry.petro.items()},
        "redshift": redshifts.values,
    }
    unreadable = {**positions.unreadable, **photometry.unreadable}
    if redshifts.unreadable is not None:
        unreadable["redshift"] = redshifts.unreadable
    for key, spellings in {**RADII, **OTHERS}.items():
        values[key] = _read_number(names, key, spellings, unreadable)

    flagged: dict[str, np.ndarray] = {"ragged_row": raw.ragged} if raw.ragged.any() else {}
    numbers = {}
    for key in _NUMBERS:
        numbers[key], wrong = check(key, values.get(key), n)
        flagged[f"unreadable:{key}"] = unreadable.get(key, np.zeros(n, bool))
        flagged[f"out_of_range:{key}"] = wrong
    for band in BANDS:
        flagged[f"not_detected:{band}"] = photometry.undetected.get(band, np.zeros(n, bool))
        flagged[f"limit:{band}"] = photometry.limits.get(band, np.zeros(n, bool))
        flagged[f"no_extinction:{band}"] = photometry.dusty.get(band, np.zeros(n, bool))
    # 90% of a galaxy's light lie further out than 50%; which of the two is wrong is not known
    inconsistent = numbers["petro_r90"] <= numbers["petro_r50"]
    for key in RADII:
        numbers[key][inconsistent] = np.nan
    flagged["inconsistent:radii"] = inconsistent

    magnitudes = np.stack([numbers[band] for band in BANDS], axis=1)
    errors = np.stack([numbers[key] for key in ERRORS], axis=1)
    errors[np.isnan(magnitudes)] = np.nan
    priors = np.stack([numbers[f"redshift_prior_{word}"] for word in ("mean", "sigma")], axis=1)
    flagged = {word: mask for word, mask in flagged.items() if mask.any()}
    looked = raw.folder if folder is None else Path(folder)
    notes = (*raw.notes, *photometry.notes, *positions.notes, *redshifts.notes)
    if of_targets:
        images, band_images = np.full(n, "", dtype=object), None
        notes += leave_images(names)
    else:
        images, band_images = read_images(names, n, looked, image)
    return Catalogue(
        id=identified,
        ra=np.mod(numbers["ra"], 360.0),
        dec=numbers["dec"],
        magnitudes=magnitudes,
        errors=errors,
        petro_magnitudes=np.stack([numbers[key] for key in PETRO_BANDS], axis=1),
        petro_r50=numbers["petro_r50"],
        petro_r90=numbers["petro_r90"],
        redshift=numbers["redshift"],
        redshift_min=numbers["redshift_min"],
        redshift_max=numbers["redshift_max"],
        image=images,
        pixel_scale=numbers["pixel_scale"],
        flags=_join_flags(flagged, n),
        notes=(*notes, *_describe(names, photometry.magnitudes, flagged, numbers["redshift"])),
        band_images=band_images,
        redshift_prior=None if np.isnan(priors).all() else priors,
        table=raw.table,
        used=dict(names.used),
    )


def _is_usable(
    table: Table, columns: Mapping[str, str | None] | None, image: str | Path | None
) -> bool:
    try:
        names = Names(table, "", columns)
        return has_photometry(names) or any(names.find(key) for key in IMAGES) or bool(image)
    except InputError:
        return False


def _read_number(
    names: Names, key: str, spellings: tuple[str, ...], unreadable: dict[str, np.ndarray]
) -> np.ndarray | None:
    named = names.find(*spellings)
    if named is None:
        return None
    names.take(key, named)
    values, unreadable[key] = numbers_of(named.column, named.name, names.label)
    if not named.unit:
        return values
    if key in RADII:
        worth = degrees_per(named.unit)
        worth = None if worth is None else 3600.0 * worth
    else:
        worth = arcsec_per_pixel_per(named.unit) if key == "pixel_scale" else None
    if worth is None:
        raise names.refuse_unit(named, "angle" if key in RADII else f"unit of {key}")
    exact = abs(worth - 1.0) < 1e-12
    return values if exact else np.where(values > -90.0, values * worth, values)


def _identify(names: Names, n: int) -> np.ndarray:
    rows = np.arange(n).astype(str).astype(object)
    named = names.find(*IDS)
    if named is None or not is_plain(named.column):
        return rows
    names.take("id", named)
    check_identifiers(named, names.label)
    texts = texts_of(named.column)
    return np.where(texts == "", rows, texts)


def _join_flags(flagged: dict[str, np.ndarray], n: int) -> np.ndarray:
    words: dict[int, list[str]] = defaultdict(list)
    for word, mask in flagged.items():
        for row in np.flatnonzero(mask).tolist():
            words[row].append(word)
    flags = np.full(n, "", dtype=object)
    for row, own in words.items():
        flags[row] = ";".join(own)
    return flags


def _describe(
    names: Names,
    magnitudes: Mapping[str, np.ndarray],
    flagged: dict[str, np.ndarray],
    redshift: np.ndarray,
) -> list[str]:
    notes = []
    absent = [band for band in BANDS if band not in magnitudes]
    unused = names.unused()
    if unused:
        # one of them may be a band by another name
        misnamed = (
            f" (and none is called {', '.join(absent)})" if 0 < len(absent) < len(BANDS) else ""
        )
        notes.append(f"Columns that were not used: {list_names(unused, 8)}{misnamed}.")
    for name in unused:
        lost = _lost(names, name)
        if lost is not None:
            notes.append(
                f"Column {name} holds 64-bit identifiers that went through a float or a "
                f"spreadsheet ({lost}): their last digits are lost."
            )
    for word, mask in flagged.items():
        kind, _, name = word.partition(":")
        if kind in _FLAG_WORDS:
            low, high = LIMITS.get(name, (np.nan, np.nan))
            told = _FLAG_WORDS[kind].format(name=name, low=low, high=high)
            notes.append(f"{int(mask.sum())} of {mask.size} {told}.")
    low, high = MODEL_REDSHIFTS
    beyond = int(np.sum((redshift <= low) | (redshift > high)))
    if beyond:
        notes.append(
            f"{beyond} of {redshift.size} redshifts lie outside the model's range, {low:g} to "
            f"{high:g}: these rows are not inferred."
        )
    return notes


def _lost(names: Names, name: str) -> str | None:
    """Look for lost digits where a name says that integers were meant."""
    plain = (own for own in names.named(name) if own.key.endswith("id") and is_plain(own.column))
    return next((find_lost(own) for own in plain), None)
