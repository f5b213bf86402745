"""The flows against nflows' own inverse, automatic differentiation and quadrature."""

import numpy as np
import pytest
import torch
from nflows.transforms.splines.rational_quadratic import (
    unconstrained_rational_quadratic_spline,
)

from galexplorer.model import flows
from galexplorer.model.flows import (
    BINS,
    TAIL,
    Chain,
    ConditionalSpline,
    apply_spline,
    invert_spline,
)

KNOTS = 3 * BINS - 1


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(11)


@pytest.fixture
def chain(generator) -> Chain:
    """A chain whose splines are far from the identity, in double precision."""
    chain = Chain(context=6).double().eval()
    for parameter in chain.parameters():
        parameter.data = 0.25 * torch.randn(parameter.shape, generator=generator).double()
    return chain


def nflows_spline(values, knots, inverse):
    widths, heights, slopes = knots.split([BINS, BINS, BINS - 1], dim=1)
    return unconstrained_rational_quadratic_spline(
        inputs=values,
        unnormalized_widths=widths[:, None],
        unnormalized_heights=heights[:, None],
        unnormalized_derivatives=slopes[:, None] + flows._SLOPE_OFFSET,
        inverse=inverse,
        tails="linear",
        tail_bound=TAIL,
        min_bin_width=flows._MIN_WIDTH,
        min_bin_height=flows._MIN_HEIGHT,
        min_derivative=flows._MIN_SLOPE,
    )


def test_the_inverse_is_that_of_nflows(generator):
    knots = 1.5 * torch.randn((1500, KNOTS), generator=generator).double()
    outputs = 3.0 * torch.randn((1500, 1), generator=generator).double()
    assert (outputs.abs() > TAIL).any()
    inputs, log_slope = invert_spline(outputs, knots)
    theirs, their_slope = nflows_spline(outputs, knots, inverse=True)
    torch.testing.assert_close(inputs, theirs, atol=1e-8, rtol=0)
    torch.testing.assert_close(log_slope, their_slope, atol=1e-8, rtol=0)


def test_the_spline_is_that_of_nflows(generator):
    knots = 1.5 * torch.randn((1500, KNOTS), generator=generator).double()
    inputs = 3.0 * torch.randn((1500, 1), generator=generator).double()
    inputs[:2] = torch.tensor([[-TAIL], [TAIL]])
    outputs, log_slope = apply_spline(inputs, knots)
    theirs, their_slope = nflows_spline(inputs, knots, inverse=False)
    torch.testing.assert_close(outputs, theirs, atol=1e-10, rtol=0)
    torch.testing.assert_close(log_slope[2:], their_slope[2:], atol=1e-9, rtol=0)


def test_all_splines_at_once_are_the_flows_one_by_one(chain, generator):
    targets = torch.randn((60, 9), generator=generator).double()
    context = torch.randn((60, 6), generator=generator).double()
    density, noise = chain.log_prob(targets, context), chain.to_noise(targets, context)
    for k in range(9):
        given = torch.cat([context, targets[:, :k]], dim=1)
        column = targets[:, k : k + 1]
        alone = chain.flow(k).log_prob(column, given)
        torch.testing.assert_close(density[:, k], alone, atol=1e-9, rtol=0)
        alone = chain.flow(k).transform_to_noise(column, given)[:, 0]
        torch.testing.assert_close(noise[:, k], alone, atol=1e-9, rtol=0)


def test_the_slope_is_the_derivative(generator):
    knots = torch.randn((500, KNOTS), generator=generator).double()
    outputs = (2.0 * torch.randn((500, 1), generator=generator)).double().requires_grad_()
    inputs, log_slope = invert_spline(outputs, knots)
    (slope,) = torch.autograd.grad(inputs.sum(), outputs)
    torch.testing.assert_close(torch.log(slope), log_slope, atol=1e-9, rtol=0)


