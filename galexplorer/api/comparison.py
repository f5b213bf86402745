"""Several galaxies side by side as files: table, rows for LaTeX, and figures for print."""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from galexplorer.api.latex_table import explain_rows, latex_tabular
from galexplorer.errors import OptionError
from galexplorer.export.figures import figure_bytes
from galexplorer.export.latex import latex_row, provenance_comments
from galexplorer.export.provenance import CITATION, caveat_sentences, describe_provenance
from galexplorer.export.publication import SIZES, fit_corner, scale_text
from galexplorer.export.tables import written_bytes
from galexplorer.export.target_tables import shared_provenance, summary_table
from galexplorer.figures.bpt_static import bpt_static_figure
from galexplorer.figures.palette import LIGHT, OVERLAY, SERIES
from galexplorer.query.target_list import Target
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.records.verdict import DO_NOT_USE, LEVEL_WORDS
from galexplorer.runs.target_run import Outcome
from galexplorer.schema import PROPERTY_NAMES, TARGETS
from galexplorer.science.columns import describe_columns
from galexplorer.science.contrast import INDEPENDENT, Contrast, describe_probability
from galexplorer.science.summary import format_value, shown_targets

TABLE_FORMATS = {
    "csv": ".csv",
    "ecsv": ".ecsv",
    "fits": ".fits",
    "parquet": ".parquet",
    "votable": ".vot",
    "latex": ".tex",
}
"""Suffix of each format of the table."""

FIGURES = {"corner": "Joint posteriors", "bpt": "BPT diagram"}

Galaxies = Sequence[tuple[str, Result]]
Contrasts = Mapping[str, Contrast]


def comparison_table(galaxies: Galaxies, contrasts: Contrasts | None = None) -> Table:
    """Return galaxies as a table, a row each.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
        Names that differ, and results.
    contrasts : mapping of str to Contrast, optional
        By target, the first of two galaxies less the second.

    Returns
    -------
    astropy.table.Table
        The columns of a list of targets but for ``problem``, and ``seed`` and ``draws``. The
        metadata hold the provenance that all have in common, that of each galaxy with its origins
        and caveats, the differences, and the citation.
    """
    results = [result for _, result in galaxies]
    table = summary_table([_outcome(name, result) for name, result in galaxies])
    table.remove_column("problem")
    for key in ("seed", "draws"):
        table[key] = np.array([int(result.provenance.get(key, 0)) for result in results])
    shared = shared_provenance(results)
    table.meta = {
        "provenance": {k: v for k, v in shared.items() if k not in ("seed", "draws")},
        "galaxies": {
            name: {
                "provenance": dict(result.provenance),
                "origins": dict(result.origins),
                "caveats": caveat_sentences(result),
            }
            for name, result in galaxies
        },
        "differences": contrast_sentences([name for name, _ in galaxies], contrasts or {}),
        "citation": CITATION,
    }
    return describe_columns(table, ("seed", "draws"))


def contrast_sentences(names: Sequence[str], contrasts: Contrasts) -> list[str]:
    """Return the difference between two galaxies in words, a sentence for each target.

    Parameters
    ----------
    names : sequence of str
        Of the galaxies.
    contrasts : mapping of str to Contrast
        By target; none gives no sentences.
    """
    if not contrasts:
        return []
    first, second = names
    sentences = [f"Differences are those of {first} less {second}. {INDEPENDENT}"]
    for target in TARGETS:
        if (found := contrasts.get(target.name)) is not None:
            low, middle, high = (
                format_value(target.name, found.quantiles[key]) for key in ("p16", "p50", "p84")
            )
            unit = " dex" if target.unit else ""  # of logarithms, all of them
            sentences.append(
                f"{target.label}: {middle}{unit} (68%: {low} to {high}), {found.spreads:.1f} "
                f"combined spreads; probability that {first} has the larger one "
                f"{describe_probability(found.p_greater)}."
            )
    return sentences


def comparison_bytes(galaxies: Galaxies, format: str, contrasts: Contrasts | None = None) -> bytes:
    """Return the table of some galaxies as the content of a file.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
        Names that differ, and results.
    format : str
        One of ``TABLE_FORMATS``; CSV has columns alone.
    contrasts : mapping of str to Contrast, optional
        By target, the first of two galaxies less the second.

    Returns
    -------
    bytes

    Raises
    ------
    OptionError
        If the format is unknown.
    """
    if format not in TABLE_FORMATS:
        raise OptionError(f"Unknown format {format!r}: choose one of {', '.join(TABLE_FORMATS)}.")
    if format == "latex":
        sentences = contrast_sentences([name for name, _ in galaxies], contrasts or {})
        return _latex_table(galaxies, sentences)
    return written_bytes(comparison_table(galaxies, contrasts), format)


