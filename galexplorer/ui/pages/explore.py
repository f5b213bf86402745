"""The page on which one galaxy is explored."""

import random
from dataclasses import replace
from types import ModuleType

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from galexplorer.errors import BandsError, FetchError, GalexplorerError, TargetError
from galexplorer.query.parse import EXAMPLES
from galexplorer.schema import IMAGE_BANDS
from galexplorer.ui.parts import controls, file_questions, page_style
from galexplorer.ui.parts.example_gallery import load_example, show_examples
from galexplorer.ui.parts.history import show_history
from galexplorer.ui.parts.showcase import show_name, show_showcase
from galexplorer.ui.parts.words import show_error, verbatim
from galexplorer.ui.session import address, navigation, settings, state
from galexplorer.ui.session.link import View
from galexplorer.ui.session.request import Options, Request, without_image
from galexplorer.ui.session.sources import (
    NGC6978,
    Source,
    list_examples,
    source_of_library,
)

MAX_UPLOAD_MB = 100
_WANTED, _LOADED, _RANDOM = "wanted", "loaded", "random_target"
_PENDING, _DROPS = "pending_files", "drops"
_MENU = "examples_menu"


def page() -> None:
    """Draw the page: choose a galaxy, state what is known, read the result."""
    page_style.apply_style()
    problems = _apply_address()
    wanted: tuple[str, str] | None = st.session_state.get(_WANTED)
    st.session_state.setdefault("target", _named(wanted))
    if wanted is None:
        show_name()
    below_search, below_drop = _pick(wanted is not None)
    beside = below_drop if wanted is not None and wanted[0] == "upload" else below_search
    options, below_inputs = controls.sidebar(has_image=wanted is not None)
    address.write(View(wanted, options, settings.interval()))
    if problems:
        st.warning(
            f"The link's {', '.join(problems)} could not be read and "
            f"{'were' if len(problems) > 1 else 'was'} ignored.",
            icon=":material/link_off:",
        )
    # There in every run, so that what follows keeps its place and is not built anew.
    inferring = st.empty()
    source = _load(wanted, beside) if wanted is not None else None
    request = None
    if source is not None:
        if source.position is not None and options.ra is None and options.pixel is None:
            options = replace(options, ra=source.position[0], dec=source.position[1])
        request = source.request(options)
    elif wanted is None and options.photometry is not None:
        request = Request((), without_image(options))
    record, problem = None, None
    if request is not None:
        record, problem = _infer(request, source, inferring)
    if problem is None:
        st.session_state.pop(_PENDING, None)  # bands of another galaxy, if any
    if record is not None:
        controls.show_lacking(record.result, options.use, below_inputs)
        page_style.start_at_top(record.galaxy)
        _load_report().show_result(record, _earlier(record))
    elif problem is not None:
        _show_problem(problem, source, options, beside)
    elif wanted is None and request is None:
        show_showcase(_show)
        _load_report()
    show_history(record.key if record is not None else None)


def _load_report() -> ModuleType:
    """Return what draws results, which the first page loads while it is read."""
    from galexplorer.ui.result import report

    return report


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
    if earlier is None or not earlier.result.verdict.usable:
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
) -> tuple[state.ExploredGalaxy | None, GalexplorerError | None]:
    """Infer with progress on the page, and return the answer, or why there is none."""
    record = state.find_result(request.key())
    if record is not None:
        return record, None
    try:
        if state.has_result(request, source):
            return state.explore(request, source), None  # too short for words
        with place.status("Starting", expanded=False) as status:
            record = state.explore(request, source, lambda w: status.update(label=f"{w} …"))
    except GalexplorerError as error:
        place.empty()
        return None, error
    place.empty()
    return record, None


