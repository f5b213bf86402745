"""All that is known of one galaxy but its draws and pixels, as one object that JSON can hold.

`result.schema.json`, beside this module, is its JSON Schema.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict

from galexplorer.records.result import Neighbour, Result
from galexplorer.schema import TARGETS
from galexplorer.science.derived import DERIVED, derive
from galexplorer.science.summary import not_measurable

SCHEMA_FILE = "result.schema.json"
SCHEMA_VERSION = "1.1"
"""Its first number changes where a reader of the JSON has to."""

_DIGITS = 6
_PLACES_DEG = 6


def summarise(result: Result) -> dict:
    """Return a result as an object of plain types.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
        Numbers have six significant digits, more than any posterior deserves, but for positions
        (six decimals of a degree) and provenance, which is exact. None stands for what has no
        value; where a target or a derived quantity has none, ``undetermined`` says why.
    """
    statistics = {
        name: dict.fromkeys(values) if not_measurable(result, name) else values
        for name, values in result.posterior.summary().items()
    }
    derived = derive(result.posterior, result.photometry.petro_r50, result.measurable)
    reasons = {name: not_measurable(result, name) for name in statistics}
    reasons |= {quantity.name: quantity.reason for quantity in derived}
    photometry = result.photometry
    return {
        "schema_version": SCHEMA_VERSION,
        "posterior": _round(statistics),
        "derived": _round({quantity.name: quantity.summary() for quantity in derived}),
        "units": {quantity.name: quantity.unit for quantity in (*TARGETS, *DERIVED)},
        "undetermined": {name: reason for name, reason in reasons.items() if reason},
        "bpt": _round(result.bpt),
        "p_no_lines": _round(result.p_no_lines),
        "measurable": _round(result.measurable),
        "neighbours": [_describe(neighbour) for neighbour in result.neighbours],
        "domain": {
            "inside": result.domain.inside,
            "score": _round(result.domain.score),
            "reasons": list(result.domain.reasons),
        },
        "verdict": {
            "level": result.verdict.level,
            "usable": result.verdict.usable,
            "p_galaxy": _round(result.verdict.p_galaxy),
            "reasons": [asdict(each) for each in result.verdict.reasons],
        },
        "photometry": {
            "kind": photometry.kind,
            **{
                name: _round(getattr(photometry, name))
                for name in ("magnitudes", "errors", "petro_r50", "petro_r90")
            },
            "petro_kind": photometry.petro_kind,
            "petro_magnitudes": _round(photometry.petro_magnitudes),
        },
        "known": _round(result.known),
        "origins": result.origins,
        "notes": list(result.notes),
        "provenance": result.provenance,
    }


def _describe(neighbour: Neighbour) -> dict:
    return {
        "name": neighbour.name,
        "ra": round(neighbour.ra, _PLACES_DEG),
        "dec": round(neighbour.dec, _PLACES_DEG),
        "distance": _round(neighbour.distance),
        "percentile": round(neighbour.percentile, 2)
        if math.isfinite(neighbour.percentile)
        else None,
        "known": _round(neighbour.known),
        "source": neighbour.source,
    }


def _round(value: object) -> object:
    """Round every number within, and put None where there is none."""
    if isinstance(value, Mapping):
        return {key: _round(item) for key, item in value.items()}
    if value is None or not math.isfinite(number := float(value)):  # type: ignore[arg-type]
        return None
    return float(f"{number:.{_DIGITS}g}")
