"""The page on which one galaxy is explored."""

import numpy as np
import streamlit as st
from PIL import Image

from galexplorer.errors import GalexplorerError
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.ui import controls, frame, state
from galexplorer.ui.report import show_result
from galexplorer.ui.request import Options, Request, without_image
from galexplorer.ui.sources import Example, Source, fetch_ngc6978, list_examples

THUMBNAIL_SIZE = 160
MAX_UPLOAD_MB = 100


def page() -> None:
    """Draw the page: choose a galaxy, state what is known, read the result."""
    frame.dress()
    _arrive()
    _pick()
    source: Source | None = st.session_state.get("source")
    options = controls.sidebar(has_image=source is not None)
    request = _request(source, options)
    if request is None:
        _invite()
        return
    record = _infer(request, source)
    if record is not None:
        _spend_upload()
        show_result(record.result, record.key, source)


def _arrive() -> None:
    """Take up what another page asked for."""
    record = state.take_return()
    if record is not None:
        st.session_state["source"] = record.source


def _request(source: Source | None, options: Options) -> Request | None:
    if source is not None:
        return Request(source.files, options)
    if options.photometry is not None:
        return Request((), without_image(options))
    return None


def _infer(request: Request, source: Source | None) -> state.Explored | None:
    """Infer with progress on the page; an error becomes a sentence on it."""
    place = st.empty()
    with place.status("Starting", expanded=False) as status:
        try:
            record = state.explore(request, source, lambda w: status.update(label=f"{w} …"))
        except GalexplorerError as error:
            record, problem = None, str(error)
    if record is None:
        place.error(problem, icon=":material/error:")
    else:
        place.empty()
    return record


def _choose(source: Source | None) -> None:
    _spend_upload()
    controls.describe_source(source)
    st.session_state["source"] = source


def _choose_example(example: Example) -> None:
    _choose(example.load())


def _spend_upload() -> None:
    """Let the next drop start afresh: files in the drop zone that gave a result are done with."""
    files = st.session_state.get("upload") or []
    st.session_state["spent"] = {file.file_id for file in files}


def _take_upload() -> None:
    spent: set[str] = st.session_state.get("spent", set())
    files = [file for file in st.session_state["upload"] if file.file_id not in spent]
    before: Source | None = st.session_state.get("source")
    answered = before is not None and st.session_state.get("taken", set()) <= spent
    if not files:
        if before is not None and before.kind == "upload" and not answered:
            _choose(None)  # files without a result were taken away
        return
    names = ", ".join(file.name for file in files)
    source = Source(
        kind="upload",
        name=names,
        files=tuple((file.name, file.getvalue()) for file in files),
        origin=f"Your upload: {names}.",
    )
    if answered:
        controls.describe_source(source)
    # Otherwise what was stated stays: it may be what an earlier try lacked.
    st.session_state["taken"] = {file.file_id for file in files}
    st.session_state["source"] = source


def _pick() -> None:
    """Draw what a galaxy can be chosen from."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.file_uploader(
            "Drop a galaxy: FITS or SDSS JPEG",
            accept_multiple_files=True,
            key="upload",
            on_change=_take_upload,
            max_upload_size=MAX_UPLOAD_MB,
            help="A FITS cube or file with g, r and i images, or three single-band files, packed "
            "with gzip or bzip2 or not; or an SDSS colour JPEG, whose pixel scale you state "
            "under *Image*.",
        )
        clicked = st.button(
            "NGC 6978, a real SDSS field",
            key="ngc6978",
            icon=":material/public:",
            help="Needs a network: fetched from astropy's public tutorial data.",
        )
        if clicked:
            _fetch()
    with right:
        try:
            _show_examples()
        except GalexplorerError as error:
            st.error(str(error), icon=":material/error:")


def _show_examples() -> None:
    examples = list_examples()
    if examples:
        st.markdown(":small[Or look at an example, rendered by this project]")
    with st.grid("auto", min_column_width=92, gap="xsmall", key="examples"):
        for k, example in enumerate(examples):
            with st.container(gap="xxsmall"):
                st.image(
                    _thumbnail(str(example.path), example.path.stat().st_mtime_ns),
                    width="stretch",
                    alt=f"{example.name}: rendered example galaxy",
                )
                st.button(
                    example.name,
                    key=f"example_{k}",
                    help=example.description or None,
                    on_click=_choose_example,
                    args=(example,),
                    width="stretch",
                )


def _fetch() -> None:
    """Fetch the real galaxy and start over with it, or say why that failed."""
    try:
        with st.spinner("Fetching three SDSS images of NGC 6978 …"):
            source = fetch_ngc6978()
    except GalexplorerError as error:
        st.error(str(error), icon=":material/error:")
    else:
        _choose(source)
        st.rerun()


@st.cache_data(show_spinner=False, max_entries=64)
def _thumbnail(path: str, modified_ns: int) -> np.ndarray:
    """Return an example's colour composite, shape (n, n, 3); the time of change is for the key."""
    cutout = observe(read_image(path)).cutout
    assert cutout is not None
    image = Image.fromarray(np.ascontiguousarray(cutout.native.transpose(1, 2, 0)))
    return np.asarray(image.resize((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS))


def _invite() -> None:
    st.space("small")
    st.markdown(
        "**One image in, a joint posterior out:** redshift, stellar mass, star-formation rate, "
        "gas metallicity, black-hole mass and four emission lines, with their correlations. "
        "Without an image, five magnitudes under *Photometry* do."
    )
