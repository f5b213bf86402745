"""The networks of an ensemble as batches of matrices, so that draws go through all at once.

A draw of a target is made by one member of its ensemble. Draws are put in order of their member,
and then each layer of all members is one batched product. What a product leaves to do costs as
much as the product, so there is as little of it as can be: a bias is one more row of its matrix,
met by a hidden unit that is always 1.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from galexplorer.model.splines import ConditionalSpline, invert_bins

PARENTS = 7
"""Targets that others are conditioned on; where one does not count, its weights are zero."""

_SILU_IS_ONE = 1.2784645427610738
_ROWS = 512
"""Draws of each member that go through the layers together: what these leave between two products
stays in a core's cache."""

_EVEN = 8
"""Sizes of matrices are multiples of it: the products are faster by up to a third."""


class Stack(NamedTuple):
    """The networks of one target's e members; h hidden units, k parameters of the spline.

    Attributes
    ----------
    parents : Tensor, shape (e, 7, h)
    context : Tensor, shape (e, c, h)
    bias : Tensor, shape (e, 1, h)
    hidden : Tensor, shape (e, h, h)
    last : Tensor, shape (e, k, h)
    """

    parents: Float[Tensor, "e 7 h"]
    context: Float[Tensor, "e c h"]
    bias: Float[Tensor, "e 1 h"]
    hidden: Float[Tensor, "e h h"]
    last: Float[Tensor, "e k h"]


class Order(NamedTuple):
    """Draws in the order of the member that makes them.

    Attributes
    ----------
    draws : Tensor, shape (e, w), int
        Of each member; where it has fewer than another, the last are filled in.
    place : Tensor, shape (d,), int
        Where each draw lies among all of these.
    """

    draws: Int[Tensor, "e w"]
    place: Int[Tensor, " d"]


def stack_networks(splines: Sequence[ConditionalSpline], context: int) -> Stack:
    """Return the weights of networks of equal size, as they are without dropout.

    Parameters
    ----------
    splines : sequence of ConditionalSpline
        The members of one target.
    context : int
        Length of the context, which comes before the parents in their inputs.
    """
    enter, middle, leave = (
        [layer for spline in splines if isinstance(layer := spline.net[k], nn.Linear)]
        for k in (0, 2, 4)
    )
    size, parameters = middle[0].out_features, leave[0].out_features
    hidden = _up(size + 1)
    like, number = enter[0].weight, len(splines)
    stack = Stack(
        like.new_zeros(number, PARENTS, hidden),
        like.new_zeros(number, context, hidden),
        like.new_zeros(number, 1, hidden),
        like.new_zeros(number, hidden, hidden),
        like.new_zeros(number, _up(parameters), hidden),
    )
    with torch.no_grad():
        for e in range(number):
            known = enter[e].weight.T
            stack.context[e, :, :size] = known[:context]
            stack.parents[e, : len(known) - context, :size] = known[context:]
            stack.bias[e, 0, :size], stack.bias[e, 0, size] = enter[e].bias, _SILU_IS_ONE
            stack.hidden[e, :size, :size] = middle[e].weight.T
            stack.hidden[e, size, :size] = middle[e].bias
            stack.hidden[e, size, size] = _SILU_IS_ONE
            stack.last[e, :parameters, :size] = leave[e].weight
            stack.last[e, :parameters, size] = leave[e].bias
    return stack


def _up(size: int) -> int:
    return -(-size // _EVEN) * _EVEN


def order_by_member(member: Int[Tensor, " d"], members: int) -> Order:
    """Return the draws of each member, given whose each draw is."""
    order = torch.argsort(member, stable=True)
    counts = torch.bincount(member, minlength=members)
    starts = torch.cumsum(counts, 0) - counts
    widest = int(counts.max())
    inside = torch.arange(widest, device=member.device).expand(members, -1)
    inside = torch.minimum(inside, (counts - 1).clamp(min=0)[:, None])
    draws = order[(starts[:, None] + inside).clamp(max=len(member) - 1)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(member), device=member.device)
    return Order(draws, member * widest + rank - starts[member])


def _blocks(number: int, width: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Yield galaxies, and draws of each, that make up so many rows at most.

    A power of two of galaxies, so that the blocks of a batch are of one size.
    """
    together = 1 << (max(1, most // width).bit_length() - 1)
    for begin in range(0, number, together):
        galaxies = slice(begin, min(begin + together, number))
        for first in range(0, width, most):
            yield galaxies, slice(first, min(first + most, width))


def draw_target(
    stack: Stack,
    base: Float[Tensor, "m d"],
    context: Float[Tensor, "m e c"],
    parents: Float[Tensor, "m d 7"],
    order: Order,
) -> Float[Tensor, "m d"]:
    """Return a target for base variables.

    Parameters
    ----------
    stack : Stack
    base : Tensor, shape (m, d)
        Of d draws for each of m galaxies.
    context : Tensor, shape (m, e, c)
        Of this target.
    parents : Tensor, shape (m, d, 7)
        Standardised targets in the order of the chain, zero where they are not drawn yet.
    order : Order

    Returns
    -------
    Tensor, shape (m, d)
    """
    number, (members, width) = len(base), order.draws.shape
    flat = order.draws.flatten()
    given = parents.index_select(1, flat).view(number, members, width, PARENTS).transpose(0, 1)
    one = given.new_ones(1, 1, 1, 1).expand(members, number, width, 1)
    common = torch.baddbmm(stack.bias, context.transpose(0, 1), stack.context)[:, :, None]
    entering = torch.cat([stack.parents[:, None].expand(-1, number, -1, -1), common], dim=2)
    given = torch.cat([given, one], dim=3)
    parts = []
    for galaxies, draws in _blocks(number, width, _ROWS if base.is_cpu else number * width):
        some = given[:, galaxies, draws].flatten(0, 1)
        entered = torch.bmm(some, entering[:, galaxies].flatten(0, 1))
        hidden = functional.silu(entered.view(members, -1, entered.shape[-1]), inplace=True)
        hidden = functional.silu(torch.bmm(hidden, stack.hidden), inplace=True)
        parts.append(torch.bmm(stack.last, hidden.transpose(1, 2)))
    raw = torch.cat(parts, dim=2)
    shift, log_scale, knots = ConditionalSpline.part(raw, dim=1)
    noise = base.index_select(1, flat).view(number, members, width).transpose(0, 1)
    standard = invert_bins(noise.reshape(members, -1), knots)
    drawn = torch.addcmul(shift[:, 0], standard, torch.exp(log_scale[:, 0]))
    drawn = drawn.view(members, number, width).transpose(0, 1).flatten(1)
    return drawn.index_select(1, order.place)
