"""The sidebar: what a user can state beside the image."""

from typing import Any

import streamlit as st

from galexplorer.schema import BANDS, TARGETS
from galexplorer.ui.request import Options
from galexplorer.ui.sources import Source

MAX_DRAWS = 50_000
_HIGHEST_REDSHIFT = TARGETS[0].high

UNKNOWN, KNOWN, RANGE = "Unknown", "Known", "Range"

# Widgets whose value belongs to one galaxy: another image clears them.
_GALAXY_KEYS = (
    *(f"mag_{band}" for band in BANDS),
    "petro_r50",
    "petro_r90",
    "ra",
    "dec",
    "pixel_scale",
    "flux_pixel_scale",
    "redshift",
)


def describe_source(source: Source | None) -> None:
    """Set the galaxy's own options to what a newly chosen source says of them."""
    for key in _GALAXY_KEYS:
        st.session_state[key] = None
    st.session_state["redshift_mode"] = UNKNOWN
    if source is not None and source.position is not None:
        st.session_state["ra"], st.session_state["dec"] = source.position


def _number(label: str, key: str, low: float, high: float, **options) -> float | None:
    return st.number_input(
        label, low, high, value=None, key=key, persist_state="session", **options
    )


def sidebar(has_image: bool) -> Options:
    """Draw the controls and return what they say.

    Parameters
    ----------
    has_image : bool
        Whether there is an image that the image options could belong to.
    """
    with st.sidebar:
        redshift, redshift_range = _redshift()
        with st.expander("Photometry", icon=":material/tune:"):
            magnitudes, petro_r50, petro_r90 = _photometry()
        with st.expander("Image", icon=":material/image:"):
            image = _image(has_image)
        with st.expander("Sampling", icon=":material/casino:"):
            draws = st.number_input(
                "Draws", 500, MAX_DRAWS, 5000, 500, key="draws", persist_state="session"
            )
            seed = st.number_input(
                "Seed",
                0,
                2**31 - 1,
                0,
                1,
                key="seed",
                persist_state="session",
                help="The same seed gives the same draws.",
            )
    return Options(
        magnitudes=magnitudes,
        petro_r50=petro_r50,
        petro_r90=petro_r90,
        redshift=redshift,
        redshift_range=redshift_range,
        draws=int(draws),
        seed=int(seed),
        **image,
    )


def _redshift() -> tuple[float | None, tuple[float, float] | None]:
    st.session_state.setdefault("redshift_mode", UNKNOWN)
    mode = st.segmented_control(
        "Redshift",
        [UNKNOWN, KNOWN, RANGE],
        required=True,
        key="redshift_mode",
        persist_state="session",
        help="A known redshift is held fixed, and the other quantities are inferred given it; "
        "a range acts as a prior.",
    )
    if mode == KNOWN:
        return (
            _number(
                "Redshift, held fixed", "redshift", 0.001, _HIGHEST_REDSHIFT, step=0.001,
                format="%.4f", placeholder="such as 0.0197",
            ),
            None,
        )  # fmt: skip
    if mode == RANGE:
        left, right = st.columns(2)
        limits: dict[str, Any] = {"step": 0.01, "format": "%.3f", "persist_state": "session"}
        with left:
            low = st.number_input("From", 0.0, _HIGHEST_REDSHIFT, 0.0, key="redshift_low", **limits)
        with right:
            high = st.number_input("To", 0.0, _HIGHEST_REDSHIFT, 0.1, key="redshift_high", **limits)
        return None, (float(low), float(high))
    return None, None


def _photometry() -> tuple[dict[str, float], float | None, float | None]:
    st.caption(
        "Dereddened AB model magnitudes, such as SDSS modelMag − extinction. They take the place "
        "of what is measured on the image; any may be missing."
    )
    columns = st.columns(2)
    magnitudes = {}
    for k, band in enumerate(BANDS):
        with columns[k % 2]:
            value = _number(f"{band} (mag)", f"mag_{band}", 5.0, 30.0, step=0.1, format="%.3f")
        if value is not None:
            magnitudes[band] = float(value)
    left, right = st.columns(2)
    radius = {"step": 0.1, "format": "%.2f"}
    with left:
        petro_r50 = _number("Petrosian R50 (″)", "petro_r50", 0.05, 3600.0, **radius)
    with right:
        petro_r90 = _number("Petrosian R90 (″)", "petro_r90", 0.05, 3600.0, **radius)
    return magnitudes, petro_r50, petro_r90


def _image(has_image: bool) -> dict[str, float | None]:
    if not has_image:
        st.caption("These belong to an image: choose an example or drop a file first.")
    st.caption("Left empty, the object nearest the centre and the header's own scale are taken.")
    left, right = st.columns(2)
    with left:
        ra = _number("Target RA (°)", "ra", 0.0, 360.0, step=0.001, format="%.5f")
        scale = _number(
            "Pixel scale (″)", "pixel_scale", 0.01, 60.0, step=0.01, format="%.3f",
            help="Side of a pixel. An SDSS JPEG has no header: state the scale it was cut at.",
        )  # fmt: skip
    with right:
        dec = _number("Target Dec (°)", "dec", -90.0, 90.0, step=0.001, format="%.5f")
        flux_scale = _number(
            "Values per (″)", "flux_pixel_scale", 0.01, 60.0, step=0.01, format="%.3f",
            help="Side of the pixel that the values refer to, where an image was interpolated "
            "to another scale: 0.396 for values per native SDSS pixel.",
        )  # fmt: skip
    return {
        "ra": ra,
        "dec": dec,
        "pixel_scale_arcsec": scale,
        "flux_pixel_scale_arcsec": flux_scale,
    }
