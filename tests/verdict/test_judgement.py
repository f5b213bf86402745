"""Rules of the verdict, and what the trained classifiers make of real stars and galaxies."""

import numpy as np
import pandas as pd
import pytest

from galexplorer.datasets.shards import TEST
from galexplorer.inference.engine import Engine
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.result import Domain
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, FINE, reason
from galexplorer.schema import BANDS
from galexplorer.verdict.judgement import (
    _weigh_bands,
    doubts_about_prior,
    doubts_about_redshift,
    judge,
)

INSIDE = Domain(True, 50.0)
NAN = np.array([np.nan])


def listed(*magnitudes: float, **given: float) -> Observation:
    known = dict(zip(BANDS, map(float, magnitudes), strict=False))
    return Observation(None, Photometry("catalogue", known, **given))


def one(observation: Observation, domain: Domain = INSIDE):
    return judge(None, [observation], [domain])[0]


def test_without_classifiers_rules_and_domain_decide():
    usual = listed(19.0, 17.6, 16.8, 16.4, 16.1)
    assert one(usual).level == FINE
    assert np.isnan(one(usual).p_galaxy)
    odd = one(usual, Domain(False, 99.9, ("Its colours are odd.",)))
    assert (odd.level, odd.codes) == (CAUTION, ("outside_domain",))
    assert "Its colours are odd." in odd.reasons[0].what


@pytest.mark.parametrize(
    "impossible",
    [
        listed(19.0, 22.0, 16.8, 16.4, 16.1),
        listed(9.0, 6.5, 5.5, 5.2, 5.0),
        listed(19.0, 17.6, 16.8, 16.4, 16.1, petro_r50=0.01),
    ],
    ids=["colour", "brightness", "size"],
)
def test_what_no_galaxy_can_be_is_not_used(impossible):
    found = one(impossible)
    assert (found.level, found.codes) == (DO_NOT_USE, ("impossible",))


def test_noise_excuses_an_odd_colour():
    errors = {"g": 2.0, "r": 0.1, "i": 0.1}
    assert one(listed(19.0, 22.0, 16.8, 16.4, 16.1, errors=errors)).level == FINE


def test_what_measuring_told_is_in_the_verdict():
    seen = Observation(
        None, Photometry("measured", {"r": 16.0}), concerns=(reason("cut_off", CAUTION),)
    )
    assert one(seen).codes == ("cut_off",)


@pytest.mark.parametrize(
    ("beyond", "inside", "rare", "level", "codes"),
    [
        (0.0, np.nan, np.nan, FINE, ()),
        (0.8, np.nan, np.nan, CAUTION, ("beyond",)),
        (0.8, np.nan, 0.5, FINE, ()),  # it is given, and the image agrees
        (0.0, 0.5, np.nan, FINE, ()),
        (0.0, 0.02, np.nan, CAUTION, ("prior_conflict",)),
        (0.0, 1e-5, np.nan, DO_NOT_USE, ("prior_conflict",)),
        (0.0, np.nan, 1e-3, CAUTION, ("fixed_redshift",)),
        (0.0, np.nan, 1e-6, DO_NOT_USE, ("fixed_redshift",)),
    ],
)
def test_a_redshift_that_the_data_contradict(beyond, inside, rare, level, codes):
    found = doubts_about_redshift(*(np.array([value]) for value in (beyond, inside, rare)))[0]
    assert tuple(each.code for each in found) == codes
    assert max([each.level for each in found], default=FINE) == level


def test_a_prior_that_the_data_contradict():
    assert doubts_about_prior(0.3) == ()
    assert doubts_about_prior(0.002)[0].level == CAUTION
    assert doubts_about_prior(1e-7)[0].level == DO_NOT_USE


@pytest.fixture(scope="module")
def engine(weights_dir) -> Engine:
    return Engine.load(weights_dir, "cpu")


def test_real_stars_and_galaxies_are_told_apart(engine, data_dir):
    """A small part of `galexplorer evaluate --domain`, on square degrees that were held out."""
    from galexplorer.datasets.shards import split_of
    from galexplorer.screening.tables import NEGATIVES

    assert engine.screens is not None
    others = pd.read_csv(data_dir / NEGATIVES)
    galaxies = pd.read_csv(data_dir / "sdss_lines_z010.csv.gz")
    caught = {}
    for name, table in (
        ("star", others[others["class"] == "STAR"]),
        ("quasar", others[others["class"] == "QSO"]),
        ("galaxy", galaxies),
    ):
        bright = table[table.r.between(14, 18.5)]
        kept = [split_of(ra, dec) == TEST for ra, dec in zip(bright.ra, bright.dec, strict=True)]
        rows = bright[kept].head(150)[list(BANDS)].to_numpy(float)
        assert len(rows) > 60
        verdicts = judge(engine.screens, [listed(*row) for row in rows], [INSIDE] * len(rows))
        caught[name] = np.mean([not verdict.usable for verdict in verdicts])
    assert caught["star"] > 0.84
    assert caught["quasar"] > 0.6
    assert caught["galaxy"] < 0.03


def test_units_a_thousand_times_wrong_are_no_galaxys_surface_brightness():
    for factor, code in ((1.0, ()), (1000.0, ("units",)), (0.001, ("units",))):
        r = 16.5 - 2.5 * np.log10(factor)
        seen = Photometry("measured", {"r": r}, petro_r50=3.0, petro_kind="measured")
        assert one(Observation(None, seen)).codes == code


def test_what_is_too_faint_for_the_pixels_has_other_units():
    for r, code in ((19.0, ()), (22.5, ("units",))):
        seen = Photometry("measured", {"r": r}, petro_r50=1.5, petro_kind="measured")
        assert one(Observation(None, seen)).codes == code


@pytest.mark.parametrize(("colour", "level"), [(-0.4, DO_NOT_USE), (0.05, CAUTION)])
def test_an_order_of_bands_is_doubted_less_of_a_grey_galaxy(colour, level):
    photometry = Photometry("measured", {"g": 17.0 + colour, "r": 17.0, "i": 17.0})
    assert _weigh_bands(reason("bands", DO_NOT_USE), photometry).level == level
    assert _weigh_bands(reason("units", DO_NOT_USE), photometry).level == DO_NOT_USE
