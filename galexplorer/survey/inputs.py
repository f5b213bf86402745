"""The tables of a survey: which there are, here or where fsspec finds them, and piece by piece."""

import glob
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet as pq

from galexplorer.catalogue import Catalogue, read_catalogue
from galexplorer.catalogue.column_lookup import Names
from galexplorer.catalogue.columns import Reddening, judge_catalogue
from galexplorer.errors import InputError
from galexplorer.tables.arrow import is_hats, list_partitions, read_pieces
from galexplorer.tables.formats import RawTable, explain_errors
from galexplorer.tables.source import split_hdu

PIECE_ROWS = 500_000
"""Parquet of more rows, HATS included, is read and judged in pieces of so many."""

_SUFFIXES = {".csv", ".ecsv", ".tsv", ".txt", ".dat", ".parquet", ".parq", ".pq", ".fits", ".fit"}
_SUFFIXES |= {".vot", ".xml", ".votable", ".feather", ".arrow", ".gz", ".bz2", ".xz"}
_HATS = ("hats.properties", "properties")


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
        If there is none, or fsspec cannot reach it.
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
        files = [own for own in found if own == path or _is_table(Path(own))]
        return [
            Listed(system.unstrip_protocol(own), int(system.size(own) or 0), system.ukey(own), hats)
            for own in files
        ]


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
def fetched(listed: Listed, folder: Path) -> Iterator[str]:
    """Yield a path where a table lies on this machine, as long as the block lasts."""
    if "://" not in listed.name:
        yield listed.name
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"table{''.join(Path(listed.name).suffixes)}"
    try:
        with _explain_remote(listed.name):
            system, remote = fsspec.core.url_to_fs(listed.name)
            system.get_file(remote, str(path))
        yield str(path)
    finally:
        path.unlink(missing_ok=True)


def read_pieces_of(
    listed: Listed,
    folder: Path,
    *,
    columns: Mapping[str, str | None] | None,
    hdu: int | str | None,
    image: str | None,
    deredden: Reddening | None,
) -> Iterator[Catalogue]:
    """Yield a table with its columns judged, in pieces where it is Parquet and long.

    Parameters
    ----------
    listed : Listed
    folder : Path
        Where a file from elsewhere may lie meanwhile.
    columns, hdu, image, deredden
        As of `galexplorer.catalogue.read_catalogue`.

    Raises
    ------
    InputError
        If it cannot be read, or is beyond the bounds.
    """
    with fetched(listed, folder) as name:
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
