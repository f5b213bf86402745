"""The page for lists of targets: run one, sort and filter what came out, open a row, come back."""

from dataclasses import replace
from functools import partial

import streamlit as st

from galexplorer.api.target_run import TargetRun
from galexplorer.api.target_runs import begin_run, default_folder, list_runs, open_run
from galexplorer.errors import GalexplorerError
from galexplorer.export.tables import written_bytes
from galexplorer.export.target_tables import SUMMARY_FORMATS
from galexplorer.query.target_list import MAX_BYTES, Target, TargetList, read_targets
from galexplorer.runs.made_with import differ_from
from galexplorer.runs.target_run import DRAWS, Outcome, Progress
from galexplorer.ui.parts import page_style
from galexplorer.ui.parts.history import show_history
from galexplorer.ui.parts.target_table import count_words, results_frame, show_table
from galexplorer.ui.parts.words import show_error, verbatim
from galexplorer.ui.session import navigation, settings, state, visitor
from galexplorer.ui.session.jobs import Job, find_job
from galexplorer.ui.session.link import View

JOB_KEY, OWN_KEY, PARAMETER = "targets_job", "targets_own_runs", "run"
MOST_TARGETS = 1_000
EXAMPLE = """NGC 5332
162.18416 +26.05369
SDSS J104844.20+260313.2, 0.0258"""

_WATCH_S = 0.7
_SHOWN_RUNS = 8
_FORMAT_LABELS = {"ecsv": "ECSV", "csv": "CSV", "parquet": "Parquet", "votable": "VOTable"}


def page() -> None:
    """Draw the page: give a list, run it, read the table."""
    page_style.apply_style()
    st.header("Targets", anchor=False)
    job = _job()
    _offer(_read(), job)
    if job is not None:
        # While a list is at work its part of the page redraws itself, and no more than that.
        running = job.running
        st.fragment(_watch, run_every=_WATCH_S if running else None)(job, running)
    _show_runs(job)
    show_history()


def _job() -> Job | None:
    """Return the list on the page: the one that the address names, or the last one."""
    job: Job | None = st.session_state.get(JOB_KEY)
    named = st.query_params.get(PARAMETER)
    if named and (job is None or job.run.folder.name != named):
        run = open_run(default_folder(), named)
        if run is None:
            st.query_params.pop(PARAMETER)
            st.warning("The list that the link names was deleted.", icon=":material/link_off:")
            return job
        job = _open_run(run)
    if job is not None and not job.run.folder.is_dir():
        job = None  # deleted on another page of this browser
        st.session_state.pop(JOB_KEY)
    if job is not None and named is None:
        # in place of what the browser's Back may have left of the galaxy's own address
        st.query_params.from_dict({PARAMETER: job.run.folder.name})
    return job


def _open_run(run: TargetRun) -> Job | None:
    try:
        job = find_job(run, partial(_infer, run))
    except GalexplorerError as error:
        show_error(error)
        return None
    st.session_state[JOB_KEY] = job
    return job


def _infer(run: TargetRun, target: Target, tell: Progress) -> Outcome:
    return run.infer_one(target, state.load_engine, tell)


