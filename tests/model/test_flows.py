"""The flows against nflows' own inverse, automatic differentiation and quadrature."""

import itertools

import numpy as np
import pytest
import torch
from nflows.transforms.splines.rational_quadratic import (
    unconstrained_rational_quadratic_spline,
)

from galexplorer.model import splines
from galexplorer.model.flows import ESTIMATED, ORDER, Chain, parents_of
from galexplorer.model.splines import (
    BINS,
    TAIL,
    ConditionalSpline,
    apply_spline,
    invert_spline,
)
from galexplorer.schema import LINE_NAMES, TARGET_NAMES

KNOTS = 3 * BINS - 1


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(11)


@pytest.fixture
def chain(generator) -> Chain:
    """Two members whose splines are far from the identity, in double precision."""
    chain = Chain(context=6, members=2).double().eval()
    for parameter in chain.parameters():
        parameter.data = 0.25 * torch.randn(parameter.shape, generator=generator).double()
    return chain


def nflows_spline(values, knots, inverse):
    widths, heights, slopes = knots.split([BINS, BINS, BINS - 1], dim=1)
    return unconstrained_rational_quadratic_spline(
        inputs=values,
        unnormalized_widths=widths[:, None],
        unnormalized_heights=heights[:, None],
        unnormalized_derivatives=slopes[:, None] + splines._SLOPE_OFFSET,
        inverse=inverse,
        tails="linear",
        tail_bound=TAIL,
        min_bin_width=splines._LEAST,
        min_bin_height=splines._LEAST,
        min_derivative=splines._MIN_SLOPE,
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
    context = torch.randn((60, 2, 12), generator=generator).double()
    density, noise = chain.log_prob(targets, context), chain.to_noise(targets, context)
    for k, e in itertools.product(range(9), range(2)):
        part = context[:, e, :6] if k in ESTIMATED else context[:, e, 6:]
        given = torch.cat([part, targets[:, parents_of(k)]], dim=1)
        column = targets[:, k : k + 1]
        alone = chain.flow(k, e).log_prob(column, given)
        torch.testing.assert_close(density[:, e, k], alone, atol=1e-9, rtol=0)
        alone = chain.flow(k, e).transform_to_noise(column, given)[:, 0]
        torch.testing.assert_close(noise[:, e, k], alone, atol=1e-9, rtol=0)
    assert not torch.allclose(density[:, 0], density[:, 1], atol=0.1)


def test_the_slope_is_the_derivative(generator):
    knots = torch.randn((500, KNOTS), generator=generator).double()
    outputs = (2.0 * torch.randn((500, 1), generator=generator)).double().requires_grad_()
    inputs, log_slope = invert_spline(outputs, knots)
    (slope,) = torch.autograd.grad(inputs.sum(), outputs)
    torch.testing.assert_close(torch.log(slope), log_slope, atol=1e-9, rtol=0)


def test_forward_and_inverse_cancel(generator):
    transform = ConditionalSpline(4, 32).double().eval()
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


@pytest.mark.parametrize("member", [0, 1])
@pytest.mark.parametrize("k", [0, 4, 8])
def test_each_density_integrates_to_one(chain, generator, k, member):
    """One target varies over a grid; its context and its parents stay."""
    parents = torch.randn(9, generator=generator).double()
    centre, spread = _place(chain, parents, k, member)
    grid = centre + spread * torch.linspace(-14, 14, 8001).double()
    targets = parents.repeat(len(grid), 1)
    targets[:, k] = grid
    context = torch.linspace(-1, 1, 6).double().repeat(len(grid), 2, 2)
    density = torch.exp(chain.log_prob(targets, context)[:, member, k])
    assert torch.trapezoid(density, grid).item() == pytest.approx(1.0, abs=3e-3)


def _place(chain, parents, k, member):
    context = torch.linspace(-1, 1, 6).double()[None]
    given = torch.cat([context, parents[None, parents_of(k)]], dim=1)
    shift, log_scale, _ = chain.spline(k, member).parameters_of(given)
    return shift.item(), torch.exp(log_scale).item()


@pytest.fixture
def member(generator) -> torch.Tensor:
    """Whose flow each target of a row, of twenty that share a context, comes from."""
    return torch.randint(0, 2, (20, 9), generator=generator)


@pytest.fixture
def context(generator) -> torch.Tensor:
    return torch.randn((5, 2, 12), generator=generator).double()


def of_members(values: torch.Tensor, member: torch.Tensor) -> torch.Tensor:
    """Return the entries (n, 9) of (n, 2, 9) that belong to the members chosen."""
    chosen = member.repeat(len(values) // len(member), 1)
    return values.gather(1, chosen[:, None]).squeeze(1)


def test_noise_and_targets_are_one_to_one(chain, context, member, generator):
    noise = torch.randn((100, 9), generator=generator).double()
    targets = chain.from_noise(noise, context, chain.orders(member))
    back = chain.to_noise(targets, context.repeat_interleave(20, dim=0))
    torch.testing.assert_close(of_members(back, member), noise, atol=1e-7, rtol=0)
    assert not torch.allclose(of_members(back, 1 - member), noise, atol=0.1)


def test_the_density_is_that_of_the_change_of_variables(chain, generator):
    """log p(t) = log N(u) + log |du / dt|, the Jacobian by differentiation."""
    targets = torch.randn((5, 9), generator=generator).double()
    context = torch.randn((5, 2, 12), generator=generator).double()
    for row, e in itertools.product(range(5), range(2)):
        one = slice(row, row + 1)
        jacobian = torch.autograd.functional.jacobian(
            lambda t, one=one, e=e: chain.to_noise(t[None], context[one])[0, e], targets[row]
        )
        assert not torch.triu(jacobian[ORDER, :][:, ORDER], 1).any()
        noise = chain.to_noise(targets[one], context[one])[:, e]
        expected = -0.5 * (noise**2).sum() - 4.5 * np.log(2 * np.pi)
        expected = expected + torch.linalg.slogdet(jacobian).logabsdet
        density = chain.log_prob(targets[one], context[one])[:, e].sum()
        torch.testing.assert_close(density, expected, atol=1e-8, rtol=1e-8)


def test_a_target_knows_nothing_of_those_after_it(chain, generator):
    targets = torch.randn((40, 9), generator=generator).double()
    context = torch.randn((40, 2, 12), generator=generator).double()
    density = chain.log_prob(targets, context)
    for k in range(9):
        before = [*parents_of(k), k]
        after = [j for j in range(9) if j not in before]
        other = targets.clone()
        other[:, after] = 5.0
        changed = chain.log_prob(other, context)
        torch.testing.assert_close(changed[..., before], density[..., before], atol=0, rtol=0)
        for j in after:
            assert not torch.allclose(changed[..., j], density[..., j])


def test_what_may_not_exist_is_no_parent_of_what_does():
    last = {TARGET_NAMES.index(name) for name in ("gas_metallicity", "log_bh_mass")}
    for k in range(len(TARGET_NAMES)):
        assert not last & set(parents_of(k))
    everything_else = {TARGET_NAMES.index(n) for n in ("redshift", "log_stellar_mass", "log_sfr")}
    everything_else |= {TARGET_NAMES.index(name) for name in LINE_NAMES}
    assert all(set(parents_of(k)) == everything_else for k in last)
    assert sorted(ORDER) == list(range(9))
    assert ORDER[:3] == (0, 1, 2)


def test_a_fixed_redshift_is_kept_and_the_rest_follows_it(chain, context, member, generator):
    noise = torch.randn((100, 9), generator=generator).double()
    free = chain.from_noise(noise, context, chain.orders(member))
    again = chain.from_noise(noise, context, chain.orders(member), free[:, 0])
    torch.testing.assert_close(again, free, atol=1e-12, rtol=0)
    fixed = chain.from_noise(noise, context, chain.orders(member), torch.zeros(100).double())
    assert not fixed[:, 0].any()
    back = of_members(chain.to_noise(fixed, context.repeat_interleave(20, dim=0)), member)
    torch.testing.assert_close(back[:, 1:], noise[:, 1:])


def test_draws_that_share_a_context_are_those_with_one_each(chain, context, member, generator):
    """The way all splines are inverted, against nflows' with the whole input in every row."""
    noise = torch.randn((100, 9), generator=generator).double()
    shared = chain.from_noise(noise, context, chain.orders(member))
    rows = context.repeat_interleave(20, dim=0)
    for k in range(9):
        part = rows[..., :6] if k in ESTIMATED else rows[..., 6:]
        alone = torch.stack(
            [
                chain.flow(k, e)._transform.inverse(
                    noise[:, k : k + 1], torch.cat([part[:, e], shared[:, parents_of(k)]], dim=1)
                )[0]
                for e in range(2)
            ],
            dim=1,
        ).expand(-1, -1, 9)
        chosen = of_members(alone, member[:, k : k + 1].expand(-1, 9))[:, 0]
        torch.testing.assert_close(shared[:, k], chosen, atol=1e-10, rtol=0)


def test_redshifts_in_bulk_are_those_one_by_one(chain, context, generator):
    noise = torch.randn((5, 7), generator=generator).double()
    member = torch.randint(0, 2, (5, 7), generator=generator)
    bulk = chain.noise_to_redshift(noise, context, member)
    for row, column in itertools.product(range(5), range(7)):
        e, one = int(member[row, column]), slice(row, row + 1)
        alone, _ = chain.spline(0, e).inverse(noise[one, column : column + 1], context[one, e, :6])
        assert bulk[row, column].item() == pytest.approx(alone.item(), rel=1e-9)
        back = chain.redshift_to_noise(bulk[row, column : column + 1], context[one])[0, e, 0]
        assert back.item() == pytest.approx(noise[row, column].item(), abs=1e-7)


def test_an_untrained_chain_is_nearly_standard_normal(generator):
    chain = Chain(context=6).eval()
    noise = torch.randn((200, 9), generator=generator)
    member = torch.zeros((200, 9), dtype=int)
    targets = chain.from_noise(noise, torch.zeros(1, 1, 12), chain.orders(member))
    torch.testing.assert_close(targets, noise, atol=0.05, rtol=0)


@pytest.mark.parametrize("k", range(len(TARGET_NAMES)))
def test_one_target_at_a_time_goes_there_and_back_and_as_all_together(chain, generator, k):
    """Three contexts with four rows each."""
    context = torch.randn(3, 2, 12, generator=generator).double()
    targets = torch.randn(12, len(TARGET_NAMES), generator=generator).double()
    with torch.no_grad():
        noise, log_slope = chain.target_to_noise(
            k, targets[:, k : k + 1], context, targets[:, list(ORDER)]
        )
        every, slopes = chain.noise_and_slope(targets, context.repeat_interleave(4, dim=0))
        member = torch.tensor([0, 1, 1, 0])
        mine = noise.gather(1, member.repeat(3)[:, None])[:, 0]
        back = chain.draw(k, mine, context, member, targets[:, list(ORDER)])
    torch.testing.assert_close(noise, every[:, :, k])
    torch.testing.assert_close(log_slope, slopes[:, :, k])
    torch.testing.assert_close(back[:, 0], targets[:, k], atol=1e-6, rtol=0)
