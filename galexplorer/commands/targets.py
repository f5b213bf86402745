"""The command that infers a list of targets."""

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from galexplorer import console
from galexplorer.commands.catalogue import LATEX
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
from galexplorer.commands.statements import (
    DetectedOption,
    RedshiftPriorOption,
    RedshiftRangeOption,
    check_redshift,
    naming_options,
    read_detected,
    spell,
)
from galexplorer.errors import FetchError, OptionError

if TYPE_CHECKING:
    from astropy.table import Table

    from galexplorer.api.target_run import TargetRun
    from galexplorer.query.target_list import TargetList
    from galexplorer.runs.target_run import Outcome

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
            help="Output table, .ecsv, .csv, .parquet, .vot or .tex; overwritten; - prints CSV."
        ),
    ],
    columns: ColumnsOption = None,
    hdu: HduOption = None,
    brief: Annotated[
        bool,
        typer.Option(
            "--brief",
            help="Keep position, magnitude, redshifts that were stated, medians with 68% "
            "intervals, class, verdict and remarks alone.",
        ),
    ] = False,
    posterior: Annotated[
        Path | None, typer.Option(help="Parquet file for the draws of all targets.")
    ] = None,
    images: Annotated[
        bool, typer.Option(help="Fetch images also for rows that have magnitudes.")
    ] = True,
    redshift_range: RedshiftRangeOption = None,
    redshift_prior: RedshiftPriorOption = None,
    detected: DetectedOption = None,
    draws: Annotated[
        int, typer.Option(min=100, max=100_000, help="Posterior draws per target.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    device: DeviceOption = "auto",
    weights: WeightsOption = None,
    figures: FiguresOption = None,
    figure_format: FigureFormatOption = None,
    workers: WorkersOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the list that was interrupted at --out.")
    ] = False,
) -> None:
    """Infer each target of a list; a target that fails gets a row with the reason."""
    suffixes = {".ecsv": "ecsv", ".csv": "csv", ".parquet": "parquet", ".vot": "votable"}
    suffixes[".tex"] = LATEX
    printed = str(out) == STDIN
    if not printed and out.suffix.lower() not in suffixes:
        raise OptionError(f"{out} is not a known table format: use one of {', '.join(suffixes)}.")
    if brief and out.suffix.lower() == ".tex":
        raise OptionError("--brief is of tables, and LaTeX is brief already: leave it out.")
    for place in (out, posterior):
        if place is not None and not place.parent.is_dir():
            raise OptionError(f"the folder {place.parent} does not exist: create it first.")
    if posterior is not None and posterior.resolve() == out.resolve():
        raise OptionError("--posterior and --out name the same file: give two names.")
    if printed and resume:
        raise OptionError("--resume goes on with a file: name one with --out.")
    check_redshift(None, redshift_range)
    lines = read_detected(detected)
    pages = check_pages(figures, figure_format, workers)

    from galexplorer.query.target_list import read_targets
    from galexplorer.runs.options import choose_options
    from galexplorer.tables.source import split_hdu

    read = [split_hdu(path)[0], *([] if redshift_prior is None else [Path(redshift_prior)])]
    for place in (out, posterior):
        if place is not None:
            check_not_input(place, read)
    options = choose_options(redshift_range, redshift_prior, lines, draws, seed)
    name = "standard input" if str(path) == STDIN else path.name
    with naming_options():
        given = read_targets(
            str(path), name, columns=read_columns(columns), hdu=read_hdu(hdu), most=sys.maxsize
        )
    for note in given.notes:
        console.tell(note)

    from galexplorer.api.engine import load
    from galexplorer.api.run_folder import describe_request
    from galexplorer.api.target_run import PART
    from galexplorer.api.target_runs import begin_run, list_runs
    from galexplorer.export.files import replace_file
    from galexplorer.runs.made_with import differ_from

    number = len(given.targets)
    request = describe_request(given.targets, images, options)
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory())) if printed else _place_of(out)
        run = _open_run(place, out, request) if resume else None
        if resume and run is None and out.exists():
            _check_complete(out, request, weights, brief)
            console.tell(f"{out} is complete: nothing is left to try.")
            return
        engine = load(weights, device)
        if run is None:
            for begun in list_runs(place):
                begun.delete()  # refused while somebody works on it
            shutil.rmtree(place, ignore_errors=True)
            run = begin_run(
                place,
                given,
                name,
                images=images,
                draws=draws,
                seed=seed,
                redshift_range=redshift_range,
                prior=options.prior,
                detected=lines,
            )
        if run.done:
            made = run.table().meta["provenance"]
            _check_same(out, differ_from(made, engine.weights.manifest))
        interruption = stack.enter_context(Interruption())
        progress = stack.enter_context(console.progress())
        task = progress.add_task("targets", total=number, completed=run.done)
        folder = (
            stack.enter_context(PageFolder(figures, *pages, stop=interruption)) if figures else None
        )
        draw = folder.rows([target.label for target in given.targets]) if folder else None
        began = run.done
        tried: list[Outcome] = []
        with run.claimed():
            try:
                for row, target in enumerate(given.targets[began:], began):
                    with interruption.at_once():
                        outcome = run.infer_one(target, lambda: engine)
                    tried.append(outcome)
                    if len(tried) == PART:
                        run.keep(tried)
                        tried = []
                    tell = console.tell_failure if outcome.problem else console.tell
                    tell(f"{row + 1} of {number}: {target.label}: {outcome.problem or 'done'}")
                    if draw is not None and outcome.result is not None:
                        draw(row, outcome.result)
                    progress.update(task, completed=row + 1)
                    if interruption():
                        break
            except KeyboardInterrupt:
                pass  # at_once: what the target waited for is not waited for any longer
            finally:
                run.keep(tried)
        done = run.done
        interruption.tell()
        table = _table_of(run, given, brief) if done else None
        if table is not None and printed:
            sys.stdout.buffer.write(_bytes_of(table, "csv"))
        elif table is not None:
            replace_file(out, _bytes_of(table, suffixes[out.suffix.lower()]))
        failed = [] if table is None else [problem != "" for problem in table["problem"]][:done]
        if posterior is not None and not all(failed):
            replace_file(posterior, _bytes_of(run.draws_table(), "parquet"))
        if done == number:
            shutil.rmtree(place, ignore_errors=True)
    if folder is not None:
        folder.summarise(done - began)
    if done < number:
        words = f"{done:,} of {number:,} targets are in {out}; the same command with --resume tries"
        words += " the others."
        raise interruption.report(words if done else "no target was done, and nothing is written.")
    pairs = zip(given.targets, failed, strict=True)
    listed = sum(wrong and target.photometry is not None for target, wrong in pairs)
    if images and listed:
        console.tell(
            f"{listed} that failed have magnitudes: --no-images infers them without a network."
        )
    if all(failed):
        raise FetchError(
            "The target failed, for the reason above."
            if number == 1
            else f"All {number} targets failed, for the reasons above."
        )


