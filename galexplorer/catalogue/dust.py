"""Galactic extinction: whether magnitudes have it still, and what removes it."""

from dataclasses import dataclass

import numpy as np

from galexplorer.catalogue.column_lookup import Named, Names
from galexplorer.catalogue.column_names import (
    EXTINCTIONS,
    HSC_EXTINCTIONS,
    REDDENINGS,
    TRANSMISSIONS,
    Family,
    spell,
)
from galexplorer.catalogue.limits import clear_fluxes
from galexplorer.errors import InputError
from galexplorer.schema import BANDS
from galexplorer.tables.cells import numbers_of
from galexplorer.tables.units import magnitude_per


@dataclass(frozen=True)
class DustOf:
    """How a table tells Galactic extinction.

    Attributes
    ----------
    kind : {"none", "missing", "extinction", "transmission", "reddening", "map"}
        "none" where there is none to remove, "missing" where nothing tells it.
    columns : dict of str to Named
        By band; of a map, those of the magnitudes.
    reddening : ndarray, shape (n,), or None
        E(B-V) of a map.
    """

    kind: str
    columns: dict[str, Named]
    reddening: np.ndarray | None = None


def choose_dust(names: Names, family: Family, bands: dict[str, Named]) -> DustOf:
    """Choose what removes Galactic extinction from magnitudes or fluxes.

    Raises
    ------
    InputError
        If some bands have it and others have not, or magnitudes of no stated kind stand beside it.
    """
    if family.dust == "unstated":
        stated = {b: names.find(*spell(EXTINCTIONS, b)) for b in bands}
        given = {b: named for b, named in stated.items() if named is not None and named.stated}
        if len(given) == len(bands):
            return DustOf("extinction", given)
        clouds = find_clouds(names, family)
        if clouds and not any(named.stated for named in bands.values()):
            own = next(iter(bands.values()))
            raise InputError(
                f"{names.label} has {clouds[0].name} beside {own.name}, and does not tell whether "
                f"Galactic extinction is still in {own.name}: state the columns as g, r, ... if it "
                "was removed, and as modelMag_g, modelMag_r, ... if not."
            )
        return DustOf("none", {})
    if family.dust == "removed":
        return DustOf("none", {})
    spellings = HSC_EXTINCTIONS if family.filters == "HSC" else EXTINCTIONS
    for kind, templates in (("transmission", TRANSMISSIONS), ("extinction", spellings)):
        columns = {b: names.find(*spell(templates, b)) for b in bands}
        present = {b: named for b, named in columns.items() if named is not None}
        if len(present) == len(bands):
            return DustOf(kind, present)
        if present:
            missing = ", ".join(b for b in bands if b not in present)
            raise InputError(
                f"{names.label} has {next(iter(present.values())).name}, but no such column for "
                f"{missing}: add it, so that Galactic extinction can be removed from every band."
            )
    reddening = names.find(*REDDENINGS)
    if reddening is not None and family.reddening is not None:
        return DustOf("reddening", dict.fromkeys(bands, reddening))
    return DustOf("missing", {})


def read_extinction(names: Names, family: Family, dust: DustOf, band: str) -> np.ndarray:
    """Return the extinction of a band in magnitudes, shape (n,), NaN where it is of no use."""
    if dust.reddening is not None:
        assert family.reddening is not None
        values = dust.reddening * family.reddening.get(band, np.nan)
        return np.where((values >= 0) & (values < 20), values, np.nan)
    named = names.take(f"extinction_{band}", dust.columns[band])
    values, _ = numbers_of(named.column, named.name, names.label)
    values = clear_fluxes(values)
    if dust.kind == "transmission":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((values > 0) & (values <= 1), -2.5 * np.log10(values), np.nan)
    if named.unit:
        worth = magnitude_per(named.unit)
        if worth is None:
            raise names.refuse_unit(named, "magnitude")
        values = values * worth
    if dust.kind == "reddening":
        assert family.reddening is not None
        values = values * family.reddening.get(band, np.nan)
    return np.where((values >= 0) & (values < 20), values, np.nan)


def find_clouds(names: Names, family: Family) -> list[Named]:
    """Return columns of extinction that make magnitudes of no stated kind ambiguous."""
    keys = [n for b in BANDS for n in spell((*EXTINCTIONS, *TRANSMISSIONS), b)]
    if family.dust != "unstated":
        return []
    return [named for key in keys for named in names.all(key)]
