"""What a user states of a galaxy and its image, checked: magnitudes, scale, zero point, masks."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict

import numpy as np
from astropy.wcs import WCS

from galexplorer.errors import OptionError
from galexplorer.records.asinh import SOFTENING, limit_magnitude
from galexplorer.records.photometry import Photometry
from galexplorer.schema import (
    BANDS,
    MAGNITUDE_ERROR_LIMITS,
    MAGNITUDE_LIMITS,
    PETROSIAN_RADIUS_LIMITS_ARCSEC,
)
from galexplorer.sky.fetched import Source

File: TypeAlias = str | Path | bytes | tuple[str, bytes]
"""A path, the bytes of a file, or its name and bytes."""


class Given(TypedDict, total=False):
    """What `observe` can be told of a galaxy beside the target; see there."""

    magnitudes: Mapping[str, float | str] | None
    errors: Mapping[str, float] | None
    petro_r50: float | None
    petro_r90: float | None
    ra: float | None
    dec: float | None
    pixel: tuple[float, float] | None
    wcs: WCS | None
    pixel_scale: float | None
    flux_pixel_scale: float | None
    zero_point: float | Mapping[str, float] | None
    exposure: float | None
    mask: File | Mapping[str, File] | None
    weight: File | Mapping[str, File] | None
    mask_regions: str | Path | None
    ebv: float | None
    deredden: bool
    source: Source
    progress: Callable[[str], None] | None


def read_photometry(
    magnitudes: Mapping[str, float | str] | None,
    errors: Mapping[str, float] | None,
    petro_r50: float | None,
    petro_r90: float | None,
) -> Photometry | None:
    """Return stated magnitudes and radii as a record; None where nothing is stated.

    Parameters
    ----------
    magnitudes, errors, petro_r50, petro_r90
        As of `galexplorer.observe`.

    Raises
    ------
    OptionError
        If a value is out of range, or an error has no magnitude.

    Examples
    --------
    >>> read_photometry({"r": 16.8}, {"r": 0.02}, None, None).errors
    {'r': 0.02}
    """
    for band in (*(magnitudes or {}), *(errors or {})):
        if band not in BANDS:
            raise OptionError(f"There is no band {band!r}: the bands are {', '.join(BANDS)}.")
    limits = {b: read_limit(v, b) for b, v in (magnitudes or {}).items() if isinstance(v, str)}
    given = {band: float(v) for band, v in (magnitudes or {}).items() if band not in limits}
    noise = {band: float(value) for band, value in (errors or {}).items()}
    for band, value in given.items():
        check_within(f"The magnitude in {band}", value, *MAGNITUDE_LIMITS)
    for band, faintest in limits.items():
        if band in noise:
            raise OptionError(f"The limit in {band} has an error: a limit has none.")
        softening = SOFTENING[BANDS.index(band)]
        (magnitude,), (error,) = limit_magnitude(np.array([faintest]), softening)
        given[band], noise[band] = float(magnitude), float(error)
    for band, value in noise.items():
        check_within(f"The error in {band}", value, *MAGNITUDE_ERROR_LIMITS)
        if band not in given:
            raise OptionError(f"The error in {band} has no magnitude: give both.")
    for name, radius in (("petro_r50", petro_r50), ("petro_r90", petro_r90)):
        check_within(name, radius, *PETROSIAN_RADIUS_LIMITS_ARCSEC)
    if petro_r50 is not None and petro_r90 is not None and petro_r90 <= petro_r50:
        raise OptionError(
            f"petro_r90 is {petro_r90:g} and petro_r50 {petro_r50:g}: R90 must be larger than R50."
        )
    if not given and petro_r50 is None and petro_r90 is None:
        return None
    return Photometry(
        kind="catalogue",
        magnitudes=given,
        errors=noise,
        petro_r50=petro_r50,
        petro_r90=petro_r90,
    )


def read_limit(text: str, band: str) -> float:
    """Return the magnitude of an upper limit of flux, such as ``"<22.3"``.

    Raises
    ------
    OptionError
        If it is none.
    """
    mark, number = text.strip()[:1], text.strip()[1:]
    try:
        faintest = float(number) if mark in ("<", ">") else math.nan
    except ValueError:
        faintest = math.nan
    if math.isnan(faintest):
        raise OptionError(
            f"The magnitude in {band} is {text!r}: give a number, or an upper limit such as "
            "'<22.3'."
        )
    check_within(f"The limit in {band}", faintest, *MAGNITUDE_LIMITS)
    return faintest


def check_within(name: str, value: float | None, low: float, high: float) -> None:
    """Check that a number lies within its limits.

    Raises
    ------
    OptionError
        If it does not, or is NaN; none at all is well.
    """
    if value is not None and not low <= value <= high:
        raise OptionError(f"{name} is {value:g}: it must lie between {low:,} and {high:,}.")


def check_position(ra: float | None, dec: float | None) -> None:
    """Check that a position in degrees is whole and on the sphere.

    Raises
    ------
    OptionError
        If it is not; none at all is well.
    """
    if (ra is None) != (dec is None):
        raise OptionError("The target needs both RA and Dec: give the other, or neither.")
    check_within("RA", ra, 0, 360)
    check_within("Dec", dec, -90, 90)


def refuse(names: Sequence[str], why: str) -> None:
    """Refuse what cannot be stated where it was.

    Raises
    ------
    OptionError
        If there is anything.
    """
    if names:
        raise OptionError(f"{' and '.join(names)} cannot be stated here: {why}.")
