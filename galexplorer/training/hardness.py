"""Is the population as hard as the sky, and does it look like it in photometry alone?

A population easier than the sky makes posteriors that lie. So boosting is asked for each target
from magnitudes, once on real rows and once on as many rows of the population of the same
magnitudes and redshifts, and a classifier is asked to tell rows of the population from the SDSS
main sample.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from galexplorer.schema import BANDS, LINE_NAMES
from galexplorer.training import sources
from galexplorer.training.completion import draw_faint_lines, fill_errors
from galexplorer.training.extension import photometric_features

_FOLDS = 5
_FEWEST = 200


@dataclass(frozen=True)
class RealTable:
    """A real table and the targets it is asked for."""

    source: str
    targets: tuple[str, ...]
    sizes: bool = False


TABLES = (
    RealTable("main_sample", ("redshift", "log_stellar_mass")),
    RealTable("lines_z010", ("redshift", *LINE_NAMES)),
    RealTable("structure", ("redshift", "log_stellar_mass")),
    RealTable(
        "mpajhu",
        ("log_stellar_mass", "log_sfr", "gas_metallicity", *LINE_NAMES),
        sizes=True,
    ),
)


def compare(rows: pd.DataFrame, data: Path, seed: int = 0) -> pd.DataFrame:
    """Return R2 of boosting on real rows and on the population.

    Parameters
    ----------
    rows : pandas.DataFrame
        The population.
    data : Path
        Folder of the real tables.
    seed : int

    Returns
    -------
    pandas.DataFrame
        One line per table, target and features (``ugriz``, ``ugriz+sizes``): ``real`` and its
        bootstrap error, ``population`` (all matched rows), ``completed`` (only rows whose value
        the table did not give), numbers of rows.
    """
    every = real_rows(data, np.random.default_rng(seed))
    lines = []
    for table in TABLES:
        real = every[every.source == table.source].reset_index(drop=True)
        for target in table.targets:
            part = real[np.isfinite(real[target])]
            if table.sizes:
                part = part[np.isfinite(part.petro_r50) & np.isfinite(part.petro_r90)]
            if len(part) < _FEWEST:
                continue
            lines += _compare_one(table, target, part, rows, seed)
    return pd.DataFrame(lines)


def real_rows(data: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Return the real tables with sizes, and log fluxes of lines as the population has them."""
    real = sources.read_all(data)
    real = real[np.isfinite(real[list(BANDS)]).all(axis=1) & real.redshift.between(0.003, 0.33)]
    real = real.reset_index(drop=True)
    fill_errors(real, rng)
    draw_faint_lines(real, rng)
    real["parent"] = np.arange(len(real)).astype(str)
    real["petro_r50_true"], real["petro_r90_true"] = real.petro_r50, real.petro_r90
    colour = real.g - real.r
    return real[colour.between(-0.4, 2.0)].reset_index(drop=True)


def _compare_one(
    table: RealTable, target: str, real: pd.DataFrame, rows: pd.DataFrame, seed: int
) -> list[dict]:
    usable = rows[rows[f"{target}_valid"] & np.isfinite(rows[target])]
    if target == "redshift":
        elsewhere = usable[usable.source != table.source]
    else:
        elsewhere = usable[~usable[f"{target}_measured"]]
    samples = {
        "population": matched(real, usable, seed),
        "completed": matched(real, elsewhere, seed),
    }
    lines = []
    for name, columns in _features(table).items():
        line: dict = {"table": table.source, "target": target, "features": name}
        line["real"], line["real_error"] = explained(real, columns, target, seed)
        line["rows"] = len(real)
        for kind, sample in samples.items():
            line[kind], _ = explained(sample, columns, target, seed)
            line[f"{kind}_rows"] = len(sample)
        lines.append(line)
    return lines


def _features(table: RealTable) -> dict[str, list[str]]:
    out = {"ugriz": list(BANDS)}
    if table.sizes:
        out["ugriz+sizes"] = [*BANDS, "petro_r50_true", "petro_r90_true"]
    return out


def matched(real: pd.DataFrame, rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return rows of the population with the magnitudes and redshifts of real ones.

    Each real row takes the nearest row in (r, z) that none has taken, if there is one close by.
    """
    scale = np.array([0.15, 0.003])
    place = rows[["r", "redshift"]].to_numpy(float) / scale
    order = np.random.default_rng(seed).permutation(len(real))
    near, index = cKDTree(place).query(
        real[["r", "redshift"]].to_numpy(float)[order] / scale, k=min(40, len(rows))
    )
    taken: set[int] = set()
    for distance, candidates in zip(near, index, strict=True):
        for far, k in zip(distance, candidates, strict=True):
            if far > 3:
                break
            if int(k) not in taken:
                taken.add(int(k))
                break
    return rows.iloc[sorted(taken)]


def explained(
    rows: pd.DataFrame, columns: list[str], target: str, seed: int = 0
) -> tuple[float, float]:
    """Return the five-fold R2 of boosting and its bootstrap error.

    Copies of a galaxy stay in one fold.
    """
    if len(rows) < _FEWEST:
        return np.nan, np.nan
    feature = rows[columns].to_numpy(float).copy()
    if "petro_r50_true" in columns:
        feature[:, -2:] = np.log10(feature[:, -2:])
    truth = rows[target].to_numpy(float)
    groups = pd.factorize(rows.parent)[0]
    model = HistGradientBoostingRegressor(
        max_iter=250, learning_rate=0.05, max_leaf_nodes=15, random_state=seed
    )
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(model, feature, truth, groups=groups, cv=folds)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(100):
        k = rng.integers(0, len(truth), len(truth))
        draws.append(1 - np.mean((found[k] - truth[k]) ** 2) / np.var(truth[k]))
    return 1 - float(np.mean((found - truth) ** 2) / np.var(truth)), float(np.std(draws))


def distinguishable(rows: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Return how well a classifier tells the weighted population from the main sample.

    Features are u, g, r, i, z and redshift; rows are drawn with the population's weights, as
    many as the main sample has. AUC is cross-validated, one galaxy and its copies in one fold.

    Returns
    -------
    dict
        ``all``: every row of the population; ``other_tables``: without rows of the main sample;
        ``unrelated``: without its copies either; ``unweighted``: all, without weights.
    """
    main = rows[rows.source == "main_sample"]
    born = rows.parent.isin(main.id)
    weight = rows.weight.to_numpy(float)
    kinds = {
        "all": (rows, weight),
        "other_tables": (rows[rows.source != "main_sample"], weight),
        "unrelated": (rows[~born], weight),
        "unweighted": (rows, np.ones(len(rows))),
    }
    return {
        name: _auc(part, main, w[rows.index.isin(part.index)], seed)
        for name, (part, w) in kinds.items()
    }


def _auc(rows: pd.DataFrame, main: pd.DataFrame, weight: np.ndarray, seed: int) -> float:
    rng = np.random.default_rng(seed)
    number = min(len(main), int(0.5 * weight.sum() ** 2 / (weight**2).sum()))
    chosen = rng.choice(len(rows), number, replace=False, p=weight / weight.sum())
    both = pd.concat([rows.iloc[chosen], main.iloc[rng.permutation(len(main))[:number]]])
    truth = np.r_[np.ones(number), np.zeros(number)]
    model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=seed)
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=seed)
    chance = cross_val_predict(
        model,
        photometric_features(both),
        truth,
        groups=pd.factorize(both.parent)[0],
        cv=folds,
        method="predict_proba",
    )[:, 1]
    return float(roc_auc_score(truth, chance))
