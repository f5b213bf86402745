"""Marks beside values of a table, and the sentences below it that they stand for."""

from html import escape
from string import ascii_lowercase

import streamlit as st


class Footnotes:
    """The notes of one table, lettered in the order in which they are marked.

    Parameters
    ----------
    table : str
        Of the page's tables, in the addresses of its notes.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._letters: dict[str, str] = {}

    def mark(self, words: str) -> str:
        """Return the mark of a note, in Markdown: empty without words, one for equal ones.

        It shows the note under the pointer, tells it to those who hear the page, and leads to it.

        Parameters
        ----------
        words : str

        Examples
        --------
        >>> notes = Footnotes("nine")
        >>> notes.mark("An upper limit.")
        '\xa0[a](#note-nine-a "An upper limit.")'
        """
        if not words:
            return ""
        letter = self._letters.setdefault(words, ascii_lowercase[len(self._letters)])
        title = words.replace('"', "\N{DOUBLE PRIME}")
        return f'\N{NO-BREAK SPACE}[{letter}](#note-{self._table}-{letter} "{title}")'

    def show(self, of_all: str = "") -> None:
        """Draw the notes that were marked.

        Parameters
        ----------
        of_all : str
            A note on the whole table, above them.
        """
        notes = [f"<span>{escape(of_all)}</span>"] if of_all else []
        notes += [
            f'<span id="note-{self._table}-{letter}">'
            f"<sup>{letter}</sup>&nbsp;{escape(words)}</span>"
            for words, letter in self._letters.items()
        ]
        if notes:
            st.html(f'<p class="footnotes">{" ".join(notes)}</p>')
