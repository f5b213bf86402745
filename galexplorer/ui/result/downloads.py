"""Downloads: figures, draws, summary, report."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from galexplorer.export.figures import FIGURE_FORMATS, FIGURE_MIME_TYPES
from galexplorer.export.files import (
    DRAWS_FORMATS,
    FORMATS,
    REPORT_FORMATS,
    SUMMARY_FORMATS,
    result_bytes,
)
from galexplorer.export.latex import latex_table
from galexplorer.export.publication import FIGURES, SIZES, publication_bytes
from galexplorer.records.result import Result
from galexplorer.ui.session.identity import Identity

_LATEX, _TABLE = "table", "latex_table"
_LATEX_LABELS = {_TABLE: "Table", "latex": "Row"}
_TABLES = {
    "report": ("Report", REPORT_FORMATS),
    "draws": ("Posterior draws", DRAWS_FORMATS),
    _LATEX: ("LaTeX table", (_TABLE, "latex")),
    "summary": ("Summary", tuple(name for name in SUMMARY_FORMATS if name != "latex")),
}
_LABELS = {**{key: label for key, (label, _) in _TABLES.items()}, **FIGURES}
_HINTS = {
    "report": "Everything on this page in one self-contained file.",
    "draws": "One row for each draw, with units; the summary is in the file's metadata.",
    _LATEX: "This galaxy as a table with notes (booktabs), or as one row of a table of many.",
    "summary": "Quantiles, classes, neighbours and domain.",
}
_CODE_PX = 220
_FIGURE_HINT = "For print: white background, fonts embedded (outlines in SVG)."


def show_downloads(result: Result, identity: Identity) -> None:
    """Draw the choice of what to download, and one button.

    A file is made when the button is clicked and not before.

    Parameters
    ----------
    result : Result
    identity : Identity
        The galaxy's name and known values.
    """
    _choose(result, identity)


@st.fragment
def _choose(result: Result, identity: Identity) -> None:
    truth, name = identity.known, identity.name
    kinds = list(_LABELS)
    if not np.isfinite(list(result.bpt.values())).all():
        kinds.remove("bpt")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="downloads"):
        kind = st.selectbox(
            "What",
            kinds,
            format_func=_LABELS.__getitem__,
            key="download_what",
            persist_state="session",
            label_visibility="collapsed",
            width=190,
        )
        formats = _TABLES[kind][1] if kind in _TABLES else FIGURE_FORMATS
        format = st.segmented_control(
            "Format",
            formats,
            format_func=_format_label,
            default=formats[0],
            required=True,
            key=f"download_format_{kind}",
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
        assert format is not None
        size = "double"
        if kind in FIGURES:
            size = st.selectbox(
                "Size",
                list(SIZES),
                index=1,
                format_func=lambda name: SIZES[name].label,
                key="download_size",
                persist_state="session",
                label_visibility="collapsed",
                width=220,
            )
        make, suffix, mime = _plan(result, kind, format, size, truth, name)
        st.download_button(
            "Download",
            data=make,
            file_name=f"{file_stem(name)}-{kind}{suffix}",
            mime=mime,
            key="download",
            on_click="ignore",
            icon=":material/download:",
        )
    hint = _HINTS.get(kind, _FIGURE_HINT)
    st.caption(f"{hint} Every file carries its provenance and the citation to use.")
    if kind == _LATEX:
        st.code(make().decode(), language="latex", height=_CODE_PX)  # it has a button to copy


def _plan(
    result: Result, kind: str, format: str, size: str, truth: dict[str, float], name: str
) -> tuple[Callable[[], bytes], str, str]:
    """Return what makes the file, its suffix and its MIME type."""
    if kind in FIGURES:
        make = partial(publication_bytes, result, kind, format, size, truth, name)
        return make, f".{format}", FIGURE_MIME_TYPES[format]
    described = replace(result, known=truth)  # an example's simulated values count as known
    if format == _TABLE:
        make = partial(_latex_table, described, name)
        return make, FORMATS["latex"].suffix, FORMATS["latex"].mime
    return (
        partial(result_bytes, described, format, name),
        FORMATS[format].suffix,
        FORMATS[format].mime,
    )


def _latex_table(result: Result, name: str) -> bytes:
    return latex_table(result, name).encode()


def _format_label(format: str) -> str:
    if format in _LATEX_LABELS:
        return _LATEX_LABELS[format]
    return FORMATS[format].label if format in FORMATS and format != "pdf" else format.upper()


def file_stem(name: str) -> str:
    """Return a galaxy's name as the beginning of a file's.

    Examples
    --------
    >>> file_stem("NGC 5332"), file_stem("J104844.19+260313.2"), file_stem("m101 g.fits.gz")
    ('NGC-5332', 'J104844.19+260313.2', 'm101-g')
    """
    name = re.sub(r"\.(fits?|jpe?g|fz|gz|bz2)\b", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^\w+.-]+", "-", name, flags=re.ASCII).strip("-.")[:60] or "galaxy"
