"""The results of a list of targets as tables: one row per target, and all draws."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, Table
from astropy.utils.exceptions import AstropyWarning

from galexplorer.catalogue import write_table
from galexplorer.export.provenance import CITATION, to_json
from galexplorer.records.result import Result
from galexplorer.runs.target_run import Outcome
from galexplorer.schema import BPT_CLASSES, MEASURABLE_NAMES, SUMMARY_STATISTICS, TARGETS

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
        ``target, ra, dec, redshift_fixed, <target>_p2_5 ... <target>_std``, the probability of
        each BPT class, ``p_<target>_measurable``, ``domain_score``, ``inside_domain``, the
        published redshift (``known_redshift``), where pixels and photometry are from, and
        ``problem``; NaN where there is no value. The metadata hold provenance and citation.
    """
    table = Table()
    table["target"] = np.array([o.target.label for o in outcomes], str)
    table["ra"] = Column(_numbers([o.ra for o in outcomes]), unit="deg")
    table["dec"] = Column(_numbers([o.dec for o in outcomes]), unit="deg")
    table["redshift_fixed"] = _numbers([o.target.redshift for o in outcomes])
    summaries = [o.result.posterior.summary() if o.result else None for o in outcomes]
    for target in TARGETS:
        for statistic in SUMMARY_STATISTICS:
            table[f"{target.name}_{statistic}"] = Column(
                _numbers([s[target.name][statistic] if s else None for s in summaries]),
                description=f"{target.label}, {target.unit or 'no unit'}",
                dtype=np.float32,
            )
    results = [o.result for o in outcomes]
    for name in BPT_CLASSES:
        table[name] = Column(_numbers([r.bpt[name] if r else None for r in results]))
    for name in MEASURABLE_NAMES:
        shown = [r.measurable.get(name) if r else None for r in results]
        table[f"p_{name}_measurable"] = Column(_numbers(shown))
    table["domain_score"] = _numbers([r.domain.score if r else None for r in results])
    table["inside_domain"] = _numbers([float(r.domain.inside) if r else None for r in results])
    table["known_redshift"] = _numbers([r.known.get("redshift") if r else None for r in results])
    for what in ("pixels", "photometry"):
        words = [r.origins.get(what, "") if r else "" for r in results]
        table[f"{what}_from"] = np.array(words, str)
    table["problem"] = np.array([o.problem for o in outcomes], str)
    table.meta = {"provenance": _shared_provenance(results), "citation": CITATION}
    return table


def summary_bytes(outcomes: Sequence[Outcome], format: str) -> bytes:
    """Return the summary as the content of a file.

    Parameters
    ----------
    outcomes : sequence of Outcome
    format : {"ecsv", "csv", "parquet", "votable"}
        CSV has provenance and citation in comments before its header.

    Returns
    -------
    bytes
    """
    table = summary_table(outcomes)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        path = Path(folder) / f"targets{SUMMARY_FORMATS[format]}"
        write_table(table, path, format)
        content = path.read_bytes()
    if format == "csv":
        remarks = [f"# {key}: {to_json(value)}\n" for key, value in table.meta.items()]
        return "".join(remarks).encode() + content
    return content


def draws_bytes(outcomes: Sequence[Outcome]) -> bytes:
    """Return the draws of all targets as Parquet: a row for each draw.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Those without a result have no rows.

    Returns
    -------
    bytes
        Columns ``target`` and the nine targets, units in the metadata of each; provenance and
        citation as JSON in the file's metadata under ``galexplorer``.
    """
    done = [(o.target.label, o.result) for o in outcomes if o.result is not None]
    lengths = [len(result.posterior.draws) for _, result in done]
    rows = np.repeat(np.arange(len(done)), lengths)
    columns = {
        "target": pa.DictionaryArray.from_arrays(
            pa.array(rows, pa.int32()), pa.array([label for label, _ in done], pa.string())
        )
    }
    fields = [pa.field("target", columns["target"].type)]
    for target in TARGETS:
        parts = [result.posterior.column(target.name) for _, result in done]
        columns[target.name] = pa.array(np.concatenate(parts or [np.empty(0, np.float32)]))
        metadata = {"unit": target.unit, "description": target.label}
        fields.append(pa.field(target.name, pa.float32(), metadata=metadata))
    about = {
        "provenance": _shared_provenance([result for _, result in done]),
        "origins": {label: result.origins for label, result in done},
        "citation": CITATION,
    }
    schema = pa.schema(fields, metadata={"galexplorer": to_json(about)})
    buffer = io.BytesIO()
    pq.write_table(pa.table(list(columns.values()), schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _shared_provenance(results: Sequence[Result | None]) -> dict:
    """Return what all rows have in common; what belongs to one row is in its columns."""
    first = next((result for result in results if result is not None), None)
    keys = ("weights_sha256", "versions", "seed", "draws")
    return {} if first is None else {k: first.provenance[k] for k in keys if k in first.provenance}
