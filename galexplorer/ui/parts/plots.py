"""Figures of results, each drawn once: kept by the hash of what it shows.

An underscore before a parameter keeps Streamlit from hashing arrays; the keys beside it say all
that the figure depends on.
"""

import hashlib
import io

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from galexplorer.export.figures import figure_bytes
from galexplorer.figures.bpt import bpt_figure
from galexplorer.figures.lines import lines_figure
from galexplorer.figures.palette import OVERLAY, SERIES, theme
from galexplorer.figures.screen_corner import Layer, screen_corner
from galexplorer.figures.sky import STRETCHES, colour_figure, residual_picture
from galexplorer.records.result import Result, View
from galexplorer.schema import LINE_NAMES, PROPERTY_NAMES, TARGET_NAMES, TARGETS
from galexplorer.science.lines import kpc_per_arcsec
from galexplorer.science.summary import BPT_LABELS, describe_interval, in_sentence, not_measurable
from galexplorer.ui.parts.tables import line_words
from galexplorer.ui.session import state
from galexplorer.ui.session.state import ExploredGalaxy

PICTURE_PX = 448
KEPT = 64
PANELS = {"Properties": PROPERTY_NAMES, "Lines": LINE_NAMES, "All nine": TARGET_NAMES}

_LABELS = {target.name: target.label for target in TARGETS}
_Truth = tuple[tuple[str, float], ...]


def dark() -> bool:
    """Return whether the page has a dark background."""
    return st.context.theme.type == "dark"


