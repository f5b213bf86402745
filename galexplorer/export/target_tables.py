"""The results of a list of targets as tables: one row per target, and all draws."""

from collections.abc import Sequence

import numpy as np
from astropy.table import Table

from galexplorer.export.provenance import CITATION, caveat_sentences
from galexplorer.export.tables import written_bytes
from galexplorer.records.result import Result
from galexplorer.runs.target_run import Outcome
from galexplorer.schema import (
    BPT_CLASSES,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    SUMMARY_STATISTICS,
    TARGETS,
)
from galexplorer.science.columns import describe_columns
from galexplorer.science.derived import (
    DERIVED_NAMES,
    NOT_MEASURABLE,
    Derived,
    derive,
    derived_draws,
)
from galexplorer.science.summary import not_measurable

SUMMARY_FORMATS = {"ecsv": ".ecsv", "csv": ".csv", "parquet": ".parquet", "votable": ".vot"}
"""Suffix of each format of the summary."""


def summary_table(outcomes: Sequence[Outcome]) -> Table:
    """Return one row for each target, those without a result included.

    Parameters
    ----------
    outcomes : sequence of Outcome

    Returns
    -------
    astropy.table.Table
        ``target, ra, dec, r_used, redshift_fixed, <target>_p2_5 ... <target>_std``,
        ``gas_metallicity_flag``, the probability of each BPT class, ``p_no_lines``,
        ``p_<target>_measurable``, ``domain_score``, ``inside_domain``, ``verdict``, ``p_galaxy``
        and ``flag`` with ``verdict_reasons``, quantiles of the derived quantities with
        ``derived_flag``, the published redshift (``known_redshift``), where pixels and photometry
        are from, ``notes``, and ``problem``; NaN where there is no value. Each column has
        description, unit and UCD; the metadata hold provenance and citation.
    """
    results = [o.result for o in outcomes]
    summaries = [r.posterior.summary() if r else None for r in results]
    derived = [_derive(r) if r else {} for r in results]
    table = Table()
    table["target"] = np.array([o.target.label for o in outcomes], str)
    table["ra"] = _numbers([o.position[0] for o in outcomes])
    table["dec"] = _numbers([o.position[1] for o in outcomes])
    table["r_used"] = _numbers([r.photometry.magnitudes.get("r") if r else None for r in results])
    table["redshift_fixed"] = _numbers([o.target.redshift for o in outcomes])
    for target in TARGETS:
        for statistic in SUMMARY_STATISTICS:
            values = [s[target.name][statistic] if s else None for s in summaries]
            table[f"{target.name}_{statistic}"] = _numbers(values).astype(np.float32)
    flags = np.array([_metallicity_flag(r) for r in results], str)
    for statistic in SUMMARY_STATISTICS:
        table[f"gas_metallicity_{statistic}"][flags != ""] = np.nan
    table["gas_metallicity_flag"] = flags
    for name in BPT_CLASSES:
        table[name] = _numbers([r.bpt[name] if r else None for r in results])
    table["p_no_lines"] = _numbers([r.p_no_lines if r else None for r in results])
    for name in MEASURABLE_NAMES:
        shown = [r.measurable.get(name) if r else None for r in results]
        table[f"p_{name}_measurable"] = _numbers(shown)
    table["domain_score"] = _numbers([r.domain.score if r else None for r in results])
    table["inside_domain"] = _numbers([float(r.domain.inside) if r else None for r in results])
    table["verdict"] = np.array([r.verdict.level if r else "" for r in results], str)
    table["p_galaxy"] = _numbers([r.verdict.p_galaxy if r else None for r in results])
    table["flag"] = np.array([";".join(r.verdict.codes) if r else "" for r in results], str)
    reasons = [[each.what for each in r.verdict.reasons] if r else [] for r in results]
    table["verdict_reasons"] = np.array([" ".join(words) for words in reasons], str)
    for name in DERIVED_NAMES:
        quantiles = [d[name].summary() if name in d else {} for d in derived]
        for statistic in SUMMARY_QUANTILES:
            values = [known.get(statistic) for known in quantiles]
            table[f"{name}_{statistic}"] = _numbers(values).astype(np.float32)
    words = [";".join(f"{n}:{q.flag}" for n, q in d.items() if q.flag) for d in derived]
    table["derived_flag"] = np.array(words, str)
    table["known_redshift"] = _numbers([o.known_redshift for o in outcomes])
    for what in ("pixels", "photometry"):
        words = [r.origins.get(what, "") if r else "" for r in results]
        table[f"{what}_from"] = np.array(words, str)
    table["notes"] = np.array([" ".join(r.notes) if r else "" for r in results], str)
    table["problem"] = np.array([o.problem for o in outcomes], str)
    table.meta = {"provenance": shared_provenance(results), "citation": CITATION}
    return describe_columns(table)


def summary_bytes(outcomes: Sequence[Outcome], format: str) -> bytes:
    """Return the summary as the content of a file.

    Parameters
    ----------
    outcomes : sequence of Outcome
    format : {"ecsv", "csv", "parquet", "votable"}
        CSV has columns alone; ECSV is CSV under comments that hold all else.

    Returns
    -------
    bytes
    """
    return written_bytes(summary_table(outcomes), format)


def draws_bytes(outcomes: Sequence[Outcome]) -> bytes:
    """Return the draws of all targets as Parquet: a row for each draw.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Those without a result have no rows.

    Returns
    -------
    bytes
        Columns ``target``, the nine targets, ``gas_metallicity_flag`` and the derived quantities,
        each with unit, description and UCD; provenance and citation in the metadata of the file.
    """
    done = [(o.target.label, o.result) for o in outcomes if o.result is not None]
    lengths = [len(result.posterior.draws) for _, result in done]
    draws = np.concatenate([r.posterior.draws for _, r in done] or [np.empty((0, len(TARGETS)))])
    derived = [derived_draws(r.posterior.draws, r.photometry.petro_r50 or np.nan) for _, r in done]
    table = Table()
    table["target"] = np.repeat(np.array([label for label, _ in done], str), lengths)
    for target, values in zip(TARGETS, draws.T, strict=True):
        table[target.name] = values.astype(np.float32)
    flags = np.array([_metallicity_flag(result) for _, result in done], str)
    table["gas_metallicity_flag"] = np.repeat(flags, lengths)
    for name in DERIVED_NAMES:
        parts = [found[name] for found in derived] or [np.empty(0)]
        table[name] = np.concatenate(parts).astype(np.float32)
    table.meta = {
        "provenance": shared_provenance([result for _, result in done]),
        "origins": {label: result.origins for label, result in done},
        "caveats": {label: caveat_sentences(result) for label, result in done},
        "citation": CITATION,
    }
    return written_bytes(describe_columns(table), "parquet")


def _metallicity_flag(result: Result | None) -> str:
    return NOT_MEASURABLE if result and not_measurable(result, "gas_metallicity") else ""


def _derive(result: Result) -> dict[str, Derived]:
    found = derive(result.posterior, result.photometry.petro_r50, result.measurable)
    return {quantity.name: quantity for quantity in found}


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def shared_provenance(results: Sequence[Result | None]) -> dict:
    """Return what all rows have in common; what belongs to one row is in its columns."""
    first = next((result for result in results if result is not None), None)
    keys = ("weights_sha256", "verdict_sha256", "versions", "seed", "draws")
    return {} if first is None else {k: first.provenance[k] for k in keys if k in first.provenance}
