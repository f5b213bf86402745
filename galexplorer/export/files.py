"""A result as the content of a file, in each of the formats."""

import os
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

from galexplorer.errors import OptionError
from galexplorer.export.provenance import CITATION, to_json
from galexplorer.export.summary import summarise
from galexplorer.records.result import Result


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes
    ----------
    label : str
        Words for a person.
    suffix, mime : str
    """

    label: str
    suffix: str
    mime: str


FORMATS = {
    "json": Format("JSON", ".json", "application/json"),
    "latex": Format("LaTeX table row", ".tex", "application/x-tex"),
    "ecsv": Format("ECSV", ".ecsv", "text/plain"),
    "parquet": Format("Parquet", ".parquet", "application/vnd.apache.parquet"),
    "fits": Format("FITS", ".fits", "application/fits"),
    "votable": Format("VOTable", ".vot", "application/x-votable+xml"),
    "netcdf": Format("netCDF (ArviZ)", ".nc", "application/x-netcdf"),
    "html": Format("HTML", ".html", "text/html"),
    "pdf": Format("PDF", ".pdf", "application/pdf"),
}
"""Every format that a result can be written in, by name."""

SUMMARY_FORMATS = ("json", "latex")
DRAWS_FORMATS = ("ecsv", "parquet", "fits", "votable", "netcdf")
REPORT_FORMATS = ("html", "pdf")


def result_bytes(result: Result, format: str, name: str = "") -> bytes:
    """Return a result as the content of a file.

    Parameters
    ----------
    result : Result
    format : str
        One of `FORMATS`: a summary (``json``, ``latex``), the draws with the summary as metadata
        (``ecsv``, ``parquet``, ``fits``, ``votable``, ``netcdf``), or a report (``html``, ``pdf``).
    name : str
        Of the galaxy, for the formats that print it.

    Returns
    -------
    bytes
        Equal for equal results. Provenance and citation are in every one.

    Raises
    ------
    OptionError
        If the format is unknown.
    """
    # Each module is loaded where it is needed: the report alone takes a second of matplotlib.
    if format == "json":
        return (to_json({**summarise(result), "citation": CITATION}, indent=2) + "\n").encode()
    if format == "latex":
        from galexplorer.export.latex import latex_bytes

        return latex_bytes(result, name)
    if format == "html":
        from galexplorer.export.html import html_report

        return html_report(result, name)
    if format == "pdf":
        from galexplorer.export.pdf import pdf_report

        return pdf_report(result, name)
    if format not in FORMATS:
        raise OptionError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    from galexplorer.export.interchange import netcdf_bytes, votable_bytes
    from galexplorer.export.tables import fits_bytes, posterior_table, written_bytes

    table = posterior_table(result)
    own = {"fits": fits_bytes, "votable": votable_bytes, "netcdf": netcdf_bytes}
    return own[format](table) if format in own else written_bytes(table, format)


def write_result(
    result: Result, path: str | Path, format: str | None = None, name: str = ""
) -> None:
    """Write a result to a file, replacing one that is there.

    Parameters
    ----------
    result : Result
    path : str or Path
    format : str, optional
        One of `FORMATS`; by default told by the file's suffix.
    name : str
        Of the galaxy, for the formats that print it.

    Raises
    ------
    OptionError
        If the format is unknown, or the file cannot be written.
    """
    path = Path(path)
    if format is None:
        suffix = path.suffix.lower()
        format = next((key for key, f in FORMATS.items() if f.suffix == suffix), suffix[1:])
    replace_file(path, result_bytes(result, format, name))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file, replacing what was there only once the new one is whole.

    Raises
    ------
    OptionError
        If the system refuses to write there.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a pipe or a device stays what it is
            return
        place = path.resolve()
        part = place.with_name(f".{os.getpid()}.{get_ident()}.part")
        try:
            part.write_bytes(content)
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OptionError(
            f"Cannot write {path} ({error.strerror}): choose another place."
        ) from error
