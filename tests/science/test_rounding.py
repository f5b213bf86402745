"""Logarithms as the values they are of."""

import numpy as np
import pytest

from galexplorer.science.rounding import linear_errors, linear_range, linear_value


def log_of(*values: float) -> list[float]:
    return np.log10(values).tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((3.5e10, 4.2e10, 5.1e10), "4.2 (+0.9 −0.7) × 10¹⁰"),
        ((1.204e10, 2.09e10, 3.47e10), "2.1 (+1.4 −0.9) × 10¹⁰"),
        ((2.6e10, 5.2e10, 8.3e10), "5.2 (+3.1 −2.6) × 10¹⁰"),
        ((0.04, 0.16, 0.31), "0.16 (+0.15 −0.12)"),
        ((230.0, 380.0, 630.0), "380 (+250 −150)"),
        ((9.5e-12, 1.0e-11, 1.06e-11), "1.00 (+0.06 −0.05) × 10⁻¹¹"),
        ((9000.0, 9999.8, 20000.0), "1.00 (+1.00 −0.10) × 10⁴"),
        ((5.0, 5.0, 5.0), "5.0"),
        ((5.0, 5.0, 8.0), "5.0 (+3.0 −0.0)"),
    ],
)
def test_errors_tell_the_digits(values, expected):
    assert linear_errors(*log_of(*values)).replace("\N{MINUS SIGN}", "−") == expected


def test_the_ends_of_a_wide_interval_do_not_vanish():
    assert linear_range(*log_of(3.6, 41.0, 87.0)) == ("41", "3.6 to 87")
    assert linear_range(*log_of(1.6e8, 5.0e8, 14.3e8)) == ("5.0 × 10⁸", "(1.6 to 14) × 10⁸")
    assert linear_range(*log_of(1.2e10, 2.1e10, 3.5e10)) == ("2.1 × 10¹⁰", "(1.2 to 3.5) × 10¹⁰")


def test_a_narrow_interval_has_the_digits_that_tell_its_ends_apart():
    middle, interval = linear_range(*log_of(2.080e10, 2.089e10, 2.099e10))
    assert (middle, interval) == ("2.089 × 10¹⁰", "(2.080 to 2.099) × 10¹⁰")


def test_rounding_keeps_the_value():
    """What is written is the value to two digits, whatever its size."""
    powers = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    for log_value in np.random.default_rng(3).uniform(-14, 14, 300):
        words = linear_value(log_value).translate(powers).replace(" × 10", "e")
        assert float(words) == pytest.approx(10**log_value, rel=0.051)
