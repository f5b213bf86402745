"""What is unreliable of a result's values: a sentence for each value that has a caveat."""

import numpy as np

from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.schema import LINE_NAMES
from galexplorer.science.derived import (
    ABOVE_TOTAL,
    NOT_MEASURABLE,
    OUTSIDE_CALIBRATION,
    UNCONSTRAINED,
    UNCONSTRAINED_AV_MAG,
    Derived,
)
from galexplorer.science.lines import line_status
from galexplorer.science.summary import MIN_MEASURABLE_PROBABILITY

CAUTION_ABOVE = 0.30
"""Redshifts from here to the end of the model's range are those it learnt least of."""

LOW_LOG_STELLAR_MASS = 9.8
"""Median log10 of the stellar mass, in Msun, below which a black-hole mass is unreliable."""

BY_RELATION = (
    "From the M–σ relation of McConnell & Ma 2013, without its scatter of 0.38 dex: not a "
    "dynamical mass."
)
_LINES = {
    "upper limit": "Some draws are too faint for an SDSS spectrum: read it as an upper limit.",
    "unconstrained": "The draws range from lines too faint for an SDSS spectrum to bright ones: "
    "light in broad bands does not tell which.",
}
_DERIVED = {
    NOT_MEASURABLE: "The lines are too faint in an SDSS spectrum, or not produced by star "
    "formation, as the calibrations assume.",
    UNCONSTRAINED: f"95% of the draws of A(V) span more than {UNCONSTRAINED_AV_MAG:g} mag: dust, "
    "and a rate corrected for it, are not known.",
    OUTSIDE_CALIBRATION: "In most draws the line ratios lie outside the range that the calibration "
    "was made for.",
    ABOVE_TOTAL: "In most draws the 3″ fibre would form more stars than the whole galaxy, which "
    "cannot be: an active nucleus or the correction for dust adds to Hα.",
}


def warned_targets(posterior: Posterior, metallicity: float) -> dict[str, str]:
    """Return what is unreliable of the targets, a sentence each; every export has them as notes.

    Parameters
    ----------
    posterior : Posterior
    metallicity : float
        Probability that an SDSS spectrum gives one.

    Returns
    -------
    dict of str to str
        By target.
    """
    found = {}
    # rounded, since 0.3 is a little more in the draws' single precision
    redshift = round(float(np.median(posterior.column("redshift"))), 6)
    if redshift > CAUTION_ABOVE:
        which = "redshift" if "redshift" in posterior.fixed else "median redshift"
        found["redshift"] = (
            f"The {which} is {redshift:.3g}: above {CAUTION_ABOVE:g} the model learnt from few "
            "galaxies, so treat all values with caution."
        )
    if float(np.median(posterior.column("log_stellar_mass"))) < LOW_LOG_STELLAR_MASS:
        found["log_bh_mass"] = (
            "The black-hole mass is unreliable here: galaxies of this mass mostly have velocity "
            "dispersions below 70 km/s, the lower limit of the relation."
        )
    if metallicity < MIN_MEASURABLE_PROBABILITY:
        found["gas_metallicity"] = (
            f"The gas-phase metallicity is not measurable here (p = {metallicity:.2f}): its lines "
            "are too faint in an SDSS spectrum, or not produced by star formation."
        )
    return found


def target_caveats(result: Result) -> dict[str, str]:
    """Return what to know beside each target's value, by target: `warned_targets` and more.

    That a black-hole mass comes from a relation holds for every galaxy; of a line it is told
    where the draws are no detection.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to str
    """
    posterior = result.posterior
    chance = result.measurable.get("gas_metallicity", 1.0)
    warned = warned_targets(posterior, chance)
    mass = " ".join(filter(None, (BY_RELATION, warned.get("log_bh_mass"))))
    kinds = {name: line_status(posterior.column(name)).kind for name in LINE_NAMES}
    lines = {name: _LINES[kind] for name, kind in kinds.items() if kind in _LINES}
    return {**warned, "log_bh_mass": mass, **lines}


def derived_caveat(quantity: Derived) -> str:
    """Return why a derived quantity has no value or few draws for one, empty where all is well.

    Examples
    --------
    >>> from galexplorer.science.derived import DERIVED
    >>> derived_caveat(Derived(DERIVED[7], np.array([8.5, 8.6, 8.7, np.nan]), "", 0.9))
    'From the 75% of the draws that lie within the range of the calibration.'
    """
    if quantity.flag:
        return _DERIVED[quantity.flag]
    if quantity.name.startswith("oh_") and quantity.valid < 0.995:
        return (
            f"From the {quantity.valid:.0%} of the draws that lie within the range of the "
            "calibration."
        )
    return ""
