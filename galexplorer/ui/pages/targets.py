"""The page for a list of targets: run it, sort and filter what came out, open a row."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.export.target_tables import SUMMARY_FORMATS, draws_bytes, summary_bytes
from galexplorer.query.target_list import MAX_BYTES, MAX_TARGETS, Target, TargetList, read_targets
from galexplorer.records.verdict import LEVEL_WORDS
from galexplorer.runs.target_run import DRAWS, Outcome, Progress, infer_target
from galexplorer.science.summary import BPT_LABELS
from galexplorer.ui.parts import page_style
from galexplorer.ui.parts.history import show_history
from galexplorer.ui.session import navigation, settings, state
from galexplorer.ui.session.jobs import Job, JobHandle
from galexplorer.ui.session.link import View

JOB_KEY = "targets_held"
EXAMPLE = """NGC 5332
162.18416 +26.05369
SDSS J104844.20+260313.2, 0.0258"""

ALL, DONE, FAILED = "All", "Done", "Failed"
_WAITING = "Waiting"
_WATCH_S = 0.7
_ROW_PX, _TABLE_PX = 35, 560
_FORMAT_LABELS = {"ecsv": "ECSV", "csv": "CSV", "parquet": "Parquet", "votable": "VOTable"}
_QUANTITIES = {
    # target: column, decimals
    "redshift": ("z", 3),
    "log_stellar_mass": ("log M⋆", 2),
    "log_sfr": ("log SFR", 2),
    "gas_metallicity": ("12 + log O/H", 2),
}


def page() -> None:
    """Draw the page: give a list, run it, read the table."""
    page_style.apply_style()
    st.header("Targets", anchor=False)
    _offer(_read())
    job = _job()
    if job is not None:
        # While a list is at work its part of the page redraws itself, and no more than that.
        running = job.running
        st.fragment(_watch, run_every=_WATCH_S if running else None)(job, running)
    show_history()


def _job() -> Job | None:
    handle: JobHandle | None = st.session_state.get(JOB_KEY)
    return None if handle is None else handle.job


def _read() -> TargetList | None:
    """Draw the two ways to give a list, and return what was given."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        text = st.text_area(
            "One target per line",
            key="targets_text",
            persist_state="session",
            height=180,
            placeholder=EXAMPLE,
            help="A name, a position or an SDSS objID. A redshift after a comma is held fixed. "
            "A pasted table needs its header.",
        )
    with right:
        file = st.file_uploader(
            "Or upload a table or text file",
            key="targets_file",
            max_upload_size=max(1, MAX_BYTES // 1_000_000),
            help="CSV, ECSV, VOTable, FITS or Parquet with a column target, name, objid, or ra "
            "and dec, optionally redshift, or magnitudes u, g, r, i, z; or text, one per line.",
        )
        st.caption(f"Up to {MAX_TARGETS} targets, {DRAWS:,} draws each, seed 0.")
    content, name = (
        (file.getvalue(), file.name) if file is not None else (text.encode(), "The list")
    )
    if not content.strip():
        return None
    try:
        return read_targets(content, name)
    except GalexplorerError as error:
        st.error(str(error), icon=":material/error:")
        return None


def _offer(given: TargetList | None) -> None:
    """Draw the button that runs the list, and what it will do."""
    both = given is not None and any(t.photometry and t.text for t in given.targets)
    images = True
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        number = len(given.targets) if given is not None else 0
        job = _job()
        clicked = st.button(
            f"Run {number} target{'s' if number != 1 else ''}" if number else "Run",
            key="targets_run",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not number or (job is not None and job.running),
        )
        if both:
            images = st.toggle(
                "Fetch images",
                key="targets_images",
                persist_state="session",
                help="The rows have magnitudes. Without images these alone are used, which is "
                "quick and needs no network.",
            )
        if given is not None:
            words = _describe(given, images if both else None)
            st.markdown(f":small[{words}]")
    for note in given.notes if given is not None else ():
        st.caption(note)
    if clicked and given is not None:
        job = Job(given.targets, partial(_run, images))
        st.session_state[JOB_KEY] = JobHandle(job)
        st.session_state.pop("targets_table", None)
        job.start()
        st.rerun()


def _run(images: bool, target: Target, tell: Progress) -> Outcome:
    return infer_target(target, state.load_engine, images=images, progress=tell).slim()


def _describe(given: TargetList, images: bool | None) -> str:
    targets = given.targets
    alone = sum(t.photometry is not None and (images is False or not t.text) for t in targets)
    fixed = sum(t.redshift is not None for t in targets)
    parts = [f"{len(targets) - alone} to look up"] if alone < len(targets) else []
    parts += [f"{alone} from magnitudes alone"] if alone else []
    parts += [f"{fixed} with the redshift held fixed"] if fixed else []
    return ", ".join(parts) + "."


def _watch(job: Job, watching: bool) -> None:
    """Draw progress and table of a job."""
    if watching != job.running:
        st.rerun()  # the page's other buttons wake or sleep, and the watching ends or begins
    _show_progress(job)
    chosen = _show_table(job)
    if chosen is not None:
        _open(chosen)
    if job.done and not watching:  # a file would be out of date before it is made
        _show_downloads(job)


def _show_progress(job: Job) -> None:
    total, failed = len(job.targets), sum(bool(o.problem) for o in job.finished)
    words = f"{job.done} of {total} done" + (f", {failed} failed" if failed else "")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if job.running:
            doing = "stopping" if job.cancelled else job.words
            st.progress(job.done / total, text=f"{words} · {doing} …")
            st.button(
                "Cancel",
                key="targets_cancel",
                icon=":material/stop:",
                on_click=job.cancel,
                disabled=job.cancelled,
                help="Completed targets are kept.",
            )
        elif job.done < total:
            st.markdown(f"**Cancelled: {words}.**")
            st.button(
                "Resume", key="targets_resume", icon=":material/play_arrow:", on_click=job.start
            )
        else:
            st.markdown(f"**{words}.**")


def results_frame(job: Job) -> pd.DataFrame:
    """Return one row for each target of a list, in its order.

    Parameters
    ----------
    job : Job

    Returns
    -------
    pandas.DataFrame
        Medians, half of the 68% intervals, likeliest class, domain, and what went wrong.
    """
    rows = []
    for target, outcome in zip(job.targets, job.outcomes, strict=True):
        result = outcome.result if outcome is not None else None
        row: dict[str, object] = {
            "Target": target.label,
            "State": _WAITING if outcome is None else FAILED if result is None else DONE,
        }
        summary = result.posterior.summary() if result is not None else {}
        handle = result.posterior.fixed if result is not None else ()
        for name, (column, _) in _QUANTITIES.items():
            values = summary.get(name)
            row[column] = row[f"± {column}"] = np.nan
            if values is not None:
                row[column] = values["p50"]
                if name not in handle:
                    row[f"± {column}"] = (values["p84"] - values["p16"]) / 2
        if result is not None:
            likeliest = max(result.bpt, key=lambda kind: result.bpt[kind])
            row |= {
                "Class": BPT_LABELS[likeliest] if result.verdict.usable else "",
                "Share": 100 * result.bpt[likeliest] if result.verdict.usable else np.nan,
                "Verdict": LEVEL_WORDS[result.verdict.level],
                "Known z": result.known.get("redshift", np.nan),
            }
        fixed = target.redshift is not None and result is not None
        row["Remarks"] = " ".join(
            words
            for words in (
                outcome.problem if outcome is not None else "",
                "Redshift held fixed." if fixed else "",
                *target.notes,
                *(r.what for r in (result.verdict.reasons if result is not None else ())),
            )
            if words
        )
        rows.append(row)
    columns = ["Target", "State", "Remarks"]
    frame = pd.DataFrame(rows)
    for column in ("Class", "Share", "Verdict", "Known z"):
        if column not in frame:
            frame[column] = np.nan if column in ("Share", "Known z") else None
    rest = [column for column in frame.columns if column not in columns]
    return frame[["Target", "State", *rest, "Remarks"]]


def _show_table(job: Job) -> Outcome | Target | None:
    """Draw the table, and return the target of the row that is selected."""
    frame = results_frame(job)
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
    frame = filter_frame(frame, words or "", kind or ALL)
    config: dict = {
        "Target": st.column_config.TextColumn(width=190, pinned=True),
        "Class": st.column_config.TextColumn(
            width=105, help="The most probable class on the BPT diagram."
        ),
        "Share": st.column_config.NumberColumn("Share", format="%.0f%%", help="Of the draws."),
        "Known z": st.column_config.NumberColumn(
            format="%.4f", help="From the SDSS spectrum; not used by the model."
        ),
        "Verdict": st.column_config.TextColumn(help="Whether the values may be used."),
        "Remarks": st.column_config.TextColumn(width="large"),
    }
    for column, digits in _QUANTITIES.values():
        config[column] = st.column_config.NumberColumn(format=f"%.{digits}f", help="Median.")
        config[f"± {column}"] = st.column_config.NumberColumn(
            "±", format=f"%.{digits}f", help="Half of the 68% interval."
        )
    event = st.dataframe(
        frame,
        key="targets_table",
        hide_index=True,
        height=min(_TABLE_PX, _ROW_PX * (len(job.targets) + 1) + 3),
        row_height=_ROW_PX,
        placeholder="",
        column_config=config,
        on_select="rerun",
        selection_mode="single-row",
    )
    selected = event.selection.rows
    if not selected or selected[0] >= len(frame):
        st.caption("Click a column header to sort; select a row to open it.")
        return None
    place = int(frame.index[selected[0]])
    return job.outcomes[place] or job.targets[place]


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
        texts = (
            frame[["Target", "State", "Class", "Verdict", "Remarks"]]
            .fillna("")
            .agg(" ".join, axis=1)
        )
        frame = frame[texts.str.contains(words.strip(), case=False, regex=False)]
    return frame


def _open(chosen: Outcome | Target) -> None:
    """Draw what there is to say of the selected row, and the way to its page."""
    target = chosen.target if isinstance(chosen, Outcome) else chosen
    if isinstance(chosen, Outcome) and chosen.problem:
        st.error(chosen.problem, icon=":material/error:")
    result = chosen.result if isinstance(chosen, Outcome) else None
    imageless = result is not None and result.provenance.get("input_kind") == "photometry"
    if st.button(f"Explore {target.label}", key="targets_open", icon=":material/flare:"):
        _explore(target, imageless)


def _explore(target: Target, imageless: bool) -> None:
    options = replace(settings.lasting_options(), redshift=target.redshift)
    if target.photometry is not None:
        options = replace(
            options,
            magnitudes=target.photometry.magnitudes,
            petro_r50=target.photometry.petro_r50,
            petro_r90=target.photometry.petro_r90,
        )
    source = None if imageless else ("target", target.text or target.label)
    navigation.open_view(View(source, options, settings.interval()))


def _show_downloads(job: Job) -> None:
    """Draw the choice of what to download; files are made when the button is clicked."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="downloads"):
        kind = st.selectbox(
            "What",
            ["Summary table", "Draws of all targets"],
            key="targets_download_what",
            persist_state="session",
            label_visibility="collapsed",
            width=210,
        )
        outcomes = job.finished
        if kind == "Summary table":
            format = st.segmented_control(
                "Format",
                list(SUMMARY_FORMATS),
                format_func=_FORMAT_LABELS.__getitem__,
                default="ecsv",
                required=True,
                key="targets_download_format",
                label_visibility="collapsed",
                width="content",
            )
            make, name = (
                partial(summary_bytes, outcomes, format),
                f"targets{SUMMARY_FORMATS[format]}",
            )
        else:
            st.segmented_control(
                "Format", ["Parquet"], default="Parquet", required=True,
                key="targets_draws_format",
                label_visibility="collapsed", width="content",
            )  # fmt: skip
            make, name = partial(draws_bytes, outcomes), "targets-draws.parquet"
        st.download_button(
            "Download",
            data=make,
            file_name=name,
            key="targets_download",
            on_click="ignore",
            icon=":material/download:",
        )
