"""The command line: the same engine as the app, one command for each station."""

import math
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from galexplorer import console
from galexplorer.commands import app as explorer
from galexplorer.commands import library, sky, targets, training
from galexplorer.commands.options import DeviceOption, WeightsOption, check_not_input
from galexplorer.errors import GalexplorerError, InputError, OptionError
from galexplorer.schema import BANDS, TARGETS
from galexplorer.version import __version__

# Nothing heavy is imported here: --help and a wrong option are answered at once.

Format = Literal["json", "ecsv", "parquet", "fits", "votable", "netcdf", "latex", "html", "pdf"]
SUFFIXES = {
    **{f".{name}": name for name in ("json", "ecsv", "parquet", "fits", "html", "pdf")},
    **{".vot": "votable", ".xml": "votable", ".nc": "netcdf", ".tex": "latex"},
}
BINARY = {"parquet", "fits", "netcdf", "pdf"}
INTERRUPTED = 130
DRAWS = 5_000
CATALOGUE_DRAWS = 512

app = typer.Typer(
    name="galexplorer",
    help="Joint posteriors of galaxy properties from an image, from photometry, or both.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Number = float | None

explorer.register(app)
sky.register(app)
targets.register(app)
training.register(app)
library.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 if all went well; 2 after an error, which is one line on stderr.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=arguments or ["--help"], prog_name="galexplorer", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:
            return _fail("interrupted.", INTERRUPTED)
        return code if isinstance(code, int) else 0
    except GalexplorerError as error:
        return _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted.", INTERRUPTED)
    except typer.TyperException as error:
        # Usage errors name the option only in their formatted message.
        told = error.format_message() if hasattr(error, "format_message") else str(error)
        if re.match(r"No such option:? '?-\d", told):
            told += ". Quote a position whose declination is negative: '162.1 -5.7'."
        if re.match(r"No such option:? '?(-[vq]+|--verbose|--quiet)\b", told):
            told += ". Give it before the command: galexplorer -v infer."
        return _fail(told)
    except BrokenPipeError:
        # The reader went away (head, less): not an error, and Python must not flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _fail(message: str, code: int = 2) -> int:
    console.tell_failure(f"error: {' '.join(message.split())}")
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"galexplorer {__version__}")
        raise typer.Exit


