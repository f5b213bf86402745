"""What a report says, as plain tables and sentences; HTML and PDF set the same."""

from dataclasses import dataclass

import numpy as np

from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES, SUMMARY_QUANTILES, TARGETS
from galexplorer.science.derived import derive
from galexplorer.science.lines import line_status
from galexplorer.science.summary import (
    BPT_LABELS,
    describe_detection,
    format_number,
    format_value,
    not_measurable,
)

UNIT_WORDS = {
    "log10(Msun)": "log M☉",
    "log10(Msun/yr)": "log M☉ yr⁻¹",
    "log10(1e-17 erg/s/cm2)": "log 10⁻¹⁷ erg s⁻¹ cm⁻²",
}
NONE = "\N{EN DASH}"

CAPTIONS = {
    "corner": "Contours hold 68% and 95% of the draws, dashes the median and 68%.",
    "bpt": "Posterior draws, with the demarcations of Kewley et al. 2001, Kauffmann et al. 2003 "
    "and Schawinski et al. 2007.",
    "lines": "Inferred from light in broad bands: no line was measured. Bars hold 68% and 95%.",
}
"""What each figure shows."""


@dataclass(frozen=True)
class Grid:
    """A table of words.

    Attributes
    ----------
    head : tuple of str
    rows : tuple of tuple of str
        The first cell names the row.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def without(self, column: str) -> "Grid":
        """Return the table without one of its columns."""
        k = self.head.index(column)
        head, *rows = ((*row[:k], *row[k + 1 :]) for row in (self.head, *self.rows))
        return Grid(head, tuple(rows))


def posterior_grid(result: Result) -> Grid:
    """Return the nine targets: median, 68% and 95% intervals, known value, unit."""
    summary, known = result.posterior.summary(), result.known
    rows = []
    for target in TARGETS:
        name, values = target.name, summary[target.name]
        if hidden := not_measurable(result, name):
            cells = [NONE, hidden, NONE]
        elif name in result.posterior.fixed:
            cells = [f"{values['p50']:.6g}", "fixed", "fixed"]
        else:
            cells = [
                format_value(name, values["p50"]),
                _span(*(format_value(name, values[key]) for key in ("p16", "p84"))),
                _span(*(format_value(name, values[key]) for key in ("p2_5", "p97_5"))),
            ]
        if known:
            cells.append(format_value(name, known[name]) if name in known else NONE)
        rows.append((target.label, *cells, UNIT_WORDS.get(target.unit, target.unit)))
    head = ("Quantity", "Median", "68%", "95%", *(["Known"] if known else []), "Unit")
    return Grid(head, tuple(rows))


def derived_grid(result: Result) -> Grid:
    """Return what follows from the draws: median, 68% and 95% intervals, unit."""
    levels = [SUMMARY_QUANTILES[key] for key in ("p50", "p16", "p84", "p2_5", "p97_5")]
    rows = []
    for quantity in derive(result.posterior, result.photometry.petro_r50, result.measurable):
        values = quantity.draws[np.isfinite(quantity.draws)]
        if quantity.flag:
            cells = [NONE, quantity.reason, NONE]
        else:
            words = [format_number(float(q), quantity.digits) for q in np.quantile(values, levels)]
            spread = np.ptp(values) > 0
            spans = [_span(*words[1:3]), _span(*words[3:5])] if spread else ["fixed", "fixed"]
            cells = [words[0], *spans]
        rows.append((quantity.label, *cells, quantity.unit))
    return Grid(("Quantity", "Median", "68%", "95%", "Unit"), tuple(rows))


def line_grid(result: Result) -> Grid:
    """Return what the draws say of each line, and how likely a spectrum of SDSS's shows it."""
    rows = []
    for target in TARGETS:
        if target.name in LINE_NAMES:
            status = line_status(result.posterior.column(target.name))
            limit = format_value(target.name, status.log_limit)
            words = f", log F < {limit} at 95%" if status.kind == "upper limit" else ""
            seen = describe_detection(result, target.name) or NONE
            rows.append((target.label.removesuffix(" flux"), f"{status.kind}{words}", seen))
    return Grid(("Line", "Kind of posterior", "S/N > 3 in an SDSS spectrum"), tuple(rows))


def class_grid(result: Result) -> Grid:
    """Return the probability of each BPT class."""
    rows = (
        (BPT_LABELS[name], f"{share:.0%}" if np.isfinite(share) else NONE)
        for name, share in result.bpt.items()
    )
    return Grid(("BPT class", "Probability"), tuple(rows))


def neighbour_grid(result: Result) -> Grid:
    """Return the nearest galaxies of the library with their known values."""
    rows = tuple(
        (
            neighbour.name,
            f"{neighbour.distance:.2f}",
            f"{neighbour.ra:.5f}",
            format_number(neighbour.dec, 5),
            *(
                format_value(key, neighbour.known[key]) if key in neighbour.known else NONE
                for key in ("redshift", "log_stellar_mass", "log_sfr")
            ),
            f"{neighbour.known['r']:.2f}" if "r" in neighbour.known else NONE,
        )
        for neighbour in result.neighbours
    )
    head = ("Galaxy", "Distance", "RA (°)", "Dec (°)", "z", "log M⋆", "log SFR", "r (mag)")
    return Grid(head, rows)


def photometry_words(result: Result) -> str:
    """Return the magnitudes and radii that the model was given, in a sentence."""
    photometry = result.photometry
    if photometry.kind == "none":
        return "No photometry was used."
    origin = {"catalogue": "from a catalogue, dereddened", "measured": "measured on the image"}
    magnitudes = ", ".join(f"{band} = {value:.2f}" for band, value in photometry.magnitudes.items())
    words = f"AB magnitudes, {origin[photometry.kind]}: {magnitudes or 'none'}."
    radii = [
        f"{label} = {radius:.2f}″"
        for label, radius in (("R50", photometry.petro_r50), ("R90", photometry.petro_r90))
        if radius is not None
    ]
    return f"{words} Petrosian radii in r: {', '.join(radii)}." if radii else words


def place_words(result: Result) -> str:
    """Return the position of the galaxy, empty where it is unknown."""
    view = result.view
    if view is None or view.ra is None or view.dec is None:
        return ""
    return f"RA {view.ra:.5f}°, Dec {format_number(view.dec, 5)}°"


def _span(low: str, high: str) -> str:
    return f"{low} to {high}"
