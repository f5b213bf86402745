"""What each step of training is given: rows drawn by the number of the step alone.

So a run that was interrupted goes on with the rows it would have had, and several processes may
prepare steps ahead. Images stay where they are: a step names them.
"""

import numpy as np
from torch.utils.data import Dataset

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.training.batches import (
    InputMask,
    draw_augmentations,
    features_of,
    training_labels,
)
from galexplorer.training.config import Config
from galexplorer.training.latents import Views
from galexplorer.training.matched_photometry import MatchedPhotometry
from galexplorer.training.training_data import TrainingData

Step = dict[str, np.ndarray | int]


class PixelSteps(Dataset):
    """Steps on pixels: images with labels, images without, table rows.

    A step holds, for the images, ``place``, their augmentations and ``seed``; for the labelled
    images and then the table rows ``feature`` and `training_labels`; ``real`` and ``rendered``
    are the numbers of labelled images.
    """

    def __init__(self, training_data: TrainingData, config: Config) -> None:
        self.training_data, self.config = training_data, config

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> Step:
        training_data, config = self.training_data, self.config
        rng = np.random.default_rng([config.seed, step])
        real, rendered, unlabelled, tables = (
            training_data.draw(kind, getattr(config, kind), rng)
            for kind in ("real", "rendered", "unlabelled", "tables")
        )
        labelled = np.concatenate([real, rendered])
        place = training_data.place[np.concatenate([labelled, unlabelled])]
        augmentations = draw_augmentations(len(place), rng)
        image_rows = shards.select(training_data.rows, labelled)
        image_rows["pixel_scale"] = (
            image_rows["pixel_scale"] * augmentations.pop("zoom")[: len(labelled)]
        )
        return {
            "place": place,
            **augmentations,
            "seed": int(rng.integers(2**31)),
            **_described(image_rows, shards.select(training_data.rows, tables), config, rng),
            "real": len(real),
            "rendered": len(rendered),
        }


class FlowSteps(Dataset):
    """Steps of the flows: rows whose latents are known.

    Parameters
    ----------
    training_data : TrainingData
    config : Config
    views : Views
    """

    def __init__(self, training_data: TrainingData, config: Config, views: Views) -> None:
        self.training_data, self.config, self.views = training_data, config, views
        self._matched_photometry = MatchedPhotometry(training_data)

    def __len__(self) -> int:
        return self.config.flow_steps

    def __getitem__(self, step: int) -> Step:
        training_data, config = self.training_data, self.config
        rng = np.random.default_rng([config.seed, 1, step])
        real = training_data.draw("real", round(config.flow_real * config.flow_batch), rng)
        rendered = training_data.draw(
            "rendered", round(config.flow_rendered * config.flow_batch), rng
        )
        labelled = np.concatenate([real, rendered])
        tables = training_data.draw("tables", config.flow_batch - len(labelled), rng)
        view = self.views.draw(labelled, rng)
        image_rows = shards.select(training_data.rows, labelled)
        image_rows["pixel_scale"] = image_rows["pixel_scale"] * self.views.zoom[view]
        self._matched_photometry.assign(image_rows, labelled, rng)
        return {
            "latent": view,
            **_described(image_rows, shards.select(training_data.rows, tables), config, rng),
            "real": len(real),
            "rendered": len(rendered),
        }


def _described(
    image_rows: Arrays, tables: Arrays, config: Config, rng: np.random.Generator
) -> Step:
    """Return features and labels of rows with an image and, after them, of rows without."""
    tables["has_image"] = np.zeros_like(tables["has_image"])
    features = [
        features_of(image_rows, InputMask(), rng),
        features_of(tables, InputMask(image=False), rng),
    ]
    rows = shards.concatenate([image_rows, tables])
    return {
        "feature": np.concatenate(features),
        **training_labels(rows, config.completed_weight, config.completed_table_weight),
    }
