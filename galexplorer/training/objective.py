"""Losses of the stages, without synchronising with the device in between."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from galexplorer.model.flows import ESTIMATED
from galexplorer.model.network import GalaxyModel, ImageSummary
from galexplorer.model.regressor import ESTIMATE
from galexplorer.schema import MEASURABLE_NAMES
from galexplorer.training.batches import augment
from galexplorer.training.config import Config

MAX_NLL = 9.0
"""A label further out than this is taken for a wrong label: it stops pulling."""

_FREEDOM = 4.0
_UNESTIMATED = 0.1
"""Share of observed galaxies without an estimate: steps on pixels, which have none, go on there."""

_ESTIMATED_ANYWAY = 0.3
"""Share of simulated galaxies with one."""

Batch = Mapping  # of names to tensors on the model's device, and to numbers


def pixel_losses(
    model: GalaxyModel, grid: Tensor, batch: Batch, config: Config
) -> dict[str, Tensor]:
    """Return the losses on pixels.

    Parameters
    ----------
    model : GalaxyModel
    grid : Tensor, shape (m, 3, 64, 64), uint8
        All images.
    batch : mapping
        See `galexplorer.training.steps.PixelSteps`.
    config : Config

    Returns
    -------
    dict of str to Tensor
        Whose sum is to be made small.
    """
    image = augment(grid[batch["place"]], batch, batch["seed"])
    image = image.contiguous(memory_format=torch.channels_last)
    real, number = batch["real"], batch["real"] + batch["rendered"]
    # half of the images with labels are enough for the autoencoder, whose decoder is dear
    with mixed_precision(grid.device):
        mean, log_variance = model.encoder(image)
    mean, log_variance = mean.float(), log_variance.float()
    taken = [torch.cat([x[:number:2], x[number:]]) for x in (mean, log_variance, image)]
    latent = taken[0] + torch.exp(0.5 * taken[1]) * torch.randn_like(taken[0])
    with mixed_precision(grid.device):
        decoded = model.decoder(latent)
    misfit = ((decoded.float() - taken[2]) ** 2).sum(dim=(1, 2, 3)) / (2 * config.pixel_sigma**2)
    divergence = 0.5 * (taken[0] ** 2 + taken[1].exp() - taken[1] - 1).sum(dim=1)
    # the encoder learns all that it can by itself
    seen = ImageSummary(mean[:number], log_variance[:number], mean.new_zeros((number, ESTIMATE)))
    context = context_of(model, seen, batch["feature"])
    nll = negative_log_likelihood(model, batch, context)
    entropy = cross_entropy(model, batch, context)
    losses = {}
    parts = {"real": slice(0, real), "rendered": slice(real, number), "tables": slice(number, None)}
    for name, rows in parts.items():
        if len(nll[rows]):
            losses[name] = nll[rows].mean()
    losses["vae"] = config.vae_weight * (misfit + config.kl_weight * divergence).mean()
    has_label = batch["has_label"]
    losses["measurable"] = config.measurable_weight * (
        _mean(entropy[:number], has_label[:number]) + _mean(entropy[number:], has_label[number:])
    )
    return losses


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return where convolutions are in bfloat16: on a GPU, and on processors that know the type.

    There a step takes about half as long; other processors only emulate it.
    """
    able = torch.cpu.get_capabilities()
    quick = device.type == "cuda" or any(able.get(name) for name in ("amx_bf16", "avx512_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=quick)


def flow_losses(
    model: GalaxyModel, latents: ImageSummary, batch: Batch, config: Config
) -> dict[str, Tensor]:
    """Return the losses of the flows alone, where every row weighs the same.

    Parameters
    ----------
    model : GalaxyModel
    latents : ImageSummary
        Of all views.
    batch : mapping
        See `galexplorer.training.steps.FlowSteps`.
    config : Config
    """
    seen = latents.rows(batch["latent"])
    if config.flow_noise:
        width = config.flow_noise * torch.exp(0.5 * seen.log_variance)
        seen = seen._replace(mean=seen.mean + width * torch.randn_like(seen.mean))
    weight = batch["weight"]
    if len(model.regressors):
        seen, weight = merge_estimates(seen, weight, batch["real"])
    context = context_of(model, seen, batch["feature"])
    nll = negative_log_likelihood(model, {**batch, "weight": weight}, context)
    entropy = _mean(cross_entropy(model, batch, context), batch["has_label"])
    return {"flows": nll.mean(), "measurable": config.measurable_weight * entropy}


def merge_estimates(seen: ImageSummary, weight: Tensor, real: int) -> tuple[ImageSummary, Tensor]:
    """Return summaries of which only some have an estimate, and what their labels then weigh.

    What estimates of redshift and mass are worth is told by observed galaxies alone, all other
    targets by simulated ones.

    Parameters
    ----------
    seen : ImageSummary
        Of m images, the first `real` of which are observed.
    weight : Tensor, shape (n, 9)
        Of the targets of those images and of the rows of tables after them.
    real : int
    """
    number = len(seen.mean)
    observed = torch.arange(number, device=weight.device)[:, None] < real
    chance = torch.where(observed, 1.0 - _UNESTIMATED, _ESTIMATED_ANYWAY)
    use_estimate = torch.rand(observed.shape, device=weight.device) < chance
    weight = weight.clone()
    first = torch.zeros_like(weight[:1], dtype=torch.bool)
    first[:, ESTIMATED] = True
    weight[:number] *= torch.where(first, observed | ~use_estimate, ~(observed & use_estimate))
    return seen._replace(estimate=seen.estimate * use_estimate), weight


def regressor_losses(
    model: GalaxyModel, grid: Tensor, batch: Batch, config: Config
) -> dict[str, Tensor]:
    """Return the loss of all regressors, each on the images that it is given.

    Parameters
    ----------
    model : GalaxyModel
    grid : Tensor, shape (m, 3, 64, 64), uint8
        All images.
    batch : mapping
        See `galexplorer.training.regressors.RegressorSteps`.
    config : Config
    """
    image = augment(grid[batch["place"]], batch, batch["seed"])
    image = image.contiguous(memory_format=torch.channels_last)
    rows = zip(*(x.chunk(len(model.regressors)) for x in (image, batch["log_scale"])), strict=True)
    with mixed_precision(grid.device):
        estimates = [
            regressor(*part) for regressor, part in zip(model.regressors, rows, strict=True)
        ]
    nll = estimate_nll(model, torch.cat(estimates).float(), batch["targets"])
    known = torch.isfinite(nll).sum(dim=0).clamp(min=1)
    return {"regressors": (torch.nansum(nll, dim=0) / known).sum()}


def estimate_nll(model: GalaxyModel, estimate: Tensor, targets: Tensor) -> Tensor:
    """Return the negative log likelihood of redshift and mass given estimates, NaN where unknown.

    Of a Student distribution with four degrees of freedom: a wrong label pulls little.

    Parameters
    ----------
    model : GalaxyModel
    estimate : Tensor, shape (n, 4)
    targets : Tensor, shape (n, 9)

    Returns
    -------
    Tensor, shape (n, 2)
    """
    standard = model.standardise(targets)[:, : len(ESTIMATED)]
    known = torch.isfinite(standard)
    standard = torch.where(known, standard, torch.zeros_like(standard))
    middle, log_width = estimate.chunk(2, dim=1)
    pull = ((standard - middle) * torch.exp(-log_width)) ** 2
    half = (_FREEDOM + 1) / 2
    constant = math.lgamma(_FREEDOM / 2) - math.lgamma(half) + 0.5 * math.log(_FREEDOM * math.pi)
    nll = log_width + half * torch.log1p(pull / _FREEDOM) + constant
    return torch.where(known, nll, torch.full_like(nll, float("nan")))


def context_of(model: GalaxyModel, seen: ImageSummary, feature: Tensor) -> Tensor:
    """Return the context of rows of which only the first have an image."""
    empty = ImageSummary.zeros(len(feature) - len(seen.mean), seen.mean)
    return model.context_of(ImageSummary.join([seen, empty]), feature)


def negative_log_likelihood(model: GalaxyModel, batch: Batch, context: Tensor) -> Tensor:
    """Return the weighted negative log likelihood of each row's labels, shape (n,).

    The mean over the members of the ensemble, each cut off at `MAX_NLL`.
    """
    standard = standard_targets(model, batch)
    density = model.chain.log_prob(standard, context)
    misfit = (-density).clamp(max=MAX_NLL)
    # every member learns by its own likelihood; that of their mixture would make them specialists
    return (batch["weight"][:, None] * misfit).sum(dim=2).mean(dim=1)


def standard_targets(model: GalaxyModel, batch: Batch) -> Tensor:
    """Return standardised targets, 0 where one before them is missing; shape (n, 9)."""
    standard = model.standardise(batch["targets"])
    # a flow needs all targets before its own
    return torch.where(batch["known"], standard, torch.zeros_like(standard)).clamp(-8, 8)


def cross_entropy(model: GalaxyModel, batch: Batch, context: Tensor) -> Tensor:
    """Return the cross-entropy of what each row's spectrum shows, (n, 5), 0 where unknown."""
    logit = model.measurable_logit(context, batch["targets"][:, 0])
    shown = batch["shown"][:, None].expand_as(logit)
    entropy = functional.binary_cross_entropy_with_logits(logit, shown, reduction="none")
    return entropy.mean(dim=1) * batch["has_label"]


def _mean(entropy: Tensor, has_label: Tensor) -> Tensor:
    """Return the sum over the targets of the mean over rows with a label."""
    return len(MEASURABLE_NAMES) * entropy.sum() / has_label.sum().clamp(min=1.0)
