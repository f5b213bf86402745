"""Train the model in stages.

First the regressors, on images of observed galaxies alone, and apart from all else. Then the rest
of it, on pixels: the encoder learns from two losses, the autoencoder's own, on every
image, and the flows' likelihood, on every label. Three kinds of rows feed each step: real images
with labels, rendered images, and table rows without images; unlabelled real images join for the
autoencoder. Then the encoder stays as it is, latents and estimates are made once, and the
flows alone go on with large batches, which cost little. A stage may be left out where weights to
start from have gone through it, and going through it again refines them: flows that know their
trade tell the encoder more than those that learn it beside it.
"""

import hashlib
import json
import logging
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from galexplorer.datasets.shards import Arrays
from galexplorer.errors import DataError, OptionError
from galexplorer.model.flows import LAST
from galexplorer.model.network import GalaxyModel, ImageSummary
from galexplorer.model.weights import WEIGHTS_FORMAT, initialise_from
from galexplorer.training import objective
from galexplorer.training.config import Config
from galexplorer.training.latents import Views, encode_held_out, load_or_encode_views
from galexplorer.training.regressors import SELECTION_METRICS, RegressorSteps, validate_regressors
from galexplorer.training.stage import (
    FIRST_TARGETS,
    IMAGE_METRICS,
    OTHER_TARGETS,
    SIMULATED_METRICS,
    Factor,
    Stage,
    run,
)
from galexplorer.training.steps import FlowSteps, PixelSteps
from galexplorer.training.training_data import TrainingData, standardisation
from galexplorer.training.validation import validate

log = logging.getLogger(__name__)

_LAYOUT = 2
"""Increase when networks or what checkpoints keep change: older ones are then refused."""


def train(
    sets: list[Arrays],
    out: Path,
    config: Config,
    resume: bool = False,
    device: str = "cpu",
    start: Path | None = None,
) -> tuple[GalaxyModel, dict | None]:
    """Train a model.

    Parameters
    ----------
    sets : list of dict
        Training sets, see `galexplorer.datasets.shards`.
    out : Path
        Folder for checkpoints, the latents of all images, and the logs
        ``history-regressors.csv``, ``history-pixels.csv`` and ``history-flows.csv``.
    config : Config
    resume : bool
        Go on from the last checkpoint.
    device : str
    start : Path, optional
        Folder of weights to go on from, see `galexplorer.model.weights.initialise_from`.

    Returns
    -------
    model : GalaxyModel
        With averaged weights, not yet calibrated, in evaluation mode.
    origin : dict or None
        Which weights it went on from.

    Raises
    ------
    DataError
        If a kind of rows is missing, or leaves nothing to a regressor.
    OptionError
        If the checkpoint to go on from belongs to another run, no step is to be made, or
        regressors would remain untaught.
    WeightsError
        If the weights to start from cannot be read, or have an encoder of another width.
    """
    if not config.steps and (start is None or not config.flow_steps):
        raise OptionError(
            "Without steps on pixels there must be weights to start from and flow_steps; set steps."
        )
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    training_data = TrainingData(sets)
    log.info("rows: %s", training_data.counts())
    if len(training_data.rendered) == 0 and len(training_data.real) == 0:
        raise DataError("The sets hold no labelled images; give a rendered or a real set.")
    shown = config.rendered * len(training_data.rendered) + config.real * len(training_data.real)
    if config.steps and not shown:
        raise DataError(
            "No labelled image takes part in the steps on pixels; give a rendered set, or set real."
        )
    if len(training_data.tables) == 0:
        raise DataError("No row of the sets has catalogue photometry and a redshift; add a set.")
    model = _fresh(training_data, config)
    origin = None if start is None else initialise_from(model, start)
    taught = bool(config.regressor_steps) or bool((origin or {}).get("regressors_taken"))
    if len(model.regressors) and not taught:
        raise OptionError("The regressors are untrained: set regressor_steps, or `regressors: 0`.")
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent in stubs
    torch.backends.cudnn.benchmark = True
    # all images go where the model is, once
    grid = torch.from_numpy(training_data.grid).to(device)
    run_of = partial(
        run, model=model, out=out, config=config, resume=resume, device=device,
        identity=identity_of(config, training_data, origin),
    )  # fmt: skip
    if config.regressor_steps and len(model.regressors):
        run_of(_regressors(model, training_data, grid, config))
    if config.steps:
        torch.manual_seed(config.seed)
        run_of(_pixels(model, training_data, grid, config, device))
    if config.flow_steps:
        torch.manual_seed(config.seed + 1)
        views = load_or_encode_views(
            model.eval(), training_data, grid, config, out / "latents.safetensors"
        )
        held_out = encode_held_out(model, training_data, grid, held_out_limit(config))
        run_of(flow_stage(model, training_data, config, device, views, held_out))
    return model.requires_grad_(True), origin


