"""The numbers of galaxies that are compared, as tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from galexplorer.api.comparison import mark_unusable
from galexplorer.figures.palette import UNITS
from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES, TARGETS
from galexplorer.science.contrast import Contrast, describe_probability
from galexplorer.science.summary import class_words, emphasise, format_value, not_measurable
from galexplorer.ui.parts.tables import INTERVALS
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session.state import ExploredGalaxy


@dataclass(frozen=True)
class Compared:
    """One galaxy of a comparison.

    Attributes
    ----------
    record : ExploredGalaxy
    name : str
        Apart from the others' names.
    colour : str
        Hexadecimal; grey where the verdict is not to use it.
    """

    record: ExploredGalaxy
    name: str
    colour: str

    @property
    def result(self) -> Result:
        """Return what was inferred of it."""
        return self.record.result

    @property
    def usable(self) -> bool:
        """Return whether its values mean something."""
        return self.result.verdict.usable

    @property
    def shown_name(self) -> str:
        """Return its name, which says so where it must not be used."""
        return self.name if self.usable else mark_unusable(self.name)


def comparison_table(chosen: Sequence[Compared], level: str) -> pd.DataFrame:
    """Return the medians and intervals of several results, one column each.

    Parameters
    ----------
    chosen : sequence of Compared
    level : {"68%", "95%"}

    Returns
    -------
    pandas.DataFrame
        Words; those of what must not be used are grey, and none of them bold.
    """
    low, high = INTERVALS[level]
    summaries = [one.result.posterior.summary() for one in chosen]
    rows = []
    for target in TARGETS:
        unit = "" if target.name in LINE_NAMES else UNITS.get(target.unit, target.unit)
        row = {"Quantity": target.label + (f" ({unit})" if unit else "")}
        for one, summary in zip(chosen, summaries, strict=True):
            values = summary[target.name]
            middle = format_value(target.name, values["p50"])
            edges = " to ".join(format_value(target.name, values[key]) for key in (low, high))
            if target.name in one.result.posterior.fixed:
                middle, edges = f"{values['p50']:.6g}", "fixed"
            hidden = not_measurable(one.result, target.name)
            words = hidden or f"{emphasise(one.result, middle)} ({edges})"
            row[verbatim(one.shown_name)] = words if one.usable else f":gray[{words}]"
        rows.append(row)
    classes = {"Quantity": "BPT class"}
    classes |= {verbatim(one.shown_name): class_words(one.result) for one in chosen}
    return pd.DataFrame([*rows, classes])


def contrast_table(contrasts: dict[str, Contrast], level: str) -> pd.DataFrame:
    """Return the difference between two galaxies in each target, as words.

    Parameters
    ----------
    contrasts : dict of str to Contrast
    level : {"68%", "95%"}
    """
    low, high = INTERVALS[level]
    rows = []
    for target in TARGETS:
        row = {"Quantity": target.label, "Difference": "none", "P(first larger)": "", "Apart": ""}
        if (found := contrasts.get(target.name)) is not None:
            words = {q: format_value(target.name, v) for q, v in found.quantiles.items()}
            row["Difference"] = f"**{words['p50']}** ({words[low]} to {words[high]})"
            # a cell that begins with > would be a quotation in Markdown
            chance = describe_probability(found.p_greater).replace(">", "\\>")
            row["P(first larger)"] = chance
            row["Apart"] = f"{found.spreads:.1f}σ"
        rows.append(row)
    return pd.DataFrame(rows)
