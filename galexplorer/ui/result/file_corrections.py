"""What a file says wrong: fields that start from what holds now, with a preview."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.schema import IMAGE_BANDS
from galexplorer.ui.parts.file_fields import PROPERTIES, answer, fill, show_fields
from galexplorer.ui.session import state
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source

_WIDTH_PX = 640


def can_be_corrected(source: Source, options: Options, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of some properties of files that a user can state of these.

    Parameters
    ----------
    source : Source
    options : Options
    names : sequence of str
        Of `galexplorer.ui.parts.file_fields.PROPERTIES`, each perhaps more than once.
    """
    if source.kind != "upload":
        return ()
    pixels = state.pixels_of(source.request(options))
    picture = pixels is not None and pixels.composite is not None
    barred = {"zero_point"} if picture else set()  # brightness has no unit there
    barred |= set() if len(source.files) == len(IMAGE_BANDS) else {"bands"}
    return tuple(name for name in PROPERTIES if name in names and name not in barred)


def correct(source: Source, options: Options, names: Sequence[str]) -> None:
    """Draw fields for what may be wrong of the files, with what holds now in them, and a preview.

    Parameters
    ----------
    source : Source
    options : Options
        With which the files were read.
    names : sequence of str
        As of `can_be_corrected`.
    """
    stated = [options.pixel_scale_arcsec, options.zero_point, options.bands]
    key = hashlib.sha256(f"{source.digest} {stated}".encode()).hexdigest()[:8]
    held = held_values(source, options, names)
    answers: dict[str, Any] = {}
    for name in names:
        fill(name, held, key)
        answers |= answer(name, source, key)
    # what stays as it is remains the file's own word: a scale that is stated moves coordinates
    changed = {field: value for field, value in answers.items() if value != held[field]}
    assumed = replace(options, **changed)
    try:
        pixels = state.pixels_of(source.request(assumed))
    except GalexplorerError:
        pixels = None  # said once it is used
    with st.container(border=True, key="file_corrections", gap="small", width=_WIDTH_PX):
        st.markdown("**Correct it here**: the galaxy is then inferred again.")
        show_fields(source, assumed, tuple(names), pixels, key, "correct_use")


def held_values(source: Source, options: Options, names: Sequence[str]) -> dict[str, Any]:
    """Return what holds of files that were read, by the fields of `Options`.

    Parameters
    ----------
    source : Source
    options : Options
        With which the files were read.
    names : sequence of str
        As of `can_be_corrected`.

    Returns
    -------
    dict of str to object
        Pixel scale and bands as stated, or else as read; the zero point only as stated, since
        each band may have its own in the files.
    """
    held = {
        "pixel_scale_arcsec": options.pixel_scale_arcsec,
        "zero_point": options.zero_point,
        "bands": options.bands,
    }
    pixels = state.pixels_of(source.request(options))
    if "pixel_scale" in names and options.pixel_scale_arcsec is None and pixels is not None:
        held["pixel_scale_arcsec"] = float(pixels.pixel_scale_arcsec)
    if "bands" in names and options.bands is None:
        held["bands"] = _read_bands(source.digest, source.files)
    return held


@st.cache_data(show_spinner=False, max_entries=24)
def _read_bands(digest: str, _files: Sequence[tuple[str, bytes]]) -> tuple[str, ...]:
    """Return the band of each of three files by their names and headers."""
    from galexplorer.fits.bounded import read_blob
    from galexplorer.fits.images import read_images
    from galexplorer.image.bands import order_files

    order = order_files([read_images(read_blob(file)) for file in _files])
    return tuple(IMAGE_BANDS[order.index(k)] for k in range(len(_files)))
