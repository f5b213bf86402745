"""The verdict on a result: what is the matter, and what to do."""

import streamlit as st

from galexplorer.records.result import Result
from galexplorer.records.verdict import CAUTION, FINE
from galexplorer.science.summary import verdict_sentences


def show_verdict(result: Result) -> None:
    """Draw what the verdict says: plain where all is well, else a box that lists the reasons."""
    sentences = verdict_sentences(result)
    level = result.verdict.level
    if level == FINE:
        st.markdown(sentences[0])
        return
    draw = st.warning if level == CAUTION else st.error
    first, *more = sentences
    draw("\n".join([first, "", *(f"- {words}" for words in more)]), icon=":material/warning:")
