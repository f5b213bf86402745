"""The form for a new list: text or a file, and the button that runs it."""

from collections.abc import Sequence

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.query.target_list import MAX_BYTES, Target, TargetList, read_targets
from galexplorer.query.target_text import spell_targets
from galexplorer.runs.target_run import DRAWS
from galexplorer.ui.parts.words import show_error, verbatim
from galexplorer.ui.session import navigation
from galexplorer.ui.session.jobs import Job
from galexplorer.ui.targets.opened import begin_list

MOST_TARGETS = 1_000
EXAMPLE = """NGC 5332
162.18416 +26.05369
SDSS J104844.20+260313.2, 0.0258"""

_TEXT, _OPEN, _BESIDE = "targets_text", "targets_new", "targets_new_beside"
_PUT, _BEFORE = "targets_text_put", "targets_text_before"
_FILES, _BEGUN, _TITLE = navigation.TARGETS_FILES, "targets_begun", "targets_title"
_TITLE_LETTERS = 80


def offer_new_list(job: Job | None) -> None:
    """Draw the form, open where no list is on the page or the box holds one.

    Parameters
    ----------
    job : Job or None
        The list on the page.
    """
    store = st.session_state
    begun = store.pop(_BEGUN, None)
    if begun == "file":
        _drop_file()
    elif begun == "text":
        store[_TEXT] = ""
        store.pop(_BEFORE, None)
        store.pop(_TITLE, None)
    beside = "" if job is None else job.run.folder.name
    if _OPEN not in store or store.get(_BESIDE) != beside:
        store[_BESIDE], store[_OPEN] = beside, job is None or bool(store.get(_TEXT, "").strip())
    with st.expander("New list", icon=":material/playlist_add:", key=_OPEN, on_change="rerun"):
        content, name, place = _take()
        given = _read(content, name, place)
        source = "" if not content.strip() else "file" if name else "text"
        _offer(given, _title(given, name), source, job)


def edit_as_new_list(targets: Sequence[Target], title: str) -> None:
    """Put the targets of a list into the box, and open the form without a file; in callbacks.

    Parameters
    ----------
    targets : sequence of Target
    title : str
        What the new list will be called as well.
    """
    store = st.session_state
    store[_TITLE] = title
    before, text = store.get(_TEXT, ""), spell_targets(targets)
    if before.strip() and before not in (text, store.get(_PUT)):
        store[_BEFORE] = before  # what the user wrote, not what was put there
    store[_TEXT] = store[_PUT] = text
    _drop_file()
    store[_OPEN] = True


def _drop_file() -> None:
    """Have an empty uploader from the next run on."""
    st.session_state[_FILES] = st.session_state.get(_FILES, 0) + 1


def _undo() -> None:
    st.session_state[_TEXT] = st.session_state.pop(_BEFORE)
    st.session_state.pop(_TITLE, None)


def _take() -> tuple[bytes, str, st.delta_generator.DeltaGenerator]:
    """Draw the two ways to give a list; return what was given, its file's name, what is below."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        text = st.text_area(
            "One target per line",
            key=_TEXT,
            persist_state="session",
            height=180,
            placeholder=EXAMPLE,
            help="A name, a position or an SDSS objID. A redshift after a comma is held fixed. "
            "A pasted table needs its header.",
        )
        below_text = st.empty()
        if _BEFORE in st.session_state:
            st.button(
                "Undo",
                key="targets_undo",
                type="tertiary",
                icon=":material/undo:",
                on_click=_undo,
                help="Brings back the text that was in the box before.",
            )
    with right:
        file = st.file_uploader(
            "Or upload a table or text file",
            key=f"targets_file_{st.session_state.get(_FILES, 0)}",
            max_upload_size=max(1, MAX_BYTES // 1_000_000),
            help="CSV, ECSV, VOTable, FITS or Parquet with a column target, name, objid, or ra "
            "and dec, optionally redshift, or magnitudes u, g, r, i, z; or text, one per line.",
        )
        below_file = st.empty()
        st.caption(
            f"Up to {MOST_TARGETS:,} targets, {DRAWS:,} draws each, seed 0. A list is kept on "
            "this machine until you delete it."
        )
    if file is not None:
        if text.strip():
            below_text.caption("*Run* takes the file; this text stays here.")
        return file.getvalue(), file.name, below_file
    return text.encode(), "", below_text


def _read(content: bytes, name: str, place: st.delta_generator.DeltaGenerator) -> TargetList | None:
    """Return the list that was given, or say why it is none."""
    if not content.strip():
        return None
    try:
        return read_targets(content, name or "The list", most=MOST_TARGETS)
    except GalexplorerError as error:
        show_error(error, place)
        return None


def _title(given: TargetList | None, name: str) -> str:
    """Return what a list is called until it is renamed."""
    if given is None or name:
        return name[:_TITLE_LETTERS]
    if _TITLE in st.session_state:
        return st.session_state[_TITLE]
    first, others = given.targets[0].label[:_TITLE_LETTERS], len(given.targets) - 1
    return f"{first} and {others} more" if others else first


def _offer(given: TargetList | None, title: str, source: str, job: Job | None) -> None:
    """Draw the button that runs the list from a source, and what it will do."""
    both = given is not None and any(t.photometry and t.text for t in given.targets)
    images, busy = True, job is not None and job.running
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        # Neither disabled nor called otherwise while the box is empty: text reaches the page when
        # the box is left, which the click on this button does.
        clicked = st.button(
            "Run",
            key="targets_run",
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy,
            help="The list below is at work: cancel it, or wait for it." if busy else None,
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
            st.markdown(f":small[{_describe(given, images if both else None)}]")
    for note in given.notes if given is not None else ():
        st.caption(verbatim(note))
    if clicked and given is not None:
        st.session_state[_BEGUN] = source
        begin_list(given, title, images)
        del st.session_state[_BEGUN]  # it could not be begun, and stays in the form
    elif clicked and not source:
        st.warning(
            "There is no target yet: write one on each line, or upload a file, and run it.",
            icon=":material/edit_note:",
        )


def _describe(given: TargetList, images: bool | None) -> str:
    targets = given.targets
    number = len(targets)
    alone = sum(t.photometry is not None and (images is False or not t.text) for t in targets)
    fixed = sum(t.redshift is not None for t in targets)
    parts = [f"{number - alone} to look up"] if alone < number else []
    parts += [f"{alone} from magnitudes alone"] if alone else []
    parts += [f"{fixed} with the redshift held fixed"] if fixed else []
    return f"{number:,} target{'s' if number != 1 else ''}: {', '.join(parts)}."
