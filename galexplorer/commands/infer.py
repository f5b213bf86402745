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
    InferringWorkersOption,
    PageFolder,
    check_figures,
    check_pages,
    write_figure,
)
from galexplorer.commands.options import (
    STDIN,
    ColumnsOption,
    DeviceOption,
    HduOption,
    WeightsOption,
    check_image,
    check_not_input,
    read_columns,
    read_hdu,
    read_pipe,
)
from galexplorer.commands.statements import (
    DereddenOption,
    DetectedOption,
    EbvOption,
    ExposureOption,
    FluxPixelScaleOption,
    MaskOption,
    MaskRegionsOption,
    Number,
    PixelScaleOption,
    RedshiftPriorOption,
    RedshiftRangeOption,
    Sources,
    WeightOption,
    ZeroPointOption,
    check_redshift,
    check_within,
    is_given,
    naming_options,
    read_detected,
    read_image_options,
    read_known,
    refuse_beside_target,
    spell,
)
from galexplorer.errors import OptionError

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
Bands = dict[str, Path | None]


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
            "position or objID. - is a piped file.",
        ),
    ] = None,
    source: sky.SourceOption = "auto",
    g: Annotated[Path | None, typer.Option(help="FITS image in g.")] = None,
    r: Annotated[Path | None, typer.Option(help="FITS image in r.")] = None,
    i: Annotated[Path | None, typer.Option(help="FITS image in i.")] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(
            help="Table of galaxies (CSV, ECSV, Parquet, FITS, VOTable and others; - is a pipe) "
            "instead of INPUT: columns id, ra, dec, u, g, r, i, z, err_u ... err_z, petro_u ... "
            "petro_z, petro_r50, petro_r90, redshift, redshift_min, redshift_max, image, "
            "pixel_scale, or names of the archives."
        ),
    ] = None,
    columns: ColumnsOption = None,
    hdu: HduOption = None,
    image: Annotated[
        Path | None,
        typer.Option(help="Image in which the rows of --catalog lie, by their ra and dec."),
    ] = None,
    mag_u: Annotated[
        str | None,
        typer.Option(help="Dereddened AB magnitude, or an upper limit such as '<22.3'."),
    ] = None,
    mag_g: Annotated[str | None, typer.Option()] = None,
    mag_r: Annotated[str | None, typer.Option()] = None,
    mag_i: Annotated[str | None, typer.Option()] = None,
    mag_z: Annotated[str | None, typer.Option()] = None,
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
    pixel_scale: PixelScaleOption = None,
    flux_pixel_scale: FluxPixelScaleOption = None,
    zero_point: ZeroPointOption = None,
    exposure: ExposureOption = None,
    mask: MaskOption = None,
    weight: WeightOption = None,
    mask_regions: MaskRegionsOption = None,
    ebv: EbvOption = None,
    deredden: DereddenOption = False,
    redshift: Annotated[Number, typer.Option(help="Known redshift, held fixed.")] = None,
    redshift_range: RedshiftRangeOption = None,
    redshift_prior: RedshiftPriorOption = None,
    detected: DetectedOption = None,
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
        typer.Option(
            help="File to write, or to replace; a folder where several galaxies are. - prints the "
            "table of --catalog."
        ),
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
    workers: InferringWorkersOption = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the table that --catalog left at --out when it was interrupted.",
        ),
    ] = False,
) -> None:
    """Infer the posterior of one galaxy or several, or of each row of a table."""
    given = dict(locals())
    check_within("--seed", seed, 0, 2**63 - 1)
    check_within("--draws", draws, 100, 1_000_000)
    check_redshift(redshift, redshift_range)
    if redshift is not None and redshift_prior is not None:
        raise OptionError("--redshift and --redshift-prior are mutually exclusive: give one.")
    options: dict[str, Any] = {"redshift_range": redshift_range, "seed": seed}
    options["detected"] = read_detected(detected)
    if redshift_prior is not None:
        options["prior"] = redshift_prior
    if catalog is not None:
        refuse_beside_catalogue(given)
        options["draws"] = draws or CATALOGUE_DRAWS
        table: dict[str, Any] = {"columns": read_columns(columns), "hdu": read_hdu(hdu)}
        table["image"] = image
        check_image(image)
        if deredden:
            from galexplorer.sky.reddening import read_reddening

            table["deredden"] = read_reddening
        pages = check_pages(figures, figure_format, workers, infers=True)
        options["workers"] = workers
        infer_catalogue(
            catalog, out, format, weights, device, options, figures, pages, table, resume, posterior
        )
        return
    if posterior is not None:
        raise OptionError(
            "--posterior is for the draws of a --catalog: those of one galaxy are what --out "
            "writes as .parquet, .ecsv, .fits, .vot or .nc."
        )
    for name in ("columns", "hdu", "image"):
        if is_given(given[name]):
            raise OptionError(f"{spell(name)} applies only to a table: give one with --catalog.")

    if resume:
        raise OptionError("--resume belongs to --catalog: one galaxy is inferred anew.")
    known = read_known(given)
    targets = sky.read_targets(inputs or [])
    if targets:
        refuse_beside_target(given)
    files = [] if targets else [Path(text) for text in inputs or []]
    sources = _choose_sources(files, {"g": g, "r": r, "i": i})
    stated = {} if targets else read_image_options(given, sources)
    if len(targets) > 1 and (known or redshift is not None):
        raise OptionError(
            f"{len(targets)} galaxies were given: their magnitudes and redshifts go into a table, "
            "for --catalog."
        )
    if targets and mask_regions is not None:
        if len(targets) > 1:
            raise OptionError("--mask-regions is for one galaxy: give one.")
        stated["mask_regions"] = mask_regions
    kind = _choose_format(out, format, several=len(targets) > 1)
    plots = {name: path for name, path in {"corner": corner, "bpt": bpt}.items() if path}
    check_figures(plots, several=len(targets) > 1)
    pages = check_pages(figures, figure_format, workers, out if len(targets) > 1 else None)
    if out is not None:
        named = [stated.get(name) for name in ("mask", "weight")]
        maps = [
            path for each in named for path in (each.values() if isinstance(each, dict) else [each])
        ]
        read = (*files, g, r, i, *maps, redshift_prior, mask_regions)
        check_not_input(out, [Path(path) for path in read if path is not None])

    from galexplorer.api.engine import load
    from galexplorer.api.inputs import observe
    from galexplorer.science.summary import verdict_sentences

    if targets:
        known |= {"source": source, "progress": console.tell}
    known |= stated
    engine = None
    results = []
    piped = sources == Path(STDIN)
    wanted: Sequence[str | Sources | tuple[str, bytes] | None] = targets or [
        read_pipe() if piped else sources
    ]
    with ExitStack() as stack:
        folder = stack.enter_context(PageFolder(figures, *pages)) if figures else None
        for target in wanted:
            with naming_options():  # before the engine, which takes longer to load
                observation = observe(target, **known)
            engine = engine or load(weights, device)
            name = target if isinstance(target, str) else out.stem if out is not None else ""
            result = engine.infer(
                observation, redshift=redshift, draws=draws or DRAWS, name=name, **options
            )
            results.append(result)
            if result.verdict.level != "fine":
                said = " ".join(verdict_sentences(result))
                console.tell(f"{name}: {said}" if name else said)
            if folder is not None:
                folder.add(
                    result, name or (files[0].name.partition(".")[0] if files and not piped else "")
                )
    if folder is not None:
        folder.summarise(len(wanted))
    for what, path in plots.items():
        write_figure(results[0], what, path)
    _write_results(results, out, kind)


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


def _choose_sources(inputs: list[Path], bands: Bands) -> Sources | None:
    """Return the image's file or files, or None where there is no image."""
    named = {band: path for band, path in bands.items() if path is not None}
    if named and inputs:
        raise OptionError("INPUT and --g, --r, --i are mutually exclusive: give one or the other.")
    if named and len(named) < len(bands):
        missing = " and ".join(f"--{band}" for band in bands if band not in named)
        raise OptionError(f"--g, --r and --i must be given together: add {missing}.")
    if len(inputs) > 1 and Path(STDIN) in inputs:
        raise OptionError("- is a file that is piped: give it alone.")
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
