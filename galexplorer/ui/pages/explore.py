"""The page on which one galaxy is explored."""

import random
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from galexplorer.errors import FetchError, GalexplorerError, TargetError
from galexplorer.query.parse import EXAMPLES
from galexplorer.ui.parts import controls, page_style
from galexplorer.ui.parts.example_gallery import load_example, show_examples
from galexplorer.ui.parts.history import show_history
from galexplorer.ui.result.picture import show_objects
from galexplorer.ui.result.report import show_result
from galexplorer.ui.session import address, navigation, settings, state
from galexplorer.ui.session.link import View
from galexplorer.ui.session.request import Request, without_image
from galexplorer.ui.session.sources import (
    NGC6978,
    Source,
    list_examples,
    source_of_library,
)

MAX_UPLOAD_MB = 100
_WANTED, _LOADED, _RANDOM = "wanted", "loaded", "random_target"


def page() -> None:
    """Draw the page: choose a galaxy, state what is known, read the result."""
    page_style.apply_style()
    problems = _apply_address()
    wanted: tuple[str, str] | None = st.session_state.get(_WANTED)
    st.session_state.setdefault("target", _named(wanted))
    _pick(wanted is not None)
    options = controls.sidebar(has_image=wanted is not None)
    address.write(View(wanted, options, settings.interval()))
    if problems:
        st.warning(
            f"The link's {', '.join(problems)} could not be read and was ignored.",
            icon=":material/link_off:",
        )
    # There in every run, so that what follows keeps its place and is not built anew.
    loading, inferring = st.empty(), st.empty()
    source = _load(wanted, loading) if wanted is not None else None
    request = None
    if source is not None:
        if source.position is not None and options.ra is None and options.pixel is None:
            options = replace(options, ra=source.position[0], dec=source.position[1])
        request = Request(source.files, options, source.fetched, source.stored)
    elif wanted is None and options.photometry is not None:
        request = Request((), without_image(options))
    record = _infer(request, source, inferring) if request is not None else None
    if record is not None:
        _clear_upload()
        page_style.start_at_top(record.galaxy)
        show_result(record, _earlier(record))
    elif source is not None:
        show_objects(source, options)
    elif wanted is None and request is None:
        _show_introduction()
    show_history(record.key if record is not None else None)


def _apply_address() -> tuple[str, ...]:
    """Apply the address, and return the parameters that could not be read."""
    view = address.read()
    if view is None:
        return ()
    settings.set_options(view.options)
    st.session_state["interval"] = view.interval
    st.session_state[_WANTED] = view.source
    st.session_state["target"] = _named(view.source)
    return view.problems


def _named(wanted: tuple[str, str] | None) -> str:
    """Return what belongs into the search box."""
    return wanted[1] if wanted is not None and wanted[0] == "target" else ""


def _earlier(record: state.ExploredGalaxy) -> state.ExploredGalaxy | None:
    """Return the previous result to draw behind this one, if the user wants it."""
    earlier = state.previous_result(record)
    if earlier is None:
        return None
    st.session_state.setdefault("overlay", True)
    with st.sidebar:
        shown = st.toggle(
            "Show the previous result",
            key="overlay",
            persist_state="session",
            help="Draws the previous result for this galaxy in grey, and adds its intervals "
            "to the table.",
        )
    return earlier if shown else None


def _infer(
    request: Request, source: Source | None, place: DeltaGenerator
) -> state.ExploredGalaxy | None:
    """Infer with progress on the page; an error becomes a sentence on it."""
    record = state.find_result(request.key())
    if record is not None:
        return record
    try:
        if state.has_result(request, source):
            return state.explore(request, source)  # too short for words
        with place.status("Starting", expanded=False) as status:
            record = state.explore(request, source, lambda w: status.update(label=f"{w} …"))
        place.empty()
    except GalexplorerError as error:
        place.error(str(error), icon=":material/error:")
    return record


def _load(wanted: tuple[str, str], place: DeltaGenerator) -> Source | None:
    """Return the source that is wanted, or say on the page why there is none."""
    loaded: tuple[tuple[str, str], Source] | None = st.session_state.get(_LOADED)
    if loaded is not None and loaded[0] == wanted:
        return loaded[1]
    source = state.find_source(wanted)
    problem = ""
    if source is None:
        try:
            source = _fetch(wanted, place)
        except (FetchError, TargetError) as error:
            if st.session_state.pop(_RANDOM, None) == wanted[1]:
                _go_random_example(f"The galaxy at {wanted[1]} could not be retrieved: {error}")
            problem = str(error)
        except GalexplorerError as error:
            problem = str(error)
    if source is None:
        place.error(problem, icon=":material/error:")
        return None
    place.empty()
    st.session_state[_LOADED] = (wanted, source)
    return source


