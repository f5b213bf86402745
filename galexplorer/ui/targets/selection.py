"""What to do with the selected rows: read their remarks, explore one, compare several."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.query.target_list import Target
from galexplorer.ui.parts.galaxy_list import MAX_COMPARED
from galexplorer.ui.parts.words import show_error, verbatim
from galexplorer.ui.session import navigation, settings, state
from galexplorer.ui.session.link import View
from galexplorer.ui.session.request import Request


def show_selection(
    targets: Sequence[Target],
    remarks: Sequence[Sequence[str]],
    failed: Sequence[bool],
    images: bool,
) -> None:
    """Draw what there is to say of the selected targets, and the ways to their pages.

    Parameters
    ----------
    targets : sequence of Target
        Those that are selected.
    remarks : sequence of sequence of str
        On each.
    failed : sequence of bool
        Whether each did.
    images : bool
        Whether the images of targets that have magnitudes of their own are fetched.
    """
    if len(targets) == 1:
        first, *others = remarks[0] or ("",)
        if failed[0]:
            show_error(first)
        elif first:
            others = [first, *others]
        if others:
            st.markdown("\n".join(f"- {verbatim(remark)}" for remark in others))
        name = verbatim(targets[0].label)
        st.button(
            f"Explore {name}",
            key="targets_open",
            icon=":material/flare:",
            on_click=navigation.open_view,
            args=(_view_of(targets[0], images),),
        )
        return
    done = [target for target, wrong in zip(targets, failed, strict=True) if not wrong]
    compared = len(done) > 1 and st.button(
        f"Compare {min(len(done), MAX_COMPARED)}",
        key="targets_compare",
        icon=":material/compare:",
        disabled=len(done) > MAX_COMPARED,
        help=f"Up to {MAX_COMPARED} that are done. What was fetched of them is kept; their draws "
        "are as many as on the page Explore.",
    )
    if compared:
        _compare([_view_of(target, images) for target in done])


def _view_of(target: Target, images: bool) -> View:
    """Return a target as the page Explore shows it."""
    # what it is searched by is its name otherwise
    name = target.label if target.label != target.text else ""
    options = replace(settings.lasting_options(), redshift=target.redshift, name=name)
    if target.photometry is not None:
        options = replace(
            options,
            magnitudes=target.photometry.magnitudes,
            petro_r50=target.photometry.petro_r50,
            petro_r90=target.photometry.petro_r90,
        )
    imageless = target.photometry is not None and (not images or not target.text)
    if imageless:
        ra, dec = target.position
        place = (ra, dec) if ra is not None and dec is not None else None
        options = replace(options, name=target.label, place=place)
        return View(None, options, settings.interval())
    return View(("target", target.text or target.label), options, settings.interval())


def _compare(views: Sequence[View]) -> None:
    """Infer targets as the page Explore does, and lay them over one another."""
    keys = []
    try:
        with st.spinner("Inferring these galaxies …"):
            for view in views:
                source = None
                if view.source is not None:
                    source = state.fetch_source(view.source[1], lambda words: None)
                request = (
                    Request((), view.options) if source is None else source.request(view.options)
                )
                keys.append(state.answer_aside(request, source).key)
    except GalexplorerError as error:
        show_error(error)
        return
    st.session_state["compared"] = keys
    navigation.open_page(navigation.COMPARE)
