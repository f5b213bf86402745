"""What became of each galaxy of a set that is being built, safe against an end at any moment.

SQLite commits a galaxy whole or not at all. Its row waits in the journal until every galaxy of
its shard was tried; then the shard is written, and only after that the row leaves the journal.
Interrupted between the two, the next run writes the same shard again.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors.numpy import load, load_file, save

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.errors import DataError

SHARD_SIZE = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS galaxy (
    number INTEGER PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'stored', 'failed')),
    reason TEXT,
    row BLOB
)
"""


class Journal:
    """The journal of one folder; close it after use (`with`).

    Parameters
    ----------
    folder : Path
    catalogue : dict of str to ndarray
        Everything about the n galaxies but their images, and ``objid``, in the order of the set.
    shard_size : int

    Raises
    ------
    DataError
        If another process is at work in the folder, or the journal is damaged.
    """

    def __init__(self, folder: Path, catalogue: Arrays, shard_size: int = SHARD_SIZE) -> None:
        self.folder = folder
        self.shard_size = shard_size
        self.catalogue = catalogue
        self.size = len(catalogue["split"])
        self._base = sqlite3.connect(folder / "journal.sqlite", timeout=0.5)
        try:
            self._base.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(_SCHEMA)
            self._base.execute("BEGIN EXCLUSIVE")  # taken now, and kept by the locking mode
            self._base.commit()
        except sqlite3.OperationalError as error:
            self._base.close()
            raise DataError(
                f"Another build is running in {folder} ({error}): wait, or name another folder."
            ) from error
        except sqlite3.DatabaseError as error:
            self._base.close()
            raise DataError(f"The journal in {folder} is damaged: build in another folder.") from (
                error
            )

        self._forget_lost()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self._base.close()

    def pending(self) -> np.ndarray:
        """Return the numbers of the galaxies that are still to be had, failed ones among them."""
        had = self._base.execute("SELECT number FROM galaxy WHERE state != 'failed'")
        return np.setdiff1d(np.arange(self.size), [number for (number,) in had])

    def add(self, number: int, image: Arrays) -> None:
        """Note what the image of a galaxy gave: arrays of one row."""
        self._write(number, "waiting", None, save(image))

    def fail(self, number: int, reason: str) -> None:
        """Record why a galaxy could not be retrieved."""
        self._write(number, "failed", reason, None)

    def failures(self) -> list[tuple[int, str]]:
        """Return number and reason of each galaxy that failed when it was last tried."""
        return list(
            self._base.execute(
                "SELECT number, reason FROM galaxy WHERE state = 'failed' ORDER BY number"
            )
        )

    def store(self, shards: Iterable[int] | None = None) -> None:
        """Write waiting rows to their shards.

        Parameters
        ----------
        shards : iterable of int, optional
            Only these; by default all that have waiting rows.
        """
        if shards is None:
            found = self._base.execute(
                "SELECT DISTINCT number / ? FROM galaxy WHERE state = 'waiting'", (self.shard_size,)
            )
            shards = [shard for (shard,) in found.fetchall()]
        for shard in shards:
            self._store(shard)

    def _store(self, shard: int) -> None:
        span = self._span(shard)
        found = self._base.execute(
            "SELECT number, row FROM galaxy WHERE state = 'waiting' AND number >= ? AND number < ?",
            span,
        )
        images = {number: load(row) for number, row in found}
        if not images:
            return
        path = shard_path(self.folder, shard)
        if path.exists():  # written before: galaxies that failed then are joined now
            before = load_file(str(path))
            objids = self.catalogue["objid"][slice(*span)].tolist()
            places = dict(zip(objids, range(*span), strict=True))
            for k, objid in enumerate(before["objid"].tolist()):
                images.setdefault(places[objid], {n: before[n][k : k + 1] for n in IMAGE_ARRAYS})
        numbers = sorted(images)
        arrays = shards.select(self.catalogue, np.array(numbers))
        arrays |= shards.concatenate(images[number] for number in numbers)
        shards.write_shard(path, arrays)
        with self._base:
            self._base.execute(
                "UPDATE galaxy SET state = 'stored', row = NULL "
                "WHERE state = 'waiting' AND number >= ? AND number < ?",
                span,
            )

    def _span(self, shard: int) -> tuple[int, int]:
        return shard * self.shard_size, min((shard + 1) * self.shard_size, self.size)

    def _forget_lost(self) -> None:
        """Count what was stored in a shard that is no longer there as still to be had."""
        found = self._base.execute(
            "SELECT number / ?, COUNT(*) FROM galaxy WHERE state = 'stored' GROUP BY 1",
            (self.shard_size,),
        )
        for shard, stored in found.fetchall():
            if shards.length_of(shard_path(self.folder, shard)) < stored:
                with self._base:
                    self._base.execute(
                        "DELETE FROM galaxy WHERE state = 'stored' AND number >= ? AND number < ?",
                        self._span(shard),
                    )

    def _write(self, number: int, state: str, reason: str | None, row: bytes | None) -> None:
        with self._base:
            self._base.execute(
                "INSERT OR REPLACE INTO galaxy VALUES (?, ?, ?, ?)", (number, state, reason, row)
            )


IMAGE_ARRAYS = (
    "grid",
    "has_image",
    "pixel_scale",
    "origin",
    "measured_mag",
    "measured_err",
    "measured_petro",
)
"""Arrays of a row that come from its image; all others come from the catalogue."""


def shard_path(folder: Path, shard: int) -> Path:
    """Return where a shard lies."""
    return folder / f"shard-{shard:05d}.safetensors"
