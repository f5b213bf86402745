"""The tables of a survey: which there are, here or where fsspec finds them, and piece by piece."""

import glob
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import fsspec
import numpy as np
import pyarrow.parquet as pq
from fsspec.callbacks import Callback

from galexplorer.catalogue import Catalogue, read_catalogue
from galexplorer.catalogue.column_lookup import Names
from galexplorer.catalogue.columns import Reddening, judge_catalogue
from galexplorer.console import Pace
from galexplorer.errors import InputError
from galexplorer.tables import bounds
from galexplorer.tables.arrow import is_hats, list_partitions, read_pieces
from galexplorer.tables.formats import RawTable, explain_errors
from galexplorer.tables.source import split_hdu

PIECE_ROWS = 500_000
"""Parquet of more rows, HATS included, is read and judged in pieces of so many."""

MOST_REMOTE_BYTES = 100_000_000_000
"""Of a Parquet file that lies elsewhere, and is copied here while it is read."""

_PARQUET = {".parquet", ".parq", ".pq"}
_SUFFIXES = {".csv", ".ecsv", ".tsv", ".txt", ".dat", ".parquet", ".parq", ".pq", ".fits", ".fit"}
_SUFFIXES |= {".vot", ".xml", ".votable", ".feather", ".arrow", ".gz", ".bz2", ".xz"}
_HATS = ("hats.properties", "properties")


Tell = Callable[[str], None]


@dataclass(frozen=True)
class Listed:
    """A table that an input names.

    Attributes
    ----------
    name : str
        A path, perhaps with an HDU; or a URL.
    size : int
        Bytes.
    stamp : str
        Another one where the file has changed.
    hats : bool
        Whether it is, or belongs to, a HATS catalogue.
    """

    name: str
    size: int
    stamp: str
    hats: bool = False


def list_files(source: str) -> list[Listed]:
    """Return the tables that an input names, in the order of their names.

    Parameters
    ----------
    source : str
        A file, perhaps with an HDU, as in ``file.fits[2]``; a folder of tables; a HATS catalogue;
        or a pattern, such as ``night*/cat.parquet``. A URL that fsspec knows names the same.

    Raises
    ------
    InputError
        If there is none, fsspec cannot reach it, or one that lies elsewhere is too large to be
        copied.
    """
    if "://" in source:
        found = _list_remote(source)
    else:
        path, _ = split_hdu(source)
        if is_hats(path):
            partitions = list_partitions(path, source)
            found = [_local(str(own), True) for own in partitions]
            if _rows(partitions) <= PIECE_ROWS:
                found = [_joined(source, found)]
        elif path.is_file():
            found = [_local(source)]
        elif path.is_dir():
            files = (own for own in sorted(path.rglob("*")) if own.is_file() and _is_table(own))
            found = [_local(str(own)) for own in files]
        else:
            names = sorted(glob.glob(source, recursive=True))
            found = [_local(name) for name in names if Path(name).is_file()]
    if not found:
        raise InputError(f"{source} names no table: give a file, a folder of tables or a pattern.")
    return found


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.name[0] not in "._"


def _rows(files: list[Path]) -> int:
    with explain_errors(str(files[0])):
        return sum(pq.read_metadata(file).num_rows for file in files)


def _local(name: str, hats: bool = False) -> Listed:
    stat = split_hdu(name)[0].stat()
    return Listed(name, stat.st_size, str(stat.st_mtime_ns), hats)


def _joined(name: str, parts: list[Listed]) -> Listed:
    """Return the files of a HATS catalogue as one table: its folder has no date of theirs."""
    stamps = hashlib.sha256("-".join(part.stamp for part in parts).encode())
    return Listed(name, sum(part.size for part in parts), stamps.hexdigest()[:16], True)


def _list_remote(source: str) -> list[Listed]:
    with _explain_remote(source):
        system, path = fsspec.core.url_to_fs(source)
        folder = path.rstrip("/")
        if system.exists(f"{folder}/collection.properties"):
            told = system.cat_file(f"{folder}/collection.properties", 0, 2**20).decode()
            primary = re.search(r"^hats_primary_table_url\s*=\s*([\w.-]+)\s*$", told, re.M)
            folder = f"{folder}/{primary[1]}" if primary else folder
        hats = any(system.exists(f"{folder}/{name}") for name in _HATS)
        if hats:
            found = sorted(system.find(f"{folder}/dataset"))
            found = [own for own in found if Path(own).suffix == ".parquet"]
        elif glob.has_magic(path):
            found = sorted(system.glob(path))
        elif system.isdir(path):
            found = sorted(system.find(path))
        else:
            found = [path]
        listed = []
        for own in (own for own in found if own == path or _is_table(Path(own))):
            name, size = system.unstrip_protocol(own), int(system.size(own) or 0)
            _check_size(name, size)
            listed.append(Listed(name, size, system.ukey(own), hats))
        return listed


