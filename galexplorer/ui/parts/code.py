"""What reproduces a result outside the app: a command, a script, a link; and what to cite."""

import streamlit as st

from galexplorer.export.provenance import BIBTEX
from galexplorer.ui.session import snippets
from galexplorer.ui.session.state import ExploredGalaxy


def show_code(record: ExploredGalaxy) -> None:
    """Draw the command line, the Python and the BibTeX of a result, each with its copy button.

    Call it in a tab or a popover.

    Parameters
    ----------
    record : ExploredGalaxy
    """
    source, options = record.source, record.options
    if source is not None and source.kind == "upload":
        st.caption("Run it in the folder that holds what you uploaded.")
    st.markdown("**Python**")
    st.code(snippets.python_code(source, options), language="python")
    command, why = snippets.command_line(source, options)
    st.markdown("**Command line**")
    if command:
        st.code(command, language="bash")
    else:
        st.caption(why)
    version = str(record.result.provenance.get("weights_sha256", ""))[:12]
    gives = "both give" if command else "it gives"
    st.caption(f"With the weights `{version}` {gives} the numbers on this page, draw for draw.")
    st.markdown("**Cite**")
    st.code(BIBTEX, language="bibtex")
    st.caption(
        "Papers that use the data of the Sloan Digital Sky Survey cite it as "
        "[the survey asks](https://www.sdss.org/collaboration/citing-sdss)."
    )
