"""Which galaxies of SDSS a set from the sky is made of: SQL through astroquery, page by page.

The main galaxy sample (Strauss et al. 2002, astro-ph/0206225) of DR17: targeted as such, Petrosian
r < 17.77 after extinction, spectrum of class GALAXY without warning, 0.003 < z < 0.3. Every galaxy
has a pseudo-random rank that follows from its objID and a seed; the set is the galaxies of lowest
rank. So it is a fair sample of the sky, the same on every machine, and a larger set holds a smaller
one. The server works the rank out itself and sends no row that is not wanted; the client works it
out again and believes no row that has another.

A page is a range of plates, which is a range of specObjID, the key by which the server stores its
spectra: no page makes it read the whole table.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from astroquery.sdss import SDSSClass

from galexplorer.errors import DataError
from galexplorer.objids import decode_objid
from galexplorer.schema import BANDS
from galexplorer.sky.catalogue import DATA_RELEASE, TOTAL
from galexplorer.sky.http import Network, ServiceError, Settings

PRIME = 2**31 - 1
PAGE_ROWS = 8000
QUERY_S = 300.0
REDSHIFTS = (0.003, 0.3)
FAINTEST_R = 17.77

_ROUNDING = 1e-4
_GALAXY = 3
_MAIN_SAMPLE = 64 | 128 | 256  # GALAXY, GALAXY_BIG, GALAXY_BRIGHT_CORE of legacy_target1
_PLATE_SHIFT = 50  # the plate is the upper bits of a specObjID

INTEGERS = {
    **dict.fromkeys(("objID", "type", "run", "rerun", "camcol", "field"), "p"),
    **dict.fromkeys(("specObjID", "zWarning"), "s"),
}
FLOATS = {
    **dict.fromkeys(("ra", "dec", "petroMag_r", "petroRad_r", "petroR50_r", "petroR90_r"), "p"),
    **{
        f"{name}_{band}": "p"
        for name in ("modelMag", "modelMagErr", "extinction")
        for band in BANDS
    },
    **dict.fromkeys(("z", "velDisp", "velDispErr"), "s"),
    "reliable": "g",
    **dict.fromkeys(("lgm_tot_p50", "sfr_tot_p50", "oh_p50"), "e"),
    **{
        f"{line}_flux{end}": "l"
        for line in ("h_alpha", "h_beta", "nii_6584", "oiii_5007")
        for end in ("", "_err")
    },
}
"""Columns and the alias of their table; a float may be absent, an integer never."""

_REQUIRED = ("ra", "dec", "petroMag_r", "extinction_r", "z")
_FROM = (
    "FROM SpecObj s JOIN PhotoObj p ON p.objID=s.bestObjID "
    "LEFT JOIN galSpecInfo g ON g.specObjID=s.specObjID "
    "LEFT JOIN galSpecExtra e ON e.specObjID=s.specObjID "
    "LEFT JOIN galSpecLine l ON l.specObjID=s.specObjID"
)
_SPECTRA = (
    f"s.class='GALAXY' AND s.zWarning=0 AND s.z>{REDSHIFTS[0]} AND s.z<{REDSHIFTS[1]} "
    f"AND (s.legacy_target1&{_MAIN_SAMPLE})>0"
)
_PHOTOMETRY = f"p.mode=1 AND p.type={_GALAXY} AND p.petroMag_r-p.extinction_r<{FAINTEST_R}"
CRITERIA = f"FROM SpecObj s JOIN PhotoObj p WHERE {_SPECTRA} AND {_PHOTOMETRY}"
"""The cuts, for the manifest."""


@dataclass(frozen=True)
class Rank:
    """A pseudo-random order of all objIDs: a polynomial modulo a prime (Wegman & Carter 1981).

    Attributes
    ----------
    square, linear, constant : int
        Its coefficients.
    """

    square: int
    linear: int
    constant: int

    @classmethod
    def of_seed(cls, seed: int) -> "Rank":
        """Return the order that a seed stands for."""
        return cls(*map(int, np.random.default_rng(seed).integers(1, PRIME, 3)))

    def of(self, objid: np.ndarray) -> np.ndarray:
        """Return ranks, 0 to `PRIME` - 1, of objIDs, both int64 of shape (n,)."""
        x = np.asarray(objid, np.int64) % PRIME  # no product below reaches 2^63
        return (x * x % PRIME * self.square + x * self.linear + self.constant) % PRIME

    @property
    def sql(self) -> str:
        """The same in SQL."""
        x = f"(s.bestObjID%{PRIME})"
        return f"({x}*{x}%{PRIME}*{self.square}+{x}*{self.linear}+{self.constant})%{PRIME}"


@dataclass(frozen=True)
class Page:
    """One query: plates `first` to `last`, ranks from `low` to below `high`."""

    first: int
    last: int
    low: int
    high: int

    @property
    def spectra(self) -> tuple[int, int]:
        """The specObjIDs, from and to below."""
        return self.first << _PLATE_SHIFT, (self.last + 1) << _PLATE_SHIFT


def select(
    size: int,
    seed: int,
    folder: Path,
    settings: Settings,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Return the galaxies of a set; pages that are there already are not asked for again.

    Parameters
    ----------
    size : int
    seed : int
    folder : Path
        For the pages.
    settings : Settings
    progress : callable
        Called with the pages had and all pages.

    Returns
    -------
    pandas.DataFrame
        `size` rows in the order of their fields on the sky, columns `INTEGERS` and `FLOATS`.

    Raises
    ------
    DataError
        If SDSS has not so many.
    ServiceError
        If SkyServer gave no usable answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rank = Rank.of_seed(seed)
    counts = _kept(folder / "plates.parquet", partial(_count, settings))
    total = int(counts.galaxies.sum())
    parts: list[pd.DataFrame] = []
    low, high = 0, _reach(size, total)
    while True:
        pages = _paginate(counts, low, high)
        for k, page in enumerate(pages):
            progress(k, len(pages))
            name = f"page-{page.first}-{page.last}-{page.low}-{page.high}.parquet"
            parts.append(_kept(folder / name, partial(_fetch, page, rank, settings)))
        progress(len(pages), len(pages))
        rows = pd.concat(parts, ignore_index=True)
        rows = rows.sort_values("specObjID").drop_duplicates("objID")
        if len(rows) >= size:
            break
        if high == PRIME:
            raise DataError(
                f"SDSS's main sample has {len(rows)} matching galaxies, not {size}: request fewer."
            )
        low, high = high, min(high + _reach(size - len(rows), total), PRIME)
    order = np.lexsort((rows.objID, rank.of(rows.objID.to_numpy())))[:size]
    strip = ["run", "camcol", "field", "objID"]
    return rows.iloc[order].sort_values(strip).reset_index(drop=True)


def _reach(size: int, total: int) -> int:
    """Return how many ranks hold `size` galaxies of `total`, with a margin for chance."""
    return min(int(PRIME * (1.02 * size + 4 * size**0.5 + 4) / max(total, 1)), PRIME)


def _paginate(counts: pd.DataFrame, low: int, high: int) -> list[Page]:
    """Join plates to pages of about `PAGE_ROWS` rows."""
    expected = counts.galaxies.to_numpy() * (high - low) / PRIME
    number = (np.cumsum(expected) / PAGE_ROWS).astype(int)
    plates = counts.plate.groupby(number)
    return [Page(int(part.min()), int(part.max()), low, high) for _, part in plates]


def _count(settings: Settings) -> pd.DataFrame:
    """Return the galaxies of each plate before the cuts on photometry."""
    sql = (
        f"SELECT s.plate,COUNT(*) AS galaxies,{TOTAL} "
        f"FROM SpecObj s WHERE {_SPECTRA} GROUP BY s.plate"
    )

    def check(table: Table) -> pd.DataFrame:
        rows = _read(table, ("plate", "galaxies", "total"), ())
        if rows.empty or (rows <= 0).any(axis=None) or rows.plate.duplicated().any():
            raise ServiceError("SkyServer returned impossible counts: try again later.")
        return rows.sort_values("plate").reset_index(drop=True)

    return _ask(sql, check, settings)


def _fetch(page: Page, rank: Rank, settings: Settings) -> pd.DataFrame:
    columns = ",".join(f"{table}.{name}" for name, table in (INTEGERS | FLOATS).items())
    first, beyond = page.spectra
    sql = (
        f"SELECT {columns},{TOTAL} {_FROM} "
        f"WHERE s.specObjID>={first} AND s.specObjID<{beyond} AND {rank.sql}>={page.low} "
        f"AND {rank.sql}<{page.high} AND {_SPECTRA} AND {_PHOTOMETRY}"
    )

    def check(table: Table) -> pd.DataFrame:
        rows = _read(table, (*INTEGERS, "total"), tuple(FLOATS))
        _check_rows(rows, page, rank)
        return rows

    rows = _ask(sql, check, settings)
    # A header without rows is also what a broken answer looks like: nothing is believed once
    # it was said twice.
    return rows if len(rows) else _ask(sql, check, settings)


def _ask(sql: str, check: Callable[[Table], pd.DataFrame], settings: Settings) -> pd.DataFrame:
    with Network(settings) as network:
        service = SDSSClass()
        network.adopt(service)

        def call() -> pd.DataFrame:
            table = service.query_sql(
                sql, timeout=settings.read_s, data_release=DATA_RELEASE, cache=False
            )
            return check(table)

        return network.ask("SkyServer", call, QUERY_S)


def _read(table: Table | None, integers: tuple[str, ...], floats: tuple[str, ...]) -> pd.DataFrame:
    """Return a table's columns as numbers, all of its rows, without the column ``total``."""
    names = (*integers, *floats)
    if table is None:
        nothing = {name: np.empty(0, int if name in integers else float) for name in names}
        return pd.DataFrame(nothing).drop(columns="total")
    by_name = {name.lower(): name for name in table.colnames}
    if set(by_name) != {name.lower() for name in names}:
        raise ServiceError("SkyServer returned an unreadable response: try again later.")
    columns = {}
    for name in names:
        values = np.ma.MaskedArray(table[by_name[name.lower()]])
        columns[name] = _integers(values) if name in integers else _floats(values)
    rows = pd.DataFrame(columns)
    if (rows.total != len(rows)).any():
        raise ServiceError("SkyServer returned an incomplete response: try again later.")
    return rows.drop(columns="total")


