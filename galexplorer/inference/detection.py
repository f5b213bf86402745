"""Posteriors of galaxies whose spectrum is known to show some lines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from galexplorer.errors import OptionError
from galexplorer.records.result import Result
from galexplorer.schema import DETECTION_S_TO_N, MEASURABLE_NAMES, TARGET_NAMES
from galexplorer.science.detection import DETECTABLE, label_of, log_detection_probability
from galexplorer.science.resampling import resample


def check_detected(detected: Sequence[str]) -> tuple[str, ...]:
    """Check names of lines.

    Parameters
    ----------
    detected : sequence of str
        Such as ``halpha``; a target's whole name, ``log_flux_halpha``, is the same.

    Returns
    -------
    tuple of str
        Of `galexplorer.science.detection.DETECTABLE`, in its order.

    Raises
    ------
    OptionError
        If one is no line.

    Examples
    --------
    >>> check_detected(["oiii_5007", "log_flux_halpha"])
    ('halpha', 'oiii_5007')
    """
    given = [detected] if isinstance(detected, str) else detected
    short = [name.removeprefix("log_flux_") for name in given]
    for name in short:
        if name not in DETECTABLE:
            raise OptionError(
                f"There is no line {name!r} to be detected: choose among {', '.join(DETECTABLE)}."
            )
    return tuple(line for line in DETECTABLE if line in short)


def keep_detected(
    samples: Float[np.ndarray, "n draws 9"],
    r: Float[np.ndarray, " n"],
    detected: Sequence[str],
) -> tuple[Float[np.ndarray, "n draws 9"], Float[np.ndarray, " n"]]:
    """Draw again from joint draws, each as likely as a spectrum would show its lines.

    By Bayes' theorem that is the posterior of a galaxy whose lines were detected.

    Parameters
    ----------
    samples : ndarray, shape (n, draws, 9)
    r : ndarray, shape (n,)
        Dereddened magnitudes.
    detected : sequence of str
        As `check_detected` returns them.

    Returns
    -------
    samples : ndarray, shape (n, draws, 9)
    effective : ndarray, shape (n,)
        Effective sample size over the number of draws (Kish 1965).
    """
    if not detected:
        return samples, np.ones(len(samples))
    log_weight = np.zeros(samples.shape[:2])
    for line in detected:
        column = samples[..., TARGET_NAMES.index(f"log_flux_{line}")].astype(np.float64)
        log_weight += log_detection_probability(column, r[:, None], line)
    return resample(samples, log_weight)


def tell_measurable(
    measurable: Float[np.ndarray, "*rows 5"], detected: Sequence[str]
) -> Float[np.ndarray, "*rows 5"]:
    """Return the probabilities of `MEASURABLE_NAMES` with those of detected lines 1."""
    known = measurable.copy()
    known[..., [MEASURABLE_NAMES.index(f"log_flux_{line}") for line in detected]] = 1.0
    return known


def tell_detected(result: Result, detected: Sequence[str], effective: float) -> Result:
    """Add to a result which lines were stated to be detected: to its notes and provenance."""
    if not detected:
        return result
    lines = ", ".join(label_of(line) for line in detected)
    draws = len(result.posterior.draws)
    note = (
        f"Stated as detected at S/N > {DETECTION_S_TO_N:g}: {lines}. The {draws:,} draws are an "
        f"effective sample of {effective * draws:,.0f}."
    )
    told = {"lines": list(detected), "effective_draws": round(float(effective) * draws, 1)}
    return replace(
        result,
        notes=(*result.notes, note),
        provenance={**result.provenance, "detected": told},
    )
