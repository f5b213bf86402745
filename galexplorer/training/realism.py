"""How far simulated images are from real ones: the AUC of classifiers that try to tell them.

Both kinds pass through the same server, the same measurement and the same cutout. They are
matched one to one in measured brightness, size and colours, set by set, so that it is not the
selection of a sample that tells. 0.5 is a perfect likeness, 1 none at all.

Galaxy Zoo's images have no known scale. They are measured at a nominal one, real and simulated
alike, which compares surface brightnesses and relative sizes.
"""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy.optimize import linear_sum_assignment
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from galexplorer.errors import DataError, InputError, TargetError
from galexplorer.image.cutout import cut
from galexplorer.image.measure import Measurement, measure
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.model import weights as weights_module
from galexplorer.schema import IMAGE_BANDS
from galexplorer.training import dataset, morphology
from galexplorer.training.donors import (
    KEPT_OUT,
    KNOWN_SCALES_ARCSEC,
    Donors,
    load_or_build,
    unlabelled,
)
from galexplorer.training.rendering import render
from galexplorer.training.serving import Service, galaxy_zoo, mosaic, serve
from galexplorer.training.simulate import galaxy_of, load_population
from galexplorer.training.sources import data_folder
from galexplorer.training.transplants import choose, transplant

log = logging.getLogger(__name__)

NOMINAL_SCALE_ARCSEC = 0.396
_FOLDS = 5
_POOL = 2
_TOLERANCE = (0.25, 0.05, 0.07, 0.05)
_TYPES = {0: "elliptical", 1: "spiral", 2: "spiral", 3: "edge-on", 10: "non-spiral", 11: "spiral"}


@dataclass
class Sample:
    """Cutouts and what was measured on their pixels."""

    grids: list[np.ndarray] = field(default_factory=list)
    measured: list[tuple[float, float, float, float]] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.grids)

    def add(self, pixels: Pixels, name: str, kind: str) -> bool:
        """Measure and cut an image; return whether a galaxy was found in the middle of it."""
        try:
            found = measure(pixels)
        except TargetError:
            return False
        if len(found.magnitudes) < len(IMAGE_BANDS) or not _central(pixels, found):
            return False
        g, r, i = (found.magnitudes[band] for band in IMAGE_BANDS)
        size = found.petro_r50 or 0.4 * found.aperture_arcsec
        self.grids.append(cut(pixels, found)[0])
        self.measured.append((r, float(np.log10(size)), g - r, r - i))
        self.sets.append(name)
        self.types.append(kind)
        return True


def real_sample(data: Path) -> Sample:
    """Read the real images that lend nothing.

    Parameters
    ----------
    data : Path
        Folder of the real sets.

    Returns
    -------
    Sample
    """
    sample = Sample()
    listed = unlabelled(data)
    listed = listed[listed.kept_out]
    for name, file, code in zip(listed.set, listed.file, listed.kind, strict=True):
        scale = KNOWN_SCALES_ARCSEC.get(name, NOMINAL_SCALE_ARCSEC)
        try:
            pixels = read_image(data / name / file, pixel_scale_arcsec=scale)
        except InputError:
            continue  # an empty picture; the figures are of those that can be read
        kind = "spiral" if name == "sdss_spirals" else _TYPES.get(int(code), "other")
        sample.add(pixels, name, kind)
    return sample


def simulated_sample(
    rows: pd.DataFrame, number: dict[str, int], seed: int, donors: Donors | None
) -> Sample:
    """Simulate galaxies as the servers of the real sets would have delivered them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Population.
    number : dict of str to int
        Images wanted per set.
    seed : int
    donors : Donors or None
        With them, galaxies are transplanted; without, rendered.

    Returns
    -------
    Sample
    """
    sample = Sample()
    for position, (name, wanted) in enumerate(number.items()):
        rng = np.random.default_rng([seed, position])
        able = rows[_selected(rows, name)]
        made = 0
        for index in rng.permutation(len(able)):
            row = able.iloc[int(index)]
            ebv = float(row.ebv) if np.isfinite(row.ebv) else 0.03
            galaxy = galaxy_of(row, ebv)
            if donors is None:
                flux = render(galaxy, rng)
            else:
                k = choose(donors, galaxy, rng)
                if k is None:
                    continue
                flux = transplant(donors, k, galaxy, rng)
            pixels = serve(flux, _service(name, float(row.petro_r90_true)), rng)
            if name not in KNOWN_SCALES_ARCSEC:
                pixels = _nominal(pixels)
            made += sample.add(pixels, name, "")
            if made == wanted:
                break
    return sample


