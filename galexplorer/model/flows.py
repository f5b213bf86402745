"""The chain of conditional flows p(z|x) p(M*|z,x) p(SFR|z,M*,x) p(lines|those,x) p(O/H,M_BH|all,x).

Every target is a conditional rational-quadratic spline flow (Durkan et al. 2019, 1906.04032;
``nflows``) given the context and the targets before it. The product is the joint posterior,
so correlations between all nine survive; a fixed redshift is conditioning; and a galaxy
that lacks a label still trains the flows of the labels it has.

Metallicity and black-hole mass come last, and neither is given the other: passive galaxies have no
metallicity and small ones no measured dispersion, and what does not exist conditions nothing.

Each of these densities is the mean over a few networks that start from different values and learn
each by its own likelihood (after Lakshminarayanan et al. 2017, 1612.01474): where they differ, the
mixture is wider. Since every target has a mixture of its own, a fixed redshift conditions the rest
as before.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from galexplorer.model.splines import ConditionalSpline, SharedSplines, apply_spline
from galexplorer.model.stacks import (
    PARENTS,
    Order,
    Stack,
    draw_target,
    order_by_member,
    stack_networks,
)
from galexplorer.schema import LINE_NAMES, TARGET_NAMES, TARGETS

if TYPE_CHECKING:
    import nflows.flows

_CHAIN = ("redshift", "log_stellar_mass", "log_sfr", *LINE_NAMES, "gas_metallicity", "log_bh_mass")
ORDER = tuple(TARGET_NAMES.index(name) for name in _CHAIN)
"""Targets in the order of the chain: each is conditioned on those before it."""

ESTIMATED = ORDER[:2]
"""Targets that regressors estimate: the first of all."""

LAST = ORDER[-2:]
"""Targets that no other is conditioned on."""

_PLACE = tuple(ORDER.index(k) for k in range(len(ORDER)))


def parents_of(k: int) -> tuple[int, ...]:
    """Return the targets that target `k` is conditioned on, in the order of the chain."""
    return tuple(j for j in ORDER[: _PLACE[k]] if j not in LAST)


class Chain(nn.Module):
    """Joint density of the targets given a context.

    Works in standardised targets: zero mean and unit width over the training rows. Contexts have
    one vector for each member of the ensemble.

    Parameters
    ----------
    context : int
        Length of a context vector. Each galaxy has two, one after the other: what the first targets
        are conditioned on, which regressors may have estimated, and what all others are.
    hidden : int
        Width of each flow's network.
    members : int
        Flows of each target.
    """

    def __init__(self, context: int, hidden: int = 128, members: int = 1) -> None:
        super().__init__()
        self.members, self._context = members, context
        self.flows = nn.ModuleList(
            nn.ModuleList(
                # by the name that a flow has for it, which is in the names of weights
                nn.ModuleDict(
                    {"_transform": ConditionalSpline(context + len(parents_of(k)), hidden)}
                )
                for _ in range(members)
            )
            for k in range(len(TARGETS))
        )

    def flow(self, k: int, member: int) -> "nflows.flows.Flow":
        """Return the flow of target `k` of a member: its spline, and a standard normal."""
        # they load pyplot, and draws need the splines alone
        from nflows.distributions import StandardNormal
        from nflows.flows import Flow

        return Flow(self.spline(k, member), StandardNormal([1]))

    def spline(self, k: int, member: int) -> ConditionalSpline:
        """Return the transform of that flow."""
        holder = cast(nn.ModuleDict, cast(nn.ModuleList, self.flows[k])[member])
        return cast(ConditionalSpline, holder["_transform"])

    def context_for(self, k: int, context: Float[Tensor, "... wide"]) -> Float[Tensor, "... c"]:
        """Return the part of contexts (..., 2 c) that a target is conditioned on, (..., c)."""
        return context.split(self._context, dim=-1)[k not in ESTIMATED]

    def log_prob(
        self, targets: Float[Tensor, "n 9"], context: Float[Tensor, "n e c"]
    ) -> Float[Tensor, "n e 9"]:
        """Return each member's log density of each target given its parents.

        Parameters
        ----------
        targets : Tensor, shape (n, 9)
            Standardised; where a value is missing its own entry and those of its descendants mean
            nothing.
        context : Tensor, shape (n, e, 2 c)

        Returns
        -------
        Tensor, shape (n, e, 9)
        """
        noise, log_slope = self.noise_and_slope(targets, context)
        return log_slope - 0.5 * noise**2 - 0.5 * math.log(2 * math.pi)

    def to_noise(
        self, targets: Float[Tensor, "n 9"], context: Float[Tensor, "n e c"]
    ) -> Float[Tensor, "n e 9"]:
        """Return the base variables of targets by each member, (n, e, 9)."""
        return self.noise_and_slope(targets, context)[0]

    def noise_and_slope(
        self, targets: Float[Tensor, "n 9"], context: Float[Tensor, "n e c"]
    ) -> tuple[Float[Tensor, "n e 9"], Float[Tensor, "n e 9"]]:
        """Return the base variables and their log derivatives, both (n, e, 9).

        What each flow's own ``log_prob`` does, with one evaluation of all splines.
        """
        ordered = targets[:, ORDER]  # the parents of each target come first
        contexts = [self.context_for(k, context) for k in range(len(TARGETS))]
        shifts, log_scales, knots = zip(
            *(
                self.spline(k, member).parameters_of(
                    torch.cat([contexts[k][:, member], ordered[:, : len(parents_of(k))]], dim=1)
                )
                for member in range(self.members)
                for k in range(len(TARGETS))
            ),
            strict=True,
        )
        shape = (len(targets), self.members, len(TARGETS))
        log_scale = torch.cat(log_scales, dim=1).view(shape)
        shift = torch.cat(shifts, dim=1).view(shape)
        standard = (targets[:, None] - shift) * torch.exp(-log_scale)
        stacked = torch.stack(knots, dim=1).flatten(0, 1)
        noise, log_slope = apply_spline(standard.reshape(-1, 1), stacked)
        return noise.view(shape), log_slope.view(shape) - log_scale

    def stacks(self) -> tuple[Stack, ...]:
        """Return the networks of each target for draws; they keep the weights of this moment."""
        return tuple(
            stack_networks([self.spline(k, e) for e in range(self.members)], self._context)
            for k in range(len(TARGETS))
        )

    def orders(self, member: Int[Tensor, "d 9"]) -> tuple[Order, ...]:
        """Return the draws of each target in order of whose they are, (d, 9)."""
        return tuple(order_by_member(own, self.members) for own in member.T)

    def from_noise(
        self,
        noise: Float[Tensor, "n 9"],
        context: Float[Tensor, "m e c"],
        orders: Sequence[Order],
        first: Float[Tensor, " n"] | None = None,
        stacks: Sequence[Stack] | None = None,
    ) -> Float[Tensor, "n 9"]:
        """Return targets for base variables.

        Parameters
        ----------
        noise : Tensor, shape (n, 9)
        context : Tensor, shape (m, e, 2 c)
            Each is the context of n / m rows in succession.
        orders : sequence of Order
            Whose flow a target of those rows comes from, as `orders` returns it.
        first : Tensor, shape (n,), optional
            Standardised redshift to fix; the rest is conditioned on it.
        stacks : sequence of Stack, optional
            What `stacks` returned, where it is at hand.

        Returns
        -------
        Tensor, shape (n, 9)
        """
        stacks = self.stacks() if stacks is None else stacks
        base = noise.unflatten(0, (len(context), -1)).permute(2, 0, 1).contiguous()
        drawn = torch.empty_like(base)
        parents = base.new_zeros(*base.shape[1:], PARENTS)
        for place, k in enumerate(ORDER):
            if k == 0 and first is not None:
                drawn[k] = first.view_as(drawn[k])
            else:
                own = self.context_for(k, context)
                drawn[k] = draw_target(stacks[k], base[k], own, parents, orders[k])
            if k not in LAST:
                parents[..., place] = drawn[k]
        return drawn.permute(1, 2, 0).flatten(0, 1)

    def draw(
        self,
        k: int,
        noise: Float[Tensor, " n"],
        context: Float[Tensor, "m e c"],
        member: Int[Tensor, " d"],
        parents: Float[Tensor, "n p"],
    ) -> Float[Tensor, "n 1"]:
        """Return one target for base variables, each member's rows at once.

        Parameters
        ----------
        k : int
        noise : Tensor, shape (n,)
        context : Tensor, shape (m, e, 2 c)
        member : Tensor, shape (n / m,), int
        parents : Tensor, shape (n, p)
            Standardised targets in the order of the chain; those after the target do not count.

        Returns
        -------
        Tensor, shape (n, 1)
        """
        number = len(parents_of(k))
        given = noise.new_zeros(len(noise), PARENTS)
        given[:, :number] = parents[:, :number]
        base, given = (x.unflatten(0, (len(context), -1)) for x in (noise, given))
        splines = [self.spline(k, e) for e in range(self.members)]
        stack, order = stack_networks(splines, self._context), order_by_member(member, self.members)
        own = self.context_for(k, context)
        return draw_target(stack, base, own, given, order).reshape(-1, 1)

    def target_to_noise(
        self,
        k: int,
        column: Float[Tensor, "n 1"],
        context: Float[Tensor, "m e c"],
        parents: Float[Tensor, "n p"],
    ) -> tuple[Float[Tensor, "n e"], Float[Tensor, "n e"]]:
        """Return base variables of one target and their log derivatives by member, both (n, e).

        Parameters
        ----------
        k : int
        column : Tensor, shape (n, 1)
            Standardised.
        context : Tensor, shape (m, e, 2 c)
            Each is the context of n / m rows in succession.
        parents : Tensor, shape (n, p)
            As in `draw`.
        """
        context, given = self.context_for(k, context), parents[:, : len(parents_of(k))]
        noise, log_slope = [], []
        for e in range(self.members):
            shift, log_scale, knots = self.spline(k, e).parameters_of(context[:, e], given)
            found, slope = apply_spline((column - shift) * torch.exp(-log_scale), knots)
            noise.append(found.view(-1, 1))
            log_slope.append(slope.view(-1, 1) - log_scale)
        return torch.cat(noise, dim=1), torch.cat(log_slope, dim=1)

    def redshift_to_noise(
        self, targets: Float[Tensor, "*rows m"], context: Float[Tensor, "n e c"]
    ) -> Float[Tensor, "n e m"]:
        """Return base variables (n, e, m) of standardised redshifts (m,) or (n, m) by member."""
        shift, log_scale, splines = self._redshift_splines(context)
        column = targets.expand(len(context), targets.shape[-1])[:, None]
        return splines.apply((column - shift) * torch.exp(-log_scale))

    def noise_to_redshift(
        self,
        noise: Float[Tensor, "n d"],
        context: Float[Tensor, "n e c"],
        member: Int[Tensor, "n d"],
    ) -> Float[Tensor, "n d"]:
        """Return standardised redshifts for base draws (n, d) of members (n, d).

        One pass of each network per row.
        """
        shift, log_scale, splines = self._redshift_splines(context)
        standard = splines.invert(noise, member)
        return standard * torch.exp(log_scale[..., 0].gather(1, member)) + shift[..., 0].gather(
            1, member
        )

    def _redshift_splines(self, context: Tensor) -> tuple[Tensor, Tensor, SharedSplines]:
        """Return shift and log scale (n, e, 1) of the redshift's flows, and their splines."""
        context = self.context_for(0, context)
        raw = [self.spline(0, e).parameters_of(context[:, e]) for e in range(self.members)]
        shift, log_scale, knots = (torch.stack(part, dim=1) for part in zip(*raw, strict=True))
        return shift, log_scale, SharedSplines(knots)


class Context(nn.Module):
    """What is known of galaxies (n, `inputs`) to the context of the flows; has dropout."""

    def __init__(self, inputs: int, width: int, size: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(inputs, width),
            nn.SiLU(),
            nn.Dropout(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Dropout(),
            nn.Linear(width, size),
        )
        self.skip = nn.Linear(inputs, size)

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n c"]:
        return self.net(x) + self.skip(x)
