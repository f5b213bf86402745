"""From real data to ``verdict.safetensors`` beside the weights, and its lines in their manifest."""

import logging
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from galexplorer.datasets.shards import TRAIN, VALIDATION
from galexplorer.errors import DataError
from galexplorer.image.quality import quality_of
from galexplorer.model.weights import DEFAULT_FOLDER, read_manifest, write_arrays, write_manifest
from galexplorer.population.sources import data_folder
from galexplorer.records.observation import Observation
from galexplorer.screening.fit import fit_images, fit_photometry
from galexplorer.screening.images import CLASS_OF, NEGATIVES, list_tasks, make_images, scale_known
from galexplorer.screening.tables import read_screening_rows, stock_of
from galexplorer.verdict.classifiers import IMAGE_CLASSES, VERDICT_FILE
from galexplorer.verdict.judgement import Screens

log = logging.getLogger(__name__)


def make_screens(
    data: Path | None = None, out: Path | None = None, workers: int = 1, seed: int = 0
) -> dict:
    """Fit the classifiers of the verdict and write them beside weights.

    Parameters
    ----------
    data : Path, optional
        Folder of the real data.
    out : Path, optional
        Folder of the weights; their networks do not matter.
    workers : int
    seed : int

    Returns
    -------
    dict
        What the manifest says of them.

    Raises
    ------
    DataError
        If there are no real data, or none of what is no galaxy.
    WeightsError
        If there are no weights in `out`.
    """
    out = DEFAULT_FOLDER if out is None else out
    manifest = read_manifest(out)
    folder = data_folder(data)
    if folder is None or not (folder / NEGATIVES).is_dir():
        raise DataError(
            "No data on what is no galaxy: give the folder of the real data with --data."
        )
    rows = read_screening_rows(folder)
    photometry = fit_photometry(rows, seed)
    table, quality = _images(folder, rows, workers, seed)
    label = table.kind.map({k: IMAGE_CLASSES.index(name) for k, name in CLASS_OF.items()})
    image = fit_images(
        quality,
        label.to_numpy(),
        table.split.to_numpy(),
        table.scaled.to_numpy(),
        table.linear.to_numpy(),
        seed,
    )
    arrays = Screens(photometry, image).to_arrays()
    write_arrays(out / VERDICT_FILE, arrays)
    counted = rows[rows.split.isin((TRAIN, VALIDATION))]
    manifest["verdict"] = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "made_with": "galexplorer train-verdict",
        "seed": seed,
        "rows": dict(Counter(counted.kind)),
        "images": dict(Counter(table.kind)),
    }
    write_manifest(out, manifest)
    return manifest["verdict"]


def _images(
    data: Path, rows: pd.DataFrame, workers: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return kind, split, linearity and knowledge of the scale of images, and their quality."""
    kept, number = [], 0
    for split in (TRAIN, VALIDATION):
        tasks = list_tasks(data, (split,), seed)
        made = make_images(tasks, stock_of(rows, split), _quality, workers)
        kept += [(task, quality) for task, quality in made if quality is not None]
        number += len(tasks)
    log.info("%d of %d images could not be measured", number - len(kept), number)
    table = pd.DataFrame(
        [(task.kind, task.split, scale_known(task), linear) for task, (_, linear) in kept],
        columns=["kind", "split", "scaled", "linear"],
    )
    return table, np.stack([quality for _, (quality, _) in kept])


def _quality(observation: Observation) -> tuple[np.ndarray, bool]:
    assert observation.cutout is not None  # there were pixels
    return quality_of(observation.cutout), observation.origin != "jpeg"
