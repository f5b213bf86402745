"""How far a list is, and what stops it or goes on with it."""

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.query.target_list import TargetList
from galexplorer.ui.parts.words import show_error, verbatim
from galexplorer.ui.session.jobs import Job
from galexplorer.ui.targets.opened import begin_list


def show_progress(job: Job, words: str, differ: list[str]) -> None:
    """Draw how far a list is, and what stops or goes on with it.

    Parameters
    ----------
    job : Job
    words : str
        How many of its targets are done.
    differ : list of str
        What the targets that are done were made with and the app no longer has.
    """
    total = len(job.targets)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if job.running:
            doing = "stopping" if job.cancelled else job.words
            st.progress(job.done / total, text=f"{words} · {verbatim(doing)} …")
            st.button(
                "Cancel",
                key="targets_cancel",
                icon=":material/stop:",
                on_click=job.cancel,
                disabled=job.cancelled,
                help="Completed targets are kept.",
            )
        elif job.done < total:
            st.markdown(f"**{'Cancelled' if job.cancelled else 'Stopped'}: {words}.**")
            if not differ:
                _offer_resume(job)
        else:
            st.markdown(f"**{words}.**")
    if differ and not job.running:
        _offer_again(job, " and ".join(differ))
    if job.problem:
        show_error(job.problem)


def _offer_resume(job: Job) -> None:
    if st.button("Resume", key="targets_resume", icon=":material/play_arrow:"):
        try:
            job.start()
        except GalexplorerError as error:
            show_error(error)
        else:
            st.rerun()


def _offer_again(job: Job, differ: str) -> None:
    """Say that a list was made with something else than the app has now, and offer it anew."""
    if job.done < len(job.targets):
        st.warning(
            f"This list was begun with other {differ} than the app has now, so new values would "
            "not be comparable with those below. Start it again; those below stay in this list.",
            icon=":material/warning:",
        )
    else:
        st.caption(
            f"This list was made with other {differ} than the app has now: a galaxy that is "
            "explored from here may have other values."
        )
    clicked = st.button(
        "Start again",
        key="targets_again",
        icon=":material/restart_alt:",
        help="Infers all its targets anew, as a list of its own.",
    )
    if clicked:
        begin_list(TargetList(job.targets), job.run.title, job.run.images, job.run)
