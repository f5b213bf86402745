"""Figures and pages of galaxies, as the commands that infer write them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import typer

from galexplorer import console
from galexplorer.commands.sky import name_file
from galexplorer.errors import OptionError
from galexplorer.resources import count_cores

if TYPE_CHECKING:
    import numpy as np

    from galexplorer.api import result as api
    from galexplorer.records.result import Result

# Nothing heavy is imported here: --help and a wrong option are answered at once.

FigureFormat = Literal["pdf", "png", "svg"]
FiguresOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder for a page of each galaxy: image, values, corner plot, BPT diagram, lines.",
    ),
]
FigureFormatOption = Annotated[
    FigureFormat | None, typer.Option(help="Of the pages in --figures [pdf].")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Processes that draw pages [as many as there are cores]."),
]
InferringWorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        help="Threads that infer the rows of --catalog, and processes that draw pages [as many as "
        "there are cores].",
    ),
]

_SUFFIXES = {".png": "png", ".pdf": "pdf", ".svg": "svg"}
_AHEAD = 4
"""Pages that wait for each worker at most; memory does not grow with the number of galaxies."""


class PageFolder:
    """A folder that gets a page for each galaxy.

    Matplotlib is not safe in threads, so pages are drawn in processes. They know neither torch
    nor the weights: each is handed results.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    format : {"pdf", "png", "svg"}
    workers : int
        Processes.
    progress : callable, optional
        Called with the number of pages that are written.
    stop : callable, optional
        Tells whether the run is being stopped: if so, workers that the system ends are no error.

    Raises
    ------
    OptionError
        If the folder or a page cannot be written, or the system ends a worker.
    """

    def __init__(
        self,
        folder: Path,
        format: str,
        workers: int,
        progress: Callable[[int], object] = lambda written: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.folder = folder
        self.written = 0
        self._format = format
        self._workers = workers
        self._progress = progress
        self._stop = stop
        self._taken: dict[str, int] = {}
        self._waiting: set[Future[None]] = set()

    def __enter__(self) -> Self:
        """Make the folder; workers start with the first pages."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(
                f"the folder {self.folder} cannot be made: {error.strerror or error}."
            ) from error
        self._pool = ProcessPoolExecutor(
            self._workers, mp_context=get_context("spawn"), initializer=_follow_parent
        )
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """Wait for all pages; after an error or an interruption for those at work alone."""
        try:
            while self._waiting and kind is None:
                self._collect()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def add(self, result: "Result", name: str = "", stem: str = "") -> None:
        """Have a page drawn; waits while many others are waiting.

        Parameters
        ----------
        result : Result
        name : str
            Of the galaxy, for the title.
        stem : str
            Of the file; made of the name by default, another one for each page.
        """
        while len(self._waiting) >= _AHEAD * self._workers:
            self._collect()
        stem = stem or name_file(name or "galaxy", self._taken)
        path = self.folder / f"{stem}.{self._format}"
        try:
            with _uninterrupted():
                self._waiting.add(self._pool.submit(_draw, result, path, name))
        except BrokenProcessPool:
            self._blame_system()

    def rows(self, names: "Sequence[str] | np.ndarray") -> Callable[[int, "Result"], None]:
        """Return what has the page of a row drawn.

        A row's file is named by its place among all rows, whichever of them fail.
        """
        stems = [name_file(str(name), self._taken) for name in names]

        def draw(row: int, result: "Result") -> None:
            self.add(result, str(names[row]), stems[row])

        return draw

    def _collect(self) -> None:
        done, self._waiting = wait(self._waiting, return_when=FIRST_COMPLETED)
        for page in done:
            try:
                page.result()
            except BrokenProcessPool:
                self._blame_system()
            else:
                self.written += 1
        self._progress(self.written)

    def _blame_system(self) -> None:
        """Refuse to go on without workers, unless whoever stops the run ended them too."""
        if not self._stop():
            raise OptionError(
                "a process that draws pages was ended by the system, perhaps for want of memory: "
                "try fewer --workers."
            )

    def summarise(self, galaxies: int) -> None:
        """Say how many pages there are, and for how many galaxies there is none."""
        missing = galaxies - self.written
        words = f"{self.written:,} page{'' if self.written == 1 else 's'} in {self.folder}"
        failed = f"; {missing:,} of {galaxies:,} galaxies failed and have none" if missing else ""
        console.tell(f"{words}{failed}.")


def check_pages(
    folder: Path | None,
    format: str | None,
    workers: int | None,
    out: Path | None = None,
    infers: bool = False,
) -> tuple[str, int]:
    """Check the options of pages, and return format and number of workers.

    Parameters
    ----------
    folder : Path or None
    format : str or None
    workers : int or None
    out : Path, optional
        A folder of other files of this format, which must not be the same.
    infers : bool
        Whether workers have galaxies to infer too.

    Raises
    ------
    OptionError
        If an option makes no sense.
    """
    if folder is None:
        for option, value in (("--figure-format", format), ("--workers", workers)):
            if value is not None and not (infers and option == "--workers"):
                raise OptionError(f"{option} belongs to --figures: name a folder for the pages.")
    elif folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: name a folder for the pages.")
    elif out is not None and out.resolve() == folder.resolve():
        raise OptionError("--out and --figures name one folder: give two.")
    return format or "pdf", workers or count_cores()


def check_figures(paths: Mapping[str, Path], several: bool) -> None:
    """Check where figures of one galaxy go.

    Parameters
    ----------
    paths : mapping of str to Path
        By what they show.
    several : bool
        Whether there are several galaxies.

    Raises
    ------
    OptionError
        If there are, or a path is none of a figure.
    """
    for what, path in paths.items():
        if several:
            raise OptionError(
                f"--{what} is a figure of one galaxy, and several were given: take --figures."
            )
        if path.suffix.lower() not in _SUFFIXES:
            raise OptionError(f"{path} is no figure: end it in {', '.join(_SUFFIXES)}.")
        if not path.parent.is_dir():
            raise OptionError(f"the folder {path.parent} does not exist: create it first.")


def write_figure(result: "api.Result", what: str, path: Path) -> None:
    """Write one figure of a galaxy, in the format that the path tells.

    Raises
    ------
    OptionError
        If it cannot be drawn or written.
    """
    from galexplorer.export.files import replace_file
    from galexplorer.export.publication import publication_bytes

    format = _SUFFIXES[path.suffix.lower()]
    content = publication_bytes(result, what, format, known=result.known, name=result.name)
    replace_file(path, content)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Have processes that start meanwhile not know Ctrl-C: they finish the page they are at."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # they inherit what is blocked; here it arrives afterwards and is not lost
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_parent() -> None:
    """End a worker with the process that it works for, whatever ends that."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _draw(result: "Result", path: Path, name: str) -> None:
    from galexplorer.export.page import write_page

    write_page(result, path, name=name)
