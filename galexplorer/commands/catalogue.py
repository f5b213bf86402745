"""What `galexplorer infer --catalog` does: each row of a table."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galexplorer import console
from galexplorer.commands.figures import PageFolder
from galexplorer.commands.interruption import Interruption
from galexplorer.commands.options import check_not_input
from galexplorer.errors import InputError, OptionError

if TYPE_CHECKING:
    from astropy.table import Table

# Nothing heavy is imported here: --help and a wrong option are answered at once.


def infer_catalogue(
    path: Path,
    out: Path | None,
    format: str | None,
    weights: Path | None,
    device: str,
    options: dict[str, Any],
    figures: Path | None,
    pages: tuple[str, int],
    resume: bool = False,
) -> None:
    """Infer each row of a table and write the table that comes out, with pages if wanted.

    Parameters
    ----------
    path, out : Path
        Of the table, and of the one to write.
    format : str, optional
        Of the latter, where its suffix does not tell.
    weights, device
        As of `galexplorer.api.engine.load`.
    options : dict
        As of `galexplorer.api.engine.Engine.infer_table`.
    figures : Path, optional
        Folder of the pages.
    pages : tuple of str and int
        Their format, and how many processes draw them.
    resume : bool
        Go on with the table at `out`, if there is one.

    Raises
    ------
    GalexplorerError
        If the table cannot be read or written, an option is wrong, or no row could be inferred.
    Interrupted
        If Ctrl-C or SIGTERM comes; the rows that were done are written.
    """
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
    before = _read_before(out) if resume else None

    from galexplorer.api.engine import load
    from galexplorer.inference.catalogue_resume import is_interrupted

    engine = load(weights, device)
    with Interruption() as interruption, ExitStack() as stack:
        progress = stack.enter_context(console.progress())
        task = progress.add_task("galaxies", total=len(catalogue))
        folder = None
        if figures is not None:
            drawn = progress.add_task("pages", total=len(catalogue))
            folder = stack.enter_context(
                PageFolder(figures, *pages, lambda done: progress.update(drawn, completed=done))
            )
        table = engine.infer_table(
            catalogue,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            each=folder.rows(catalogue.id) if folder else None,
            stop=interruption,
            before=before,
            **options,
        )
        interruption.tell()
        stack.close()  # once the pages are drawn
        write_table(table, out, format)
    interrupted = int(is_interrupted(table).sum())
    if folder is not None:
        folder.summarise(len(table) - interrupted)
    if interrupted:
        done = len(table) - interrupted
        raise interruption.report(
            f"{done:,} of {len(table):,} rows are in {out}; {_how_to_go_on(out, format)}."
        )
    failed = sum(math.isnan(median) for median in table["redshift_p50"])
    if failed == len(table):
        raise InputError(f"None of the {failed} rows could be inferred; the flag column says why.")
    if failed:
        console.tell_failure(
            f"{failed} of {len(table)} rows could not be inferred; the column flag says why."
        )


def _read_before(out: Path) -> "Table | None":
    """Return the table of a run that was interrupted; None where there is none yet."""
    from galexplorer.tables import STDOUT, read_raw

    if str(out) == STDOUT:
        raise OptionError("--resume goes on with a file: name one with --out.")
    return read_raw(out).table if out.exists() else None


def _how_to_go_on(out: Path, format: str | None) -> str:
    from galexplorer.tables import STDOUT, check_destination

    if str(out) == STDOUT or check_destination(out, format) == "csv":
        return "a run whose --out is .parquet, .ecsv, .fits or .vot could be gone on with"
    return "the same command with --resume infers the others"


def refuse_beside_catalogue(given: dict[str, Any]) -> None:
    """Refuse options of the command that belong to one galaxy.

    Raises
    ------
    OptionError
        If one was given.
    """
    general = {"catalog", "source", "redshift_range", "draws", "seed", "device", "weights"}
    allowed = general | {"format", "out", "figures", "figure_format", "workers", "resume"}
    for name, value in given.items():
        if name not in allowed and value not in (None, []):
            option = "INPUT" if name == "inputs" else f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{option} cannot be used with --catalog: give it as a column of the table."
            )
