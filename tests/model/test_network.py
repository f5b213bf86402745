"""The whole model: scales of the targets, symmetries of the image, missing numbers."""

import copy

import numpy as np
import pytest
import torch

from galexplorer.model.features import (
    HAS_CATALOGUE_PHOTOMETRY,
    JPEG,
    LOG_SCALE,
    MEASURED_SIZES,
    SIZE,
    SIZES,
    WITHOUT_FIBRE,
    expand_gri_to_ugriz,
    photometry_features,
    scaled_log_pixel_size,
)
from galexplorer.model.modes import MODES, modes_of
from galexplorer.model.network import SYMMETRIES, GalaxyModel, ImageSummary
from galexplorer.model.regressor import ESTIMATE
from galexplorer.model.sizes import Sizes
from galexplorer.model.vae import dihedral, fold_batch_norms
from galexplorer.schema import MEASURABLE_NAMES


@pytest.fixture(scope="module")
def model() -> GalaxyModel:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = GalaxyModel().eval().requires_grad_(False)
    model.target_mean.copy_(torch.tensor([-2.1, 10.5, 0.2, 8.8, 7.0, 2.0, 1.5, 1.6, 1.4]))
    model.target_std.copy_(torch.tensor([0.5, 0.6, 0.7, 0.25, 1.0, 0.6, 0.6, 0.6, 0.7]))
    model.base_shift[MODES.index("jpeg")] = 0.3
    model.base_width[MODES.index("jpeg")] = 1.2
    model.base_skew[MODES.index("image")] = 0.2
    model.base_tail[MODES.index("image")] = 0.8
    return model


@pytest.fixture
def grid() -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 255, (3, 3, 64, 64), generator=generator, dtype=torch.uint8)


def test_standardising_is_undone(model):
    targets = torch.tensor([[0.08, 10.7, 0.3, 8.9, 7.4, 2.2, 1.7, 1.8, 1.1]])
    standard = model.standardise(targets)
    torch.testing.assert_close(model.unstandardise(standard), targets)
    assert standard[0, 0].item() == pytest.approx((np.log(0.1) + 2.1) / 0.5, abs=1e-5)


@pytest.fixture
def context(model) -> torch.Tensor:
    shape = (4, model.sizes.members, 2 * model.sizes.context)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_redshifts_and_their_base_are_one_to_one(model, context):
    mode = torch.tensor([0, 1, 2, 3])
    redshift = torch.tensor([0.004, 0.02, 0.1, 0.3])
    base = model.redshift_to_base(redshift, context, mode)
    assert base.shape == (4, 3, 4)
    assert (torch.diff(base, dim=2) > 0).all()
    for e in range(3):
        member = torch.full((4, 4), e)
        back = model.redshift_from_base(base[:, e], member, context, mode)
        torch.testing.assert_close(back, redshift.repeat(4, 1), atol=1e-5, rtol=1e-4)


def test_draws_carry_the_calibration_of_their_mode(model, context):
    """A mode of shift 0.3 and width 1.2 is that noise given to an uncalibrated mode."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn((40, 9), generator=generator)
    member = torch.randint(0, 3, (10, 9), generator=generator)
    redshift = torch.linspace(0.02, 0.3, 40)

    def sample(name: str, noise: torch.Tensor) -> torch.Tensor:
        mode = torch.full((4,), MODES.index(name))
        return model.sample(context, mode, noise, model.chain.orders(member), redshift)

    torch.testing.assert_close(sample("jpeg", noise), sample("photometry", 0.3 + 1.2 * noise))
    bent = torch.sinh((torch.asinh(noise) + 0.2) / 0.8)
    torch.testing.assert_close(sample("image", noise), sample("photometry", bent))
    torch.testing.assert_close(sample("image", noise)[:, 0], redshift)


def test_what_is_given_decides_the_calibration():
    """An image with a catalogue's magnitudes is not one with its own, nor one without any."""
    magnitudes = np.array([[19.0, 17.6, 16.8, 16.4, 16.1]] * 5 + [[np.nan] * 5])
    origin = np.array([0, 1, 2, 1, 2, 1])
    own = np.array([False, True, True, False, False, False])
    feature = photometry_features(
        magnitudes,
        np.full((6, 5), 0.02),
        np.full((6, 2), np.nan),
        own,
        own,
        np.full(6, 0.4),
        origin,
    )
    use_estimate = torch.from_numpy(origin == JPEG)
    mode = modes_of(torch.from_numpy(feature), use_estimate)
    named = [MODES[k] for k in mode]
    both = "image and catalogue"
    assert named == ["photometry", "image", "jpeg", both, "jpeg", "image"]
    # a JPEG that no regressor estimates from is an image like others
    unasked = modes_of(torch.from_numpy(feature), torch.zeros(6, dtype=torch.bool))
    assert [MODES[k] for k in unasked] == ["photometry", "image", "image", both, both, "image"]


