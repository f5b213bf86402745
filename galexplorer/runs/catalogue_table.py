"""What is found out about each row of a catalogue, as columns."""

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from jaxtyping import Float

from galexplorer.catalogue import Catalogue
from galexplorer.runs.catalogue_resume import INTERRUPTED
from galexplorer.runs.catalogue_rows import MEASURED
from galexplorer.schema import (
    BPT_CLASSES,
    LINE_NAMES,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    SUMMARY_STATISTICS,
    TARGET_NAMES,
)
from galexplorer.science.columns import describe_columns
from galexplorer.science.derived import DERIVED_NAMES, NOT_MEASURABLE
from galexplorer.science.summary import MIN_MEASURABLE_PROBABILITY


@dataclass(frozen=True)
class Columns:
    """What is found out about each row, filled batch by batch; NaN where nothing is.

    Attributes
    ----------
    statistics : ndarray, shape (n, 7, 9), float32
        `galexplorer.schema.SUMMARY_STATISTICS` of every target.
    derived : ndarray, shape (n, 5, 8), float32
        `galexplorer.schema.SUMMARY_QUANTILES` of every derived quantity.
    classes : ndarray, shape (n, 4), float32
        Probabilities of `galexplorer.schema.BPT_CLASSES`.
    measurable : ndarray, shape (n, 5), float32
        Probabilities that a spectrum would show each of `galexplorer.schema.MEASURABLE_NAMES`.
    scores : ndarray, shape (n,), float32
        Percentile of the least typical measure.
    measured : ndarray, shape (n, 9), float64
        `MEASURED` of rows with an image.
    p_galaxy : ndarray, shape (n,), float32
        Probability that it is a galaxy.
    verdicts : list of str
        Level of the verdict, empty where there is none.
    flags, derived_flags : list of list of str
        Of the row, and of its derived quantities.
    """

    statistics: Float[np.ndarray, "n 7 9"]
    derived: Float[np.ndarray, "n 5 8"]
    classes: Float[np.ndarray, "n 4"]
    measurable: Float[np.ndarray, "n 5"]
    scores: Float[np.ndarray, " n"]
    measured: Float[np.ndarray, "n m"]
    p_galaxy: Float[np.ndarray, " n"]
    verdicts: list[str]
    flags: list[list[str]]
    derived_flags: list[list[str]]

    @classmethod
    def empty(cls, catalogue: Catalogue) -> "Columns":
        """Return columns that know no more than the catalogue's own flags."""
        number = len(catalogue)

        def nothing(*shape: int) -> np.ndarray:
            return np.full((number, *shape), np.nan, np.float32)

        return cls(
            nothing(len(SUMMARY_STATISTICS), len(TARGET_NAMES)),
            nothing(len(SUMMARY_QUANTILES), len(DERIVED_NAMES)),
            nothing(len(BPT_CLASSES)),
            nothing(len(MEASURABLE_NAMES)),
            nothing(),
            np.full((number, len(MEASURED)), np.nan),
            nothing(),
            [""] * number,
            [[word for word in str(flag).split(";") if word] for flag in catalogue.flags],
            [[] for _ in range(number)],
        )

    def leave_out(self, rows: range, catalogue: Catalogue) -> None:
        """Mark rows as interrupted, with nothing of what was found out about them."""
        for part in vars(self).values():
            if isinstance(part, np.ndarray):
                part[rows.start : rows.stop] = np.nan
        for k in rows:
            known = [word for word in str(catalogue.flags[k]).split(";") if word]
            self.flags[k] = [*known, INTERRUPTED]
            self.derived_flags[k] = []
            self.verdicts[k] = ""

    def tabulate(self, catalogue: Catalogue) -> Table:
        """Return id, position and all columns, each with description, unit and UCD.

        A metallicity that no spectrum would give is NaN, which its flag says.
        """
        table = Table()
        table["id"] = np.asarray(catalogue.id, str)
        table["ra"] = catalogue.ra
        table["dec"] = catalogue.dec
        chance = self.measurable[:, MEASURABLE_NAMES.index("gas_metallicity")]
        hidden = chance < MIN_MEASURABLE_PROBABILITY
        for j, target in enumerate(TARGET_NAMES):
            for s, name in enumerate(SUMMARY_STATISTICS):
                values = self.statistics[:, s, j]
                if target == "gas_metallicity":
                    values = np.where(hidden, np.float32(np.nan), values)
                table[f"{target}_{name}"] = values
        # as wide as its longest word, like all columns of text
        table["gas_metallicity_flag"] = np.array(np.where(hidden, NOT_MEASURABLE, "").tolist(), str)
        for c, name in enumerate(BPT_CLASSES):
            table[name] = self.classes[:, c]
        table["p_no_lines"] = 1 - self.measurable[:, : len(LINE_NAMES)].min(axis=1)
        for c, name in enumerate(MEASURABLE_NAMES):
            table[f"p_{name}_measurable"] = self.measurable[:, c]
        table["domain_score"] = self.scores
        table["verdict"] = np.array(self.verdicts, str)
        table["p_galaxy"] = self.p_galaxy
        for j, target in enumerate(DERIVED_NAMES):
            for s, name in enumerate(SUMMARY_QUANTILES):
                table[f"{target}_{name}"] = self.derived[:, s, j]
        table["derived_flag"] = np.array([";".join(words) for words in self.derived_flags], str)
        table["flag"] = np.array([";".join(words) for words in self.flags], str)
        if catalogue.image_paths():
            for c, name in enumerate(MEASURED):
                table[name] = self.measured[:, c]
        return describe_columns(table)