def _show_problem(
    problem: GalexplorerError, source: Source | None, options: Options, place: DeltaGenerator
) -> None:
    """Say beside what caused it why there is no answer, and ask for what would give one."""
    from galexplorer.ui.result.picture import show_objects
    from galexplorer.ui.result.sky_field import offer_undo

    upload = source if source is not None and source.kind == "upload" else None
    with place.container():
        if upload is not None and file_questions.can_be_asked(problem, upload):
            file_questions.ask(upload, options)
        else:
            show_error(problem)
        if options.mask_regions:  # they may be what is wrong, and the chart is not there
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                offer_undo()
        few = upload is not None and len(upload.files) < len(IMAGE_BANDS)
        if upload is not None and few and isinstance(problem, BandsError):
            _join_pending(upload)
            st.caption("Files that you drop next are added to these.")
        else:
            st.session_state.pop(_PENDING, None)
        if upload is not None:
            st.button(
                f"Remove {verbatim(upload.name)}",
                key="remove_upload",
                type="tertiary",
                icon=":material/close:",
                on_click=_remove_upload,
            )
    if source is not None and isinstance(problem, TargetError):
        show_objects(source, options)  # one of its objects may be what is meant


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
        show_error(problem, place)
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
    with place.status(f"Looking up {verbatim(words)}", expanded=True) as status:

        def say(line: str) -> None:
            status.update(label=verbatim(f"{line[:1].upper()}{line[1:]} …"))
            st.write(verbatim(line))

        return state.fetch_source(words, say)


def _search() -> None:
    text = st.session_state["target"].strip()
    if text:
        _show(("target", text))


def _show(place: tuple[str, str] | None, ra: float | None = None, dec: float | None = None) -> None:
    """Show another galaxy, with the options that are the user's; in callbacks of this page."""
    options = replace(settings.lasting_options(), ra=ra, dec=dec)
    navigation.set_view_address(View(place, options, settings.interval()))


def _show_example(
    place: tuple[str, str], ra: float | None = None, dec: float | None = None
) -> None:
    """Show an example and close the menu that it was chosen from."""
    st.session_state[_MENU] = 1 - st.session_state.get(_MENU, 0)
    _show(place, ra, dec)


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
        st.toast(verbatim(why), icon=":material/cloud_off:")
        navigation.open_view(View(("example", random.choice(examples)), settings.lasting_options()))


def _drop_key() -> str:
    """Return the key of the drop zone: another after each drop, so that it is empty again."""
    return f"upload_{st.session_state.get(_DROPS, 0)}"


def _read_upload(key: str) -> None:
    """Take what was dropped on the zone of that key: by now the page may have another one."""
    files = tuple((file.name, file.getvalue()) for file in st.session_state.get(key) or ())
    if not files:
        return
    st.session_state[_DROPS] = st.session_state.get(_DROPS, 0) + 1
    _take_files(files)


def _take_files(files: tuple[tuple[str, bytes], ...]) -> None:
    """Show what was dropped."""
    names = ", ".join(name for name, _ in files)
    source = Source(kind="upload", name=names, files=files, origin=f"Your upload: {names}.")
    st.session_state[_LOADED] = (source.reference, source)
    # What was stated before anything was dropped may be what the file lacks.
    first = st.session_state.get(_WANTED) is None
    options = settings.read_options() if first else settings.lasting_options()
    navigation.set_view_address(View(source.reference, options, settings.interval()))


def _join_pending(source: Source) -> None:
    """Put the bands of one galaxy together that were dropped one after the other."""
    before: tuple[tuple[str, bytes], ...] = st.session_state.pop(_PENDING, ())
    joined = (*before, *source.files)
    if before and before != source.files and len(joined) <= len(IMAGE_BANDS):
        _take_files(joined)
        st.rerun()
    st.session_state[_PENDING] = source.files


def _remove_upload() -> None:
    st.session_state.pop(_PENDING, None)
    _show(None)


def _pick(chosen: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draw what a galaxy can be chosen from; return the places below search and drop zone."""
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
                # In another place after each choice, which closes it. A popover that tells when
                # it closes would undo a click on the link of another page.
                places = [st.empty(), st.empty()]
                with places[st.session_state.get(_MENU, 0)].popover(
                    "Examples", icon=":material/apps:"
                ):
                    show_examples(_show_example)
        below_search = st.empty()
    with right:
        st.file_uploader(
            "Upload a galaxy image: FITS or SDSS JPEG",
            accept_multiple_files=True,
            key=_drop_key(),
            on_change=_read_upload,
            args=(_drop_key(),),
            max_upload_size=MAX_UPLOAD_MB,
            help="A FITS cube or file with g, r and i images, or three single-band files, plain or "
            "compressed with gzip or bzip2; or an SDSS colour JPEG. You are asked for what a file "
            "does not say.",
        )
        below_drop = st.empty()
    if not chosen:
        st.markdown(
            ":small[Or click one of these: all but NGC 6978 are rendered by this project, chosen "
            "from those whose true values lie within the intervals. Without a picture, magnitudes "
            "under *Photometry* suffice.]"
        )
        show_examples(_show)
    return below_search, below_drop
