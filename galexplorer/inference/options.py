"""Check what a user asks of an inference."""

import math

from galexplorer.errors import OptionError
from galexplorer.schema import TARGETS


def check_options(
    redshift: float | None,
    redshift_range: tuple[float, float] | None,
    draws: int,
    seed: int = 0,
) -> None:
    """Check the options of an inference.

    Raises
    ------
    OptionError
        If one is out of range or two contradict each other.
    """
    low, high = TARGETS[0].bounds
    if not 100 <= draws <= 1_000_000 or draws != int(draws):
        raise OptionError(f"{draws} draws were requested; choose between 100 and 1,000,000.")
    if not 0 <= seed < 2**63 or seed != int(seed):
        raise OptionError(f"The seed is {seed}: choose a whole number from 0 to 2^63 - 1.")
    if redshift is not None and redshift_range is not None:
        raise OptionError("Give a redshift or a redshift range, not both.")
    if redshift is not None and not (math.isfinite(redshift) and low < redshift <= high):
        raise OptionError(f"A redshift of {redshift} is outside the model's domain, 0 to {high}.")
    if redshift_range is not None:
        first, last = redshift_range
        if not (low <= first < last <= high):
            raise OptionError(
                f"The redshift range {first} to {last} must increase and lie within 0 to {high}."
            )