def _integers(values: np.ma.MaskedArray) -> np.ndarray:
    if values.dtype.kind not in "iu" or np.ma.is_masked(values):
        raise ServiceError("SkyServer returned an unreadable row: try again later.")
    return values.data.astype(np.int64)


def _floats(values: np.ma.MaskedArray) -> np.ndarray:
    """Return float64; a column with one null is a column of words."""
    if values.dtype.kind in "iuf":
        plain = np.ma.filled(values.astype(float), np.nan)
        return np.where(np.isfinite(plain), plain, np.nan)
    words = ["" if word is np.ma.masked else str(word).strip().lower() for word in values]
    return np.array([np.nan if word in ("", "null") else float(word) for word in words])


def _check_rows(rows: pd.DataFrame, page: Page, rank: Rank) -> None:
    """Raise ServiceError if a row does not belong to the page."""
    ranks = rank.of(rows.objID.to_numpy())
    first, beyond = page.spectra
    right = (ranks >= page.low) & (ranks < page.high)
    right &= rows.specObjID.between(first, beyond, inclusive="left").to_numpy()
    right &= (rows.type == _GALAXY).to_numpy() & (rows.zWarning == 0).to_numpy()
    # The server compares before it rounds for print.
    right &= rows.z.between(REDSHIFTS[0] - _ROUNDING, REDSHIFTS[1] + _ROUNDING).to_numpy()
    right &= (rows.petroMag_r - rows.extinction_r < FAINTEST_R + _ROUNDING).to_numpy()
    right &= rows.ra.between(0, 360).to_numpy() & rows.dec.between(-90, 90).to_numpy()
    right &= np.isfinite(rows[list(_REQUIRED)].to_numpy()).all(axis=1)
    fields = [decode_objid(objid) for objid in rows.objID.tolist()]
    for name in ("run", "rerun", "camcol", "field"):
        right &= rows[name].to_numpy() == np.array([getattr(f, name) for f in fields], int)
    if not right.all():
        raise ServiceError("SkyServer returned rows that were not requested: try again later.")


def _kept(path: Path, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a table from its file, or ask for it and keep it, whole or not at all."""
    if path.exists():
        return pd.read_parquet(path)
    rows = ask()
    temporary = path.with_suffix(".part")
    rows.to_parquet(temporary)
    os.replace(temporary, path)
    return rows
