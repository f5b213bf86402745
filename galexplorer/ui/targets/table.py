"""The table of a list of targets on the page: filter, order and selection."""

from functools import partial
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.schema import TARGETS
from galexplorer.ui.targets.results_frame import (
    ALL,
    DIFFERENCE,
    DONE,
    FAILED,
    KNOWN,
    LIST_ORDER,
    QUANTITIES,
    filter_frame,
    put_first,
    sort_frame,
)

_SORT, _DIRECTION, _SELECTED = "targets_sort", "targets_direction", "targets_selected"
_UP, _DOWN = "Ascending", "Descending"
_ROW_PX, _TABLE_PX = 35, 560
_UNITS = {
    "log10(Msun)": "log of solar masses",
    "log10(Msun/yr)": "log of solar masses per year",
    "log10(1e-17 erg/s/cm2)": "log of 10⁻¹⁷ erg s⁻¹ cm⁻²",
}


class Rows(NamedTuple):
    """Rows of a list's table, each in the order on the screen.

    Attributes
    ----------
    selected, shown, every : list of int
        Places of targets in the list: of the selected rows, those that the filter leaves, and all.
    """

    selected: list[int]
    shown: list[int]
    every: list[int]


def show_table(frame: pd.DataFrame, name: str) -> Rows:
    """Draw the table with its filters, and return what it shows and what is selected.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `galexplorer.ui.targets.results_frame.results_frame` makes it.
    name : str
        Of the list: another one has no row selected.

    Returns
    -------
    Rows
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words, kind = _choose_rows()
        column, descending = _choose_order(list(frame.columns))
    ordered = put_first(sort_frame(frame, column, descending), column)
    shown = filter_frame(ordered, words, kind)
    every, rows = ordered.index.tolist(), shown.index.tolist()
    if not rows:
        st.caption("No target matches the filter.")
        return Rows([], [], every)
    of, before = st.session_state.get(_SELECTED, ("", []))
    kept = [place for place, row in enumerate(rows) if of == name and row in before]
    # what is selected are places: other rows, or another order, are another table
    key = f"targets_table {name} {column} {descending} {crc32(np.array(rows).tobytes())}"
    event = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height=min(_TABLE_PX, _ROW_PX * (len(shown) + 1) + 2),
        row_height=_ROW_PX,
        placeholder="",
        column_config=_configure(),
        on_select=partial(_sort_by_header, key),
        # a selected column is one to sort by: Streamlit's own order has missing values first
        selection_mode=["multi-row", "single-column"],
        selection_default={"selection": {"rows": kept}},
    )
    selected = [rows[place] for place in sorted(event.selection.rows) if place < len(rows)]
    st.session_state[_SELECTED] = (name, selected)
    if not selected:
        st.caption("Click a column header to sort; select rows to open, compare or download them.")
    return Rows(selected, rows, every)


def _choose_rows() -> tuple[str, str]:
    words = st.text_input(
        "Filter",
        key="targets_filter",
        placeholder="Part of a name, class or remark",
        icon=":material/search:",
        label_visibility="collapsed",
        width=270,
    )
    st.session_state.setdefault("targets_state", ALL)
    kind = st.segmented_control(
        "State",
        [ALL, DONE, FAILED],
        required=True,
        key="targets_state",
        label_visibility="collapsed",
        width="content",
    )
    return words or "", kind or ALL


def _choose_order(columns: list[str]) -> tuple[str, bool]:
    column = st.selectbox(
        "Sort by",
        [LIST_ORDER, *(name for name in columns if not name.startswith("± "))],
        format_func=lambda name: name if name == LIST_ORDER else f"Sort by {name}",
        key=_SORT,
        persist_state="session",
        label_visibility="collapsed",
        width=190,
    )
    st.session_state.setdefault(_DIRECTION, _UP)
    direction = st.segmented_control(
        "Direction",
        [_UP, _DOWN],
        required=True,
        key=_DIRECTION,
        persist_state="session",
        label_visibility="collapsed",
        width="content",
    )
    return column or LIST_ORDER, direction == _DOWN


def _sort_by_header(key: str) -> None:
    """Sort by the column whose header was clicked, the other way round if it is so sorted."""
    columns = st.session_state[key].selection.columns
    if not columns:
        return
    again = st.session_state.get(_SORT) == columns[0]
    turned = again and st.session_state.get(_DIRECTION) == _UP
    st.session_state[_SORT], st.session_state[_DIRECTION] = columns[0], _DOWN if turned else _UP


def _configure() -> dict:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    config: dict = {
        "Target": text(width=190, pinned=True),
        "State": text(width=68),
        "Verdict": text(
            width=122, help="Fine: like the training galaxies. What the remarks say counts too."
        ),
        "Remarks": text(width=200, help="Select the row to read them in full."),
        "Class": text(width=105, help="The most probable class on the BPT diagram."),
        "Share": number(format="%.0f%%", help="Of the draws.", width=58),
        "RA": number(format="%.5f", help="Degrees, ICRS.", width=82),
        "Dec": number(format="%+.5f", help="Degrees, ICRS.", width=82),
        "r": number(format="%.2f", help="AB magnitude that was used.", width=55),
        KNOWN: number(
            format="%.4f",
            help="Of the SDSS spectrum, or as the list states it; not used by the model.",
            width=70,
        ),
        DIFFERENCE: number(
            format="%+.4f",
            help="(z − known z) / (1 + known z). Empty where z was held fixed.",
            width=90,
        ),
    }
    for target in TARGETS:
        column = QUANTITIES[target.name]
        unit = _UNITS.get(target.unit, "")
        what = f"{target.label}{f', {unit}' if unit else ''}: median."
        if target.name == "gas_metallicity":
            what += " Empty where a spectrum would show none."
        config[column] = number(format=f"%.{target.digits}f", help=what)
        config[f"± {column}"] = number(
            format=f"%.{target.digits}f", help="Half of the 68% interval."
        )
    return config
