"""Which column is which: names as archives and people write them, and what the user says."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from astropy.table import Table

from galexplorer.catalogue.column_names import QUANTITIES
from galexplorer.errors import InputError, OptionError
from galexplorer.schema import BANDS
from galexplorer.tables.units import split_name, unit_text

IDS = (
    "id",
    "objid",
    "name",
    "target",
    "object",
    "source_id",
    "targetid",
    "nsaid",
    "cataid",
    "coadd_object_id",
    "object_id",
    "objectid",
    "galaxy",
)
"""Columns that identify a galaxy, the one that counts first."""
REDSHIFTS = ("redshift", "specz", "z_spec", "zspec", "spec_z", "zsp", "z_sp", "redshift_spec")
_PHOTOMETRIC = ("photoz", "z_phot", "zphot", "zph", "photo_z", "z_photo", "redshift_phot")
RADII = {
    "petro_r50": ("petro_r50", "petror50_r", "petror50", "petroth50", "petro_th50"),
    "petro_r90": ("petro_r90", "petror90_r", "petror90", "petroth90", "petro_th90"),
}
OTHERS = {
    "redshift_min": ("redshift_min",),
    "redshift_max": ("redshift_max",),
    "redshift_prior_mean": ("redshift_prior_mean",),
    "redshift_prior_sigma": ("redshift_prior_sigma",),
    "pixel_scale": ("pixel_scale", "pixel_scale_arcsec", "pixscale"),
}
IMAGES = ("image", "image_g", "image_r", "image_i")
# Arrays of the archives, a value for each band: SDSS's have five, those of the NSA seven.
_ARRAY_BANDS = {5: BANDS, 7: ("fuv", "nuv", *BANDS)}
_ARRAYS = re.compile(
    r"(model|cmodel|petro|psf|fiber|fiber2|dev|exp)(mag|magerr|flux|flux_?ivar)|extinction"
    r"|petror50|petror90|(sersic_?|elpetro_?|petro_?)?(nmgy|flux)(_?ivar)?"
)


@dataclass(frozen=True)
class Named:
    """A column under the name that it is looked up by.

    Attributes
    ----------
    name : str
        As the table writes it.
    key : str
        In lower case, without a unit in brackets, with ``_`` between words.
    column : Column, Quantity or another of astropy's columns
    unit : str
        As written, empty where nothing is.
    stated : bool
        The user says what it is.
    """

    name: str
    key: str
    column: Any
    unit: str
    stated: bool = False


def key_of(name: str) -> str:
    """Return the name that a column is looked up by."""
    return re.sub(r"[\s.\-]+", "_", split_name(name)[0].strip()).lower()


class Names:
    """The columns of a table by name.

    Parameters
    ----------
    table : Table
    label : str
        Of the table, for messages.
    columns : mapping of str to str or None, optional
        The table's column for a quantity, such as ``{"g": "mag_g"}``, with its unit behind it
        where the table tells none or a wrong one: ``{"ra": "alpha [hourangle]"}``. None says that
        the table has none. Quantities are those of `read_catalogue` and names of the archives,
        such as ``modelMag_g`` or ``extinction_g``.

    Raises
    ------
    OptionError
        If a quantity is not known.
    InputError
        If a column is not there.
    """

    def __init__(
        self, table: Table, label: str, columns: Mapping[str, str | None] | None = None
    ) -> None:
        self.label = label
        self.table = table
        self.used: dict[str, str] = {}
        self._named: dict[str, list[Named]] = defaultdict(list)
        own = list(_list_columns(table))
        stated, denied = self._read_mapping(own, columns or {})
        taken = {named.name for named in stated.values()}
        for named in own:
            if named.key not in denied and named.key not in stated and named.name not in taken:
                self._named[named.key].append(named)
        for key, named in stated.items():
            self._named[key] = [replace(named, key=key, stated=True)]

    def find(self, *keys: str) -> Named | None:
        """Return the column of the first key that the table has.

        Raises
        ------
        InputError
            If several columns share that name.
        """
        for key in keys:
            candidates = self._named.get(key, [])
            exact = [named for named in candidates if named.name.strip() == key] or candidates
            if len(exact) > 1:
                listed = list_names([f"'{named.name[:40]}'" for named in candidates], most=5)
                raise InputError(
                    f"{self.label} has {len(candidates)} columns that could be '{key}' "
                    f"({listed}): keep one of them."
                )
            if exact:
                return exact[0]
        return None

    def all(self, key: str) -> list[Named]:
        """Return every column of a name."""
        return self._named.get(key, [])

    def drop(self, named: Named) -> None:
        """Forget a column under its name, since it is something else."""
        self._named[named.key] = [own for own in self._named[named.key] if own is not named]

    def take(self, role: str, named: Named) -> Named:
        """Remember what a column is used for."""
        self.used[role] = named.name
        return named

    def named(self, name: str) -> list[Named]:
        """Return a column under the names that it is looked up by, by its own name."""
        return [own for group in self._named.values() for own in group if own.name == name]

    def unused(self) -> list[str]:
        """Return the table's columns that nothing took."""
        taken = {re.sub(r"\[\d+\]$", "", name) for name in self.used.values()}
        taken |= set(self.used.values())
        return [name for name in self.table.colnames if name not in taken]

    def like(self, pattern: str) -> list[str]:
        """Return the table's columns whose name holds a pattern, in any case."""
        return [name for name in self.table.colnames if re.search(pattern, name, re.I)]

    def refuse_unit(self, named: Named, wanted: str) -> InputError:
        """Return the error that says that a unit is of no use."""
        return InputError(
            f"column {named.name} of {self.label} has the unit {named.unit}, which is no {wanted}: "
            "convert it, or state the unit if another is meant."
        )

    def _read_mapping(
        self, own: list[Named], columns: Mapping[str, str | None]
    ) -> tuple[dict[str, Named], set[str]]:
        stated, denied = {}, set()
        for quantity, name in columns.items():
            key = key_of(quantity)
            if key not in QUANTITIES:
                raise OptionError(
                    f"'{quantity}' is no quantity of a catalogue: state columns of u, g, r, i, z, "
                    "err_g, flux_g, flux_err_g, extinction_g, ra, dec, redshift, petro_r50, id or "
                    "image, or archive names such as modelMag_g."
                )
            if not name:
                denied.add(key)
                continue
            found = _find(own, name)
            if not found:
                raise InputError(
                    f"{self.label} has no column {name}, which was stated for {quantity}: its "
                    f"columns are {list_names(self.table.colnames)}."
                )
            stated[key] = found[0]
        return stated, denied


