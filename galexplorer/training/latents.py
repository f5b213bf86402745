"""Latents of images, made once for the flows to learn from."""

from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from galexplorer.model.network import GalaxyModel
from galexplorer.training.batches import change, draw_changes
from galexplorer.training.config import Config
from galexplorer.training.pools import Pools
from galexplorer.training.validation import Latents, held_out

_AT_ONCE = 256
_STREAM = 2  # of random numbers: steps have others


@dataclass(frozen=True)
class Views:
    """Latents of labelled training images, as they are and as they are after random changes.

    Attributes
    ----------
    latents : tuple of Tensor, shape (v * m, 32)
        Means and log variances, averaged over the symmetries as in inference.
    slot : ndarray, shape (n,), int
        Number of each row's image in a view; -1 without.
    zoom : ndarray, shape (v, m), float32
        By how much each view shrinks the pixel.
    """

    latents: Latents
    slot: np.ndarray
    zoom: np.ndarray


@torch.no_grad()
def encode_views(model: GalaxyModel, pools: Pools, grid: Tensor, config: Config) -> Views:
    """Encode the labelled training images; `grid` holds all images where the model is."""
    rows = np.union1d(pools.real, pools.rendered)
    slot = np.full(len(pools.place), -1)
    slot[rows] = np.arange(len(rows))
    place = torch.from_numpy(pools.place[rows]).to(grid.device)
    zoom = np.ones((config.flow_views, len(rows)), np.float32)
    parts: list[Latents] = []
    begins = range(0, len(rows), _AT_ONCE)
    for view in range(config.flow_views):
        for begin in track(begins, f"Latents of view {view + 1}"):
            part = place[begin : begin + _AT_ONCE]
            image = grid[part]
            if view:
                rng = np.random.default_rng([config.seed, _STREAM, view, begin])
                changes = draw_changes(len(part), rng)
                zoom[view, begin : begin + _AT_ONCE] = changes.pop("zoom")
                moved = {k: torch.from_numpy(v).to(grid.device) for k, v in changes.items()}
                image = change(image, moved, int(rng.integers(2**31))) * 255.0
            parts.append(model.encode(image))
    return Views(_joined(parts, grid), slot, zoom)


@torch.no_grad()
def encode_held_out(
    model: GalaxyModel, pools: Pools, grid: Tensor, limit: int
) -> dict[str, Latents]:
    """Encode the images that reports look at, by kind of input."""
    found = {}
    for mode in ("fits", "jpeg"):
        place = torch.from_numpy(pools.place[held_out(pools, mode, limit)]).to(grid.device)
        parts = [model.encode(grid[part]) for part in place.split(_AT_ONCE) if len(part)]
        found[mode] = _joined(parts, grid)
    return found


def _joined(parts: list[Latents], grid: Tensor) -> Latents:
    if not parts:
        empty = torch.zeros((0, 32), device=grid.device)
        return empty, empty
    means, log_variances = zip(*parts, strict=True)
    return torch.cat(means), torch.cat(log_variances)