def _place_of(out: Path) -> Path:
    """Return the folder beside a table in which its run is kept until it is complete."""
    return out.with_name(f".{out.name}.run")


def _open_run(place: Path, out: Path, request: dict) -> "TargetRun | None":
    """Return the run that was left there, None if there is none; refuse one of another request."""
    from galexplorer.api.target_runs import list_runs

    left = next(iter(list_runs(place)), None)
    if left is not None:
        _check_same(out, _list_differences(left.request, request))
    return left


def _check_complete(out: Path, request: dict, weights: Path | None, brief: bool) -> None:
    """Check that a table whose run is gone has all targets, made as they would be now."""
    import numpy as np
    from astropy.table import Table

    from galexplorer.api.brief_table import is_brief
    from galexplorer.model.weights import DEFAULT_FOLDER, read_manifest
    from galexplorer.runs.made_with import differ_from
    from galexplorer.runs.target_run import INTERRUPTED
    from galexplorer.tables import read_raw
    from galexplorer.tables.cells import texts_of

    table = Table() if out.suffix.lower() == ".tex" else read_raw(out).table
    made = table.meta.get("provenance")
    told = isinstance(made, dict) and "input_sha256" in made and "problem" in table.colnames
    if not told:
        raise OptionError(
            f"{out} does not say which targets it is of and how it was made: CSV and LaTeX have no "
            "place for that, and ECSV, Parquet and VOTable have, or an earlier version wrote it; "
            "leave --resume out to begin again."
        )
    manifest = read_manifest(weights or DEFAULT_FOLDER)
    columns = [] if brief == is_brief(table) else ["columns (--brief)"]
    differ = [*_list_differences(made, request), *differ_from(made, manifest), *columns]
    _check_same(out, differ)
    if np.any(texts_of(table["problem"]) == INTERRUPTED):
        raise OptionError(
            f"not all targets of {out} were tried, and the folder {_place_of(out)}, which is "
            "needed to go on, is gone: leave --resume out to begin again."
        )


def _list_differences(made: dict, request: dict) -> list[str]:
    """Return what was asked for otherwise, as a user would give it."""
    differ = [name for name, value in request.items() if name not in made or made[name] != value]
    return ["targets" if name == "input_sha256" else spell(name) for name in differ]


def _check_same(out: Path, differ: list[str]) -> None:
    if differ:
        raise OptionError(
            f"the run behind {out} was begun with other {' and '.join(differ)}: give those, or "
            "leave --resume out."
        )


def _bytes_of(table: "Table", kind: str) -> bytes:
    from galexplorer.api.latex_table import latex_of_table
    from galexplorer.export.tables import written_bytes

    return latex_of_table(table) if kind == LATEX else written_bytes(table, kind)


def _table_of(run: "TargetRun", given: "TargetList", brief: bool) -> "Table":
    """Return a row for each target, with the reason where it has not had its turn."""
    from astropy.table import vstack

    from galexplorer.api.brief_table import brief_table
    from galexplorer.export.target_tables import summary_table
    from galexplorer.runs.target_run import INTERRUPTED, Outcome
    from galexplorer.science.columns import describe_columns

    table = run.table()
    left = [Outcome(target, problem=INTERRUPTED) for target in given.targets[run.done :]]
    if left:
        meta = table.meta
        table = vstack([table, summary_table(left)], metadata_conflicts="silent")
        table.meta = meta
    table = describe_columns(table)
    return brief_table(table) if brief else table
