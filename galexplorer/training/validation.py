"""Validation of a model on held-out rows."""

import numpy as np
import torch
from torch import Tensor

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.model.features import LOG_SCALE
from galexplorer.model.flows import ESTIMATED
from galexplorer.model.network import SYMMETRIES, GalaxyModel, ImageSummary, mean_density
from galexplorer.training.batches import InputMask, features_of, training_labels
from galexplorer.training.objective import standard_targets
from galexplorer.training.training_data import TrainingData

_AT_ONCE = 256
_FEWEST_LABELS = 100


def held_out_rows(training_data: TrainingData, kind: str, limit: int) -> np.ndarray:
    """Return validation rows of a kind of input, the same each time, drawn as training draws.

    Without replacement, by weights (Efraimidis & Spirakis 2006, 10.1016/j.ipl.2005.11.003).
    """
    rows = training_data.held_out[kind]
    wait = np.random.default_rng(0).exponential(size=len(rows)) / training_data.weight[rows]
    return rows[np.argsort(wait)[:limit]]


@torch.no_grad()
def validate(
    model: GalaxyModel,
    training_data: TrainingData,
    device: str,
    limit: int,
    latents: dict[str, ImageSummary] | None = None,
) -> dict[str, float]:
    """Return the mean NLL of redshift, mass, all targets with enough labels, and the rest, by kind.

    Parameters
    ----------
    model : GalaxyModel
        In evaluation mode.
    training_data : TrainingData
    device : str
    limit : int
        Most rows of each kind.
    latents : dict of str to ImageSummary, optional
        Of the held-out images by kind, where they are known; the regressors are not used
        where they are not.
    """
    out = {}
    for kind in training_data.held_out:
        index = held_out_rows(training_data, kind, limit)
        if len(index) == 0:
            continue
        known = None if latents is None else latents.get(kind)
        cheap = known is not None or kind == "photometry"
        part = shards.select(training_data.rows, index) if cheap else training_data.select(index)
        found = score_rows(
            model, part, kind, np.random.default_rng(0), device,
            symmetries=1, latents=known, estimates=False,
        )  # fmt: skip
        nll = found["nll"].cpu()
        labels = torch.isfinite(nll).sum(dim=0)
        enough = labels >= min(_FEWEST_LABELS, int(labels.max()))  # a few would drown the others
        out[f"val_{kind}_z"] = round(float(nll[:, 0].nanmean()), 4)
        out[f"val_{kind}_mass"] = round(float(nll[:, 1].nanmean()), 4)
        mean = torch.where(enough, nll.nanmean(dim=0), 0.0)
        out[f"val_{kind}_all"] = round(float(mean.sum()), 4)
        if enough[len(ESTIMATED) :].any():
            out[f"val_{kind}_rest"] = round(float(mean[len(ESTIMATED) :].sum()), 4)
    return out


@torch.no_grad()
def score_rows(
    model: GalaxyModel,
    rows: Arrays,
    kind: str,
    rng: np.random.Generator,
    device: str,
    mask: InputMask | None = None,
    symmetries: int = SYMMETRIES,
    latents: ImageSummary | None = None,
    estimates: bool = True,
) -> dict[str, Tensor]:
    """Return the NLL of rows, (n, 9), NaN where a label is missing.

    And the log odds that a spectrum would show each of
    `MEASURABLE_NAMES` at the true redshift, (n, 5), contexts (n, e, 2 c) and standardised
    targets (n, 9). Known `latents` spare the images; without `estimates` the regressors are not
    used.
    """
    image = kind != "photometry"
    if mask is None:
        mask = InputMask(image=image, catalogue=0.3, nothing=0.0, band_dropout=0.0, petro=1.0)
    names = ("nll", "logit", "context", "standard")
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    for begin in range(0, len(rows["split"]), _AT_ONCE):
        part = shards.select(rows, np.arange(begin, min(begin + _AT_ONCE, len(rows["split"]))))
        feature = torch.from_numpy(features_of(part, mask, rng)).to(device)
        if not mask.image:
            seen = ImageSummary.zeros(len(feature), feature)
        elif latents is not None:
            seen = latents.rows(slice(begin, begin + _AT_ONCE))
        else:
            grid = torch.from_numpy(part["grid"]).to(device)
            use_estimate = torch.full((len(grid),), kind == "jpeg" and estimates, device=device)
            seen = model.summarise(grid, feature[:, LOG_SCALE], use_estimate, symmetries)
        context = model.context_of(seen, feature)
        batch = {
            name: torch.from_numpy(value).to(device)
            for name, value in training_labels(part, 1.0, 1.0).items()
        }
        label = torch.from_numpy(part["label"]).to(device)
        # imputed labels judge nothing where there are measured ones; a simulated galaxy looks
        # as all of its labels say
        simulated = torch.from_numpy(part["kind"] != shards.OBSERVED).to(device)[:, None]
        completed = kind == "image" or (simulated if kind == "jpeg" else False)
        judging = (label == 1) | (label == 3) | ((label > 0) & completed)
        usable = batch["known"] & judging
        standard = standard_targets(model, batch)
        nll = -mean_density(model.chain.log_prob(standard, context))
        nan = torch.full_like(standard, float("nan"))
        found["nll"].append(torch.where(usable, nll, nan))
        found["context"].append(context)
        found["standard"].append(standard)
        logit = model.measurable_logit(context, batch["targets"][:, 0]).mean(dim=1)
        found["logit"].append(torch.where(batch["known"][:, :1], logit, nan[:, : logit.shape[1]]))
    return {name: torch.cat(parts) for name, parts in found.items()}
