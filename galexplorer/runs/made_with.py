"""What the rows of a run are made with, and whether a run that goes on has the same."""

import json
from collections.abc import Mapping

from galexplorer.model.weights import MODEL_FILE
from galexplorer.verdict.classifiers import VERDICT_FILE
from galexplorer.version import versions

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


def made_with(manifest: Mapping) -> dict:
    """Return what of the weights and the software decides values.

    Parameters
    ----------
    manifest : mapping
        Of the weights, as `galexplorer.model.weights.read_manifest` returns it.

    Returns
    -------
    dict
        ``weights_sha256``, ``verdict_sha256`` (None where there are none) and ``versions``.
    """
    files = manifest["files"]
    return {
        "weights_sha256": files[MODEL_FILE],
        "verdict_sha256": files.get(VERDICT_FILE),
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


def differ_from(made: Mapping, manifest: Mapping) -> list[str]:
    """Return in words which weights and software are others than those that rows were made with.

    Parameters
    ----------
    made : mapping
        Provenance of the rows; without weights where none has a value, which then differs in
        nothing.
    manifest : mapping
        Of the weights that are to be used.
    """
    return list_differences(made, made_with(manifest)) if "weights_sha256" in made else []
