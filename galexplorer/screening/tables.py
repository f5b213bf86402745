"""Magnitudes of galaxies and of everything else, for the classifier of magnitudes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from galexplorer.datasets.shards import TEST, split_of, split_of_key
from galexplorer.population.sources import read_tables
from galexplorer.schema import BANDS, IMAGE_BANDS
from galexplorer.verdict.classifiers import (
    GALAXY_LOG_R50,
    GALAXY_LOG_R50_SLOPE,
    GALAXY_LOG_R50_WIDTH,
)

NEGATIVES = "more/stars_quasars.csv.gz"
VEGA_MINUS_AB_MAG = (-0.91, 0.08, -0.16, -0.37, -0.54)
"""What AB magnitudes turn into, u to z (Blanton & Roweis 2007, astro-ph/0606170, table 1)."""

SHREDDED = "nearby"
"""A table of galaxies so near that some of its rows are their parts: limits leave it out."""

REDSHIFTS = (0.002, 0.3)
"""Of galaxies that the model knows."""

DISTANT_REDSHIFTS = (0.35, 1.0)
FAINTEST_R = 18.9
"""Limits of the verdict count galaxies up to here, where the training's own end."""

SHARES = {"galaxy": 0.45, "star": 0.17, "quasar": 0.21, "distant": 0.09, "magnitudes": 0.08}
"""Of the classes at each magnitude, in training."""

_BRIGHTEST_R, _FAINTEST_R = 9.0, 23.0
_REACH_MAG = {"star": (0.5, 1.0), "quasar": (0.5, 3.0), "distant": (0.3, 0.3)}
"""How much fainter and brighter than it rows are that stand for a magnitude."""

_FROM_ABSOLUTE = ("mpajhu", "quench")
"""Tables whose apparent magnitudes are made from absolute ones."""

_DWARFS = 5.0  # weight of those who live off every sequence
_MERGERS = 3.0  # whose colours are as odd as their deblending
_DWARF_REDSHIFT = 0.02
_DRAWN_R = (12.5, 17.77)
_NOISY = 0.15
_R = BANDS.index("r")


def read_screening_rows(data: Path) -> pd.DataFrame:
    """Return magnitudes of galaxies, stars, quasars and distant galaxies.

    Parameters
    ----------
    data : Path
        Folder of the real data; its folder ``more`` holds what is no galaxy.

    Returns
    -------
    pandas.DataFrame
        ``u`` to ``z``, ``kind`` (a class of `PHOTOMETRY_CLASSES`), ``source``, ``redshift``,
        ``r50``, and ``split``, by square degree where a position is known.
    """
    tables = read_tables(data)
    tables = tables[~tables.source.isin(_FROM_ABSOLUTE)]
    parts = [
        _part(part, kind, part.source, part.redshift, part.petro_r50)
        for kind, limits in (("galaxy", REDSHIFTS), ("distant", DISTANT_REDSHIFTS))
        for part in [tables[tables.redshift.between(*limits)]]
    ]
    others = pd.read_csv(data / NEGATIVES)
    for label, kind in (("STAR", "star"), ("QSO", "quasar")):
        part = others[others["class"] == label]
        parts.append(_part(part, kind, "stars_quasars", part.z_spec))
    rows = pd.concat(parts, ignore_index=True)
    magnitudes = rows[list(BANDS)].to_numpy(float)
    rows[list(BANDS)] = np.where((magnitudes > 8) & (magnitudes < 28), magnitudes, np.nan)
    known = np.isfinite(rows[list(BANDS)]).sum(axis=1) >= 4
    return rows[known & rows.r.between(_BRIGHTEST_R, _FAINTEST_R)].reset_index(drop=True)


def _part(
    table: pd.DataFrame,
    kind: str,
    source: pd.Series | str,
    redshift: pd.Series,
    r50: pd.Series | float = np.nan,
) -> pd.DataFrame:
    unknown = pd.Series(np.nan, table.index)
    ra, dec = (table.get(name, unknown).to_numpy(float) for name in ("ra", "dec"))
    keys = table.get("key", pd.Series("", table.index)).astype(str)
    split = [
        split_of(right, up) if np.isfinite(right) else split_of_key(key)
        for right, up, key in zip(ra, dec, keys, strict=True)
    ]
    return pd.DataFrame(
        {
            **{band: table[band].to_numpy(float) for band in BANDS},
            "kind": kind,
            "source": np.asarray(source) if isinstance(source, pd.Series) else source,
            "redshift": redshift.to_numpy(float),
            "r50": r50 if isinstance(r50, float) else r50.to_numpy(float),
            "split": np.array(split, np.uint8),
        }
    )


