"""The engine's mechanics, and its sampling against conditioning done by hand."""

import copy
import itertools
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from galexplorer.errors import OptionError, WeightsError
from galexplorer.export.summary import summarise
from galexplorer.inference import sampler
from galexplorer.inference.engine import DOMAIN_FILE, Engine
from galexplorer.inference.neighbours import LIBRARY_FILE
from galexplorer.inference.noise import assign_to_members, base_noise, truncated_normal
from galexplorer.inference.options import check_options
from galexplorer.model.features import WITHOUT_FIBRE
from galexplorer.model.weights import WEIGHTS_FORMAT
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS, TARGETS


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1.0, 2.0),
        (-9.0, -6.0),
        (6.0, 9.0),
        (20.0, 21.0),
        (-21.0, -20.0),
        (-40.0, 0.5),
        (1.0, 50.0),
    ],
)
def test_a_cut_normal_has_the_quantiles_of_scipy(low, high):
    share = np.linspace(0.001, 0.999, 999)
    ours = truncated_normal(
        torch.from_numpy(share), torch.tensor(low).double(), torch.tensor(high).double()
    )
    np.testing.assert_allclose(ours, stats.truncnorm(low, high).ppf(share), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("low", "high", "nearer"), [(60.0, 70.0, 60.0), (-70.0, -60.0, -60.0)])
def test_a_range_without_probability_gives_its_nearer_end(low, high, nearer):
    share = torch.linspace(0, 1, 11).double()
    cut = truncated_normal(share, torch.tensor(low).double(), torch.tensor(high).double())
    assert (cut == nearer).all()


@pytest.mark.parametrize(
    ("redshift", "limits", "draws"),
    [
        (None, None, 99),
        (None, None, 1_000_001),
        (0.1, (0.0, 0.2), 1000),
        (0.0, None, 1000),
        (0.36, None, 1000),
        (float("nan"), None, 1000),
        (None, (0.2, 0.1), 1000),
        (None, (0.1, 0.1), 1000),
        (None, (-0.1, 0.1), 1000),
        (None, (0.1, 0.36), 1000),
        (None, (float("nan"), 0.1), 1000),
    ],
)
def test_impossible_options_are_refused(redshift, limits, draws):
    with pytest.raises(OptionError):
        check_options(redshift, limits, draws)


def test_the_engine_checks_its_options(engine, catalogued):
    with pytest.raises(OptionError, match="not both"):
        engine.infer(catalogued, redshift=0.1, redshift_range=(0.05, 0.2))


@pytest.mark.parametrize("kind", ["catalogued", "pictured"])
def test_the_same_seed_gives_the_same_draws(engine, kind, request):
    observation = request.getfixturevalue(kind)
    one = engine.infer(observation, draws=400, seed=5).posterior.draws
    again = engine.infer(observation, draws=400, seed=5).posterior.draws
    other = engine.infer(observation, draws=400, seed=6).posterior.draws
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.shape == (400, 9)
    assert one.dtype == np.float32


@pytest.mark.parametrize("kind", ["catalogued", "pictured"])
def test_one_look_serves_every_seed(engine, kind, request):
    observation = request.getfixturevalue(kind)
    prepared = engine.prepare(observation)
    for seed in (1, 2):
        fresh = engine.infer(observation, draws=300, seed=seed)
        kept = engine.infer(observation, draws=300, seed=seed, prepared=prepared)
        np.testing.assert_array_equal(kept.posterior.draws, fresh.posterior.draws)
        assert summarise(kept) == summarise(fresh)
        assert kept.neighbours is prepared.neighbours


def test_a_galaxy_has_the_same_draws_alone_and_in_a_batch(engine, catalogued, pictured):
    batch = engine.sample(engine.encode([catalogued, pictured, catalogued]), 300, 1)
    for k, observation in enumerate((catalogued, pictured, catalogued)):
        alone = engine.sample(engine.encode([observation]), 300, 1)[0]
        torch.testing.assert_close(batch[k], alone, atol=2e-4, rtol=1e-4)
    assert not torch.allclose(batch[0], batch[1], atol=0.01)


