"""The table of a list of targets: what was inferred of each, and what went wrong."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from astropy.table import Table

from galexplorer.query.target_list import Target
from galexplorer.records.verdict import DO_NOT_USE, LEVEL_WORDS
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.summary import BPT_LABELS
from galexplorer.ui.parts.words import verbatim

ALL, DONE, FAILED, WAITING = "All", "Done", "Failed", "Waiting"
_ROW_PX, _TABLE_PX = 35, 560
_COLUMNS = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆",
    "log_sfr": "log SFR",
    "gas_metallicity": "12 + log O/H",
    "log_bh_mass": "log M_BH",
    "log_flux_halpha": "log F Hα",
    "log_flux_hbeta": "log F Hβ",
    "log_flux_nii_6584": "log F [N II]",
    "log_flux_oiii_5007": "log F [O III]",
}
_TOLD = 5
"""Failures that are told below the table too."""
_SEARCHED = ["Target", "State", "Class", "Verdict", "Remarks"]
_UNITS = {
    "log10(Msun)": "log of solar masses",
    "log10(Msun/yr)": "log of solar masses per year",
    "log10(1e-17 erg/s/cm2)": "log of 10⁻¹⁷ erg s⁻¹ cm⁻²",
}


def count_words(table: Table | None, number: int) -> str:
    """Return how many of a list's targets are done and how many failed, in words.

    Parameters
    ----------
    table : astropy.table.Table or None
        As `galexplorer.export.target_tables.summary_table` makes it, of those that were tried.
    number : int
        Of all.

    Examples
    --------
    >>> count_words(Table({"problem": ["", "not found", ""]}), 4)
    '2 of 4 done, 1 failed'
    """
    problems = [] if table is None else [bool(problem) for problem in table["problem"]]
    failed = sum(problems)
    words = f"{len(problems) - failed} of {number} done"
    return f"{words}, {failed} failed" if failed else words


def results_frame(targets: Sequence[Target], table: Table | None) -> pd.DataFrame:
    """Return one row for each target of a list, in its order.

    Parameters
    ----------
    targets : sequence of Target
    table : astropy.table.Table or None
        Of the first of them, those that were tried.

    Returns
    -------
    pandas.DataFrame
        Medians, half of the 68% intervals, likeliest class, verdict, and what went wrong.
    """
    number, tried = len(targets), 0 if table is None else len(table)
    frame = pd.DataFrame({"Target": [target.label for target in targets]})
    problems = _texts(table, "problem", number)
    frame["State"] = [
        WAITING if row >= tried else FAILED if problem else DONE
        for row, problem in enumerate(problems)
    ]
    fixed = _numbers(table, "redshift_fixed", number)
    for name, column in _COLUMNS.items():
        low, middle, high = (_numbers(table, f"{name}_{q}", number) for q in ("p16", "p50", "p84"))
        frame[column] = middle
        half = (high - low) / 2
        frame[f"± {column}"] = np.where(np.isfinite(fixed), np.nan, half) if column == "z" else half
    shares = np.stack([_numbers(table, name, number) for name in BPT_CLASSES], axis=1)
    verdicts = _texts(table, "verdict", number)
    usable = np.array([level != DO_NOT_USE for level in verdicts])
    known = np.isfinite(shares).all(axis=1) & usable
    likeliest = np.argmax(np.nan_to_num(shares), axis=1)
    labels = [BPT_LABELS[BPT_CLASSES[k]] for k in likeliest]
    frame["Class"] = [label if there else None for label, there in zip(labels, known, strict=True)]
    frame["Share"] = np.where(known, 100 * np.nan_to_num(shares).max(axis=1), np.nan)
    frame["Verdict"] = [LEVEL_WORDS.get(level) for level in verdicts]
    frame["Known z"] = _numbers(table, "known_redshift", number)
    reasons = _texts(table, "verdict_reasons", number)
    frame["Remarks"] = [
        " ".join(
            words
            for words in (
                problem,
                "Redshift held fixed." if np.isfinite(z) and not problem else "",
                *target.notes,
                reason,
            )
            if words
        )
        for target, problem, z, reason in zip(targets, problems, fixed, reasons, strict=True)
    ]
    first = ["Target", "State", "Verdict", "Class", "Share"]
    return frame[[*first, *(name for name in frame.columns if name not in first)]]


def _numbers(table: Table | None, name: str, number: int) -> np.ndarray:
    """Return a column, with NaN for the targets that were not tried."""
    values = np.full(number, np.nan)
    if table is not None:
        values[: len(table)] = np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan)
    return values


def _texts(table: Table | None, name: str, number: int) -> list[str]:
    found = [] if table is None else [str(text) for text in np.ma.filled(table[name], "")]
    return found + [""] * (number - len(found))


def filter_frame(frame: pd.DataFrame, words: str, kind: str) -> pd.DataFrame:
    """Return the rows of a state that hold some words, case aside.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `results_frame` makes it.
    words : str
        Empty for all.
    kind : str
        "All", "Done" or "Failed".
    """
    if kind != ALL:
        frame = frame[frame["State"] == kind]
    if words.strip():
        texts = frame[_SEARCHED].fillna("").agg(" ".join, axis=1)
        frame = frame[texts.str.contains(words.strip(), case=False, regex=False)]
    return frame


def show_table(frame: pd.DataFrame, name: str) -> int | None:
    """Draw the table with its filters, and return which target's row is selected.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `results_frame` makes it.
    name : str
        Of the list: another one has no row selected.

    Returns
    -------
    int or None
        Row of `frame`.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = st.text_input(
            "Filter",
            key="targets_filter",
            placeholder="Part of a name, class or remark",
            icon=":material/search:",
            label_visibility="collapsed",
            width=300,
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
    shown = filter_frame(frame, words or "", kind or ALL)
    event = st.dataframe(
        shown,
        # another list, or other rows of it: what was selected would be another target
        key=f"targets_table {name} {kind} {words}",
        hide_index=True,
        height=min(_TABLE_PX, _ROW_PX * (len(frame) + 1) + 3),
        row_height=_ROW_PX,
        placeholder="",
        column_config=_configure(),
        on_select="rerun",
        selection_mode="single-row",
    )
    for row in shown[shown["State"] == FAILED].head(_TOLD).itertuples():
        told = verbatim(f"{row.Target}: {row.Remarks}")
        st.caption(f":material/error: {told}")  # far to the right otherwise
    selected = event.selection.rows
    if not selected or selected[0] >= len(shown):
        st.caption("Click a column header to sort; select a row to open it.")
        return None
    return int(shown.index[selected[0]])


def _configure() -> dict:
    config: dict = {
        "Target": st.column_config.TextColumn(width=190, pinned=True),
        "Class": st.column_config.TextColumn(
            width=105, help="The most probable class on the BPT diagram."
        ),
        "Share": st.column_config.NumberColumn("Share", format="%.0f%%", help="Of the draws."),
        "Known z": st.column_config.NumberColumn(
            format="%.4f", help="From the SDSS spectrum; not used by the model."
        ),
        "Verdict": st.column_config.TextColumn(width=130, help="Whether the values may be used."),
        "Remarks": st.column_config.TextColumn(width="large"),
    }
    for target in TARGETS:
        column = _COLUMNS[target.name]
        unit = _UNITS.get(target.unit, "")
        what = f"{target.label}{f', {unit}' if unit else ''}: median."
        if target.name == "gas_metallicity":
            what += " Empty where a spectrum would show none."
        config[column] = st.column_config.NumberColumn(format=f"%.{target.digits}f", help=what)
        config[f"± {column}"] = st.column_config.NumberColumn(
            "±", format=f"%.{target.digits}f", help="Half of the 68% interval."
        )
    return config
