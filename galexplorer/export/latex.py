"""Posteriors as rows of a LaTeX table: one alone, or several as a whole table."""

import math
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from galexplorer.export.provenance import CITATION, caveat_sentences, provenance_lines
from galexplorer.records.result import Result
from galexplorer.schema import TARGETS
from galexplorer.science.summary import BPT_LABELS, not_measurable

_SYMBOLS = {
    "redshift": r"$z$",
    "log_stellar_mass": r"$\log M_\star/M_\odot$",
    "log_sfr": r"$\log \mathrm{SFR}/(M_\odot\,\mathrm{yr}^{-1})$",
    "gas_metallicity": r"$12+\log(\mathrm{O/H})$",
    "log_bh_mass": r"$\log M_\mathrm{BH}/M_\odot$",
    "log_flux_halpha": r"$\log F(\mathrm{H}\alpha)$",
    "log_flux_hbeta": r"$\log F(\mathrm{H}\beta)$",
    "log_flux_nii_6584": r"$\log F([\mathrm{N\,II}]\,6584)$",
    "log_flux_oiii_5007": r"$\log F([\mathrm{O\,III}]\,5007)$",
}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_MAX_DECIMALS = 6
_COLUMNS = ("Galaxy", *(_SYMBOLS[target.name] for target in TARGETS), "BPT class")
_EXPLANATIONS = (
    "Posterior medians and 68% intervals; most probable class with its probability.",
    "Line fluxes: log10 of 1e-17 erg/s/cm2, 3 arcsec fibre.",
)
_GREY = "Grey needs the package xcolor."


def decimals(lower: float, upper: float) -> int:
    """Return how many decimals a value with these errors deserves.

    Two significant digits of the larger error, and at least one of the smaller.

    Parameters
    ----------
    lower, upper : float
        Distances to the ends of the interval, not negative.

    Returns
    -------
    int
    """
    larger, smaller = max(lower, upper), min(lower, upper)
    if not larger > 0:
        return _MAX_DECIMALS
    wanted = 1 - math.floor(math.log10(larger))
    if smaller > 0:
        wanted = max(wanted, -math.floor(math.log10(smaller)))
    return min(max(wanted, 0), _MAX_DECIMALS)


def latex_interval(draws: Float[np.ndarray, " n"]) -> str:
    """Return a median and its 68% interval, such as ``$0.021^{+0.012}_{-0.009}$``.

    Parameters
    ----------
    draws : ndarray, shape (n,)
        Constant for a value that was fixed, which then stands alone.

    Returns
    -------
    str
    """
    low, middle, high = np.quantile(draws.astype(float), [0.16, 0.5, 0.84])
    lower, upper = middle - low, high - middle
    if lower <= 0 and upper <= 0:
        return f"${middle:.6g}$"
    digits = decimals(lower, upper)
    return f"${middle:.{digits}f}^{{+{upper:.{digits}f}}}_{{-{lower:.{digits}f}}}$"


def latex_row(result: Result, name: str = "") -> str:
    """Return one row of a table: name, nine targets, BPT class.

    Parameters
    ----------
    result : Result
    name : str
        Of the galaxy; LaTeX's own characters are escaped.

    Returns
    -------
    str
        Ends in ``\\\\``.
    """
    cells = [_escape(name) or "galaxy"]
    if not result.verdict.usable:
        cells[0] += r"$^\dagger$"
    cells += [
        r"\nodata"
        if not_measurable(result, target.name)
        else latex_interval(result.posterior.column(target.name))
        for target in TARGETS
    ]
    likeliest = max(result.bpt, key=lambda kind: result.bpt[kind])
    share = result.bpt[likeliest]
    known = math.isfinite(share) and result.verdict.usable
    cells.append(f"{BPT_LABELS[likeliest]} ({share:.2f})" if known else r"\nodata")
    if not result.verdict.usable:
        cells[1:] = [rf"\textcolor{{gray}}{{{cell}}}" for cell in cells[1:]]
    return " & ".join(cells) + r" \\"


def latex_bytes(result: Result, name: str = "") -> bytes:
    """Return the row as a file, under comments that name columns, units, caveats and provenance.

    Parameters
    ----------
    result : Result
    name : str

    Returns
    -------
    bytes
    """
    comments = [
        *_EXPLANATIONS,
        *([] if result.verdict.usable else [f"{_GREY} The dagger:"]),
        *caveat_sentences(result),
        *(f"{label}: {words}" for label, words in provenance_lines(result)),
        f"Cite: {CITATION}",
        "",
        " & ".join(_COLUMNS) + r" \\",
    ]
    return "\n".join([*_comment(comments), latex_row(result, name), ""]).encode()


def latex_table_bytes(
    galaxies: Sequence[tuple[str, Result]], sentences: Sequence[str] = ()
) -> bytes:
    """Return several galaxies as a table, a row each, to take into a document with ``\\input``.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
    sentences : sequence of str
        What there is to say of all of them, in comments above the table.

    Returns
    -------
    bytes
        A ``tabular`` under comments that have units, and caveats and provenance of each galaxy.
    """
    usable = all(result.verdict.usable for _, result in galaxies)
    comments = [*_EXPLANATIONS, *([] if usable else [f"{_GREY} The dagger: do not use."])]
    for name, result in galaxies:
        told = [f"{label}: {words}" for label, words in provenance_lines(result)]
        comments += ["", name or "galaxy", *caveat_sentences(result), *told]
    comments += ["", *sentences, f"Cite: {CITATION}"]
    lines = [
        *_comment(comments),
        r"\providecommand{\nodata}{\ldots}",
        rf"\begin{{tabular}}{{l{'c' * (len(_COLUMNS) - 1)}}}",
        r"\hline",
        " & ".join(_COLUMNS) + r" \\",
        r"\hline",
        *(latex_row(result, name) for name, result in galaxies),
        r"\hline",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines).encode()


def _comment(lines: Sequence[str]) -> list[str]:
    return [f"% {' '.join(line.split())}".rstrip() for line in lines]


def _escape(text: str) -> str:
    return re.sub(r"[\\~^&%$#_{}]", lambda mark: _SPECIAL[mark[0]], " ".join(text.split()))