def _fetch(wanted: tuple[str, str], place: DeltaGenerator) -> Source:
    kind, words = wanted
    if kind == "upload":
        raise TargetError(
            "This link refers to an uploaded file; upload it again to see the same result."
        )
    if kind == "example":
        with place.container(), st.spinner("Loading the example …"):
            return load_example(words)
    if kind == "library":
        library = state.load_engine().library
        return source_of_library(words, library.observe(library.find_row(words)))
    with place.status(f"Looking up {words}", expanded=True) as status:

        def say(line: str) -> None:
            status.update(label=f"{line[:1].upper()}{line[1:]} …")
            st.write(line)

        return state.fetch_source(words, say)


def _search() -> None:
    text = st.session_state["target"].strip()
    if text:
        _show(("target", text))


def _show(place: tuple[str, str] | None, ra: float | None = None, dec: float | None = None) -> None:
    """Show another galaxy, with the options that are the user's; in callbacks of this page."""
    options = replace(settings.lasting_options(), ra=ra, dec=dec)
    navigation.set_view_address(View(place, options, settings.interval()))


def _show_random() -> None:
    """Choose a bundled example or, as often, a galaxy of the library, which needs a network."""
    wanted = st.session_state.get(_WANTED)  # what is shown already is no answer
    examples = [e.reference for e in list_examples() if ("example", e.reference) != wanted]
    position = state.load_engine().library.position
    if examples and (len(position) == 0 or random.random() < 0.5):
        _show(("example", random.choice(examples)))
        return
    ra, dec = position[random.randrange(len(position))].tolist()
    words = f"{ra:.5f} {dec:+.5f}"
    st.session_state[_RANDOM] = words
    _show(("target", words))


def _go_random_example(why: str) -> None:
    examples = [example.reference for example in list_examples() if example.reference != NGC6978]
    if examples:
        st.toast(why, icon=":material/cloud_off:")
        navigation.open_view(View(("example", random.choice(examples)), settings.lasting_options()))


def _clear_upload() -> None:
    """Let the next drop start afresh: files in the drop zone that gave a result are done with."""
    files = st.session_state.get("upload") or []
    st.session_state["spent"] = {file.file_id for file in files}


def _read_upload() -> None:
    spent: set[str] = st.session_state.get("spent", set())
    files = [file for file in st.session_state["upload"] if file.file_id not in spent]
    wanted = st.session_state.get(_WANTED)
    answered = wanted is not None and st.session_state.get("taken", set()) <= spent
    if not files:
        if wanted is not None and wanted[0] == "upload" and not answered:
            _show(None)  # files without a result were taken away
        return
    names = ", ".join(file.name for file in files)
    source = Source(
        kind="upload",
        name=names,
        files=tuple((file.name, file.getvalue()) for file in files),
        origin=f"Your upload: {names}.",
    )
    st.session_state["taken"] = {file.file_id for file in files}
    st.session_state[_LOADED] = (source.reference, source)
    # What was stated stays while there was no answer: it may be what an earlier try lacked.
    options = settings.lasting_options() if answered else settings.read_options()
    navigation.set_view_address(View(source.reference, options, settings.interval()))


def _pick(chosen: bool) -> None:
    """Draw what a galaxy can be chosen from."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.text_input(
            "Galaxy",
            key="target",
            placeholder=f"Name, position or objID: {EXAMPLES}",
            on_change=_search,
            icon=":material/search:",
            help="Its SDSS pixels and catalogue values are fetched and cached on disk.",
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.button(
                "Random galaxy",
                key="random",
                icon=":material/shuffle:",
                on_click=_show_random,
                help="One of the examples or, with a network, any galaxy of the library.",
            )
            if chosen:
                with st.popover("Examples", icon=":material/apps:"):
                    show_examples(_show)
    with right:
        st.file_uploader(
            "Upload a galaxy image: FITS or SDSS JPEG",
            accept_multiple_files=True,
            key="upload",
            on_change=_read_upload,
            max_upload_size=MAX_UPLOAD_MB,
            help="A FITS cube or file with g, r and i images, or three single-band files, plain or "
            "compressed with gzip or bzip2; or an SDSS colour JPEG, whose pixel scale is set "
            "under *Image*.",
        )
    if not chosen:
        st.markdown(":small[Or try an example; all but the last were simulated by this project]")
        show_examples(_show)


def _show_introduction() -> None:
    st.space("small")
    st.markdown(
        "**One image in, a joint posterior out:** redshift, stellar mass, star-formation rate, "
        "gas-phase metallicity, black-hole mass and four emission lines, with their "
        "correlations. Without an image, five magnitudes under *Photometry* suffice."
    )
