"""The result of one galaxy, from verdict to downloads."""

import pandas as pd
import streamlit as st

from galexplorer.export.figures import figure_bytes
from galexplorer.figures.bpt import bpt_figure
from galexplorer.figures.corner import corner_figure
from galexplorer.figures.lines import lines_figure
from galexplorer.figures.sky import colour_figure, reconstruction_figure
from galexplorer.inference.result import Result
from galexplorer.schema import SUMMARY_QUANTILES, TARGETS
from galexplorer.science.derived import derive
from galexplorer.science.lines import kpc_per_arcsec
from galexplorer.science.summary import (
    BPT_LABELS,
    describe_interval,
    domain_sentence,
    format_number,
    format_value,
    verdict,
)
from galexplorer.ui.downloads import show_downloads
from galexplorer.ui.neighbours import show_neighbours
from galexplorer.ui.sources import Source

INTERVALS = {"68%": ("p16", "p84"), "95%": ("p2_5", "p97_5")}
SCREEN_DPI = 130

_UNITS = {
    "log10(Msun)": "log M☉",
    "log10(Msun/yr)": "log M☉ yr⁻¹",
    "log10(1e-17 erg/s/cm2)": "log 10⁻¹⁷ erg s⁻¹ cm⁻²",
}
_LABELS = {target.name: target.label for target in TARGETS}


def show_result(result: Result, key: str, source: Source | None) -> None:
    """Draw everything that is known about one galaxy.

    Parameters
    ----------
    result : Result
    key : str
        Hash that names the result; figures are kept by it.
    source : Source or None
        None where the result rests on photometry alone.
    """
    truth = source.truth if source is not None else {}
    st.header(verdict(result), anchor=False)
    if result.domain.inside:
        st.markdown(domain_sentence(result))
    else:
        st.warning(domain_sentence(result), icon=":material/warning:")
    _show_origin(result, source)

    if result.view is not None:
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _show_image(result, key)
        with right:
            _show_table(result, truth)
    else:
        _show_table(result, truth)

    left, right = st.columns([3, 2], gap="medium")
    with left:
        _show_corner(result, key, truth)
    with right:
        _show_bpt(result, key)
        _show_lines(result, key, truth)

    if result.view is not None:
        _show_reconstruction(result, key)
    if result.neighbours:
        show_neighbours(result, key)
    show_downloads(result, key, truth, source)


def _dark() -> bool:
    return st.context.theme.type == "dark"


def _show_origin(result: Result, source: Source | None) -> None:
    origin = source.origin if source is not None else "Photometry alone, without an image."
    with st.expander(f"{origin} {_photometry_words(result)}", icon=":material/info:"):
        lines = [f"- {note}" for note in result.notes]
        magnitudes = result.photometry.magnitudes
        if magnitudes:
            words = ", ".join(f"{band} = {value:.2f}" for band, value in magnitudes.items())
            lines.append(f"- Magnitudes (AB): {words}.")
        weights = str(result.provenance.get("weights_sha256", ""))[:12]
        content = str(result.provenance.get("input_sha256") or "")[:12]
        lines.append(
            f"- Weights `{weights or 'unknown'}`"
            + (f", input `{content}`" if content else "")
            + f", seed {result.provenance.get('seed')}, {len(result.posterior.draws):,} draws."
        )
        st.markdown("\n".join(lines))


def _photometry_words(result: Result) -> str:
    return {
        "catalogue": "Photometry: yours.",
        "measured": "Photometry: measured on the image.",
    }.get(result.photometry.kind, "No photometry.")


def _show_image(result: Result, key: str) -> None:
    view = result.view
    assert view is not None
    where = (
        ""
        if view.ra is None or view.dec is None
        else f" at RA {view.ra:.4f}°, Dec {format_number(view.dec, 4)}°"
    )
    dashed = "" if view.petrosian_radius_arcsec is None else (
        f" Dashed: Petrosian radius {view.petrosian_radius_arcsec:.1f}″."
    )  # fmt: skip
    st.image(
        _colour_png(key, result),
        width="stretch",
        caption=f"SDSS composite of i, r, g{where}.{dashed}",
        alt=f"Colour image of the galaxy with scale bar{where}.",
    )


def _show_table(result: Result, truth: dict[str, float]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Posterior", anchor=False, width="content")
        st.session_state.setdefault("interval", "68%")
        level = st.segmented_control(
            "Credible interval",
            list(INTERVALS),
            required=True,
            key="interval",
            persist_state="session",
            label_visibility="collapsed",
        )
    low, high = INTERVALS[level or "68%"]
    summary = result.posterior.summary()
    rows = []
    for target in TARGETS:
        name, values = target.name, summary[target.name]
        median, interval = (
            (f"{values['p50']:.6g}", "fixed")
            if name in result.posterior.fixed
            else (
                format_value(name, values["p50"]),
                f"{format_value(name, values[low])} to {format_value(name, values[high])}",
            )
        )
        row = {"Quantity": target.label, "Median": f"**{median}**", f"{level} interval": interval}
        if truth:
            row["Known"] = format_value(name, truth[name]) if name in truth else ""
        rows.append({**row, "Unit": _UNITS.get(target.unit, target.unit)})
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="Posterior summary")
    _show_derived(result, level or "68%")


