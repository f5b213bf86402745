"""The numbers of a result as tables."""

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.figures.palette import UNITS
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES, SUMMARY_QUANTILES, TARGETS, Target
from galexplorer.science.caveats import derived_caveat, target_caveats
from galexplorer.science.derived import Derived, derive
from galexplorer.science.glossary import explain
from galexplorer.science.lines import DETECTABLE_LOG_FLUX, FAINT_LOG_FLUX, line_status
from galexplorer.science.rounding import linear_range
from galexplorer.science.summary import (
    describe_detection,
    emphasise,
    format_number,
    format_value,
    not_measurable,
)
from galexplorer.ui.parts import controls
from galexplorer.ui.parts.footnotes import Footnotes
from galexplorer.ui.session import address, settings
from galexplorer.ui.session.state import ExploredGalaxy

INTERVALS = {"68%": ("p16", "p84"), "95%": ("p2_5", "p97_5")}

_LABELS = {target.name: target.label for target in TARGETS}
_LINEAR_HINT = (
    "Masses, rates and fluxes themselves instead of their logarithms, here and among the derived "
    "quantities. A metallicity stays the logarithm that it is by definition."
)
_SWITCHED = "linear_switched"


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
        st.subheader(
            "Posterior",
            anchor=False,
            width="content",
            help=explain("Posterior", "Draw", "Median", "68% interval", "dex"),
        )
        level = controls.choose_interval()
        _offer_redshift(record)
    notes = Footnotes("nine")
    linear = _linear()  # the toggle is below the table
    frame = posterior_table(record, level, earlier, linear, notes)
    with st.container(key="nine"):
        st.table(frame, border="horizontal", hide_index=True, alt=f"Posterior summary, {level}")
    st.toggle(
        "Linear values",
        key="linear",
        persist_state="session",
        help=_LINEAR_HINT,
        on_change=_switch,
    )
    fluxes = f"Line fluxes: predicted, not measured; {_unit(TARGETS[-1], linear)}, 3″ fibre."
    notes.show(fluxes)
    address.write_interval(settings.interval())
    if st.session_state.pop(_SWITCHED, False):
        st.rerun()  # the derived quantities follow, which are in another fragment


def _switch() -> None:
    st.session_state[_SWITCHED] = True


def _linear() -> bool:
    """Return whether tables show values in place of their logarithms."""
    return bool(st.session_state.get("linear"))


def posterior_table(
    record: ExploredGalaxy,
    level: str,
    earlier: ExploredGalaxy | None = None,
    linear: bool = False,
    notes: Footnotes | None = None,
) -> pd.DataFrame:
    """Return median, interval and known value of every target, as words.

    Parameters
    ----------
    record : ExploredGalaxy
    level : {"68%", "95%"}
    earlier : ExploredGalaxy, optional
    linear : bool
        Masses, rates and fluxes themselves instead of their logarithms.
    notes : Footnotes, optional
        Takes the caveats of the values.
    """
    summary = record.result.posterior.summary()
    before = earlier.result.posterior.summary() if earlier is not None else {}
    known = record.known
    caveats = target_caveats(record.result) if notes is not None else {}
    low, high = INTERVALS[level]
    rows = []
    for target in TARGETS:
        name, values = target.name, summary[target.name]
        if hidden := not_measurable(record.result, name):
            median, interval = "none", hidden.replace(" (", "  \n(")
        elif name in record.result.posterior.fixed:
            median, interval = f"{values['p50']:.6g}", "fixed"
        else:
            median, interval = _words(target, linear, *(values[q] for q in (low, "p50", high)))
        unit = "" if name in LINE_NAMES else _unit(target, linear)
        mark = "" if notes is None else notes.mark(caveats.get(name, ""))
        row = {
            "Quantity": target.label + (f"  \n:small[{unit}]" if unit else ""),
            "Median": emphasise(record.result, median) + mark,
            f"{level} interval": interval,
        }
        if earlier is not None:
            old = before[name]
            _, words = _words(target, linear, *(old[q] for q in (low, "p50", high)))
            hidden = not_measurable(earlier.result, name)
            words = hidden or ("fixed" if name in earlier.result.posterior.fixed else words)
            row[f"{level} interval"] += f"  \n:small[before {words}]"
        if known:
            value = known.get(name)
            row["Known"] = "" if value is None else _words(target, linear, value, value, value)[0]
        rows.append(row)
    return pd.DataFrame(rows)


def _words(target: Target, linear: bool, low: float, middle: float, high: float) -> tuple[str, str]:
    """Return a median and its interval in words, of logarithms or of what they are of."""
    if linear and _is_logarithm(target.unit):
        return linear_range(low, middle, high)
    first, median, last = (format_value(target.name, value) for value in (low, middle, high))
    return median, f"{first} to {last}"


def _unit(target: Target, linear: bool) -> str:
    unit = UNITS.get(target.unit, target.unit)
    return unit.removeprefix("log ") if linear else unit


def _is_logarithm(unit: str) -> bool:
    return unit.startswith("log")


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
    notes = Footnotes("derived")
    quantities = derive(result.posterior, result.photometry.petro_r50, result.measurable)
    rows = [derived_row(each, result.verdict.usable, _linear(), notes) for each in quantities]
    with st.container(key="derived"):
        st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="Derived quantities")
    notes.show()


def derived_row(
    quantity: Derived, bold: bool = True, linear: bool = False, notes: Footnotes | None = None
) -> dict[str, str]:
    """Return one derived quantity as words: median, both intervals, or why it has none."""
    row = {"Quantity": quantity.label, "Median": "none"}
    row |= {f"{level} interval": "" for level in INTERVALS}
    linear = linear and _is_logarithm(quantity.unit)
    if quantity.flag:
        row["68% interval"] = quantity.reason
    else:
        values = quantity.draws[np.isfinite(quantity.draws)]
        for level, (low, high) in INTERVALS.items():
            edges = [SUMMARY_QUANTILES[low], 0.5, SUMMARY_QUANTILES[high]]
            at = [float(v) for v in np.quantile(values, edges)]
            first, median, last = (format_number(v, quantity.digits) for v in at)
            words = f"{first} to {last}"
            if linear:
                median, words = linear_range(*at)
            row[f"{level} interval"] = words if np.ptp(values) > 0 else "fixed"
            if level == settings.INTERVALS[0]:
                row["Median"] = f"**{median}**" if bold else median
    if notes is not None:
        row["Median"] += notes.mark(derived_caveat(quantity))
    return {**row, "Unit": quantity.unit.removeprefix("log ") if linear else quantity.unit}


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
