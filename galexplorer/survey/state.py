"""What a survey keeps of itself on disk, and whether a run may go on with what it finds there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from galexplorer.errors import InputError, OptionError
from galexplorer.survey.request import Request

STATE = "survey.json"
"""File beside the catalogue: what was asked for, what it was made with, and what came out."""

WORK = ".survey"
"""Folder beside it of what a run needs until it is complete."""

_LOCK = "lock"
_WORDS = {
    "input": "input",
    "columns": "columns",
    "hdu": "HDU",
    "image": "image",
    "cutouts": "cutouts",
    "deredden": "statement on extinction",
    "draws": "draws",
    "seed": "seed",
    "redshift_range": "redshift range",
    "redshift_prior": "redshift prior",
    "detected": "detected lines",
    "draws_out": "place of the draws",
    "partition_rows": "size of partitions",
    "weights_sha256": "weights",
    "verdict_sha256": "classifiers of the verdict",
    "versions": "versions of the software",
}


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Hold a survey's folder as long as the block lasts, so that no two runs write there.

    Parameters
    ----------
    out : Path
        Of the catalogue; made if it is not there.

    Raises
    ------
    OptionError
        If another run holds it.
    """
    work = out / WORK
    fresh = not out.exists()
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OptionError(f"another survey is at work in {out}: wait for it.") from error
    try:
        yield
    finally:
        _tidy(out, fresh)
        lock.release()


def _tidy(out: Path, fresh: bool) -> None:
    """Remove what no run goes on with, while the lock is held: the next one's stays."""
    work, begun = out / WORK, (out / STATE).exists()
    others = [path for path in work.glob("*") if path.name != _LOCK]
    if begun and others:
        return
    for path in others:  # an input that was not read to its end is read anew
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # as soon as the lock is gone another run may be there
        (work / _LOCK).unlink(missing_ok=True)
        work.rmdir()
        if fresh and not begun:
            out.rmdir()


def read_state(request: Request, asked: dict, resume: bool) -> dict:
    """Return what is known of a survey; refuse a folder that holds something else.

    Parameters
    ----------
    request : Request
    asked : dict
        As of `galexplorer.survey.request.describe_request`.
    resume : bool
        Whether a survey that is there may be gone on with.

    Returns
    -------
    dict
        What lies there, with the places of `asked`: the input may have been moved. Only `asked`
        where nothing does.

    Raises
    ------
    OptionError
        If the folder holds other files, or a survey that was begun otherwise.
    InputError
        If its state is damaged.
    """
    out, draws = request.out, request.draws_out
    path = out / STATE
    others = [p for p in out.iterdir() if p.name not in (WORK, STATE)]
    if not path.exists():
        if others:
            raise OptionError(f"{out} holds other files: name a new folder.")
        if draws is not None and draws.is_dir() and any(draws.iterdir()):
            # a catalogue of as many rows would pass for this one, and be copied to `out`
            raise OptionError(f"{draws} holds other files: name a new folder for the draws.")
        return asked
    if not resume:
        raise OptionError(f"{out} holds a survey: go on with it (--resume), or name a new folder.")
    try:
        state = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged: remove {out} and start again.") from error
    wanted = json.loads(json.dumps(asked))
    differ = [word for key, word in _WORDS.items() if state.get(key) != wanted[key]]
    if differ:
        raise OptionError(
            f"The survey in {out} was begun with other {' and '.join(differ)}: give what it was "
            "begun with, or name a new folder."
        )
    return {**state, "places": asked["places"]}
