from dataclasses import replace

import numpy as np
import pytest

from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result
from galexplorer.schema import LINE_NAMES, TARGET_NAMES
from galexplorer.science.caveats import derived_caveat, target_caveats, warned_targets
from galexplorer.science.derived import derive
from galexplorer.science.summary import (
    class_words,
    describe_classes,
    describe_detection,
    describe_galaxy,
    describe_shares,
    domain_sentence,
    format_interval,
    format_value,
    kind_of_galaxy,
    not_measurable,
)


@pytest.fixture
def result(rng):
    means = [0.05, 10.4, 0.2, 8.9, 7.1, 2.1, 1.55, 1.65, 1.2]
    draws = rng.normal(means, 0.01, (400, 9)).astype(np.float32)
    bpt = {"star_forming": 0.874, "composite": 0.1, "seyfert": 0.02, "liner": 0.006}
    return Result(Posterior(draws), bpt, Photometry(), Domain(True, 40.0))


def with_column(result, name, value, fixed=()):
    draws = result.posterior.draws.copy()
    draws[:, TARGET_NAMES.index(name)] = value
    return replace(result, posterior=Posterior(draws, fixed))


def test_numbers_have_honest_digits_and_a_minus_sign():
    assert format_value("log_sfr", -1.236) == "\N{MINUS SIGN}1.24"
    assert format_interval("redshift", 0.011, 0.021, 0.033) == "0.021 (+0.012 \N{MINUS SIGN}0.010)"


def test_cautions_name_what_means_little(result):
    assert warned_targets(result.posterior, 0.9) == {}
    light = with_column(result, "log_stellar_mass", 9.0).posterior
    assert list(warned_targets(light, 0.9)) == ["log_bh_mass"]
    warned = warned_targets(result.posterior, 0.031)
    assert "gas-phase metallicity is not measurable here (p = 0.03)" in warned["gas_metallicity"]


def test_what_stands_beside_a_value_is_more_than_the_notes(result):
    found = target_caveats(result)
    assert list(found) == ["log_bh_mass", "log_flux_oiii_5007"]
    assert "relation" in found["log_bh_mass"]
    assert "upper limit" in found["log_flux_oiii_5007"]  # 1.2, the faintest that is detected
    light = target_caveats(with_column(result, "log_stellar_mass", 9.0))["log_bh_mass"]
    assert light.startswith(found["log_bh_mass"])
    assert "unreliable here" in light


