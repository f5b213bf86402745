"""A result that shows itself: as tables, figures, files, and in a notebook."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import QTable, Table

from galexplorer.errors import OptionError
from galexplorer.export.summary import summarise
from galexplorer.records import result as records
from galexplorer.records.units import UNITS
from galexplorer.schema import PROPERTY_NAMES, SUMMARY_QUANTILES, TARGET_NAMES, TARGETS
from galexplorer.science.columns import DRAW_MEANINGS
from galexplorer.science.derived import DERIVED
from galexplorer.science.summary import not_measurable

if TYPE_CHECKING:
    import arviz
    import pandas as pd
    from matplotlib.figure import Figure

# Figures, reports and tables for other programs take up to a second to import: each is loaded
# by the method that needs it.


@dataclass(frozen=True, repr=False)
class Result(records.Result):
    """Everything inferred about one galaxy.

    It has the fields of `galexplorer.records.result.Result`, among them `posterior` (the draws as
    one array), `bpt`, `measurable`, `domain`, `verdict`, `neighbours`, `notes` and `provenance`.

    Attributes
    ----------
    name : str
        Of the galaxy, for titles and reports; may be empty.

    Examples
    --------
    >>> import galexplorer as gx
    >>> result = gx.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, redshift=0.05)
    >>> result.summary.colnames[:3]
    ['statistic', 'redshift', 'log_stellar_mass']
    >>> result.draws["log_sfr"].unit
    Unit("dex(solMass / yr)")
    >>> sorted(result.bpt)
    ['composite', 'liner', 'seyfert', 'star_forming']
    """

    name: str = ""

    @classmethod
    def of(cls, record: records.Result, name: str = "") -> "Result":
        """Return a record of the engine with these methods."""
        own = {part.name: getattr(record, part.name) for part in fields(records.Result)}
        return cls(**own, name=name)

    @property
    def summary(self) -> QTable:
        """Quantiles and mean of each target, with units and descriptions.

        Returns
        -------
        astropy.table.QTable
            One row for each of p2_5, p16, p50, p84, p97_5 and mean (column ``statistic``, which
            is an index: ``summary.loc["p50"]``), one column for each target. A metallicity that
            no spectrum would give is NaN; ``meta["undetermined"]`` says why.
        """
        statistics = [*SUMMARY_QUANTILES, "mean"]
        values = self.posterior.summary()
        reasons = {t.name: why for t in TARGETS if (why := not_measurable(self, t.name))}
        table = QTable({"statistic": statistics})
        for target in TARGETS:
            column = [values[target.name][statistic] for statistic in statistics]
            column = [math.nan] * len(column) if target.name in reasons else column
            table[target.name] = column * UNITS[target.unit]
            table[target.name].info.description = DRAW_MEANINGS[target.name].description
        table.meta["undetermined"] = reasons
        table.add_index("statistic")
        return table

    @property
    def draws(self) -> QTable:
        """The posterior draws, a row each, with units, descriptions and what made them (meta).

        Columns of the nine targets, and after them those of the derived quantities.
        """
        table = self._posterior_table()
        table["redshift"].unit = UNITS[""]
        return QTable(table)

    def _posterior_table(self) -> Table:
        from galexplorer.export.tables import posterior_table

        return posterior_table(self)

    def to_dict(self) -> dict:
        """Return the result without draws and pixels, as one object that JSON can hold.

        Returns
        -------
        dict
            As `write` puts it into a JSON file; its schema is
            ``galexplorer/export/result.schema.json``.
        """
        return summarise(self)

    def to_pandas(self) -> "pd.DataFrame":
        """Return the draws as a DataFrame.

        Returns
        -------
        pandas.DataFrame
            A row for each draw, with the columns of `draws`; ``attrs["units"]`` holds the unit of
            each.
        """
        import pandas as pd

        table = self._posterior_table()
        frame = pd.DataFrame({name: np.asarray(table[name]) for name in table.colnames})
        frame.attrs["units"] = {
            quantity.name: quantity.unit
            for quantity in (*TARGETS, *DERIVED)
            if quantity.name in table.colnames
        }
        return frame

    def to_arviz(self) -> "arviz.InferenceData":
        """Return the draws as ArviZ's InferenceData: one chain of independent draws.

        Returns
        -------
        arviz.InferenceData

        Raises
        ------
        OptionError
            If ArviZ is not installed.
        """
        try:
            import arviz
        except ImportError as error:
            raise OptionError(
                "ArviZ is not installed: run `pip install 'galexplorer[arviz]'`."
            ) from error
        table = self._posterior_table()
        chains = {name: np.asarray(table[name])[None] for name in table.colnames}
        return arviz.from_dict(posterior=chains)

    def plot_corner(self, names: Sequence[str] = PROPERTY_NAMES, dark: bool = False) -> "Figure":
        """Draw a corner plot of some targets, with known values marked.

        Parameters
        ----------
        names : sequence of str
            Of `galexplorer.schema.TARGET_NAMES`; a metallicity that is not measurable is left out.
        dark : bool
            For a dark background.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        OptionError
            If there is no such target.
        """
        from galexplorer.figures.corner import corner_figure
        from galexplorer.science.summary import shown_targets

        unknown = [names] if isinstance(names, str) else sorted(set(names) - set(TARGET_NAMES))
        if unknown:
            raise OptionError(
                f"{unknown[0]!r} is no list of targets: choose some of {', '.join(TARGET_NAMES)}."
            )
        shown = shown_targets(self, names)
        return corner_figure(self.posterior, shown, self.known, dark=dark)

    def plot_bpt(self, dark: bool = False) -> "Figure":
        """Draw the place on the BPT diagram, with the probability of each class.

        Parameters
        ----------
        dark : bool
            For a dark background.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from galexplorer.figures.bpt_static import bpt_static_figure

        return bpt_static_figure(self.posterior, self.bpt, dark=dark)

    def plot_lines(self, dark: bool = False) -> "Figure":
        """Draw the fluxes of the four emission lines.

        Parameters
        ----------
        dark : bool
            For a dark background.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from galexplorer.figures.lines_static import lines_static_figure

        return lines_static_figure(self.posterior, self.known, dark=dark)

    def plot_image(self) -> "Figure":
        """Draw the colour image with scale bar, compass and the Petrosian aperture.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        OptionError
            If there is no image: the galaxy was inferred from magnitudes alone.
        """
        from galexplorer.figures.sky import colour_figure
        from galexplorer.science.summary import picture_scale

        if self.view is None:
            raise OptionError("There is no image: this was inferred from magnitudes alone.")
        return colour_figure(self.view, picture_scale(self))

    def write(self, path: str | Path, format: str | None = None) -> None:
        """Write draws, summary or report to a file, replacing one that is there.

        Parameters
        ----------
        path : str or Path
            The suffix tells the format: ``.ecsv``, ``.parquet``, ``.fits``, ``.vot``, ``.nc`` (the
            draws), ``.json``, ``.tex`` (the summary), ``.html``, ``.pdf`` (a report).
        format : str, optional
            One of `galexplorer.export.files.FORMATS`, where the suffix does not tell.

        Raises
        ------
        OptionError
            If the format is unknown, or the file cannot be written.
        """
        from galexplorer.export.files import write_result

        write_result(self, path, format, name=self.name)

    def write_page(self, path: str | Path) -> None:
        """Write the galaxy on one page of A4: image, values, corner plot, BPT diagram, lines.

        Parameters
        ----------
        path : str or Path
            A file, which is replaced if it is there: ``.pdf``, ``.png`` or ``.svg``.

        Raises
        ------
        OptionError
            If the suffix is another, or the file cannot be written.

        Examples
        --------
        >>> import galexplorer as gx
        >>> result = gx.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, name="galaxy 7")
        >>> result.write_page("galaxy_7.pdf")  # doctest: +SKIP
        """
        from galexplorer.export.page import write_page

        write_page(self, path, name=self.name)

    def renamed(self, name: str) -> "Result":
        """Return the same result under another name.

        Parameters
        ----------
        name : str
            The new one.

        Returns
        -------
        Result
        """
        return replace(self, name=name)

    def __repr__(self) -> str:
        """Return what the galaxy is, in one line."""
        from galexplorer.science.summary import describe_galaxy

        title = f"{self.name}: " if self.name else ""
        return f"<Result {title}{describe_galaxy(self)}>"

    def _repr_html_(self) -> str:
        """Show the result in a notebook: what it is, how typical, and all targets."""
        from galexplorer.export.content import posterior_grid
        from galexplorer.science.summary import describe_galaxy, verdict_sentences

        grid = posterior_grid(self)
        head = "".join(f"<th>{escape(word)}</th>" for word in grid.head)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(word)}</td>" for word in row) + "</tr>"
            for row in grid.rows
        )
        title = f"<b>{escape(self.name)}</b> " if self.name else ""
        said = "<br>".join(escape(words) for words in verdict_sentences(self))
        grey = "" if self.verdict.usable else ' style="color: #8a8f98"'
        return (
            f"<div><p>{title}{escape(describe_galaxy(self))}<br>{said}</p>"
            f"<table{grey}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