def measure_realism(
    rendered: Path, data: Path | None, out: Path, seed: int = 0, workers: int = 1
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
    rows = load_population(rendered, dataset.read(rendered)[1]["seed"], folder)
    out.mkdir(parents=True, exist_ok=True)
    real = real_sample(folder)
    number = {name: _POOL * quota for name, quota in KEPT_OUT.items()}
    found: dict[str, dict] = {}
    lenders = load_or_build(rendered, folder, workers)
    for name, donors in (("rendered", None), ("transplant", lenders)):
        simulated = simulated_sample(rows, number, seed, donors)
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
    features = morphology.describe(grids)
    scores = {
        "latents": _best_score(_latents(grids, weights), truth, folds, seed),
        "features": _best_score(features, truth, folds, seed),
        "pixels": _network_score(grids, truth, folds, seed),
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


def _selected(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Return which rows the survey behind a set would have chosen."""
    r, r90 = rows.r.to_numpy(float), rows.petro_r90_true.to_numpy(float)
    if name == "gz1_jpeg":
        return (r < 17.77) & (r90 < 40)
    if name == "gz2_jpeg":
        return (r < 17.0) & (r90 > 3.0) & (r90 < 40)
    late = (rows.log_sfr - rows.log_stellar_mass > -11.3).to_numpy()
    return (r < 17.77) & (r90 > 4.5) & (r90 < 25) & late


def _service(name: str, petro_r90_arcsec: float) -> Service:
    if name == "gz1_jpeg":
        return galaxy_zoo(petro_r90_arcsec, reduction=3, early=True)
    if name == "gz2_jpeg":
        return galaxy_zoo(petro_r90_arcsec, early=True)
    return mosaic(0.2, 120)


def _nominal(pixels: Pixels) -> Pixels:
    """Return a served image with its scale forgotten."""
    factor = (NOMINAL_SCALE_ARCSEC / pixels.pixel_scale_arcsec) ** 2
    return Pixels(
        flux=pixels.flux * np.float32(factor),
        pixel_scale_arcsec=NOMINAL_SCALE_ARCSEC,
        origin="jpeg",
        sha256="",
        composite=pixels.composite,
    )


def _central(pixels: Pixels, found: Measurement) -> bool:
    height, width = pixels.flux.shape[1:]
    offset = np.hypot(found.x - (width - 1) / 2, found.y - (height - 1) / 2)
    return bool(offset < 0.12 * min(height, width))


def _latents(grids: np.ndarray, folder: Path | None) -> np.ndarray:
    model = weights_module.load(folder, device="cpu").model
    with torch.no_grad():
        parts = [
            torch.cat(model.encode(torch.from_numpy(grids[k : k + 256])), dim=1)
            for k in range(0, len(grids), 256)
        ]
    return torch.cat(parts).numpy()


def _best_score(x: np.ndarray, truth: np.ndarray, folds: list, seed: int) -> np.ndarray:
    """Return held-out scores of the better of boosting and a linear classifier."""
    models = (
        HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.06, max_leaf_nodes=12, random_state=seed
        ),
        make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000)),
    )
    best, best_auc = np.zeros(len(truth)), 0.0
    for model in models:
        score = np.zeros(len(truth))
        for train, test in folds:
            model.fit(x[train], truth[train])
            score[test] = model.predict_proba(x[test])[:, 1]
        auc = float(roc_auc_score(truth, score))
        if auc > best_auc:
            best, best_auc = score, auc
    return best


def _network_score(grids: np.ndarray, truth: np.ndarray, folds: list, seed: int) -> np.ndarray:
    """Return held-out scores of a small convolutional network."""
    images = torch.from_numpy(grids).float() / 255
    images = torch.sqrt(images)
    labels = torch.from_numpy(truth).float()
    score = np.zeros(len(truth))
    for train, test in folds:
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        width_in = 3
        for width in (24, 48, 64):
            layers += [
                nn.Conv2d(width_in, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            width_in = width
        network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, 1))
        optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
        epochs = 14
        steps = epochs * (len(train) // 64)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps + 1)
        generator = torch.Generator().manual_seed(seed)
        for _ in range(epochs):
            order = torch.randperm(len(train), generator=generator)
            for k in range(0, len(order) - 63, 64):
                take = torch.from_numpy(train)[order[k : k + 64]]
                turn = int(torch.randint(4, (1,), generator=generator))
                batch = torch.rot90(images[take], turn, dims=(2, 3))
                if torch.rand(1, generator=generator) < 0.5:
                    batch = batch.flip(3)
                loss = functional.binary_cross_entropy_with_logits(
                    network(batch)[:, 0], labels[take]
                )
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        network.eval()
        with torch.no_grad():
            score[test] = network(images[torch.from_numpy(test)])[:, 0].numpy()
    return score
