"""Columns that name image files."""

import re
from pathlib import Path

import numpy as np

from galexplorer.catalogue.column_lookup import IMAGES, Names, list_names
from galexplorer.errors import InputError
from galexplorer.tables.cells import texts_of

_ROW = re.compile(r"(?<=\.safetensors)\[\d+\]$")
"""After the name of a file of many images."""


def read_images(
    names: Names, n: int, folder: Path, image: str | Path | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the paths of the rows' images, shape (n,), and those of single bands, (n, 3).

    Raises
    ------
    InputError
        If a column of three is missing.
    """
    columns = []
    for key in IMAGES:
        named = names.find(key)
        texts = None if named is None else texts_of(names.take(key, named).column)
        columns.append(None if texts is None else _locate(texts, folder))
    whole, bands = columns[0], columns[1:]
    if any(own is not None for own in bands) and any(own is None for own in bands):
        missing = ", ".join(key for key, own in zip(IMAGES[1:], bands, strict=True) if own is None)
        raise InputError(
            f"{names.label} has images of single bands and lacks the column {missing}: images in "
            "g, r and i go together."
        )
    images = np.full(n, "", dtype=object) if whole is None else whole
    separate = None if bands[0] is None else np.stack(bands, axis=1)  # type: ignore[arg-type]
    if image is not None:
        bare = images == ""
        if separate is not None:
            bare &= (separate == "").all(axis=1)
        images = np.where(bare, str(image), images)
    return images, separate


def leave_images(names: Names) -> tuple[str, ...]:
    """Take the columns of images and say that they are not read."""
    named = [names.take(key, own).name for key in IMAGES if (own := names.find(key)) is not None]
    if not named:
        return ()
    return (f"Images are not read from files for a list of targets: {list_names(named)} left out.",)


def _locate(texts: np.ndarray, folder: Path) -> np.ndarray:
    located = np.empty(len(texts), dtype=object)
    for k, text in enumerate(texts):
        # A name with a NUL, or one that is too long, is for the image reader to refuse.
        beside = folder / text
        file = folder / _ROW.sub("", text)
        located[k] = str(beside) if text and "\0" not in text and _is_file(file) else text
    return located


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
