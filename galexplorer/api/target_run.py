"""One run of a list of targets, kept on disk: it can be stopped, gone on with, deleted."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from astropy.table import Table
from filelock import FileLock, Timeout

from galexplorer.api import run_folder
from galexplorer.api.run_folder import MAX_TITLE, tidy_title
from galexplorer.errors import InputError, OptionError
from galexplorer.export.files import replace_file
from galexplorer.export.target_tables import draws_bytes, summary_bytes
from galexplorer.inference.engine import Engine
from galexplorer.query.target_list import Target
from galexplorer.runs.made_with import differ_from
from galexplorer.runs.options import Options
from galexplorer.runs.target_run import Outcome, infer_target
from galexplorer.tables import read_raw

if TYPE_CHECKING:
    import galexplorer.sky.http

PART = 10
"""Targets that are written at a time: what a sudden end of the program costs."""

Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class TargetRun:
    """A run of a list of targets, as it lies on disk.

    Attributes
    ----------
    folder : Path
        Where it lies.
    title : str
        What the user calls the list.
    created : str
        ISO 8601, UTC.
    number : int
        Of the targets.
    images : bool
        Whether the image of a target that has magnitudes of its own is fetched too.
    draws, seed : int
        As of `galexplorer.Engine.infer`, and so are the following.
    redshift_range : tuple of float or None
    redshift_prior : str or None
        Hash of the density, which lies in the folder.
    detected : tuple of str
    """

    folder: Path
    title: str
    created: str
    number: int
    images: bool
    draws: int
    seed: int
    redshift_range: tuple[float, float] | None = None
    redshift_prior: str | None = None
    detected: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """Return how many targets were tried."""
        parts = run_folder.list_parts(self.folder)
        return run_folder.end_of(parts[-1]) if parts else 0

    @property
    def complete(self) -> bool:
        """Return whether all were."""
        return self.done == self.number

    def about(self) -> dict:
        """Return what the run is, as its folder keeps it."""
        return {key: value for key, value in asdict(self).items() if key != "folder"}

    def rename(self, title: str) -> "TargetRun":
        """Give the run another title, and return it so.

        Parameters
        ----------
        title : str
            On one line, up to `MAX_TITLE` characters.

        Raises
        ------
        OptionError
            If the title is empty or too long.
        InputError
            If the run was deleted, or the system refuses to write.
        """
        tidy = tidy_title(title)
        if not tidy:
            raise OptionError("The list needs a name: write one.")
        if len(tidy) > MAX_TITLE:
            raise OptionError(f"The name is longer than {MAX_TITLE} characters: shorten it.")
        renamed = replace(self, title=tidy)
        run_folder.write_about(self.folder, renamed.about())
        return renamed

    def targets(self) -> tuple[Target, ...]:
        """Return the list.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        return run_folder.read_targets(self.folder, self.title)

    @cached_property
    def options(self) -> Options:
        """Return how every target is inferred.

        Raises
        ------
        InputError
            If the file of the redshift prior is damaged.
        """
        digest = self.redshift_prior
        prior = None if digest is None else run_folder.read_prior(self.folder, self.title, digest)
        return Options(self.redshift_range, self.draws, self.seed, prior, self.detected)

    @cached_property
    def request(self) -> dict:
        """Return what decides its rows, as `galexplorer.api.run_folder.describe_request` does.

        Raises
        ------
        InputError
            If the list or the redshift prior is damaged.
        """
        return run_folder.describe_request(self.targets(), self.images, self.options)

    def infer(
        self,
        load_engine: Callable[[], Engine],
        *,
        progress: Progress = lambda done, number, words: None,
        stop: Stop = lambda: False,
        settings: "galexplorer.sky.http.Settings | None" = None,
    ) -> None:
        """Try the targets that are left, one after the other, which is polite to the services.

        Parameters
        ----------
        load_engine : callable
            Returns the engine; called for each target.
        progress : callable
            Called with the number of targets that are done, that of all, and what happens.
        stop : callable
            Asked before each target; those that were tried by then are kept.
        settings : Settings, optional
            Limits of the network, and where the cache is.

        Raises
        ------
        OptionError
            If the run is at work elsewhere, or was begun with other weights or versions.
        InputError
            If the system refuses to write.
        """
        with self.claimed():
            outcomes: list[Outcome] = []
            begin = self.done
            if begin:
                made = self.table().meta["provenance"]
                if differ := differ_from(made, load_engine().weights.manifest):
                    raise OptionError(
                        f"The run {self.title} was begun with other {' and '.join(differ)}: begin "
                        "anew."
                    )
            try:
                for place, target in enumerate(self.targets()[begin:], begin):
                    if stop():
                        return

                    def tell(words: str, done: int = place, label: str = target.label) -> None:
                        progress(done, self.number, f"{label}: {words}")

                    outcome = self.infer_one(target, load_engine, tell, settings)
                    outcomes.append(outcome)
                    if len(outcomes) == PART:
                        self.keep(outcomes)
                        outcomes = []
                    tell(outcome.problem or "done", place + 1)
            finally:
                self.keep(outcomes)

    def infer_one(
        self,
        target: Target,
        load_engine: Callable[[], Engine],
        tell: Callable[[str], None] = lambda words: None,
        settings: "galexplorer.sky.http.Settings | None" = None,
    ) -> Outcome:
        """Try one target with the run's options, and keep nothing.

        Parameters
        ----------
        target : Target
            One of `targets`.
        load_engine : callable
        tell : callable
            Is told what happens next, a few words each time.
        settings : Settings, optional

        Returns
        -------
        Outcome
            Without image and neighbours.
        """
        return infer_target(
            target,
            load_engine,
            images=self.images,
            options=self.options,
            progress=tell,
            settings=settings,
        ).slim()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep others from working on the run, or deleting it, as long as the block lasts.

        Raises
        ------
        OptionError
            If it is at work elsewhere.
        """
        lock = self.claim()
        try:
            yield
        finally:
            lock.release()

    def claim(self) -> FileLock:
        """Return the lock of the run, which is held; whoever works on it does so until released.

        Raises
        ------
        OptionError
            If it is at work elsewhere.
        """
        # any thread may release it: the targets of a list can be tried by several
        lock = FileLock(self.folder / "lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OptionError(f"The run {self.title} is at work already: wait for it.") from error
        return lock

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Write what became of the next targets; only who claimed the run may.

        Parameters
        ----------
        outcomes : sequence of Outcome
            Of the targets after those that are done, in the order of the list.

        Raises
        ------
        OptionError
            If the system refuses to write.
        """
        if not outcomes:
            return
        begin = self.done
        name = f"{begin:06d}-{begin + len(outcomes):06d}.parquet"
        # the draws first: a part counts once its summary is there
        replace_file(self.folder / "draws" / name, draws_bytes(outcomes))
        replace_file(self.folder / "parts" / name, summary_bytes(outcomes, "parquet"))

    def table(self) -> Table:
        """Return a row for each target that was tried, in the order of the list.

        Returns
        -------
        astropy.table.Table

        Raises
        ------
        InputError
            If none was.
        """
        return self._join(run_folder.list_parts(self.folder))

    def draws_table(self) -> Table:
        """Return the draws of all targets that have a result, as `draws_bytes` has them.

        Returns
        -------
        astropy.table.Table

        Raises
        ------
        InputError
            If no target was tried.
        """
        return self._join(self.draws_files())

    def draws_files(self) -> list[Path]:
        """Return the Parquet files of the draws, as `draws_bytes` writes them, in order."""
        return [self.folder / "draws" / path.name for path in run_folder.list_parts(self.folder)]

    def delete(self) -> None:
        """Remove the run and all that it holds, if nobody has done so already.

        Raises
        ------
        OptionError
            If it is at work.
        InputError
            If the system refuses to delete it.
        """
        if not self.folder.is_dir():
            return  # somebody else was quicker
        try:
            with FileLock(self.folder / "lock", timeout=0):
                shutil.rmtree(self.folder / "parts", ignore_errors=True)
                (self.folder / run_folder.ABOUT).unlink(missing_ok=True)
        except Timeout as error:
            raise OptionError(f"The run {self.title} is at work: stop it first.") from error
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"The run {self.title} cannot be deleted: {why}.") from error
        shutil.rmtree(self.folder, ignore_errors=True)

    def _join(self, files: Sequence[Path]) -> Table:
        if not files:
            raise InputError(f"No target of {self.title} is done yet.")
        whole = run_folder.join_parts([read_raw(path).table for path in files])
        whole.meta["provenance"] |= self.request
        return whole