@pytest.fixture(scope="module")
def many(engine):
    """Draws of 20 galaxies of like magnitudes, (20, 8000, 9)."""
    random = np.random.default_rng(8)
    observed = [
        Observation(
            None,
            Photometry(
                "catalogue",
                {band: 17 + colour + 0.3 * random.standard_normal() for band, colour in
                 zip(BANDS, (1.9, 0.7, 0.0, -0.4, -0.6), strict=True)},
            ),
        )
        for _ in range(20)
    ]  # fmt: skip
    return engine.sample(engine.encode(observed), 8000, 3).numpy().astype(float)


def test_draws_of_different_galaxies_are_independent(many):
    """At equal index, in every target; 190 pairs of 8,000 draws scatter by 0.011."""
    for k in range(len(TARGETS)):
        apart = np.corrcoef(many[:, :, k]) - np.eye(20)
        assert np.abs(apart).max() < 0.05
        assert np.sqrt((apart**2).sum() / (20 * 19)) < 0.014


def test_near_galaxies_of_two_bands_are_independent_too(engine):
    """And one galaxy held at two redshifts, but not the same galaxy twice."""
    pair = [
        Observation(None, Photometry("catalogue", {"g": 17.8, "r": red}))
        for red in (17.001, 17.011, 17.001)
    ]
    encoded = engine.encode(pair)
    one, near, same = engine.sample(encoded, 8000, 3).numpy()[:, :, 1]
    assert abs(np.corrcoef(one, near)[0, 1]) < 0.05
    np.testing.assert_allclose(one, same, atol=1e-4)
    held = torch.tensor([0.05, 0.06, 0.15])
    fixed = engine.sample(encoded, 8000, 3, held).numpy()[:, :, 1]
    assert abs(np.corrcoef(fixed[0], fixed[2])[0, 1]) < 0.05


def test_sums_over_galaxies_scatter_as_those_of_shuffled_draws(many, rng):
    """The total mass of a sample, realisation by realisation."""
    mass = 10 ** (many[:, :, 1] - 10)
    total = np.log10(mass.sum(axis=0)).std()
    shuffled = np.log10(sum(rng.permutation(row) for row in mass)).std()
    assert total == pytest.approx(shuffled, rel=0.1)


def test_draws_of_each_galaxy_are_as_even_as_the_sequence(engine, catalogued, pictured):
    """Quantiles of quasi-random draws scatter less from seed to seed than those of random ones."""
    encoded = engine.encode([catalogued, pictured])
    medians = np.array(
        [engine.sample(encoded, 1000, seed).numpy()[:, :, :3].mean(axis=1) for seed in range(12)]
    )
    draws = engine.sample(encoded, 1000, 99).numpy()[:, :, :3]
    independent = draws.std(axis=1) / np.sqrt(1000)
    assert (medians.std(axis=0) < 0.5 * independent).all()


def test_draws_do_not_depend_on_the_size_of_the_pieces(engine, catalogued, pictured, monkeypatch):
    encoded = engine.encode([catalogued, pictured])
    whole = engine.sample(encoded, 300, 1)
    monkeypatch.setattr("galexplorer.inference.sampler.CHUNK", 300)
    torch.testing.assert_close(engine.sample(encoded, 300, 1), whole, atol=2e-4, rtol=1e-4)


def test_draws_stay_inside_the_domain(engine, catalogued, pictured):
    for observation in (catalogued, pictured):
        draws = engine.infer(observation, draws=1500).posterior.draws
        assert np.isfinite(draws).all()
        for column, target in zip(draws.T, TARGETS, strict=True):
            assert target.low <= column.min()
            assert column.max() <= target.high


def test_a_fixed_redshift_is_constant_and_the_rest_moves_with_it(engine, catalogued):
    near = engine.infer(catalogued, redshift=0.02, draws=500).posterior
    far = engine.infer(catalogued, redshift=0.2, draws=500).posterior
    assert near.fixed == ("redshift",)
    np.testing.assert_array_equal(near.column("redshift"), np.float32(0.02))
    assert not np.allclose(near.column("log_stellar_mass"), far.column("log_stellar_mass"))


