"""What each step of training is given: rows drawn by the number of the step alone.

So a run that was interrupted goes on with the rows it would have had, and several processes may
prepare steps ahead. Images stay where they are: a step names them.
"""

import numpy as np
from torch.utils.data import Dataset

from galexplorer.schema import TARGET_NAMES
from galexplorer.training import dataset
from galexplorer.training.batches import (
    Choice,
    draw_changes,
    features_of,
    measurable_labels,
)
from galexplorer.training.config import Config
from galexplorer.training.dataset import Arrays
from galexplorer.training.pools import Pools

Step = dict[str, np.ndarray | int]

_METALLICITY = TARGET_NAMES.index("gas_metallicity")


class PixelSteps(Dataset):
    """Steps of the first stage: images with labels, images without, table rows.

    A step holds, for the images, ``place``, their changes and ``seed``; for the labelled
    images and then the table rows ``feature`` and `labels_of`; ``real`` and ``rendered`` are the
    numbers of labelled images.
    """

    def __init__(self, pools: Pools, config: Config) -> None:
        self.pools, self.config = pools, config

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> Step:
        pools, config = self.pools, self.config
        rng = np.random.default_rng([config.seed, step])
        real, rendered, unlabelled, tables = (
            pools.draw(kind, getattr(config, kind), rng)
            for kind in ("real", "rendered", "unlabelled", "tables")
        )
        labelled = np.concatenate([real, rendered])
        place = pools.place[np.concatenate([labelled, unlabelled])]
        changes = draw_changes(len(place), rng)
        imaged = dataset.select(pools.rows, labelled)
        imaged["pixel_scale"] = imaged["pixel_scale"] * changes.pop("zoom")[: len(labelled)]
        return {
            "place": place,
            **changes,
            "seed": int(rng.integers(2**31)),
            **_described(imaged, dataset.select(pools.rows, tables), config, rng),
            "real": len(real),
            "rendered": len(rendered),
        }


class FlowSteps(Dataset):
    """Steps of the second stage: rows whose latents are known.

    Parameters
    ----------
    pools : Pools
    config : Config
    slot : ndarray, shape (n,), int
        Number of each row's latents within a view; -1 without.
    zoom : ndarray, shape (v, m)
        By how much each view shrinks the pixel of each image.
    """

    def __init__(self, pools: Pools, config: Config, slot: np.ndarray, zoom: np.ndarray) -> None:
        self.pools, self.config, self.slot, self.zoom = pools, config, slot, zoom

    def __len__(self) -> int:
        return self.config.flow_steps

    def __getitem__(self, step: int) -> Step:
        pools, config = self.pools, self.config
        rng = np.random.default_rng([config.seed, 1, step])
        real = pools.draw("real", round(config.flow_real * config.flow_batch), rng)
        rendered = pools.draw("rendered", round(config.flow_rendered * config.flow_batch), rng)
        labelled = np.concatenate([real, rendered])
        tables = pools.draw("tables", config.flow_batch - len(labelled), rng)
        view, slot = rng.integers(0, len(self.zoom), len(labelled)), self.slot[labelled]
        imaged = dataset.select(pools.rows, labelled)
        imaged["pixel_scale"] = imaged["pixel_scale"] * self.zoom[view, slot]
        return {
            "latent": view * self.zoom.shape[1] + slot,
            **_described(imaged, dataset.select(pools.rows, tables), config, rng),
            "real": len(real),
            "rendered": len(rendered),
        }


def _described(imaged: Arrays, tables: Arrays, config: Config, rng: np.random.Generator) -> Step:
    """Return features and labels of rows with an image and, after them, of rows without."""
    tables["has_image"] = np.zeros_like(tables["has_image"])
    features = [features_of(imaged, Choice(), rng), features_of(tables, Choice(image=False), rng)]
    rows = dataset.concatenate([imaged, tables])
    return {"feature": np.concatenate(features), **labels_of(rows, config.completed_weight)}


def labels_of(rows: Arrays, completed_weight: float) -> Step:
    """Return what a row can be judged by.

    Parameters
    ----------
    rows : dict of str to ndarray
    completed_weight : float
        Weight of completed labels against measured ones.

    Returns
    -------
    dict of str to ndarray
        ``targets`` (n, 9), 1 where missing; ``known`` (n, 9), whether a target and all before
        it are there; ``weight`` (n, 9) of each target's likelihood; ``shown`` (n, 5), what
        `measurable_labels` says, and ``judged`` (n, 5), whether it says anything.
    """
    targets, label = rows["targets"], rows["label"]
    present = np.isfinite(targets)
    known = np.logical_and.accumulate(present, axis=1)
    # a completed label of a real image knows nothing of that image
    jpeg = (rows["has_image"] > 0) & (rows["origin"] == 2) & (rows["kind"] == dataset.OBSERVED)
    completed = np.where(jpeg, 0.0, completed_weight)[:, None]
    weight = np.where((label == 1) | (label == 3), 1.0, completed) * (label > 0) * known
    # lines are conditioned on a metallicity wherever a table row has one, also where a spectrum
    # would give none: what its flow draws there has to be what the lines have learnt from
    stand_in = (label[:, _METALLICITY] == 0) & (label[:, 0] > 0) & known[:, _METALLICITY]
    weight[stand_in, _METALLICITY] = completed[stand_in, 0]
    # the redshift of a moved galaxy is known exactly; less weight would skew their distribution
    weight[:, 0] = (label[:, 0] > 0) & known[:, 0]
    shown = measurable_labels(rows)
    judged = np.isfinite(shown) & present[:, :1]
    return {
        "targets": np.where(present, targets, np.float32(1)),
        "known": known,
        "weight": weight.astype(np.float32),
        "shown": np.where(judged, shown, np.float32(0)),
        "judged": judged.astype(np.float32),
    }
