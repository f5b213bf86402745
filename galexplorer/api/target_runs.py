"""A user's runs of lists of targets, of any length: begun, listed and found again on disk."""

import os
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from galexplorer.api import run_folder
from galexplorer.api.target_run import TargetRun
from galexplorer.inference.prior import Prior
from galexplorer.query.target_list import TargetList
from galexplorer.runs.options import choose_options
from galexplorer.runs.target_run import DRAWS

_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")


def default_folder() -> Path:
    """Return the folder of a user's runs: ``GALEXPLORER_RUNS``, or a place for a user's data."""
    if given := os.environ.get("GALEXPLORER_RUNS"):
        return Path(given).expanduser()
    return platformdirs.user_data_path("galexplorer", appauthor=False) / "runs"


def begin_run(
    place: Path,
    targets: TargetList,
    title: str,
    *,
    images: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
    redshift_range: tuple[float, float] | None = None,
    prior: Prior | None = None,
    detected: Sequence[str] = (),
) -> TargetRun:
    """Put a list of targets on disk, of which none is tried yet.

    Parameters
    ----------
    place : Path
        Folder of all runs of a user; made if it is not there.
    targets : TargetList
        As ``galexplorer.query.target_list.read_targets`` returns it.
    title : str
        What the user calls it.
    images : bool
        Fetch the image of a target that has magnitudes of its own too; False infers it from those,
        without a network.
    draws, seed : int
        As of `galexplorer.Engine.infer`.
    redshift_range : tuple of float, optional
        Likewise, of all targets whose redshift is not held fixed; within it a target's own counts.
    prior : path, table or tuple of float, optional
        Likewise, in whose place a target's own counts.
    detected : sequence of str
        Likewise, of all targets.

    Returns
    -------
    TargetRun

    Raises
    ------
    OptionError
        If an option is out of range.
    InputError
        If the prior cannot be read, or the system refuses to write there.
    """
    options = choose_options(redshift_range, prior, detected, draws, seed)
    now = datetime.now(UTC)
    folder = place / f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    known = options.prior
    run = TargetRun(
        folder,
        title,
        f"{now:%Y-%m-%dT%H:%M:%SZ}",
        len(targets.targets),
        images,
        draws,
        seed,
        redshift_range,
        None if known is None else known.sha256,
        options.detected,
    )
    run_folder.write_folder(folder, run.about(), targets.targets, known)
    return run


def list_runs(place: Path) -> list[TargetRun]:
    """Return the runs of a folder, the newest first; what is none is left out.

    Parameters
    ----------
    place : Path
        As of `begin_run`.

    Returns
    -------
    list of TargetRun
    """
    folders = sorted(place.glob("*-*"), reverse=True) if place.is_dir() else []
    found = [open_run(place, folder.name) for folder in folders]
    return [run for run in found if run is not None]


def open_run(place: Path, name: str) -> TargetRun | None:
    """Return a run by the name of its folder, None where there is no such run.

    Parameters
    ----------
    place : Path
    name : str
        It may come from an address, and is looked up in `place` alone.
    """
    if not _NAME.fullmatch(name):
        return None
    about = run_folder.read_about(place / name)
    try:
        return None if about is None else TargetRun(folder=place / name, **about)
    except TypeError:
        return None
