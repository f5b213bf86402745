"""The density that the flows give what is known: one target whatever the others, or several."""

import math

import numpy as np
import torch

from galexplorer.inference.engine import Encoded, Engine
from galexplorer.inference.noise import RedshiftRange, normal_probability, redshift_limits
from galexplorer.inference.sampler import is_star_forming
from galexplorer.schema import TARGET_NAMES, TARGETS

_BATCH = 128
_REDSHIFTS = 256
_MASS = TARGET_NAMES.index("log_stellar_mass")
_METALLICITY = TARGET_NAMES.index("gas_metallicity")
JOINT = 3
"""How many of the first targets are scored together: redshift, mass, star-formation rate."""


def marginal_log_density(
    engine: Engine,
    encoded: Encoded,
    samples: torch.Tensor,
    truth: np.ndarray,
    redshift_range: RedshiftRange | None = None,
    fixed: bool = False,
) -> np.ndarray:
    """Return the log density of each target at its known value, whatever the other targets.

    The flows give the density of a target given those before it; its mean over joint draws of
    those is the marginal density, without any smoothing of the draws. At a known redshift the mass
    is known far better than without: few draws of the redshift would meet it, so its density is
    integrated over a grid of redshifts instead.

    Parameters
    ----------
    engine : Engine
    encoded : Encoded
    samples : Tensor, shape (n, s, 9)
        Joint draws: their redshifts are within the range, or fixed.
    truth : ndarray, shape (n, 9)
        NaN where unknown.
    redshift_range : tuple of float or ndarray, shape (n, 2), optional
        Prior range; the redshift's density is normalised over it.
    fixed : bool
        The draws have the redshift that is given.

    Returns
    -------
    ndarray, shape (n, 9)
        NaN where unknown, minus infinity outside the prior range.
    """
    out = np.full(truth.shape, np.nan)
    for k in range(len(TARGETS)):
        known = np.flatnonzero(np.isfinite(truth[:, k]))
        value = truth[known, k]
        if k == _MASS and not fixed:
            limits = redshift_limits(redshift_range, len(truth))[known]
            out[known, k] = _mass_log_density(engine, encoded, known, value, limits)
            continue
        # a redshift has no parents: one evaluation is exact
        others = samples[known, : 1 if k == 0 else None]
        out[known, k] = _log_density(engine, encoded, known, k, value, others)
    _cut(out[:, 0], engine, encoded, truth[:, 0], redshift_range)
    return out


def joint_log_density(
    engine: Engine,
    encoded: Encoded,
    truth: np.ndarray,
    redshift_range: RedshiftRange | None = None,
) -> np.ndarray:
    """Return the log density of the first `JOINT` targets together, shape (n,).

    The parameters are those of `marginal_log_density`; NaN where one of the targets is unknown.
    """
    out = np.full(len(truth), np.nan)
    known = np.flatnonzero(np.isfinite(truth[:, :JOINT]).all(axis=1))
    out[known] = 0.0
    for k in range(JOINT):
        others = torch.from_numpy(truth[known]).float()[:, None]
        out[known] += _log_density(engine, encoded, known, k, truth[known, k], others)
    _cut(out, engine, encoded, truth[:, 0], redshift_range)
    return out


def _mass_log_density(
    engine: Engine,
    encoded: Encoded,
    rows: np.ndarray,
    value: np.ndarray,
    limits: np.ndarray,
) -> np.ndarray:
    """Return the log of the mass's density, integrated over the redshift within limits (n, 2)."""
    # closer where a redshift changes the distance most
    low, high = np.sqrt(limits.T.astype(float))
    edges = np.linspace(low, high, _REDSHIFTS + 1, axis=1) ** 2
    redshift = (edges[:, 1:] + edges[:, :-1]) / 2
    out = np.empty(len(rows))
    for begin in range(0, len(rows), _BATCH):
        part = slice(begin, begin + _BATCH)
        grid = torch.zeros((len(rows[part]), _REDSHIFTS, len(TARGETS)))
        grid[:, :, 0] = torch.from_numpy(redshift[part])
        of_redshift = _each_log_density(engine, encoded, rows[part], 0, grid)
        of_redshift += torch.from_numpy(np.log(np.diff(edges[part], axis=1)))
        grid[:, :, _MASS] = torch.from_numpy(value[part])[:, None]
        of_mass = _each_log_density(engine, encoded, rows[part], _MASS, grid)
        total = torch.logsumexp(of_redshift + of_mass, dim=1)
        out[part] = (total - torch.logsumexp(of_redshift, dim=1)).numpy()
    return out


def _log_density(
    engine: Engine,
    encoded: Encoded,
    rows: np.ndarray,
    k: int,
    value: np.ndarray,
    others: torch.Tensor,
) -> np.ndarray:
    """Return the log of a target's density averaged over values (rows, s, 9) of its parents."""
    out = np.empty(len(rows))
    for begin in range(0, len(rows), _BATCH):
        part = slice(begin, begin + _BATCH)
        targets = others[part].clone()
        targets[:, :, k] = torch.from_numpy(value[part])[:, None]
        log_density = _each_log_density(engine, encoded, rows[part], k, targets)
        if k == _METALLICITY and others.shape[1] > 1:  # see `Sampler.sample`
            counted = torch.from_numpy(is_star_forming(others[part].numpy()))
            counted |= ~counted.any(dim=1, keepdim=True)
        else:
            counted = torch.ones_like(log_density, dtype=torch.bool)
        log_density = torch.where(counted, log_density, -math.inf)
        out[part] = (torch.logsumexp(log_density, dim=1) - torch.log(counted.sum(dim=1))).numpy()
    return out


def _each_log_density(
    engine: Engine, encoded: Encoded, rows: np.ndarray, k: int, targets: torch.Tensor
) -> torch.Tensor:
    """Return log densities (rows, s) of the `k`-th of `targets` (rows, s, 9) given its parents."""
    device, count = engine.device, targets.shape[1]
    log_density = engine.model.log_density(
        k,
        targets.to(device).flatten(0, 1),
        encoded.context[rows].repeat_interleave(count, dim=0),
        encoded.mode[rows].to(device).repeat_interleave(count),
    )
    return log_density.view(len(rows), count).double().cpu()


def _cut(
    density: np.ndarray,
    engine: Engine,
    encoded: Encoded,
    redshift: np.ndarray,
    redshift_range: RedshiftRange | None,
) -> None:
    """Normalise log densities over the redshift's range, in place; outside it they vanish."""
    limits = redshift_limits(redshift_range, len(redshift))
    low, high = limits.T
    density -= _log_share(engine, encoded, limits)
    within = np.float32(redshift)  # as the limits are rounded
    density[(within < low) | (within > high)] = -np.inf


def _log_share(engine: Engine, encoded: Encoded, limits: np.ndarray) -> np.ndarray:
    """Return the log of the redshift posterior's share within limits (n, 2), shape (n,)."""
    edges = torch.from_numpy(limits).to(engine.device)
    base = engine.model.redshift_to_base(edges, encoded.context, encoded.mode.to(engine.device))
    share = normal_probability(base[..., 0], base[..., 1]).mean(dim=1).clamp(min=1e-300)
    return torch.log(share).cpu().numpy()
