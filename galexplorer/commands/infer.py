"""The command that infers: one galaxy or several, from files, magnitudes or the sky, or a table."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from galexplorer import console
from galexplorer.commands import sky
from galexplorer.commands.catalogue import infer_catalogue, refuse_beside_catalogue
from galexplorer.commands.figures import (
    FigureFormatOption,
    FiguresOption,
    PageFolder,
    WorkersOption,
    check_figures,
    check_pages,
    write_figure,
)
from galexplorer.commands.options import DeviceOption, WeightsOption, check_not_input
from galexplorer.errors import OptionError
from galexplorer.schema import (
    BANDS,
    MAGNITUDE_ERROR_LIMITS,
    MAGNITUDE_LIMITS,
    PETROSIAN_RADIUS_LIMITS_ARCSEC,
    TARGETS,
)

if TYPE_CHECKING:
    from galexplorer.api.result import Result

# Nothing heavy is imported here: --help and a wrong option are answered at once.

Format = Literal["json", "ecsv", "parquet", "fits", "votable", "netcdf", "latex", "html", "pdf"]
SUFFIXES = {
    **{f".{name}": name for name in ("json", "ecsv", "parquet", "fits", "html", "pdf")},
    **{".vot": "votable", ".xml": "votable", ".nc": "netcdf", ".tex": "latex"},
}
BINARY = {"parquet", "fits", "netcdf", "pdf"}
DRAWS = 5_000
CATALOGUE_DRAWS = 512
Number = float | None
Bands = dict[str, Path | None]
Sources = Path | list[Path] | dict[str, Path]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(infer)


def infer(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="A FITS file with a gri cube or three images, an SDSS JPEG, or three FITS files "
            "whose names or headers identify the bands; or a galaxy to fetch from SDSS: its name,  "
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
    petro_r90: Annotated[
        Number, typer.Option(help="Radius containing 90% of the light in r, arcsec.")
    ] = None,
    ra: Annotated[Number, typer.Option(help="RA of the target in the image, degrees.")] = None,
    dec: Annotated[Number, typer.Option(help="Dec of the target in the image, degrees.")] = None,
    pixel_scale: Annotated[Number, typer.Option(help="Arcsec per pixel.")] = None,
    flux_pixel_scale: Annotated[
        Number, typer.Option(help="Pixel scale of the flux values, if different, arcsec.")
    ] = None,
    redshift: Annotated[Number, typer.Option(help="Known redshift, held fixed.")] = None,
    redshift_range: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LO HI", help="Prior on the redshift.")
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(help=f"Posterior draws [{DRAWS}; for a catalogue {CATALOGUE_DRAWS}]."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    device: DeviceOption = "auto",
    weights: WeightsOption = None,
    format: Annotated[
        Format | None, typer.Option(help="Default: from the suffix of --out, else JSON.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, or to replace; a folder where several galaxies are."),
    ] = None,
    posterior: Annotated[
        Path | None,
        typer.Option(help="With --catalog: Parquet file for the draws of all rows."),
    ] = None,
    corner: Annotated[
        Path | None, typer.Option(help="Corner plot to write: .png, .pdf or .svg.")
    ] = None,
    bpt: Annotated[Path | None, typer.Option(help="BPT diagram to write, likewise.")] = None,
    figures: FiguresOption = None,
    figure_format: FigureFormatOption = None,
    workers: WorkersOption = None,
) -> None:
    """Infer the posterior of one galaxy or several, or of each row of a table."""
    given = dict(locals())
    _check_within("--seed", seed, 0, 2**63 - 1)
    _check_within("--draws", draws, 100, 1_000_000)
    _check_redshift(redshift, redshift_range)
    options: dict[str, Any] = {"redshift_range": redshift_range, "seed": seed}
    if catalog is not None:
        refuse_beside_catalogue(given)
        options["draws"] = draws or CATALOGUE_DRAWS
        pages = check_pages(figures, figure_format, workers)
        infer_catalogue(catalog, out, format, weights, device, options, figures, pages, posterior)
        return
    if posterior is not None:
        raise OptionError(
            "--posterior is for the draws of a --catalog: those of one galaxy are what --out "
            "writes as .parquet, .ecsv, .fits, .vot or .nc."
        )

    known = _read_known(given)
    targets = sky.read_targets(inputs or [])
    if targets:
        _refuse_beside_target(given)
    files = [] if targets else [Path(text) for text in inputs or []]
    sources = _choose_sources(files, {"g": g, "r": r, "i": i})
    if not targets:
        _check_own_image(given, sources)
    if len(targets) > 1 and (known or redshift is not None):
        raise OptionError(
            f"{len(targets)} galaxies were given: their magnitudes and redshifts go into a table, "
            "for --catalog."
        )
    kind = _choose_format(out, format, several=len(targets) > 1)
    plots = {name: path for name, path in {"corner": corner, "bpt": bpt}.items() if path}
    check_figures(plots, several=len(targets) > 1)
    pages = check_pages(figures, figure_format, workers, out if len(targets) > 1 else None)
    if out is not None:
        check_not_input(out, [path for path in (*files, g, r, i) if path is not None])

    from galexplorer.api.engine import load
    from galexplorer.api.inputs import observe

    if targets:
        known |= {"source": source, "progress": console.tell}
    else:
        known |= {name: given[name] for name in ("ra", "dec", "pixel_scale", "flux_pixel_scale")}
    engine = None
    results = []
    wanted: Sequence[str | Sources | None] = targets or [sources]
    with ExitStack() as stack:
        folder = stack.enter_context(PageFolder(figures, *pages)) if figures else None
        for target in wanted:
            observation = observe(target, **known)  # before the engine, which takes longer to load
            engine = engine or load(weights, device)
            name = target if isinstance(target, str) else out.stem if out is not None else ""
            result = engine.infer(
                observation, redshift=redshift, draws=draws or DRAWS, name=name, **options
            )
            results.append(result)
            if folder is not None:
                folder.add(result, name or (files[0].name.partition(".")[0] if files else ""))
    if folder is not None:
        folder.summarise(len(wanted))
    for what, path in plots.items():
        write_figure(results[0], what, path)
    _write_results(results, out, kind)


def _read_known(given: dict[str, Any]) -> dict[str, Any]:
    """Return the magnitudes, errors and radii that were given, as `observe` takes them."""
    magnitudes = _read_bands("mag", given, *MAGNITUDE_LIMITS)
    errors = _read_bands("err", given, *MAGNITUDE_ERROR_LIMITS)
    for band in errors.keys() - magnitudes.keys():
        raise OptionError(f"--err-{band} was given without --mag-{band}: give both.")
    r50, r90 = given["petro_r50"], given["petro_r90"]
    _check_within("--petro-r50", r50, *PETROSIAN_RADIUS_LIMITS_ARCSEC)
    _check_within("--petro-r90", r90, *PETROSIAN_RADIUS_LIMITS_ARCSEC)
    if r50 is not None and r90 is not None and r90 <= r50:
        raise OptionError(
            f"--petro-r90 is {r90:g} and --petro-r50 is {r50:g}: R90 must be larger, since it "
            "contains more of the light."
        )
    known = {"magnitudes": magnitudes, "errors": errors, "petro_r50": r50, "petro_r90": r90}
    return {name: value for name, value in known.items() if value}


def _check_own_image(given: dict[str, Any], sources: Sources | None) -> None:
    """Check what is stated about an image of the user's own, or that none of it is."""
    _check_within("--ra", given["ra"], 0, 360)
    _check_within("--dec", given["dec"], -90, 90)
    if (given["ra"] is None) != (given["dec"] is None):
        raise OptionError("--ra and --dec go together: give both, or neither.")
    if given["source"] != "auto":
        raise OptionError(
            "--source applies only to a galaxy fetched from SDSS: give a name or position."
        )
    if sources is not None:
        return
    if not any(given[f"mag_{band}"] is not None for band in BANDS):
        raise OptionError("nothing to infer from: give an image or a magnitude (--mag-r 17.2).")
    for name in ("ra", "dec", "pixel_scale", "flux_pixel_scale"):
        if given[name] is not None:
            raise OptionError(f"--{name.replace('_', '-')} applies only to an image: give one.")


