"""What the rows of a run are made with, and whether a run that goes on has the same."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from galexplorer.verdict.classifiers import VERDICT_FILE
from galexplorer.version import versions

if TYPE_CHECKING:
    from galexplorer.inference.engine import Engine

_WORDS = {
    "weights_sha256": "weights",
    "verdict_sha256": "classifiers of the verdict",
    "versions": "versions of the software",
    "draws": "draws",
    "seed": "seed",
    "redshift_range": "redshift range",
    "redshift_prior": "redshift prior",
    "detected": "detected lines",
    "input_sha256": "input",
}


def made_with(engine: "Engine") -> dict:
    """Return what of an engine decides its values: weights, classifiers and versions.

    Parameters
    ----------
    engine : Engine

    Returns
    -------
    dict
        ``weights_sha256``, ``verdict_sha256`` (None where there are none) and ``versions``.
    """
    return {
        "weights_sha256": engine.weights.sha256,
        "verdict_sha256": engine.weights.sha256_of(VERDICT_FILE),
        "versions": versions(),
    }


def list_differences(made: Mapping, wanted: Mapping) -> list[str]:
    """Return in words what differs between a run before and one that is to go on from it.

    Parameters
    ----------
    made : mapping
        Provenance of the rows that are done.
    wanted : mapping
        That of the rows to come: what it does not state is not compared, and what `made` lacks
        differs.

    Returns
    -------
    list of str

    Examples
    --------
    >>> list_differences({"seed": 0, "draws": 1000}, {"seed": 1, "draws": 1000})
    ['seed']
    """
    found = json.loads(json.dumps(dict(made), default=str))
    sought = json.loads(json.dumps(dict(wanted)))
    return [
        words for key, words in _WORDS.items() if key in sought and found.get(key) != sought[key]
    ]


def differ_from(made: Mapping, engine: "Engine") -> list[str]:
    """Return in words what an engine has otherwise than the one that rows were made with.

    Parameters
    ----------
    made : mapping
        Provenance of the rows; empty where none has a value, which then differs in nothing.
    engine : Engine
    """
    return list_differences(made, made_with(engine)) if made else []
