"""Posterior draws and summaries as files, with units and provenance in each."""

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from galexplorer.export.provenance import CITATION, to_json
from galexplorer.records.result import Result
from galexplorer.schema import SUMMARY_STATISTICS, TARGETS

_LINE_FLUX = u.dex(1e-17 * u.erg / u.s / u.cm**2)
UNITS = {
    "": u.dimensionless_unscaled,
    "dex": u.dex,
    "log10(Msun)": u.dex(u.Msun),
    "log10(Msun/yr)": u.dex(u.Msun / u.yr),
    "log10(1e-17 erg/s/cm2)": _LINE_FLUX,
}
"""Astropy's unit for each unit string of `galexplorer.schema.TARGETS`."""


def posterior_table(result: Result) -> Table:
    """Return the posterior draws as a table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    astropy.table.Table
        One row per draw, one column per target with its unit and description. The
        metadata hold the summary, class probabilities, domain, notes, provenance and
        citation, plain types only.
    """
    table = Table()
    for target in TARGETS:
        table[target.name] = result.posterior.column(target.name)
        table[target.name].unit = UNITS[target.unit]
        table[target.name].description = target.label
    # Through JSON and back: numpy scalars and tuples would not survive every format.
    summary = json.loads(to_json(result.to_dict()))
    summary["summary"] = summary.pop("posterior")
    table.meta = {**summary, "fixed": list(result.posterior.fixed), "citation": CITATION}
    return table


def table_bytes(table: Table, format: str) -> bytes:
    """Return a table as the content of a file, metadata included.

    Parameters
    ----------
    table : astropy.table.Table
        Its metadata of plain types only.
    format : {"ecsv", "parquet"}

    Returns
    -------
    bytes
    """
    if format == "parquet":
        with TemporaryDirectory() as folder:  # astropy writes Parquet to paths alone
            path = Path(folder) / "table.parquet"
            table.write(path, format="parquet")
            return path.read_bytes()
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def fits_bytes(table: Table) -> bytes:
    """Return the posterior's table as FITS: POSTERIOR, SUMMARY and METADATA.

    The FITS standard knows no logarithmic units, so the unit of each column stands in
    its comment (TCOMM) and, spelt out, in SUMMARY.
    """
    units = {target.name: target.unit for target in TARGETS}
    names = list(units)
    draws = fits.BinTableHDU.from_columns(
        [fits.Column(name, "E", array=np.asarray(table[name])) for name in names],
        name="POSTERIOR",
    )
    for k, target in enumerate(TARGETS, start=1):
        unit = f" [{target.unit}]" if target.unit else ""
        draws.header[f"TCOMM{k}"] = target.label.replace("α", "alpha").replace("β", "beta") + unit
    summary = table.meta["summary"]
    statistics = [
        fits.Column(key, "D", array=[summary[name][key] for name in names])
        for key in SUMMARY_STATISTICS
    ]
    summary_hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("target", "24A", array=names),
            fits.Column("unit", "24A", array=list(units.values())),
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
    buffer = io.BytesIO()
    hdus = fits.HDUList([fits.PrimaryHDU(), draws, summary_hdu, metadata_hdu])
    for hdu in hdus:
        # astropy notes the time of day beside the sums, which would make equal results differ
        hdu.add_checksum(when="of the data")
    hdus.writeto(buffer)
    return buffer.getvalue()
