"""The gallery of example galaxies."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from galexplorer.errors import GalexplorerError, TargetError
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.ui.parts.images import address
from galexplorer.ui.parts.words import show_error
from galexplorer.ui.session.sources import (
    NGC6978,
    NGC6978_POSITION,
    Example,
    Source,
    fetch_ngc6978,
    list_examples,
)

THUMBNAIL_SIZE = 240
_STYLE = Path(__file__).with_suffix(".css")


def load_example(reference: str) -> Source:
    """Return an example by the name that links use.

    Raises
    ------
    GalexplorerError
        If there is none of that name, or it cannot be fetched.
    """
    if reference == NGC6978:
        return fetch_ngc6978()
    for example in list_examples():
        if example.reference == reference:
            return example.load()
    raise TargetError(f"There is no example {reference[:40]!r}: choose one of those shown.")


def show_examples(show: Callable[..., None]) -> None:
    """Draw the examples as pictures that can be clicked.

    Parameters
    ----------
    show : callable
        Is called with a link's source, and with options that belong to it.
    """
    try:
        examples = list_examples()
    except GalexplorerError as error:
        show_error(error)
        examples = ()
    st.html(_STYLE)
    with st.grid("auto", min_column_width=116, gap="small", key="examples"):
        for k, example in enumerate(examples):
            with st.container(gap="xxsmall", key=f"example_card_{k}"):
                st.image(
                    thumbnail(example, THUMBNAIL_SIZE),
                    width="stretch",
                    alt=f"{example.name}: rendered example galaxy",
                )
                st.button(
                    example.name,
                    key=f"example_{k}",
                    help=example.description or None,
                    on_click=show,
                    args=(("example", example.reference),),
                    width="stretch",
                )
    ra, dec = NGC6978_POSITION
    st.button(
        "NGC 6978, a real SDSS field from the network",
        key="ngc6978",
        icon=":material/public:",
        help="Fetched from astropy's public tutorial data.",
        on_click=show,
        args=(("example", NGC6978),),
        kwargs={"ra": ra, "dec": dec},
    )


def thumbnail(example: Example, side_px: int) -> str:
    """Return an example's colour composite as an address."""
    return _thumbnail(str(example.path), example.path.stat().st_mtime_ns, side_px)


@st.cache_data(show_spinner=False, max_entries=64)
def _thumbnail(path: str, modified_ns: int, side_px: int) -> str:
    """Return it; the time of change is for the key."""
    cutout = observe(read_image(path)).cutout
    assert cutout is not None
    image = Image.fromarray(np.ascontiguousarray(cutout.native.transpose(1, 2, 0)))
    small = image.resize((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return address(buffer.getvalue())