@st.fragment
def show_corner(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the joint posterior, with an earlier one in grey behind it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Joint posterior", anchor=False, width="content")
        names = choose_panels("panels")
    truth = tuple(sorted(record.known.items()))
    records = [record] if earlier is None else [record, earlier]
    names = shown_panels(records, names)
    words = ["Contours enclose 68% and 95% of the draws; dashed: median and 68% interval."]
    if truth:
        words.append("Orange: known values.")
    if earlier is not None:
        words.append("Grey: previous result.")
    posterior = record.result.posterior
    described = ", ".join(
        f"{in_sentence(_LABELS[name])} {describe_interval(posterior, name)}" for name in names
    )
    overlaid = " The previous result is drawn in grey." if earlier is not None else ""
    svg = corner_of(records, names, truth)
    if svg is None:
        st.info("Everything shown here is held fixed.", icon=":material/info:")
        return
    st.image(
        svg,
        width="stretch",
        caption=" ".join(words),
        alt=f"Corner plot of the posterior: {described}.{overlaid}",
    )


def choose_panels(key: str) -> tuple[str, ...]:
    """Draw the choice of the targets that a corner plot shows, and return them."""
    st.session_state.setdefault(key, "Properties")
    chosen = st.segmented_control(
        "Quantities in the corner plot",
        list(PANELS),
        required=True,
        key=key,
        persist_state="session",
        label_visibility="collapsed",
    )
    return tuple(PANELS[chosen or "Properties"])


def shown_panels(records: list[ExploredGalaxy], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of some targets that have a value to show in every result."""
    return tuple(n for n in names if not any(not_measurable(r.result, n) for r in records))


def corner_of(
    records: list[ExploredGalaxy], names: tuple[str, ...], truth: _Truth = (), series: bool = False
) -> str | None:
    """Return the corner plot of some results as SVG, None where nothing varies.

    Parameters
    ----------
    records : list of ExploredGalaxy
        The first lies on top.
    names : tuple of str
    truth : tuple of (str, float)
    series : bool
        One colour for each; otherwise all but the first are grey.
    """
    keys = tuple(record.key for record in records)
    names = shown_panels(records, names)
    try:
        return _corner_svg(keys, names, dark(), truth, series, [r.result for r in records])
    except ValueError:
        return None


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _corner_svg(
    keys: tuple[str, ...],
    names: tuple[str, ...],
    dark: bool,
    truth: _Truth,
    series: bool,
    _results: list[Result],
) -> str:
    colours = (
        series_colours(len(_results), dark)
        if series
        else [theme(dark).accent, *[OVERLAY] * (len(_results) - 1)]
    )
    layers = [
        Layer(result.posterior, colour) for result, colour in zip(_results, colours, strict=True)
    ]
    return screen_corner(layers, names, dict(truth), dark)


def series_colours(number: int, dark: bool) -> list[str]:
    """Return one colour for each galaxy of a comparison."""
    return [theme(dark).accent, *SERIES[1:]][:number]


def show_bpt(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the BPT cloud."""
    st.subheader("BPT diagram", anchor=False)
    result = record.result
    shares = ", ".join(f"{BPT_LABELS[name]} {p:.0%}" for name, p in result.bpt.items())
    before = [] if earlier is None else [("Before", earlier.result, OVERLAY)]
    keys = (record.key, *([earlier.key] if earlier is not None else []))
    st.plotly_chart(
        bpt_of(keys, dark(), result, before, shares=True),
        key="bpt",
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
        alt=f"BPT diagram with the cloud of posterior draws. Class probabilities: {shares}.",
    )


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def bpt_of(
    keys: tuple[str, ...],
    dark: bool,
    _result: Result,
    _others: list[tuple[str, Result, str]],
    shares: bool,
    name: str = "Posterior draws",
) -> go.Figure:
    """Return the BPT figure of a result and others; the keys say which."""
    return bpt_figure(
        _result.posterior,
        _result.bpt if shares else None,
        dark,
        _reference(),
        [(label, other.posterior, colour) for label, other, colour in _others],
        name,
    )


@st.cache_resource(show_spinner=False)
def _reference() -> tuple[np.ndarray, np.ndarray] | None:
    """Return the measured line ratios of the library's galaxies, None where there are few."""
    known = state.load_engine().library.known.numpy()
    column = {name: known[:, k].astype(float) for k, name in enumerate(TARGET_NAMES)}
    x = column["log_flux_nii_6584"] - column["log_flux_halpha"]
    y = column["log_flux_oiii_5007"] - column["log_flux_hbeta"]
    there = np.isfinite(x) & np.isfinite(y)
    return (x[there], y[there]) if there.sum() >= 20 else None


def show_lines(record: ExploredGalaxy) -> None:
    """Draw the posteriors of the four lines."""
    st.subheader("Emission lines", anchor=False)
    kinds = line_words(record.result.posterior)
    words = ", ".join(
        f"{_LABELS[name]} {describe_interval(record.result.posterior, name)} ({kinds[name]})"
        for name in LINE_NAMES
    )
    truth = tuple(sorted(record.known.items()))
    st.plotly_chart(
        _lines_plot(record.key, dark(), truth, record.result),
        key="lines",
        config={"displayModeBar": False},
        alt=f"Posteriors of the log fluxes in 1e-17 erg/s/cm2: {words}.",
    )


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _lines_plot(key: str, dark: bool, truth: _Truth, _result: Result) -> go.Figure:
    return lines_figure(_result.posterior, dict(truth), dark)


def colour_png(result: Result, stretch: str, aperture: bool) -> bytes:
    """Return the colour image with scale bar, compass and aperture.

    It is drawn again for other pixels and another scale in kpc, not for every other posterior.
    """
    assert result.view is not None
    redshift = float(np.median(result.posterior.column("redshift")))
    scale = float(f"{float(kpc_per_arcsec(redshift)):.2g}")
    return _colour_png(_view_key(result.view), scale, stretch, aperture, result.view)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _colour_png(key: str, scale: float, stretch: str, aperture: bool, _view: View) -> bytes:
    return figure_bytes(colour_figure(_view, scale, aperture, STRETCHES[stretch]), dpi=180)


def reconstruction_pngs(result: Result) -> tuple[tuple[bytes, str], ...]:
    """Return what the model saw, its reconstruction and the residual, each with its caption."""
    assert result.view is not None
    return _reconstruction_pngs(_view_key(result.view), result.view)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _reconstruction_pngs(key: str, _view: View) -> tuple[tuple[bytes, str], ...]:
    residual, limit = residual_picture(_view)
    return (
        (_enlarged(_view.composite), "Input"),
        (_enlarged(_view.reconstruction), "Reconstruction"),
        (_enlarged(residual), f"Residual, ±{limit:.0f}"),
    )


def _enlarged(picture: np.ndarray) -> bytes:
    """Return a picture as PNG with its pixels seen as squares."""
    side = PICTURE_PX // len(picture) * len(picture)
    buffer = io.BytesIO()
    Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def _view_key(view: View) -> str:
    """Return a hash of all that a view shows."""
    digest = hashlib.sha256()
    for picture in (view.native, view.composite, view.reconstruction):
        digest.update(picture.tobytes())
    scales = (view.pixel_scale_arcsec, view.native_pixel_scale_arcsec, view.petrosian_radius_arcsec)
    digest.update(repr((*scales, view.north_angle_deg, view.mirrored)).encode())
    return digest.hexdigest()
