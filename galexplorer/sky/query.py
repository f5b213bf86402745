"""What a user typed: a galaxy to look up, or files to read."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from galexplorer.errors import TargetError
from galexplorer.sky.parse import parse_target

_FILE_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)


def names_galaxy(texts: Sequence[str]) -> bool:
    """Tell a galaxy to look up from files to read.

    Parameters
    ----------
    texts : sequence of str
        As typed; the words of one target may have been split.

    Returns
    -------
    bool
        False where one of them is a file that exists or looks like the path of one.

    Examples
    --------
    >>> names_galaxy(["NGC", "5332"]), names_galaxy(["cutout.fits"])
    (True, False)
    """
    try:
        if not texts or any(Path(text).exists() for text in texts):
            return False
    except (OSError, ValueError):  # too long for a path, or with a null byte in it
        return True
    return not any(
        _FILE_SUFFIX.search(text) or (_has_folder(text) and not _is_position(text))
        for text in texts
    )


def _has_folder(text: str) -> bool:
    return os.sep in text or "/" in text or "\\" in text


def _is_position(text: str) -> bool:
    """Return whether a text with a slash is a position, as in 162.184/26.054."""
    try:
        return parse_target(text).kind != "name"
    except TargetError:
        return False
