"""Commands that ask the services of the sky, and that look after what they answered."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galexplorer import console
from galexplorer.errors import FetchError, GalexplorerError, OptionError, TargetError

if TYPE_CHECKING:
    from galexplorer.records.observation import Observation
    from galexplorer.records.photometry import Photometry

# Nothing heavy is imported here: --help and a wrong option are answered at once.

Source = Literal["auto", "frames", "legacy", "hips"]
SourceOption = Annotated[
    Source,
    typer.Option(help="Where to take a target's pixels; auto tries one after the other."),
]

_FILE_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(fetch)
    cache = typer.Typer(help="What the services answered, kept on disk.")
    cache.command("list")(list_cache)
    cache.command("clear")(clear_cache)
    app.add_typer(cache, name="cache")


def fetch(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="A name, a position or an SDSS objID; quote what holds spaces.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; made if it is not there.")],
    source: SourceOption = "auto",
) -> None:
    """Get galaxies from SDSS: a FITS cube in g, r, i for each, that `infer` reads."""
    if out.exists() and not out.is_dir():
        raise OptionError(f"{out} is a file: name a folder.")

    from galexplorer.sky.cube import write_fetched
    from galexplorer.sky.fetch import fetch_target
    from galexplorer.sky.parse import parse_target

    if len(targets) == 1:
        parse_target(targets[0])
    failed = 0
    written: set[str] = set()
    for target in targets:
        try:
            fetched = fetch_target(target, console.tell, source=source)
        except GalexplorerError as error:
            if len(targets) == 1:
                raise
            failed += 1
            console.tell_failure(f"{target}: {error}")
            continue
        path = out / f"{_name_file(target, written)}.fits"
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_fetched(fetched, path)
        except OSError as error:
            raise OptionError(f"{path} cannot be written: {error.strerror or error}.") from error
        for note in fetched.notes:
            console.tell(note)
        print(path)
    if failed:
        raise FetchError(f"{failed} of {len(targets)} targets failed, for the reasons above.")


def read_target(inputs: Sequence[str]) -> str | None:
    """Tell a galaxy to fetch from files to read.

    Parameters
    ----------
    inputs : sequence of str
        As typed; what is no file is one target, whose words the shell may have split.

    Returns
    -------
    str or None
        None where the inputs are files, or look like paths of files, or are nothing.
    """
    paths = [Path(text) for text in inputs]
    try:
        if not inputs or any(path.exists() for path in paths):
            return None
    except (OSError, ValueError):  # too long for a path, or with a null byte in it
        return " ".join(inputs)
    meant = any(_FILE_SUFFIX.search(t) or (_has_folder(t) and not _is_position(t)) for t in inputs)
    return None if meant else " ".join(inputs)


def observe_target(target: str, source: Source, photometry: "Photometry") -> "Observation":
    """Fetch a galaxy and observe it, with each step told on stderr.

    Parameters
    ----------
    target : str
    source : {"auto", "frames", "legacy", "hips"}
    photometry : Photometry
        Replaces SDSS's unless its kind is "none".

    Returns
    -------
    Observation
    """
    from galexplorer.sky.fetch import fetch_target

    fetched = fetch_target(target, console.tell, source=source)

    from galexplorer.inference.observe import observe_fetched

    return observe_fetched(fetched, photometry if photometry.kind != "none" else None)


def list_cache() -> None:
    """List what is kept: size, date, question."""
    from galexplorer.sky.cache import Cache, default_folder

    folder = default_folder()
    entries = Cache(folder).entries()
    for entry in entries:
        saved = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.saved))
        label = entry.label if len(entry.label) <= 80 else f"{entry.label[:77]}..."
        print(f"{entry.size_bytes / 1e6:9.3f} MB  {saved}  {label}")
    total = sum(entry.size_bytes for entry in entries) / 1e6
    print(f"{total:9.3f} MB in {len(entries)} answers in {folder}")


def clear_cache() -> None:
    """Remove all that is kept."""
    from galexplorer.sky.cache import Cache, default_folder

    removed = Cache(default_folder()).clear()
    print(f"{removed} answers removed.")


def _has_folder(text: str) -> bool:
    return os.sep in text or "/" in text or "\\" in text


def _is_position(text: str) -> bool:
    """Tell whether a text with a slash is a position, as in 162.184/26.054."""
    from galexplorer.sky.parse import parse_target

    try:
        return parse_target(text).kind != "name"
    except TargetError:
        return False


def _name_file(target: str, taken: set[str]) -> str:
    """Return a file name out of a target, another one for each."""
    stem = re.sub(r"[^A-Za-z0-9.+-]+", "_", target.replace("\u2212", "-")).strip("_.-") or "target"
    stem = stem[:80]
    name, number = stem, 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.lower())
    return name
