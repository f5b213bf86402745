"""From contexts to draws: the same noise for app, command line and catalogues."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from galexplorer.inference.noise import (
    RedshiftRange,
    assign_to_members,
    base_noise,
    noise_of_galaxies,
    normal_probability,
    redshift_limits,
    truncated_normal,
)
from galexplorer.inference.prepared import Encoded
from galexplorer.inference.prior import PriorWeight, Product, RedshiftPrior, multiply
from galexplorer.model.network import GalaxyModel
from galexplorer.model.stacks import Order
from galexplorer.model.vae import fold_batch_norms
from galexplorer.records.verdict import Reason
from galexplorer.schema import BPT_CLASSES, TARGET_NAMES, TARGETS
from galexplorer.science.bpt import classify, line_ratios
from galexplorer.verdict.judgement import REDSHIFT_END, doubts_about_redshift

CHUNK = 16384
"""Draws that go through the flows at once."""

_MEASURABLE_DRAWS = 512
_RARITY_BINS, _SOFTENING = 160, 0.02
_METALLICITY = TARGET_NAMES.index("gas_metallicity")
_LOW = torch.tensor([t.low for t in TARGETS])
_HIGH = torch.tensor([t.high for t in TARGETS])


class _Shared(NamedTuple):
    """The noise of a seed, (draws, 9); quantiles of members, likewise; whose it is, by chunk."""

    uniform: Tensor
    quantile: Tensor
    orders: list[tuple[slice, tuple[Order, ...]]]


class Sampler:
    """Draws from the posteriors of a model. Immutable, so threads may share it."""

    def __init__(self, model: GalaxyModel) -> None:
        self.model = model = fold_batch_norms(model)
        self._stacks = model.chain.stacks()
        self.device = model.target_mean.device

    @torch.inference_mode()
    def sample(
        self,
        encoded: Encoded,
        draws: int,
        seed: int,
        redshift: Float[Tensor, " n"] | None = None,
        redshift_range: RedshiftRange | None = None,
        priors: Sequence[RedshiftPrior | None] | None = None,
    ) -> Float[Tensor, "n {draws} 9"]:
        """Return joint draws, shape (n, draws, 9), on the CPU.

        The noise depends on the seed, the number of draws and what the galaxy is inferred from, so
        that a galaxy has the same draws alone and in a catalogue, and draws of different galaxies
        are independent. `redshift` holds one value per row, NaN where it is free. `priors`, one
        per row, multiply the posteriors of the redshifts that are free.

        A metallicity is what star formation's lines tell. A draw with other lines has that of the
        draw next in redshift whose lines are those of star formation, where there is one.
        """
        uniform, quantile, orders = self._share_out(draws, seed)
        number = len(encoded.context)
        limits = torch.from_numpy(redshift_limits(redshift_range, number)).to(self.device)
        held = np.full(number, np.nan) if redshift is None else redshift.double().cpu().numpy()
        out = torch.empty((number, draws, len(TARGETS)))
        mode = encoded.mode.to(self.device)
        step = max(1, CHUNK // draws)
        for begin in range(0, number, step):
            rows = slice(begin, min(begin + step, number))
            context = encoded.context[rows]
            size = len(context)
            rotation, order = (
                torch.from_numpy(part).to(self.device)
                for part in noise_of_galaxies(encoded.key[rows], draws, seed, held[rows])
            )
            turned = torch.frac(uniform[:, 0] + rotation[:, :1])
            first = self._redshift_draws(context, mode[rows], turned, limits[rows])
            for k, prior in enumerate([] if priors is None else priors[rows]):
                if prior is not None:
                    own = slice(begin + k, begin + k + 1)
                    product = self._product(encoded.context[own], mode[own], limits[own], prior)
                    drawn = product.quantiles(turned[k].cpu().numpy())
                    first[k] = torch.from_numpy(drawn).to(first).clamp(*limits[begin + k])
            if redshift is not None:
                fixed = redshift[rows].to(self.device, torch.float32)[:, None]
                first = torch.where(torch.isfinite(fixed), fixed, first)
            for part, whose in orders:
                count = part.stop - part.start
                even = torch.frac(quantile[part] + rotation[:, None])
                noise = torch.special.ndtri(even.clamp(1e-9, 1 - 1e-9)).to(torch.float32)
                samples = self.model.sample(
                    context,
                    mode[rows],
                    noise.flatten(0, 1),
                    whose,
                    first[:, part].reshape(-1),
                    self._stacks,
                )
                samples[:, 0] = first[:, part].reshape(-1)  # as drawn: the flow's line rounds
                out[rows, part] = samples.view(size, count, -1).cpu()
            out[rows] = out[rows].gather(1, order.cpu()[..., None].expand_as(out[rows]))
            _lend_metallicity(out[rows])
        return torch.minimum(torch.maximum(out, _LOW), _HIGH)

    @cached_property
    def _share_out(self) -> Callable[[int, int], _Shared]:
        """Return what shares the noise of a seed out among members, of the last few ones at hand.

        Which member a draw comes from is the same for all galaxies before their draws are put in
        order: each member's network then sees one block.
        """

        @lru_cache(maxsize=4)
        @torch.inference_mode()
        def share_out(draws: int, seed: int) -> _Shared:
            uniform = base_noise(draws, seed).to(self.device)
            members = self.model.sizes.members
            equal = uniform.new_full((len(TARGETS), members), 1 / members)
            member, quantile = (part.T for part in assign_to_members(uniform.T, equal))
            parts = [slice(begin, min(begin + CHUNK, draws)) for begin in range(0, draws, CHUNK)]
            orders = [(part, self.model.chain.orders(member[part])) for part in parts]
            return _Shared(uniform, quantile, orders)

        return share_out

    def _redshift_draws(
        self,
        context: Float[Tensor, "n e c"],
        mode: Int[Tensor, " n"],
        uniform: Float[Tensor, "n draws"],
        limits: Float[Tensor, "n 2"],
    ) -> Float[Tensor, "n draws"]:
        """Return redshift draws for uniform noise, both (n, draws), inside the limits (n, 2).

        The redshift's flows are monotonic, so a range of redshift is a range of each base normal;
        the normal is cut there exactly, which is what a prior with hard edges does. A member of
        the ensemble counts by what it has in the range. The domain of the model is such a range
        too.
        """
        base = self.model.redshift_to_base(limits, context, mode).double()
        share = normal_probability(base[..., 0], base[..., 1]).clamp(min=1e-300)
        share = share / share.sum(dim=1, keepdim=True)
        member, quantile = assign_to_members(uniform, share)
        ends = (base[..., k].gather(1, member) for k in (0, 1))
        cut = truncated_normal(quantile, *ends)
        draws = self.model.redshift_from_base(cut.to(torch.float32), member, context, mode)
        return draws.clamp(limits[:, :1], limits[:, 1:])

    def _product(
        self,
        context: Float[Tensor, "1 e c"],
        mode: Int[Tensor, "1"],
        limits: Float[Tensor, "1 2"],
        prior: RedshiftPrior,
    ) -> Product:
        """Return the posterior of one galaxy's redshift under a prior.

        What a bin of the posterior holds follows from where the flows map its edges: exactly.
        """
        edges = prior.edges(*limits[0].double().cpu().tolist())
        placed = torch.from_numpy(edges).to(self.device, torch.float32)[None]
        base = self.model.redshift_to_base(placed, context, mode).double()
        mass = normal_probability(base[0, :, :-1], base[0, :, 1:]).clamp(min=0).mean(dim=0)
        return multiply(edges, mass.cpu().numpy(), prior)

    @torch.inference_mode()
    def weigh(
        self,
        encoded: Encoded,
        priors: Sequence[RedshiftPrior | None],
        redshift_range: RedshiftRange | None = None,
    ) -> list[PriorWeight | None]:
        """Tell what redshift priors do to posteriors: effective sample size, agreement, evidence.

        Parameters
        ----------
        encoded : Encoded
            Of n galaxies.
        priors : sequence of RedshiftPrior or None
            One for each.
        redshift_range : tuple of float or ndarray, shape (n, 2), optional
            As of `sample`.

        Returns
        -------
        list of PriorWeight or None
        """
        limits = torch.from_numpy(redshift_limits(redshift_range, len(priors))).to(self.device)
        mode = encoded.mode.to(self.device)
        found: list[PriorWeight | None] = []
        for k, prior in enumerate(priors):
            own = slice(k, k + 1)
            found.append(
                None
                if prior is None
                else self._product(encoded.context[own], mode[own], limits[own], prior).weight
            )
        return found

    @torch.inference_mode()
    def redshift_shares(
        self, encoded: Encoded, ranges: Float[np.ndarray, "n k 2"]
    ) -> Float[np.ndarray, "n k"]:
        """Return the share of the posterior that ranges of redshift hold, if no prior narrows it.

        Exact, by the flows themselves: draws of a narrow range would be few or none.

        Parameters
        ----------
        encoded : Encoded
            Of n galaxies.
        ranges : ndarray, shape (n, k, 2)
            NaN gives NaN.

        Returns
        -------
        ndarray, shape (n, k)
        """
        whole = np.broadcast_to(redshift_limits(None, len(ranges))[:, None], (len(ranges), 1, 2))
        asked = np.concatenate([ranges, whole], axis=1).reshape(len(ranges), -1)
        edges = torch.from_numpy(np.nan_to_num(asked, nan=0.1)).to(self.device, torch.float32)
        mode = encoded.mode.to(self.device)
        base = self.model.redshift_to_base(edges, encoded.context, mode).double()
        share = normal_probability(base[..., ::2], base[..., 1::2]).mean(dim=1).cpu().numpy()
        share = share[:, :-1] / np.maximum(share[:, -1:], 1e-300)
        return np.where(np.isfinite(ranges).all(axis=2), share, np.nan)

    def redshift_rarity(
        self, encoded: Encoded, redshift: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Return the share of the posterior that is not denser than at given redshifts.

        Parameters
        ----------
        encoded : Encoded
            Of n galaxies.
        redshift : ndarray, shape (n,)
            NaN gives NaN.

        Returns
        -------
        ndarray, shape (n,)
            1 at the mode; in the tails it falls to 0.
        """
        low, high = TARGETS[0].bounds
        edges = np.geomspace(low + _SOFTENING, high + _SOFTENING, _RARITY_BINS + 1) - _SOFTENING
        edges[[0, -1]] = low, high
        bins = np.broadcast_to(
            np.column_stack([edges[:-1], edges[1:]]), (len(redshift), _RARITY_BINS, 2)
        )
        share = self.redshift_shares(encoded, bins)
        density = share / np.diff(edges)
        filled = np.nan_to_num(redshift, nan=low)
        place = np.clip(np.searchsorted(edges, filled, side="right") - 1, 0, _RARITY_BINS - 1)
        there = density[np.arange(len(redshift)), place]
        rarity = np.where(density <= there[:, None], share, 0.0).sum(axis=1)
        return np.where(np.isfinite(redshift), rarity, np.nan)

    def doubts(
        self,
        encoded: Encoded,
        redshift: Float[np.ndarray, " n"],
        redshift_range: Float[np.ndarray, "n 2"],
    ) -> list[tuple[Reason, ...]]:
        """Return what the posterior, without any prior, says of redshifts and of priors on them.

        Parameters
        ----------
        encoded : Encoded
            Of n galaxies.
        redshift : ndarray, shape (n,)
            Fixed ones, NaN where free.
        redshift_range : ndarray, shape (n, 2)
            NaN without one.

        Returns
        -------
        list of tuple of Reason
        """
        beyond = np.broadcast_to([REDSHIFT_END, TARGETS[0].high], redshift_range.shape)
        shares = self.redshift_shares(encoded, np.stack([beyond, redshift_range], axis=1))
        rarity = np.full(len(redshift), np.nan)
        if np.isfinite(redshift).any():
            rarity = self.redshift_rarity(encoded, redshift)
        return doubts_about_redshift(shares[:, 0], shares[:, 1], rarity)

    def measurable(
        self, encoded: Encoded, redshift: Float[np.ndarray, "n d"]
    ) -> Float[np.ndarray, "n 5"]:
        """Return the probability that a spectrum would show each of `MEASURABLE_NAMES`.

        Parameters
        ----------
        encoded : Encoded
            Of n galaxies.
        redshift : ndarray, shape (n, d)
            Draws, over which the probability is averaged; the first 512 count.

        Returns
        -------
        ndarray, shape (n, 5)
        """
        draws = torch.from_numpy(np.ascontiguousarray(redshift[:, :_MEASURABLE_DRAWS])).float()
        size, count = draws.shape
        out = []
        step = max(1, CHUNK // count)
        for begin in range(0, size, step):
            rows = slice(begin, min(begin + step, size))
            number = rows.stop - rows.start
            mode = encoded.mode[rows].to(self.device).repeat_interleave(count)
            flat = draws[rows].reshape(-1).to(self.device)
            share = self.model.measurable_probability(encoded.context[rows], mode, flat)
            out.append(share.view(number, count, -1).mean(dim=1).cpu().numpy())
        return np.concatenate(out)


def is_star_forming(targets: Float[np.ndarray, "*rows 9"]) -> Bool[np.ndarray, " *rows"]:
    """Return whether the lines of targets (..., 9) are those of star formation, shape (...)."""
    return classify(*line_ratios(targets)) == BPT_CLASSES.index("star_forming")


def _lend_metallicity(draws: Float[Tensor, "n d 9"]) -> None:
    """Replace, in place, the metallicity of draws (n, d, 9) without star formation's lines.

    So is one beyond the bounds, where the spline ends in straight tails: cut off, such draws would
    pile up there. A galaxy none of whose draws can be a donor keeps its own.
    """
    metallicity = draws[..., _METALLICITY]
    bounded = (metallicity > _LOW[_METALLICITY]) & (metallicity < _HIGH[_METALLICITY])
    able = torch.from_numpy(is_star_forming(draws.numpy())) & bounded
    able = torch.where(able.any(dim=1, keepdim=True), able, bounded)
    order = torch.argsort(draws[..., 0], dim=1, stable=True)
    lines = able.gather(1, order)
    place = torch.arange(draws.shape[1]).expand_as(order)
    after = torch.where(lines, place, draws.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    before = torch.where(lines, place, -1).cummax(dim=1).values
    donor = torch.where(after < draws.shape[1], after, before)
    donor = torch.where(donor < 0, place, donor)  # no draw of this galaxy has such lines
    sorted_metallicity = metallicity.gather(1, order)
    draws[..., _METALLICITY] = torch.empty_like(sorted_metallicity).scatter(
        1, order, sorted_metallicity.gather(1, donor)
    )
