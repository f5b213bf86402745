"""What `galexplorer infer --catalog` does: each row of a table."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galexplorer import console
from galexplorer.commands.figures import PageFolder
from galexplorer.commands.options import check_not_input
from galexplorer.errors import InputError, OptionError

if TYPE_CHECKING:
    from galexplorer.api.result import Result

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
    posterior: Path | None = None,
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
    posterior : Path, optional
        Parquet file for the draws of all rows.

    Raises
    ------
    GalexplorerError
        If the table cannot be read or written, an option is wrong, or no row could be inferred.
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
    if posterior is not None:
        check_draws_file(posterior, out)
    catalogue = read_catalogue(path)
    given = [path, *(Path(image) for image in catalogue.image if image)]
    for place in (out, posterior):
        if place is not None:
            check_not_input(place, given)
    for note in catalogue.notes:
        console.tell(note)

    from galexplorer.api.engine import load
    from galexplorer.catalogue.joining import row_names
    from galexplorer.export.catalogue_draws import DrawsFile

    engine = load(weights, device)
    with ExitStack() as stack:
        progress = stack.enter_context(console.progress())
        task = progress.add_task("galaxies", total=len(catalogue))
        folder = None
        if figures is not None:
            drawn = progress.add_task("pages", total=len(catalogue))
            folder = stack.enter_context(
                PageFolder(figures, *pages, lambda done: progress.update(drawn, completed=done))
            )
        takers: list[Callable[[int, Result], None]] = []
        if folder is not None:
            takers.append(folder.rows(catalogue.id))
        if posterior is not None:
            draws = DrawsFile(posterior, row_names(catalogue), catalogue.ra, catalogue.dec)
            takers.append(stack.enter_context(draws).add)

        def hand_over(row: int, result: "Result") -> None:
            for take in takers:
                take(row, result)

        table = engine.infer_table(
            catalogue,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            each=hand_over if takers else None,
            **options,
        )
    write_table(table, out, format)
    failed = sum(math.isnan(median) for median in table["redshift_p50"])
    if folder is not None:
        folder.summarise(len(table))
    if failed == len(table):
        raise InputError(f"None of the {failed} rows could be inferred; the flag column says why.")
    if failed:
        console.tell_failure(
            f"{failed} of {len(table)} rows could not be inferred; the column flag says why."
        )


def check_draws_file(path: Path, out: Path) -> None:
    """Check where the draws of a catalogue go, before the work is done.

    Raises
    ------
    OptionError
        If it is no place for a Parquet file, or that of the table.
    """
    if path.suffix.lower() not in (".parquet", ".parq"):
        raise OptionError(f"{path} is no Parquet file, as draws are written: end it in .parquet.")
    if not path.parent.is_dir():
        raise OptionError(f"the folder {path.parent} does not exist: create it first.")
    if path.is_dir():
        raise OptionError(f"{path} is a folder: name a file in it.")
    if path.resolve() == out.resolve():
        raise OptionError("--posterior and --out name the same file: give two names.")


def refuse_beside_catalogue(given: dict[str, Any]) -> None:
    """Refuse options of the command that belong to one galaxy.

    Raises
    ------
    OptionError
        If one was given.
    """
    general = {"catalog", "source", "redshift_range", "draws", "seed", "device", "weights"}
    allowed = general | {"format", "out", "figures", "figure_format", "workers", "posterior"}
    for name, value in given.items():
        if name not in allowed and value not in (None, []):
            option = "INPUT" if name == "inputs" else f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{option} cannot be used with --catalog: give it as a column of the table."
            )
