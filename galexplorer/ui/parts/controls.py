"""The sidebar: what a user can state beside the image."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from galexplorer.inference.input_selection import INPUTS
from galexplorer.records.result import Result
from galexplorer.schema import BANDS, TARGETS
from galexplorer.science.detection import DETECTABLE, label_of
from galexplorer.science.glossary import explain
from galexplorer.ui.session.link import (
    BOUNDS,
    CUTS,
    INTERVALS,
    MAX_DRAWS,
    MAX_SEED,
    MIN_DRAWS,
    PRIOR_MEANS,
    PRIOR_SIGMAS,
)
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.settings import (
    KNOWN,
    PRIOR,
    PRIOR_DEFAULT,
    RANGE,
    RANGE_DEFAULT,
    UNKNOWN,
    interval,
    read_options,
)

_TARGETS = {target.name: target for target in TARGETS}
_INPUT_WORDS = {"image": "Image", "radii": "Radii"}


def _number(
    label: str,
    key: str,
    step: float,
    format: str,
    help: str | None = None,
    placeholder: str | None = None,
) -> None:
    low, high = BOUNDS[key]
    st.number_input(
        label, low, high, value=None, step=step, format=format, key=key, help=help,
        placeholder=placeholder, persist_state="session",
    )  # fmt: skip


def choose_interval() -> str:
    """Draw the choice of 68% or 95%, and return it."""
    st.session_state.setdefault("interval", INTERVALS[0])
    st.segmented_control(
        "Interval",
        list(INTERVALS),
        required=True,
        key="interval",
        persist_state="session",
        label_visibility="collapsed",
    )
    return interval()


def sidebar(has_image: bool) -> tuple[Options, DeltaGenerator]:
    """Draw the controls and return what they say.

    Parameters
    ----------
    has_image : bool
        Whether there is an image that the image options could belong to.

    Returns
    -------
    options : Options
    below_inputs : DeltaGenerator
        The place for `show_lacking`, once the galaxy is known.
    """
    with st.sidebar:
        _redshift()
        _inputs(has_image or read_options().photometry is not None)
        below_inputs = st.empty()
        with st.expander("Prior cuts and lines", icon=":material/filter_alt:"):
            _cuts()
        with st.expander("Sampling", icon=":material/casino:"):
            _sampling()
        with st.expander("Photometry", icon=":material/tune:"):
            _photometry()
        with st.expander("Image", icon=":material/image:"):
            _image(has_image)
    return read_options(), below_inputs


def _redshift() -> None:
    st.session_state.setdefault("redshift_mode", UNKNOWN)
    mode = st.segmented_control(
        "Redshift",
        [UNKNOWN, KNOWN, RANGE, PRIOR],
        required=True,
        key="redshift_mode",
        persist_state="session",
        help="A known redshift is held fixed, and the other quantities are inferred given it; "
        "a range acts as a prior with hard edges; a prior is a Gaussian, such as the redshift of "
        "a cluster and the scatter of its members.",
    )
    if mode == KNOWN:
        _number(
            "Redshift, held fixed", "redshift", step=0.001, format="%.4f",
            placeholder="e.g. 0.0197",
        )  # fmt: skip
    if mode == RANGE:
        highest = float(TARGETS[0].high)
        limits: dict[str, Any] = {"step": 0.01, "format": "%.3f", "persist_state": "session"}
        keys = ("redshift_low", "redshift_high")
        for column, label, key, value in zip(
            st.columns(2), ("From", "To"), keys, RANGE_DEFAULT, strict=True
        ):
            st.session_state.setdefault(key, value)
            with column:
                st.number_input(label, 0.0, highest, key=key, **limits)
    if mode == PRIOR:
        for column, label, key, value, bounds in zip(
            st.columns(2),
            ("Mean", "Standard deviation"),
            ("prior_mean", "prior_sigma"),
            PRIOR_DEFAULT,
            (PRIOR_MEANS, PRIOR_SIGMAS),
            strict=True,
        ):
            st.session_state.setdefault(key, value)
            with column:
                st.number_input(
                    label, *bounds, key=key, step=0.001, format="%.4f", persist_state="session"
                )


def show_lacking(result: Result, use: Sequence[str], place: DeltaGenerator) -> None:
    """Say which of the chosen inputs there are not for a galaxy.

    Parameters
    ----------
    result : Result
    use : sequence of str
        The inputs that are chosen.
    place : DeltaGenerator
        As `sidebar` returned it.
    """
    given = set(result.photometry.magnitudes)
    given |= {"image"} if result.latent is not None else set()
    given |= {"radii"} if result.photometry.petro_r50 is not None else set()
    lacking = [_INPUT_WORDS.get(name, name).lower() for name in use if name not in given]
    if lacking:
        place.caption(f"Not known for this galaxy: {', '.join(lacking)}.")


def _inputs(chosen: bool) -> None:
    st.session_state.setdefault("use", list(INPUTS))
    st.pills(
        "Model inputs",
        INPUTS,
        selection_mode="multi",
        key="use",
        persist_state="session",
        disabled=not chosen,
        format_func=lambda name: _INPUT_WORDS.get(name, name),
        help="Exclude the image, a band or the Petrosian radii to see what they contribute. What "
        "is not known is excluded anyway.",
    )


def _cuts() -> None:
    st.caption("Only draws inside these ranges are kept, equivalent to a top-hat prior.")
    for name, (low, high) in CUTS.items():
        key, target = f"cut_{name}", _TARGETS[name]
        st.session_state.setdefault(key, (low, high))
        unit = target.unit.replace("log10", "log ") if target.unit != "dex" else ""
        st.slider(
            f"{target.label} {unit}".strip(), low, high, step=0.1, key=key, persist_state="session"
        )
    st.session_state.setdefault("detected", [])
    st.pills(
        "Lines that a spectrum shows",
        DETECTABLE,
        selection_mode="multi",
        key="detected",
        persist_state="session",
        format_func=label_of,
        help="At a signal-to-noise ratio above 3 in an SDSS spectrum. The posterior is then that "
        "of a galaxy in which these lines were seen.",
    )


def _sampling() -> None:
    store = st.session_state
    store.setdefault("draws", Options().draws)
    store.setdefault("seed", 0)
    st.number_input(
        "Draws", MIN_DRAWS, MAX_DRAWS, step=500, key="draws", persist_state="session",
        help=explain("Draw"),
    )  # fmt: skip
    st.number_input(
        "Seed",
        0,
        MAX_SEED,
        step=1,
        key="seed",
        persist_state="session",
        help="The same seed gives the same draws.",
    )


def _photometry() -> None:
    st.caption(
        "Dereddened AB model magnitudes, such as SDSS modelMag − extinction. They replace "
        "values measured on the image or from a catalogue; any may be missing."
    )
    columns = st.columns(2)
    for k, band in enumerate(BANDS):
        with columns[k % 2]:
            _number(f"{band} (mag)", f"mag_{band}", step=0.1, format="%.3f")
    left, right = st.columns(2)
    with left:
        _number("Petrosian R50 (″)", "petro_r50", step=0.1, format="%.2f")
    with right:
        _number("Petrosian R90 (″)", "petro_r90", step=0.1, format="%.2f")


def _image(has_image: bool) -> None:
    if not has_image:
        st.caption("These options need an image: choose an example or upload a file first.")
    st.caption("If empty, the object nearest the centre and what the header says are used.")
    left, right = st.columns(2)
    with left:
        _number("Target RA (°)", "ra", step=0.001, format="%.5f")
        _number(
            "Pixel scale (″)", "pixel_scale", step=0.01, format="%.3f",
            help="Side of a pixel. An SDSS JPEG has no header: give the scale of the cutout.",
        )  # fmt: skip
        _number(
            "Zero point (mag)", "zero_point", step=0.1, format="%.3f",
            help="AB magnitude of a source whose pixels sum to one, where the header does not "
            "tell it: 22.5 for nanomaggies.",
        )  # fmt: skip
        _number(
            "E(B−V) (mag)", "ebv", step=0.01, format="%.4f",
            help="Reddening of Schlegel et al. 1998: its extinction is removed from magnitudes "
            "measured on the image.",
        )  # fmt: skip
    with right:
        _number("Target Dec (°)", "dec", step=0.001, format="%.5f")
        _number(
            "Flux pixel scale (″)", "flux_pixel_scale", step=0.01, format="%.3f",
            help="Side of the pixel that the values refer to, where an image was interpolated "
            "to another scale: 0.396 for values per native SDSS pixel.",
        )  # fmt: skip
        _number(
            "Exposure (s)", "exposure", step=1.0, format="%g",
            help="Exposure time, where the zero point is that of one unit per second.",
        )  # fmt: skip
