"""Commands that query the sky services and manage their cached responses."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from galexplorer import console
from galexplorer.commands.options import STDIN
from galexplorer.errors import FetchError, GalexplorerError, OptionError
from galexplorer.query.parse import names_galaxy

# Nothing heavy is imported here: --help and a wrong option are answered at once.

Source = Literal["auto", "frames", "legacy", "hips"]
SourceOption = Annotated[
    Source,
    typer.Option(help="Source of the pixels; auto tries each in turn."),
]

_WHOLE = re.compile(r"[A-Za-z]+\d[\w.+-]*|\d{18,19}")
"""A name such as M101, or an objID: no part of a longer one."""


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(fetch)
    cache = typer.Typer(help="Cached responses of the network services.")
    cache.command("list")(list_cache)
    cache.command("clear")(clear_cache)
    app.add_typer(cache, name="cache")


def fetch(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="A name, a position or an SDSS objID; quote it if it has spaces.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Output folder; created if missing.")],
    source: SourceOption = "auto",
) -> None:
    """Fetch galaxies from SDSS as gri FITS cubes that `infer` reads."""
    if out.exists() and not out.is_dir():
        raise OptionError(f"{out} is a file: name a folder.")

    from galexplorer.api.services import fetch as fetch_target
    from galexplorer.query.parse import parse_target
    from galexplorer.sky.cube import write_fetched

    if len(targets) == 1:
        parse_target(targets[0])
    failed = 0
    written: dict[str, int] = {}
    for target in targets:
        try:
            fetched = fetch_target(target, source, console.tell)
        except GalexplorerError as error:
            if len(targets) == 1:
                raise
            failed += 1
            console.tell_failure(f"{target}: {error}")
            continue
        path = out / f"{name_file(target, written)}.fits"
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


def read_targets(inputs: Sequence[str]) -> list[str]:
    """Tell galaxies to look up from files to read.

    Parameters
    ----------
    inputs : sequence of str
        As typed. One target may have been split into its words; several are told apart by the
        spaces that their quotes kept, or by each being a whole name or objID.

    Returns
    -------
    list of str
        Empty where the inputs are files, look like paths of files, or are nothing.
    """
    if STDIN in inputs or not names_galaxy(inputs):
        return []
    if len(inputs) > 1 and (
        any(" " in text.strip() for text in inputs) or all(map(_WHOLE.fullmatch, inputs))
    ):
        return [text.strip() for text in inputs]
    return [" ".join(inputs)]


def list_cache() -> None:
    """List the cached responses: size, date, query."""
    from galexplorer.sky.cache import Cache, default_folder

    folder = default_folder()
    entries = Cache(folder).entries()
    for entry in entries:
        saved = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.saved))
        label = entry.label if len(entry.label) <= 80 else f"{entry.label[:77]}..."
        print(f"{entry.size_bytes / 1e6:9.3f} MB  {saved}  {label}")
    total = sum(entry.size_bytes for entry in entries) / 1e6
    print(f"{total:9.3f} MB in {len(entries)} responses in {folder}")


def clear_cache() -> None:
    """Remove all cached responses."""
    from galexplorer.sky.cache import Cache, default_folder

    removed = Cache(default_folder()).clear()
    print(f"{removed} responses removed.")


def name_file(target: str, taken: dict[str, int]) -> str:
    """Return a file name out of a target, another one for each.

    Parameters
    ----------
    target : str
    taken : dict of str to int
        Names that are given away, with the number that was last tried behind each; one more after
        the call.
    """
    stem = re.sub(r"[^A-Za-z0-9.+-]+", "_", target.replace("\u2212", "-")).strip("_.-") or "target"
    stem = stem[:80]
    name, number = stem, taken.get(stem.lower(), 1)
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken[stem.lower()] = number
    taken.setdefault(name.lower(), 1)
    return name
