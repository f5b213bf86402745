"""Files of a comparison: its table, and its figures for print."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from galexplorer.api.comparison import (
    FIGURES,
    TABLE_FORMATS,
    comparison_bytes,
    comparison_figure_bytes,
)
from galexplorer.export.figures import FIGURE_FORMATS
from galexplorer.export.publication import SIZES
from galexplorer.records.result import Result
from galexplorer.science.contrast import Contrast

_TABLE = "table"
_KINDS = {_TABLE: "Table", **FIGURES}
_LABELS = {
    "csv": "CSV", "ecsv": "ECSV", "fits": "FITS", "parquet": "Parquet", "votable": "VOTable",
    "latex": "LaTeX", "png": "PNG", "pdf": "PDF", "svg": "SVG",
}  # fmt: skip
_HINTS = {
    "csv": "A row a galaxy, with verdict and seed. CSV has no place for units, provenance and "
    "citation: the other formats have them.",
    "latex": "A row a galaxy, to take into a document with \\input.",
}
_TABLE_HINT = "A row a galaxy, with units, verdict, seed, provenance and citation."
_FIGURE_HINT = "For print: white background, fonts embedded, provenance and citation inside."


@st.fragment
def offer_comparison(
    galaxies: Sequence[tuple[str, Result]],
    contrasts: dict[str, Contrast],
    panels: tuple[str, ...],
) -> None:
    """Draw the choice of what to download, and one button; a file is made when it is clicked.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
        Names that differ, and results.
    contrasts : dict of str to Contrast
        By target, the first of two galaxies less the second; empty for none.
    panels : tuple of str
        Targets of the corner plot.
    """
    usable = any(result.verdict.usable for _, result in galaxies)
    kind = st.selectbox(
        "What",
        list(_KINDS) if usable else [_TABLE],
        format_func=_KINDS.__getitem__,
        key="compared_what",
        persist_state="session",
        label_visibility="collapsed",
    )
    formats = list(TABLE_FORMATS) if kind == _TABLE else list(FIGURE_FORMATS)
    format = st.segmented_control(
        "Format",
        formats,
        format_func=_LABELS.__getitem__,
        default=formats[0],
        required=True,
        key=f"compared_format_{kind == _TABLE}",
        persist_state="session",
        label_visibility="collapsed",
    )
    assert format is not None
    make: Callable[[], bytes]
    if kind == _TABLE:
        make, suffix = partial(comparison_bytes, galaxies, format, contrasts), TABLE_FORMATS[format]
        hint = _HINTS.get(format, _TABLE_HINT)
    else:
        size = st.selectbox(
            "Size",
            list(SIZES),
            index=1,
            format_func=lambda name: SIZES[name].label,
            key="compared_size",
            persist_state="session",
            label_visibility="collapsed",
        )
        make = partial(comparison_figure_bytes, galaxies, kind, format, size, panels)
        suffix, hint = f".{format}", _FIGURE_HINT
    st.download_button(
        "Download",
        data=make,
        file_name=f"comparison-{kind}{suffix}",
        key="compared_download",
        on_click="ignore",
        icon=":material/download:",
    )
    st.caption(hint)
