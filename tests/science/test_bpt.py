import csv

import numpy as np
import pytest

from galexplorer.schema import BPT_CLASSES, TARGET_NAMES
from galexplorer.science.bpt import (
    UNCLASSIFIED,
    class_probabilities,
    class_shares,
    classify,
    kauffmann2003,
    kewley2001,
    line_ratios,
    schawinski2007,
    shows_lines,
)


def names(x, y):
    return [BPT_CLASSES[k] for k in np.atleast_1d(classify(x, y))]


def test_curves_pass_through_published_points():
    # At x = -0.5: 0.61/-0.97 + 1.19, 0.61/-0.55 + 1.3, -0.525 + 0.45, by hand.
    assert kewley2001(-0.5) == pytest.approx(0.5611, abs=1e-4)
    assert kauffmann2003(-0.5) == pytest.approx(0.1909, abs=1e-4)
    assert schawinski2007(-0.5) == pytest.approx(-0.075)
    # The asymptotes on the metal-poor side are the constants of the two equations.
    assert kewley2001(-1e9) == pytest.approx(1.19)
    assert kauffmann2003(-1e9) == pytest.approx(1.3)


def test_well_known_regions_get_their_class():
    assert names(-0.4, -0.4) == ["star_forming"]  # metal-rich disc
    assert names(-1.3, 0.6) == ["star_forming"]  # metal-poor dwarf
    assert names(-0.2, 0.0) == ["composite"]  # between the curves
    assert names(0.0, 1.0) == ["seyfert"]  # NGC 1068 lies near here
    assert names(0.1, 0.2) == ["liner"]  # M81-like


@pytest.mark.parametrize("x", [-1.2, -0.8, -0.4, -0.1, 0.04])
def test_composite_lies_between_the_curves(x):
    low, high = kauffmann2003(x), kewley2001(x)
    assert low < high
    assert names(x, (low + high) / 2) == ["composite"]
    assert names(x, low - 1e-6) == ["star_forming"]
    assert names(x, high + 1e-6)[0] in ("seyfert", "liner")


def test_no_class_changes_into_star_forming_at_a_pole():
    """The other branch of each hyperbola must not swallow the right of the diagram."""
    for y in (-3.0, 0.0, 3.0):
        assert names([0.05, 0.3, 0.469999], y) != ["star_forming"] * 3
        assert "star_forming" not in names([0.05, 0.06, 0.46, 0.47, 0.5, 3.0], y)
        assert set(names([0.47, 0.48, 1.0, 5.0], y)) <= {"seyfert", "liner"}
    assert kewley2001(0.47) == -np.inf
    assert kauffmann2003([0.05, 2.0]).tolist() == [-np.inf, -np.inf]
    assert np.isfinite(kewley2001(np.nextafter(0.47, 0)))


def test_poles_raise_no_warning():
    with np.errstate(all="raise"):
        classify(np.linspace(-3, 3, 601), 0.0)


def test_values_that_are_not_finite_have_no_class():
    assert classify([np.nan, 0, np.inf], [0, np.nan, 0]).tolist() == [UNCLASSIFIED] * 3


def test_metal_poor_sliver_is_star_forming():
    assert kewley2001(-1.7) < 0.92 < kauffmann2003(-1.7)
    assert names(-1.7, 0.92) == ["star_forming"]


def test_probabilities_are_shares_of_the_draws():
    draws = np.zeros((4, 9), dtype=np.float32)
    nii, oiii = TARGET_NAMES.index("log_flux_nii_6584"), TARGET_NAMES.index("log_flux_oiii_5007")
    draws[:, nii] = [-0.4, -0.4, -0.2, 0.0]
    draws[:, oiii] = [-0.4, -0.4, 0.0, 1.0]
    x, y = line_ratios(draws)
    np.testing.assert_allclose(x, draws[:, nii])
    np.testing.assert_allclose(y, draws[:, oiii])
    assert class_probabilities(draws) == {
        "star_forming": 0.5,
        "composite": 0.25,
        "seyfert": 0.25,
        "liner": 0.0,
    }


def test_line_ratios_divide_by_the_balmer_line_next_door():
    draws = np.arange(9, dtype=np.float32)[None] ** 2  # Ha 25, Hb 36, [N II] 49, [O III] 64
    x, y = line_ratios(draws)
    assert (x[0], y[0]) == (24.0, 28.0)


def test_probabilities_without_a_finite_draw_are_nan():
    values = class_probabilities(np.full((3, 9), np.nan))
    assert list(values) == list(BPT_CLASSES)
    assert np.isnan(list(values.values())).all()


def test_agrees_with_published_classes(data_dir):
    """57,116 SDSS galaxies, classified elsewhere into star-forming, composite and active."""
    path = data_dir / "bpt_points.csv"
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    found = classify([float(r["x"]) for r in rows], [float(r["y"]) for r in rows])
    merged = {"star_forming": "sf", "composite": "comp", "seyfert": "agn", "liner": "agn"}
    assert [merged[BPT_CLASSES[k]] for k in found] == [r["gal"] for r in rows]


def draws_of(n2: np.ndarray, o3: np.ndarray, halpha: np.ndarray) -> np.ndarray:
    """Return draws with these line ratios; Hbeta is as bright as Halpha."""
    draws = np.zeros((len(n2), 9))
    draws[:, 5] = draws[:, 6] = halpha
    draws[:, 7], draws[:, 8] = halpha + n2, halpha + o3
    return draws


def test_classes_are_those_of_the_draws_that_show_their_lines(rng):
    """Bright lines of star formation, faint ones of a Seyfert: seen are the bright ones."""
    bright = np.arange(4000) % 2 == 0
    draws = draws_of(
        np.where(bright, -0.5, 0.2), np.where(bright, -0.2, 0.9), np.where(bright, 3.0, 0.0)
    )
    draws[:, 5:] += 0.01 * rng.standard_normal((4000, 1))
    names = TARGET_NAMES[5:]
    assert class_probabilities(draws)["seyfert"] == pytest.approx(0.5)
    half = class_probabilities(draws, dict.fromkeys(names, 0.5))
    assert half["star_forming"] > 0.99
    every = class_probabilities(draws, dict.fromkeys(names, 1.0))
    assert every == class_probabilities(draws)


def test_a_class_is_named_even_where_hardly_any_draw_shows_its_lines(rng):
    draws = draws_of(*rng.normal(0, 0.3, (2, 1000)), rng.normal(1, 0.5, 1000))
    shown = shows_lines(draws, np.full(4, 1e-6))
    assert shown.sum() == 50
    assert draws[shown, 5].mean() > draws[:, 5].mean() + 0.5
    found = class_probabilities(draws, dict.fromkeys(TARGET_NAMES[5:], 1e-6))
    assert sum(found.values()) == pytest.approx(1)


def test_many_galaxies_at_once_are_as_one_by_one(rng):
    draws = rng.normal(1, 0.5, (3, 500, 9))
    chances = rng.uniform(0.1, 0.9, (3, 4))
    together = class_shares(draws, chances)
    for row, own, chance in zip(together, draws, chances, strict=True):
        np.testing.assert_array_equal(row, class_shares(own, chance))