def _find(own: list[Named], name: str) -> list[Named]:
    """Return columns of a stated name, which may have a stated unit in brackets behind it."""
    exact = [named for named in own if named.name.strip() == name.strip()]
    if exact:
        return exact
    plain, unit = split_name(name)
    exact = [named for named in own if named.name.strip() == plain.strip()]
    found = exact or [named for named in own if named.key == key_of(name)]
    return [replace(named, unit=unit or named.unit) for named in found]


def list_names(names: list[str], most: int = 12) -> str:
    """Return names for a sentence."""
    return ", ".join(name.strip() for name in names[:most]) + (", ..." if len(names) > most else "")


def photometric_redshifts(names: Names) -> list[str]:
    """Return columns of redshifts that were estimated, and are no knowledge."""
    return [named.name for key in _PHOTOMETRIC for named in names.all(key)]


def _list_columns(table: Table) -> Iterator[Named]:
    for name in table.colnames:
        column = table[name]
        key, unit = key_of(name), unit_text(column) or split_name(name)[1]
        shape: tuple[int, ...] = getattr(column, "shape", ())
        bands = _ARRAY_BANDS.get(shape[1], ()) if len(shape) == 2 else ()
        if bands and _ARRAYS.fullmatch(key):
            for k, band in enumerate(bands):
                yield Named(f"{name}[{k + 1}]", f"{key}_{band}", column[:, k], unit)
        else:
            yield Named(name, key, column, unit)
