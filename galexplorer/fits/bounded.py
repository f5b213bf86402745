"""The bytes of a file, read and unpacked within bounds: a file is hostile until shown otherwise."""

import bz2
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from galexplorer.errors import InputError

MAX_FILE_BYTES = 200_000_000
MAX_UNPACKED_BYTES = 400_000_000
MAX_RATIO, LEAST_UNPACKED_BYTES = 64, 100_000_000
"""No image of the sky packs better than this; the smallest file may unpack to that much."""

Source = str | Path | bytes | tuple[str, bytes]
"""A path, bytes, or bytes with the name they came under."""

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Blob:
    """A file in memory.

    Attributes
    ----------
    name : str
        File name without folders, for messages.
    raw : bytes
        As they came.
    data : bytes
        Unpacked; `raw` itself where nothing was packed.
    """

    name: str
    raw: bytes
    data: bytes


def read_blob(source: Source) -> Blob:
    """Read one file and unpack it if its first bytes are those of gzip or bzip2.

    Parameters
    ----------
    source : str, Path, bytes, or (str, bytes)

    Returns
    -------
    Blob

    Raises
    ------
    InputError
        If the file cannot be read, is empty, is larger than `MAX_FILE_BYTES`, unpacks to
        more than `most_unpacked` says, or its packing is damaged.
    """
    if isinstance(source, str | Path):
        name, raw = Path(source).name, _read_path(Path(source))
    elif isinstance(source, tuple):
        name, raw = Path(source[0]).name, source[1]
    else:
        name, raw = "The image", source
    if not raw:
        raise InputError(f"{name} is empty: download or export it again.")
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(_oversize(name))
    return Blob(name, raw, _unpack(name, raw))


def _read_path(path: Path) -> bytes:
    try:
        if not path.exists():
            raise InputError(f"{path} does not exist: check the path.")
        if not path.is_file():
            raise InputError(f"{path} is not a regular file: give the path of an image.")
        with path.open("rb") as stream:
            # One byte past the cap tells a file that is too large, or that grows while read.
            return stream.read(min(path.stat().st_size, MAX_FILE_BYTES) + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason}): check the path.") from error


def _oversize(name: str) -> str:
    return (
        f"{name} is larger than {MAX_FILE_BYTES / 1e6:.0f} MB: "
        "cut out the field around the galaxy first."
    )


def most_unpacked(raw: bytes) -> int:
    """Return how many bytes a packed file may unpack to."""
    return min(MAX_UNPACKED_BYTES, max(LEAST_UNPACKED_BYTES, MAX_RATIO * len(raw)))


def _unpack(name: str, raw: bytes) -> bytes:
    if raw.startswith(b"\x1f\x8b"):
        stream: gzip.GzipFile | bz2.BZ2File = gzip.GzipFile(fileobj=io.BytesIO(raw))
    elif raw.startswith(b"BZh"):
        stream = bz2.BZ2File(io.BytesIO(raw))
    else:
        return raw
    chunks, size = [], 0
    limit = most_unpacked(raw)
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            # A packed bomb is stopped here, before its bytes pile up.
            if size > limit:
                raise InputError(
                    f"{name} unpacks to more than {limit / 1e6:.0f} MB: "
                    "cut out the field around the galaxy first."
                )
            chunks.append(chunk)
    except EOFError as error:
        raise InputError(
            f"{name} is truncated inside its compressed data: download it again."
        ) from error
    except (OSError, zlib.error, ValueError) as error:
        raise InputError(
            f"{name} is damaged inside its compressed data: download it again."
        ) from error
    if not size:
        raise InputError(f"{name} is empty when unpacked: download or export it again.")
    return b"".join(chunks)
