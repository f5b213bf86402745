"""How good is it? The report card of the weights, read from the file beside them."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.export.figures import figure_bytes
from galexplorer.export.report_card import (
    Row,
    accuracy_rows,
    alarm_rows,
    card_page,
    caught_rows,
    class_rows,
    coverage_rows,
    field_rows,
    judged_samples,
    number,
    published_rows,
    sample_plots,
    share,
)
from galexplorer.figures.card.calibration import verdict_plot
from galexplorer.figures.card.judged import calibration_plot, has_points, truth_plot
from galexplorer.figures.card.plots import Plot, boosting_plot
from galexplorer.model.weights import read_report_card
from galexplorer.ui.parts import page_style, plots
from galexplorer.ui.parts.words import show_error

LIMITS = (
    "It predicts what SDSS catalogues would list, including their systematic errors.",
    "Only redshift and mass were learnt from real images.",
    "Star-formation rates, metallicities, black-hole masses and lines of images were learnt from "
    "simulated galaxies: their photometry and redshift are real, other values were measured or "
    "imputed with scatter, their pixels are rendered or taken from another real galaxy, scaled to "
    "their flux and size.",
    "What the image adds to star formation and lines was tested on some 70 to 90 real galaxies, "
    "to metallicities and black-hole masses on fewer than 30.",
    "A metallicity is shown where an SDSS spectrum would probably yield one; only draws contain "
    "one for every galaxy.",
    "Magnitudes measured on the pixels of your own files are not corrected for Galactic "
    "extinction.",
)
"""What no test on this page can show; docs/explanation/limits.md says more."""

HEADLINES = (
    ("Redshift, ugriz magnitudes", "main_sample", "photometry", "redshift", "sigma_mad", 4),
    ("Redshift, real image alone", "sdss_spirals", "image only", "redshift", "r2", 3),
    ("Stellar mass, real image alone", "sdss_spirals", "image only", "log_stellar_mass", "r2", 3),
    (
        "Stellar mass, redshift known", "mpajhu", "photometry, redshift fixed",
        "log_stellar_mass", "rmse", 3,
    ),
)  # fmt: skip
"""Words, sample, mode, target, figure and digits of the numbers on top."""

_FIGURES = {"sigma_mad": ("σ_MAD", ""), "r2": ("R²", ""), "rmse": ("RMSE", " dex")}
_SHOWN = ("Target", "R²", "RMSE", "Boosting RMSE", "Log score", "Gaussian")
_DPI = 130


def page() -> None:
    """Draw the page."""
    page_style.apply_style()
    st.header("How good is it?", anchor=False)
    try:
        card = read_card()
    except GalexplorerError as error:
        show_error(error)
        return
    if card is None:
        st.info(
            "These weights have no report card yet: evaluate them on held-out galaxies.",
            icon=":material/info:",
        )
        return
    st.markdown(
        "All values are for galaxies used in neither training nor tuning: whole square "
        "degrees of sky were held out. *Boosting* is gradient boosting trained on the same rows "
        "with the same inputs, the usual way to get point estimates without a posterior."
    )
    _show_headlines(card)
    if has_points(card):  # those evaluated before single galaxies were kept have none
        with st.container(width=1100):
            _show_plot(card, "truth", partial(truth_plot, card))
    with st.container(width=820):
        _show_plot(card, "calibration", partial(calibration_plot, card))
    _show_sample(card)
    st.subheader("Real galaxies, compared with gradient boosting", anchor=False)
    with st.container(width=680):
        _show_plot(card, "boosting", partial(boosting_plot, card), titled=False)
    if "verdict" in card:
        _show_verdict(card)
    if card.get("fields"):
        st.subheader("Galaxies in real FITS fields", anchor=False)
        st.caption("Redshift from the pixels alone; log density at the spectroscopic redshift.")
        _table(field_rows(card), "Galaxies in real FITS fields")
    st.subheader("Comparison with published results", anchor=False)
    _table(
        [
            {
                "Quantity": f"{row['Quantity']}, {row['Figure']}",
                "Published": row["Published"],
                "Here": row["Here"],
                "Our input": row["Our input"],
                "Comparability": f"{row['Comparability']} {row['Source']}",
            }
            for row in published_rows(card)
        ],
        "Published results and ours",
    )
    _show_shortfalls(card)
    st.download_button(
        "Full report, HTML",
        data=lambda: card_page(card),
        file_name="galexplorer_report_card.html",
        mime="text/html",
        on_click="ignore",
        icon=":material/download:",
        help="Every sample, mode and figure on one page; it takes a few seconds to make.",
    )
    settings = card["settings"]
    st.caption(
        f"Weights `{card['weights_sha256'][:12]}`, evaluated {card['made']}: "
        f"{settings['draws']} draws per galaxy, at most {settings['rows']} galaxies per sample."
    )


def _show_verdict(card: dict) -> None:
    found = card["verdict"]
    st.subheader("Does it know a galaxy?", anchor=False)
    st.caption(
        "Held-out real galaxies, other objects, and galaxies given wrongly. For what is missed, "
        "the last columns give the median width of the 68% interval of redshift, relative to that "
        "of galaxies, and how often the 95% interval holds the true redshift."
    )
    with st.container(key="numbers_verdict"):
        _table(caught_rows(found), "What the verdict catches")
        st.caption("Galaxies that it takes for something else:")
        _table(alarm_rows(found), "Galaxies that the verdict takes for something else")
    with st.container(width=680):
        _show_plot(card, "verdict", partial(verdict_plot, found), titled=False)


@st.cache_data(show_spinner=False, max_entries=2)
def read_card() -> dict | None:
    """Return the report card of the weights in use, None where they have none."""
    return read_report_card()


def _show_headlines(card: dict) -> None:
    found = []
    for words, sample, mode, target, figure, digits in HEADLINES:
        mode_report = card["samples"].get(sample, {}).get("modes", {}).get(mode, {})
        figures = mode_report.get("targets", {}).get(target)
        if figures:
            found.append((words, figures, figure, digits))
    if not found:
        return
    for column, (words, figures, figure, digits) in zip(st.columns(len(found)), found, strict=True):
        with column:
            name, unit = _FIGURES[figure]
            value = number(figures["galexplorer"][figure], digits)
            st.metric(f"{words}: {name}", f"{value}{unit}")
            theirs = figures.get("boosting", {}).get(figure)
            held = share(figures["galexplorer"]["coverage_68"])
            st.caption(
                ("" if theirs is None else f"Boosting {number(theirs, digits)}. ")
                + f"68% intervals contain {held} of {figures['galexplorer']['rows']} galaxies."
            )


def _show_shortfalls(card: dict) -> None:
    st.subheader("Known shortcomings", anchor=False)
    lines = [f"- {sentence}" for sentence in card["shortfalls"]]
    with st.container(width=900):
        st.markdown("\n".join(lines) or "None that these tests reveal.")
        st.markdown("What these tests cannot show:")
        st.markdown("\n".join(f"- {sentence}" for sentence in LIMITS))


@st.fragment
def _show_sample(card: dict) -> None:
    samples = judged_samples(card)
    st.subheader("Sample by sample", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        name = st.selectbox(
            "Galaxies",
            list(samples),
            format_func=lambda key: samples[key]["title"],
            key="card_sample",
            persist_state="session",
        )
        sample = samples[name]
        mode = st.selectbox(
            "Model input",
            list(sample["modes"]),
            key=f"card_mode_{name}",
            persist_state="session",
        )
    mode_report = sample["modes"][mode]
    limits = sample["redshift_range"]
    prior = (
        ""
        if limits is None
        else f" Both methods are given the prior {limits[0]} < z < {limits[1]}."
    )
    st.caption(f"{sample['rows']} held-out galaxies.{prior} {' '.join(sample['notes'])}")
    with st.container(key="numbers"):
        _table(
            [{key: row[key] for key in _SHOWN} for row in accuracy_rows(mode_report)],
            f"Accuracy, {sample['title']}, {mode}",
        )
        _table(coverage_rows(mode_report), f"Calibration, {sample['title']}, {mode}")
    st.caption(
        "R² and RMSE are those of posterior means. RMSE and log score are in the target's unit, "
        "± one bootstrap error; the log score is the mean log of the posterior's density at the "
        "truth, higher is better, next to that of a Gaussian around boosting's mean. D and TARP "
        "are the largest distances from perfect calibration, single and joint. A check is within "
        "noise if perfect posteriors would deviate as much with so few galaxies."
    )
    builders = list(sample_plots(sample, mode))
    for begin in range(0, len(builders), 2):
        for column, k in zip(st.columns(2, gap="medium"), (begin, begin + 1), strict=True):
            if k < len(builders):
                with column:
                    _show_plot(card, f"{name}/{mode}/{k}", partial(_build, sample, mode, k))
    if mode_report.get("bpt"):
        st.caption("Fraction of correct most-probable BPT classes, overall and by true class:")
        _table(class_rows(mode_report), "BPT classes")


def _build(sample: dict, mode: str, k: int, dark: bool) -> Plot:
    return list(sample_plots(sample, mode, dark))[k]()


def _show_plot(card: dict, key: str, build: Callable[[bool], Plot], titled: bool = True) -> None:
    picture, title, caption, alt = _plot_png(card["weights_sha256"], card["made"], key,
                                             plots.dark(), build)  # fmt: skip
    if titled:
        st.markdown(f"**{title}**")
    st.image(picture, width="stretch", caption=caption, alt=alt)


@st.cache_data(show_spinner=False, max_entries=200)
def _plot_png(
    weights: str, made: str, key: str, dark: bool, _build: Callable[[bool], Plot]
) -> tuple[bytes, str, str, str]:
    plot = _build(dark)
    picture = figure_bytes(plot.figure, dpi=_DPI, transparent=True)
    return picture, plot.title, plot.caption, plot.alt


def _table(rows: list[Row], alt: str) -> None:
    if rows:
        st.table(pd.DataFrame(rows).fillna(""), border="horizontal", hide_index=True, alt=alt)