def _write_results(results: "list[Result]", out: Path | None, kind: str) -> None:
    from galexplorer.export.files import FORMATS, result_bytes

    if len(results) == 1:
        if out is not None:
            results[0].write(out, kind)
        else:
            sys.stdout.buffer.write(result_bytes(results[0], kind, results[0].name))
        return
    if out is None:
        contents = [result_bytes(result, kind, result.name).decode() for result in results]
        print("[" + ",\n".join(content.rstrip() for content in contents) + "]")
        return
    out.mkdir(exist_ok=True)
    written: dict[str, int] = {}
    for result in results:
        path = out / f"{sky.name_file(result.name, written)}{FORMATS[kind].suffix}"
        result.write(path, kind)
        print(path)


def _check_within(option: str, value: float | None, low: float, high: float) -> None:
    # Written so that NaN fails.
    if value is not None and not low <= value <= high:
        raise OptionError(f"{option} is {value:g}: it must lie between {low:,} and {high:,}.")


def _check_redshift(redshift: float | None, limits: tuple[float, float] | None) -> None:
    high = TARGETS[0].high
    if redshift is not None and limits is not None:
        raise OptionError("--redshift and --redshift-range are mutually exclusive: give one.")
    if redshift is not None and not 0 < redshift <= high:
        raise OptionError(f"--redshift is {redshift:g}: it must lie above 0, at most {high}.")
    if limits is not None and not 0 <= limits[0] < limits[1] <= high:
        raise OptionError(
            f"--redshift-range is {limits[0]:g} to {limits[1]:g}: give LO < HI within 0 to {high}."
        )


