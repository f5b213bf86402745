"""Train the autoencoder and the flows together; calibrate; write the weights.

The encoder learns from two losses: the autoencoder's own, on every image, and the flows'
likelihood, on every label. Three pools feed each step: real images with labels, rendered
images, and table rows without images; unlabelled real images join for the autoencoder.
"""

import csv
import hashlib
import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor

from galexplorer.errors import DataError, OptionError
from galexplorer.model.network import SYMMETRIES, GalaxyModel
from galexplorer.training import checkpoint, dataset
from galexplorer.training.batches import Choice, augment, features_of
from galexplorer.training.dataset import OBSERVED, TRAIN, VALIDATION, Arrays

log = logging.getLogger(__name__)

_REPORT_STEPS = 200

MAX_NLL = 9.0
"""A label further out than this is taken for a wrong label: it stops pulling."""


@dataclass(frozen=True)
class Config:
    """Settings of a training run; the YAML file has the same names.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    seed : int
    learning_rate, weight_decay, ema : float
    real, unlabelled, rendered, tables : int
        Rows per step from each pool.
    vae_weight, kl_weight : float
        Weight of the autoencoder's loss, and of the KL divergence within it.
    pixel_sigma : float
        Width of the reconstruction's likelihood, in levels of 0..1.
    completed_weight : float
        Weight of completed labels against measured ones.
    checkpoint_minutes : float
    threads : int
        CPU threads; 0 leaves torch's choice.
    """

    steps: int = 4000
    seed: int = 1
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.03
    ema: float = 0.998
    real: int = 64
    unlabelled: int = 32
    rendered: int = 64
    tables: int = 256
    vae_weight: float = 2e-3
    kl_weight: float = 1.0
    pixel_sigma: float = 0.06
    completed_weight: float = 0.6
    checkpoint_minutes: float = 3.0
    threads: int = 0


def read_config(path: Path | None) -> Config:
    """Read a YAML file of settings.

    Raises
    ------
    OptionError
        If it cannot be read, or names a setting that does not exist.
    """
    if path is None:
        return Config()
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OptionError(f"{path} cannot be read as YAML; check the file.") from error
    if not isinstance(values, dict):
        raise OptionError(f"{path} holds no settings; write lines such as `steps: 3000`.")
    unknown = set(values) - set(Config.__dataclass_fields__)
    if unknown:
        raise OptionError(f"{path} has unknown settings: {', '.join(sorted(map(str, unknown)))}.")
    return Config(**values)


class Pools:
    """Training rows by what they can teach."""

    def __init__(self, sets: list[Arrays]) -> None:
        rows = dataset.concatenate(sets)
        self.rows = rows
        train = rows["split"] == TRAIN
        imaged = rows["has_image"].astype(bool)
        labelled = rows["label"][:, 0] > 0
        # a simulated galaxy may come as a JPEG too; it teaches as the rendered do
        observed = rows["kind"] == OBSERVED
        jpeg = (rows["origin"] == 2) & observed
        self.real = np.flatnonzero(train & imaged & jpeg & labelled)
        self.unlabelled = np.flatnonzero(train & imaged & jpeg & ~labelled)
        self.rendered = np.flatnonzero(train & imaged & ~jpeg)
        self.tables = np.flatnonzero(
            train & np.isfinite(rows["catalogue_mag"]).any(axis=1) & labelled
        )
        self.held_out = {
            name: np.flatnonzero((rows["split"] == VALIDATION) & part)
            for name, part in (
                ("jpeg", imaged & jpeg & labelled),
                ("fits", imaged & (rows["origin"] == 1)),
                ("photometry", np.isfinite(rows["catalogue_mag"]).any(axis=1) & labelled),
            )
        }

    def counts(self) -> dict[str, int]:
        """Return the number of rows in each pool."""
        names = ("real", "unlabelled", "rendered", "tables")
        held = {f"validation_{k}": len(v) for k, v in self.held_out.items()}
        return {**{name: len(getattr(self, name)) for name in names}, **held}


