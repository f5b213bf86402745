"""Where a result came from, and what to cite: the words that every file carries."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from galexplorer.records.result import Result
from galexplorer.version import __version__

CITATION = (
    f"galexplorer {__version__} (see CITATION.cff); the method follows arXiv:2511.12737; "
    "data: Sloan Digital Sky Survey, www.sdss.org/collaboration/citing-sdss"
)


def plain(value: object) -> object:
    """Turn what JSON does not know into what it does; for ``json.dumps(default=...)``.

    Raises
    ------
    TypeError
        If the value is of a type that no result holds.
    """
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def to_json(value: object, indent: int | None = None) -> str:
    """Return a value as JSON, numpy's scalars and paths included."""
    return json.dumps(value, default=plain, ensure_ascii=False, indent=indent)


def provenance_lines(result: Result) -> list[tuple[str, str]]:
    """Return the provenance as pairs of a label and words, for people.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of (str, str)
        Weights, versions, input, seed, options and the origin of each number; what is unknown
        is left out.
    """
    said = dict(result.provenance)
    versions = said.pop("versions", {})
    lines = [("Weights (sha256)", str(said.pop("weights_sha256", "unknown")))]
    if isinstance(versions, Mapping) and versions:
        lines.append(("Versions", ", ".join(f"{name} {v}" for name, v in versions.items())))
    lines += [
        (key.replace("_", " ").replace("sha256", "(sha256)").capitalize(), _words(value))
        for key, value in said.items()
        if value is not None
    ]
    lines += [(f"Origin of {name.replace('_', ' ')}", o) for name, o in result.origins.items()]
    return lines


def provenance_sentence(result: Result) -> str:
    """Return what made a result and what from, short enough to be read, and what to cite."""
    said = result.provenance
    parts = [f"galexplorer {__version__}"]
    for label, key in (("weights", "weights_sha256"), ("input", "input_sha256")):
        if said.get(key):
            parts.append(f"{label} {said[key][:12]}")
    parts += [f"{key} {said[key]}" for key in ("draws", "seed") if key in said]
    parts += [f"{what.replace('_', ' ')}: {origin}" for what, origin in result.origins.items()]
    return f"Made by {'; '.join(parts)}. Cite: {CITATION}."


def describe_provenance(result: Result) -> str:
    """Return provenance and citation as one line of text, for the metadata of a figure."""
    lines = [f"{label}: {words}" for label, words in provenance_lines(result)]
    return "; ".join([*lines, f"Cite: {CITATION}"])


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value)
    return str(value)
