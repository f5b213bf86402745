"""What a user takes home: figures, draws, summary."""

from functools import partial

import streamlit as st

from galexplorer.export.figures import FIGURE_FORMATS, FIGURE_MIME_TYPES, figure_bytes
from galexplorer.export.tables import MIME_TYPES, result_bytes
from galexplorer.figures.corner import corner_figure
from galexplorer.inference.result import Result
from galexplorer.ui.sources import Source


def show_downloads(
    result: Result, key: str, truth: dict[str, float], source: Source | None
) -> None:
    """Draw the buttons that download figures, draws and summary.

    Parameters
    ----------
    result : Result
    key : str
        Hash that names the result.
    truth : dict of str to float
        Known values by target.
    source : Source or None
        None where the result rests on photometry alone.
    """
    st.subheader("Downloads", anchor=False)
    stem = _stem(source)
    with st.container(horizontal=True, gap="small", key="downloads"):
        for format in FIGURE_FORMATS:
            st.download_button(
                f"Corner plot, {format.upper()}",
                data=partial(_corner_file, format, result, truth),
                file_name=f"{stem}-corner.{format}",
                mime=FIGURE_MIME_TYPES[format],
                key=f"download_corner_{format}",
                on_click="ignore",
                icon=":material/download:",
            )
        for format, name in (("ecsv", "ECSV"), ("parquet", "Parquet"), ("fits", "FITS")):
            st.download_button(
                f"Draws, {name}",
                data=partial(result_bytes, result, format),
                file_name=f"{stem}-posterior.{format}",
                mime=MIME_TYPES[format],
                key=f"download_{format}",
                on_click="ignore",
                icon=":material/download:",
            )
        st.download_button(
            "Summary, JSON",
            data=partial(result_bytes, result, "json"),
            file_name=f"{stem}-summary.json",
            mime=MIME_TYPES["json"],
            key="download_json",
            on_click="ignore",
            icon=":material/download:",
        )
    st.caption("Every table and the summary carry units, provenance and the citation.")


def _stem(source: Source | None) -> str:
    name = source.name.split(".")[0] if source is not None else "photometry"
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name) or "galaxy"


def _corner_file(format: str, result: Result, truth: dict[str, float]) -> bytes:
    return figure_bytes(corner_figure(result.posterior, truths=truth), format)
