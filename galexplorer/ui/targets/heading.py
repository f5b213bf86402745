"""What says which list is on the page, and offers to begin another one from it."""

import streamlit as st

from galexplorer.api.target_run import TargetRun
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session.jobs import Job
from galexplorer.ui.targets.new_list import edit_as_new_list


def show_heading(job: Job) -> None:
    """Draw title and date of the list on the page.

    Parameters
    ----------
    job : Job
    """
    st.subheader(verbatim(job.run.title), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f":small[Kept list of {date_words(job.run)}]", width="content")
        st.button(
            "Edit as a new list",
            key="targets_edit",
            type="tertiary",
            icon=":material/edit_note:",
            on_click=edit_as_new_list,
            args=(job.targets, job.run.title),
            help="Puts its targets into the box of a new list. This one stays as it is.",
        )


def date_words(run: TargetRun) -> str:
    """Return when a list was begun.

    Parameters
    ----------
    run : TargetRun
    """
    return f"{run.created[:10]} {run.created[11:16]} UTC"
