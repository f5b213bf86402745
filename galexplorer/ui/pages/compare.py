"""The page that overlays galaxies of this session."""

from collections.abc import Sequence
from html import escape
from typing import Literal

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.figures.diagram import plotly_figure
from galexplorer.figures.palette import OVERLAY, SERIES, UNITS, theme
from galexplorer.records.result import Result
from galexplorer.records.verdict import FINE
from galexplorer.schema import TARGETS
from galexplorer.science.contrast import INDEPENDENT, Contrast, contrast
from galexplorer.science.summary import (
    describe_galaxy,
    describe_interval,
)
from galexplorer.ui.parts import controls, history, page_style, plots
from galexplorer.ui.parts.comparison_downloads import offer_comparison
from galexplorer.ui.parts.comparison_tables import Compared, comparison_table, contrast_table
from galexplorer.ui.parts.example_gallery import thumbnail
from galexplorer.ui.parts.history import label, show_history
from galexplorer.ui.parts.sky_pictures import colour_picture
from galexplorer.ui.parts.words import show_error, verbatim
from galexplorer.ui.result.bar import show_standing
from galexplorer.ui.session import navigation, settings, state
from galexplorer.ui.session.field import surroundings_of
from galexplorer.ui.session.link import View
from galexplorer.ui.session.sources import Example, list_examples, source_of_library
from galexplorer.ui.session.state import ExploredGalaxy

MAX_GALAXIES = len(SERIES)
EXAMPLES = ("spiral", "elliptical")
"""The two that one click compares, as links call them: as unlike as galaxies are."""

_CARD_PX, _PICTURE_PX, _WORDS_PX, _START_PX = 150, 200, 260, 460
_SAME_GALAXY = "Both are of one galaxy and rest on the same data, so no difference is shown."
_UNUSABLE = "The values of one of them mean nothing for what was given, so no difference is shown."


def page() -> None:
    """Draw the page: choose results of this session, see them over one another."""
    page_style.apply_style()
    st.header("Compare", anchor=False)
    _infer_wanted()
    records = {record.key: record for record in (*state.history(), *state.compared_only())}
    if len(records) < 2:
        _show_empty(list(records.values()))
        show_history()
        return
    left, downloads = st.columns([6, 1], gap="small")
    with left:
        chosen = _choose(records)
    if len(chosen) > 1:
        _show(chosen, downloads)
    else:
        st.info("Choose two galaxies or more of this session.", icon=":material/compare:")
    show_history()


def _infer_wanted() -> None:
    """Infer the galaxies of the library that another page sent here, and choose them."""
    wanted = st.session_state.get(navigation.WANTED_KEY)
    if wanted is None:
        return
    try:
        st.session_state["compared"] = _infer(wanted)
    except GalexplorerError as error:
        show_error(error)
    except Exception:
        del st.session_state[navigation.WANTED_KEY]  # or each visit would end like this one
        raise
    del st.session_state[navigation.WANTED_KEY]  # only now: a run may be undone


def _infer(names: Sequence[str]) -> list[str]:
    library, keys = state.load_engine().library, []
    with st.spinner("Inferring these galaxies …"):
        for name in names:
            source = source_of_library(name, library.observe(library.find_row(name)))
            request = source.request(settings.lasting_options())
            keys.append(state.answer_aside(request, source).key)
    return keys


def _show_empty(records: list[ExploredGalaxy]) -> None:
    """Say what the page is for, and offer to fill it with one click."""
    st.markdown(
        "See up to five galaxies side by side: pictures, verdicts, the nine quantities, how far "
        "apart two galaxies are in each, and their joint posteriors over one another. Or see one "
        "galaxy under different assumptions, such as with and without its redshift. Everything "
        "that you explore can be chosen here."
    )
    examples = _examples_beside(records)
    with st.container(border=True, width=_START_PX, key="compare_start"):
        if examples:
            with st.grid(2, min_column_width=100, gap="small", key="compare_pictures"):
                for record in records:
                    if record.result.view is not None:
                        _show_picture(record, record.name, "stretch")
                for example in examples:
                    st.image(
                        thumbnail(example, _PICTURE_PX),
                        width="stretch",
                        alt=f"{example.name}: rendered example galaxy",
                    )
            names = " and ".join(
                [*(verbatim(r.name) for r in records), *(e.name for e in examples)]
            )
            clicked = st.button(
                f"Compare {names}",
                key="compare_examples",
                type="primary",
                icon=":material/compare:",
            )
            st.caption("Examples are rendered by this project, not observed; no network is needed.")
            if clicked:
                _explore(examples)
        st.button(
            "Explore a galaxy",
            key="compare_explore",
            icon=":material/flare:",
            on_click=navigation.open_view,
            args=(View(None, settings.lasting_options()),),
        )


