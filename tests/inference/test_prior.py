"""A redshift prior of the user's own: exact, reproducible, and honest about conflicts."""

import json

import numpy as np
import pytest
from astropy.table import Table
from scipy.stats import norm

from galexplorer.api.engine import load
from galexplorer.catalogue import read_catalogue
from galexplorer.cli import main
from galexplorer.errors import InputError, OptionError
from galexplorer.inference.prior import gaussian, multiply, read_prior
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.schema import TARGET_NAMES, TARGETS

MAGNITUDES = {"u": 19.1, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}
MANY = 100_000
LEVELS = (0.05, 0.16, 0.5, 0.84, 0.95)


@pytest.fixture(scope="module")
def engine(request):
    request.getfixturevalue("weights_dir")
    return load(device="cpu")


@pytest.fixture(scope="module")
def free(engine):
    return engine.infer(magnitudes=MAGNITUDES, draws=MANY, seed=1).posterior.draws.astype(float)


def shares_below(result, free, weights):
    """Return by target the weighted share of free draws below the quantiles of a result.

    What Monte-Carlo errors are known of: those of quantiles depend on the density there. The
    metallicity is left out, since draws without lines of star formation lend it from each other.
    """
    found = {}
    for k, name in enumerate(TARGET_NAMES):
        if name != "gas_metallicity":
            quantiles = np.quantile(result.posterior.column(name).astype(float), LEVELS)
            below = free[:, k][:, None] <= quantiles
            found[name] = (weights[:, None] * below).sum(axis=0) / weights.sum()
    return found


@pytest.mark.parametrize(("mean", "sigma"), [(0.09, 0.004), (0.07, 0.02), (0.12, 0.01)])
def test_equals_importance_reweighting(engine, free, mean, sigma):
    """All targets, within Monte-Carlo error."""
    result = engine.infer(magnitudes=MAGNITUDES, draws=20_000, seed=2, prior=(mean, sigma))
    weights = np.exp(-0.5 * ((free[:, 0] - mean) / sigma) ** 2)
    effective = weights.sum() ** 2 / (weights**2).sum()
    levels = np.array(LEVELS)
    error = np.sqrt(levels * (1 - levels) * (1 / effective + 1 / 20_000))
    for name, shares in shares_below(result, free, weights).items():
        assert np.abs((shares - levels) / error).max() < 4.5, name
    told = result.provenance["redshift_prior"]
    assert told["effective_draws"] / 20_000 == pytest.approx(effective / MANY, rel=0.02)
    assert "prior_conflict" not in result.verdict.codes


def test_a_flat_prior_changes_nothing(engine, free):
    low, high = TARGETS[0].bounds
    flat = Table({"z": [low, high], "p": [3.0, 3.0]})
    result = engine.infer(magnitudes=MAGNITUDES, draws=20_000, seed=1, prior=flat)
    for name, shares in shares_below(result, free, np.ones(len(free))).items():
        assert np.abs(shares - LEVELS).max() < 0.008, name
    told = result.provenance["redshift_prior"]
    assert told["effective_draws"] == pytest.approx(20_000, rel=1e-3)
    assert told["agreement"] > 0.98


@pytest.mark.parametrize("prior", [(0.25, 0.003), (0.005, 0.0005)])
def test_a_conflict_is_said(engine, prior):
    result = engine.infer(magnitudes=MAGNITUDES, draws=1000, prior=prior)
    assert "effective sample" in result.notes[-1]
    assert "prior_conflict" in result.verdict.codes
    assert any("contradict" in each.what for each in result.verdict.reasons)
    assert result.provenance["redshift_prior"]["agreement"] < 0.01
    z = result.posterior.column("redshift")
    assert abs(np.median(z) - prior[0]) < 4 * prior[1]


