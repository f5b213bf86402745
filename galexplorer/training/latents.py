"""Latents of images, made once for the flows to learn from, and kept for the next run."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from galexplorer.console import track
from galexplorer.model.features import scaled_log_pixel_size
from galexplorer.model.network import SYMMETRIES, GalaxyModel, ImageSummary
from galexplorer.model.regressor import ESTIMATE
from galexplorer.training.batches import augment, draw_augmentations
from galexplorer.training.config import Config
from galexplorer.training.objective import mixed_precision
from galexplorer.training.regressors import cross_fitting_folds
from galexplorer.training.training_data import TrainingData
from galexplorer.training.validation import held_out_rows

_AT_ONCE = 256
_STREAM = 2  # of random numbers: steps have others
_RECIPE = 2
"""Increase with every change of the image processing; older files are then ignored."""

_KEPT = (*ImageSummary._fields, "first", "number", "zoom")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Views:
    """Latents of labelled training images, as they are and as they are after random augmentations.

    Attributes
    ----------
    latents : ImageSummary
        Averaged over the symmetries as in inference. The estimate of an image that regressors
        learnt from is by the one that left it out.
    first, number : ndarray, shape (n,), int
        Where the views of each row begin, and how many it has; 0 without an image.
    zoom : ndarray, shape (v,), float32
        By how much each view shrinks the pixel.
    """

    latents: ImageSummary
    first: np.ndarray
    number: np.ndarray
    zoom: np.ndarray

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a view of each row, at random."""
        return self.first[rows] + rng.integers(0, self.number[rows])


def load_or_encode_views(
    model: GalaxyModel, training_data: TrainingData, grid: Tensor, config: Config, kept: Path
) -> Views:
    """Return what `encode_views` does, from the file where an earlier run left it.

    Parameters
    ----------
    model, training_data, grid, config
        See `encode_views`.
    kept : Path
        Written anew where it cannot be read, or belongs to other networks, other rows, other
        views or another kind of device.
    """
    views_wanted = f"{config.seed} {config.flow_views} {config.flow_real_views}"
    settings = f"{_RECIPE} {SYMMETRIES} {grid.device.type} {views_wanted} {training_data.digest()}"
    digest = hashlib.sha256(settings.encode())
    for network in (model.encoder, model.regressors):
        for value in network.state_dict().values():
            digest.update(value.cpu().numpy().tobytes())
    if kept.exists():
        try:
            with safe_open(kept, "pt", device=str(grid.device)) as file:
                if (file.metadata() or {}).get("identity") == digest.hexdigest():
                    part = {name: file.get_tensor(name) for name in _KEPT}
                    of_rows = (part[name].cpu().numpy() for name in ("first", "number", "zoom"))
                    return Views(
                        ImageSummary(*(part[name] for name in ImageSummary._fields)), *of_rows
                    )
        except SafetensorError as error:
            log.warning("%s cannot be read (%s); latents are made again", kept, error)
    views = encode_views(model, training_data, grid, config)
    arrays = {"first": views.first, "number": views.number, "zoom": views.zoom}
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    tensors.update({name: x.cpu() for name, x in views.latents._asdict().items()})
    temporary = kept.with_suffix(".part")
    save_file(tensors, temporary, {"identity": digest.hexdigest()})
    temporary.replace(kept)
    return views


@torch.no_grad()
def encode_views(
    model: GalaxyModel, training_data: TrainingData, grid: Tensor, config: Config
) -> Views:
    """Encode the labelled training images; `grid` holds all images where the model is.

    The first view of an image is the image itself. Real ones have more views: they are few, and
    the flows meet each of them often.
    """
    number = np.zeros(len(training_data.place), int)
    number[training_data.rendered] = config.flow_views
    number[training_data.real] = config.flow_real_views
    first = np.cumsum(number) - number
    rows = np.repeat(np.arange(len(number)), number)
    changed = np.flatnonzero(np.arange(len(rows)) != first[rows])
    zoom = np.ones(len(rows), np.float32)
    place = torch.from_numpy(training_data.place[rows]).to(grid.device)
    unseen_by = cross_fitting_folds(training_data, len(model.regressors))[rows]
    parts: list[ImageSummary] = []
    for begin in track(range(0, len(rows), _AT_ONCE), "images"):
        image = grid[place[begin : begin + _AT_ONCE]].float()
        own = changed[(changed >= begin) & (changed < begin + _AT_ONCE)]
        if len(own):
            rng = np.random.default_rng([config.seed, _STREAM, begin])
            augmentations = draw_augmentations(len(own), rng)
            zoom[own] = augmentations.pop("zoom")
            moved = {k: torch.from_numpy(v).to(grid.device) for k, v in augmentations.items()}
            image[own - begin] = augment(image[own - begin], moved, int(rng.integers(2**31))) * 255
        part = slice(begin, begin + len(image))
        log_scale = _scaled(training_data.rows["pixel_scale"][rows[part]] * zoom[part], grid)
        with mixed_precision(grid.device):  # an error of a twentieth of a latent's own width
            mean, log_variance = model.encode(image)
            estimate = mean.new_zeros((len(image), ESTIMATE), dtype=torch.float)
            for k in np.unique(unseen_by[part]):
                mine, by = np.flatnonzero(unseen_by[part] == k), None if k < 0 else int(k)
                estimate[mine] = model.estimate(image[mine], log_scale[mine], by=by)
        parts.append(ImageSummary(mean.float(), log_variance.float(), estimate))
    return Views(_joined(parts, grid), first, number, zoom)


def encode_held_out(
    model: GalaxyModel, training_data: TrainingData, grid: Tensor, limit: int
) -> dict[str, ImageSummary]:
    """Encode the images that reports look at, by kind of input."""
    return {
        kind: summarise_images(
            model, training_data, grid, held_out_rows(training_data, kind, limit), kind == "jpeg"
        )
        for kind in ("image", "jpeg")
    }


@torch.no_grad()
def summarise_images(
    model: GalaxyModel,
    training_data: TrainingData,
    grid: Tensor,
    rows: np.ndarray,
    use_estimate: bool,
) -> ImageSummary:
    """Encode the images of some rows; `use_estimate` says whether the regressors estimate too."""
    place = torch.from_numpy(training_data.place[rows]).to(grid.device)
    scales = _scaled(training_data.rows["pixel_scale"][rows], grid)
    return _joined(
        [
            model.summarise(
                grid[part], scale, torch.full_like(part, use_estimate, dtype=torch.bool)
            )
            for part, scale in zip(place.split(_AT_ONCE), scales.split(_AT_ONCE), strict=True)
            if len(part)
        ],
        grid,
    )


def _scaled(pixel_scale: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(scaled_log_pixel_size(pixel_scale).astype(np.float32)).to(like.device)


def _joined(parts: list[ImageSummary], grid: Tensor) -> ImageSummary:
    return (
        ImageSummary.join(parts)
        if parts
        else ImageSummary.zeros(0, grid.new_zeros(0, dtype=torch.float))
    )
