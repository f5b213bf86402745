"""What a result is worth, where it came from, what to cite: the words that every file carries."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from galexplorer.records.result import Result
from galexplorer.schema import TARGETS
from galexplorer.science.derived import derive
from galexplorer.science.summary import in_sentence, not_measurable, verdict_sentences
from galexplorer.version import __version__

CITATION = (
    f"galexplorer {__version__} (see CITATION.cff); the method follows arXiv:2511.12737; "
    "data: Sloan Digital Sky Survey, www.sdss.org/collaboration/citing-sdss"
)

BIBTEX = f"""@software{{galexplorer,
  author  = {{{{galexplorer developers}}}},
  title   = {{galexplorer}},
  version = {{{__version__}}},
}}

@misc{{galexplorer-method,
  eprint        = {{2511.12737}},
  archivePrefix = {{arXiv}},
  note          = {{The method that galexplorer follows}},
}}
"""
"""What to cite, for BibTeX; the Sloan Digital Sky Survey asks for papers of its own beside these,
listed at www.sdss.org/collaboration/citing-sdss."""

_LABELS = {target.name: target.label for target in TARGETS}


def caveat_lines(result: Result) -> list[tuple[str, str]]:
    """Return what a reader has to know before using the numbers, as pairs of a label and words.

    Every export takes it from here.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of (str, str)
        The verdict with its reasons, what was held fixed, what has no value
        and why, and the notes.
    """
    lines = [("Verdict", words) for words in verdict_sentences(result)]
    if result.posterior.fixed:
        lines.append(("Held fixed", ", ".join(_LABELS[name] for name in result.posterior.fixed)))
    for target in TARGETS:
        if why := not_measurable(result, target.name):
            lines.append(("No value", f"{target.label}: {why}"))
    for quantity in derive(result.posterior, result.photometry.petro_r50, result.measurable):
        if quantity.reason:
            lines.append(("No value", f"{quantity.label}: {quantity.reason}"))
    return [*lines, *(("Note", note) for note in result.notes)]


def caveat_sentences(result: Result) -> list[str]:
    """Return the same as one text each."""
    return [f"{label}: {words}" for label, words in caveat_lines(result)]


def origin_label(what: str) -> str:
    """Return what an origin is of, as a person says it.

    Examples
    --------
    >>> origin_label("log_flux_halpha"), origin_label("photometry")
    ('known Hα flux', 'photometry')
    """
    return f"known {in_sentence(_LABELS[what])}" if what in _LABELS else what.replace("_", " ")


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
        Weights, classifiers of the verdict, versions, input, seed, options and the origin of each
        number; what is unknown is left out.
    """
    origins = [(f"Origin of {origin_label(name)}", o) for name, o in result.origins.items()]
    return [*spell_provenance(result.provenance), *origins]


def spell_provenance(provenance: Mapping) -> list[tuple[str, str]]:
    """Return a provenance alone, such as that of a table, as pairs of a label and words.

    Parameters
    ----------
    provenance : mapping

    Returns
    -------
    list of (str, str)
        What has no value is left out.
    """
    firsts = dict.fromkeys(("weights_sha256", "verdict_sha256", "versions"))
    names = {"verdict_sha256": "classifiers_of_the_verdict_sha256"}
    pairs = []
    for key, value in {**firsts, **provenance}.items():
        label = str(names.get(key, key)).replace("_", " ").replace("sha256", "(sha256)")
        pairs.append((label.capitalize(), "" if value is None else _words(value)))
    return [(label, words) for label, words in pairs if words]


def provenance_sentence(result: Result) -> str:
    """Return what made a result and what from, short enough to be read, and what to cite."""
    said = result.provenance
    parts = [f"galexplorer {__version__}"]
    for label, key in (("weights", "weights_sha256"), ("input", "input_sha256")):
        if said.get(key):
            parts.append(f"{label} {said[key][:12]}")
    parts += [f"{key} {said[key]}" for key in ("draws", "seed") if key in said]
    parts += [f"{origin_label(what)}: {origin}" for what, origin in result.origins.items()]
    return f"Made by {'; '.join(parts)}. Cite: {CITATION}."


def describe_provenance(result: Result) -> str:
    """Return caveats, provenance and citation as one line of text, for a figure's metadata."""
    told = [*caveat_lines(result), *provenance_lines(result)]
    lines = [f"{label}: {words}" for label, words in told]
    return "; ".join([*lines, f"Cite: {CITATION}"])


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value)
    return str(value)