def _check_size(name: str, size: int) -> None:
    """Refuse to copy what is too large, before and while it comes."""
    parquet = _remote_path(name).suffix.lower() in _PARQUET
    most = MOST_REMOTE_BYTES if parquet else min(bounds.MAX_BYTES, MOST_REMOTE_BYTES)
    if size > most:
        known, other = "a file that is copied here", "copy it here yourself"
        if not parquet:
            known, other = "a table that is not Parquet", "save it as Parquet"
        raise InputError(
            f"{name} is larger than {most / 1e9:.3g} GB, the most of {known}: split it, or {other}."
        )


def _remote_path(name: str) -> Path:
    """Return the path in a URL, which a query may follow."""
    return Path(urlsplit(name).path)


@contextmanager
def _explain_remote(source: str) -> Iterator[None]:
    """Say what became of a file that fsspec was asked for: its systems raise what they like."""
    try:
        yield
    except InputError:
        raise  # in our words already
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{source} cannot be reached ({reason}): check the address, and install what fsspec "
            "needs for it, such as s3fs."
        ) from error


@contextmanager
def fetched(listed: Listed, folder: Path, tell: Tell) -> Iterator[str]:
    """Yield a path where a table lies on this machine, as long as the block lasts.

    Parameters
    ----------
    listed : Listed
    folder : Path
        Where a file from elsewhere may lie meanwhile.
    tell : callable
        Is told how far a copy is that takes long.

    Raises
    ------
    InputError
        If it cannot be reached, is larger than what may be copied, or leaves no room on the disk.
    """
    if "://" not in listed.name:
        yield listed.name
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"table{''.join(_remote_path(listed.name).suffixes)}"
    free = shutil.disk_usage(folder).free
    _check_room(listed.name, listed.size, free)
    watch = watch_copy(listed, free, tell)
    try:
        with _explain_remote(listed.name):
            system, remote = fsspec.core.url_to_fs(listed.name)
            system.get_file(remote, str(path), callback=Callback(hooks={"watch": watch}))
        yield str(path)
    finally:
        path.unlink(missing_ok=True)


def watch_copy(
    listed: Listed, free: int, tell: Tell, clock: Callable[[], float] = time.monotonic
) -> Callable[..., None]:
    """Return what fsspec is to call as a copy grows, which ends one that has no bound.

    Parameters
    ----------
    listed : Listed
        Its size is what the other side says, 0 where it says nothing.
    free : int
        Bytes on the disk.
    tell : callable
        Is told how far the copy is, now and then where it takes more than ten seconds.
    clock : callable
        Returns seconds.
    """
    pace = Pace(f"MB of {listed.name} copied", 0, clock())

    def watch(size: int | None, value: int, **_: object) -> None:
        _check_size(listed.name, value)
        _check_room(listed.name, value, free)
        total = size or listed.size
        line = pace.line(value / 1e6, total / 1e6 if total else None, clock())
        if line is not None:
            tell(line)

    return watch


def _check_room(name: str, size: int, free: int) -> None:
    if size > free:
        raise InputError(
            f"{name} is copied here while it is read, and takes {size / 1e9:,.2g} GB: the disk of "
            f"the output has {free / 1e9:,.2g} GB free; make room, or write elsewhere."
        )


def read_pieces_of(
    listed: Listed,
    folder: Path,
    *,
    columns: Mapping[str, str | None] | None,
    hdu: int | str | None,
    image: str | None,
    deredden: Reddening | None,
    tell: Tell,
) -> Iterator[Catalogue]:
    """Yield a table with its columns judged, in pieces where it is Parquet and long.

    Parameters
    ----------
    listed : Listed
    folder : Path
        Where a file from elsewhere may lie meanwhile.
    columns, hdu, image, deredden
        As of `galexplorer.catalogue.read_catalogue`.
    tell : callable
        As of `fetched`.

    Raises
    ------
    InputError
        If it cannot be read, or is beyond the bounds.
    """
    with fetched(listed, folder, tell) as name:
        path, _ = split_hdu(name)
        if path.is_file() and _is_parquet(path) and _rows([path]) > PIECE_ROWS:
            for raw in _pieces(path, listed.name):
                named = Names(raw.table, raw.label, columns)
                yield _without_places(
                    listed, judge_catalogue(raw, named, None, image, False, deredden)
                )
            return
        label = None if name == listed.name else listed.name
        found = read_catalogue(
            name, name=label, columns=columns, hdu=hdu, image=image, deredden=deredden
        )
        yield _without_places(listed, found)


def _pieces(path: Path, label: str) -> Iterator[RawTable]:
    with explain_errors(label):
        for table, notes in read_pieces(path, label, PIECE_ROWS):
            yield RawTable(table, label, np.zeros(len(table), bool), path.parent, notes)


def _without_places(listed: Listed, catalogue: Catalogue) -> Catalogue:
    """Leave out where a HATS catalogue filed a row; the result has its own."""
    if listed.hats and catalogue.table is not None:
        own = [name for name in catalogue.table.colnames if name.startswith("_healpix_")]
        catalogue.table.remove_columns(own)
    return catalogue


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"
