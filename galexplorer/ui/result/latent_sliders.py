"""More like this galaxy, but: sliders along latent space, and what decoder and flows make of it."""

import math

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from galexplorer.api.variations import (
    FARTHEST,
    MEASURES,
    Direction,
    Variation,
    find_directions,
    vary,
)
from galexplorer.science.glossary import explain
from galexplorer.science.summary import describe_interval, format_number, format_value
from galexplorer.ui.parts import gallery
from galexplorer.ui.parts.sky_pictures import enlarged
from galexplorer.ui.session import state
from galexplorer.ui.session.state import ExploredGalaxy

DRAWS = 1000
_STARTS = (
    "The sliders move a copy of the galaxy, rebuilt from its latents alone. Even where it is not "
    "moved, its values may differ from the result above, which rests on all that is known of the "
    "galaxy: compare *Moved* with *Not moved*."
)
_SHOWN = {"redshift": "z", "log_stellar_mass": "log M⋆/M☉", "log_sfr": "log SFR"}
_ENDS = {
    "brightness": "fainter to brighter",
    "colour": "bluer to redder",
    "roundness": "flatter to rounder",
    "size": "smaller to larger",
    "concentration": "less to more concentrated",
}
_STEP = 0.5


def show_variations(record: ExploredGalaxy) -> None:
    """Draw sliders along the main directions of latent space, and the model's answer.

    Parameters
    ----------
    record : ExploredGalaxy
        With an image.
    """
    place = st.empty()
    directions = _directions(place)
    place.empty()
    if not directions:
        st.info("The library of these weights holds no galaxies to learn directions from.")
        return
    st.markdown(_STARTS, help=explain("Latent space"))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        moves = _sliders(directions, record.galaxy)
    same = _vary(record, directions, {})
    moved = _vary(record, directions, moves)
    with right:
        _show_pictures(same, moved)
        _show_values(record, same, moved)
    learnt = ", ".join(
        f"{MEASURES[d.name].lower()} {d.correlation:.2f} ({d.share:.0%})" for d in directions
    )
    st.caption(
        "Model pictures, not observations: the decoder's, and what the flows say of them if "
        "magnitudes and radii change as the pictures do. The sliders are principal components of "
        "the library's latents, in standard deviations, each named by what its pictures vary in "
        f"most (rank correlation and share of the variance: {learnt})."
    )


def _directions(place: DeltaGenerator) -> tuple[Direction, ...]:
    kept = _kept_directions()
    if "all" not in kept:
        words = "Decoding galaxies of the library to find what varies among them …"
        bar = place.progress(0.0, words)

        def tell(part: float) -> None:
            bar.progress(part, words)

        kept["all"] = find_directions(state.load_engine(), tell)
    return kept["all"]


@st.cache_resource(show_spinner=False)
def _kept_directions() -> dict[str, tuple[Direction, ...]]:
    """Return the memory that all sessions share of the directions."""
    return {}


def _sliders(directions: tuple[Direction, ...], galaxy: str) -> dict[str, float]:
    keys = {direction.name: f"vary_{direction.name}_{galaxy}" for direction in directions}

    def reset() -> None:
        for key in keys.values():
            st.session_state[key] = 0.0

    for direction in directions:
        name = direction.name
        st.session_state.setdefault(keys[name], 0.0)
        st.slider(
            f"{MEASURES[name]}: {_ENDS[name]}",
            -FARTHEST + 1, FARTHEST - 1, step=_STEP, key=keys[name], format="%+.1f σ",
        )  # fmt: skip
    st.button("Reset", key="vary_reset", type="tertiary", icon=":material/undo:", on_click=reset)
    return {name: float(st.session_state[key]) for name, key in keys.items()}


def _vary(
    record: ExploredGalaxy, directions: tuple[Direction, ...], moves: dict[str, float]
) -> Variation:
    told = tuple(sorted((name, move) for name, move in moves.items() if move))
    return _variation(record.key, told, record, directions)


@st.cache_resource(show_spinner=False, max_entries=48)
def _variation(
    key: str,
    moves: tuple[tuple[str, float], ...],
    _record: ExploredGalaxy,
    _directions: tuple[Direction, ...],
) -> Variation:
    source = _record.source
    assert source is not None
    request = source.request(_record.options)
    seen = state.observation_of(request)
    seed = _record.options.seed
    return vary(state.load_engine(), seen, _directions, dict(moves), DRAWS, seed)


def _show_pictures(same: Variation, moved: Variation) -> None:
    with st.grid(3, min_column_width=110, gap="small", key="varied"):
        for picture, caption, alt in (
            (same.picture, "Model picture, not moved", "The decoder's picture of this galaxy"),
            (moved.picture, "Model picture, moved", "The decoder's picture of the moved galaxy"),
        ):
            st.image(enlarged(picture), width="stretch", caption=caption, alt=alt)
        near = moved.result.neighbours[:1]
        for galaxy in near:
            away = "" if math.isnan(galaxy.distance) else f", {galaxy.distance:.1f} away"
            st.image(
                enlarged(galaxy.thumbnail),
                width="stretch",
                caption=f"Nearest real galaxy{away}: z {gallery.value_words(galaxy, 'redshift')}",
                alt=f"VAE reconstruction of {galaxy.name}, the nearest real galaxy",
            )


def _show_values(record: ExploredGalaxy, same: Variation, moved: Variation) -> None:
    rows = []
    for name, label in _SHOWN.items():
        before, after = (float(np.median(v.result.posterior.column(name))) for v in (same, moved))
        rows.append(
            {
                "": label,
                "Not moved": describe_interval(same.result.posterior, name),
                "Moved": describe_interval(moved.result.posterior, name),
                "Change": "+" * (after > before)
                + format_number(after - before, len(format_value(name, 0.0).split(".")[-1])),
                "Result above": describe_interval(record.result.posterior, name),
            }
        )
    with st.container(key="numbers_varied"):
        st.table(
            pd.DataFrame(rows), border="horizontal", hide_index=True,
            alt="The result, and what the flows say of the model pictures, not moved and moved",
        )  # fmt: skip
    for reason in moved.result.verdict.reasons:
        st.caption(f":material/warning: Moved: {reason.what}")
