"""Posterior draws and summaries as files, with units and provenance in each."""

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from galexplorer.errors import OptionError
from galexplorer.inference.result import Result
from galexplorer.schema import SUMMARY_STATISTICS, TARGETS

FORMATS = ("json", "ecsv", "parquet", "fits")
MIME_TYPES = {
    "json": "application/json",
    "ecsv": "text/plain",
    "parquet": "application/vnd.apache.parquet",
    "fits": "application/fits",
}

CITATION = (
    "galexplorer (see CITATION.cff); the method follows arXiv:2511.12737; "
    "data: Sloan Digital Sky Survey, www.sdss.org/collaboration/citing-sdss"
)

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
    summary = json.loads(json.dumps(result.to_dict(), default=_plain))
    summary["summary"] = summary.pop("posterior")
    table.meta = {**summary, "fixed": list(result.posterior.fixed), "citation": CITATION}
    return table


def _plain(value):
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def result_bytes(result: Result, format: str) -> bytes:
    """Return a result as the content of a file.

    Parameters
    ----------
    result : Result
    format : {"json", "ecsv", "parquet", "fits"}
        ``json`` is the summary object; the others are the draws, with the summary and
        provenance as metadata.

    Returns
    -------
    bytes

    Raises
    ------
    OptionError
        If the format is unknown.
    """
    if format == "json":
        return _json_bytes(result)
    if format not in FORMATS:
        raise OptionError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    table = posterior_table(result)
    if format == "fits":
        return _fits_bytes(table)
    if format == "parquet":
        with TemporaryDirectory() as folder:  # astropy writes Parquet to paths alone
            path = Path(folder) / "posterior.parquet"
            table.write(path, format="parquet")
            return path.read_bytes()
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def write_result(result: Result, path: str | Path, format: str | None = None) -> None:
    """Write a result to a file, replacing one that is there.

    Parameters
    ----------
    result : Result
    path : str or Path
    format : {"json", "ecsv", "parquet", "fits"}, optional
        By default the file's suffix.

    Raises
    ------
    OptionError
        If the format is unknown, or the file cannot be written.
    """
    path = Path(path)
    content = result_bytes(result, format or path.suffix.removeprefix(".").lower())
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OptionError(
            f"Cannot write {path} ({error.strerror}): choose another place."
        ) from error


def _json_bytes(result: Result) -> bytes:
    content = {**result.to_dict(), "citation": CITATION}
    return (json.dumps(content, indent=2, default=_plain, ensure_ascii=False) + "\n").encode()


def _fits_bytes(table: Table) -> bytes:
    """Return three extensions: POSTERIOR, SUMMARY and METADATA.

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
