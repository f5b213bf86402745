"""One LaTeX table of many galaxies: a row of each, what to know of them as comments above."""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table
from jaxtyping import Float

from galexplorer.errors import InputError
from galexplorer.export.latex import (
    COLUMNS,
    EXPLANATIONS,
    GREY,
    commented,
    compose_row,
    latex_quantiles,
)
from galexplorer.export.provenance import CITATION, spell_provenance
from galexplorer.records.verdict import CODES, DO_NOT_USE, FINE, LEVEL_WORDS, reason
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.summary import NOT_MEANT
from galexplorer.tables.cells import texts_of
from galexplorer.tables.meta import META, unpack_meta

_TEXTS = ("gas_metallicity_flag", "verdict", "flag")
_OF_LISTS = ("target", "notes")


def explain_rows(usable: bool) -> list[str]:
    """Return what the columns of such a table are, a line each.

    Parameters
    ----------
    usable : bool
        Whether every row may be used; those that must not be are grey, with a dagger.

    Returns
    -------
    list of str

    Examples
    --------
    >>> explain_rows(usable=False)[-1]
    'Grey needs the package xcolor. The dagger: do not use.'
    """
    return [*EXPLANATIONS, *([] if usable else [f"{GREY} The dagger: do not use."])]


def latex_tabular(comments: Sequence[str], rows: Sequence[str]) -> bytes:
    """Return a ``tabular`` as the content of a file.

    Parameters
    ----------
    comments : sequence of str
        Lines above it.
    rows : sequence of str
        As `galexplorer.export.latex.latex_row` returns them.

    Returns
    -------
    bytes
    """
    lines = [
        *commented([*comments]),
        r"\providecommand{\nodata}{\ldots}",
        rf"\begin{{tabular}}{{l{'c' * (len(COLUMNS) - 1)}}}",
        r"\hline",
        " & ".join(COLUMNS) + r" \\",
        r"\hline",
        *rows,
        r"\hline",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines).encode()


def latex_of_table(table: Table) -> bytes:
    """Return a table of results in LaTeX, as the content of a file.

    Parameters
    ----------
    table : astropy.table.Table
        As `galexplorer.Engine.infer_table` returns it, the table of a list of targets, or
        that of `galexplorer.api.comparison.comparison_table`.

    Returns
    -------
    bytes
        A ``tabular`` with a row for each galaxy: medians with the errors to 68%, and the likeliest
        BPT class with its probability; a row that must not be used is grey, with a dagger. Comments
        above it have what to know of each row (verdict, flags, notes, why it has no values), the
        provenance, where the metadata have one, and the citation.

    Raises
    ------
    InputError
        If it is no table of results.

    Examples
    --------
    >>> import galexplorer as gx
    >>> galaxies = Table({"id": ["NGC 1"], "g": [17.6], "r": [16.8], "i": [16.4]})
    >>> table = gx.load().infer_table(galaxies, draws=200)
    >>> latex_of_table(table).decode().splitlines()[-3].split(" & ")[0]
    'NGC 1'
    """
    table = Table(table, copy=False)  # plain columns with units in place of quantities
    table.meta = dict(table.meta)
    unpack_meta(table, table.meta.get(META))  # of FITS that astropy read
    is_list = "id" not in table.colnames  # a catalogue may have notes and problems of its own
    names = _TEXTS + (_OF_LISTS if is_list else ("id",))
    if is_list and "problem" in table.colnames:  # a comparison has none
        names += ("problem",)
    quantiles = [f"{target.name}_{key}" for target in TARGETS for key in ("p16", "p50", "p84")]
    for name in (*names, *BPT_CLASSES, *quantiles):
        if name not in table.colnames:
            raise InputError(f"The table has no column {name}, so it is no table of results.")
    texts = [texts_of(table[name]).tolist() for name in names]
    told = [dict(zip(names, row, strict=True)) for row in zip(*texts, strict=True)]
    values = _numbers(table, quantiles).reshape(len(table), len(TARGETS), 3)
    shares = _numbers(table, BPT_CLASSES)
    comments = explain_rows(all(words["verdict"] != DO_NOT_USE for words in told))
    rows = []
    for words, intervals, bpt in zip(told, values, shares, strict=True):
        name = words["target" if is_list else "id"]
        cells = [latex_quantiles(*own) if np.isfinite(own).all() else None for own in intervals]
        classes = dict(zip(BPT_CLASSES, bpt.tolist(), strict=True))
        rows.append(compose_row(name, cells, classes, words["verdict"] != DO_NOT_USE))
        fixed = bool(intervals[0, 0] == intervals[0, 2])
        if sentences := _caveats(words, fixed):
            comments += ["", name or "galaxy", *sentences]
    made = table.meta.get("provenance")
    lines = spell_provenance(made) if isinstance(made, Mapping) else []
    ends = [*(f"{label}: {words}" for label, words in lines), f"Cite: {CITATION}"]
    return latex_tabular([*comments, "", *ends], rows)


def _numbers(table: Table, names: Sequence[str]) -> Float[np.ndarray, "n m"]:
    columns = [np.ma.MaskedArray(table[name], dtype=np.float64) for name in names]
    return np.stack([column.filled(np.nan) for column in columns], axis=1)


def _caveats(words: Mapping[str, str], fixed: bool) -> list[str]:
    """Return what to know of a row before its values are used, a sentence each."""
    sentences = []
    flags = [flag for flag in words["flag"].split(";") if flag]
    if words["verdict"] not in ("", FINE):
        reasons = [reason(code, words["verdict"]) for code in flags if code in CODES]
        meant = [NOT_MEANT] if words["verdict"] == DO_NOT_USE else []
        spelled = " ".join([*meant, *(f"{each.what} {each.advice}" for each in reasons)])
        sentences.append(f"Verdict: {LEVEL_WORDS.get(words['verdict'], '')}: {spelled}")
    sentences += ["Held fixed: Redshift"] if fixed else []
    if words["gas_metallicity_flag"]:
        sentences.append("No value: Gas-phase metallicity: not measurable")
    sentences += [f"Flag: {flag}" for flag in flags if flag not in CODES]
    labels = {"notes": "Note", "problem": "No values"}
    sentences += [f"{label}: {words[key]}" for key, label in labels.items() if words.get(key)]
    return sentences
