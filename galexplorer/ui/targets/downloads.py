"""The table and the draws of a list as files: of the targets selected, those shown, or all."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from galexplorer.api.brief_table import brief_table
from galexplorer.api.latex_table import latex_of_table
from galexplorer.api.target_run import TargetRun
from galexplorer.export.tables import written_bytes
from galexplorer.export.target_tables import SUMMARY_FORMATS
from galexplorer.tables.cells import texts_of
from galexplorer.ui.targets.table import Rows

BRIEF, FULL = "Brief", "Full"
_LATEX = "latex"
_FORMAT_LABELS = {
    "ecsv": "ECSV",
    "csv": "CSV",
    "parquet": "Parquet",
    "votable": "VOTable",
    _LATEX: "LaTeX",
}
_SUFFIXES = {**SUMMARY_FORMATS, _LATEX: ".tex"}


def show_downloads(run: TargetRun, rows: Rows) -> None:
    """Draw the button that gives a CSV table, and beside it the other files.

    A file is made when its button is clicked and not before.

    Parameters
    ----------
    run : TargetRun
    rows : Rows
        What the table shows.
    """
    choices = _name_choices(rows, run.done)
    if not choices:
        return
    first = next(iter(choices))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="downloads"):
        columns = st.segmented_control(
            "Columns",
            [BRIEF, FULL],
            default=BRIEF,
            required=True,
            key="targets_columns",
            persist_state="session",
            label_visibility="collapsed",
            width="content",
            help="Brief: position, r, medians with 68% intervals, class, verdict and remarks.",
        )
        brief = columns == BRIEF
        st.download_button(
            f"CSV of {first}",
            data=partial(_table, run, choices[first], brief, "csv"),
            file_name="targets.csv",
            key="targets_download",
            on_click="ignore",
            icon=":material/download:",
            help="In the order on the screen.",
        )
        with st.popover("More", icon=":material/more_horiz:", key="targets_downloads"):
            _show_others(run, choices, brief)


def _name_choices(rows: Rows, tried: int) -> dict[str, list[int]]:
    """Return which rows can be downloaded, by what that is called, what is meant first."""
    selected, shown, every = ([r for r in own if r < tried] for own in rows)
    whole = f"all {len(every):,}" if len(every) > 1 else "the target"
    named = {f"{len(selected):,} selected": selected}
    if len(shown) < len(every):
        named[f"{len(shown):,} shown"] = shown
    return {words: own for words, own in {**named, whole: every}.items() if own}


def _show_others(run: TargetRun, choices: dict[str, list[int]], brief: bool) -> None:
    words = next(iter(choices))
    if len(choices) > 1:
        words = st.segmented_control(
            "Targets",
            list(choices),
            default=words,
            required=True,
            # another selection is another choice
            key=f"targets_download_rows {' '.join(choices)}",
        )
    rows = choices[words or next(iter(choices))]
    format = st.segmented_control(
        "Format",
        list(_SUFFIXES),
        format_func=_FORMAT_LABELS.__getitem__,
        default="ecsv",
        required=True,
        key="targets_download_format",
        persist_state="session",
    )
    assert format is not None
    st.download_button(
        "LaTeX table" if format == _LATEX else f"{'Brief' if brief else 'Full'} table",
        data=partial(_table, run, rows, brief, format),
        file_name=f"targets{_SUFFIXES[format]}",
        key="targets_download_table",
        on_click="ignore",
        icon=":material/download:",
    )
    st.download_button(
        "Draws (Parquet)",
        data=partial(_draws, run, rows),
        file_name="targets-draws.parquet",
        key="targets_download_draws",
        on_click="ignore",
        icon=":material/download:",
        help="A row for each draw of the targets that have a result.",
    )
    st.caption("CSV has no place for units, provenance and citation: the others have.")


def _table(run: TargetRun, rows: Sequence[int], brief: bool, format: str) -> bytes:
    table = run.table()[list(rows)]
    if format == _LATEX:
        return latex_of_table(table)
    return written_bytes(brief_table(table) if brief else table, format)


def _draws(run: TargetRun, rows: Sequence[int]) -> bytes:
    """Return the draws of some targets: those of a list lie one after the other, of one length."""
    summary, table = run.table(), run.draws_table()
    done = texts_of(summary["problem"]) == ""
    places = np.cumsum(done) - 1
    steps = np.arange(run.draws)
    taken = [places[row] * run.draws + steps for row in rows if done[row]]
    part = table[np.concatenate([np.empty(0, int), *taken])]
    labels = {str(summary["target"][row]) for row in rows}
    for what in {"origins", "caveats"} & part.meta.keys():
        part.meta[what] = {k: v for k, v in part.meta[what].items() if k in labels}
    return written_bytes(part, "parquet")
