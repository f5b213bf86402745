"""Where a training run stood: written whole or not at all, continued only by the same run."""

from pathlib import Path

import torch
from torch import Tensor

from galexplorer.errors import OptionError
from galexplorer.model.network import GalaxyModel


def save(
    out: Path,
    identity: str,
    model: GalaxyModel,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    average: dict[str, Tensor],
    best: dict,
    step: int,
) -> None:
    """Write everything a run needs to go on, whole or not at all."""
    temporary = out / "checkpoint.part"
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "average": average,
        "best": best,
        "generator": torch.get_rng_state(),
        "step": step,
        "identity": identity,
    }
    torch.save(state, temporary)
    temporary.replace(out / "checkpoint.pt")


def load(
    out: Path,
    identity: str,
    model: GalaxyModel,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    average: dict[str, Tensor],
    best: dict,
) -> int:
    """Restore the last checkpoint in place and return the steps it had made, 0 without one.

    `average` and `best` are filled with what was saved of them.

    Raises
    ------
    OptionError
        If it belongs to a run with other settings or data.
    """
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state.get("identity") != identity:
        raise OptionError(
            f"The checkpoint in {out} belongs to a run with other settings or data; "
            "remove it, or leave out --resume."
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    average.update(state["average"])
    best.update(state["best"])
    torch.set_rng_state(state["generator"])  # dropout goes on with the numbers it would have had
    return int(state["step"])