@app.callback()
def _set_up(
    context: typer.Context,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Show the log; twice, its details.",
        ),
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; failures alone.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Joint posteriors of galaxy properties from an image, from photometry, or both."""
    if verbose and quiet:
        raise OptionError("--verbose and --quiet exclude each other: give one.")
    context.with_resource(console.verbosity(-1 if quiet else verbose))


@app.command()
def infer(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="A FITS file with a gri cube or three images, an SDSS JPEG, or three FITS files "
            "whose names or headers tell the bands. Or a galaxy to get from SDSS: its name, "
            "position or objID.",
        ),
    ] = None,
    source: sky.SourceOption = "auto",
    g: Annotated[Path | None, typer.Option(help="FITS image in g.")] = None,
    r: Annotated[Path | None, typer.Option(help="FITS image in r.")] = None,
    i: Annotated[Path | None, typer.Option(help="FITS image in i.")] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(
            help="Table of galaxies (CSV, ECSV, Parquet, FITS, VOTable) instead of INPUT: columns "
            "id, ra, dec, u, g, r, i, z, err_u ... err_z, petro_u ... petro_z, petro_r50, "
            "petro_r90, redshift, redshift_min, redshift_max, image, pixel_scale."
        ),
    ] = None,
    mag_u: Annotated[Number, typer.Option(help="Dereddened AB magnitude.")] = None,
    mag_g: Annotated[Number, typer.Option()] = None,
    mag_r: Annotated[Number, typer.Option()] = None,
    mag_i: Annotated[Number, typer.Option()] = None,
    mag_z: Annotated[Number, typer.Option()] = None,
    err_u: Annotated[Number, typer.Option(help="Its 1-sigma error.")] = None,
    err_g: Annotated[Number, typer.Option()] = None,
    err_r: Annotated[Number, typer.Option()] = None,
    err_i: Annotated[Number, typer.Option()] = None,
    err_z: Annotated[Number, typer.Option()] = None,
    petro_r50: Annotated[Number, typer.Option(help="Half-light radius in r, arcsec.")] = None,
    petro_r90: Annotated[Number, typer.Option(help="90%-light radius in r, arcsec.")] = None,
    ra: Annotated[Number, typer.Option(help="Target in the image, degrees.")] = None,
    dec: Annotated[Number, typer.Option(help="Target in the image, degrees.")] = None,
    pixel_scale: Annotated[Number, typer.Option(help="Arcsec per pixel.")] = None,
    flux_pixel_scale: Annotated[
        Number, typer.Option(help="Arcsec per pixel to which the values refer, if another.")
    ] = None,
    redshift: Annotated[Number, typer.Option(help="Known redshift, to be held fixed.")] = None,
    redshift_range: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LO HI", help="Prior on the redshift.")
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(help=f"Posterior draws [{DRAWS}; for a catalogue {CATALOGUE_DRAWS}]."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same answer.")] = 0,
    device: DeviceOption = "auto",
    weights: WeightsOption = None,
    format: Annotated[
        Format | None, typer.Option(help="Default: told by --out; JSON to the terminal.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write, or to replace.")] = None,
) -> None:
    """Infer the posterior of one galaxy, or of each row of a table."""
    given = dict(locals())
    _check_within("--seed", seed, 0, 2**63 - 1)
    _check_within("--draws", draws, 100, 1_000_000)
    _check_redshift(redshift, redshift_range)
    common: dict[str, Any] = {"redshift_range": redshift_range, "seed": seed}
    if catalog is not None:
        _refuse_beside_catalogue(given)
        _infer_catalogue(
            catalog, out, format, weights, device, {**common, "draws": draws or CATALOGUE_DRAWS}
        )
        return

    magnitudes = _read_bands("mag", given, 5, 30)
    errors = _read_bands("err", given, 1e-6, 10)
    for band in errors.keys() - magnitudes.keys():
        raise OptionError(f"--err-{band} was given without --mag-{band}: give both.")
    for name in ("petro_r50", "petro_r90"):
        _check_within(f"--{name.replace('_', '-')}", given[name], 0.05, 3600)
    if petro_r50 is not None and petro_r90 is not None and petro_r90 <= petro_r50:
        raise OptionError(
            f"--petro-r90 is {petro_r90:g} and --petro-r50 {petro_r50:g}: 90% of the light lies "
            "further out than half of it."
        )
    _check_within("--ra", ra, 0, 360)
    _check_within("--dec", dec, -90, 90)
    if (ra is None) != (dec is None):
        raise OptionError("--ra and --dec go together: give both, or neither.")
    target = sky.read_target(inputs or [])
    if target is not None:
        _refuse_beside_target(given)
    files = [] if target else [Path(text) for text in inputs or []]
    sources = _choose_sources(files, {"g": g, "r": r, "i": i})
    if target is not None:
        pass  # what it needs is asked for below
    elif source != "auto":
        raise OptionError("--source belongs to a galaxy to get from SDSS: give a name or position.")
    elif sources is None:
        if not magnitudes:
            raise OptionError("nothing to infer from: give an image or a magnitude (--mag-r 17.2).")
        for name in ("ra", "dec", "pixel_scale", "flux_pixel_scale"):
            if given[name] is not None:
                raise OptionError(f"--{name.replace('_', '-')} belongs to an image: give one.")
    kind = _choose_format(out, format)
    if out is not None:
        check_not_input(out, [path for path in (*files, g, r, i) if path is not None])

    from galexplorer.records.photometry import Photometry

    photometry = Photometry(
        kind="catalogue" if magnitudes or petro_r50 or petro_r90 else "none",
        magnitudes=magnitudes,
        errors=errors,
        petro_r50=petro_r50,
        petro_r90=petro_r90,
    )
    scales = {
        "pixel_scale_arcsec": pixel_scale,
        "flux_pixel_scale_arcsec": flux_pixel_scale,
    }
    if target is not None:
        observation = sky.observe_target(target, source, photometry)
    else:
        observation = _observe(sources, photometry, scales, ra, dec)

    from galexplorer.export.files import result_bytes, write_result
    from galexplorer.inference.engine import Engine

    engine = Engine.load(weights, device=device)
    result = engine.infer(observation, redshift=redshift, draws=draws or DRAWS, **common)
    if out is not None:
        write_result(result, out, kind, name=out.stem)
    else:
        sys.stdout.buffer.write(result_bytes(result, kind))


def _observe(sources, photometry, scales: dict, ra: float | None, dec: float | None):
    if isinstance(sources, Path) and ra is None and not any(scales.values()):
        from galexplorer.sky.cube import read_fetched

        if fetched := read_fetched(sources):
            from galexplorer.inference.observe import observe_fetched

            return observe_fetched(fetched, photometry if photometry.kind != "none" else None)

    from galexplorer.image.reader import read_image

    pixels = read_image(sources, **scales) if sources is not None else None

    from galexplorer.inference.observe import observe

    return observe(pixels, photometry if photometry.kind != "none" else None, ra=ra, dec=dec)


def _infer_catalogue(
    path: Path,
    out: Path | None,
    format: str | None,
    weights: Path | None,
    device: str,
    options: dict[str, Any],
) -> None:
    if out is None:
        raise OptionError("--catalog needs --out: name the table to write, such as out.ecsv.")

    from galexplorer.catalogue import (
        TABLE_SUFFIXES,
        check_destination,
        read_catalogue,
        write_table,
    )

    if format is not None and format not in TABLE_SUFFIXES.values():
        raise OptionError(
            "a catalogue is written as a table: --format ecsv, parquet, fits or votable."
        )

    check_destination(out, format)
    catalogue = read_catalogue(path)
    check_not_input(out, [path, *(Path(image) for image in catalogue.image if image)])
    for note in catalogue.notes:
        console.tell(note)

    from galexplorer.export.provenance import CITATION
    from galexplorer.inference.catalogue_run import infer_catalogue
    from galexplorer.inference.engine import Engine

    engine = Engine.load(weights, device=device)
    with console.progress() as progress:
        task = progress.add_task("galaxies", total=len(catalogue))
        table = infer_catalogue(
            engine,
            catalogue,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            **options,
        )
    table.meta["citation"] = CITATION
    write_table(table, out, format)
    failed = sum(math.isnan(median) for median in table["redshift_p50"])
    if failed == len(table):
        raise InputError(f"None of the {failed} rows could be inferred; the column flag says why.")
    if failed:
        console.tell_failure(
            f"{failed} of {len(table)} rows could not be inferred; the column flag says why."
        )


def _check_within(option: str, value: float | None, low: float, high: float) -> None:
    # Written so that NaN fails.
    if value is not None and not low <= value <= high:
        raise OptionError(f"{option} is {value:g}: it must lie between {low:,} and {high:,}.")


def _check_redshift(redshift: float | None, limits: tuple[float, float] | None) -> None:
    high = TARGETS[0].high
    if redshift is not None and limits is not None:
        raise OptionError("--redshift and --redshift-range exclude each other: give one.")
    if redshift is not None and not 0 < redshift <= high:
        raise OptionError(f"--redshift is {redshift:g}: it must lie above 0, at most {high}.")
    if limits is not None and not 0 <= limits[0] < limits[1] <= high:
        raise OptionError(
            f"--redshift-range is {limits[0]:g} to {limits[1]:g}: it must rise, within 0 to {high}."
        )


def _refuse_beside_catalogue(given: dict[str, Any]) -> None:
    allowed = {
        "catalog",
        "source",
        "redshift_range",
        "draws",
        "seed",
        "device",
        "weights",
        "format",
        "out",
    }
    for name, value in given.items():
        if name not in allowed and value not in (None, []):
            option = "INPUT" if name == "inputs" else f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{option} does not go with --catalog: give it as a column of the table."
            )


def _refuse_beside_target(given: dict[str, Any]) -> None:
    for name in ("g", "r", "i", "ra", "dec", "pixel_scale", "flux_pixel_scale"):
        if given[name] is not None:
            raise OptionError(
                f"--{name.replace('_', '-')} belongs to an image of your own: leave it out, or "
                "give a file as INPUT."
            )


def _read_bands(prefix: str, given: dict[str, Any], low: float, high: float) -> dict[str, float]:
    values = {band: given[f"{prefix}_{band}"] for band in BANDS}
    for band, value in values.items():
        _check_within(f"--{prefix}-{band}", value, low, high)
    return {band: value for band, value in values.items() if value is not None}


def _choose_sources(inputs: list[Path], bands: dict[str, Path | None]):
    """Return what `read_image` takes, or None where there is no image."""
    named = {band: path for band, path in bands.items() if path is not None}
    if named and inputs:
        raise OptionError("INPUT and --g, --r, --i exclude each other: give one or the other.")
    if named and len(named) < len(bands):
        missing = " and ".join(f"--{band}" for band in bands if band not in named)
        raise OptionError(f"--g, --r and --i go together: add {missing}.")
    if len(inputs) not in (0, 1, 3):
        raise OptionError(f"{len(inputs)} files were given: give one, or three for g, r and i.")
    return named or (inputs[0] if len(inputs) == 1 else inputs or None)


def _choose_format(out: Path | None, format: str | None) -> str:
    if out is None:
        kind = format or "json"
        if kind in BINARY and sys.stdout.isatty():
            raise OptionError(f"{kind} is binary and not for a terminal: add --out FILE.")
        return kind
    kind = format or SUFFIXES.get(out.suffix.lower(), "")
    if not kind:
        raise OptionError(
            f"{out} does not tell which format to write: end it in one of {', '.join(SUFFIXES)}, "
            "or add --format."
        )
    if not out.parent.is_dir():
        raise OptionError(f"the folder {out.parent} does not exist: create it first.")
    if out.is_dir():
        raise OptionError(f"{out} is a folder: name a file in it.")
    return kind
