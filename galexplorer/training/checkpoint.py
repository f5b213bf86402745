"""Checkpoints of a training stage: written atomically, resumed only by the same run."""

from pathlib import Path

import torch
from torch import nn

from galexplorer.errors import OptionError


def save(
    path: Path,
    identity: str,
    model: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    best: dict,
    step: int,
) -> None:
    """Write everything a stage needs to go on, whole or not at all."""
    temporary = path.with_suffix(".part")
    cuda = torch.cuda.is_available() and torch.cuda.is_initialized()
    state = {
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "best": best,
        "generator": torch.get_rng_state(),
        "cuda_generator": torch.cuda.get_rng_state() if cuda else None,
        "step": step,
        "identity": identity,
    }
    torch.save(state, temporary)
    temporary.replace(path)


def load(
    path: Path,
    identity: str,
    model: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    best: dict,
) -> int:
    """Restore a checkpoint in place and return the steps it had made, 0 without one.

    Raises
    ------
    OptionError
        If it belongs to a run with other settings or data.
    """
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    if state.get("identity") != identity:
        raise OptionError(
            f"The checkpoint {path} belongs to a run with other settings or data; "
            "remove it, or leave out --resume."
        )
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    best.update(state["best"])
    torch.set_rng_state(state["generator"])  # dropout goes on with the numbers it would have had
    if state["cuda_generator"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda_generator"])
    return int(state["step"])