def standardisation(targets: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of each target on the line the flows live on."""
    line = targets.astype(np.float64).copy()
    line[:, 0] = np.log(line[:, 0] + 0.02)
    line[label == 0] = np.nan
    return np.nanmean(line, axis=0), np.nanstd(line, axis=0)


def train(
    sets: list[Arrays], out: Path, config: Config, resume: bool = False, device: str = "cpu"
) -> GalaxyModel:
    """Train a model.

    Parameters
    ----------
    sets : list of dict
        Training sets, see `galexplorer.training.dataset`.
    out : Path
        Folder for checkpoints and the log ``history.csv``.
    config : Config
    resume : bool
        Go on from the last checkpoint.
    device : str

    Returns
    -------
    GalaxyModel
        With averaged weights, not yet calibrated, in evaluation mode.

    Raises
    ------
    DataError
        If a pool is empty.
    OptionError
        If the checkpoint to go on from belongs to another run.
    """
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    pools = Pools(sets)
    log.info("rows: %s", pools.counts())
    if len(pools.rendered) == 0 and len(pools.real) == 0:
        raise DataError("The sets hold no labelled images; give a rendered or a real set.")
    if len(pools.tables) == 0:
        raise DataError("No row of the sets has catalogue photometry and a redshift; add a set.")
    model = GalaxyModel().to(device)
    mean, std = standardisation(
        pools.rows["targets"][pools.tables], pools.rows["label"][pools.tables]
    )
    model.target_mean.copy_(torch.as_tensor(mean))
    model.target_std.copy_(torch.as_tensor(std))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent in stubs
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimiser = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, config.steps, pct_start=0.08
    )
    identity = _identity(config, pools)
    start = checkpoint.load(out, identity, model, optimiser, schedule, average) if resume else 0
    saved = begun = time.monotonic()
    sums: dict[str, list[float]] = {}
    for step in range(start, config.steps):
        rng = np.random.default_rng([config.seed, step])
        model.train()
        losses = _losses(model, pools, config, rng, device)
        total = sum(losses.values(), start=torch.zeros((), device=device))
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimiser.step()
        schedule.step()
        _update_average(average, model, min(config.ema, (step + 1) / (step + 20)))
        for name, loss in losses.items():
            sums.setdefault(name, []).append(float(loss.detach()))
        if (step + 1) % _REPORT_STEPS == 0 or step + 1 == config.steps:
            held = validate(model, average, pools, device)
            row = {"step": step + 1, "minutes": round((time.monotonic() - begun) / 60, 2)}
            row |= {k: round(sum(v) / len(v), 4) for k, v in sums.items()} | held
            _log_row(out / "history.csv", row)
            log.info("%s", row)
            sums = {}
        due = time.monotonic() - saved > 60 * config.checkpoint_minutes
        if due or step + 1 == config.steps:
            checkpoint.save(out, identity, model, optimiser, schedule, average, step + 1)
            saved = time.monotonic()
    model.load_state_dict(average)
    return model.eval()


def _losses(
    model: GalaxyModel, pools: Pools, config: Config, rng: np.random.Generator, device: str
) -> dict[str, Tensor]:
    picks = [
        rng.choice(pool, size) if len(pool) else np.empty(0, int)
        for pool, size in (
            (pools.real, config.real),
            (pools.unlabelled, config.unlabelled),
            (pools.rendered, config.rendered),
        )
    ]
    kind = np.repeat(np.arange(3), [len(p) for p in picks])
    part = dataset.select(pools.rows, np.concatenate(picks))
    image, part["pixel_scale"] = augment(torch.from_numpy(part["grid"]), part["pixel_scale"], rng)
    image = image.to(device, memory_format=torch.channels_last)
    mean, log_variance = model.encoder(image)
    labelled = torch.from_numpy(np.flatnonzero(kind != 1))
    feature = torch.from_numpy(features_of(part, Choice(), rng))
    context = model.context_of(mean[labelled], log_variance[labelled], feature[labelled].to(device))
    nll = _nll(model, dataset.select(part, labelled.numpy()), context, config, device)
    real = torch.from_numpy(part["origin"][labelled.numpy()] == 2).to(device)
    losses = {}
    for name, take in (("real", real), ("rendered", ~real)):
        if take.any():
            losses[name] = nll[take].mean()
    # half of the images are enough for the autoencoder, whose decoder is the dear part
    half = torch.from_numpy(np.flatnonzero((np.arange(len(kind)) % 2 == 0) | (kind == 1)))
    latent = mean[half] + torch.exp(0.5 * log_variance[half]) * torch.randn_like(mean[half])
    squared = (model.decoder(latent) - image[half]) ** 2
    misfit = squared.sum(dim=(1, 2, 3)) / (2 * config.pixel_sigma**2)
    divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(dim=1)[half]
    losses["vae"] = config.vae_weight * (misfit + config.kl_weight * divergence).mean()
    rows = dataset.select(
        {k: v for k, v in pools.rows.items() if k != "grid"},
        rng.choice(pools.tables, config.tables),
    )
    rows["has_image"] = np.zeros_like(rows["has_image"])
    feature = torch.from_numpy(features_of(rows, Choice(image=False), rng)).to(device)
    blank = mean.new_zeros((len(feature), mean.shape[1]))
    context = model.context_of(blank, blank, feature)
    losses["tables"] = _nll(model, rows, context, config, device).mean()
    return losses


def _nll(model: GalaxyModel, rows: Arrays, context: Tensor, config: Config, device: str) -> Tensor:
    """Return the negative log likelihood of the labels that each row has, shape (n,)."""
    targets = torch.from_numpy(rows["targets"]).to(device)
    label = torch.from_numpy(rows["label"]).to(device)
    present = torch.isfinite(targets)
    # a completed label of a real image knows nothing of that image
    jpeg = torch.from_numpy(rows["has_image"] * (rows["origin"] == 2)).to(device)[:, None] > 0
    weight = torch.where(
        (label == 1) | (label == 3), 1.0, torch.where(jpeg, 0.0, config.completed_weight)
    )
    weight = weight * (label > 0)
    # a flow needs all targets before its own
    parents = torch.cumprod(present.to(torch.int8), dim=1).bool()
    weight = weight * parents
    standard = model.standardise(torch.where(present, targets, torch.ones_like(targets)))
    standard = torch.where(parents, standard, torch.zeros_like(standard)).clamp(-8, 8)
    density = model.chain.log_prob(standard, context)
    return (weight * (-density).clamp(max=MAX_NLL)).sum(dim=1)


@torch.no_grad()
def validate(
    model: GalaxyModel, average: dict[str, Tensor], pools: Pools, device: str, limit: int = 400
) -> dict[str, float]:
    """Return the mean NLL of redshift, and of all labels, on validation rows of each mode."""
    trained = {k: v.detach().clone() for k, v in model.state_dict().items()}
    model.load_state_dict(average)
    model.eval()
    out = {}
    for name, rows in pools.held_out.items():
        if len(rows) == 0:
            continue
        part = dataset.select(pools.rows, rows[:limit])
        noise = noise_of(model, part, name, np.random.default_rng(0), device, symmetries=1)
        out[f"val_{name}_z"] = round(float(noise["nll"][:, 0].nanmean()), 4)
        out[f"val_{name}_mass"] = round(float(noise["nll"][:, 1].nanmean()), 4)
        out[f"val_{name}_all"] = round(float(noise["nll"].nanmean(dim=0).nansum()), 4)
    model.load_state_dict(trained)
    return out


@torch.no_grad()
def noise_of(
    model: GalaxyModel,
    rows: Arrays,
    mode: str,
    rng: np.random.Generator,
    device: str,
    choice: Choice | None = None,
    symmetries: int = SYMMETRIES,
) -> dict[str, Tensor]:
    """Return base variables and NLL of rows, NaN where a label is missing; both (n, 9)."""
    image = mode != "photometry"
    if choice is None:
        choice = Choice(image=image, catalogue=0.3, nothing=0.0, band_dropout=0.0, petro=1.0)
    noises, nlls = [], []
    for begin in range(0, len(rows["split"]), 256):
        part = dataset.select(rows, np.arange(begin, min(begin + 256, len(rows["split"]))))
        feature = torch.from_numpy(features_of(part, choice, rng)).to(device)
        if choice.image:
            mean, log_variance = model.encode(torch.from_numpy(part["grid"]).to(device), symmetries)
        else:
            mean = log_variance = feature.new_zeros((len(feature), 32))
        context = model.context_of(mean, log_variance, feature)
        targets = torch.from_numpy(part["targets"]).to(device)
        present = torch.isfinite(targets)
        parents = torch.cumprod(present.to(torch.int8), dim=1).bool()
        usable = parents & (torch.from_numpy(part["label"]).to(device) > 0)
        if mode == "jpeg":
            usable &= torch.from_numpy(part["label"]).to(device) == 1
        standard = model.standardise(torch.where(present, targets, torch.ones_like(targets)))
        standard = torch.where(parents, standard, torch.zeros_like(standard)).clamp(-8, 8)
        nan = torch.full_like(standard, float("nan"))
        noises.append(torch.where(usable, model.chain.to_noise(standard, context), nan))
        nlls.append(torch.where(usable, -model.chain.log_prob(standard, context), nan))
    return {"noise": torch.cat(noises), "nll": torch.cat(nlls)}


def _update_average(average: dict[str, Tensor], model: GalaxyModel, decay: float) -> None:
    for name, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            average[name].lerp_(value.detach(), 1.0 - decay)
        else:
            average[name].copy_(value)


def _log_row(path: Path, row: dict) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _identity(config: Config, pools: Pools) -> str:
    """Return a hash of settings and rows: a checkpoint of another run must not be continued."""
    digest = hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode())
    for name in ("targets", "label", "split", "measured_mag", "catalogue_mag"):
        digest.update(np.ascontiguousarray(pools.rows[name]).tobytes())
    return digest.hexdigest()
