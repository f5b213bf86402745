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

from galexplorer.model.flows import ESTIMATED
from galexplorer.model.network import GalaxyModel
from galexplorer.training import checkpoint
from galexplorer.training.config import Config

log = logging.getLogger(__name__)

_LARGEST_GRADIENT = 10.0
SIMULATED_METRICS = ("val_image_all",)
IMAGE_METRICS = ("val_jpeg_z", "val_jpeg_mass", *SIMULATED_METRICS)


@dataclass(frozen=True)
class Factor:
    """A part of a model whose best average is kept apart from that of the others.

    The density of all targets is a product, and redshift and mass, which every galaxy has, learn
    for longer than lines and metallicities, which few do.

    Attributes
    ----------
    metrics : tuple of str
        Figures of a report whose sum says which average is kept.
    prefixes : tuple of str
        Of the names of its weights; without them it is all that no other factor has.
    """

    metrics: tuple[str, ...]
    prefixes: tuple[str, ...] = ()


FIRST_TARGETS = Factor(
    tuple(f"val_{kind}_{k}" for kind in ("jpeg", "image", "photometry") for k in ("z", "mass")),
    ("first_contexts.", *(f"chain.flows.{k}." for k in ESTIMATED)),
)
OTHER_TARGETS = Factor(("val_image_rest", "val_photometry_rest"))


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
    factors : tuple of Factor
        What of the model is kept as it was at its best, each by itself.
    learning_rate, weight_decay, ema : float
    patience : int
    """

    name: str
    steps: Dataset
    trained: tuple[nn.Module, ...]
    losses: Callable[[GalaxyModel, dict], dict[str, Tensor]]
    validate: Callable[[GalaxyModel], dict[str, float]]
    factors: tuple[Factor, ...]
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
    best: dict = {
        "factors": [{"step": 0, "age": 0, "score": float("inf")} for _ in stage.factors],
        "state": None,
        "stopped": False,
    }
    state = (identity, model, average.model, optimiser, schedule, best)
    start = checkpoint.load(path, *state) if resume else 0
    if start == 0 and config.keep_start:
        _keep_best(best, 0, stage.validate(average.model), stage.factors, average.model)
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
            _keep_best(best, step + 1, held, stage.factors, average.model)
            age = min(factor["age"] for factor in best["factors"])
            best["stopped"] = bool(stage.patience and age >= stage.patience)
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
    steps = " and ".join(str(factor["step"]) for factor in best["factors"])
    log.info("%s: best after step %s", stage.name, steps)
    model.load_state_dict({**average.model.state_dict(), **(best["state"] or {})})
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
    factors: tuple[Factor, ...],
    average: nn.Module,
) -> None:
    """Keep the averaged weights of each factor with the best NLL, summed over the kinds of input.

    A factor of which nothing is held out is kept as it is last.
    """
    named = tuple(prefix for factor in factors for prefix in factor.prefixes)
    state = average.state_dict()
    for factor, found in zip(factors, best["factors"], strict=True):
        values = [v for k, v in held.items() if k in factor.metrics]
        if not values:  # nothing is held out: the last average is the best there is
            score = float("-inf")
            found["score"] = float("inf")
        else:
            score = float(np.sum(values))
        found["age"] += 1
        if score < found["score"]:
            found.update(step=step, age=0, score=score)
            own = {
                name: value.clone()
                for name, value in state.items()
                if name.startswith(factor.prefixes or named) == bool(factor.prefixes)
            }
            best["state"] = {**(best["state"] or {}), **own}


def _log_row(path: Path, row: dict) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
