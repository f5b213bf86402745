"""What a dropped file does not say: fields with a guess in each, and a preview."""

from dataclasses import replace

import streamlit as st

from galexplorer.errors import BandsError, GalexplorerError, ScaleError, ZeroPointError
from galexplorer.image.pixels import Pixels
from galexplorer.schema import IMAGE_BANDS
from galexplorer.ui.parts.file_fields import answer, show_fields
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session import state
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source

_FAILURES = {"pixel_scale": ScaleError, "zero_point": ZeroPointError, "bands": BandsError}


def can_be_asked(error: GalexplorerError, source: Source) -> bool:
    """Return whether an error is about what a user can state of the files."""
    files_are_there = not isinstance(error, BandsError) or len(source.files) == len(IMAGE_BANDS)
    return isinstance(error, tuple(_FAILURES.values())) and files_are_there


def ask(source: Source, options: Options) -> None:
    """Draw what the files of a source do not say: a field for each, a guess in it, a preview.

    Parameters
    ----------
    source : Source
    options : Options
        What was stated already; it led to an error of which `can_be_asked` is true.
    """
    key = source.digest[:8]
    assumed, asked, pixels = _assume(source, options, key)
    with st.container(border=True, key="file_questions", gap="small"):
        for error in asked.values():  # what there is to do is what the fields say
            st.markdown(f":material/help: {verbatim(str(error).split(':')[0])}.")
        show_fields(source, assumed, tuple(asked), pixels, key, "ask_use")


def _assume(
    source: Source, options: Options, key: str
) -> tuple[Options, dict[str, GalexplorerError], Pixels | None]:
    """Return the options with what the fields say, why each field is asked, and the pixels."""
    asked: dict[str, GalexplorerError] = {}
    while True:
        try:
            return options, asked, state.pixels_of(source.request(options))
        except tuple(_FAILURES.values()) as error:
            name = next(name for name, kind in _FAILURES.items() if isinstance(error, kind))
            if name in asked:
                return options, asked, None
            asked[name] = error
            options = replace(options, **answer(name, source, key))
        except GalexplorerError:
            return options, asked, None  # said once the rest is stated
