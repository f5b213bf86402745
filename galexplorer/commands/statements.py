"""What a user states of one galaxy or its image on the command line, checked."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from galexplorer.errors import GalexplorerError, OptionError
from galexplorer.schema import (
    BANDS,
    IMAGE_BANDS,
    MAGNITUDE_ERROR_LIMITS,
    MAGNITUDE_LIMITS,
    PETROSIAN_RADIUS_LIMITS_ARCSEC,
    TARGETS,
)

# Nothing heavy is imported here: --help and a wrong option are answered at once.

T = TypeVar("T")
Sources = Path | list[Path] | dict[str, Path]
Number = float | None

PixelScaleOption = Annotated[Number, typer.Option(help="Arcsec per pixel.")]
FluxPixelScaleOption = Annotated[
    Number, typer.Option(help="Pixel scale of the flux values, if different, arcsec.")
]
ZeroPointOption = Annotated[
    str | None,
    typer.Option(
        metavar="MAG",
        help="AB magnitude of a source whose pixels sum to one: 27, or g=25.1,r=25.3,i=25.0.",
    ),
]
ExposureOption = Annotated[
    Number, typer.Option(help="Exposure time, s: the zero point is that of one unit per second.")
]
MaskOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="FITS mask of the image, not zero where a pixel is bad; or g=FILE,r=FILE,i=FILE.",
    ),
]
WeightOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="FITS weight map, zero where a pixel is bad; likewise."),
]
MaskRegionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="REGIONS",
        help="What is not the galaxy, as DS9 writes regions: 'icrs; circle(150.1, 2.2, 3\")', or a "
        "file that ends in .reg.",
    ),
]
RedshiftRangeOption = Annotated[
    tuple[float, float] | None, typer.Option(metavar="LO HI", help="Prior on the redshift.")
]
RedshiftPriorOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Prior on the redshift that multiplies the posterior: a table with columns z and p, "
        "or MEAN,SIGMA of a Gaussian.",
    ),
]
DetectedOption = Annotated[
    str | None,
    typer.Option(
        metavar="LINES",
        help="Lines that the spectrum of each galaxy shows at S/N > 3, such as halpha,nii_6584.",
    ),
]
EbvOption = Annotated[
    Number,
    typer.Option(help="E(B-V) of Schlegel et al. 1998, removed from magnitudes measured."),
]
DereddenOption = Annotated[
    bool,
    typer.Option(
        "--deredden",
        help="Take E(B-V) from the dust map that the package dustmaps fetched. With --catalog: "
        "Galactic extinction is still in the magnitudes; remove it by the table's columns, or "
        "else by that map.",
    ),
]

SCALES = (
    *("pixel_scale", "flux_pixel_scale", "zero_point", "exposure"),
    *("mask", "weight", "ebv", "deredden"),
)
"""Options that say how to read an image."""
OF_IMAGE = ("ra", "dec", *SCALES)
"""Options that belong to an image of the user's own."""

_REDDENING = r"state E\(B-V\)"
_COLUMNS = "none of the columns|no column target"
_HINTS = {
    r"state (its|the) pixel scale": "--pixel-scale",
    r"state (its|the|which) (zero point|is right)": "--zero-point",
    _REDDENING: "--ebv",
    r"give RA and Dec": "--ra, --dec",
    r"as three files|names and headers": "--g, --r, --i",
    _COLUMNS: "--columns",
}
"""What a sentence asks for, and the option that gives it."""

_HINTS_OF_TABLES = {
    _REDDENING: "in a column ebv",
    _COLUMNS: "--columns; names and positions go to galexplorer targets",
}


def spell(name: str) -> str:
    """Return an option as a user types it."""
    return "INPUT" if name == "inputs" else f"--{name.replace('_', '-')}"


def is_given(value: object) -> bool:
    """Tell whether an option was given; zero is a value."""
    return value is not None and value is not False and value != []


@contextmanager
def naming_options(table: bool = False) -> Iterator[None]:
    """Add to an error's sentence the options that give what it asks for.

    Parameters
    ----------
    table : bool
        Whether many rows are read, each of which states its own.

    Raises
    ------
    GalexplorerError
        The error of the same kind.
    """
    try:
        yield
    except GalexplorerError as error:
        told = str(error)
        hints = _HINTS | (_HINTS_OF_TABLES if table else {})
        options = ", ".join(flag for asked, flag in hints.items() if re.search(asked, told))
        if not options:
            raise
        raise type(error)(f"{told.rstrip('.')} ({options}).") from error