class MagnitudeSampler:
    """Draws of classes whose shares are the same at every magnitude.

    A star or a quasar of another brightness has the same colours, so that rows of neighbouring
    magnitudes serve; a galaxy's class depends on its magnitude through its redshift, so it stays.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of training, as `read_screening_rows` returns them.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = {}
        for kind in ("galaxy", "star", "quasar", "distant"):
            part = rows[rows.kind == kind].sort_values("r")
            self._rows[kind] = part[list(BANDS)].to_numpy(float)
        r = self._rows["galaxy"][:, _R]
        counts, edges = np.histogram(r, np.arange(_BRIGHTEST_R, _FAINTEST_R + 0.5, 0.5))
        weight = 1 / np.sqrt(counts[np.digitize(r, edges) - 1])
        galaxies = rows[rows.kind == "galaxy"].sort_values("r")
        rare = np.where(galaxies.redshift < _DWARF_REDSHIFT, _DWARFS, 1.0)
        rare = np.where(galaxies.source == "mergers", _MERGERS, rare)
        self._share = np.cumsum(weight * rare)

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n 5"], Float[np.ndarray, "n 5"], Int[np.ndarray, " n"]]:
        """Return magnitudes and errors, (n, 5), some of them left out, and classes, (n,)."""
        galaxies = self._rows["galaxy"]
        place = np.searchsorted(self._share, rng.random(size) * self._share[-1])
        magnitudes = galaxies[place].copy()
        label = rng.choice(len(SHARES), size, p=list(SHARES.values()))
        for k, kind in enumerate(SHARES):
            here = np.flatnonzero(label == k)
            if kind == "magnitudes":
                magnitudes[here] = spoil(magnitudes[here], rng)
                continue
            if kind == "galaxy":
                continue
            found, missing = self._similar(kind, magnitudes[here, _R], _REACH_MAG[kind], rng)
            magnitudes[here] = np.where(missing[:, None], magnitudes[here], found)
            label[here[missing]] = 0
        errors = np.full(magnitudes.shape, np.nan)
        noisy = rng.random(size) < _NOISY
        width = 10 ** rng.uniform(-1.7, -0.3, (size, 1)) * rng.uniform(0.5, 2, (size, len(BANDS)))
        errors[noisy] = width[noisy]
        magnitudes[noisy] += width[noisy] * rng.normal(size=(int(noisy.sum()), len(BANDS)))
        keep = rng.random(magnitudes.shape) > rng.uniform(0.1, 0.8, (size, 1))
        keep[np.arange(size), rng.integers(0, len(BANDS), size)] = True
        magnitudes[~keep & (rng.random(size) < 0.5)[:, None]] = np.nan
        return magnitudes, errors, label

    def _similar(
        self, kind: str, r: np.ndarray, reach: tuple[float, float], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rows of a kind moved to magnitudes r, (m, 5), and where there are none."""
        rows = self._rows[kind]
        first = np.searchsorted(rows[:, _R], r - reach[0])
        last = np.searchsorted(rows[:, _R], r + reach[1])
        missing = last <= first
        place = first + (rng.random(len(r)) * (last - first)).astype(int)
        found = rows[np.minimum(place, len(rows) - 1)]
        return found + (r - found[:, _R])[:, None], missing


def spoil(
    magnitudes: Float[np.ndarray, "n 5"], rng: np.random.Generator
) -> Float[np.ndarray, "n 5"]:
    """Return magnitudes as Vega's, or in another order."""
    out = magnitudes + np.array(VEGA_MINUS_AB_MAG)
    way = rng.random(len(out))
    turned = (way >= 0.7) & (way < 0.9)
    out[turned] = magnitudes[turned][:, ::-1]
    mixed = way >= 0.9
    out[mixed] = rng.permuted(magnitudes[mixed], axis=1)
    return out


class Stock(NamedTuple):
    """What invented images are of.

    Attributes
    ----------
    stars : ndarray, shape (m, 3)
        Magnitudes in g, r, i.
    galaxies : ndarray, shape (k, 5)
        The same, half-light radius in arcsec, and u - r.
    """

    stars: Float[np.ndarray, "m 3"]
    galaxies: Float[np.ndarray, "k 5"]


def stock_of(rows: pd.DataFrame, split: int) -> Stock:
    """Return the stars and galaxies of a split; sizes that no table has are those usual at r."""
    galaxies = rows[
        (rows.kind == "galaxy") & (rows.split == split) & (rows.source != SHREDDED)
        & rows.r.between(*_DRAWN_R)
    ]  # fmt: skip
    rng = np.random.default_rng(split)
    usual = usual_log_r50(galaxies.r.to_numpy(float), rng)
    r50 = galaxies.r50.to_numpy(float)
    table = np.column_stack(
        [
            galaxies[list(IMAGE_BANDS)].to_numpy(float),
            np.where(r50 > 0, r50, 10**usual),
            (galaxies.u - galaxies.r).to_numpy(float),
        ]
    )
    return Stock(stars_of(rows, split), table[np.isfinite(table).all(axis=1)])


def usual_log_r50(r: Float[np.ndarray, " n"], rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    """Draw log10 of half-light radii, arcsec, that galaxies have at magnitudes r."""
    middle = GALAXY_LOG_R50 + GALAXY_LOG_R50_SLOPE * (r - 17)
    return np.maximum(middle, 0.1) + GALAXY_LOG_R50_WIDTH * rng.normal(size=len(r))


def stars_of(rows: pd.DataFrame, split: int) -> Float[np.ndarray, "m 3"]:
    """Return g, r, i of the stars of a split, (m, 3)."""
    found = rows[(rows.kind == "star") & (rows.split == split)][list(IMAGE_BANDS)].to_numpy(float)
    return found[np.isfinite(found).all(axis=1)]


def held_out(rows: pd.DataFrame, split: int = TEST, faintest: float = FAINTEST_R) -> pd.DataFrame:
    """Return the rows of a split up to a magnitude."""
    return rows[(rows.split == split) & (rows.r <= faintest)].reset_index(drop=True)
