"""How many digits a value with errors deserves, and logarithms as the values they are of."""

import math

_PLAIN = (0.01, 9999.5)
"""Values within these are written without a power of ten."""

_NARROW = 0.1
"""Error, as a part of the value, below which two digits do not tell an interval's ends apart."""

_MAX_DECIMALS = 6
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decimals(lower: float, upper: float) -> int:
    """Return how many decimals a value with these errors deserves.

    Two significant digits of the larger error, and at least one of the smaller.

    Parameters
    ----------
    lower, upper : float
        Distances to the ends of the interval, not negative.

    Returns
    -------
    int
    """
    larger, smaller = max(lower, upper), min(lower, upper)
    if not larger > 0:
        return _MAX_DECIMALS
    wanted = 1 - math.floor(math.log10(larger))
    if smaller > 0:
        wanted = max(wanted, -math.floor(math.log10(smaller)))
    return min(max(wanted, 0), _MAX_DECIMALS)


def linear_errors(log_low: float, log_middle: float, log_high: float) -> str:
    """Return the value that a logarithm is of, with the errors to the ends of its interval.

    Digits follow the smaller error: two of it where it begins with 100 to 354, else one (Particle
    Data Group 2022, PTEP 2022, 083C01, introduction, sect. 5.3).

    Parameters
    ----------
    log_low, log_middle, log_high : float
        log10, in ascending order.

    Returns
    -------
    str
        Such as ``4.2 (+0.9 −0.7) × 10¹⁰``; without errors where the three are equal.

    Examples
    --------
    >>> linear_errors(10.54, 10.62, 10.71)
    '4.2 (+1.0 −0.7) × 10¹⁰'
    >>> linear_errors(2.0, 2.3, 2.5)
    '200 (+120 −100)'
    """
    low, middle, high = (10.0**value for value in (log_low, log_middle, log_high))
    exponent = _exponent(middle)
    scale = 10.0**exponent
    lower, upper = (middle - low) / scale, (high - middle) / scale
    errors = [error for error in (lower, upper) if error > 0]
    if not errors:
        return _with_power(_rounded(middle / scale, _two_digits(middle / scale)), exponent)
    places = _error_places(min(errors))
    word, more, less = (_rounded(value, places) for value in (middle / scale, upper, lower))
    return _with_power(f"{word} (+{more} \N{MINUS SIGN}{less})", exponent)


def linear_range(log_low: float, log_middle: float, log_high: float) -> tuple[str, str]:
    """Return the value that a logarithm is of, and its interval.

    Each number has two significant digits, and more where the interval is too narrow for that.

    Parameters
    ----------
    log_low, log_middle, log_high : float
        log10, in ascending order.

    Returns
    -------
    middle, interval : str

    Examples
    --------
    >>> linear_range(10.08, 10.32, 10.54)
    ('2.1 × 10¹⁰', '(1.2 to 3.5) × 10¹⁰')
    >>> linear_range(0.56, 1.61, 1.94)
    ('41', '3.6 to 87')
    """
    values = [10.0**value for value in (log_low, log_middle, log_high)]
    exponent = _exponent(values[1])
    low, middle, high = (value / 10.0**exponent for value in values)
    errors = [error for error in (middle - low, high - middle) if error > 0]
    narrow = bool(errors) and min(errors) < _NARROW * middle
    least = _error_places(min(errors)) if narrow else -_MAX_DECIMALS
    first, word, last = (
        _rounded(value, max(least, _two_digits(value))) for value in (low, middle, high)
    )
    span = f"{first} to {last}"
    return _with_power(word, exponent), _with_power(f"({span})" if exponent else span, exponent)


def linear_value(log_value: float) -> str:
    """Return the value that a logarithm is of, with two significant digits.

    Examples
    --------
    >>> linear_value(-9.78)
    '1.7 × 10⁻¹⁰'
    """
    return linear_range(log_value, log_value, log_value)[0]


def _exponent(value: float) -> int:
    """Return the power of ten that is set apart, 0 where none is."""
    return 0 if _PLAIN[0] <= value < _PLAIN[1] else _order(value)


def _order(value: float) -> int:
    """Return the power of ten of a value that is rounded to two digits."""
    return int(f"{value:.1e}".split("e")[1])


def _two_digits(value: float) -> int:
    return 1 - _order(value)


def _error_places(error: float) -> int:
    """Return the decimals to which an error is told; negative for tens, hundreds."""
    leading = math.floor(math.log10(error))
    first = round(error / 10.0 ** (leading - 2))  # its three highest digits
    return 1 - leading if first < 355 else -leading


def _rounded(value: float, places: int) -> str:
    return f"{round(value, places):.{min(max(places, 0), _MAX_DECIMALS)}f}"


def _with_power(words: str, exponent: int) -> str:
    return f"{words} × 10{str(exponent).translate(_SUPERSCRIPTS)}" if exponent else words