def _examples_beside(records: list[ExploredGalaxy]) -> list[Example]:
    """Return the examples that, with what was explored, make two galaxies."""
    try:
        examples = {example.reference: example for example in list_examples()}
    except GalexplorerError:
        return []  # said where they are shown
    there = {record.reference for record in records}
    found = [examples[name] for name in EXAMPLES if name in examples]
    return [e for e in found if ("example", e.reference) not in there][: 2 - len(records)]


def _explore(examples: list[Example]) -> None:
    try:
        with st.spinner("Inferring the examples …"):
            for example in reversed(examples):  # the first is the latest, and so stays the first
                source = example.load()
                state.explore(source.request(settings.lasting_options()), source)
    except GalexplorerError as error:
        show_error(error)
        return
    st.rerun()


def _choose(records: dict[str, ExploredGalaxy]) -> list[Compared]:
    kept = [key for key in st.session_state.get("compared", []) if key in records]
    st.session_state["compared"] = kept or [record.key for record in _latest(records)]
    keys = st.multiselect(
        "Galaxies",
        list(records),
        key="compared",
        persist_state="session",
        format_func=lambda key: label(records[key]),
        max_selections=MAX_GALAXIES,
        placeholder="Choose two or more",
        label_visibility="collapsed",
    )
    chosen = [records[key] for key in keys]
    colours = iter(plots.series_colours(len(chosen), plots.dark()))
    return [
        Compared(record, name, next(colours) if record.result.verdict.usable else OVERLAY)
        for record, name in zip(chosen, _names(chosen), strict=True)
    ]


def _latest(records: dict[str, ExploredGalaxy]) -> list[ExploredGalaxy]:
    """Return the latest results of two galaxies, or of one where there is but one."""
    first, *rest = records.values()
    others = [record for record in rest if record.reference != first.reference] or rest
    return [first, *others[:1]]


def _show(chosen: list[Compared], downloads: st.delta_generator.DeltaGenerator) -> None:
    # Streamlit's own colours of badges fall short of a contrast of 4.5 on dark pages
    words = theme(plots.dark()).text
    st.html(f"<style>.st-key-compared_cards .stMarkdownBadge{{color:{words} !important}}</style>")
    with st.grid(len(chosen), min_column_width=_CARD_PX, gap="medium", key="compared_cards"):
        for one in chosen:
            with st.container(horizontal=True, gap="small"):
                _show_one(one)
    contrasts, why_none = _contrast(chosen)
    _show_tables(chosen, contrasts, why_none)
    if any(one.usable for one in chosen):
        left, right = st.columns([3, 2], gap="medium")
        with right:
            _show_bpt(chosen)
        with left:
            _show_corner(chosen)
    else:
        st.info(
            "None of these galaxies may be used, so there is nothing to draw.",
            icon=":material/block:",
        )
    with (
        downloads,
        st.popover(
            "Download", icon=":material/download:", width="stretch", key="compared_downloads"
        ),
    ):
        panels = plots.PANELS[st.session_state.get("panels", "Properties")]
        offer_comparison([(one.name, one.result) for one in chosen], contrasts, tuple(panels))


def _show_one(one: Compared) -> None:
    """Draw one galaxy: picture, name, what it is, and whether to trust that and why not."""
    source, drawn = one.record.source, ""
    if one.result.view is not None:
        _show_picture(one.record, one.name)
    elif source is not None and source.kind == "library":
        drawn = " The picture is the VAE's reconstruction, not an observation."
        engine = state.load_engine()
        st.image(
            engine.describe([engine.library.find_row(source.name)])[0].thumbnail,
            width=_PICTURE_PX,
            alt=f"VAE reconstruction of {one.name} from its stored latent, not an observation",
        )
    with st.container(gap="xsmall", width=_WORDS_PX):
        swatch = f"<span style='color:{one.colour}' aria-hidden='true'>&#9632;</span>"
        st.html(f"{swatch} <strong>{escape(one.name)}</strong>")
        show_standing(one.result)
        verdict = one.result.verdict
        if one.usable:
            st.caption(f"{describe_galaxy(one.result)}{drawn}")
        if verdict.level != FINE:
            st.caption("  \n".join(f"{each.what} {each.advice}" for each in verdict.reasons))
        st.button(
            "Open",
            key=f"return_{one.record.key[:12]}",
            icon=":material/flare:",
            help="Open this result on the page Explore.",
            on_click=navigation.explore_again,
            args=(one.record.key,),
        )


