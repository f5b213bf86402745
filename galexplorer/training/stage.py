"""A stage of training: optimiser steps, weight averaging, reports, checkpoints, best weights."""

import copy
import csv
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from galexplorer.model.network import GalaxyModel
from galexplorer.training import checkpoint
from galexplorer.training.config import Config

log = logging.getLogger(__name__)

_LARGEST_GRADIENT = 10.0
SIMULATED_METRICS = ("val_image_all",)
IMAGE_METRICS = ("val_jpeg_z", "val_jpeg_mass", *SIMULATED_METRICS)
ALL_METRICS = (*IMAGE_METRICS, "val_photometry_all")


@dataclass(frozen=True)
class Stage:
    """What one stage does.

    Attributes
    ----------
    name : str
        Names its files, ``checkpoint-NAME.pt`` and ``history-NAME.csv``.
    steps : Dataset
        Item `k` is what step `k` is given: numbers and arrays.
    trained : tuple of nn.Module
        Parts of the model that learn; the others are as in use.
    losses : callable
        From model and step, its arrays as tensors on the device, to named losses.
    validate : callable
        From a model to the figures of a report.
    selection_metrics : tuple of str
        Those of the figures whose sum says which average is kept.
    learning_rate, weight_decay, ema : float
    patience : int
    """

    name: str
    steps: Dataset
    trained: tuple[nn.Module, ...]
    losses: Callable[[GalaxyModel, dict], dict[str, Tensor]]
    validate: Callable[[GalaxyModel], dict[str, float]]
    selection_metrics: tuple[str, ...]
    learning_rate: float
    weight_decay: float
    ema: float
    patience: int


class WeightAverage:
    """The exponential moving average of a model's parameters and statistics."""

    def __init__(self, model: GalaxyModel, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        # state_dict shares its memory with the model, so the pairs stay valid
        pairs = list(
            zip(self.model.state_dict().values(), model.state_dict().values(), strict=True)
        )
        self._real = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in what the model has become after its `step`-th step."""
        decay = min(self._decay, step / (step + 19))
        mine, theirs = (list(side) for side in zip(*self._real, strict=True))
        torch._foreach_lerp_(mine, theirs, 1.0 - decay)
        for count, current in self._counts:
            count.copy_(current)


def run(
    stage: Stage,
    model: GalaxyModel,
    out: Path,
    config: Config,
    identity: str,
    resume: bool,
    device: str,
) -> None:
    """Go through a stage, or through what is left of it; the model gets its best average.

    Raises
    ------
    OptionError
        If the checkpoint to go on from belongs to another run.
    """
    total = len(stage.steps)  # type: ignore[arg-type]  # Dataset declares no length
    model.requires_grad_(False)
    for part in stage.trained:
        part.requires_grad_(True)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, stage.learning_rate, weight_decay=stage.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, stage.learning_rate, total, pct_start=0.08
    )
    average = WeightAverage(model, stage.ema)
    path = out / f"checkpoint-{stage.name}.pt"
    best: dict = {"step": 0, "age": 0, "score": float("inf"), "state": None, "stopped": False}
    state = (identity, model, average.model, optimiser, schedule, best)
    start = checkpoint.load(path, *state) if resume else 0
    if start == 0 and config.keep_start:
        _keep_best(best, 0, stage.validate(average.model), stage.selection_metrics, average.model)
    saved = begun = time.monotonic()
    sums: dict[str, Tensor] = {}
    since = start
    for step, batch in enumerate(_batches(stage, start, total, config, device), start):
        if best["stopped"]:
            break
        model.eval()
        for part in stage.trained:
            part.train()
        losses = stage.losses(model, batch)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        average.update(step + 1)
        for name, loss in losses.items():  # added up where they are: nothing waits for them
            sums[name] = sums[name] + loss.detach() if name in sums else loss.detach()
        last = step + 1 == total
        if (step + 1) % config.report_steps == 0 or last:
            held = stage.validate(average.model)
            _keep_best(best, step + 1, held, stage.selection_metrics, average.model)
            best["stopped"] = bool(stage.patience and best["age"] >= stage.patience)
            means = {k: round(float(v) / (step + 1 - since), 4) for k, v in sums.items()}
            minutes = round((time.monotonic() - begun) / 60, 2)
            row = {"step": step + 1, "minutes": minutes} | means | held
            _log_row(out / f"history-{stage.name}.csv", row)
            log.info("%s: %s", stage.name, row)
            sums, since = {}, step + 1
        due = time.monotonic() - saved > 60 * config.checkpoint_minutes
        if due or last or best["stopped"]:
            checkpoint.save(path, *state, step + 1)
            saved = time.monotonic()
    log.info("%s: best after step %d", stage.name, best["step"])
    model.load_state_dict(best["state"] or average.model.state_dict())
    model.eval()


def _batches(stage: Stage, start: int, total: int, config: Config, device: str) -> Iterator[dict]:
    """Yield what the steps from `start` on are given, prepared ahead for a GPU."""
    cuda = device.startswith("cuda")
    workers = config.workers if cuda else 0
    loader = DataLoader(
        stage.steps,
        batch_size=None,
        sampler=range(start, total),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=cuda,
        generator=torch.Generator(),  # and not the one that dropout draws from
    )
    for batch in loader:
        yield {
            name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
            for name, value in batch.items()
        }


def _keep_best(
    best: dict,
    step: int,
    held: dict[str, float],
    selection_metrics: tuple[str, ...],
    average: nn.Module,
) -> None:
    """Keep the averaged weights with the best NLL, summed over the kinds of input.

    Of JPEGs the redshift and the mass count, which all of them have; few have more. Of the others
    all targets do: the lines of the tables are learnt by heart long before the redshifts.
    """
    values = [v for k, v in held.items() if k in selection_metrics]
    if not values:  # nothing is held out: the last average is the best there is
        return
    score = float(np.sum(values))
    best["age"] += 1
    if score < best["score"]:
        state = {name: value.clone() for name, value in average.state_dict().items()}
        best.update(step=step, age=0, score=score, state=state)


def _log_row(path: Path, row: dict) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
