"""The posterior in LaTeX: a table of one galaxy, or one row of a table of many."""

import math
from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import numpy as np
from jaxtyping import Float

from galexplorer.export.provenance import CITATION, caveat_sentences, provenance_lines
from galexplorer.records.result import Result
from galexplorer.records.verdict import FINE, LEVEL_WORDS
from galexplorer.schema import TARGETS
from galexplorer.science.caveats import target_caveats
from galexplorer.science.rounding import decimals
from galexplorer.science.summary import BPT_LABELS, kind_of_galaxy, not_measurable

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
COLUMNS = ("Galaxy", *(_SYMBOLS[target.name] for target in TARGETS), "BPT class")
EXPLANATIONS = (
    "Posterior medians and 68% intervals; most probable class with its probability.",
    "Line fluxes: log10 of 1e-17 erg/s/cm2, 3 arcsec fibre.",
)
GREY = "Grey needs the package xcolor."
_GREEK = "alpha beta gamma delta eta sigma"
_TYPESET = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    # after the end of a row they would be that command's argument
    **{mark: f"{{{mark}}}" for mark in "[*"},
    "\N{EN DASH}": "--",
    "\N{MINUS SIGN}": "$-$",
    "\N{PRIME}": "$'$",
    "\N{DOUBLE PRIME}": "$''$",
    **{mark: rf"$\{name}$" for mark, name in zip("αβγδησ", _GREEK.split(), strict=True)},
}


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
    return latex_quantiles(*np.quantile(draws.astype(float), [0.16, 0.5, 0.84]))


def latex_quantiles(low: float, middle: float, high: float) -> str:
    """Return a median and its 68% interval, as `latex_interval` does.

    Parameters
    ----------
    low, middle, high : float
        Quantiles at 16%, 50% and 84%.

    Returns
    -------
    str
    """
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
    intervals = [
        None
        if not_measurable(result, target.name)
        else latex_interval(result.posterior.column(target.name))
        for target in TARGETS
    ]
    return compose_row(name, intervals, result.bpt, result.verdict.usable)


def compose_row(
    name: str, intervals: Sequence[str | None], bpt: Mapping[str, float], usable: bool
) -> str:
    """Return one row of a table, as `latex_row` does.

    Parameters
    ----------
    name : str
    intervals : sequence of str or None
        A cell for each target; None where it has no value.
    bpt : mapping of str to float
        Probability of each class; NaN where they are unknown.
    usable : bool
        A row that must not be used is grey, with a dagger.

    Returns
    -------
    str
    """
    likeliest = max(bpt, key=lambda kind: bpt[kind])
    known = math.isfinite(bpt[likeliest]) and usable
    kind = f"{BPT_LABELS[likeliest]} ({bpt[likeliest]:.2f})" if known else None
    cells = [cell or r"\nodata" for cell in (*intervals, kind)]
    if not usable:
        cells = [rf"\textcolor{{gray}}{{{cell}}}" for cell in cells]
    first = (_typeset(name) or "galaxy") + ("" if usable else r"$^\dagger$")
    return " & ".join([first, *cells]) + r" \\"


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
        *EXPLANATIONS,
        *([] if result.verdict.usable else [f"{GREY} The dagger:"]),
        *provenance_comments(result),
        "",
        " & ".join(COLUMNS) + r" \\",
    ]
    return "\n".join([*commented(comments), latex_row(result, name), ""]).encode()


def latex_table(result: Result, name: str = "") -> str:
    """Return a table of one galaxy that compiles as it is, with the package booktabs.

    Parameters
    ----------
    result : Result
    name : str
        Of the galaxy; LaTeX's own characters are escaped.

    Returns
    -------
    str
        A ``table`` with a row for each target: quantity, symbol, median with the errors to 68%,
        and the known value where there is any. Caveats of values are notes below it; verdict,
        provenance and citation follow as comments.
    """
    caveats = target_caveats(result)
    letters = zip(dict.fromkeys(caveats.values()), ascii_lowercase, strict=False)
    marks = {words: f"$^{letter}$" for words, letter in letters}
    rows = []
    for target in TARGETS:
        hidden = not_measurable(result, target.name)
        cells = [
            _typeset(target.label) + marks.get(caveats.get(target.name, ""), ""),
            _SYMBOLS[target.name],
            r"\ldots" if hidden else latex_interval(result.posterior.column(target.name)),
        ]
        if result.known:
            known = result.known.get(target.name)
            cells.append(r"\ldots" if known is None else f"${known:.{target.digits}f}$")
        rows.append(" & ".join(cells) + r" \\")
    head = ["Quantity", "Symbol", r"Median and 68\%", *(["Known"] if result.known else [])]
    level = result.verdict.level
    kind = f"{kind_of_galaxy(result)}." if result.verdict.usable else ""
    said = f"{kind} {'' if level == FINE else LEVEL_WORDS[level] + '.'}".strip()
    notes = [
        r"Line fluxes $F$ are predicted: $10^{-17}$ erg s$^{-1}$ cm$^{-2}$ in a 3$''$ fibre.",
        *(f"{mark} {_typeset(words)}" for words, mark in marks.items()),
    ]
    lines = [
        "% Needs the package booktabs.",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{Posterior of {_typeset(name) or 'the galaxy'}, inferred without a spectrum. "
        rf"{_typeset(said)}}}",
        r"\renewcommand{\arraystretch}{1.3}",
        rf"\begin{{tabular}}{{{'l' * len(head)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip\raggedright\footnotesize",
        *(f"{note}\\\\" for note in notes[:-1]),
        notes[-1],
        r"\end{table}",
        *commented(provenance_comments(result)),
    ]
    return "\n".join([*lines, ""])


def provenance_comments(result: Result) -> list[str]:
    """Return caveats, provenance and citation, a line each."""
    return [
        *caveat_sentences(result),
        *(f"{label}: {words}" for label, words in provenance_lines(result)),
        f"Cite: {CITATION}",
    ]


def commented(lines: list[str]) -> list[str]:
    """Return lines as comments of LaTeX."""
    return [f"% {' '.join(line.split())}".rstrip() for line in lines]


def _typeset(text: str) -> str:
    """Return text with what means something to LaTeX, or nothing to pdfLaTeX, as its commands."""
    return "".join(_TYPESET.get(mark, mark) for mark in " ".join(text.split()))