def test_forward_and_inverse_cancel(generator):
    transform = ConditionalSpline(4, 32, 0.0).double().eval()
    for parameter in transform.parameters():
        parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator).double()
    context = torch.randn((800, 4), generator=generator).double()
    targets = 3 * torch.randn((800, 1), generator=generator).double()
    noise, forward = transform(targets, context)
    back, inverse = transform.inverse(noise, context)
    torch.testing.assert_close(back, targets, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(forward + inverse, torch.zeros_like(forward), atol=1e-7, rtol=0)


def test_a_sharp_spline_is_inverted_in_single_precision(generator):
    """However steep its bins, the inverse stays finite and rises."""
    knots = 25.0 * torch.randn((300, KNOTS), generator=generator)
    outputs = torch.linspace(-TAIL, TAIL, 301).repeat(300, 1)
    inputs, log_slope = invert_spline(outputs.reshape(-1, 1), knots.repeat_interleave(301, dim=0))
    assert torch.isfinite(inputs).all()
    assert torch.isfinite(log_slope).all()
    assert (torch.diff(inputs.view(300, 301), dim=1) > -1e-5).all()


@pytest.mark.parametrize("k", [0, 4, 8])
def test_each_density_integrates_to_one(chain, generator, k):
    """One target varies over a grid; its context and its parents stay."""
    parents = torch.randn(9, generator=generator).double()
    centre, spread = _place(chain, parents, k)
    grid = centre + spread * torch.linspace(-14, 14, 8001).double()
    targets = parents.repeat(len(grid), 1)
    targets[:, k] = grid
    context = torch.linspace(-1, 1, 6).double().repeat(len(grid), 1)
    density = torch.exp(chain.log_prob(targets, context)[:, k])
    assert torch.trapezoid(density, grid).item() == pytest.approx(1.0, abs=1e-3)


def _place(chain, parents, k):
    context = torch.linspace(-1, 1, 6).double()[None]
    given = torch.cat([context, parents[None, :k]], dim=1)
    shift, log_scale, _ = chain.spline(k).parameters_of(given)
    return shift.item(), torch.exp(log_scale).item()


def test_noise_and_targets_are_one_to_one(chain, generator):
    noise = torch.randn((500, 9), generator=generator).double()
    context = torch.randn((500, 6), generator=generator).double()
    targets = chain.from_noise(noise, context)
    torch.testing.assert_close(chain.to_noise(targets, context), noise, atol=1e-7, rtol=0)


def test_the_density_is_that_of_the_change_of_variables(chain, generator):
    """log p(t) = log N(u) + log |du / dt|, the Jacobian by differentiation."""
    targets = torch.randn((5, 9), generator=generator).double()
    context = torch.randn((5, 6), generator=generator).double()
    for row in range(5):
        jacobian = torch.autograd.functional.jacobian(
            lambda t, row=row: chain.to_noise(t[None], context[row : row + 1])[0], targets[row]
        )
        assert not torch.triu(jacobian, 1).any()
        noise = chain.to_noise(targets[row : row + 1], context[row : row + 1])
        expected = -0.5 * (noise**2).sum() - 4.5 * np.log(2 * np.pi)
        expected = expected + torch.linalg.slogdet(jacobian).logabsdet
        density = chain.log_prob(targets[row : row + 1], context[row : row + 1]).sum()
        torch.testing.assert_close(density, expected, atol=1e-8, rtol=0)


def test_a_target_knows_nothing_of_those_after_it(chain, generator):
    targets = torch.randn((40, 9), generator=generator).double()
    context = torch.randn((40, 6), generator=generator).double()
    density = chain.log_prob(targets, context)
    for k in range(9):
        other = targets.clone()
        other[:, k + 1 :] = 5.0
        changed = chain.log_prob(other, context)
        torch.testing.assert_close(changed[:, : k + 1], density[:, : k + 1], atol=0, rtol=0)
        if k < 8:
            assert not torch.allclose(changed[:, k + 1], density[:, k + 1])


def test_a_fixed_redshift_is_kept_and_the_rest_follows_it(chain, generator):
    noise = torch.randn((300, 9), generator=generator).double()
    context = torch.randn((300, 6), generator=generator).double()
    free = chain.from_noise(noise, context)
    again = chain.from_noise(noise, context, free[:, 0])
    torch.testing.assert_close(again, free, atol=1e-12, rtol=0)
    fixed = chain.from_noise(noise, context, torch.zeros(300).double())
    assert not fixed[:, 0].any()
    torch.testing.assert_close(chain.to_noise(fixed, context)[:, 1:], noise[:, 1:])


def test_draws_that_share_a_context_are_those_with_one_each(chain, generator):
    """The way all splines are inverted, against nflows' with the whole input in every row."""
    noise = torch.randn((60, 9), generator=generator).double()
    context = torch.randn((3, 6), generator=generator).double()
    shared = chain.from_noise(noise, context)
    rows = context.repeat_interleave(20, dim=0)
    for k in range(9):
        given = torch.cat([rows, shared[:, :k]], dim=1)
        alone, _ = chain.flow(k)._transform.inverse(noise[:, k : k + 1], given)
        torch.testing.assert_close(shared[:, k : k + 1], alone, atol=1e-10, rtol=0)


def test_redshifts_in_bulk_are_those_one_by_one(chain, generator):
    noise = torch.randn((20, 7), generator=generator).double()
    context = torch.randn((20, 6), generator=generator).double()
    bulk = chain.invert_first(noise, context)
    for column in range(7):
        alone, _ = chain.spline(0).inverse(noise[:, column : column + 1], context)
        torch.testing.assert_close(bulk[:, column : column + 1], alone, atol=1e-12, rtol=0)


def test_an_untrained_chain_is_nearly_standard_normal(generator):
    chain = Chain(context=6).eval()
    noise = torch.randn((200, 9), generator=generator)
    targets = chain.from_noise(noise, torch.zeros(200, 6))
    torch.testing.assert_close(targets, noise, atol=0.05, rtol=0)
