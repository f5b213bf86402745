"""Answers kept on disk: only those that were checked, found again only if whole."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from galexplorer.errors import FetchError

log = logging.getLogger(__name__)

MAX_BYTES = 2_000_000_000
_MAGIC = b"galexplorer cache 1\n"
_SUFFIX = ".answer"
_STALE_S = 3600.0


def default_folder() -> Path:
    """Return the folder of the cache: ``GALEXPLORER_CACHE``, or the platform's place for one."""
    if given := os.environ.get("GALEXPLORER_CACHE"):
        return Path(given).expanduser()
    return platformdirs.user_cache_path("galexplorer", appauthor=False)


@dataclass(frozen=True)
class Entry:
    """One kept answer.

    Attributes
    ----------
    label : str
        What was asked.
    size_bytes : int
    saved : float
        When, seconds since 1970.
    """

    label: str
    size_bytes: int
    saved: float


class Cache:
    """A folder of answers, each a file with its own checksum.

    A file is written beside its place and moved there, so a reader never meets half of one;
    one whose checksum fails is removed and counts as missing. When the folder outgrows its
    bound, the answers that were used least recently go first.

    Parameters
    ----------
    folder : Path
    max_bytes : int
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def get(self, label: str) -> bytes | None:
        """Return what was kept under `label`, or None.

        Parameters
        ----------
        label : str

        Returns
        -------
        bytes or None
        """
        path = self._path(label)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        payload = _unwrap(content, label)
        with contextlib.suppress(OSError):  # a race with another process is no harm
            if payload is None:
                path.unlink()
            else:
                os.utime(path)
                log.info("kept from before: %s", label)
        return payload

    def put(self, label: str, payload: bytes) -> None:
        """Keep an answer that was checked. A full or read-only disk is no error.

        Parameters
        ----------
        label : str
            What was asked; the same question finds it again.
        payload : bytes
        """
        if len(payload) > self.max_bytes:
            return
        head = {"label": label, "sha256": _sha256(payload), "saved": time.time()}
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_MAGIC + json.dumps(head).encode() + b"\n" + payload)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._path(label))
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
            self._trim()

    def entries(self) -> list[Entry]:
        """Return what is kept, the oldest first."""
        found = []
        for path in self._files():
            with (
                contextlib.suppress(OSError, ValueError, KeyError, TypeError),
                path.open("rb") as file,
            ):
                if file.readline() == _MAGIC:
                    head = json.loads(file.readline(10_000))
                    size = path.stat().st_size
                    found.append(Entry(str(head["label"]), size, float(head["saved"])))
        return sorted(found, key=lambda entry: entry.saved)

    def clear(self) -> int:
        """Remove every answer, and what an interrupted writer left; return how many answers.

        Raises
        ------
        FetchError
            If a file cannot be removed.
        """
        removed = 0
        try:
            for path in self._files():
                path.unlink(missing_ok=True)
                removed += 1
            for path in self.folder.glob("*.part"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise FetchError(
                f"The cache in {self.folder} cannot be cleared ({error.strerror}): check its "
                "permissions."
            ) from error
        return removed

    def _files(self) -> list[Path]:
        return list(self.folder.glob(f"*{_SUFFIX}"))

    def _path(self, label: str) -> Path:
        return self.folder / (_sha256(label.encode())[:40] + _SUFFIX)

    def _trim(self) -> None:
        for path in self.folder.glob("*.part"):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink(missing_ok=True)
        sizes = sorted((s.st_mtime, s.st_size, p) for p in self._files() if (s := p.stat()))
        total = sum(size for _, size, _ in sizes)
        for _, size, path in sizes:
            if total <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _unwrap(content: bytes, label: str) -> bytes | None:
    """Return the payload if the file is whole and answers this question."""
    if not content.startswith(_MAGIC):
        return None
    line, _, payload = content[len(_MAGIC) :].partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(head, dict) and head.get("label") == label
    return payload if whole and head.get("sha256") == _sha256(payload) else None
