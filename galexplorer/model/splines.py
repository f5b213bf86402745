"""Conditional splines of one variable, and nflows' spline both ways without its branches."""

from typing import cast

import torch
from jaxtyping import Float
from nflows.transforms import Transform
from nflows.transforms.splines import rational_quadratic
from torch import Tensor, nn
from torch.nn import functional

BINS = 10
TAIL = 4.0
_MIN_WIDTH = _MIN_HEIGHT = 2e-3
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
        raw = self.net(context) if parents is None else self._net_of(context, parents)
        shift, log_scale, knots = raw.split([1, 1, _PARAMETERS - 2], dim=1)
        return shift, 4.0 * torch.tanh(log_scale / 4.0), knots

    def _net_of(self, context: Tensor, parents: Tensor) -> Tensor:
        enter = cast(nn.Linear, self.net[0])
        of_context, of_parents = enter.weight.split([context.shape[1], parents.shape[1]], dim=1)
        common = functional.linear(context, of_context, enter.bias)[:, None]
        grouped = parents.unflatten(0, (len(context), -1))
        entered = torch.baddbmm(common, grouped, of_parents.T.expand(len(context), -1, -1))
        return self.net[1:](entered.flatten(0, 1))

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
            min_bin_width=_MIN_WIDTH,
            min_bin_height=_MIN_HEIGHT,
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
    value = outputs.clamp(-TAIL, TAIL)
    x0, w, y0, h, s0, s1 = _bin_at(value, knots, by_output=True)
    mean = h / w
    rise = value - y0
    bend = s0 + s1 - 2 * mean
    a = rise * bend + h * (mean - s0)
    b = h * s0 - rise * bend
    c = -mean * rise
    root = torch.sqrt((b * b - 4 * a * c).clamp(min=0.0))
    theta = (2 * c / (-b - root)).clamp(0.0, 1.0)
    denominator = mean + bend * theta * (1 - theta)
    numerator = mean**2 * (s1 * theta**2 + 2 * mean * theta * (1 - theta) + s0 * (1 - theta) ** 2)
    log_slope = 2 * torch.log(denominator) - torch.log(numerator)
    inputs = torch.where(inside, x0 + theta * w, outputs)
    return inputs, torch.where(inside, log_slope, torch.zeros_like(log_slope))


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
    value = inputs.clamp(-TAIL, TAIL)
    x0, w, y0, h, s0, s1 = _bin_at(value, knots, by_output=False)
    mean = h / w
    theta = (value - x0) / w
    across = theta * (1 - theta)
    denominator = mean + (s0 + s1 - 2 * mean) * across
    outputs = y0 + h * (mean * theta**2 + s0 * across) / denominator
    numerator = mean**2 * (s1 * theta**2 + 2 * mean * across + s0 * (1 - theta) ** 2)
    log_slope = torch.log(numerator) - 2 * torch.log(denominator)
    outputs = torch.where(inside, outputs, inputs)
    return outputs, torch.where(inside, log_slope, torch.zeros_like(log_slope))


def _bin_at(value: Tensor, knots: Tensor, by_output: bool) -> tuple[Tensor, ...]:
    """Return the bin that a value lies in: x, width, y, height, and the slopes at its ends."""
    # bins first: a processor sums over few long rows much faster than along many short ones
    widths, heights, slopes = knots.T.contiguous().split([BINS, BINS, BINS - 1])
    x, width = _edges(widths, _MIN_WIDTH)
    y, height = _edges(heights, _MIN_HEIGHT)
    # the outermost slopes are those of the linear tails
    inner = _MIN_SLOPE + functional.softplus(slopes + _SLOPE_OFFSET)
    slope = functional.pad(inner, (0, 0, 1, 1), value=1.0)
    edges = y if by_output else x
    k = (edges[1:-1] <= value.T).sum(dim=0, keepdim=True)
    ends = (slope.gather(0, k).T, slope.gather(0, k + 1).T)
    return (*(part.gather(0, k).T for part in (x, width, y, height)), *ends)


def _edges(raw: Tensor, minimum: float) -> tuple[Tensor, Tensor]:
    """Return bin edges (BINS + 1, n) from -TAIL to TAIL and bin sizes (BINS, n)."""
    size = minimum + (1 - minimum * BINS) * torch.softmax(raw, dim=0)
    inner = 2 * TAIL * torch.cumsum(size[:-1], dim=0) - TAIL
    start = torch.full_like(inner[:1], -TAIL)
    edges = torch.cat([start, inner, -start])
    return edges, edges[1:] - edges[:-1]
