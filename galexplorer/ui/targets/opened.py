"""Which list is on the page: the one that the address names, or the last one."""

from functools import partial

import streamlit as st

from galexplorer.api.target_run import TargetRun
from galexplorer.api.target_runs import begin_run, default_folder, open_run
from galexplorer.errors import GalexplorerError
from galexplorer.query.target_list import Target, TargetList
from galexplorer.runs.target_run import Outcome, Progress
from galexplorer.ui.parts.words import show_error
from galexplorer.ui.session import state
from galexplorer.ui.session.jobs import Job, find_job

JOB_KEY, _OWN_KEY, _PARAMETER = "targets_job", "targets_own_runs", "run"


def opened_job() -> Job | None:
    """Return the list on the page, None where there is none."""
    job: Job | None = st.session_state.get(JOB_KEY)
    named = st.query_params.get(_PARAMETER)
    if named and (job is None or job.run.folder.name != named):
        run = open_run(default_folder(), named)
        if run is None:
            st.query_params.pop(_PARAMETER)
            st.warning("The list that the link names was deleted.", icon=":material/link_off:")
            return job
        job = _open(run)
    if job is not None:
        kept = open_run(job.run.folder.parent, job.run.folder.name)
        if kept is None:
            job = None  # deleted on another page
            st.session_state.pop(JOB_KEY)
        elif kept != job.run:
            job.run = kept  # renamed there
    if job is not None and named is None:
        # in place of what the browser's Back may have left of the galaxy's own address
        st.query_params.from_dict({_PARAMETER: job.run.folder.name})
    return job


def own_runs() -> set[str]:
    """Return the names of the lists that this session began."""
    return st.session_state.setdefault(_OWN_KEY, set())


def open_list(run: TargetRun) -> None:
    """Show another list; the run of the page ends."""
    st.query_params[_PARAMETER] = run.folder.name
    st.rerun()


def close_list() -> None:
    """Show no list from the next run on; in callbacks."""
    st.session_state.pop(JOB_KEY)
    st.query_params.pop(_PARAMETER, None)


def begin_list(
    targets: TargetList, title: str, images: bool, like: TargetRun | None = None
) -> None:
    """Put a list on disk, start it and show it; the run of the page ends, unless it cannot be.

    Parameters
    ----------
    targets : TargetList
    title : str
    images : bool
        As of `galexplorer.api.target_runs.begin_run`.
    like : TargetRun, optional
        One whose options it takes.
    """
    try:
        stated = {} if like is None else vars(like.options)
        run = begin_run(default_folder(), targets, title, images=images, **stated)
        begun = _open(run)
        if begun is not None:
            begun.start()
    except GalexplorerError as error:
        show_error(error)
        return
    own_runs().add(run.folder.name)
    open_list(run)


def _open(run: TargetRun) -> Job | None:
    try:
        job = find_job(run, partial(_infer, run))
    except GalexplorerError as error:
        show_error(error)
        return None
    st.session_state[JOB_KEY] = job
    return job


def _infer(run: TargetRun, target: Target, tell: Progress) -> Outcome:
    return run.infer_one(target, state.load_engine, tell)
