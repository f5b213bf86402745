"""The page for lists of targets: run one, sort and filter what came out, open a row, come back."""

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.runs.made_with import differ_from
from galexplorer.ui.parts import page_style
from galexplorer.ui.parts.history import show_history
from galexplorer.ui.parts.words import show_error
from galexplorer.ui.session import state
from galexplorer.ui.session.jobs import Job
from galexplorer.ui.targets.downloads import show_downloads
from galexplorer.ui.targets.heading import show_heading
from galexplorer.ui.targets.kept_lists import show_kept_lists
from galexplorer.ui.targets.new_list import offer_new_list
from galexplorer.ui.targets.opened import opened_job
from galexplorer.ui.targets.progress import show_progress
from galexplorer.ui.targets.remarks import remarks_of
from galexplorer.ui.targets.results_frame import FAILED, count_words, results_frame
from galexplorer.ui.targets.selection import show_selection
from galexplorer.ui.targets.table import show_table

_WATCH_S = 0.7


def page() -> None:
    """Draw the page: give a list, run it, read the table."""
    page_style.apply_style()
    st.header("Targets", anchor=False)
    job = opened_job()
    offer_new_list(job)
    if job is not None:
        show_heading(job)
        # While a list is at work its part of the page redraws itself, and no more than that.
        running = job.running
        st.fragment(_watch, run_every=_WATCH_S if running else None)(job, running)
    show_kept_lists(job)
    show_history()


def _watch(job: Job, watching: bool) -> None:
    """Draw progress and table of a job."""
    if watching != job.running:
        st.rerun()  # the page's other buttons wake or sleep, and the watching ends or begins
    try:
        table = job.table()
        made = {} if table is None or job.running else table.meta.get("provenance", {})
        differ = differ_from(made, state.load_engine().weights.manifest) if made else []
    except GalexplorerError as error:
        show_error(error)
        return
    show_progress(job, count_words(table, len(job.targets)), differ)
    remarks = remarks_of(job.targets, table)
    frame = results_frame(job.targets, table, remarks)
    rows = show_table(frame, job.run.folder.name)
    if rows.selected:
        show_selection(
            [job.targets[row] for row in rows.selected],
            [remarks[row] for row in rows.selected],
            [frame["State"][row] == FAILED for row in rows.selected],
            job.run.images,
        )
    if not watching:  # a file would be out of date before it is made
        show_downloads(job.run, rows)
