"""Names that follow from a position on the sky."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float


def iau_names(ra: Float[np.ndarray, " n"], dec: Float[np.ndarray, " n"]) -> list[str]:
    """Return names like J104844.20+260313.2, truncated, as the IAU asks.

    Examples
    --------
    >>> iau_names(np.array([162.18417, 0.0]), np.array([26.05368, -0.0001]))
    ['J104844.20+260313.2', 'J000000.00-000000.3']
    """
    # a digit more is rounded and then left out, so that 0.1 that is stored as 0.0999 stays what it
    # was; astropy's own formatting takes most of the time of a galaxy's neighbours
    milliseconds = np.round(np.asarray(ra) / 15 * 3.6e6).astype(np.int64) % (24 * 3_600_000)
    centiseconds = np.round(np.abs(dec) * 3.6e5).astype(np.int64)
    return [
        f"J{t // 3_600_000:02d}{t // 60_000 % 60:02d}{t // 1000 % 60:02d}.{t % 1000 // 10:02d}"
        f"{'-' if south else '+'}{d // 360_000:02d}{d // 6000 % 60:02d}{d // 100 % 60:02d}"
        f".{d % 100 // 10}"
        for t, d, south in zip(
            milliseconds.tolist(), centiseconds.tolist(), np.signbit(dec).tolist(), strict=True
        )
    ]


def number_repeated(names: Iterable[str]) -> list[str]:
    """Return names that differ: one that was there before has a number.

    Examples
    --------
    >>> number_repeated(["NGC 1", "NGC 2", "NGC 1"])
    ['NGC 1', 'NGC 2', 'NGC 1 (2)']
    """
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return found