def test_the_ensemble_is_the_mean_of_its_members(model, context):
    """Densities are averaged, not their logarithms."""
    mode = torch.tensor([0, 1, 2, 3])
    targets = torch.tensor([[0.08, 10.7, 0.3, 8.9, 7.4, 2.2, 1.7, 1.8, 1.1]]).repeat(4, 1)
    for k in (0, 1, 4, 7):
        found = model.log_density(k, targets, context, mode)
        alone = []
        for e in range(3):  # three times the same member: the mixture is that one
            same = copy.deepcopy(model)
            for other in range(3):
                same.chain.flow(k, other).load_state_dict(model.chain.flow(k, e).state_dict())
            alone.append(same.log_density(k, targets, context[:, [e] * 3], mode))
        mean = torch.log(torch.stack(alone).exp().mean(dim=0))
        torch.testing.assert_close(found, mean, atol=1e-5, rtol=0)


def test_what_a_spectrum_would_show_follows_its_calibration(model, context):
    redshift = torch.linspace(0.01, 0.2, 4)
    jpeg = torch.full((4,), MODES.index("jpeg"))
    plain = model.measurable_probability(context, jpeg, redshift)
    assert plain.shape == (4, len(MEASURABLE_NAMES))
    logit = model.measurable_logit(context, redshift).mean(dim=1)
    torch.testing.assert_close(plain, torch.sigmoid(logit))
    assert not torch.equal(plain, model.measurable_probability(context, jpeg, redshift + 0.1))


def test_the_eight_symmetries_are_different_and_close(grid):
    image = grid.float()
    views = [dihedral(image, element) for element in range(SYMMETRIES)]
    for a in range(SYMMETRIES):
        for b in range(a):
            assert not torch.equal(views[a], views[b])
    again = dihedral(views[5], 3)
    assert sum(torch.equal(again, view) for view in views) == 1


def test_latents_do_not_depend_on_orientation(model, grid):
    mean, log_variance = model.encode(grid)
    turned_mean, turned_variance = model.encode(dihedral(grid, 6))
    torch.testing.assert_close(turned_mean, mean, atol=1e-5, rtol=0)
    torch.testing.assert_close(turned_variance, log_variance, atol=1e-5, rtol=0)
    assert mean.shape == (3, 32)


def test_estimates_do_not_depend_on_orientation_and_are_those_of_all_regressors(model, grid):
    log_scale = torch.tensor([0.0, 0.4, -0.3])
    estimate = model.estimate(grid, log_scale)
    turned = model.estimate(dihedral(grid, 3), log_scale)
    torch.testing.assert_close(turned, estimate, atol=1e-5, rtol=0)
    alone = torch.stack([model.estimate(grid, log_scale, by=k) for k in range(5)])
    torch.testing.assert_close(alone.mean(dim=0), estimate, atol=1e-5, rtol=0)
    assert (alone.std(dim=0) > 0).all()
    assert not torch.equal(model.estimate(grid, log_scale + 1.0), estimate)


def test_without_regressors_there_is_no_estimate(grid):
    model = GalaxyModel(Sizes(regressors=0)).eval()
    assert not model.estimate(grid, torch.zeros(3)).any()
    everyone = torch.ones(3, dtype=torch.bool)
    assert not model.summarise(grid, torch.zeros(3), everyone).estimate.any()


def test_only_those_who_are_asked_for_have_an_estimate(model, grid):
    log_scale, use_estimate = torch.tensor([0.0, 0.4, -0.3]), torch.tensor([False, True, True])
    found = model.summarise(grid, log_scale, use_estimate)
    torch.testing.assert_close(found.estimate[1:], model.estimate(grid, log_scale)[1:])
    assert not found.estimate[0].any()
    torch.testing.assert_close(found.mean, model.encode(grid)[0])


def test_beside_an_estimate_redshift_and_mass_see_a_catalogue_and_nothing_of_the_image(model):
    """All that the image tells of them is in the estimate; all other targets see both."""
    model.first_contexts.load_state_dict(model.contexts.state_dict())  # networks alike
    generator = torch.Generator().manual_seed(8)
    mean, log_variance, estimate = (
        torch.randn((4, size), generator=generator) for size in (32, 32, ESTIMATE)
    )
    estimate[3] = 0.0
    feature = torch.randn((4, SIZE), generator=generator)
    feature[:, HAS_CATALOGUE_PHOTOMETRY] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    size = model.sizes.context

    def halves(mean, feature):
        found = model.context_of(ImageSummary(mean, log_variance, estimate), feature)
        return found[..., :size], found[..., size:]

    feature[:, MEASURED_SIZES] = 1.0
    first, second = halves(mean, feature)
    bright, small, wide = feature.clone(), feature.clone(), feature.clone()
    bright[:, :HAS_CATALOGUE_PHOTOMETRY] += 1.0
    wide[:, SIZES[:4]] += 1.0
    small[:, LOG_SCALE] += 1.0
    for changed, same in (
        (halves(mean + 1, feature), [True, True, True, False]),
        (halves(mean, bright), [True, False, True, False]),
        (halves(mean, wide), [True, True, True, False]),
        (halves(mean, small), [False, False, False, False]),
    ):
        assert (changed[0] == first).flatten(1).all(dim=1).tolist() == same
        assert not (changed[1] == second).flatten(1).all(dim=1).any()
    assert torch.equal(first[3], second[3])
    for k in range(9):
        part = model.chain.context_for(k, torch.cat([first, second], dim=2))
        assert torch.equal(part, first if k < 2 else second)


