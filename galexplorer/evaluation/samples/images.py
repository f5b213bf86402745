"""Held-out rows with an image, simulated and real."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from galexplorer.datasets import shards
from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION
from galexplorer.evaluation.prediction import (
    FIXED,
    GRI,
    IMAGE,
    IMAGE_AND_PHOTOMETRY,
    IMAGE_FIXED,
    PHOTOMETRY,
    UGRIZ,
)
from galexplorer.evaluation.samples.sample import (
    HELD_OUT,
    IMAGES,
    RENDERED,
    Sample,
    limited,
    splits,
)
from galexplorer.schema import DETECTION_S_TO_N, LINE_NAMES, TARGET_NAMES
from galexplorer.training.regressors import fold_of

_IMAGE_TITLES = {
    "sdss_spirals": "Real images of spirals",
    "sdss_stripe": "Real images of all types",
}
_HEAVIEST = 0.98


def rendered_sample(folder: Path, limit: int, seed: int = 0) -> Sample:
    """Return the rendered set, its held-out rows drawn by weight: as the SDSS main sample is.

    Parameters
    ----------
    folder : Path
        Made by ``galexplorer simulate``.
    limit : int
        Most test rows.
    seed : int

    Raises
    ------
    DataError
        If the folder holds no finished set.
    """
    arrays, _ = shards.read(folder)
    truth = np.where(arrays["label"] > 0, arrays["targets"], np.nan).astype(float)
    has_image = arrays["has_image"].astype(bool)
    weight = arrays["weight"].astype(float)
    weighed = bool(np.ptp(weight) > 0)
    rng = np.random.default_rng(seed)
    kept = {}
    for split in (TEST, VALIDATION):
        rows = np.flatnonzero((arrays["split"] == split) & has_image)
        # a few heavy rows must not set how many of the others stay
        most = np.quantile(weight[rows], _HEAVIEST) if len(rows) else 1.0
        kept[split] = rows[rng.random(len(rows)) < weight[rows] / most]
    return Sample(
        name="rendered",
        title="Rendered galaxies, as in the SDSS main sample" if weighed else "Rendered galaxies",
        kind=RENDERED,
        arrays=arrays,
        truth=truth,
        test=limited(kept[TEST], limit, rng),
        validation=kept[VALIDATION],
        train=np.flatnonzero((arrays["split"] == TRAIN) & has_image),
        modes=(IMAGE_AND_PHOTOMETRY, PHOTOMETRY, UGRIZ, GRI, IMAGE, FIXED),
        notes=(
            "Pixels are simulated; photometry and redshift are real, other values measured or "
            "imputed with scatter. Regressors, trained on real pixels, are not applied to them."
            + (
                " Held-out rows are drawn by the population's weights, so that they resemble the "
                "SDSS main sample."
                if weighed
                else " They are distributed as the population is, which has no weights."
            ),
        ),
    )


def image_samples(folder: Path) -> list[Sample]:
    """Return each set of real images that has labels; and its galaxies that have ugriz, apart.

    Raises
    ------
    DataError
        If the folder holds no finished set.
    """
    everything, manifest = shards.read(folder)
    samples = []
    begin = 0
    for shard in manifest["shards"]:
        name = shard.removeprefix("shard-").removesuffix(".safetensors")
        end = begin + shards.length_of(folder / shard)
        arrays = shards.select(everything, np.arange(begin, end))
        begin = end
        has_image = arrays["has_image"].astype(bool) & (arrays["label"][:, 0] == 1)
        if has_image.sum() < 50:
            continue
        truth = np.where(arrays["label"] == 1, arrays["targets"], np.nan).astype(float)
        alone = Sample(
            name=name,
            title=_IMAGE_TITLES.get(name, f"Real images, {name}"),
            kind=IMAGES,
            arrays=arrays,
            truth=truth,
            modes=(IMAGE, IMAGE_FIXED),
            **splits(arrays["split"], has_image),
        )
        both = has_image & np.isfinite(arrays["catalogue_mag"]).all(axis=1)
        with_photometry = replace(
            alone,
            name=f"{name}_ugriz",
            title=f"{alone.title}, with ugriz",
            modes=(IMAGE_AND_PHOTOMETRY, IMAGE, PHOTOMETRY, FIXED),
            **splits(arrays["split"], both),
        )
        samples += [alone, with_photometry]
    return samples


def cross_fitted_samples(folder: Path, folds: int) -> list[Sample]:
    """Return the real images of known scale once more, judged by what left out each of them.

    First all of them by themselves, then those that have ugriz too: the test rows are the training
    rows, by folds, and the test rows of the split. Lines count from the signal-to-noise ratio at
    which they are detected. Posteriors are those that users get, who are not told: the chance of
    detection that holds in the tables is not that of these galaxies, most of them near and small.

    Parameters
    ----------
    folder : Path
        Made by ``galexplorer dataset real``.
    folds : int
        Of the regressors of the weights.

    Raises
    ------
    DataError
        If the folder holds no finished set.
    """
    arrays, _ = shards.read(folder)
    shown = arrays["has_image"].astype(bool) & (arrays["label"][:, 0] == 1)
    arrays = shards.select(arrays, np.flatnonzero(shown & np.isfinite(arrays["pixel_scale"])))
    size = len(arrays["split"])
    truth = np.where(arrays["label"] == 1, arrays["targets"], np.nan).astype(float)
    for j, name in enumerate(LINE_NAMES):
        k = TARGET_NAMES.index(name)
        truth[arrays["line_snr"][:, j] < DETECTION_S_TO_N, k] = np.nan
    fold = np.full(size, HELD_OUT)
    for row in np.flatnonzero(arrays["split"] == TRAIN):
        fold[row] = fold_of(arrays["position"][row], arrays["grid"][row], folds)
    note = (
        "Each galaxy is judged by flows and a regressor that left out its part of the sky, one "
        "network of each where released weights have several; the test rows of the split by the "
        "released weights. Boosting leaves out the same galaxies."
    )
    alone = Sample(
        name="cross_fitted",
        title="Real images, cross-fitted",
        kind=IMAGES,
        arrays=arrays,
        truth=truth,
        modes=(IMAGE, IMAGE_FIXED),
        fold=fold,
        notes=(note,),
        **_training_too(arrays["split"], np.full(size, True)),
    )
    listed = np.asarray(np.isfinite(arrays["catalogue_mag"]).all(axis=1))
    with_photometry = replace(
        alone,
        name="cross_fitted_ugriz",
        title="Real images with ugriz, cross-fitted",
        modes=(IMAGE_AND_PHOTOMETRY, IMAGE, PHOTOMETRY, UGRIZ),
        **_training_too(arrays["split"], listed),
    )
    return [alone, with_photometry]


def _training_too(split: np.ndarray, taken: np.ndarray) -> dict[str, Any]:
    """Return the parts of a split whose training rows are test rows too."""
    parts = splits(split, taken)
    return {**parts, "test": np.sort(np.concatenate([parts["train"], parts["test"]]))}
