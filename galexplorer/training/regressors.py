"""Training data of the regressors: observed galaxies, cross-fitted."""

import hashlib

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from galexplorer.datasets.shards import cell_of, share_of_key
from galexplorer.errors import DataError
from galexplorer.model.features import scaled_log_pixel_size
from galexplorer.model.network import GalaxyModel
from galexplorer.training.batches import draw_augmentations
from galexplorer.training.config import Config
from galexplorer.training.objective import estimate_nll
from galexplorer.training.training_data import TrainingData

SELECTION_METRICS = ("val_estimate",)

_AT_ONCE = 256
_STREAM = 3  # of random numbers: the other stages have others

Step = dict[str, np.ndarray | int]


class RegressorSteps(Dataset):
    """Steps of the regressors: as many images for each as the next has, one after the other.

    A step holds ``place``, what `galexplorer.training.batches.draw_augmentations` draws and its
    ``seed``, ``log_scale`` and ``targets``.
    """

    def __init__(self, training_data: TrainingData, config: Config) -> None:
        self.training_data, self.config = training_data, config
        unseen_by = cross_fitting_folds(training_data, config.regressors)[training_data.observed]
        self.taught = [training_data.observed[unseen_by != k] for k in range(config.regressors)]
        if not all(map(len, self.taught)):
            raise DataError(
                "Too few images of galaxies with redshifts for the regressors, each of which "
                "leaves out a part: give more, or set `regressors: 0`."
            )

    def __len__(self) -> int:
        return self.config.regressor_steps

    def __getitem__(self, step: int) -> Step:
        rng = np.random.default_rng([self.config.seed, _STREAM, step])
        rows = np.concatenate([rng.choice(t, self.config.regressor_batch) for t in self.taught])
        augmentations = draw_augmentations(len(rows), rng)
        scale = self.training_data.rows["pixel_scale"][rows] * augmentations.pop("zoom")
        return {
            "place": self.training_data.place[rows],
            **augmentations,
            "seed": int(rng.integers(2**31)),
            "log_scale": scaled_log_pixel_size(scale).astype(np.float32),
            "targets": _labelled(self.training_data, rows),
        }


def cross_fitting_folds(training_data: TrainingData, regressors: int) -> np.ndarray:
    """Return which regressor leaves out each row, (n,): -1 where none is taught by it.

    Whole square degrees go together, as in the split of the rows; an image without a position goes
    by its pixels.
    """
    number = np.full(len(training_data.place), -1)
    if regressors:
        for row in training_data.observed:
            image = training_data.grid[training_data.place[row]]
            number[row] = fold_of(training_data.rows["position"][row], image, regressors)
    return number


def fold_of(position: np.ndarray, image: np.ndarray | None, folds: int) -> int:
    """Return the fold of a galaxy at a position (2,), or of an image; -1 where there is neither."""
    if np.isfinite(position).all():
        key = cell_of(*position)
    elif image is not None:
        key = hashlib.sha256(image.tobytes()).hexdigest()
    else:
        return -1
    return int(share_of_key(key, "regressors") * folds)


def _labelled(training_data: TrainingData, rows: np.ndarray) -> np.ndarray:
    """Return the targets of rows, (n, 9), NaN where they are no labels.

    What stands in for a parent is none, nor what was imputed.
    """
    label = training_data.rows["label"][rows]
    known = (label == 1) | (label == 3)
    return np.where(known, training_data.rows["targets"][rows], np.float32(np.nan))


@torch.no_grad()
def validate_regressors(
    model: GalaxyModel, training_data: TrainingData, grid: Tensor
) -> dict[str, float]:
    """Return the NLL of redshift and mass on held-out images, given the regressors' mean estimate.

    Nothing without such images.

    Parameters
    ----------
    model : GalaxyModel
        In evaluation mode.
    training_data : TrainingData
    grid : Tensor, shape (m, 3, 64, 64), uint8
        All images.
    """
    rows = training_data.observed_held_out
    found = []
    for begin in range(0, len(rows), _AT_ONCE):
        part = rows[begin : begin + _AT_ONCE]
        scale = scaled_log_pixel_size(training_data.rows["pixel_scale"][part]).astype(np.float32)
        place = torch.from_numpy(training_data.place[part]).to(grid.device)
        estimate = model.estimate(grid[place], torch.from_numpy(scale).to(grid.device), 1)
        targets = torch.from_numpy(_labelled(training_data, part)).to(grid.device)
        found.append(estimate_nll(model, estimate, targets).cpu())
    if not found:
        return {}
    mean = torch.cat(found).nanmean(dim=0)
    redshift, mass = mean.tolist()
    return {
        "val_estimate": round(float(mean.nansum()), 4),
        "val_estimate_z": round(redshift, 4),
        "val_estimate_mass": round(mass, 4),
    }
