"""Redshifts that a table states, and whether its column z is one of them."""

from dataclasses import dataclass, field

import numpy as np

from galexplorer.catalogue.column_lookup import (
    REDSHIFTS,
    Named,
    Names,
    list_names,
    photometric_redshifts,
)
from galexplorer.catalogue.limits import MAGNITUDE_SENTINELS, REDSHIFT_SENTINELS
from galexplorer.errors import InputError
from galexplorer.tables.cells import numbers_of
from galexplorer.tables.units import magnitude_per, nmgy_per, redshift_per

_FAINTEST_REDSHIFT = 5.0
"""No magnitude lies below, no redshift of a galaxy that this is for above."""
_NEAR = -0.02
_FEW = 0.1


@dataclass
class Redshifts:
    """Redshifts of a table's rows.

    Attributes
    ----------
    values : ndarray, shape (n,), or None
    unreadable : ndarray, shape (n,), bool, or None
    notes : list of str
    """

    values: np.ndarray | None = None
    unreadable: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)


def read_redshifts(names: Names) -> Redshifts:
    """Read the column of redshifts, which may be called z as the band is.

    A column ``z`` is of redshifts if all its values lie below 5, and of magnitudes otherwise.

    Parameters
    ----------
    names : Names
        A column z of redshifts is no band for it any more.

    Returns
    -------
    Redshifts

    Raises
    ------
    InputError
        If a column z holds both, or is stated to be a magnitude and holds redshifts.
    InputError
        If its unit is no velocity.
    """
    found = Redshifts()
    named = names.find(*REDSHIFTS)
    for candidate in names.all("z"):
        if _is_redshift(names, candidate):
            names.drop(candidate)
            if named is None:
                named = candidate
                values, _ = numbers_of(candidate.column, candidate.name, names.label)
                values = values[np.isfinite(values)]
                found.notes.append(
                    f"Column {candidate.name} was read as redshifts, not as magnitudes in z: its "
                    f"values end at {np.max(values):.3g}."
                )
            elif not named.stated:
                found.notes.append(
                    f"Column {candidate.name} holds redshifts; those of {named.name} count."
                )
    if named is None:
        others = photometric_redshifts(names)
        if others:
            found.notes.append(
                f"Column {list_names(others)} holds estimated redshifts, which are not held fixed."
            )
        return found
    names.take("redshift", named)
    found.values, found.unreadable = numbers_of(named.column, named.name, names.label)
    worth = redshift_per(named.unit) if named.unit else 1.0
    if worth is None:
        raise names.refuse_unit(named, "redshift and no velocity")
    if worth != 1.0:
        plain = ~np.isin(found.values, REDSHIFT_SENTINELS)
        found.values = np.where(plain, found.values * worth, found.values)
        found.notes.append(f"Column {named.name} was converted from {named.unit} to cz / c.")
    if named.key not in ("redshift", "z") and not named.stated:
        found.notes.append(f"Redshifts of {named.name} are held fixed.")
    return found


def _is_redshift(names: Names, named: Named) -> bool:
    if named.unit and (magnitude_per(named.unit) or nmgy_per(named.unit)):
        return False
    if getattr(named.column, "ndim", 1) != 1:
        return False
    values, _ = numbers_of(named.column, named.name, names.label)
    missing = (*MAGNITUDE_SENTINELS, *REDSHIFT_SENTINELS)
    values = values[np.isfinite(values) & ~np.isin(values, missing)]
    if values.size == 0:
        return False
    low = (values > _NEAR) & (values < _FAINTEST_REDSHIFT)
    if low.all():
        if named.stated:
            raise InputError(
                f"column {named.name} of {names.label} was stated to be magnitudes in z and looks "
                "like a redshift (its values lie below 5): state it as redshift."
            )
        return True
    if np.mean(low) > _FEW and not named.stated:
        raise InputError(
            f"column {named.name} of {names.label} has values like redshifts beside values like "
            "magnitudes: part them into the columns redshift and z."
        )
    return False