@pytest.mark.parametrize("limits", [(0.1, 0.12), (0.0, 0.003), (0.3301, 0.35), (0.123, 0.1231)])
def test_a_redshift_range_is_never_left(engine, catalogued, pictured, limits):
    """Also far out in the tail, and judged in double precision."""
    for observation in (catalogued, pictured):
        result = engine.infer(observation, redshift_range=limits, draws=500)
        redshift = result.posterior.column("redshift").astype(float)
        assert limits[0] <= redshift.min()
        assert redshift.max() <= limits[1]
        assert np.ptp(redshift) > 0.2 * (limits[1] - limits[0])


def test_a_range_restricts_and_does_not_reshape(engine, catalogued):
    free = engine.infer(catalogued, draws=12_000, seed=1).posterior.draws
    inside = free[(free[:, 0] > 0.08) & (free[:, 0] < 0.15)]
    assert len(inside) > 500
    limited = engine.infer(catalogued, redshift_range=(0.08, 0.15), draws=2000, seed=2)
    for k in range(len(TARGETS)):
        assert stats.ks_2samp(inside[:, k], limited.posterior.draws[:, k]).pvalue > 1e-4


def conditioned(engine, observation):
    """Compare draws at a fixed redshift with joint draws that fell close to it.

    Off the median, where what a redshift says shows most: the joint draws as they are must fail.
    """
    joint = engine.infer(observation, draws=40_000, seed=1).posterior.draws.astype(float)
    redshift = float(np.quantile(joint[:, 0], 0.2))
    width = 0.04 * joint[:, 0].std()
    weight = np.exp(-0.5 * ((joint[:, 0] - redshift) / width) ** 2)
    weight /= weight.sum()
    number = 1 / np.sum(weight**2)
    assert number > 500
    fixed = engine.infer(observation, redshift=redshift, draws=8000, seed=2).posterior.draws
    moved = []
    for k in range(1, len(TARGETS)):
        mean = weight @ joint[:, k]
        spread = np.sqrt(weight @ (joint[:, k] - mean) ** 2)
        error = spread * np.hypot(number**-0.5, len(fixed) ** -0.5)
        assert fixed[:, k].mean() == pytest.approx(mean, abs=4.5 * error + 0.002)
        # the width of the middle: metallicities have far tails, and draws borrow them from others,
        # so that the standard deviation of the joint ones differs by a tenth from seed to seed
        middle = np.quantile(joint[:, k], [0.16, 0.84], weights=weight, method="inverted_cdf")
        # that many of few values leave a metallicity's quantiles uncertain too
        tolerance = 0.2 if TARGETS[k].name == "gas_metallicity" else 0.1
        assert np.ptp(np.quantile(fixed[:, k], [0.16, 0.84])) == pytest.approx(
            np.ptp(middle), rel=tolerance
        )
        moved.append(abs(joint[:, k].mean() - mean) / (4.5 * error + 0.002))
    assert max(moved) > 2
    pairs = np.cov(joint[:, 1:].T, aweights=weight)
    difference = np.corrcoef(fixed[:, 1:].T) - pairs / np.sqrt(np.outer(*[np.diag(pairs)] * 2))
    assert np.abs(difference).max() < 5 / np.sqrt(number)


def test_fixing_the_redshift_is_conditioning(engine, catalogued):
    """On flows that heed the redshift: those of random weights hardly do."""
    model = copy.deepcopy(engine.model)
    for k, e in itertools.product(range(1, len(TARGETS)), range(model.sizes.members)):
        into = model.chain.spline(k, e).net[0].weight
        into[:, model.sizes.context] *= 18
    conditioned(Engine(replace(engine.weights, model=model)), catalogued)


@pytest.mark.slow
def test_fixing_the_redshift_is_conditioning_with_the_trained_weights(weights_dir, catalogued):
    conditioned(Engine.load(weights_dir, "cpu"), catalogued)


