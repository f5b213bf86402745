import numpy as np
import pytest

from galexplorer.schema import TARGET_NAMES
from galexplorer.science.mass_excitation import (
    MEX_CLASSES,
    classify_mex,
    mex_coordinates,
    mex_lower,
    mex_probabilities,
    mex_upper,
)


def printed_upper(x: float) -> float:
    if x <= 10:
        return 0.375 / (x - 10.5) + 1.14
    return 410.24 - 109.333 * x + 9.71731 * x**2 - 0.288244 * x**3


def printed_lower(x: float) -> float:
    if x <= 9.6:
        return 0.375 / (x - 10.5) + 1.14
    return 352.066 - 93.8249 * x + 8.32651 * x**2 - 0.246416 * x**3


@pytest.mark.parametrize(
    ("curve", "printed"), [(mex_upper, printed_upper), (mex_lower, printed_lower)]
)
def test_demarcations_are_those_of_the_paper(curve, printed):
    masses = np.linspace(8.0, 11.8, 77)
    assert curve(masses) == pytest.approx([printed(float(x)) for x in masses], abs=1e-9)


@pytest.mark.parametrize("curve", [mex_upper, mex_lower])
def test_the_two_pieces_of_each_meet(curve):
    steps = np.abs(np.diff(curve(np.linspace(9.0, 11.5, 2001))))
    assert steps.max() < 0.07


def test_classes_of_places_that_the_paper_names():
    """Dwarfs with strong [O III] form stars; massive galaxies with as much of it are active."""
    kinds = classify_mex([8.5, 11.0, 10.1, 9.0, np.nan], [0.6, 0.6, 0.15, -0.5, 0.0])
    assert [MEX_CLASSES[k] if k >= 0 else "" for k in kinds] == [
        "star_forming", "agn", "intermediate", "star_forming", "",
    ]  # fmt: skip


def test_probabilities_add_up(rng):
    draws = rng.normal(0, 0.3, (400, 9)).astype(np.float32)
    draws[:, TARGET_NAMES.index("log_stellar_mass")] += 10.3
    x, y = mex_coordinates(draws)
    shares = mex_probabilities(draws)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["agn"] == pytest.approx(np.mean(y > mex_upper(x)))
