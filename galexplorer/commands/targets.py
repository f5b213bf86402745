"""The command that infers a list of targets."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from galexplorer import console
from galexplorer.commands.figures import (
    FigureFormatOption,
    FiguresOption,
    PageFolder,
    WorkersOption,
    check_pages,
)
from galexplorer.commands.interruption import Interruption
from galexplorer.commands.options import (
    STDIN,
    ColumnsOption,
    DeviceOption,
    HduOption,
    WeightsOption,
    check_not_input,
    read_columns,
    read_hdu,
)
from galexplorer.commands.statements import naming_options
from galexplorer.errors import FetchError, OptionError

# Nothing heavy is imported here: --help and a wrong option are answered at once.


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(targets)


def targets(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="LIST",
            help="Text, one name, position or objID per line, a redshift after a comma if it is "
            "known; or a table with such columns or with magnitudes; - is a pipe.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="Output table, .ecsv, .csv, .parquet or .vot; overwritten; - prints CSV."
        ),
    ],
    columns: ColumnsOption = None,
    hdu: HduOption = None,
    posterior: Annotated[
        Path | None, typer.Option(help="Parquet file for the draws of all targets.")
    ] = None,
    images: Annotated[
        bool, typer.Option(help="Fetch images also for rows that have magnitudes.")
    ] = True,
    draws: Annotated[
        int, typer.Option(min=100, max=100_000, help="Posterior draws per target.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    device: DeviceOption = "auto",
    weights: WeightsOption = None,
    figures: FiguresOption = None,
    figure_format: FigureFormatOption = None,
    workers: WorkersOption = None,
) -> None:
    """Infer each target of a list; a target that fails gets a row with the reason."""
    suffixes = {".ecsv": "ecsv", ".csv": "csv", ".parquet": "parquet", ".vot": "votable"}
    printed = str(out) == STDIN
    if not printed and out.suffix.lower() not in suffixes:
        raise OptionError(f"{out} is not a known table format: use one of {', '.join(suffixes)}.")
    for place in (out, posterior):
        if place is not None and not place.parent.is_dir():
            raise OptionError(f"the folder {place.parent} does not exist: create it first.")
    if posterior is not None and posterior.resolve() == out.resolve():
        raise OptionError("--posterior and --out name the same file: give two names.")
    pages = check_pages(figures, figure_format, workers)

    from galexplorer.query.target_list import read_targets
    from galexplorer.tables.source import split_hdu

    for place in (out, posterior):
        if place is not None:
            check_not_input(place, [split_hdu(path)[0]])
    name = "standard input" if str(path) == STDIN else path.name
    with naming_options():
        given = read_targets(str(path), name, columns=read_columns(columns), hdu=read_hdu(hdu))
    for note in given.notes:
        console.tell(note)

    from galexplorer.api.engine import load
    from galexplorer.export.files import replace_file
    from galexplorer.export.target_tables import draws_bytes, summary_bytes
    from galexplorer.runs.target_run import INTERRUPTED, Outcome, infer_target

    engine = load(weights, device)
    outcomes: list[Outcome] = []
    number = len(given.targets)
    with Interruption() as interruption, ExitStack() as stack:
        progress = stack.enter_context(console.progress())
        task = progress.add_task("targets", total=number)
        folder = (
            stack.enter_context(PageFolder(figures, *pages, stop=interruption)) if figures else None
        )
        draw = folder.rows([target.label for target in given.targets]) if folder else None
        for row, target in enumerate(given.targets):
            try:
                with interruption.at_once():
                    outcome = infer_target(
                        target, lambda: engine, images=images, draws=draws, seed=seed
                    )
            except KeyboardInterrupt:
                break
            outcomes.append(outcome.slim())
            tell = console.tell_failure if outcome.problem else console.tell
            what = outcome.problem or "done"
            tell(f"{row + 1} of {number}: {target.label}: {what}")
            if draw is not None and outcome.result is not None:
                draw(row, outcome.result)
            progress.update(task, completed=row + 1)
            if interruption():
                break
        done = len(outcomes)
        interruption.tell()
        stack.close()  # once the pages are drawn
        if done:
            outcomes += [Outcome(target, problem=INTERRUPTED) for target in given.targets[done:]]
            contents: dict[Path, bytes] = {}
            if printed:
                sys.stdout.buffer.write(summary_bytes(outcomes, "csv"))
            else:
                contents[out] = summary_bytes(outcomes, suffixes[out.suffix.lower()])
            if posterior is not None and any(outcome.result for outcome in outcomes):
                contents[posterior] = draws_bytes(outcomes)
            for place, content in contents.items():
                replace_file(place, content)
    if folder is not None:
        folder.summarise(done)
    if done < number:
        words = (
            f"{done:,} of {number:,} targets are in {out}; run the same command again for all of "
            "them: what was fetched is in the cache."
        )
        raise interruption.report(words if done else "no target was done, and nothing is written.")
    failed = [outcome for outcome in outcomes if outcome.problem]
    listed = sum(outcome.target.photometry is not None for outcome in failed)
    if images and listed:
        console.tell(
            f"{listed} that failed have magnitudes: --no-images infers them without a network."
        )
    if len(failed) == len(outcomes):
        raise FetchError(f"All {len(failed)} targets failed, for the reasons above.")
