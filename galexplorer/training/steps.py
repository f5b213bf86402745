"""What each step of training is given: rows drawn by the number of the step alone.

So a run that was interrupted goes on with the rows it would have had, and several processes may
prepare steps ahead. Images stay where they are: a step names them.
"""

import numpy as np
from torch.utils.data import Dataset

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.training.batches import (
    Choice,
    draw_changes,
    features_of,
    judged_labels,
)
from galexplorer.training.config import Config
from galexplorer.training.latents import Views
from galexplorer.training.lent_photometry import LentPhotometry
from galexplorer.training.pools import Pools

Step = dict[str, np.ndarray | int]


class PixelSteps(Dataset):
    """Steps on pixels: images with labels, images without, table rows.

    A step holds, for the images, ``place``, their changes and ``seed``; for the labelled
    images and then the table rows ``feature`` and `judged_labels`; ``real`` and ``rendered``
    are the numbers of labelled images.
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
        imaged = shards.select(pools.rows, labelled)
        imaged["pixel_scale"] = imaged["pixel_scale"] * changes.pop("zoom")[: len(labelled)]
        return {
            "place": place,
            **changes,
            "seed": int(rng.integers(2**31)),
            **_described(imaged, shards.select(pools.rows, tables), config, rng),
            "real": len(real),
            "rendered": len(rendered),
        }


class FlowSteps(Dataset):
    """Steps of the flows: rows whose latents are known.

    Parameters
    ----------
    pools : Pools
    config : Config
    views : Views
    """

    def __init__(self, pools: Pools, config: Config, views: Views) -> None:
        self.pools, self.config, self.views = pools, config, views
        self._lent = LentPhotometry(pools)

    def __len__(self) -> int:
        return self.config.flow_steps

    def __getitem__(self, step: int) -> Step:
        pools, config = self.pools, self.config
        rng = np.random.default_rng([config.seed, 1, step])
        real = pools.draw("real", round(config.flow_real * config.flow_batch), rng)
        rendered = pools.draw("rendered", round(config.flow_rendered * config.flow_batch), rng)
        labelled = np.concatenate([real, rendered])
        tables = pools.draw("tables", config.flow_batch - len(labelled), rng)
        view = self.views.draw(labelled, rng)
        imaged = shards.select(pools.rows, labelled)
        imaged["pixel_scale"] = imaged["pixel_scale"] * self.views.zoom[view]
        self._lent.lend(imaged, labelled, rng)
        return {
            "latent": view,
            **_described(imaged, shards.select(pools.rows, tables), config, rng),
            "real": len(real),
            "rendered": len(rendered),
        }


def _described(imaged: Arrays, tables: Arrays, config: Config, rng: np.random.Generator) -> Step:
    """Return features and labels of rows with an image and, after them, of rows without."""
    tables["has_image"] = np.zeros_like(tables["has_image"])
    features = [features_of(imaged, Choice(), rng), features_of(tables, Choice(image=False), rng)]
    rows = shards.concatenate([imaged, tables])
    return {"feature": np.concatenate(features), **judged_labels(rows, config.completed_weight)}
