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
from galexplorer.model.features import scaled_pixel
from galexplorer.model.network import SYMMETRIES, GalaxyModel, Summary
from galexplorer.model.regressor import ESTIMATE
from galexplorer.training.batches import change, draw_changes
from galexplorer.training.config import Config
from galexplorer.training.objective import mixed_precision
from galexplorer.training.pools import Pools
from galexplorer.training.regressors import left_out
from galexplorer.training.validation import held_out

_AT_ONCE = 256
_STREAM = 2  # of random numbers: steps have others
_RECIPE = 2
"""Increase with every change of the image processing; older files are then ignored."""

_KEPT = (*Summary._fields, "first", "number", "zoom")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Views:
    """Latents of labelled training images, as they are and as they are after random changes.

    Attributes
    ----------
    latents : Summary
        Averaged over the symmetries as in inference. The estimate of an image that regressors
        learnt from is by the one that left it out.
    first, number : ndarray, shape (n,), int
        Where the views of each row begin, and how many it has; 0 without an image.
    zoom : ndarray, shape (v,), float32
        By how much each view shrinks the pixel.
    """

    latents: Summary
    first: np.ndarray
    number: np.ndarray
    zoom: np.ndarray

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a view of each row, at random."""
        return self.first[rows] + rng.integers(0, self.number[rows])


def views_of(model: GalaxyModel, pools: Pools, grid: Tensor, config: Config, kept: Path) -> Views:
    """Return what `encode_views` does, from the file where an earlier run left it.

    Parameters
    ----------
    model, pools, grid, config
        See `encode_views`.
    kept : Path
        Written anew where it cannot be read, or belongs to other networks, other rows, other
        views or another kind of device.
    """
    views_wanted = f"{config.seed} {config.flow_views} {config.flow_real_views}"
    settings = f"{_RECIPE} {SYMMETRIES} {grid.device.type} {views_wanted} {pools.digest()}"
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
                    return Views(Summary(*(part[name] for name in Summary._fields)), *of_rows)
        except SafetensorError as error:
            log.warning("%s cannot be read (%s); latents are made again", kept, error)
    views = encode_views(model, pools, grid, config)
    arrays = {"first": views.first, "number": views.number, "zoom": views.zoom}
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    tensors.update({name: x.cpu() for name, x in views.latents._asdict().items()})
    temporary = kept.with_suffix(".part")
    save_file(tensors, temporary, {"identity": digest.hexdigest()})
    temporary.replace(kept)
    return views


@torch.no_grad()
def encode_views(model: GalaxyModel, pools: Pools, grid: Tensor, config: Config) -> Views:
    """Encode the labelled training images; `grid` holds all images where the model is.

    The first view of an image is the image itself. Real ones have more views: they are few, and
    the flows meet each of them often.
    """
    number = np.zeros(len(pools.place), int)
    number[pools.rendered] = config.flow_views
    number[pools.real] = config.flow_real_views
    first = np.cumsum(number) - number
    rows = np.repeat(np.arange(len(number)), number)
    changed = np.flatnonzero(np.arange(len(rows)) != first[rows])
    zoom = np.ones(len(rows), np.float32)
    place = torch.from_numpy(pools.place[rows]).to(grid.device)
    unseen_by = left_out(pools, len(model.regressors))[rows]
    parts: list[Summary] = []
    for begin in track(range(0, len(rows), _AT_ONCE), "images"):
        image = grid[place[begin : begin + _AT_ONCE]].float()
        own = changed[(changed >= begin) & (changed < begin + _AT_ONCE)]
        if len(own):
            rng = np.random.default_rng([config.seed, _STREAM, begin])
            changes = draw_changes(len(own), rng)
            zoom[own] = changes.pop("zoom")
            moved = {k: torch.from_numpy(v).to(grid.device) for k, v in changes.items()}
            image[own - begin] = change(image[own - begin], moved, int(rng.integers(2**31))) * 255
        part = slice(begin, begin + len(image))
        log_scale = _scaled(pools.rows["pixel_scale"][rows[part]] * zoom[part], grid)
        with mixed_precision(grid.device):  # an error of a twentieth of a latent's own width
            mean, log_variance = model.encode(image)
            estimate = mean.new_zeros((len(image), ESTIMATE), dtype=torch.float)
            for k in np.unique(unseen_by[part]):
                mine, by = np.flatnonzero(unseen_by[part] == k), None if k < 0 else int(k)
                estimate[mine] = model.estimate(image[mine], log_scale[mine], by=by)
        parts.append(Summary(mean.float(), log_variance.float(), estimate))
    return Views(_joined(parts, grid), first, number, zoom)


def encode_held_out(
    model: GalaxyModel, pools: Pools, grid: Tensor, limit: int
) -> dict[str, Summary]:
    """Encode the images that reports look at, by kind of input."""
    return {
        kind: summaries_of(model, pools, grid, held_out(pools, kind, limit), kind == "jpeg")
        for kind in ("image", "jpeg")
    }


@torch.no_grad()
def summaries_of(
    model: GalaxyModel, pools: Pools, grid: Tensor, rows: np.ndarray, asked: bool
) -> Summary:
    """Encode the images of some rows; whether the regressors are `asked` about them too."""
    place = torch.from_numpy(pools.place[rows]).to(grid.device)
    scales = _scaled(pools.rows["pixel_scale"][rows], grid)
    return _joined(
        [
            model.summarise(grid[part], scale, torch.full_like(part, asked, dtype=torch.bool))
            for part, scale in zip(place.split(_AT_ONCE), scales.split(_AT_ONCE), strict=True)
            if len(part)
        ],
        grid,
    )


def _scaled(pixel_scale: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(scaled_pixel(pixel_scale).astype(np.float32)).to(like.device)


def _joined(parts: list[Summary], grid: Tensor) -> Summary:
    return (
        Summary.join(parts) if parts else Summary.nothing(0, grid.new_zeros(0, dtype=torch.float))
    )
