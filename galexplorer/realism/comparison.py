"""How far simulated images are from real ones: the AUC of classifiers that separate them.

Real and simulated images are matched one to one in measured brightness, size and colours, set by
set, so that it is not the selection of a sample that tells. 0.5 is a perfect likeness, 1 none at
all.
"""

import json
import logging
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.model import weights as weights_module
from galexplorer.population.sources import data_folder
from galexplorer.population.store import load_population
from galexplorer.realism import discriminators
from galexplorer.realism.comparison_samples import Sample, read_real_sample, simulate_sample
from galexplorer.simulation import morphology
from galexplorer.simulation.donors import RESERVED, load_or_build

log = logging.getLogger(__name__)

_FOLDS = 5
_POOL = 2
_TOLERANCE = (0.25, 0.05, 0.07, 0.05)


def measure_realism(
    rendered: Path,
    data: Path | None,
    out: Path,
    seed: int = 0,
    workers: int = 1,
    tuning: bool = False,
) -> dict:
    """Compare rendered and transplanted galaxies with real ones and write what was found.

    Parameters
    ----------
    rendered : Path
        A simulated set: its population is simulated anew, as the real images' servers would.
    data : Path, optional
        Folder of the real images.
    out : Path
        Folder for ``realism.json``, a gallery of each kind, and the donors.
    seed : int
    workers : int
    tuning : bool
        Compare with real images of another sample, which may guide changes of the simulation.

    Returns
    -------
    dict
        What `compare` returns, by kind, and the key to its gallery.

    Raises
    ------
    DataError
        If the set or the real images are missing.
    """
    folder = data_folder(data)
    if folder is None:
        raise DataError("No folder of real images was found; give it with --data.")
    rows = load_population(rendered, shards.read(rendered)[1]["seed"], folder)
    out.mkdir(parents=True, exist_ok=True)
    real = read_real_sample(folder, tuning)
    number = {name: _POOL * quota for name, quota in RESERVED.items()}
    found: dict[str, dict] = {}
    donor_set = load_or_build(rendered, folder, workers)
    for name, donors in (("rendered", None), ("transplant", donor_set)):
        simulated = simulate_sample(rows, number, seed, donors)
        found[name] = compare(real, simulated, seed=seed)
        log.info("%s: %s", name, {k: found[name][k] for k in ("latents", "features", "pixels")})
        found[name]["gallery"] = gallery(real, simulated, out / f"gallery-{name}.png", seed=seed)
    (out / "realism.json").write_text(json.dumps(found, indent=2) + "\n")
    return found


def match(real: Sample, simulated: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Pair real and simulated images of like brightness, size and colours, within each set.

    Returns
    -------
    real_rows, simulated_rows : ndarray of int
        Each image once; pairs further apart than three tolerances are left out.
    """
    ours, theirs = [], []
    tolerance = np.array(_TOLERANCE)
    for name in sorted(set(real.sets)):
        one = np.flatnonzero(np.array(real.sets) == name)
        two = np.flatnonzero(np.array(simulated.sets) == name)
        if len(two) == 0:
            continue
        a, b = np.array(real.measured)[one] / tolerance, np.array(simulated.measured)[two]
        distance = ((a[:, None] - (b / tolerance)[None]) ** 2).sum(axis=2)
        rows, columns = linear_sum_assignment(np.minimum(distance, 1e3))
        near = distance[rows, columns] < 9
        ours += list(one[rows[near]])
        theirs += list(two[columns[near]])
    return np.array(ours, int), np.array(theirs, int)


def compare(
    real: Sample, simulated: Sample, weights: Path | None = None, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return the AUC of three classifiers on matched pairs, overall, by set and by type.

    Each pair stays in one fold of the cross-validation.

    Parameters
    ----------
    real, simulated : Sample
    weights : Path, optional
        Folder of the weights whose latents are judged.
    seed : int

    Returns
    -------
    dict
        ``latents``, ``features`` and ``pixels``, each with ``all`` and every set and type.
    """
    ours, theirs = match(real, simulated)
    grids = np.stack([real.grids[k] for k in ours] + [simulated.grids[k] for k in theirs])
    truth = np.repeat([1, 0], len(ours))
    pair = np.tile(np.arange(len(ours)), 2)
    sets = np.array([real.sets[k] for k in ours])
    types = np.array([real.types[k] for k in ours])
    folds = list(
        StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed).split(grids, truth, pair)
    )
    features = morphology.measure_morphology(grids)
    scores = {
        "latents": discriminators.score_numbers(_latents(grids, weights), truth, folds, seed),
        "features": discriminators.score_numbers(features, truth, folds, seed),
        "pixels": discriminators.score_images(grids, truth, folds, seed),
    }
    report: dict[str, dict[str, float]] = {"pairs": {"all": len(ours)}}
    groups = {"all": np.ones(len(ours), bool)}
    groups |= {str(s): sets == s for s in np.unique(sets)}
    groups |= {str(t): types == t for t in np.unique(types)}
    for name, score in scores.items():
        report[name] = {}
        for group, take in groups.items():
            both = np.tile(take, 2)
            if take.sum() >= 20:
                report["pairs"][group] = int(take.sum())
                report[name][group] = round(float(roc_auc_score(truth[both], score[both])), 3)
    single = {
        name: round(float(roc_auc_score(truth, features[:, k])), 3)
        for k, name in enumerate(morphology.NAMES)
    }
    report["single_features"] = dict(sorted(single.items(), key=lambda item: -abs(item[1] - 0.5)))
    return report


def gallery(
    real: Sample, simulated: Sample, path: Path, pairs: int = 48, seed: int = 0
) -> list[int]:
    """Write real and simulated cutouts in random order, unlabelled.

    Returns
    -------
    list of int
        1 where a cutout is real, row by row: the key to the picture.
    """
    rng = np.random.default_rng(seed)
    ours, theirs = match(real, simulated)
    chosen = rng.permutation(len(ours))[:pairs]
    entries = [(real.grids[ours[k]], 1) for k in chosen]
    entries += [(simulated.grids[theirs[k]], 0) for k in chosen]
    order = rng.permutation(len(entries))
    columns = 12
    order = order[: len(order) // columns * columns]
    tiles = [entries[k][0].transpose(1, 2, 0) for k in order]
    rows = [np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)]
    image = Image.fromarray(np.concatenate(rows))
    image.resize((image.width * 2, image.height * 2)).save(path)
    return [entries[k][1] for k in order]


def _latents(grids: np.ndarray, folder: Path | None) -> np.ndarray:
    model = weights_module.load(folder, device="cpu").model
    with torch.no_grad():
        parts = [
            torch.cat(model.encode(torch.from_numpy(grids[k : k + 256])), dim=1)
            for k in range(0, len(grids), 256)
        ]
    return torch.cat(parts).numpy()
