"""Conditional splines of one variable, and nflows' spline both ways without its branches."""

from typing import NamedTuple, cast

import torch
from jaxtyping import Float, Int
from nflows.transforms import Transform
from nflows.transforms.splines import rational_quadratic
from torch import Tensor, nn
from torch.nn import functional

BINS = 10
TAIL = 4.0
_LEAST = 2e-3
"""Of the whole, that a bin is wide and high."""
_MIN_SLOPE = 1e-2
_SLOPE_OFFSET = 0.54  # an untrained spline is the identity
_PARAMETERS = 3 * BINS - 1 + 2


class ConditionalSpline(Transform):
    """A spline of one variable whose knots, shift and scale depend on the context.

    Maps the target to the base: ``forward`` (n, 1) to (n, 1) given context (n, c).
    """

    def __init__(self, context: int, hidden: int) -> None:
        super().__init__()
        # dropout stands beside what it follows, so that earlier weights keep their names
        self.net = nn.Sequential(
            nn.Linear(context, hidden),
            nn.Sequential(nn.SiLU(), nn.Dropout(0.0)),
            nn.Linear(hidden, hidden),
            nn.Sequential(nn.SiLU(), nn.Dropout(0.0)),
            nn.Linear(hidden, _PARAMETERS),
        )
        final = self.net[-1]
        assert isinstance(final, nn.Linear)
        nn.init.normal_(final.weight, std=1e-3)
        nn.init.zeros_(final.bias)

    def parameters_of(
        self, context: Float[Tensor, "m c"], parents: Float[Tensor, "n k"] | None = None
    ) -> tuple[
        Float[Tensor, "rows 1"], Float[Tensor, "rows 1"], Float[Tensor, f"rows {3 * BINS - 1}"]
    ]:
        """Return shift and log scale, both (n, 1), and the knots (n, 3 * BINS - 1).

        The context may include the parents, or be apart from them: of parents (n, k) and contexts
        (m, c), each context is that of n / m rows in succession, and enters the network once.
        """
        raw = self.net(context) if parents is None else pass_grouped(self.net, context, parents)
        return self.part(raw, dim=1)

    @staticmethod
    def part(raw: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
        """Part what a network returns: shift, log scale and knots along an axis."""
        shift, log_scale, knots = (
            raw.narrow(dim, begin, size) for begin, size in ((0, 1), (1, 1), (2, _PARAMETERS - 2))
        )
        return shift, 4.0 * torch.tanh(log_scale / 4.0), knots

    def _spline(self, inputs: Tensor, knots: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        widths, heights, slopes = knots.split([BINS, BINS, BINS - 1], dim=1)
        return rational_quadratic.unconstrained_rational_quadratic_spline(
            inputs=inputs,
            unnormalized_widths=widths[:, None],
            unnormalized_heights=heights[:, None],
            unnormalized_derivatives=slopes[:, None] + _SLOPE_OFFSET,
            inverse=inverse,
            tails="linear",
            tail_bound=TAIL,
            min_bin_width=_LEAST,
            min_bin_height=_LEAST,
            min_derivative=_MIN_SLOPE,
        )

    def forward(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        assert context is not None
        shift, log_scale, knots = self.parameters_of(context)
        standard = (inputs - shift) * torch.exp(-log_scale)
        outputs, log_slope = self._spline(standard, knots, inverse=False)
        return outputs, (log_slope - log_scale).sum(dim=1)

    def inverse(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        assert context is not None
        shift, log_scale, knots = self.parameters_of(context)
        standard, log_slope = invert_spline(inputs, knots)
        return standard * torch.exp(log_scale) + shift, (log_slope + log_scale).sum(dim=1)


def pass_grouped(
    net: nn.Sequential, context: Float[Tensor, "m c"], parents: Float[Tensor, "n k"]
) -> Float[Tensor, "n p"]:
    """Pass contexts, and what stands beside each, through a network.

    Each context is that of n / m rows in succession, and enters the network once.

    Parameters
    ----------
    net : Sequential
        Begins with a linear layer of c + k inputs.
    context : Tensor, shape (m, c)
    parents : Tensor, shape (n, k)

    Returns
    -------
    Tensor, shape (n, p)
    """
    enter = cast(nn.Linear, net[0])
    of_context, of_parents = enter.weight.split([context.shape[1], parents.shape[1]], dim=1)
    common = functional.linear(context, of_context, enter.bias)[:, None]
    grouped = parents.unflatten(0, (len(context), -1))
    entered = torch.baddbmm(common, grouped, of_parents.T.expand(len(context), -1, -1))
    return net[1:](entered.flatten(0, 1))


def invert_spline(
    outputs: Float[Tensor, "n 1"], knots: Float[Tensor, f"n {3 * BINS - 1}"]
) -> tuple[Float[Tensor, "n 1"], Float[Tensor, "n 1"]]:
    """Invert the spline without branches, and without the assertion that nflows makes.

    nflows asserts a positive discriminant, which rounding breaks for sharp splines; here it
    is clamped, since it can only be negative by rounding. Agreement with nflows is tested.

    Parameters
    ----------
    outputs : Tensor, shape (n, 1)
    knots : Tensor, shape (n, 3 * BINS - 1)

    Returns
    -------
    inputs, log_slope : Tensor, shape (n, 1)
        The second is the log derivative of inputs with respect to outputs.
    """
    inside = outputs.abs() < TAIL
    value = outputs[:, 0].clamp(-TAIL, TAIL)
    one = _bin_at(value, knots.T.contiguous(), by_output=True)
    theta = _invert(value, one)
    inputs = torch.where(inside, (one.x + theta * one.width)[:, None], outputs)
    log_slope = -_log_slope(theta, one)[:, None]
    return inputs, torch.where(inside, log_slope, torch.zeros_like(outputs))


def invert_bins(
    outputs: Float[Tensor, "*e n"], knots: Float[Tensor, f"*e {3 * BINS - 1} n"]
) -> Float[Tensor, "*e n"]:
    """Invert splines whose knots come first: what `invert_spline` returns first.

    Parameters
    ----------
    outputs : Tensor, shape (..., n)
    knots : Tensor, shape (..., 3 * BINS - 1, n)

    Returns
    -------
    Tensor, shape (..., n)
    """
    value = outputs.clamp(-TAIL, TAIL)
    one = _bin_at(value, knots, by_output=True)
    inputs = torch.addcmul(one.x, _invert(value, one), one.width)
    return torch.where(outputs.abs() < TAIL, inputs, outputs)


def apply_spline(
    inputs: Float[Tensor, "n 1"], knots: Float[Tensor, f"n {3 * BINS - 1}"]
) -> tuple[Float[Tensor, "n 1"], Float[Tensor, "n 1"]]:
    """Apply the spline without branches, which on a GPU would wait for the device.

    Agreement with nflows is tested.

    Parameters
    ----------
    inputs : Tensor, shape (n, 1)
    knots : Tensor, shape (n, 3 * BINS - 1)

    Returns
    -------
    outputs, log_slope : Tensor, shape (n, 1)
        The second is the log derivative of outputs with respect to inputs.
    """
    inside = inputs.abs() < TAIL
    value = inputs[:, 0].clamp(-TAIL, TAIL)
    one = _bin_at(value, knots.T.contiguous(), by_output=False)
    theta = (value - one.x) / one.width
    outputs = torch.where(inside, _apply(theta, one)[:, None], inputs)
    log_slope = _log_slope(theta, one)[:, None]
    return outputs, torch.where(inside, log_slope, torch.zeros_like(outputs))


class SharedSplines:
    """Splines of which each has many values: what follows from their knots is worked out once.

    Parameters
    ----------
    knots : Tensor, shape (n, e, 3 * BINS - 1)
    """

    def __init__(self, knots: Float[Tensor, f"n e {3 * BINS - 1}"]) -> None:
        edges, slopes = knots.split([2 * BINS, BINS - 1], dim=-1)
        size = _LEAST + (1 - _LEAST * BINS) * torch.softmax(edges.unflatten(-1, (2, BINS)), dim=-1)
        ends = torch.cumsum(size, dim=-1)
        inner = functional.softplus(slopes + _SLOPE_OFFSET) + _MIN_SLOPE
        slope = functional.pad(inner, (1, 1), value=1.0)
        begin = 2 * TAIL * functional.pad(ends[..., :-1], (1, 0)) - TAIL
        size = 2 * TAIL * size
        parts = (begin[..., 0, :], size[..., 0, :], begin[..., 1, :], size[..., 1, :])
        self._bins = torch.stack([*parts, slope[..., :-1], slope[..., 1:]], dim=-1)

    def invert(
        self, outputs: Float[Tensor, "n d"], member: Int[Tensor, "n d"]
    ) -> Float[Tensor, "n d"]:
        """Return inputs for outputs (n, d) of one of the e splines each, (n, d)."""
        value = outputs.clamp(-TAIL, TAIL)
        begin = self._bins[..., 1:, 2].gather(1, member[..., None].expand(-1, -1, BINS - 1))
        k = BINS * member + (begin <= value[..., None]).sum(dim=-1)
        chosen = self._bins.flatten(1, 2).gather(1, k[..., None].expand(-1, -1, len(_Bin._fields)))
        one = _Bin(*chosen.unbind(-1))
        inputs = torch.addcmul(one.x, _invert(value, one), one.width)
        return torch.where(outputs.abs() < TAIL, inputs, outputs)

    def apply(self, inputs: Float[Tensor, "n e m"]) -> Float[Tensor, "n e m"]:
        """Return outputs for inputs of each spline, both (n, e, m)."""
        value = inputs.clamp(-TAIL, TAIL)
        k = (self._bins[..., None, 1:, 0] <= value[..., None]).sum(dim=-1)
        chosen = self._bins.gather(2, k[..., None].expand(*k.shape, len(_Bin._fields)))
        one = _Bin(*chosen.unbind(-1))
        outputs = _apply((value - one.x) / one.width, one)
        return torch.where(inputs.abs() < TAIL, outputs, inputs)


class _Bin(NamedTuple):
    """The bin that a value lies in: where it begins, its size, and the slopes at its ends."""

    x: Tensor
    width: Tensor
    y: Tensor
    height: Tensor
    left: Tensor
    right: Tensor


def _invert(value: Tensor, one: _Bin) -> Tensor:
    """Return where in its bin the spline has a value, 0 to 1."""
    mean = one.height / one.width
    rise = value - one.y
    bent = rise * (one.left + one.right - 2 * mean)
    scaled = one.height * one.left
    a = torch.addcmul(bent - scaled, one.height, mean)
    b = scaled - bent
    c = mean * rise
    root = torch.sqrt((b * b + 4 * a * c).clamp(min=0.0))
    return (2 * c / (b + root)).clamp(0.0, 1.0)


def _apply(theta: Tensor, one: _Bin) -> Tensor:
    """Return the spline's value at a place in a bin, 0 to 1."""
    mean = one.height / one.width
    across = theta * (1 - theta)
    denominator = mean + (one.left + one.right - 2 * mean) * across
    return one.y + one.height * (mean * theta**2 + one.left * across) / denominator


def _log_slope(theta: Tensor, one: _Bin) -> Tensor:
    """Return the log derivative of the spline at a place in a bin, 0 to 1."""
    mean = one.height / one.width
    across = theta * (1 - theta)
    denominator = mean + (one.left + one.right - 2 * mean) * across
    numerator = mean**2 * (one.right * theta**2 + 2 * mean * across + one.left * (1 - theta) ** 2)
    return torch.log(numerator) - 2 * torch.log(denominator)


def _bin_at(value: Tensor, knots: Tensor, by_output: bool) -> _Bin:
    """Return the bin that values (..., n) lie in, given knots (..., 3 * BINS - 1, n)."""
    # bins first: a processor sums over few long rows much faster than along many short ones; and
    # what follows from the knots is worked out for this bin alone
    sizes = knots.narrow(-2, 0, 2 * BINS).unflatten(-2, (2, BINS))
    upto = torch.cumsum(torch.exp(sizes - sizes.amax(dim=-2, keepdim=True)), dim=-2)
    # width and height, as shares of all but what each bin has at least
    share = (1 - _LEAST * BINS) / upto[..., -1, :]
    place = (value + TAIL) / (2 * TAIL)
    axis = int(by_output)
    least = torch.arange(1, BINS, device=value.device)[:, None] * _LEAST
    inner = torch.addcmul(least.to(value), upto[..., axis, :-1, :], share[..., axis, None, :])
    below = (inner <= place[..., None, :]).view(torch.uint8)
    k = below.sum(dim=-2, keepdim=True, dtype=torch.uint8).long()
    first, last = (k == 0)[..., 0, :], (k == BINS - 1)[..., 0, :]
    ends = torch.cat([(k - 1).clamp(min=0), k.clamp(max=BINS - 2)], dim=-2)
    slopes = knots.narrow(-2, 2 * BINS, BINS - 1).gather(-2, ends)
    slopes = _MIN_SLOPE + functional.softplus(slopes + _SLOPE_OFFSET)
    ends = torch.cat([(k - 1).clamp(min=0), k], dim=-2)[..., None, :, :]
    low, high = upto.gather(-2, ends.expand(*upto.shape[:-2], 2, -1)).unbind(-2)
    low = torch.where(first[..., None, :], torch.zeros_like(low), low)
    begin = 2 * TAIL * (_LEAST * k.to(value) + share * low) - TAIL
    size = 2 * TAIL * (_LEAST + share * (high - low))
    # the outermost slopes are those of the linear tails
    one = torch.ones_like(value)
    return _Bin(
        begin[..., 0, :],
        size[..., 0, :],
        begin[..., 1, :],
        size[..., 1, :],
        torch.where(first, one, slopes[..., 0, :]),
        torch.where(last, one, slopes[..., 1, :]),
    )
