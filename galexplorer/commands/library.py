"""Commands that make the library of real galaxies in which neighbours are looked up."""

from pathlib import Path
from typing import Annotated

import typer

from galexplorer import console
from galexplorer.commands.options import DeviceOption
from galexplorer.errors import OptionError

_SHOWN = 10
"""How many unusable rows of a table are listed."""


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    library = typer.Typer(help="The library of real galaxies: latents and values, no pixels.")

    @library.callback()
    def _group() -> None:
        """Keep `build` a name of its own though it is alone."""

    library.command("build")(build)
    app.add_typer(library, name="library")


def build(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DIR...",
            help="Sets of real labelled images written by the dataset commands.",
        ),
    ] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(
            help="Table of galaxies (CSV, ECSV, Parquet, FITS, VOTable) with columns image, ra, "
            "dec, and pixel_scale, r and the targets' names where known."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights whose library is replaced.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Source of the published values, shown in the app.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    device: DeviceOption = "auto",
) -> None:
    """Encode real galaxies, fit their map, and save both with the weights."""
    if not folders and catalog is None:
        raise OptionError("nothing to build from: give folders of labelled images, or --catalog.")

    from rich.progress import TaskID

    from galexplorer.inference import library
    from galexplorer.inference.engine import Engine
    from galexplorer.inference.neighbours import SOURCE
    from galexplorer.model.weights import DEFAULT_FOLDER, load

    folder = DEFAULT_FOLDER if weights is None else weights
    engine = Engine(load(folder, device))
    with console.progress() as bar:
        tasks: dict[str, TaskID] = {}

        def progress(words: str, done: int, total: int) -> None:
            task = tasks[words] if words in tasks else bar.add_task(words, total=total)
            tasks[words] = task
            bar.update(task, completed=done, total=total)

        parts = []
        if folders:
            from galexplorer.training.library import read_sets

            parts.append(read_sets(folders))
        problems: tuple[str, ...] = ()
        if catalog is not None:
            entries, problems = library.read_table(catalog, progress)
            parts.append(entries)
        arrays = library.build_library(engine, library.join(parts), seed, progress)
    told = library.write(folder, arrays, source or SOURCE)
    for problem in problems[:_SHOWN]:
        console.tell_failure(problem)
    if len(problems) > _SHOWN:
        console.tell_failure(f"and {len(problems) - _SHOWN} more rows.")
    print(
        f"{told['galaxies']:,} galaxies, {told['with_published_values']:,} of them with published "
        f"values; trustworthiness of the map {told['map']['trustworthiness']:.3f}."
    )