def test_the_noise_is_evenly_spread():
    shares = base_noise(1000, 3).numpy()
    assert shares.shape == (1000, 9)
    for column in shares.T:
        # a thousand independent draws would lie about 0.027 off
        assert stats.kstest(column, "uniform").statistic < 0.01
    assert np.abs(np.corrcoef(shares.T) - np.eye(9)).max() < 0.15
    assert not np.array_equal(shares, base_noise(1000, 4).numpy())
    # any part of it is a fair sample too, since the order is shuffled
    assert stats.kstest(shares[:200, 0], "uniform").pvalue > 1e-3


def test_a_metallicity_is_that_of_draws_with_the_lines_of_star_formation():
    """Others borrow it from the draw next in redshift; without any such draw all stay."""
    draws = torch.zeros((3, 5, 9))
    draws[:, :, 0] = torch.tensor([0.03, 0.01, 0.05, 0.02, 0.04])
    draws[:, :, 3] = torch.tensor([8.3, 8.1, 8.5, 8.2, 8.4])
    draws[:, :, 7] = 0.5  # [N II] over Ha of an active nucleus
    draws[0, [0, 4], 7] = -0.6  # z = 0.03 and 0.04
    draws[1, :, 7] = -0.6
    before = draws.clone()
    sampler._lend_metallicity(draws)
    np.testing.assert_allclose(draws[0, :, 3], [8.3, 8.3, 8.4, 8.3, 8.4], atol=1e-6)
    assert torch.equal(draws[1:], before[1:])
    others = [k for k in range(9) if k != 3]
    assert torch.equal(draws[..., others], before[..., others])


def test_a_range_weighs_members_by_what_they_have_in_it(engine, catalogued):
    """The draws of a range are those of the whole posterior that lie in it."""
    model = copy.deepcopy(engine.model)
    for e, shift in enumerate((-2.0, 0.0, 2.0)):
        model.chain.spline(0, e).net[-1].bias[0] += shift
    apart = Engine(replace(engine.weights, model=model))
    free = apart.infer(catalogued, draws=40_000, seed=1).posterior.draws[:, 0]
    low, high = (float(q) for q in np.quantile(free, [0.1, 0.6]))
    inside = free[(free >= low) & (free <= high)]
    cut = apart.infer(catalogued, redshift_range=(low, high), draws=8000, seed=2)
    distance = stats.ks_2samp(cut.posterior.draws[:, 0], inside).statistic
    assert distance < 0.02
    # equal weights, wherever a member lies, would be another distribution
    model = copy.deepcopy(model)
    alone = [
        Engine(replace(engine.weights, model=_same_member(model, e))).infer(
            catalogued, redshift_range=(low, high), draws=4000, seed=3
        )
        for e in range(3)
    ]
    equal = np.concatenate([result.posterior.draws[:, 0] for result in alone])
    assert stats.ks_2samp(equal, inside).statistic > 0.04


def _same_member(model, member):
    """Return a model whose members are all one of another's for the redshift."""
    model = copy.deepcopy(model)
    chosen, context = model.chain.flow(0, member), model.first_contexts[member]
    for e in range(model.sizes.members):
        model.chain.flow(0, e).load_state_dict(copy.deepcopy(chosen.state_dict()))
        model.first_contexts[e].load_state_dict(copy.deepcopy(context.state_dict()))
    return model


def test_noise_is_shared_out_evenly_by_the_shares_of_members():
    uniform = base_noise(1000, 3)[:, 0]
    share = torch.tensor([0.2, 0.0, 0.7, 0.1]).double()
    member, quantile = assign_to_members(uniform, share)
    np.testing.assert_allclose(np.bincount(member, minlength=4) / 1000, share, atol=0.005)
    for e in (0, 2, 3):
        assert stats.kstest(quantile[member == e], "uniform").statistic < 0.02


