"""The lists that are kept, each with what opens, renames and deletes it."""

import streamlit as st

from galexplorer.api.target_run import MAX_TITLE, TargetRun
from galexplorer.api.target_runs import default_folder, list_runs
from galexplorer.errors import GalexplorerError
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session import visitor
from galexplorer.ui.session.jobs import Job
from galexplorer.ui.targets.heading import date_words
from galexplorer.ui.targets.opened import close_list, open_list, own_runs

_MORE = "targets_runs_shown"
_SHOWN_RUNS = 8


def show_kept_lists(job: Job | None) -> None:
    """Draw the lists that are kept.

    Parameters
    ----------
    job : Job or None
        The one on the page.
    """
    shown = "" if job is None else job.run.folder.name
    # Where others reach the page, a list is its owner's: found by its link alone.
    alone, own = visitor.is_local(), own_runs() | {shown}
    runs = [run for run in list_runs(default_folder()) if alone or run.folder.name in own]
    if not runs:
        return
    st.subheader("Kept lists", anchor=False)
    most = st.session_state.get(_MORE, _SHOWN_RUNS)
    for run in runs[:most]:
        _show_run(run, job if run.folder.name == shown else None)
    if len(runs) > most:
        st.button(f"Show all {len(runs)}", key="targets_all_runs", on_click=_show_all)


def _show_all() -> None:
    st.session_state[_MORE] = 10_000


def _show_run(run: TargetRun, job: Job | None) -> None:
    """Draw a list; of the one on the page, its job is given."""
    name = run.folder.name
    done = run.done if job is None else job.done  # the latest may not be on the disk yet
    targets = f"{run.number:,} target{'s' if run.number != 1 else ''}"
    tried = targets if done == run.number else f"{done:,} of {run.number:,} tried"
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"kept_{name}"
    ):
        clicked = st.button(
            verbatim(run.title),
            key=f"open_{name}",
            type="tertiary",
            icon=":material/visibility:" if job is not None else ":material/list:",
            disabled=job is not None,
            help="Open this list.",
        )
        st.markdown(f":small[{date_words(run)} · {tried}]", width="content")
        with st.popover("Change", icon=":material/more_vert:", type="tertiary", key=f"ask_{name}"):
            with st.form(f"rename_form_{name}", border=False):
                st.text_input("Name", run.title, max_chars=MAX_TITLE, key=_name_key(run))
                st.form_submit_button(
                    "Rename",
                    key=f"rename_{name}",
                    icon=":material/edit:",
                    on_click=_rename,
                    args=(run,),
                )
            st.markdown("To delete the list removes its table and draws from the disk.")
            st.button(
                "Delete for good",
                key=f"delete_{name}",
                icon=":material/delete:",
                on_click=_delete,
                args=(run, job),
            )
    if clicked:
        open_list(run)


def _name_key(run: TargetRun) -> str:
    """Return the key of the field for a new name; another one once the list was renamed."""
    return f"name_{run.folder.name}_{run.title}"


def _rename(run: TargetRun) -> None:
    try:
        run.rename(st.session_state[_name_key(run)])
    except GalexplorerError as error:
        _tell(error)


def _delete(run: TargetRun, job: Job | None) -> None:
    try:
        run.delete()
    except GalexplorerError as error:
        _tell(error)
        return
    if job is not None:
        close_list()


def _tell(error: GalexplorerError) -> None:
    st.toast(verbatim(str(error)), icon=":material/error:")
