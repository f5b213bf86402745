"""A result on the first page: what the explorer does, on a galaxy that comes with it."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.export.content import posterior_grid
from galexplorer.records.result import Result
from galexplorer.science.glossary import explain
from galexplorer.science.summary import describe_galaxy
from galexplorer.ui.parts.example_gallery import thumbnail
from galexplorer.ui.parts.words import show_error
from galexplorer.ui.session import request, state
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Example, list_examples

NAME = "galexplorer"
PROMISE = (
    "One picture of a galaxy in, nine physical quantities out, with every uncertainty and "
    "correlation between them. No spectrum needed."
)
UNITS = (
    "Logarithms: masses in M☉, rate in M☉ yr⁻¹, predicted line fluxes in 10⁻¹⁷ erg s⁻¹ cm⁻²; "
    "metallicity is 12 + log(O/H)."
)
PICTURE_PX = 420


def show_name() -> None:
    """Draw what this is called and what it promises."""
    st.title(NAME, anchor=False)
    st.markdown(PROMISE)


@st.fragment
def show_showcase(show: Callable[..., None]) -> None:
    """Draw the result of the first example, and let the user hold its redshift fixed.

    Parameters
    ----------
    show : callable
        Is called with a link's source, to explore the galaxy.
    """
    try:
        examples = list_examples()
    except GalexplorerError:
        return  # said where they are shown
    if not examples:
        return
    example = examples[0]
    with st.container(border=True, key="showcase"):
        left, right = st.columns([2, 5], gap="medium")
        with left:
            st.image(
                thumbnail(example, PICTURE_PX),
                width="stretch",
                alt=f"{example.name}, rendered: the picture that the model is given",
            )
            st.caption("Rendered by this project, not observed: its true values are known.")
            known = st.toggle(
                "Its redshift is known",
                key="showcase_known",
                help="Holds the redshift fixed: the other quantities follow.",
            )
            clicked = st.button(
                "Explore this galaxy",
                key="showcase_explore",
                type="primary",
                icon=":material/flare:",
                on_click=show,
                args=(("example", example.reference),),
            )
            if clicked:
                st.rerun()  # the whole page: a fragment alone would stay
        with right:
            place = st.empty()
            _show_answer(example, known, place)


def _show_answer(example: Example, known: bool, place: st.delta_generator.DeltaGenerator) -> None:
    from galexplorer.ui.parts import plots  # when the page stands

    with place.container(), st.spinner("Inferring this galaxy …"):
        try:
            result = _answer(example.reference, example.truth["redshift"] if known else None)
            keys = (example.reference, str(known))
            drawn = plots.bpt_of(keys, plots.dark(), result, [], shares=True)
        except GalexplorerError as error:
            show_error(error, place)
            return
    with place.container():
        st.markdown(f"**{describe_galaxy(result)}**")
        words, figure = st.columns([3, 2], gap="medium")
        with words:
            grid = posterior_grid(replace(result, known=example.truth))
            grid = grid.without("95%").without("Unit")
            frame = pd.DataFrame(grid.rows, columns=list(grid.head)).rename(
                columns={"Known": "True", "68%": "68% interval"}
            )
            st.table(
                frame, border="horizontal", hide_index=True,
                alt=f"Posterior of {example.name}: medians, intervals, true values",
            )  # fmt: skip
            st.caption(UNITS, help=explain("68% interval", "Redshift z", "12 + log(O/H)"))
        with figure:
            st.image(
                drawn.picture, width="stretch",
                alt=f"BPT diagram of {example.name}: posterior draws among the classes",
            )  # fmt: skip
            st.caption(
                "On the BPT diagram: each point is a draw.",
                help=explain("BPT diagram", "Draw", "Seyfert", "LINER"),
            )


@st.cache_resource(show_spinner=False, max_entries=4)
def _answer(reference: str, redshift: float | None) -> Result:
    example = next(e for e in list_examples() if e.reference == reference)
    wanted = example.load().request(Options(redshift=redshift))
    return request.run(
        wanted, state.load_engine, lambda words: None, state.observation_of, state.prepared_of
    )