def test_the_result_describes_itself(engine, pictured):
    result = engine.infer(pictured, draws=300, seed=3)
    assert sum(result.bpt.values()) == pytest.approx(1)
    assert result.notes[0] == "A note."
    assert result.view.composite.shape == result.view.reconstruction.shape == (64, 64, 3)
    np.testing.assert_array_equal(result.view.composite, pictured.cutout.grid.transpose(1, 2, 0))
    assert result.provenance["seed"] == 3
    assert result.provenance["draws"] == 300
    assert result.provenance["input_sha256"] == pictured.input_sha256
    assert result.provenance["input_kind"] == "fits"
    assert result.provenance["photometry_used"] == "measured"
    assert result.provenance["bands_used"] == ["g", "r", "i"]
    assert result.provenance["weights_sha256"] == engine.weights.sha256
    assert result.provenance["verdict_sha256"] is None  # random weights have none
    assert set(summarise(result)["posterior"]) == {target.name for target in TARGETS}


def test_without_an_image_there_is_neither_view_nor_neighbour(engine, catalogued):
    result = engine.infer(catalogued, draws=100)
    assert result.view is None
    assert result.neighbours == ()
    assert result.provenance["input_kind"] == "photometry"


def test_an_odd_galaxy_is_outside_the_domain(engine, catalogued):
    plain = engine.infer(catalogued, draws=100).domain
    assert plain.inside
    assert plain.reasons == ()
    catalogued.photometry.magnitudes["u"] = 28.0
    odd = engine.infer(catalogued, draws=100).domain
    assert not odd.inside
    assert odd.score > plain.score
    assert "magnitudes and colours" in odd.reasons[0]


@pytest.mark.parametrize("name", ["model.safetensors", LIBRARY_FILE, DOMAIN_FILE])
def test_a_damaged_or_missing_file_stops_the_engine(random_weights, tmp_path, name):
    folder = shutil.copytree(random_weights, tmp_path / "weights")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 255
    (folder / name).write_bytes(data)
    with pytest.raises(WeightsError, match="damaged"):
        Engine.load(folder, "cpu")
    (folder / name).unlink()
    with pytest.raises(WeightsError, match="missing"):
        Engine.load(folder, "cpu")


def test_a_wrong_or_missing_manifest_stops_the_engine(random_weights, tmp_path):
    folder = shutil.copytree(random_weights, tmp_path / "weights")
    manifest = folder / "manifest.json"
    older = json.loads(manifest.read_text()) | {"format": WEIGHTS_FORMAT - 1}
    manifest.write_text(json.dumps(older))
    with pytest.raises(WeightsError, match="another version"):
        Engine.load(folder, "cpu")
    manifest.unlink()
    with pytest.raises(WeightsError, match="No readable model"):
        Engine.load(folder, "cpu")


@pytest.fixture
def limited() -> Observation:
    """A galaxy of which an image in u shows nothing."""
    magnitudes = {"u": 24.63, "g": 18.0, "r": 17.2, "i": 16.8, "z": 16.6}
    return Observation(None, Photometry("catalogue", magnitudes, {"u": 1.5}))


def test_a_limit_tells_networks_that_know_it(engine, limited):
    missing = without_u(limited)
    one, other = (engine.encode([observation]) for observation in (limited, missing))
    assert not torch.allclose(one.context, other.context)
    assert not any("upper limits" in note for note in engine.infer(limited, draws=100).notes)


def test_a_limit_is_a_missing_band_to_networks_that_do_not_and_is_said_to_be(weights_dir, limited):
    engine = Engine.load(weights_dir, "cpu")
    if engine.model.sizes.features > WITHOUT_FIBRE:
        pytest.skip("the trained networks know limits")
    one, other = (engine.infer(o, draws=100) for o in (limited, without_u(limited)))
    np.testing.assert_array_equal(one.posterior.draws, other.posterior.draws)
    assert one.domain == other.domain
    assert "u: within the noise, and not used" in " ".join(one.notes)


def without_u(observation: Observation) -> Observation:
    magnitudes = {b: v for b, v in observation.photometry.magnitudes.items() if b != "u"}
    return replace(observation, photometry=Photometry("catalogue", magnitudes))
