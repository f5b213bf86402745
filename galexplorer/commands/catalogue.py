"""What `galexplorer infer --catalog` does: each row of a table."""

import math
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galexplorer import console
from galexplorer.commands.figures import PageFolder
from galexplorer.commands.interruption import Interruption
from galexplorer.commands.options import check_not_input
from galexplorer.commands.statements import is_given, naming_options, spell
from galexplorer.errors import InputError, OptionError

if TYPE_CHECKING:
    from astropy.table import Table

    from galexplorer.api.result import Result

# Nothing heavy is imported here: --help and a wrong option are answered at once.

LATEX = "latex"
_RESUMABLE = "only a run whose --out is .parquet, .ecsv, .fits or .vot can be resumed"


def infer_catalogue(
    path: Path,
    out: Path | None,
    format: str | None,
    weights: Path | None,
    device: str,
    options: dict[str, Any],
    figures: Path | None,
    pages: tuple[str, int],
    table_options: dict[str, Any],
    resume: bool = False,
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
    table_options : dict
        ``columns``, ``hdu``, ``image`` and ``deredden`` of `galexplorer.catalogue.read_catalogue`.
    resume : bool
        Go on with the table at `out`, if there is one.
    posterior : Path, optional
        Parquet file for the draws of all rows.

    Raises
    ------
    GalexplorerError
        If the table cannot be read or written, an option is wrong, or no row could be inferred.
    InterruptionError
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
    from galexplorer.tables.source import split_hdu
    from galexplorer.tables.writer import STDOUT

    suffixes = {**TABLE_SUFFIXES, ".tex": LATEX}
    if format is not None and format not in suffixes.values():
        raise OptionError(
            "a catalogue is written as a table: --format ecsv, parquet, fits, votable or latex."
        )

    kind = check_destination(out, format, suffixes)
    if resume and kind == LATEX:
        raise OptionError(f"{_RESUMABLE}: LaTeX has no place for how its rows were made.")
    if str(out) == STDOUT and kind in ("fits", "parquet") and sys.stdout.isatty():
        raise OptionError(f"{kind} is a binary format: give --out the name of a file.")
    if posterior is not None:
        check_draws_file(posterior, out, resume)
    with naming_options(table=True):
        catalogue = read_catalogue(str(path), **table_options)
    given = [split_hdu(path)[0], *catalogue.image_paths()]
    if "prior" in options:
        given.append(Path(options["prior"]))
    for place in (out, posterior):
        if place is not None:
            check_not_input(place, given)
    for note in catalogue.notes:
        console.tell(note)
    before = _read_before(out) if resume else None

    from galexplorer.api.engine import load
    from galexplorer.catalogue.joining import row_names
    from galexplorer.export.catalogue_draws import DrawsFile
    from galexplorer.runs.catalogue_resume import is_interrupted

    engine = load(weights, device)
    todo = len(catalogue) if before is None else int(is_interrupted(before).sum())
    with Interruption() as interruption, ExitStack() as stack:
        progress = stack.enter_context(console.progress())
        task = progress.add_task("galaxies", total=todo)
        folder = None
        takers: list[Callable[[int, Result], None]] = []
        if figures is not None:
            drawn = progress.add_task("pages", total=todo)
            folder = PageFolder(
                figures, *pages, lambda done: progress.update(drawn, completed=done), interruption
            )
            stack.enter_context(folder)
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
            stop=interruption,
            before=before,
            **options,
        )
        interruption.tell()
        left = int(is_interrupted(table).sum())
        stack.close()  # once the pages are drawn
        if (left < todo or not left) and kind == LATEX:
            _write_latex(table, out)
        elif left < todo or not left:
            write_table(table, out, format)
    if folder is not None:
        folder.summarise(todo - left)
    if left:
        raise interruption.report(_tell_rows(len(table) - left, len(table), out, kind))
    if before is not None and not todo:
        console.tell(f"{out} is complete: nothing is left to infer.")
    failed = sum(math.isnan(median) for median in table["redshift_p50"])
    if failed == len(table):
        told = f"None of the {failed} rows could be inferred; the flag of the first says"
        told = "The row could not be inferred; its flag says" if failed == 1 else told
        why = str(table["flag"][0]).partition("not_inferred: ")[2].partition(";")[0]
        raise InputError(f"{told}: {why}")
    if failed:
        console.tell_failure(
            f"{failed} of {len(table)} rows could not be inferred; the column flag says why."
        )


def check_draws_file(path: Path, out: Path, resume: bool) -> None:
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
    if resume and path.exists():
        raise OptionError(
            f"{path} holds the draws of the rows that are done: name another file for the others."
        )


def _read_before(out: Path) -> "Table | None":
    """Return the table of a run that was interrupted; None where there is none yet."""
    from galexplorer.tables import STDOUT, read_raw

    if str(out) == STDOUT:
        raise OptionError("--resume goes on with a file: name one with --out.")
    return read_raw(out).table if out.exists() else None


def _write_latex(table: "Table", out: Path) -> None:
    from galexplorer.api.latex_table import latex_of_table
    from galexplorer.export.files import replace_file
    from galexplorer.tables import STDOUT

    if str(out) == STDOUT:
        sys.stdout.buffer.write(latex_of_table(table))
    else:
        replace_file(out, latex_of_table(table))


def _tell_rows(done: int, total: int, out: Path, kind: str) -> str:
    """Say what an interrupted run has left, and how to go on."""
    from galexplorer.tables import STDOUT

    if not done:
        return "no row was done, and nothing is written."
    if str(out) == STDOUT or kind in ("csv", LATEX):
        how = _RESUMABLE
    else:
        how = "the same command with --resume infers the others"
    return f"{done:,} of {total:,} rows are in {out}; {how}."


def refuse_beside_catalogue(given: dict[str, Any]) -> None:
    """Refuse options of the command that belong to one galaxy.

    Raises
    ------
    OptionError
        If one was given.
    """
    general = {"catalog", "source", "redshift_range", "draws", "seed", "device", "weights"}
    general |= {"redshift_prior", "detected"}
    allowed = general | {"format", "out", "figures", "figure_format", "workers", "resume"}
    allowed |= {"columns", "hdu", "image", "deredden", "posterior"}
    for name, value in given.items():
        if name not in allowed and is_given(value):
            column = name in _COLUMNS or name.startswith(("mag_", "err_"))
            what = "give it as a column of the table" if column else "it belongs to one galaxy"
            raise OptionError(f"{spell(name)} cannot be used with --catalog: {what}.")


_COLUMNS = {"ra", "dec", "redshift", "petro_r50", "petro_r90", "pixel_scale"}