def test_the_decoder_gives_an_image(model):
    picture = model.decoder(torch.zeros(2, 32))
    assert picture.shape == (2, 3, 64, 64)
    assert picture.min() >= 0
    assert picture.max() <= 1


def features(
    magnitudes,
    errors=None,
    petro=(np.nan, np.nan),
    scale=np.nan,
    origin=0,
    measured=False,
    petro_magnitudes=None,
):
    return photometry_features(
        np.array([magnitudes], float),
        np.full((1, 5), np.nan) if errors is None else np.array([errors], float),
        np.array([petro], float),
        np.array([measured]),
        np.array([measured]),
        np.array([scale]),
        np.array([origin]),
        None if petro_magnitudes is None else np.array([petro_magnitudes], float),
    )


def test_missing_numbers_are_zero_and_said_to_be_missing():
    nothing = features([np.nan] * 5)
    assert nothing.shape == (1, SIZE)
    assert nothing.dtype == np.float32
    assert not nothing.any()


def test_the_size_of_a_pixel_stands_where_the_regressors_look_for_it():
    for scale in (0.2, 0.5, np.nan):
        row = features([19.2, 17.7, 17.0, 16.7, 16.5], scale=scale, origin=2)[0]
        assert row[LOG_SCALE] == pytest.approx(
            scaled_log_pixel_size(np.array([scale]))[0], rel=1e-6
        )
    assert scaled_log_pixel_size(np.array([np.nan])) == scaled_log_pixel_size(np.array([0.4]))


def test_a_missing_band_takes_its_colours_along():
    full = features([19.2, 17.7, 17.0, 16.7, 16.5])[0]
    without_g = features([19.2, np.nan, 17.0, 16.7, 16.5])[0]
    assert (full[:5] != 0).all()
    np.testing.assert_array_equal(without_g[[0, 2, 3, 4]], full[[0, 2, 3, 4]])
    assert without_g[1] == 0
    np.testing.assert_array_equal(without_g[5:9] != 0, [False, False, True, True])
    np.testing.assert_array_equal(without_g[9:14], [1, 0, 1, 1, 1])


def test_petrosian_magnitudes_count_beside_model_magnitudes_of_their_band():
    alone = features([np.nan] * 5, petro_magnitudes=[19.2, 17.7, 17.1, 16.8, 16.6])
    assert not alone.any()
    equal = features([19.2, 17.7, 17.0, 16.7, 16.5], petro_magnitudes=[np.nan, 17.7] + [np.nan] * 3)
    plain = features([19.2, 17.7, 17.0, 16.7, 16.5])
    assert np.flatnonzero(equal != plain).tolist() == [
        WITHOUT_FIBRE - 4  # the flag of g alone
    ]


def test_every_piece_of_input_changes_the_features():
    plain = features([19.2, 17.7, 17.0, 16.7, 16.5])
    for other in (
        features([19.2, 17.7, 17.0, 16.7, 16.5], errors=[0.2] * 5),
        features([19.2, 17.7, 17.0, 16.7, 16.5], petro=(3.0, 8.0)),
        features([19.2, 17.7, 17.0, 16.7, 16.5], measured=True),
        features([19.2, 17.7, 17.0, 16.7, 16.5], scale=0.5, origin=1),
        features([19.2, 17.7, 17.0, 16.7, 16.5], petro_magnitudes=[19.2, 17.7, 17.1, 16.8, 16.6]),
    ):
        assert np.isfinite(other).all()
        assert not np.array_equal(other, plain)


def test_absurd_numbers_are_bounded():
    wild = features([99.0, -99.0, 17.0, 16.7, 16.5], errors=[1e9] * 5, petro=(1e9, 1e-9))
    assert np.isfinite(wild).all()
    assert np.abs(wild).max() <= 8


def test_image_bands_are_put_among_five():
    wide = expand_gri_to_ugriz(np.array([[1.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(wide, [[np.nan, 1.0, 2.0, 3.0, np.nan]])


def test_folded_normalisations_change_rounding_alone(model, grid):
    trained = copy.deepcopy(model).train()
    for _ in range(3):  # statistics other than 0 and 1
        trained.reconstruct(grid)
        trained.estimate(grid, torch.zeros(3), symmetries=1)
    trained.eval()
    folded = fold_batch_norms(trained)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in trained.modules())
    with torch.no_grad():
        for name, arguments in {
            "encode": (grid,),
            "estimate": (grid, torch.zeros(3)),
            "reconstruct": (grid,),
        }.items():
            found, expected = (getattr(net, name)(*arguments) for net in (folded, trained))
            torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
            assert not torch.equal(expected[0], getattr(model, name)(*arguments)[0])