def test_agreement_is_the_probability_of_so_great_a_difference():
    """Of normal densities, that of a normal deviate beyond their distance."""
    z = np.linspace(0, 0.35, 4001)
    mass = np.diff(gaussian(0.15, 0.01).cumulative(z))
    for mean, sigma in (
        *((0.15, 0.001), (0.16, 0.001), (0.17, 0.001), (0.18, 0.001)),
        *((0.19, 0.01), (0.23, 0.02), (0.11, 0.02)),
    ):
        weight = multiply(z, mass, gaussian(mean, sigma)).weight
        expected = 2 * norm.sf(abs(mean - 0.15) / np.hypot(0.01, sigma))
        assert weight.agreement == pytest.approx(expected, rel=0.06, abs=2e-5)
        assert bool(weight.doubts) == (expected < 0.01)
    normal = 1 / np.sqrt(2 * np.pi * (0.01**2 + 0.02**2))
    evidence = multiply(z, mass, gaussian(0.15, 0.02)).weight.evidence
    assert evidence == pytest.approx(normal, rel=1e-3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"z,p\n0.1,1\n", "1 rows"),
        (b"z,p\n0.1,1\n0.2,-1\n", "negative"),
        (b"z,p\n0.1,1\n0.1,2\n", "twice"),
        (b"z,p\n0.1,\n0.2,2\n", "without a redshift"),
        (b"z,p\n0.1,0\n0.2,0\n", "no density"),
        (b"z,p\n0,1\n1e-308,0\n", "no density"),
        (b"a,b,c\n1,2,3\n4,5,6\n", "a column z and a column p"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ],
)
def test_files_that_are_no_prior(content, words):
    with pytest.raises(InputError, match=words):
        read_prior(content)


def test_options_that_contradict(engine):
    for options in (
        {"prior": (0.1, 0.01), "redshift": 0.1},
        {"prior": (1.5, 0.01)},
        {"prior": (0.1, 0.0)},
        {"prior": (0.1, float("nan"))},
        {"prior": (0.1, 0.001), "redshift_range": (0.2, 0.3)},
    ):
        with pytest.raises(OptionError):
            engine.infer(magnitudes=MAGNITUDES, **options)


def test_inside_a_range(engine):
    result = engine.infer(
        magnitudes=MAGNITUDES, prior=(0.09, 0.02), redshift_range=(0.08, 0.1), draws=2000
    )
    z = result.posterior.column("redshift")
    assert z.min() >= 0.08
    assert z.max() <= 0.1


def test_the_same_from_python_the_command_line_and_a_catalogue(engine, tmp_path, capsys):
    z = np.linspace(0.02, 0.2, 60)
    path = tmp_path / "pz.ecsv"
    Table({"z": z, "p": np.exp(-0.5 * ((z - 0.1) / 0.02) ** 2)}).write(path)
    own = engine.infer(magnitudes=MAGNITUDES, prior=path, draws=500, seed=3)
    given = [f"--mag-{band}={value}" for band, value in MAGNITUDES.items()]
    options = ["--redshift-prior", str(path), "--draws", "500", "--seed", "3"]
    assert main(["infer", *given, *options]) == 0
    printed = json.loads(capsys.readouterr().out)
    median = printed["posterior"]["redshift"]["p50"]
    exact = own.posterior.summary()["redshift"]["p50"]
    assert median == pytest.approx(exact, abs=1e-5)  # it prints five decimals
    assert printed["provenance"]["redshift_prior"]["sha256"] == read_prior(path).sha256
    rows = read_catalogue(Table({band: [value] for band, value in MAGNITUDES.items()}))
    table = infer_catalogue(engine, rows, prior=path, draws=500, seed=3)
    assert table["redshift_p50"][0] == pytest.approx(exact, rel=1e-5)


def test_rows_have_priors_of_their_own(engine):
    number = 5
    table = Table({band: [value] * number for band, value in MAGNITUDES.items()})
    table["redshift_prior_mean"] = [0.09, 0.25, np.nan, 0.09, 0.09]
    table["redshift_prior_sigma"] = [0.004, 0.003, np.nan, np.nan, 0.004]
    table["redshift"] = [np.nan, np.nan, np.nan, np.nan, 0.1]
    found = infer_catalogue(engine, read_catalogue(table), draws=500)
    assert found["redshift_p50"][0] == pytest.approx(0.09, abs=0.002)
    assert "prior_conflict" in found["flag"][1]
    assert found["redshift_p84"][2] - found["redshift_p16"][2] > 0.03
    assert "both a mean and a standard deviation" in found["flag"][3]
    assert found["redshift_p50"][4] == pytest.approx(0.1)
    alone = engine.infer(magnitudes=MAGNITUDES, prior=(0.09, 0.004), draws=500)
    assert found["redshift_p50"][0] == pytest.approx(
        alone.posterior.summary()["redshift"]["p50"], rel=1e-5
    )