def _fresh(training_data: TrainingData, config: Config) -> GalaxyModel:
    """Return an untrained model that knows the spread of the targets.

    Without observed galaxies it has no regressors.
    """
    sizes = config.sizes()
    if len(training_data.observed) == 0:
        sizes = replace(sizes, regressors=0)
    model = GalaxyModel(sizes)
    mean, std = standardisation(
        training_data.rows["targets"][training_data.tables],
        training_data.rows["label"][training_data.tables],
    )
    model.target_mean.copy_(torch.as_tensor(mean))
    model.target_std.copy_(torch.as_tensor(std))
    return model


def _regressors(
    model: GalaxyModel, training_data: TrainingData, grid: Tensor, config: Config
) -> Stage:
    _set_dropout(model.regressors, config.regressor_dropout)
    return Stage(
        name="regressors",
        steps=RegressorSteps(training_data, config),
        trained=(model.regressors,),
        losses=lambda model, batch: objective.regressor_losses(model, grid, batch, config),
        validate=lambda model: validate_regressors(model, training_data, grid),
        factors=(Factor(SELECTION_METRICS),),
        learning_rate=config.regressor_learning_rate,
        weight_decay=config.regressor_weight_decay,
        ema=config.regressor_ema,
        patience=0,
    )


def _pixels(
    model: GalaxyModel, training_data: TrainingData, grid: Tensor, config: Config, device: str
) -> Stage:
    for contexts in (model.first_contexts, model.contexts):
        _set_dropout(contexts, config.dropout)
    return Stage(
        name="pixels",
        steps=PixelSteps(training_data, config),
        trained=(model.encoder, model.decoder, *_behind_encoder(model)),
        losses=lambda model, batch: objective.pixel_losses(model, grid, batch, config),
        validate=lambda model: validate(model, training_data, device, config.validation_rows),
        # what it is for is the encoder; real images judge where their labels teach
        factors=(Factor(IMAGE_METRICS if config.real else SIMULATED_METRICS),),
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        ema=config.ema,
        patience=config.patience,
    )


def _behind_encoder(model: GalaxyModel) -> tuple[nn.Module, ...]:
    return model.first_contexts, model.contexts, model.chain, model.measurable


def held_out_limit(config: Config) -> int:
    """Return how many held-out images a report on the flows looks at: latents are at hand."""
    return 5 * config.validation_rows


def flow_stage(
    model: GalaxyModel,
    training_data: TrainingData,
    config: Config,
    device: str,
    views: Views,
    held_out: dict[str, ImageSummary],
) -> Stage:
    """Return the stage of the flows, and set their dropout.

    Parameters
    ----------
    model : GalaxyModel
        In evaluation mode.
    training_data : TrainingData
    config : Config
    device : str
    views : Views
        Latents of the labelled training images.
    held_out : dict of str to ImageSummary
        As `galexplorer.training.latents.encode_held_out` returns it.
    """
    for contexts in (model.first_contexts, model.contexts):
        _set_dropout(contexts, config.flow_dropout)
    for k in LAST:
        _set_dropout(model.chain.flows[k], config.flow_last_dropout)
    limit = held_out_limit(config)
    return Stage(
        name="flows",
        steps=FlowSteps(training_data, config, views),
        trained=_behind_encoder(model),
        losses=lambda model, batch: objective.flow_losses(model, views.latents, batch, config),
        validate=lambda model: validate(model, training_data, device, limit, held_out),
        factors=(FIRST_TARGETS, OTHER_TARGETS),
        learning_rate=config.flow_learning_rate,
        weight_decay=config.flow_weight_decay,
        ema=config.flow_ema,
        patience=config.flow_patience,
    )


def _set_dropout(module: nn.Module, probability: float) -> None:
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = probability


def identity_of(config: Config, training_data: TrainingData, origin: dict | None) -> str:
    """Return a hash of settings and rows: a checkpoint of another run must not be continued."""
    settings = json.dumps([WEIGHTS_FORMAT, _LAYOUT, asdict(config), origin], sort_keys=True)
    return hashlib.sha256(f"{settings}{training_data.digest()}".encode()).hexdigest()