def _show_derived(result: Result, level: str) -> None:
    low, high = (SUMMARY_QUANTILES[key] for key in INTERVALS[level])
    with st.expander("Derived from the draws", expanded=True, icon=":material/functions:"):
        rows = []
        for quantity in derive(result.posterior):
            values = pd.Series(quantity.draws).dropna()
            if quantity.valid < 0.5:
                median, interval = "none", f"valid for {quantity.valid:.0%} of the draws"
            else:
                edges = [
                    format_number(float(values.quantile(q)), quantity.digits) for q in (low, high)
                ]
                median = f"**{format_number(float(values.median()), quantity.digits)}**"
                interval = " to ".join(edges) if values.nunique() > 1 else "fixed"
            rows.append(
                {
                    "Quantity": quantity.label,
                    "Median": median,
                    f"{level} interval": interval,
                    "Unit": quantity.unit,
                }
            )
        st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="Derived values")


def _show_corner(result: Result, key: str, truth: dict[str, float]) -> None:
    st.subheader("Joint posterior", anchor=False)
    known = " Orange: known values." if truth else ""
    words = ", ".join(
        f"{_LABELS[name].lower()} {describe_interval(result.posterior, name)}"
        for name in ("redshift", "log_stellar_mass", "log_sfr", "gas_metallicity", "log_bh_mass")
    )
    st.image(
        _corner_png(key, _dark(), tuple(truth.items()), result),
        width="stretch",
        caption=f"Contours hold 68% and 95% of the draws, dashes the median and 68%.{known}",
        alt=f"Corner plot of the posterior: {words}.",
    )


def _show_bpt(result: Result, key: str) -> None:
    st.subheader("BPT diagram", anchor=False)
    shares = ", ".join(f"{BPT_LABELS[name]} {p:.0%}" for name, p in result.bpt.items())
    st.plotly_chart(
        _bpt_plot(key, _dark(), result),
        key="bpt",
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
        alt=f"BPT diagram with the cloud of posterior draws. Class probabilities: {shares}.",
    )


def _show_lines(result: Result, key: str, truth: dict[str, float]) -> None:
    st.subheader("Emission lines", anchor=False)
    words = ", ".join(
        f"{target.label} {describe_interval(result.posterior, target.name)}"
        for target in TARGETS[5:]
    )
    st.plotly_chart(
        _lines_plot(key, _dark(), tuple(truth.items()), result),
        key="lines",
        config={"displayModeBar": False},
        alt=f"Posteriors of the log fluxes in 1e-17 erg/s/cm2: {words}.",
    )


def _show_reconstruction(result: Result, key: str) -> None:
    st.subheader("What the model saw", anchor=False)
    st.image(
        _reconstruction_png(key, _dark(), result),
        width="stretch",
        caption="The 64 × 64 composite given to the encoder, what its 32 latents kept of it, "
        "and the difference.",
        alt="Three panels: the model's input image, the reconstruction by the variational "
        "autoencoder, and the residual of the two.",
    )


# Figures are kept by the hash of the request: an underscore keeps Streamlit from hashing arrays.


@st.cache_data(show_spinner=False, max_entries=48)
def _corner_png(
    key: str, dark: bool, truth: tuple[tuple[str, float], ...], _result: Result
) -> bytes:
    figure = corner_figure(_result.posterior, truths=dict(truth), dark=dark)
    return figure_bytes(figure, dpi=SCREEN_DPI, transparent=True)


@st.cache_data(show_spinner=False, max_entries=48)
def _colour_png(key: str, _result: Result) -> bytes:
    view, redshift = _result.view, float(pd.Series(_result.posterior.column("redshift")).median())
    assert view is not None
    return figure_bytes(colour_figure(view, float(kpc_per_arcsec(redshift))), dpi=180)


@st.cache_data(show_spinner=False, max_entries=48)
def _reconstruction_png(key: str, dark: bool, _result: Result) -> bytes:
    assert _result.view is not None
    return figure_bytes(reconstruction_figure(_result.view, dark), dpi=SCREEN_DPI, transparent=True)


@st.cache_resource(show_spinner=False, max_entries=48)
def _bpt_plot(key: str, dark: bool, _result: Result):
    return bpt_figure(_result.posterior, _result.bpt, dark)


@st.cache_resource(show_spinner=False, max_entries=48)
def _lines_plot(key: str, dark: bool, truth: tuple[tuple[str, float], ...], _result: Result):
    return lines_figure(_result.posterior, dict(truth), dark)
