"""Posteriors of test rows: joint draws, and the density that the flows give the truth."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from galexplorer.inference.engine import Encoded, Engine
from galexplorer.inference.noise import RedshiftRange, redshift_limits, share_between
from galexplorer.inference.sampler import is_star_forming
from galexplorer.model.features import JPEG
from galexplorer.schema import BANDS, IMAGE_BANDS, TARGET_NAMES, TARGETS
from galexplorer.training.batches import (
    CATALOGUE_NO_SIZES,
    CATALOGUE_ONLY,
    CATALOGUE_PETRO,
    IMAGE_AND_CATALOGUE,
    IMAGE_ONLY,
    Choice,
    features_of,
)
from galexplorer.training.dataset import OBSERVED, Arrays

_BATCH = 128
_SAME_NOISE = 8  # rows

_REDSHIFTS = 256
_MASS = TARGET_NAMES.index("log_stellar_mass")
_METALLICITY = TARGET_NAMES.index("gas_metallicity")
JOINT = 3
"""How many of the first targets are scored together: redshift, mass, star-formation rate."""


@dataclass(frozen=True)
class Mode:
    """What a test gives to the model, and what it keeps back.

    Attributes
    ----------
    name : str
        Words for a person.
    choice : Choice
    gri : bool
        Only magnitudes in g, r, i.
    fixed : bool
        The redshift is given.
    """

    name: str
    choice: Choice
    gri: bool = False
    fixed: bool = False

    @property
    def imaged(self) -> bool:
        """Whether the image is given."""
        return self.choice.image


IMAGE_AND_PHOTOMETRY = Mode("image + photometry", IMAGE_AND_CATALOGUE)
PHOTOMETRY = Mode("photometry", CATALOGUE_ONLY)
PETROSIAN = Mode("photometry + Petrosian magnitudes", CATALOGUE_PETRO)
UGRIZ = Mode("ugriz only", CATALOGUE_NO_SIZES)
GRI = Mode("gri only", CATALOGUE_NO_SIZES, gri=True)
IMAGE = Mode("image only", IMAGE_ONLY)
FIXED = Mode("image + photometry, redshift fixed", IMAGE_AND_CATALOGUE, fixed=True)
PHOTOMETRY_FIXED = Mode("photometry, redshift fixed", CATALOGUE_ONLY, fixed=True)
IMAGE_FIXED = Mode("image only, redshift fixed", IMAGE_ONLY, fixed=True)


@dataclass(frozen=True)
class Prediction:
    """Posteriors of test rows.

    Attributes
    ----------
    draws : ndarray, shape (n, d, 9)
    log_density : ndarray, shape (n, 9)
        Log of each target's marginal density at its known value, per unit of the target; NaN
        where the value is unknown.
    joint_log_density : ndarray, shape (n,)
        Log density of redshift, mass and star-formation rate together; NaN where one is unknown.
    measurable : ndarray, shape (n, 5)
        Probability that a spectrum would show each of `galexplorer.schema.MEASURABLE_NAMES`.
    """

    draws: np.ndarray
    log_density: np.ndarray
    joint_log_density: np.ndarray
    measurable: np.ndarray


def present(rows: Arrays, mode: Mode) -> Arrays:
    """Return rows as a mode shows them to the model; arrays are not changed in place."""
    if not mode.gri:
        return rows
    hidden = [k for k, band in enumerate(BANDS) if band not in IMAGE_BANDS]
    shown = dict(rows)
    for name in ("catalogue_mag", "catalogue_err"):
        shown[name] = rows[name].copy()
        shown[name][:, hidden] = np.nan
    return shown


def encode_rows(engine: Engine, rows: Arrays, choice: Choice, seed: int = 0) -> Encoded:
    """Return what the flows are conditioned on for rows of a set.

    The regressors, which know real pixels alone, are not asked about simulated galaxies, which are
    served as JPEGs to stand in for linear images of which something is lost.
    """
    features = features_of(rows, choice, np.random.default_rng(seed))
    imaged = rows["has_image"].astype(bool) & choice.image
    origin = np.where(imaged, rows["origin"], 0)
    estimated = (origin == JPEG) & (rows["kind"] == OBSERVED)
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(features), _BATCH):
            part = slice(begin, begin + _BATCH)
            taken = range(*part.indices(len(features)))
            grids = [rows["grid"][k] if imaged[k] else None for k in taken]
            parts.append(
                engine.encode_arrays(features[part], grids, origin[part], estimated=estimated[part])
            )
    return Encoded(
        torch.cat([p.context for p in parts]),
        torch.cat([p.mode for p in parts]),
        origin,
        torch.cat([p.latent for p in parts]),
        features,
    )


def predict(
    engine: Engine,
    rows: Arrays,
    mode: Mode,
    truth: np.ndarray,
    draws: int = 256,
    parents: int = 64,
    redshift_range: RedshiftRange | None = None,
    seed: int = 0,
) -> Prediction:
    """Return the posteriors of rows.

    Parameters
    ----------
    engine : Engine
    rows : dict of str to ndarray
        Rows of a set.
    mode : Mode
    truth : ndarray, shape (n, 9)
        Known values, NaN elsewhere.
    draws : int
        Joint draws for each row.
    parents : int
        Draws over which a target's marginal density is averaged (the mass's needs none).
    redshift_range : tuple of float or ndarray, shape (n, 2), optional
        Prior range.
    seed : int

    Returns
    -------
    Prediction
    """
    encoded = encode_rows(engine, present(rows, mode), mode.choice, seed)
    fixed = torch.from_numpy(truth[:, 0]).float() if mode.fixed else None
    with torch.inference_mode():
        samples = _sample(engine, encoded, draws, seed, fixed, redshift_range)
        density = marginal_log_density(
            engine, encoded, samples[:, :parents], truth, redshift_range, mode.fixed
        )
        joint = joint_log_density(engine, encoded, truth, redshift_range)
        measurable = engine.measurable(encoded, samples[:, :, 0].numpy())
    if mode.fixed:
        density[:, 0] = joint[:] = np.nan
    return Prediction(samples.numpy(), density, joint, measurable)


def _sample(
    engine: Engine,
    encoded: Encoded,
    draws: int,
    seed: int,
    fixed: torch.Tensor | None,
    redshift_range: RedshiftRange | None,
) -> torch.Tensor:
    """Return joint draws (n, d, 9), of other noise for every few rows.

    One seed gives all galaxies the same noise: what a few hundred draws are too wide or too narrow
    by chance would be so for all, by several points of coverage, and no number of rows would help.
    So the draws of a row depend on its place among the rows too.
    """
    seeds = np.random.default_rng(seed).integers(2**31, size=len(encoded.context))
    ranges = redshift_range if isinstance(redshift_range, np.ndarray) else None
    parts = []
    for begin in range(0, len(encoded.context), _SAME_NOISE):
        rows = slice(begin, begin + _SAME_NOISE)
        parts.append(
            engine.sample(
                encoded.rows(rows),
                draws,
                int(seeds[begin]),
                None if fixed is None else fixed[rows],
                redshift_range if ranges is None else ranges[rows],
            )
        )
    return torch.cat(parts)


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
    share = share_between(base[..., 0], base[..., 1]).mean(dim=1).clamp(min=1e-300)
    return torch.log(share).cpu().numpy()


def condition(prediction: Prediction, lowest: np.ndarray, seed: int = 0) -> Prediction:
    """Restrict each target's posterior to what a sample's selection lets through.

    A selection on a target is a prior on it. Targets are restricted one by one, so that draws
    of a row no longer belong together.

    Parameters
    ----------
    prediction : Prediction
    lowest : ndarray, shape (n, 9)
        Least value with which the row would be in the sample; NaN where nothing was selected.
    seed : int

    Returns
    -------
    Prediction
        Draws that pass, drawn again to the same number; log densities normalised over them.
    """
    rng = np.random.default_rng(seed)
    draws, density = prediction.draws.copy(), prediction.log_density.copy()
    count = draws.shape[1]
    for row, k in zip(*np.nonzero(np.isfinite(lowest)), strict=True):
        keep = np.flatnonzero(draws[row, :, k] >= lowest[row, k])
        if len(keep) == 0:  # where no draw passes, the limit itself is the nearest answer
            draws[row, :, k] = lowest[row, k]
        elif len(keep) < count:
            draws[row, :, k] = draws[row, rng.choice(keep, count), k]
        density[row, k] -= math.log(max(len(keep), 0.5) / count)
    return replace(prediction, draws=draws, log_density=density)


def condition_jointly(draws: np.ndarray, lowest: np.ndarray, seed: int = 0) -> np.ndarray:
    """Restrict joint draws (n, d, 9) to those that pass all limits (n, 9) of their row at once.

    A row of which no draw passes stays as it is.
    """
    rng = np.random.default_rng(seed)
    out = draws.copy()
    limits = np.where(np.isfinite(lowest), lowest, -np.inf)[:, None]
    passing: np.ndarray = np.all(draws >= limits, axis=2)
    for row in np.flatnonzero(passing.any(axis=1) & ~passing.all(axis=1)):
        out[row] = draws[row][rng.choice(np.flatnonzero(passing[row]), draws.shape[1])]
    return out