def test_a_derived_value_of_few_draws_says_so(result):
    draws = result.posterior.draws.copy()
    draws[: len(draws) // 4, TARGET_NAMES.index("log_flux_nii_6584")] = -2.5
    said = {q.name: derived_caveat(q) for q in derive(Posterior(draws))}
    assert said["oh_marino13_n2"].startswith("From the 75% of the draws")
    assert said["log_ssfr"] == ""
    none = {
        q.name: derived_caveat(q) for q in derive(result.posterior, None, {"gas_metallicity": 0.0})
    }
    assert "too faint" in none["oh_marino13_n2"]


def test_the_summary_names_class_redshift_and_mass(result):
    text = describe_galaxy(result)
    assert text.startswith("Star-forming galaxy (87% of draws) at z = 0.05")
    assert "log M⋆/M☉ = 10.40 (+0.01" in text


def test_the_summary_says_that_the_redshift_is_fixed(result):
    assert "z = 0.0197 (fixed)" in describe_galaxy(
        with_column(result, "redshift", 0.0197, ("redshift",))
    )


def test_a_galaxy_without_star_formation_is_passive(result):
    passive = with_column(result, "log_sfr", -1.5)
    assert describe_galaxy(passive).startswith("Passive galaxy (100% of draws) at")
    draws = passive.posterior.draws.copy()
    draws[:100, TARGET_NAMES.index("log_sfr")] = 0.2
    mostly = replace(passive, posterior=Posterior(draws))
    assert describe_galaxy(mostly).startswith("Passive galaxy (75% of draws) at")


def test_a_passive_galaxy_is_no_liner_beside_it(result):
    """One class, and what its lines look like: told together, with what ionizes the gas."""
    bpt = {"star_forming": 0.05, "composite": 0.3, "seyfert": 0.1, "liner": 0.55}
    lines = dict.fromkeys(TARGET_NAMES[5:], 0.38)
    passive = replace(with_column(result, "log_sfr", -1.5), bpt=bpt, measurable=lines)
    assert class_words(passive) == "Passive; its lines: LINER 55%"
    words = describe_classes(passive)
    assert "if an SDSS spectrum shows all four lines (probability 38%)" in words
    assert (
        "The galaxy is probably passive: old stars can give its gas the lines of a LINER" in words
    )
    assert "without an active nucleus" in words
    forming = replace(result, bpt=bpt)
    assert class_words(forming) == "LINER 55%"
    assert "passive" not in describe_classes(forming)
    assert describe_classes(forming) == "Percentages: probability of each class."


def test_a_share_of_some_draws_says_of_which(result):
    """BPT classes are told of the draws that show the lines, which may be few."""
    seen = dict.fromkeys(LINE_NAMES, 0.99)
    few = seen | {"log_flux_hbeta": 0.45}
    for measurable, words in ((seen, "87% of draws)"), (few, "87% of draws with lines)")):
        told = kind_of_galaxy(replace(result, measurable=measurable))
        assert told == f"Star-forming galaxy ({words}"
    unsure = result.bpt | {"star_forming": 0.45, "composite": 0.4}
    words = kind_of_galaxy(replace(result, bpt=unsure, measurable=few))
    assert words.endswith("(Star-forming 45%, Composite 40% of draws with lines)")
    assert "all four lines (probability 45%)." in describe_shares(replace(result, measurable=few))


def test_no_class_is_named_without_confidence(result):
    bpt = {"star_forming": 0.42, "composite": 0.4, "seyfert": 0.1, "liner": 0.08}
    text = describe_galaxy(replace(result, bpt=bpt))
    assert text.startswith(
        "Galaxy of uncertain class (Star-forming 42%, Composite 40% of draws) at"
    )


def test_domain_gives_its_reasons(result):
    assert "resembles the training" in domain_sentence(result)
    outside = replace(result, domain=Domain(False, 99.9, ("The image is all stars.",)))
    assert domain_sentence(outside).endswith("with caution. The image is all stars.")


def test_derived_quantities_keep_the_draws(result):
    derived = {quantity.label: quantity for quantity in derive(result.posterior)}
    assert all(quantity.draws.shape == (400,) for quantity in derived.values())
    # Hubble's law to first order: z = 0.05 is 229 Mpc in Planck 2018.
    assert np.median(derived["Luminosity distance"].draws) == pytest.approx(229, abs=8)
    assert np.median(derived["Specific SFR"].draws) == pytest.approx(-10.2, abs=0.01)
    assert np.median(derived["Balmer A(V), Calzetti"].draws) == pytest.approx(0.75, abs=0.03)
    assert derived["12 + log(O/H), PP04 O3N2"].valid == 1.0


def test_derived_quantities_say_where_they_fail(result):
    derived = derive(with_column(result, "log_flux_nii_6584", -2.5).posterior)
    assert next(q for q in derived if "M13 N2" in q.label).valid == 0.0


def test_a_metallicity_that_no_spectrum_gives_is_not_a_number(result):
    passive = replace(result, measurable={"gas_metallicity": 0.031, "log_flux_halpha": 0.2})
    assert not_measurable(passive, "gas_metallicity") == "not measurable (p = 0.03)"
    assert not not_measurable(passive, "log_flux_halpha")  # whose draws give a limit
    assert describe_detection(passive, "log_flux_halpha") == "20%"
    forming = replace(result, measurable={"gas_metallicity": 0.9})
    for known in (forming, result):
        assert not not_measurable(known, "gas_metallicity")
    assert describe_detection(result, "log_flux_halpha") == ""
