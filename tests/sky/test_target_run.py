"""What becomes of each row of a list of targets."""

import pytest

from galexplorer.catalogue import read_catalogue
from galexplorer.inference.engine import Engine
from galexplorer.inference.prior import read_prior
from galexplorer.query.target_list import Target, read_targets
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.runs.options import Options
from galexplorer.runs.target_run import infer_target


def read(text: str, name: str = "list.txt"):
    return read_targets(text.encode(), name).targets


class Lazy:
    """An engine that must not be loaded."""

    def __call__(self):
        raise AssertionError("loaded for a target that has no pixels")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no such galaxy", "No object is known by the name"),
        ("10:99:00 +20:00:00", "minutes or seconds of 60 or more"),
        ("far", "redshift 0.410"),
        ("", "neither a name nor a position nor a magnitude"),
    ],
)
def test_a_bad_target_is_an_outcome(replay, settings, text, words):
    outcome = infer_target(Target("row", text), Lazy(), settings=settings)
    assert outcome.result is None
    assert words in outcome.problem


def test_a_good_target_has_values_and_their_origins(replay, settings, weights_dir):

    engine = Engine.load(weights_dir)
    said = []
    outcome = infer_target(
        Target("haro 25", "haro 25", 0.0258),
        lambda: engine,
        options=Options(None, 200, 0),
        progress=said.append,
        settings=settings,
    )
    assert not outcome.problem
    assert (outcome.ra, outcome.dec) == pytest.approx((162.18416, 26.05369), abs=1e-3)
    assert outcome.result.posterior.fixed == ("redshift",)
    assert outcome.result.known["redshift"] == 0.0258
    assert {"pixels", "photometry"} <= set(outcome.result.origins)
    assert outcome.result.view is not None
    assert outcome.slim().result.view is None  # hundreds of them must fit in memory
    assert outcome.slim().result.posterior is outcome.result.posterior
    assert said[-1] == "inferring"


def test_a_specobjid_in_place_of_an_objid_is_an_outcome(settings):
    (target,) = read_targets(b"299489676975171584\n").targets
    outcome = infer_target(target, Lazy(), settings=settings)
    assert "is a specObjID (plate 266, MJD 51602, fibre 1), not an objID" in outcome.problem


@pytest.mark.parametrize(
    "line", ["NGC 5332, 0.7", "NGC 5332 z=0.7", "target,redshift\nNGC 5332,0.7"]
)
def test_a_redshift_that_the_model_does_not_know_is_an_outcome(line, settings):
    (target,) = read(line)
    outcome = infer_target(target, Lazy(), settings=settings)
    assert outcome.problem.startswith("Its redshift 0.7 is outside the model's range")


def test_a_row_has_a_range_and_a_prior_of_its_own(settings, weights_dir):
    engine = Engine.load(weights_dir)
    text = (
        "id,g,r,i,redshift_min,redshift_max,redshift_prior_mean,redshift_prior_sigma,redshift\n"
        "a,17.6,17,16.6,0.05,,,,\nb,17.6,17,16.6,0.05,0.1,0.08,0.003,\nc,17.6,17,16.6,0.2,,,,\n"
        "d,17.6,17,16.6,,,0.1,,\ne,17.6,17,16.6,0.2,0.3,,,0.07\nf,17.6,17,16.6,,,,,\n"
        "g,17.6,17,16.6,,,,,0.7\nh,17.6,17,16.6,0.14,,0.05,0.001,\n"
    )
    given = read(text)
    assert given[0].redshift_range == (0.05, None)
    options = Options((0.02, 0.15), 100, 0, read_prior((0.06, 0.01)))
    found = [infer_target(own, lambda: engine, options=options, settings=settings) for own in given]
    limits = [(0.05, 0.15), (0.05, 0.1), None, None, None, (0.02, 0.15), None, None]
    priors = ["0.06 ± 0.01", "0.08 ± 0.003", None, None, None, "0.06 ± 0.01", None, None]
    for outcome, limit, prior in zip(found, limits, priors, strict=True):
        made = {} if outcome.result is None else outcome.result.provenance
        assert made.get("redshift_range") == (limit and list(limit))
        assert made.get("redshift_prior", {}).get("prior") == prior
    assert found[2].problem == (
        "Its redshift range 0.2 to ... has nothing in common with 0.02 to 0.15: correct it, or "
        "leave it empty."
    )
    assert "needs both a mean and a standard deviation" in found[3].problem
    assert found[4].result.posterior.fixed == ("redshift",)
    # in a catalogue the same rows are refused, in the same words
    table = infer_catalogue(
        engine,
        read_catalogue(text.encode()),
        redshift_range=(0.02, 0.15),
        prior=(0.06, 0.01),
        draws=100,
    )
    assert [outcome.problem for outcome in found] == [
        flag.partition("not_inferred: ")[2] for flag in table["flag"]
    ]
    assert sum(outcome.problem != "" for outcome in found) == 4


def test_a_limit_that_is_no_number_is_no_redshift():
    """It counts as missing, as in a catalogue, and the row's note says so."""
    (only,) = read("id,g,r,i,redshift_min,redshift_max\na,17.6,17,16.6,abc,0.1\n")
    assert (only.redshift, only.redshift_range) == (None, (None, 0.1))
    assert "redshift_min (unreadable)" in only.notes[0]


def test_a_redshift_that_is_no_number_is_an_outcome(settings):
    first, _ = read("target,redshift\nNGC 5332,none given\nM 51,0.002\n")
    assert "Its redshift is not a number" in infer_target(first, Lazy(), settings=settings).problem
