"""The folder of a run of a list of targets: what lies in it, and how that is read back."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack

from galexplorer.errors import InputError, OptionError
from galexplorer.export.files import replace_file
from galexplorer.inference.prior import RedshiftPrior
from galexplorer.query.target_list import Target
from galexplorer.records.photometry import Photometry
from galexplorer.runs.options import Options, choose_options
from galexplorer.schema import TARGETS

ABOUT = "run.json"
"""File that says what a run is; without it there is none."""

MAX_TITLE = 100
"""Characters of the title of a run."""

_TARGETS = "targets.json"
_PRIOR = "redshift_prior.json"
_KINDS: dict[str, type] = {
    "title": str, "created": str, "number": int, "images": bool, "draws": int, "seed": int
}  # fmt: skip
_PART_NAME = re.compile(r"\d{6}-(\d{6})\.parquet")


def write_folder(
    folder: Path, about: Mapping, targets: Sequence[Target], prior: RedshiftPrior | None
) -> None:
    """Make the folder of a run of which no target is tried yet.

    Parameters
    ----------
    folder : Path
    about : mapping
        That JSON can hold.
    targets : sequence of Target
    prior : RedshiftPrior or None

    Raises
    ------
    InputError
        If the system refuses to write there.
    """
    try:
        for name in ("parts", "draws"):
            (folder / name).mkdir(parents=True)
        (folder / _TARGETS).write_text(_spell(targets), encoding="utf-8")
        if prior is not None:
            density = {"redshift": prior.redshift.tolist(), "density": prior.density.tolist()}
            told = json.dumps({**density, "words": prior.words})
            (folder / _PRIOR).write_text(told, encoding="utf-8")
        _replace_about(folder, about)  # the last of all: without it there is no run
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        why = error.strerror or error
        raise InputError(f"{folder.parent} cannot be written: {why}.") from error


def write_about(folder: Path, about: Mapping) -> None:
    """Write anew what a run is, such as its title.

    Parameters
    ----------
    folder : Path
    about : mapping
        That JSON can hold.

    Raises
    ------
    InputError
        If there is no such run any more, or the system refuses to write there.
    """
    if not (folder / ABOUT).is_file():
        raise InputError("The list was deleted meanwhile.")
    try:
        _replace_about(folder, about)
    except FileNotFoundError as error:
        raise InputError("The list was deleted meanwhile.") from error
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"The list {about['title']} cannot be written: {why}.") from error


def _replace_about(folder: Path, about: Mapping) -> None:
    try:
        replace_file(folder / ABOUT, json.dumps(about, indent=2).encode())
    except OptionError as error:
        raise (error.__cause__ or error) from None  # who calls says it in the words of a list


def describe_request(targets: Sequence[Target], images: bool, options: Options) -> dict:
    """Return what decides the rows of a list, but for weights and software, as provenance tells it.

    Parameters
    ----------
    targets : sequence of Target
    images : bool
        Whether the image of a target that has magnitudes of its own is fetched too.
    options : Options
        Stated of all.

    Returns
    -------
    dict
        That JSON can hold. ``input_sha256`` is a hash of the targets with all that is stated of
        each: name, position, magnitudes, radii, redshift, its range and prior, and the known
        redshift, which the rows repeat. A limit of a range that is not stated is the model's.
    """
    digest = hashlib.sha256(_spell([_fill_range(own) for own in targets]).encode()).hexdigest()
    return {"input_sha256": digest, "images": images, **options.tell()}


def read_about(folder: Path) -> dict | None:
    """Return what a run is; None where there is none, or the file tells of none that can be.

    A title is made one that can be shown: an earlier version could write it too long.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if any(type(about[key]) is not kind for key, kind in _KINDS.items()):
            return None
        # half of a letter, as JSON can spell it, cannot be sent to a browser
        title = tidy_title(about["title"].encode(errors="replace").decode())[:MAX_TITLE]
        datetime.fromisoformat(about["created"])
        prior, limits = about.get("redshift_prior"), about.get("redshift_range")
        if about["number"] < 1 or not isinstance(prior, str | None):
            return None
        low_high = None if limits is None else (float(limits[0]), float(limits[1]))
        lines = list(about.get("detected", ()))
        known = choose_options(low_high, None, lines, about["draws"], about["seed"])
        return {
            **about,
            "title": title or "unnamed",
            "redshift_range": low_high,
            "detected": known.detected,
        }
    except (OSError, ValueError, TypeError, LookupError, AttributeError, OptionError):
        return None


def tidy_title(title: str) -> str:
    """Return a title on one line."""
    return " ".join(title.split())


def read_targets(folder: Path, title: str) -> tuple[Target, ...]:
    """Return the targets of a run.

    Parameters
    ----------
    folder : Path
    title : str
        Of the run, for messages.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    with _explain_damage(title):
        rows = json.loads((folder / _TARGETS).read_text(encoding="utf-8"))
        return tuple(_target_of(row) for row in rows)


def read_prior(folder: Path, title: str, sha256: str) -> RedshiftPrior:
    """Return the redshift prior of a run, to the bit.

    Parameters
    ----------
    folder, title
        As of `read_targets`.
    sha256 : str
        Its hash, which tells it from another one.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    with _explain_damage(title):
        told = json.loads((folder / _PRIOR).read_text(encoding="utf-8"))
        z, density = (np.array(told[name], np.float64) for name in ("redshift", "density"))
        prior = RedshiftPrior(z, density, str(told["words"]))
        if prior.sha256 != sha256:
            raise ValueError(f"{_PRIOR} holds another prior")
        return prior


def list_parts(folder: Path) -> list[Path]:
    """Return the tables of the targets that were tried, in order."""
    found = (folder / "parts").glob("[0-9]*.parquet")
    return sorted(path for path in found if _PART_NAME.fullmatch(path.name))


def end_of(part: Path) -> int:
    """Return the number of targets that are done with a part."""
    name = _PART_NAME.fullmatch(part.name)
    assert name is not None
    return int(name[1])


def join_parts(parts: Sequence[Table]) -> Table:
    """Return parts as one table, whose metadata tell of each target what its part does."""
    whole = vstack(parts, metadata_conflicts="silent")
    whole.meta = dict(parts[-1].meta)
    # a part of targets that all failed has none
    made = (part.meta.get("provenance") for part in parts)
    whole.meta["provenance"] = next(filter(None, made), {})
    for what in {"origins", "caveats"} & whole.meta.keys():
        whole.meta[what] = {k: v for part in parts for k, v in part.meta.get(what, {}).items()}
    return whole


@contextmanager
def _explain_damage(title: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"The run {title} is damaged: delete it.") from error


def _spell(targets: Sequence[Target]) -> str:
    rows = [asdict(target) for target in targets]
    for row in rows:
        if row["known_redshift"] is None:
            del row["known_redshift"]  # spelt as before there was one: a hash stays what it was
    return json.dumps(rows)


def _fill_range(target: Target) -> Target:
    if target.redshift_range is None:
        return target
    (low, high), (least, most) = target.redshift_range, TARGETS[0].bounds
    filled = (least if low is None else low, most if high is None else high)
    return replace(target, redshift_range=filled)


def _target_of(row: dict) -> Target:
    photometry = row["photometry"]
    known = None if photometry is None else Photometry(**photometry)
    pairs = {key: row.get(key) for key in ("redshift_range", "redshift_prior")}
    own = {key: None if pair is None else (pair[0], pair[1]) for key, pair in pairs.items()}
    return Target(**{**row, **own, "photometry": known, "notes": tuple(row["notes"])})
