"""Base noise of the draws: stratified in its quantiles, truncated by the prior range."""

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int, Integer, UInt64
from torch import Tensor

from galexplorer.schema import TARGETS

_STEPS, _OFFSET = 1024, 0.381966
"""Per unit of a feature, and where the first begins."""

RedshiftRange = tuple[float, float] | Float[np.ndarray, "number 2"]
"""One prior range of redshift for all galaxies, or one for each, shape (n, 2)."""


@lru_cache(maxsize=4)
def base_noise(draws: int, seed: int) -> Float64[Tensor, "{draws} 9"]:
    """Return the uniform noise of a seed, shape (draws, 9), float64, between 0 and 1.

    A scrambled Sobol sequence (Owen 1997) in shuffled order: each column is spread evenly, so
    that summaries of the posterior carry less Monte-Carlo error than independent draws would.
    """
    engine = torch.quasirandom.SobolEngine(len(TARGETS), scramble=True, seed=seed)
    uniform = engine.draw(draws, dtype=torch.float64)
    return uniform[torch.randperm(draws, generator=torch.Generator().manual_seed(seed))]


def keys_of(
    features: Float[np.ndarray, "n f"],
    images: Sequence[bytes | None],
    origin: Integer[np.ndarray, " n"],
) -> UInt64[np.ndarray, " n"]:
    """Return a number for each galaxy that follows from what it is inferred from, and only that.

    Parameters
    ----------
    features : ndarray, shape (n, f)
    images : sequence of bytes or None
        Pixels of each galaxy's image, or latents that stand for them.
    origin : ndarray, shape (n,), int
        Kind of input.

    Returns
    -------
    ndarray, shape (n,), uint64
    """
    # coarse, since another file format or a batch may differ in the last bits; off the decimals
    # that catalogues are rounded to, so that hardly a value lies on an edge
    coarse = np.floor(features.astype(np.float64) * _STEPS + _OFFSET)
    known = np.nan_to_num(coarse, nan=-9999.0)
    keys = np.empty(len(known), np.uint64)
    for row, (values, image, kind) in enumerate(zip(known, images, origin, strict=True)):
        digest = hashlib.blake2b(values.tobytes(), digest_size=8)
        digest.update(int(kind).to_bytes(2, "little"))
        digest.update(image or b"")
        keys[row] = int.from_bytes(digest.digest(), "little")
    return keys


def noise_of_galaxies(
    keys: UInt64[np.ndarray, " n"],
    draws: int,
    seed: int,
    redshift: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, "n 9"], Integer[np.ndarray, "n {draws}"]]:
    """Return what makes the noise of a seed that of each galaxy.

    Every galaxy has the same even sequence, rotated by numbers of its own (Cranley & Patterson
    1976, SIAM J. Numer. Anal. 13, 904) and in an order of its own: draws of equal place of two
    galaxies are independent, and each galaxy's are as even as before.

    Parameters
    ----------
    keys : ndarray, shape (n,), uint64
        As `keys_of` gives them: a galaxy has the same noise alone and among others.
    draws, seed : int
    redshift : ndarray, shape (n,)
        Where it is held fixed, NaN elsewhere.

    Returns
    -------
    rotation : ndarray, shape (n, 9)
        To be added to the uniform noise, modulo 1.
    order : ndarray, shape (n, draws), int
    """
    rotation = np.empty((len(keys), len(TARGETS)))
    order = np.empty((len(keys), draws), np.int64)
    fixed = np.nan_to_num(np.round(redshift * 1e6), nan=-1.0) + 1
    for row, key in enumerate(keys):
        random = np.random.default_rng([seed, int(key), int(fixed[row])])
        rotation[row] = random.random(len(TARGETS))
        order[row] = random.permutation(draws)
    return rotation, order


def assign_to_members(
    uniform: Float[Tensor, "*rows d"], share: Float[Tensor, "*rows e"]
) -> tuple[Int[Tensor, "*rows d"], Float[Tensor, "*rows d"]]:
    """Share uniform noise out among the members of an ensemble.

    What a member gets is spread over its own quantiles nearly as evenly as the whole was. Every
    other member takes them in falling order, so that at the border of two a draw jumps from the
    highest value of one to the highest of the other, or from lowest to lowest: shares that differ
    by rounding hardly move it.

    Parameters
    ----------
    uniform : Tensor, shape (..., d)
    share : Tensor, shape (..., e)
        Of each member; they add up to 1.

    Returns
    -------
    member : Tensor, shape (..., d), int
    quantile : Tensor, shape (..., d)
        Of that member, strictly between 0 and 1.
    """
    ends = torch.cumsum(share, dim=-1)
    member = torch.searchsorted(ends, uniform.contiguous(), right=True)
    member = member.clamp(max=share.shape[-1] - 1)
    width = share.gather(-1, member)
    quantile = (uniform - ends.gather(-1, member)) / width + 1
    quantile = torch.where(member % 2 == 1, 1 - quantile, quantile)
    return member, quantile.clamp(1e-9, 1 - 1e-9)


def redshift_limits(
    redshift_range: RedshiftRange | None, number: int
) -> Float32[np.ndarray, "{number} 2"]:
    """Return the prior range of each galaxy.

    Parameters
    ----------
    redshift_range : tuple of float, ndarray of shape (number, 2), or None
        One range for all, one for each, or the model's domain.
    number : int
        Galaxies.

    Returns
    -------
    ndarray, shape (number, 2), float32
        Rounded inwards, so that no draw leaves a range by rounding.
    """
    wanted = TARGETS[0].bounds if redshift_range is None else redshift_range
    exact = np.broadcast_to(np.asarray(wanted, np.float64), (number, 2))
    out = exact.astype(np.float32)
    inside = np.nextafter(out, np.array([np.inf, -np.inf], np.float32))
    leaves = np.stack([out[:, 0] < exact[:, 0], out[:, 1] > exact[:, 1]], axis=1)
    return np.where(leaves, inside, out)


def normal_probability(
    low: Float[Tensor, " *rows"], high: Float[Tensor, " *rows"]
) -> Float64[Tensor, " *rows"]:
    """Return the standard normal's probability in [low, high], double, accurate in either tail."""
    _, start, end = _on_lower_side(low, high)
    return _normal_share(end.double()) - _normal_share(start.double())


def truncated_normal(
    uniform: Float[Tensor, " *#rows"], low: Float[Tensor, " *#rows"], high: Float[Tensor, " *#rows"]
) -> Float[Tensor, " *#rows"]:
    """Return quantiles of a standard normal cut to [low, high], accurate in either tail."""
    flip, start, end = _on_lower_side(low, high)
    share = torch.where(flip, 1 - uniform, uniform)
    below, above = _normal_share(start), _normal_share(end)
    cut = torch.special.ndtri(below + share * (above - below))
    # a range that holds no probability that a double can express: its nearer end
    cut = torch.where(torch.isfinite(cut), cut, torch.maximum(start, torch.full_like(start, -37.0)))
    cut = torch.minimum(torch.maximum(cut, start), end)
    return torch.where(flip, -cut, cut)


def _on_lower_side(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return which ranges are turned over, since upper tails differ by less than rounding."""
    flip = low > 0
    return flip, torch.where(flip, -high, low), torch.where(flip, -low, high)


def _normal_share(value: Tensor) -> Tensor:
    """Return the standard normal's cumulative probability, accurate down to its far lower tail.

    ``torch.special.ndtr`` is zero beyond eight sigma.
    """
    return 0.5 * torch.special.erfc(-value * math.sqrt(0.5))
