"""The command that infers a survey."""

from pathlib import Path
from typing import Annotated

import typer

from galexplorer import console
from galexplorer.commands.interruption import Interruption
from galexplorer.commands.options import (
    ColumnsOption,
    DeviceOption,
    HduOption,
    WeightsOption,
    check_image,
    read_columns,
    read_hdu,
)
from galexplorer.commands.statements import (
    DetectedOption,
    RedshiftPriorOption,
    RedshiftRangeOption,
    check_redshift,
    check_within,
    naming_options,
    read_detected,
)
from galexplorer.errors import InputError, OptionError

# Nothing heavy is imported here: --help and a wrong option are answered at once.

DRAWS = 512
PARTITION_ROWS = 5_000


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(survey)


def survey(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="Table of galaxies (Parquet, CSV, FITS, VOTable and others), a folder of tables, "
            "a quoted pattern such as 'night*.parquet', or a HATS catalogue; or a URL of such, as "
            "fsspec knows it; columns as of infer --catalog.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the HATS catalogue that comes out.", show_default=False)
    ],
    columns: ColumnsOption = None,
    hdu: HduOption = None,
    image: Annotated[
        Path | None, typer.Option(help="Image in which the rows lie, by their ra and dec.")
    ] = None,
    cutouts: Annotated[
        str | None,
        typer.Option(
            metavar="FILES",
            help="Images in the order of the rows: a safetensors file with an array flux (N, 3, H, "
            "W) or grid (N, 3, 64, 64), a folder of such files, or a quoted pattern.",
        ),
    ] = None,
    deredden: Annotated[
        bool,
        typer.Option(
            "--deredden",
            help="Galactic extinction is still in the magnitudes: remove it, by the table's "
            "columns of extinction or E(B-V), or else by the dust map of the package dustmaps.",
        ),
    ] = False,
    redshift_range: RedshiftRangeOption = None,
    redshift_prior: RedshiftPriorOption = None,
    detected: DetectedOption = None,
    draws: Annotated[int, typer.Option(help="Posterior draws per row.")] = DRAWS,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    draws_out: Annotated[
        Path | None,
        typer.Option(help="Folder for a second catalogue, with the draws as a nested column."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the survey at --out, if there is one.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Dask scheduler, such as tcp://host:8786."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes on this machine [as many as there are cores]."),
    ] = None,
    partition_rows: Annotated[
        int, typer.Option(min=100, max=100_000, help="The most rows of a partition.")
    ] = PARTITION_ROWS,
    device: DeviceOption = "auto",
    weights: WeightsOption = None,
) -> None:
    """Infer a survey: tables of any size into a HATS catalogue, on Dask; it can be resumed."""
    check_within("--seed", seed, 0, 2**63 - 1)
    check_within("--draws", draws, 100, 1_000_000)
    check_redshift(None, redshift_range)
    for place in (out, draws_out):
        if place is not None and not place.absolute().parent.is_dir():
            raise OptionError(f"the folder {place.parent} does not exist: create it first.")
        if place is not None and place.exists() and not place.is_dir():
            raise OptionError(f"{place} is a file: name a folder.")
    if draws_out is not None and draws_out.resolve() == out.resolve():
        raise OptionError("--draws-out and --out name the same folder: give two names.")
    check_image(image)
    if image is not None and cutouts is not None:
        raise OptionError("--image and --cutouts both say where the pixels are: give one.")
    if scheduler is not None and workers is not None:
        raise OptionError("--workers are of this machine, and --scheduler has its own: give one.")

    try:
        from galexplorer.survey.run import Request, run_survey
        from galexplorer.survey.state import STATE
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("galexplorer"):
            raise
        raise OptionError(
            f"a survey needs the package {error.name}: pip install 'galexplorer[survey]'."
        ) from error
    from galexplorer.export.provenance import CITATION

    request = Request(
        source=source,
        out=out,
        draws=draws,
        seed=seed,
        redshift_range=redshift_range,
        prior=redshift_prior,
        detected=read_detected(detected),
        columns=read_columns(columns),
        hdu=read_hdu(hdu),
        image=None if image is None else str(image.resolve()),
        cutouts=cutouts,
        deredden=deredden,
        weights=weights,
        device=device,
        draws_out=draws_out,
        partition_rows=partition_rows,
        scheduler=scheduler,
        workers=workers,
    )
    with Interruption() as interruption, console.progress() as bar, naming_options(table=True):
        task = bar.add_task("galaxies", total=None)
        try:
            found = run_survey(
                request,
                resume=resume,
                citation=CITATION,
                tell=console.tell,
                progress=lambda done, rows: bar.update(task, completed=done, total=rows),
                stop=interruption,
                at_once=interruption.at_once,
            )
        except KeyboardInterrupt:
            words = "no row was done, and nothing is written."
            if (out / STATE).exists():  # the input had been moved, and was read anew
                words = "no other row was done; the same command with --resume goes on."
            raise interruption.report(words) from None
    if found.done < found.rows:
        raise interruption.report(
            f"{found.done:,} of {found.rows:,} rows are done; the same command with --resume "
            "infers the others."
        )
    for word, number in found.flags.items():
        console.tell(f"{number:,} of {found.rows:,} rows are flagged {word}")
    if found.not_inferred == found.rows:
        raise InputError(f"None of the {found.rows} rows could be inferred; the flag says why.")
    if found.not_inferred:
        console.tell_failure(
            f"{found.not_inferred:,} of {found.rows:,} rows could not be inferred; the column flag "
            "says why."
        )
