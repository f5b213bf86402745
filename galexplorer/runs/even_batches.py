"""Batches of one size, so that no bit of a row depends on the rows beside it.

The last bits of a matrix product depend on its number of rows, and those of a vectorised function
on whether an element lies in the remainder at the end of its array. So every product has the same
number of rows here, whatever is inferred, and the end of each array belongs to a row that is filled
in and left out again.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from galexplorer.inference.engine import Engine
from galexplorer.inference.prepared import Encoded, seen_magnitudes_of
from galexplorer.inference.sampler import CHUNK
from galexplorer.model.features import INPUTS
from galexplorer.records.observation import Observation
from galexplorer.records.result import Domain
from galexplorer.verdict.domain import assess_domain, distance_inputs, misfit_of

_SIZES = (64, 32, 16)
"""Multiples of the elements that a processor handles at once, so that remainders are few."""

_IMAGES = 16


def batch_size(draws: int) -> int:
    """Return how many rows go through the flows at once, the one that is filled in included.

    Parameters
    ----------
    draws : int
        Of each row.

    Returns
    -------
    int
        1 where a row has so many draws that nothing would be gained; no row is filled in then.

    Examples
    --------
    >>> batch_size(200), batch_size(512), batch_size(5000)
    (64, 32, 1)
    """
    return next((size for size in _SIZES if size * draws <= CHUNK), 1)


def rows_of_batch(draws: int) -> int:
    """Return how many rows of a catalogue a batch has.

    Examples
    --------
    >>> rows_of_batch(200), rows_of_batch(5000)
    (63, 1)
    """
    return max(1, batch_size(draws) - 1)


def encode_evenly(engine: Engine, observations: Sequence[Observation], size: int) -> Encoded:
    """Encode rows of a batch; those with an image of one kind and those without apart.

    Parameters
    ----------
    engine : Engine
    observations : sequence of Observation
        At most `size`.
    size : int
        As of `batch_size`.

    Returns
    -------
    Encoded
        Of `size` rows: the last is repeated.
    """
    kinds = [o.origin if o.cutout else None for o in observations]
    parts, order = [], []
    for kind in dict.fromkeys(kinds):
        rows = [k for k, own in enumerate(kinds) if own == kind]
        block = size if kind is None else min(_IMAGES, size)
        for taken in _fill(rows, block):
            encoded = engine.encode([observations[k] for k in taken])
            known = list(dict.fromkeys(taken))
            parts.append(encoded.rows(slice(len(known))))
            order += known
    place = np.argsort(order)
    index = np.concatenate([place, np.repeat(place[-1:], size - len(place))])
    return Encoded.join(parts).rows(index)


def misfits_of(
    engine: Engine, observations: Sequence[Observation], encoded: Encoded, size: int
) -> Float[Tensor, " n"]:
    """Return the misfit of each row's reconstruction, NaN without an image.

    Parameters
    ----------
    engine : Engine
    observations : sequence of Observation
    encoded : Encoded
        Of these.
    size : int
        As of `batch_size`.

    Returns
    -------
    Tensor, shape (n,)
    """
    misfits = torch.full((len(observations),), float("nan"))
    rows = [k for k, own in enumerate(observations) if own.cutout is not None]
    for taken in _fill(rows, min(_IMAGES, size)):
        grids = [o.cutout.grid for k in taken if (o := observations[k]).cutout is not None]
        grid = torch.from_numpy(np.stack(grids)).to(engine.device)
        decoded = engine.model.decoder(encoded.appearance[taken])
        misfits[taken] = misfit_of(grid.float() / 255.0, decoded).cpu()
    return misfits


def domains_of(
    engine: Engine,
    observations: Sequence[Observation],
    encoded: Encoded,
    misfits: Float[Tensor, " n"],
) -> list[Domain]:
    """Return whether each row is like the training galaxies of its kind of input.

    Parameters
    ----------
    engine : Engine
    observations : sequence of Observation
    encoded : Encoded
        Of these.
    misfits : Tensor, shape (n,)
        As `misfits_of` returns them.

    Returns
    -------
    list of Domain
    """
    magnitudes = torch.from_numpy(seen_magnitudes_of(list(observations))).float()
    domains: list[Domain] = [Domain(False, np.nan)] * len(observations)
    for index, kind in enumerate(INPUTS):
        take = np.flatnonzero(encoded.origin == index)
        if len(take) == 0:
            continue
        inputs = distance_inputs(encoded.latent[take].cpu(), magnitudes[take], kind)
        misfit = None if kind == "photometry" else misfits[take]
        judged = assess_domain(engine.domain, kind, inputs, misfit, magnitudes[take])
        for k, domain in zip(take, judged, strict=True):
            domains[int(k)] = domain
    return domains


def _fill(rows: list[int], block: int) -> Iterator[list[int]]:
    """Yield blocks of rows of one length; the last row of the last one is repeated."""
    for begin in range(0, len(rows), block):
        taken = rows[begin : begin + block]
        yield taken + taken[-1:] * (block - len(taken))