def read_known(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the magnitudes, errors and radii that were given, as `observe` takes them.

    Raises
    ------
    OptionError
        If one is out of range, or contradicts another.
    """
    magnitudes = _read_magnitudes(given)
    errors = _read_bands("err", given, *MAGNITUDE_ERROR_LIMITS)
    for band in errors.keys() - magnitudes.keys():
        raise OptionError(f"--err-{band} was given without --mag-{band}: give both.")
    r50, r90 = given["petro_r50"], given["petro_r90"]
    check_within("--petro-r50", r50, *PETROSIAN_RADIUS_LIMITS_ARCSEC)
    check_within("--petro-r90", r90, *PETROSIAN_RADIUS_LIMITS_ARCSEC)
    if r50 is not None and r90 is not None and r90 <= r50:
        raise OptionError(
            f"--petro-r90 is {r90:g} and --petro-r50 is {r50:g}: R90 must be larger, since it "
            "contains more of the light."
        )
    known = {"magnitudes": magnitudes, "errors": errors, "petro_r50": r50, "petro_r90": r90}
    return {name: value for name, value in known.items() if value}


def read_image_options(given: Mapping[str, Any], sources: Sources | None) -> dict[str, Any]:
    """Return what is stated about an image of the user's own, as `observe` takes it.

    Raises
    ------
    OptionError
        If it makes no sense, or there is no image that it could belong to.
    """
    check_within("--ra", given["ra"], 0, 360)
    check_within("--dec", given["dec"], -90, 90)
    if (given["ra"] is None) != (given["dec"] is None):
        raise OptionError("--ra and --dec go together: give both, or neither.")
    if given["source"] != "auto":
        raise OptionError(
            "--source applies only to a galaxy fetched from SDSS: give a name or position."
        )
    if sources is None:
        if given["mask_regions"] is not None:
            raise OptionError("--mask-regions applies only to an image: give one.")
        if not any(given[f"mag_{band}"] is not None for band in BANDS):
            raise OptionError("nothing to infer from: give an image or a magnitude (--mag-r 17.2).")
        for name in OF_IMAGE:
            if is_given(given[name]):
                raise OptionError(f"{spell(name)} applies only to an image: give one.")
        return {}
    if given["ebv"] is not None and given["deredden"]:
        raise OptionError("--ebv and --deredden are mutually exclusive: give one.")
    check_within("--exposure", given["exposure"], 1e-3, 1e8)
    stated = {name: given[name] for name in OF_IMAGE}
    stated["zero_point"] = _by_band("zero_point", given["zero_point"], _number)
    for name in ("mask", "weight"):
        stated[name] = _by_band(name, given[name], Path)
    stated["mask_regions"] = given["mask_regions"]
    return stated


def read_detected(text: str | None) -> tuple[str, ...]:
    """Return the lines that `--detected` names.

    Raises
    ------
    OptionError
        If one is no line.
    """
    if text is None:
        return ()
    from galexplorer.inference.detection import check_detected

    return check_detected([line.strip() for line in text.split(",")])


def refuse_beside_target(given: Mapping[str, Any]) -> None:
    """Refuse options that belong to an image of the user's own.

    Raises
    ------
    OptionError
        If one was given.
    """
    for name in (*IMAGE_BANDS, *OF_IMAGE):
        if is_given(given[name]):
            raise OptionError(
                f"{spell(name)} applies only to an image of your own: omit it, or give a file as "
                "INPUT."
            )


def check_within(option: str, value: float | None, low: float, high: float) -> None:
    """Raise OptionError unless a value lies within its limits."""
    # Written so that NaN fails.
    if value is not None and not low <= value <= high:
        raise OptionError(f"{option} is {value:g}: it must lie between {low:,} and {high:,}.")


def check_redshift(redshift: float | None, limits: tuple[float, float] | None) -> None:
    """Raise OptionError unless redshift or its range is one that the model knows."""
    high = TARGETS[0].high
    if redshift is not None and limits is not None:
        raise OptionError("--redshift and --redshift-range are mutually exclusive: give one.")
    if redshift is not None and not 0 < redshift <= high:
        raise OptionError(f"--redshift is {redshift:g}: it must lie above 0, at most {high}.")
    if limits is not None and not 0 <= limits[0] < limits[1] <= high:
        raise OptionError(
            f"--redshift-range is {limits[0]:g} to {limits[1]:g}: give LO < HI within 0 to {high}."
        )


def _by_band(name: str, text: str | None, read: Callable[[str], T]) -> T | dict[str, T] | None:
    """Read one value, or one for each of several bands: ``g=A,r=B``."""
    if text is None:
        return None
    if not re.match(r"\s*[A-Za-z]\s*=", text):
        return read(text)
    found = {}
    for part in re.split(r",(?=\s*[A-Za-z]\s*=)", text):
        band, _, value = (word.strip() for word in part.partition("="))
        if band not in IMAGE_BANDS or not value or band in found:
            raise OptionError(f"{spell(name)} is {text}: give one value, or g=...,r=...,i=....")
        found[band] = read(value)
    return found


def _number(
    text: str,
    option: str = "--zero-point",
    wanted: str = "a magnitude, or g=25.1,r=25.3,i=25.0",
) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(f"{option} is {text}: give {wanted}.") from error


def _read_magnitudes(given: Mapping[str, Any]) -> dict[str, float | str]:
    """Return magnitudes as numbers, and what may be an upper limit as it stands."""
    magnitudes: dict[str, float | str] = {}
    for band in BANDS:
        text = given[f"mag_{band}"]
        if text is None:
            continue
        if text.strip()[:1] in ("<", ">"):
            magnitudes[band] = text
            continue
        value = _number(text, f"--mag-{band}", "a number, or an upper limit such as '<22.3'")
        check_within(f"--mag-{band}", value, *MAGNITUDE_LIMITS)
        magnitudes[band] = value
    return magnitudes


def _read_bands(prefix: str, given: Mapping[str, Any], low: float, high: float) -> dict[str, float]:
    values = {band: given[f"{prefix}_{band}"] for band in BANDS}
    for band, value in values.items():
        check_within(f"--{prefix}-{band}", value, low, high)
    return {band: value for band, value in values.items() if value is not None}
