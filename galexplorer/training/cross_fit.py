"""Flows that left out a part of the sky, so that real galaxies may both teach and be judged.

Few galaxies have an image, magnitudes and lines: too few for a fifth of them to judge by. So the
flows are fitted once for each fold of the regressors, without any row of that fold, and see its
galaxies through the one regressor that left them out (cross-validation: Stone 1974,
10.1111/j.2517-6161.1974.tb00994.x). The encoder is that of the weights: it learns nothing from
labels of real images.
"""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from galexplorer.datasets import shards
from galexplorer.datasets.shards import TEST, TRAIN, Arrays
from galexplorer.errors import OptionError
from galexplorer.model import weights
from galexplorer.model.network import GalaxyModel
from galexplorer.model.weights import MANIFEST_FILE
from galexplorer.population.store import load_population
from galexplorer.simulation.training_set import table_rows
from galexplorer.training.calibration import calibrate
from galexplorer.training.config import Config
from galexplorer.training.fit import flow_stage, held_out_limit, identity_of
from galexplorer.training.latents import encode_held_out, load_or_encode_views
from galexplorer.training.regressors import fold_of
from galexplorer.training.stage import run
from galexplorer.training.training_data import TrainingData

log = logging.getLogger(__name__)

_TAKEN = ("encoder.", "decoder.", "regressors.", "target_")


def cross_fit(
    folders: list[Path],
    folder: Path | None,
    out: Path,
    config: Config,
    resume: bool = False,
    device: str = "auto",
) -> list[Path]:
    """Fit the flows of weights anew for each fold of their regressors.

    Parameters
    ----------
    folders : list of Path
        The sets that the weights were trained on.
    folder : Path, optional
        The weights, whose encoder and regressors stay as they are.
    out : Path
        Gets the folders ``fold-0``, ``fold-1`` and so on, each of weights that
        `galexplorer.model.weights.load` reads, without domain and library.
    config : Config
        Of the stage of the flows; the other stages do not count.
    resume : bool
        Go on from the last checkpoint, and keep the folds that are done.
    device : str

    Returns
    -------
    list of Path
        The folders of the folds.

    Raises
    ------
    OptionError
        If the weights have no regressors.
    """
    whole = weights.load(folder, device)
    folds, foundation = len(whole.model.regressors), foundation_of(whole.model)
    if folds == 0:
        raise OptionError("The weights have no regressors, so there are no folds to leave out.")
    place = str(weights.choose_device(device))
    if config.threads:
        torch.set_num_threads(config.threads)
    sets = []
    for part in folders:
        arrays, manifest = shards.read(part)
        sets.append(arrays)
        if manifest.get("kind") == "rendered":
            sets.append(table_rows(load_population(part, manifest["seed"])))
    out.mkdir(parents=True, exist_ok=True)
    everything = TrainingData(sets)
    grid = torch.from_numpy(everything.grid).to(place)
    views = load_or_encode_views(whole.model, everything, grid, config, out / "latents.safetensors")
    done = []
    for fold in range(folds):
        target = out / f"fold-{fold}"
        done.append(target)
        training_data = TrainingData(without_fold(sets, fold, folds))
        origin = {"foundation": foundation, "fold": fold, "folds": folds}
        identity = identity_of(config, training_data, origin)
        if resume and _finished(target, identity):
            log.info("fold %d of %d is done", fold + 1, folds)
            continue
        (target / MANIFEST_FILE).unlink(missing_ok=True)
        model = _fresh(whole.model, fold, config).to(place)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        held_out = encode_held_out(model, training_data, grid, held_out_limit(config))
        torch.manual_seed(config.seed + fold)
        target.mkdir(exist_ok=True)
        run(
            flow_stage(model, training_data, config, place, views, held_out),
            model=model, out=target, config=config, resume=resume, device=place,
            identity=identity,
        )  # fmt: skip
        report = calibrate(model, training_data, place)
        manifest = {"left_out": origin, "identity": identity, "calibration": report}
        weights.save(target, model, manifest)
    return done


def _finished(folder: Path, identity: str) -> bool:
    """Return whether a fold is there, of the same rows, settings and weights."""
    if not (folder / MANIFEST_FILE).exists():
        return False
    return weights.read_manifest(folder).get("identity") == identity


def foundation_of(model: GalaxyModel) -> str:
    """Return a hash of the encoder and the regressors, which folds share with their weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if name.startswith(_TAKEN):
            digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def without_fold(sets: list[Arrays], fold: int, folds: int) -> list[Arrays]:
    """Return sets in which the training rows of a fold are test rows.

    Rows without a position stay, a quarter of the population: nothing says which of them are of
    galaxies with an image.
    """
    changed = []
    for arrays in sets:
        split = arrays["split"].copy()
        for row in np.flatnonzero(split == TRAIN):
            shown = arrays["has_image"][row] and arrays["kind"][row] == shards.OBSERVED
            image = arrays["grid"][row] if shown else None
            if fold_of(arrays["position"][row], image, folds) == fold:
                split[row] = TEST
        changed.append({**arrays, "split": split})
    return changed


def _fresh(whole: GalaxyModel, fold: int, config: Config) -> GalaxyModel:
    """Return a model with untrained flows that sees images as one regressor's fold does."""
    sizes = replace(whole.sizes, members=config.members)
    torch.manual_seed(config.seed + fold)
    model = GalaxyModel(sizes)
    taken = {k: v for k, v in whole.state_dict().items() if k.startswith(_TAKEN)}
    model.load_state_dict(taken, strict=False)
    model.sizes = replace(sizes, regressors=1)
    model.regressors = nn.ModuleList([model.regressors[fold]])
    return model.eval()  # or statistics of its layers would change with what it encodes
