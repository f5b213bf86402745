"""Whether targets of the population are as predictable as real ones, and its photometry alike.

A population easier than the sky makes posteriors that lie. So boosting predicts each target
from magnitudes, once on real rows and once on as many rows of the population of the same
magnitudes and redshifts, and a classifier has to tell rows of the population from the SDSS
main sample.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from galexplorer.population.extension import SHIFTED, odds_weights, photometric_features
from galexplorer.schema import BANDS, LINE_NAMES

_FOLDS = 5
_FEWEST = 200
_MOST = 5000
_FARTHEST = 2.5
_STRONG_S_TO_N = 3.0


@dataclass(frozen=True)
class RealTable:
    """A real table and the targets that are predicted from it."""

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


def compare(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return R2 of boosting on the real tables' rows and on the population.

    Lines count where they are above three sigma: below, their labels are draws.

    Parameters
    ----------
    rows : pandas.DataFrame
        The population; the rows of its sources are the real tables.
    seed : int

    Returns
    -------
    pandas.DataFrame
        One line per table, target and features (``ugriz``, ``ugriz+sizes``): R2 on the ``real``
        rows and its bootstrap error; on rows of the ``population`` of the same magnitudes and
        redshifts, none of them of the table; on ``independent`` ones among them, whose value is
        imputed and owes nothing to a row of the table, and on their partners among the real
        rows, ``real_near``; on rows of other real tables among them, ``elsewhere``, which says
        how far two tables of the same sky are apart: those of tables that measure the target
        themselves.
        Each with its number of rows and the root mean square of what boosting leaves.
    """
    lines = []
    for table in TABLES:
        if not (rows.source == table.source).any():
            continue
        for target in table.targets:
            known = (rows.source == table.source) & rows[f"{target}_measured"]
            usable = rows[f"{target}_valid"] & np.isfinite(rows[target])
            if target in LINE_NAMES:
                usable &= rows[f"{target}_snr"] > _STRONG_S_TO_N
            if table.sizes:
                known &= rows.size_measured & np.isfinite(rows.petro_r90)
            real = rows[known & usable]
            real = real.sample(min(len(real), _MOST), random_state=seed)
            if len(real) >= _FEWEST:
                lines += _compare_one(table, target, real, rows[usable], seed)
    return pd.DataFrame(lines)


def _compare_one(
    table: RealTable, target: str, real: pd.DataFrame, usable: pd.DataFrame, seed: int
) -> list[dict]:
    others = usable[usable.source != table.source]
    unrelated = ~others.parent.isin(real.id)
    if target != "redshift":
        unrelated &= ~others[f"{target}_measured"]
    _, population = match_rows(real, others, target, seed)
    near, independent = match_rows(real, others[unrelated], target, seed)
    _, elsewhere = match_rows(
        real, others[_measured_elsewhere(others, table, target)], target, seed
    )
    samples = {
        "real": real,
        "population": population,
        "real_near": near,
        "independent": independent,
        "elsewhere": elsewhere,
    }
    lines = []
    for name, columns in _features(table).items():
        line: dict = {"table": table.source, "target": target, "features": name}
        for kind, sample in samples.items():
            line[kind], error, left = cross_validated_r2(sample, columns, target, seed)
            if kind == "real":
                line["error"] = error
            line[f"{kind}_rms"] = left
            line[f"{kind}_rows"] = len(sample)
        lines.append(line)
    return lines


def _measured_elsewhere(others: pd.DataFrame, table: RealTable, target: str) -> pd.Series:
    """Return which rows are measured by their own table; some only carry values of another one."""
    measured = others[f"{target}_measured"] & (others.source != SHIFTED)
    own = measured.groupby(others.source).transform("mean") > 0.5
    sized = others.size_measured & np.isfinite(others.petro_r90) if table.sizes else True
    return measured & own & sized


def _features(table: RealTable) -> dict[str, list[str]]:
    out = {"ugriz": list(BANDS)}
    if table.sizes:
        out["ugriz+sizes"] = [*BANDS, "petro_r50_true", "petro_r90_true"]
    return out