def _read() -> tuple[TargetList, str] | None:
    """Draw the two ways to give a list, and return what was given and what to call it."""
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
        below_text = st.empty()
    with right:
        file = st.file_uploader(
            "Or upload a table or text file",
            key="targets_file",
            max_upload_size=max(1, MAX_BYTES // 1_000_000),
            help="CSV, ECSV, VOTable, FITS or Parquet with a column target, name, objid, or ra "
            "and dec, optionally redshift, or magnitudes u, g, r, i, z; or text, one per line.",
        )
        below_file = st.empty()
        st.caption(
            f"Up to {MOST_TARGETS:,} targets, {DRAWS:,} draws each, seed 0. A list is kept on "
            "this machine until you delete it."
        )
    content, name = (
        (file.getvalue(), file.name) if file is not None else (text.encode(), "The list")
    )
    if not content.strip():
        return None
    try:
        given = read_targets(content, name, most=MOST_TARGETS)
    except GalexplorerError as error:
        place = below_text if file is None else below_file
        show_error(error, place)
        return None
    others = len(given.targets) - 1
    first = given.targets[0].label
    title = file.name if file is not None else f"{first} and {others} more" if others else first
    return given, title


def _offer(read: tuple[TargetList, str] | None, job: Job | None) -> None:
    """Draw the button that runs the list, and what it will do."""
    given, title = read if read is not None else (None, "")
    both = given is not None and any(t.photometry and t.text for t in given.targets)
    images = True
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        number = len(given.targets) if given is not None else 0
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
        st.caption(verbatim(note))
    if clicked and given is not None:
        _begin(given, title, images)


def _begin(targets: TargetList, title: str, images: bool, like: TargetRun | None = None) -> None:
    """Put a list on disk, start it and show it; the run of the page ends, unless it cannot be.

    Parameters
    ----------
    targets : TargetList
    title : str
    images : bool
    like : TargetRun, optional
        One whose options it takes.
    """
    try:
        stated = {} if like is None else vars(like.options)
        run = begin_run(default_folder(), targets, title, images=images, **stated)
        begun = _open_run(run)
        if begun is not None:
            begun.start()
    except GalexplorerError as error:
        show_error(error)
        return
    st.session_state.setdefault(OWN_KEY, set()).add(run.folder.name)
    st.query_params[PARAMETER] = run.folder.name
    st.rerun()


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
    st.subheader(verbatim(job.run.title), anchor=False)
    try:
        table = job.table()
        made = {} if table is None or job.running else table.meta.get("provenance", {})
        differ = differ_from(made, state.load_engine().weights.manifest) if made else []
    except GalexplorerError as error:
        show_error(error)
        return
    _show_progress(job, count_words(table, len(job.targets)), differ)
    chosen = show_table(results_frame(job.targets, table), job.run.folder.name)
    if chosen is not None:
        tried = table is not None and chosen < len(table)
        problem = str(table["problem"][chosen]) if table is not None and tried else ""
        _show_choice(job.targets[chosen], problem, job.run.images)
    if job.done and not watching:  # a file would be out of date before it is made
        _show_downloads(job)


def _show_progress(job: Job, words: str, differ: list[str]) -> None:
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
        _begin(TargetList(job.targets), job.run.title, job.run.images, job.run)


def _show_choice(target: Target, problem: str, images: bool) -> None:
    """Draw what there is to say of the selected row, and the way to its page."""
    if problem:
        show_error(problem)
    imageless = target.photometry is not None and (not images or not target.text)
    if st.button(f"Explore {verbatim(target.label)}", key="targets_open", icon=":material/flare:"):
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
            make, name = partial(_summary, job.run, format), f"targets{SUMMARY_FORMATS[format]}"
        else:
            st.segmented_control(
                "Format", ["Parquet"], default="Parquet", required=True,
                key="targets_draws_format",
                label_visibility="collapsed", width="content",
            )  # fmt: skip
            make, name = partial(_draws, job.run), "targets-draws.parquet"
        st.download_button(
            "Download",
            data=make,
            file_name=name,
            key="targets_download",
            on_click="ignore",
            icon=":material/download:",
        )


def _summary(run: TargetRun, format: str) -> bytes:
    return written_bytes(run.table(), format)


def _draws(run: TargetRun) -> bytes:
    return written_bytes(run.draws_table(), "parquet")


def _show_runs(job: Job | None) -> None:
    """Draw the lists that are kept, each with what opens it and what deletes it."""
    shown = "" if job is None else job.run.folder.name
    own: set[str] = st.session_state.get(OWN_KEY, set())
    # Where others reach the page, a list is its owner's: found by its link alone.
    alone = visitor.is_local()
    runs = [run for run in list_runs(default_folder()) if alone or run.folder.name in own | {shown}]
    if not runs:
        return
    st.subheader("Kept lists", anchor=False)
    for run in runs[: st.session_state.get("targets_runs_shown", _SHOWN_RUNS)]:
        _show_run(run, run.folder.name == shown)
    if len(runs) > st.session_state.get("targets_runs_shown", _SHOWN_RUNS):
        st.button(f"Show all {len(runs)}", key="targets_all_runs", on_click=_show_all_runs)


def _show_all_runs() -> None:
    st.session_state["targets_runs_shown"] = 10_000


def _show_run(run: TargetRun, here: bool) -> None:
    name = run.folder.name
    date = f"{run.created[:10]} {run.created[11:16]} UTC"
    tried = f"{run.number:,} targets" if run.complete else f"{run.done:,} of {run.number:,} tried"
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"kept_{name}"
    ):
        clicked = st.button(
            verbatim(run.title),
            key=f"open_{name}",
            type="tertiary",
            icon=":material/visibility:" if here else ":material/list:",
            disabled=here,
            help="Open this list.",
        )
        st.markdown(f":small[{date} · {tried}]", width="content")
        with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"ask_{name}"):
            st.markdown("The table and the draws of this list are removed from the disk.")
            st.button("Delete for good", key=f"delete_{name}", on_click=_delete, args=(run,))
    if clicked:
        st.query_params[PARAMETER] = name
        st.rerun()


def _delete(run: TargetRun) -> None:
    job: Job | None = st.session_state.get(JOB_KEY)
    try:
        run.delete()
    except GalexplorerError as error:
        st.toast(verbatim(str(error)), icon=":material/error:")
        return
    if job is not None and job.run.folder == run.folder:
        st.session_state.pop(JOB_KEY)
        st.query_params.pop(PARAMETER, None)