def _refuse_beside_target(given: dict[str, Any]) -> None:
    for name in ("g", "r", "i", "ra", "dec", "pixel_scale", "flux_pixel_scale"):
        if given[name] is not None:
            raise OptionError(
                f"--{name.replace('_', '-')} applies only to an image of your own: omit it, or "
                "give a file as INPUT."
            )


def _read_bands(prefix: str, given: dict[str, Any], low: float, high: float) -> dict[str, float]:
    values = {band: given[f"{prefix}_{band}"] for band in BANDS}
    for band, value in values.items():
        _check_within(f"--{prefix}-{band}", value, low, high)
    return {band: value for band, value in values.items() if value is not None}


def _choose_sources(inputs: list[Path], bands: Bands) -> Sources | None:
    """Return the image's file or files, or None where there is no image."""
    named = {band: path for band, path in bands.items() if path is not None}
    if named and inputs:
        raise OptionError("INPUT and --g, --r, --i are mutually exclusive: give one or the other.")
    if named and len(named) < len(bands):
        missing = " and ".join(f"--{band}" for band in bands if band not in named)
        raise OptionError(f"--g, --r and --i must be given together: add {missing}.")
    if len(inputs) not in (0, 1, 3):
        raise OptionError(f"{len(inputs)} files were given: give one, or three for g, r and i.")
    return named or (inputs[0] if len(inputs) == 1 else inputs or None)


def _choose_format(out: Path | None, format: str | None, several: bool) -> str:
    if several:
        return _choose_format_of_several(out, format)
    if out is None:
        kind = format or "json"
        if kind in BINARY and sys.stdout.isatty():
            raise OptionError(f"{kind} is a binary format: add --out FILE.")
        return kind
    kind = format or SUFFIXES.get(out.suffix.lower(), "")
    if not kind:
        raise OptionError(
            f"{out} has no known suffix: use one of {', '.join(SUFFIXES)}, or add --format."
        )
    if not out.parent.is_dir():
        raise OptionError(f"the folder {out.parent} does not exist: create it first.")
    if out.is_dir():
        raise OptionError(f"{out} is a folder: name a file in it.")
    return kind


def _choose_format_of_several(out: Path | None, format: str | None) -> str:
    kind = format or "json"
    if out is None and kind != "json":
        raise OptionError(f"several galaxies print as JSON: for {kind}, name a folder with --out.")
    if out is not None and (out.exists() and not out.is_dir()):
        raise OptionError(f"{out} is a file: name a folder, for there are several galaxies.")
    if out is not None and not out.parent.is_dir():
        raise OptionError(f"the folder {out.parent} does not exist: create it first.")
    return kind
