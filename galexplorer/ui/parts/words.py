"""Words from outside on the page: Streamlit reads Markdown in nearly all that it is given."""

import re

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_MARKS = re.compile(
    r"[\\`*\[\]$~<&]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word it is no mark
    r"|^[#>+-]",
    re.MULTILINE,
)


def verbatim(words: str) -> str:
    r"""Return words as Markdown that shows them as they are.

    But for names of emoji, such as ``:star:``, and arrows, which Streamlit draws anywhere.

    Parameters
    ----------
    words : str
        Such as the name of a galaxy or of a file, or what an error says.

    Examples
    --------
    >>> print(verbatim("*m101*_g.fits, $5"))
    \*m101\*\_g.fits, \$5
    >>> print(verbatim("m101_g.fits"))
    m101_g.fits
    """
    return _MARKS.sub(lambda found: f"\\{found[0]}", words)


def show_error(problem: Exception | str, place: DeltaGenerator | None = None) -> None:
    """Draw what went wrong.

    Parameters
    ----------
    problem : Exception or str
        A sentence, which may quote what the user gave.
    place : DeltaGenerator, optional
        Where; by default what is drawn to at the moment.
    """
    draw = st.error if place is None else place.error
    draw(verbatim(str(problem)), icon=":material/error:")
