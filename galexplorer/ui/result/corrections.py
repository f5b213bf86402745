"""What a user can correct of a doubted result, right below the doubt."""

from collections.abc import Callable

import streamlit as st

from galexplorer.inference.input_selection import INPUTS
from galexplorer.schema import BANDS
from galexplorer.ui.result import file_corrections
from galexplorer.ui.result.picture import FIELD, MASK, show_part
from galexplorer.ui.session import settings
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.state import ExploredGalaxy

_FIELDS = {
    "scale": ("pixel_scale",),
    "units": ("zero_point", "pixel_scale"),
    "disagree": ("zero_point",),
    "impossible": ("pixel_scale",),  # of the size: the magnitudes are a catalogue's
    "bands": ("bands",),
}
"""Properties of a file that a reason of the verdict puts in doubt."""


def show_corrections(record: ExploredGalaxy) -> None:
    """Draw fields and buttons for what the verdict doubts and a user can correct.

    Parameters
    ----------
    record : ExploredGalaxy
        Whose verdict has reasons.
    """
    codes = set(record.result.verdict.codes)
    options, source = record.options, record.source
    offers = _buttons(record, codes)
    if offers:
        with st.container(horizontal=True, gap="small", key="corrections"):
            for key, (label, icon, act) in offers.items():
                st.button(label, key=key, icon=f":material/{icon}:", on_click=act)
    if source is None:
        return
    doubted = [name for code in codes for name in _FIELDS.get(code, ())]
    names = file_corrections.can_be_corrected(source, options, [*doubted, *_stated(options)])
    if names:
        file_corrections.correct(source, options, names)


def _stated(options: Options) -> list[str]:
    """Return what the user stated of the files: any doubt of the image may come from it."""
    values = {
        "pixel_scale": options.pixel_scale_arcsec,
        "zero_point": options.zero_point,
        "bands": options.bands,
    }
    return [name for name, value in values.items() if value is not None]


def _buttons(
    record: ExploredGalaxy, codes: set[str]
) -> dict[str, tuple[str, str, Callable[[], None]]]:
    """Return the label, icon and act of each button, by its key."""
    options = record.options
    offers: dict[str, tuple[str, str, Callable[[], None]]] = {}
    if codes & {"prior_conflict", "fixed_redshift"}:
        offers["free_redshift"] = ("Leave the redshift free", "lock_open", settings.free_redshift)
    if options.magnitudes and codes & {"magnitudes", "impossible", "disagree"}:
        offers["clear_magnitudes"] = ("Clear the magnitudes", "backspace", _clear_magnitudes)
    if options.use != INPUTS and "outside_domain" in codes:
        offers["use_all"] = ("Use all inputs again", "select_all", _use_all)
    has_pixels = record.source is not None and record.source.kind != "library"
    if has_pixels and record.result.view is not None:
        if "blended" in codes:
            offers["mask_it"] = ("Mask what is not the galaxy", "draw", lambda: show_part(MASK))
        if codes & {"cut_off", "star", "saturated", "artefact"}:
            offers["choose_other"] = (
                "Choose another object", "ads_click", lambda: show_part(FIELD)
            )  # fmt: skip
    return offers


def _clear_magnitudes() -> None:
    for band in BANDS:
        st.session_state[f"mag_{band}"] = None


def _use_all() -> None:
    st.session_state["use"] = list(INPUTS)
