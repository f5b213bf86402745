"""The inputs a user excludes, and the draws that a user's prior keeps."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from galexplorer.errors import OptionError
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.schema import BANDS, TARGETS
from galexplorer.science.bpt import class_probabilities

INPUTS = ("image", *BANDS, "radii")
"""What an observation can hold."""

MIN_DRAWS_LEFT = 100
"""Fewest draws that prior cuts must keep."""

_TARGETS = {target.name: target for target in TARGETS}


def select_inputs(observation: Observation, use: tuple[str, ...]) -> Observation:
    """Return an observation that holds only some of its inputs.

    Parameters
    ----------
    observation : Observation
    use : tuple of str
        Which of `INPUTS` to keep.

    Returns
    -------
    Observation

    Raises
    ------
    OptionError
        If nothing is left to infer from.
    """
    unknown = [use] if isinstance(use, str) else [name for name in use if name not in INPUTS]
    if unknown:
        raise OptionError(
            f"{unknown[0]!r} is no list of inputs: choose some of {', '.join(INPUTS)}, as a tuple."
        )
    if set(INPUTS) <= set(use):
        return observation
    given = observation.photometry
    magnitudes = {band: value for band, value in given.magnitudes.items() if band in use}
    sized = "radii" in use
    photometry = Photometry(
        kind=given.kind if magnitudes else "none",
        magnitudes=magnitudes,
        errors={band: value for band, value in given.errors.items() if band in magnitudes},
        petro_r50=given.petro_r50 if sized else None,
        petro_r90=given.petro_r90 if sized else None,
        petro_kind=given.petro_kind if sized else "none",
    )
    cutout = observation.cutout if "image" in use else None
    stored = observation.stored if "image" in use else None
    if cutout is None and stored is None and not magnitudes:
        raise OptionError("No input is left: choose the image or one of the known bands.")
    had = [
        *(["image"] if observation.cutout or observation.stored else []),
        *given.magnitudes,
        *(["radii"] if given.petro_r50 or given.petro_r90 else []),
    ]
    dropped = [name for name in had if name not in use]
    if not dropped:
        return observation
    note = f"Excluded by the user: {', '.join(dropped)}."
    return replace(
        observation,
        cutout=cutout,
        stored=stored,
        photometry=photometry,
        notes=(*observation.notes, note),
    )


def apply_prior_cuts(result: Result, cuts: Mapping[str, tuple[float, float]]) -> Result:
    """Restrict a posterior to ranges of its targets, as a prior with hard edges does.

    The draws inside all ranges are kept; those of a prior that is zero elsewhere are
    distributed exactly so.

    Parameters
    ----------
    result : Result
    cuts : mapping of str to tuple of float
        Lowest and highest value by target.

    Returns
    -------
    Result
        With fewer draws, new class probabilities, and the cuts in its provenance.

    Raises
    ------
    OptionError
        If a range does not rise, or fewer than `MIN_DRAWS_LEFT` draws lie inside.
    """
    if not cuts:
        return result
    keep = np.ones(len(result.posterior.draws), bool)
    for name, (low, high) in cuts.items():
        if name not in _TARGETS:
            raise OptionError(f"There is no target {name!r}: choose among {', '.join(_TARGETS)}.")
        if not low < high:
            raise OptionError(
                f"The range of {_TARGETS[name].label.lower()}, {low:g} to {high:g}, must increase."
            )
        column = result.posterior.column(name)
        keep &= (column >= low) & (column <= high)
    kept = int(keep.sum())
    if kept < MIN_DRAWS_LEFT:
        raise OptionError(
            f"Only {kept} of {len(keep):,} draws lie within the prior cuts: widen them, "
            "or draw more."
        )
    posterior = Posterior(
        np.ascontiguousarray(result.posterior.draws[keep]), result.posterior.fixed
    )
    words = ", ".join(
        f"{_TARGETS[name].label.lower()} {low:g} to {high:g}" for name, (low, high) in cuts.items()
    )
    note = f"Prior cuts ({words}) keep {kept / len(keep):.0%} of the draws."
    return replace(
        result,
        posterior=posterior,
        bpt=class_probabilities(posterior.draws, result.measurable),
        notes=(*result.notes, note),
        provenance={
            **result.provenance,
            "prior_cuts": {name: list(limits) for name, limits in cuts.items()},
            "draws_kept": kept,
        },
    )