def _show_picture(
    record: ExploredGalaxy, name: str, width: int | Literal["stretch"] = _PICTURE_PX
) -> None:
    assert record.result.view is not None
    around = surroundings_of(record.source, record.options, record.result.view)
    st.image(
        colour_picture(record.result, "SDSS", True, around),
        width=width,
        alt=f"Colour image of {name}",
    )


def _contrast(chosen: list[Compared]) -> tuple[dict[str, Contrast], str]:
    """Return how far two galaxies are apart, by target, or nothing and why."""
    if len(chosen) != 2:
        return {}, ""
    first, second = chosen
    if first.record.is_same_galaxy(second.record):
        return {}, _SAME_GALAXY
    if not (first.usable and second.usable):
        return {}, _UNUSABLE
    return _contrast_of((first.record.key, second.record.key), first.result, second.result), ""


@st.cache_data(show_spinner=False, max_entries=plots.KEPT)
def _contrast_of(keys: tuple[str, str], _first: Result, _second: Result) -> dict[str, Contrast]:
    return contrast(_first, _second)


@st.fragment
def _show_tables(chosen: list[Compared], contrasts: dict[str, Contrast], why_none: str) -> None:
    """Draw the posteriors and, of two galaxies, how far apart they are, row beside row."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Posteriors", anchor=False, width="content")
        level = controls.choose_interval()
    pair = len(chosen) == 2
    with st.grid(2 if pair else 1, min_column_width=430, gap="medium", key="compared_tables"):
        # on a phone two columns of numbers may wrap; of more, the table scrolls
        with st.container(gap="xsmall", key="pair" if pair else f"numbers_of_{len(chosen)}"):
            st.table(
                comparison_table(chosen, level),
                border="horizontal",
                hide_index=True,
                alt=f"Medians and {level} intervals of "
                + ", ".join(one.shown_name for one in chosen),
            )
            st.caption(f"Line fluxes: {UNITS[TARGETS[-1].unit]}, within the 3″ fibre. {why_none}")
        if contrasts:
            first, second = (one.name for one in chosen)
            with st.container(gap="xsmall"):
                st.table(
                    contrast_table(contrasts, level),
                    border="horizontal",
                    hide_index=True,
                    alt=f"Difference between {first} and {second} in each quantity",
                )
                first, second = verbatim(first), verbatim(second)
                st.caption(
                    f"{first} minus {second}: median and {level} interval, the probability that "
                    f"{first} has the larger value, and the median in units of half of the 68% "
                    f"interval, σ. {INDEPENDENT}"
                )


def _names(chosen: list[ExploredGalaxy]) -> list[str]:
    """Return names that differ: with the options where one galaxy appears twice."""
    plain = [record.name for record in chosen]
    names: list[str] = []
    for record in chosen:
        name = record.name if plain.count(record.name) == 1 else label(record)
        while name in names:
            name += "′"
        names.append(name)
    return names


@st.fragment
def _show_corner(chosen: list[Compared]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Joint posteriors", anchor=False, width="content")
        panels = plots.choose_panels("panels")
    drawn = sorted(chosen, key=lambda one: not one.usable)  # the first gives the titles
    svg = plots.corner_of(
        [one.record for one in drawn], panels, colours=tuple(one.colour for one in drawn)
    )
    if svg is None:
        st.info("Everything shown here is held fixed.", icon=":material/info:")
        return
    words = "; ".join(
        f"{one.shown_name}: redshift {describe_interval(one.result.posterior, 'redshift')}"
        for one in drawn
    )
    grey = "" if all(one.usable for one in chosen) else " Grey: what must not be used."
    st.image(
        svg,
        width="stretch",
        caption="Contours enclose 68% and 95% of the draws; titles and dashed lines: "
        f"{verbatim(drawn[0].name)}.{grey}",
        alt=f"Corner plot of {len(chosen)} posteriors. {words}.",
    )


def _show_bpt(chosen: list[Compared]) -> None:
    st.subheader("BPT diagram", anchor=False)
    first, *others = sorted(chosen, key=lambda one: not one.usable)
    shown: list[tuple[str, Result, str]] = [(o.shown_name, o.result, o.colour) for o in others]
    keys = (first.record.key, *(one.record.key for one in others), *(o.shown_name for o in others))
    st.plotly_chart(
        plotly_figure(
            plots.bpt_of(keys, plots.dark(), first.result, shown, False, first.name).diagram,
            plots.ZOOMED_PX,
        ),
        key="bpt_compared",
        config=plots.ZOOMED,
        alt="BPT diagram with the posterior draws of "
        + ", ".join(
            f"{o.shown_name} ({history.describe_options(o.record.options) or 'defaults'})"
            for o in chosen
        ),
    )
