"""A fetched galaxy as one FITS cube, written and read back with its catalogue values."""

import math
import re
from dataclasses import replace
from pathlib import Path

from astropy.io import fits

from galexplorer.errors import InputError
from galexplorer.fits.bounded import Source, read_blob
from galexplorer.fits.images import is_fits, read_header
from galexplorer.image.fits_writer import write_cube
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.query.parse import parse_target
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS, TARGETS
from galexplorer.sky.fetched import Fetched

CREATOR = "galexplorer fetch"

_KNOWN = {
    "redshift": "Z_SPEC",
    "log_stellar_mass": "LOGMSTAR",
    "log_sfr": "LOGSFR",
    "gas_metallicity": "OH_GAS",
    "log_bh_mass": "LOGMBH",
    "log_flux_halpha": "LOGHA",
    "log_flux_hbeta": "LOGHB",
    "log_flux_nii_6584": "LOGNII",
    "log_flux_oiii_5007": "LOGOIII",
}
"""Card of each target's published value."""

_RADII = {"petro_r50": "PETROR50", "petro_r90": "PETROR90"}
_MAX_LINES = 99
_ASCII: dict[str, str | int | None] = {
    "°": " deg",
    "″": " arcsec",
    "α": "a",
    "σ": "sigma",
    "Å": "A",
}


def write_fetched(fetched: Fetched, path: str | Path) -> None:
    """Write a galaxy as a FITS cube that the image reader takes, with all values in its header.

    Parameters
    ----------
    fetched : Fetched
    path : str or Path
    """
    photometry, pixels = fetched.photometry, fetched.pixels
    cards: dict[str, object] = {
        "CREATOR": CREATOR,
        "OBJECT": _to_ascii(fetched.reading.text),
        "RA_OBJ": (fetched.ra, "[deg] ICRS, of the galaxy"),
        "DEC_OBJ": (fetched.dec, "[deg] ICRS, of the galaxy"),
        "PIXSCALE": (pixels.pixel_scale_arcsec, "[arcsec] side of a pixel"),
        "PIXELSRC": (fetched.source, "service that supplied the pixels"),
        "PIXELSUM": pixels.sha256,
    }
    if fetched.objid is not None:
        cards["OBJID"] = (str(fetched.objid), "SDSS objID")
    if fetched.subclass:
        cards["SUBCLASS"] = _to_ascii(fetched.subclass)
    for band in BANDS:
        letter = band.upper()
        if band in photometry.magnitudes:
            cards[f"MAG_{letter}"] = (photometry.magnitudes[band], "[mag] SDSS model, dereddened")
        if band in photometry.errors:
            cards[f"ERR_{letter}"] = (photometry.errors[band], "[mag] 1 sigma")
        if band in fetched.extinction_mag:
            cards[f"EXT_{letter}"] = (fetched.extinction_mag[band], "[mag] Galactic extinction")
    for name, keyword in _RADII.items():
        if (radius := getattr(photometry, name)) is not None:
            cards[keyword] = (radius, "[arcsec] Petrosian radius in r, SDSS")
    for target in TARGETS:
        if target.name in fetched.truths:
            words = f"[{target.unit}] published" if target.unit else "published"
            cards[_KNOWN[target.name]] = (fetched.truths[target.name], words)
    said = [f"{what}: {origin}" for what, origin in fetched.origins.items()]
    for prefix, lines in (("FROM", said), ("PIXN", pixels.notes), ("NOTE", fetched.notes)):
        for number, words in enumerate(lines[:_MAX_LINES], start=1):
            cards[f"{prefix}{number:02d}"] = _to_ascii(words)
    write_cube(path, pixels.flux, pixels.pixel_scale_arcsec, pixels.wcs, cards)


def read_fetched(source: Source) -> Fetched | None:
    """Read a cube that `write_fetched` wrote.

    Parameters
    ----------
    source : str, Path, bytes, or (str, bytes)

    Returns
    -------
    Fetched or None
        None for any other file; whether that is an image is for `read_image` to say.

    Raises
    ------
    InputError
        If the file cannot be read, or its cards are not what was written.
    """
    blob = read_blob(source)
    if not is_fits(blob.data) or CREATOR.encode() not in blob.data[: 2880 * 8]:
        return None
    pixels = read_image((blob.name, blob.raw))  # checks the structure before astropy sees it
    header = read_header(blob)
    if header.get("CREATOR") != CREATOR:
        return None
    try:
        return _interpret(header, pixels)
    except (KeyError, TypeError, ValueError, fits.VerifyError) as error:
        raise InputError(
            f"{blob.name} has damaged cards of '{CREATOR}': fetch the galaxy again."
        ) from error


def _interpret(header: fits.Header, pixels: Pixels) -> Fetched:
    magnitudes = _read_bands(header, "MAG", 5, 30)
    errors = _read_bands(header, "ERR", 0, 10)
    r50, r90 = (
        _number(header, keyword, 0, 3600) if keyword in header else None
        for keyword in _RADII.values()
    )
    truths = {
        target.name: _number(header, _KNOWN[target.name], target.low, target.high)
        for target in TARGETS
        if _KNOWN[target.name] in header
    }
    origins = dict(line.split(": ", 1) for line in _read_lines(header, "FROM"))
    objid = str(header.get("OBJID", ""))
    return Fetched(
        reading=parse_target(str(header["OBJECT"])),
        ra=_number(header, "RA_OBJ", 0, 360),
        dec=_number(header, "DEC_OBJ", -90, 90),
        pixels=replace(
            pixels,
            # What was written, not what is left of it in the coordinates' twelve digits.
            pixel_scale_arcsec=_number(header, "PIXSCALE", 0.01, 60),
            sha256=str(header["PIXELSUM"]),
            notes=_read_lines(header, "PIXN"),
        ),
        photometry=Photometry("catalogue" if magnitudes else "none", magnitudes, errors, r50, r90),
        objid=int(objid) if re.fullmatch(r"\d{1,20}", objid) else None,
        truths=truths,
        subclass=str(header.get("SUBCLASS", "")),
        source=str(header["PIXELSRC"]),
        origins=origins,
        notes=_read_lines(header, "NOTE"),
        extinction_mag=_read_bands(header, "EXT", 0, 100),
    )


def _read_bands(header: fits.Header, prefix: str, low: float, high: float) -> dict[str, float]:
    keywords = {band: f"{prefix}_{band.upper()}" for band in BANDS}
    return {
        band: _number(header, keyword, low, high)
        for band, keyword in keywords.items()
        if keyword in header
    }


def _read_lines(header: fits.Header, prefix: str) -> tuple[str, ...]:
    keywords = [f"{prefix}{number:02d}" for number in range(1, _MAX_LINES + 1)]
    return tuple(str(header[keyword]) for keyword in keywords if keyword in header)


def _number(header: fits.Header, keyword: str, low: float, high: float) -> float:
    value = header[keyword]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(keyword)
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(keyword)
    return float(value)


def _to_ascii(words: str) -> str:
    """Return words that a FITS header can hold."""
    return words.translate(str.maketrans(_ASCII)).encode("ascii", "replace").decode()