def comparison_figure(
    galaxies: Galaxies,
    kind: str,
    size: str = "double",
    names: Sequence[str] = PROPERTY_NAMES,
) -> Figure:
    """Draw posteriors over one another at their printed size, on white.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
        The first that may be used gives the titles and lies on top; those that must not be used
        are grey, and named so.
    kind : {"corner", "bpt"}
    size : {"single", "double", "poster"}
    names : sequence of str
        Targets of the corner plot.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no such figure or size, no galaxy may be used, or nothing can be drawn.
    """
    if kind not in FIGURES or size not in SIZES:
        raise OptionError(
            f"There is no figure {kind!r} of size {size!r}: choose one of {', '.join(FIGURES)}, "
            f"and {', '.join(SIZES)}."
        )
    usable = [result for _, result in galaxies if result.verdict.usable]
    if not usable:
        raise OptionError("None of these galaxies may be used: choose another one.")
    (name, first, _), *others = layers_of(galaxies)
    to = SIZES[size]
    try:
        if kind == "corner":
            from galexplorer.figures.corner import corner_figure  # it takes seconds to load

            shown = [n for n in names if all(shown_targets(result, [n]) for result in usable)]
            figure = corner_figure(first, shown, others=others, name=name)
            fit_corner(figure, to)
        else:
            figure = bpt_static_figure(first, others=others, name=name)
            width, height = figure.get_size_inches()
            figure.set_size_inches(to.width_in, to.width_in * height / width)
            scale_text(figure, to)
    except ValueError as error:
        raise OptionError(f"The figure {kind!r} cannot be drawn: {error}.") from error
    for legend in figure.findobj(Legend):
        for text in legend.get_texts():
            text.set_fontsize(to.tick_pt)
    return figure


def layers_of(
    galaxies: Galaxies, colours: Sequence[str] = (LIGHT.accent, *SERIES[1:])
) -> list[tuple[str, Posterior, str]]:
    """Return name, posterior and colour of galaxies as they are drawn, the uppermost first.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
    colours : sequence of str
        Of those that may be used, in order.

    Returns
    -------
    list of (str, Posterior, str)
        Those that must not be used come last, grey.
    """
    used = [(name, result) for name, result in galaxies if result.verdict.usable]
    others = [(name, result) for name, result in galaxies if not result.verdict.usable]
    layers = [
        (name, result.posterior, colour)
        for (name, result), colour in zip(used, colours, strict=False)
    ]
    return [*layers, *((mark_unusable(name), result.posterior, OVERLAY) for name, result in others)]


def mark_unusable(name: str) -> str:
    """Return the name of a galaxy that must not be used, with a word that says so.

    Examples
    --------
    >>> mark_unusable("Haro 25")
    'Haro 25 (do not use)'
    """
    return f"{name} ({LEVEL_WORDS[DO_NOT_USE].lower()})"


def comparison_figure_bytes(
    galaxies: Galaxies, kind: str, format: str, size: str = "double",
    names: Sequence[str] = PROPERTY_NAMES,
) -> bytes:  # fmt: skip
    """Return a figure of some galaxies as the content of a file that carries their provenance.

    Parameters
    ----------
    galaxies : sequence of (str, Result)
        As of `comparison_figure`, and so the others.
    kind : {"corner", "bpt"}
    format : {"png", "pdf", "svg"}
        PNG has 300 dots per inch.
    size : {"single", "double", "poster"}
    names : sequence of str
        Targets of the corner plot.

    Returns
    -------
    bytes

    Raises
    ------
    OptionError
        As of `comparison_figure`, or if there is no such format.
    """
    figure = comparison_figure(galaxies, kind, size, names)
    told = [f"{name}: {describe_provenance(result)}" for name, result in galaxies]
    title = f"{FIGURES[kind]} of {', '.join(name for name, _ in galaxies)}"
    return figure_bytes(figure, format, dpi=300, title=title, description=" | ".join(told))


def _outcome(name: str, result: Result) -> Outcome:
    """Return a galaxy as a target that was inferred, which is what makes rows."""
    held = None
    if "redshift" in result.posterior.fixed:
        held = float(result.posterior.column("redshift")[0])
    ra, dec = (None, None) if result.view is None else (result.view.ra, result.view.dec)
    return Outcome(Target(name, "", held), result, ra=ra, dec=dec)


def _latex_table(galaxies: Galaxies, sentences: Sequence[str]) -> bytes:
    """Return a ``tabular`` under comments that have units, caveats and provenance of each."""
    comments = explain_rows(all(result.verdict.usable for _, result in galaxies))
    for name, result in galaxies:
        comments += ["", name or "galaxy", *provenance_comments(result)]
    rows = [latex_row(result, name) for name, result in galaxies]
    return latex_tabular([*comments, "", *sentences], rows)
