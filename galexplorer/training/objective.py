"""Losses of the two stages, without a look at the device in between."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from galexplorer.model.network import GalaxyModel
from galexplorer.schema import MEASURABLE_NAMES
from galexplorer.training.batches import change
from galexplorer.training.config import Config

MAX_NLL = 9.0
"""A label further out than this is taken for a wrong label: it stops pulling."""

Batch = Mapping  # of names to tensors on the model's device, and to numbers


def pixel_losses(
    model: GalaxyModel, grid: Tensor, batch: Batch, config: Config
) -> dict[str, Tensor]:
    """Return the losses of the first stage.

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
    image = change(grid[batch["place"]], batch, batch["seed"])
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
    context = context_of(model, mean[:number], log_variance[:number], batch["feature"])
    nll = negative_log_likelihood(model, batch, context)
    entropy = cross_entropy(model, batch, context)
    losses = {}
    parts = {"real": slice(0, real), "rendered": slice(real, number), "tables": slice(number, None)}
    for name, rows in parts.items():
        if len(nll[rows]):
            losses[name] = nll[rows].mean()
    losses["vae"] = config.vae_weight * (misfit + config.kl_weight * divergence).mean()
    judged = batch["judged"]
    losses["measurable"] = config.measurable_weight * (
        _mean(entropy[:number], judged[:number]) + _mean(entropy[number:], judged[number:])
    )
    return losses


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return where convolutions are in bfloat16: on a GPU, and on processors with tiles for it.

    There a step takes about half as long; other processors only emulate the type.
    """
    quick = device.type == "cuda" or bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return torch.autocast(device.type, torch.bfloat16, enabled=quick)


def flow_losses(
    model: GalaxyModel, latents: tuple[Tensor, Tensor], batch: Batch, config: Config
) -> dict[str, Tensor]:
    """Return the losses of the second stage, where every row weighs the same.

    Parameters
    ----------
    model : GalaxyModel
    latents : tuple of Tensor, shape (v, 32)
        Means and log variances of all views.
    batch : mapping
        See `galexplorer.training.steps.FlowSteps`.
    config : Config
    """
    mean, log_variance = (x[batch["latent"]] for x in latents)
    if config.flow_noise:
        width = config.flow_noise * torch.exp(0.5 * log_variance)
        mean = mean + width * torch.randn_like(mean)
    context = context_of(model, mean, log_variance, batch["feature"])
    nll = negative_log_likelihood(model, batch, context)
    entropy = _mean(cross_entropy(model, batch, context), batch["judged"])
    return {"flows": nll.mean(), "measurable": config.measurable_weight * entropy}


def context_of(model: GalaxyModel, mean: Tensor, log_variance: Tensor, feature: Tensor) -> Tensor:
    """Return the context of rows of which only the first have latents, the others no image."""
    empty = mean.new_zeros((len(feature) - len(mean), mean.shape[1]))
    return model.context_of(torch.cat([mean, empty]), torch.cat([log_variance, empty]), feature)


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
    return entropy.mean(dim=1) * batch["judged"]


def _mean(entropy: Tensor, judged: Tensor) -> Tensor:
    """Return the sum over the targets of the mean over what is judged."""
    return len(MEASURABLE_NAMES) * entropy.sum() / judged.sum().clamp(min=1.0)
