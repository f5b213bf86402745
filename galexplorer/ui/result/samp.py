"""Buttons that send a result to TOPCAT or Aladin on the computer that the app runs on."""

import os
from collections.abc import Callable
from functools import partial

import streamlit as st

from galexplorer.errors import OptionError
from galexplorer.export.samp import send_position, send_table
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session import visitor
from galexplorer.ui.session.state import ExploredGalaxy

SWITCH = "GALEXPLORER_SAMP"


def is_offered() -> bool:
    """Return whether SAMP was switched on, and the user sits at the computer that the app is on."""
    return os.environ.get(SWITCH) == "1" and visitor.is_local()


def offer_samp(record: ExploredGalaxy) -> None:
    """Draw what can be sent, if SAMP was switched on.

    Parameters
    ----------
    record : ExploredGalaxy
    """
    if not is_offered():
        return
    ra, dec = record.identity.ra, record.identity.dec
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("SAMP", width="content")
        if st.button("Send draws", key="samp_table", icon=":material/send:"):
            _tell(partial(send_table, record.result, record.name))
        if ra is None or dec is None:
            return
        if st.button("Send position", key="samp_position", icon=":material/my_location:"):
            _tell(partial(send_position, ra, dec))


def _tell(send: Callable[[], int]) -> None:
    try:
        with st.spinner("Waiting for the other program …"):
            number = send()
    except OptionError as error:
        st.warning(verbatim(str(error)), icon=":material/link_off:")
        return
    st.success(f"Received by {number} program{'s' if number > 1 else ''}.", icon=":material/check:")
