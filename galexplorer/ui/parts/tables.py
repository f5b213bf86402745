"""The numbers of a result as tables."""

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.figures.palette import UNITS
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES, SUMMARY_QUANTILES, TARGETS
from galexplorer.science.derived import Derived, derive
from galexplorer.science.lines import DETECTABLE_LOG_FLUX, FAINT_LOG_FLUX, line_status
from galexplorer.science.summary import (
    describe_detection,
    emphasise,
    format_number,
    format_value,
    not_measurable,
)
from galexplorer.ui.parts import controls
from galexplorer.ui.session import address, settings
from galexplorer.ui.session.state import ExploredGalaxy

INTERVALS = {"68%": ("p16", "p84"), "95%": ("p2_5", "p97_5")}

_LABELS = {target.name: target.label for target in TARGETS}


@st.fragment
def show_posterior(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw the table of the nine targets; another interval redraws it alone.

    Parameters
    ----------
    record : ExploredGalaxy
    earlier : ExploredGalaxy or None
        An answer about the same galaxy to set beside it.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Posterior", anchor=False, width="content")
        level = controls.choose_interval()
        _offer_redshift(record)
    frame = posterior_table(record, level, earlier)
    with st.container(key="nine"):
        st.table(frame, border="horizontal", hide_index=True, alt=f"Posterior summary, {level}")
    st.caption(f"Line fluxes: {UNITS[TARGETS[-1].unit]}, within the 3″ fibre.")
    address.write_interval(settings.interval())


def posterior_table(
    record: ExploredGalaxy, level: str, earlier: ExploredGalaxy | None = None
) -> pd.DataFrame:
    """Return median, interval and known value of every target, as words.

    Parameters
    ----------
    record : ExploredGalaxy
    level : {"68%", "95%"}
    earlier : ExploredGalaxy, optional
    """
    summary = record.result.posterior.summary()
    before = earlier.result.posterior.summary() if earlier is not None else {}
    known = record.known
    low, high = INTERVALS[level]
    rows = []
    for target in TARGETS:
        name, values = target.name, summary[target.name]
        if hidden := not_measurable(record.result, name):
            median, interval = "none", hidden.replace(" (", "  \n(")
        elif name in record.result.posterior.fixed:
            median, interval = f"{values['p50']:.6g}", "fixed"
        else:
            median = format_value(name, values["p50"])
            interval = f"{format_value(name, values[low])} to {format_value(name, values[high])}"
        unit = "" if name in LINE_NAMES else UNITS.get(target.unit, target.unit)
        row = {
            "Quantity": target.label + (f"  \n:small[{unit}]" if unit else ""),
            "Median": emphasise(record.result, median),
            f"{level} interval": interval,
        }
        if earlier is not None:
            old = before[name]
            words = f"{format_value(name, old[low])} to {format_value(name, old[high])}"
            hidden = not_measurable(earlier.result, name)
            words = hidden or ("fixed" if name in earlier.result.posterior.fixed else words)
            row[f"{level} interval"] += f"  \n:small[before {words}]"
        if known:
            row["Known"] = format_value(name, known[name]) if name in known else ""
        rows.append(row)
    return pd.DataFrame(rows)


def _offer_redshift(record: ExploredGalaxy) -> None:
    known = record.known.get("redshift")
    if known is not None and "redshift" not in record.result.posterior.fixed:
        clicked = st.button(
            f"Fix z = {known:.4f}",
            key="fix_known",
            type="tertiary",
            icon=":material/lock:",
            help="Hold the redshift at the known value and infer the rest given it.",
            on_click=settings.fix_redshift,
            args=(known,),
        )
        if clicked:
            st.rerun()  # the whole page: a fragment alone would not see it


def show_derived(result: Result) -> None:
    """Draw the table of what follows from the draws."""
    quantities = derive(result.posterior, result.photometry.petro_r50, result.measurable)
    rows = [derived_row(quantity, result.verdict.usable) for quantity in quantities]
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="Derived quantities")


def derived_row(quantity: Derived, bold: bool = True) -> dict[str, str]:
    """Return one derived quantity as words: median, both intervals, or why it has none."""
    row = {"Quantity": quantity.label, "Median": "none"}
    row |= {f"{level} interval": "" for level in INTERVALS}
    if quantity.flag:
        row["68% interval"] = quantity.reason
    else:
        values = quantity.draws[np.isfinite(quantity.draws)]
        median = format_number(float(np.median(values)), quantity.digits)
        row["Median"] = f"**{median}**" if bold else median
        for level, (low, high) in INTERVALS.items():
            edges = np.quantile(values, [SUMMARY_QUANTILES[low], SUMMARY_QUANTILES[high]])
            words = " to ".join(format_number(float(v), quantity.digits) for v in edges)
            row[f"{level} interval"] = words if np.ptp(values) > 0 else "fixed"
    return {**row, "Unit": quantity.unit}


def line_words(posterior: Posterior) -> dict[str, str]:
    """Return what kind of posterior each line has, by target, with the limit where it is one."""
    words = {}
    for name in LINE_NAMES:
        status = line_status(posterior.column(name))
        limit = status.kind == "upper limit"
        words[name] = status.kind + (
            f", < {format_value(name, status.log_limit)} (95%)" if limit else ""
        )
    return words


def show_line_kinds(result: Result) -> None:
    """Draw what kind of posterior each line has, and the rule that says so."""
    words = line_words(result.posterior)
    frame = pd.DataFrame(
        [
            {
                "Line": _LABELS[name].removesuffix(" flux"),
                "Kind": words[name],
                "S/N > 3": describe_detection(result, name),
            }
            for name in LINE_NAMES
        ]
    )
    st.table(frame, border="horizontal", hide_index=True, alt="Kind of each line's posterior")
    st.caption(
        "No line was measured; the labels describe the draws. Measured-like (●): 95% of "
        f"them above log F = {DETECTABLE_LOG_FLUX:g}, three times the median error of a line in "
        "SDSS spectra (dotted). Upper limit (◀): some are too faint to be detected, and "
        f"95% lie below {FAINT_LOG_FLUX:g}. Unconstrained (○): anything from too faint to bright."
    )