def match_rows(
    real: pd.DataFrame, rows: pd.DataFrame, target: str, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return real rows and rows of the population of the same magnitudes and redshifts.

    Each real row takes the nearest row in (r, g - r, u - g, z) that none has taken; those
    without one close by are left out. Asked for the redshift itself, only (r, z) count: colours
    would decide it.
    """
    if not len(rows):
        return real.iloc[:0], rows
    places = [_place(table, target == "redshift") for table in (rows, real)]
    order = np.random.default_rng(seed).permutation(len(real))
    neighbours = list(range(1, min(60, len(rows)) + 1))
    near, index = cKDTree(places[0]).query(places[1][order], k=neighbours)
    partner: dict[int, int] = {}
    for place, distance, candidates in zip(order, near, index, strict=True):
        for far, k in zip(distance, candidates, strict=True):
            if far > _FARTHEST:
                break
            if int(k) not in partner:
                partner[int(k)] = int(place)
                break
    return real.iloc[list(partner.values())], rows.iloc[list(partner)]


def _place(rows: pd.DataFrame, only_r: bool) -> np.ndarray:
    columns = [rows.r / 0.15, rows.redshift / 0.003]
    if not only_r:
        columns += [(rows.g - rows.r) / 0.04, (rows.u - rows.g) / 0.12]
    return np.column_stack(columns).astype(float)


def cross_validated_r2(
    rows: pd.DataFrame, columns: list[str], target: str, seed: int = 0
) -> tuple[float, float, float]:
    """Return the five-fold R2 of boosting, its bootstrap error, and the rms of what is left.

    Copies of a galaxy stay in one fold.
    """
    if len(rows) < _FEWEST:
        return np.nan, np.nan, np.nan
    feature = rows[columns].to_numpy(float).copy()
    if "petro_r50_true" in columns:
        feature[:, -2:] = np.log10(feature[:, -2:])
    truth = rows[target].to_numpy(float)
    groups = pd.factorize(rows.parent)[0]
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(boosting(seed), feature, truth, groups=groups, cv=folds)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(100):
        k = rng.integers(0, len(truth), len(truth))
        draws.append(1 - np.mean((found[k] - truth[k]) ** 2) / np.var(truth[k]))
    left = float(np.mean((found - truth) ** 2))
    return 1 - left / float(np.var(truth)), float(np.std(draws)), float(np.sqrt(left))


def boosting(seed: int) -> HistGradientBoostingRegressor:
    """Return the regressor that makes all predictions here."""
    return HistGradientBoostingRegressor(
        max_iter=100, learning_rate=0.1, max_leaf_nodes=15, random_state=seed
    )


def classifier_auc(rows: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Return how well a classifier tells the weighted population from the main sample.

    Features are u, g, r, i, z and redshift; rows are drawn with the population's weights, as
    many as the main sample has. AUC is cross-validated, one galaxy and its copies in one fold.

    Returns
    -------
    dict
        ``all``: every row of the population; ``other_tables``: without rows of the main sample;
        ``unrelated``: without its copies either, with weights of their own; ``unweighted``: all,
        without weights.
    """
    main = rows[rows.source == "main_sample"]
    born = rows.parent.isin(main.id)
    unrelated = rows[~born].drop(columns="weight")
    unrelated["weight"] = odds_weights(unrelated, main, np.random.default_rng(seed))
    kinds = {
        "all": rows,
        "other_tables": rows[rows.source != "main_sample"],
        "unrelated": unrelated,
        "unweighted": rows.assign(weight=1.0),
    }
    return {name: _auc(part, main, seed) for name, part in kinds.items()}


def _auc(rows: pd.DataFrame, main: pd.DataFrame, seed: int) -> float:
    rng = np.random.default_rng(seed)
    weight = rows.weight.to_numpy(float)
    number = min(len(main), int(0.5 * weight.sum() ** 2 / (weight**2).sum()))
    chosen = rng.choice(len(rows), number, replace=False, p=weight / weight.sum())
    both = pd.concat([rows.iloc[chosen], main.iloc[rng.permutation(len(main))[:number]]])
    truth = np.r_[np.ones(number), np.zeros(number)]
    model = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.1, random_state=seed)
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
