"""Posterior draws and summaries as files, with units and provenance in each."""

import json
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy.io import fits
from astropy.table import Table

from galexplorer.export.provenance import CITATION, caveat_sentences, to_json
from galexplorer.export.summary import summarise
from galexplorer.records.result import Result
from galexplorer.schema import SUMMARY_STATISTICS, TARGETS
from galexplorer.science.columns import describe_columns
from galexplorer.science.derived import derive
from galexplorer.tables import write_table
from galexplorer.tables.fits_writer import write_fits

_CARD = 70
"""Letters of a COMMENT card."""


def posterior_table(result: Result) -> Table:
    """Return the posterior draws as a table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    astropy.table.Table
        One row per draw: a column for each target, and after those one for each derived quantity
        (`galexplorer.science.derived.DERIVED`), with unit, description and UCD. What a
        spectrum would not give keeps its draws, and the description says so. The metadata hold the
        summary, class probabilities, domain, notes, caveats (the last two in sentences for a
        reader), provenance and citation, plain types only.
    """
    table = Table()
    for target in TARGETS:
        table[target.name] = result.posterior.column(target.name)
    for quantity in derive(result.posterior, result.photometry.petro_r50, result.measurable):
        table[quantity.name] = quantity.draws.astype(np.float32)
    describe_columns(table)
    # Through JSON and back: numpy scalars and tuples would not survive every format.
    summary = json.loads(to_json(summarise(result)))
    for name, reason in summary["undetermined"].items():
        table[name].description += f"; here {reason}"
    if not result.verdict.usable:
        mark = f"DO NOT USE ({', '.join(each.code for each in result.verdict.worst)}): "
        for name in table.colnames:
            table[name].description = f"{mark}{table[name].description}"
    summary["summary"] = summary.pop("posterior")
    table.meta = {
        **summary,
        "fixed": list(result.posterior.fixed),
        "caveats": caveat_sentences(result),
        "citation": CITATION,
    }
    return table


def written_bytes(table: Table, format: str) -> bytes:
    """Return what `galexplorer.tables.write_table` writes, as the content of a file.

    Parameters
    ----------
    table : astropy.table.Table
    format : str
        One of `galexplorer.tables.TABLE_SUFFIXES`.

    Returns
    -------
    bytes
    """
    with TemporaryDirectory() as folder:  # astropy writes some formats to paths alone
        path = Path(folder) / "table"
        write_table(table, path, format)
        return path.read_bytes()


def fits_bytes(table: Table) -> bytes:
    """Return the posterior's table as FITS: POSTERIOR, SUMMARY and METADATA."""
    names = [target.name for target in TARGETS]
    bare = table.copy(copy_data=False)
    # on top of the header, where every reader shows them
    told = [*table.meta["caveats"], f"Cite: {table.meta['citation']}"]
    words = [words.encode("ascii", "replace").decode() for words in told]
    bare.meta = {"comments": [line for text in words for line in textwrap.wrap(text, _CARD)]}
    summary = table.meta["summary"]
    statistics = [
        fits.Column(key, "D", array=np.array([summary[name][key] for name in names], float))
        for key in SUMMARY_STATISTICS
    ]
    summary_hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("target", "24A", array=names),
            fits.Column("unit", "24A", array=[target.unit for target in TARGETS]),
            *statistics,
        ],
        name="SUMMARY",
    )
    metadata = {
        key: json.dumps(value, ensure_ascii=True)
        for key, value in table.meta.items()
        if key != "summary"
    }
    width = max(len(text) for text in metadata.values())
    metadata_hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("key", "24A", array=list(metadata)),
            fits.Column("json", f"{width}A", array=list(metadata.values())),
        ],
        name="METADATA",
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "posterior.fits"
        write_fits(bare, path, "POSTERIOR", (summary_hdu, metadata_hdu))
        return path.read_bytes()
