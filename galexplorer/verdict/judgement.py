"""From what is known of galaxies to their verdicts: classifiers, plain rules, domain, posterior."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from galexplorer.errors import WeightsError
from galexplorer.image.quality import quality_of
from galexplorer.records.asinh import is_seen
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.result import Domain
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, Reason, Verdict, reason
from galexplorer.schema import BANDS
from galexplorer.verdict.classifiers import (
    IMAGE_CLASSES,
    IMAGE_SIZE,
    LAYOUT,
    PATTERNS,
    PHOTOMETRY_CLASSES,
    PHOTOMETRY_SIZE,
    RATES,
    Classifier,
    pattern_of,
    photometry_inputs,
    size_log_odds,
    weigh_quasars,
)

REDSHIFT_END = 0.3
"""Where the model's training ends in earnest."""

LIMITS = {DO_NOT_USE: 0.01, CAUTION: 0.03}
"""Share of real galaxies, held out, that a classifier may give a level to; half where two judge."""

PRIOR_SHARE = {DO_NOT_USE: 0.001, CAUTION: 0.05}
"""Share of the posterior inside a redshift range, below which the data contradict the range."""

AGREEMENT = {DO_NOT_USE: 1e-4, CAUTION: 0.01}
"""Of a redshift prior with the data, below which they contradict each other."""

RARITY = {DO_NOT_USE: 1e-4, CAUTION: 0.005}
"""Share of the posterior that is as unlikely as a redshift, below which the data contradict it."""

_BEYOND = 0.5
_COLOURS_OF_NO_GALAXY = (("g", "i", -0.6, 4.5), ("g", "r", -0.6, 3.0), ("r", "i", -1.3, 2.5))
_SIZES_ARCSEC = (0.3, 600.0)
_BRIGHTEST_MAG = 6.0
_SURFACE_BRIGHTNESSES = {"catalogue": (15.5, 26.5), "measured": (16.8, 26.5)}
"""Beyond every galaxy of the main sample (18 to 24.5; Strauss et al. 2002, astro-ph/0206225)."""
_FAINTEST_MEASURED_MAG = 20.2
"""In r: of 2,000 galaxies measured on SDSS's pixels the faintest has 19.4."""
_USUAL_SURFACE_BRIGHTNESS = 20.5
_LARGEST_ERROR_MAG = 0.5
_GREY_MAG = (-0.05, 0.15)  # g - i


@dataclass(frozen=True)
class Screens:
    """The classifiers of magnitudes and of images."""

    photometry: Classifier
    image: Classifier

    def to_arrays(self) -> dict[str, Tensor]:
        """Return everything under flat names, for a safetensors file."""
        return {
            "layout": torch.tensor([LAYOUT]),
            **self.photometry.to_arrays("photometry"),
            **self.image.to_arrays("image"),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Tensor]) -> "Screens":
        """Invert `to_arrays`.

        Raises
        ------
        WeightsError
            If they are of another version or damaged.
        """
        shapes = {
            "photometry": (PHOTOMETRY_SIZE, len(PHOTOMETRY_CLASSES), PATTERNS),
            "image": (IMAGE_SIZE, len(IMAGE_CLASSES), 2),
        }
        if arrays.get("layout", torch.zeros(1)).tolist() == [LAYOUT]:
            found = [Classifier.from_arrays(arrays, name, *shape) for name, shape in shapes.items()]
            whole = [each for each in found if each is not None]
            if len(whole) == len(found):
                return cls(*whole)
        raise WeightsError(
            "The classifiers of the verdict belong to another version of galexplorer: "
            "fit them again, or update one of the two."
        )


def judge(
    screens: Screens | None,
    observations: Sequence[Observation],
    domains: Sequence[Domain],
) -> list[Verdict]:
    """Return what is to be thought of galaxies before their posteriors are known.

    Parameters
    ----------
    screens : Screens or None
        Without them rules and the domain decide, and `Verdict.p_galaxy` is NaN.
    observations : sequence of Observation
    domains : sequence of Domain

    Returns
    -------
    list of Verdict
    """
    found: list[list[Reason]] = [
        [*observation.concerns, *_impossible(observation), *_unlike(domain)]
        for observation, domain in zip(observations, domains, strict=True)
    ]
    p_galaxy = np.full(len(observations), np.nan)
    if screens is not None:
        for k, each in enumerate(_screen(screens, observations)):
            for seen in each:
                reasons = _reasons(seen, len(each) > 1)
                found[k] += [_weigh_bands(each, observations[k].photometry) for each in reasons]
                p_galaxy[k] = np.fmin(p_galaxy[k], seen.p_galaxy)
    return [
        Verdict((), float(p)).with_reasons(tuple(each))
        for each, p in zip(found, p_galaxy, strict=True)
    ]


def score_galaxies(
    screens: Screens, observations: Sequence[Observation]
) -> Float[np.ndarray, " n"]:
    """Return how unlike a galaxy that was given well each is to the classifiers, the larger score.

    NaN where there are neither magnitudes nor an image.
    """
    return np.array(
        [
            max((seen.score for seen in each), default=np.nan)
            for each in _screen(screens, observations)
        ]
    )


def doubts_about_redshift(
    share_beyond: Float[np.ndarray, " n"],
    share_inside: Float[np.ndarray, " n"],
    rarity: Float[np.ndarray, " n"],
) -> list[tuple[Reason, ...]]:
    """Return what the posterior that no user has narrowed says of redshift and prior.

    Parameters
    ----------
    share_beyond : ndarray, shape (n,)
        Of the posterior above `REDSHIFT_END`.
    share_inside : ndarray, shape (n,)
        Of the posterior in the range of redshift that the user gave; NaN without one.
    rarity : ndarray, shape (n,)
        Of the posterior where it is not denser than at the redshift that the user fixed; NaN
        without one.

    Returns
    -------
    list of tuple of Reason
    """
    out = []
    for beyond, inside, rare in zip(share_beyond, share_inside, rarity, strict=True):
        found = []
        if level := _below(inside, PRIOR_SHARE):
            words = f"{_percent(inside)} of the posterior lies inside."
            found.append(reason("prior_conflict", level, words))
        if level := _below(rare, RARITY):
            words = f"{_percent(rare)} of the posterior is as unlikely."
            found.append(reason("fixed_redshift", level, words))
        if beyond > _BEYOND and np.isnan(rare):
            found.append(
                reason("beyond", CAUTION, f"{_percent(beyond)} of the posterior lies there.")
            )
        out.append(tuple(found))
    return out


class _Seen(NamedTuple):
    """What a classifier makes of one galaxy: class, score, the score's limits, probability."""

    code: str
    score: float
    limits: Float[np.ndarray, " r"]
    p_galaxy: float


def doubts_about_prior(agreement: float) -> tuple[Reason, ...]:
    """Return what the agreement of a redshift prior with the data says.

    Parameters
    ----------
    agreement : float
        See `galexplorer.inference.prior.PriorWeight`.

    Examples
    --------
    >>> [each.code for each in doubts_about_prior(0.002)]
    ['prior_conflict']
    """
    level = _below(agreement, AGREEMENT)
    return (
        (reason("prior_conflict", level, f"Their agreement is {agreement:.2g}."),) if level else ()
    )


def _screen(screens: Screens, observations: Sequence[Observation]) -> list[list[_Seen]]:
    """Return what each classifier that applies makes of each observation."""
    out: list[list[_Seen]] = [[] for _ in observations]
    shown = [k for k, o in enumerate(observations) if o.cutout is not None]
    listed = [k for k, o in enumerate(observations) if o.photometry.kind == "catalogue"]
    for rows, screening in (
        (listed, _screen_magnitudes(screens.photometry, [observations[k] for k in listed])),
        (shown, _screen_images(screens.image, [observations[k] for k in shown])),
    ):
        for k, seen in zip(rows, screening, strict=True):
            out[k].append(seen)
    return out


def _screen_magnitudes(classifier: Classifier, observations: Sequence[Observation]) -> list[_Seen]:
    magnitudes, errors = (
        np.array(
            [[getattr(o.photometry, part).get(b, np.nan) for b in BANDS] for o in observations],
            float,
        ).reshape(-1, len(BANDS))
        for part in ("magnitudes", "errors")
    )
    r50 = np.array(
        [
            o.photometry.petro_r50 if o.photometry.petro_kind == "catalogue" else np.nan
            for o in observations
        ],
        float,
    )
    # a limit tells no colour
    magnitudes[(errors > _LARGEST_ERROR_MAG) | ~is_seen(magnitudes, errors)] = np.nan
    found = screen_magnitudes(classifier, magnitudes, errors, r50)
    limits = classifier.limits.numpy()[pattern_of(magnitudes)]
    return _outcome(classifier, found, PHOTOMETRY_CLASSES, limits, linear=False)


def screen_magnitudes(
    classifier: Classifier,
    magnitudes: Float[np.ndarray, "n 5"],
    errors: Float[np.ndarray, "n 5"],
    petro_r50_arcsec: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "n c"]:
    """Return the probability of each of `PHOTOMETRY_CLASSES`, sizes of a catalogue included.

    Parameters
    ----------
    classifier : Classifier
    magnitudes, errors : ndarray, shape (n, 5)
        NaN where missing.
    petro_r50_arcsec : ndarray, shape (n,)
        NaN where missing.

    Returns
    -------
    ndarray, shape (n, c)
    """
    found = classifier.probabilities(photometry_inputs(magnitudes, errors))
    found = weigh_quasars(found, magnitudes[:, BANDS.index("r")])
    pointlike = [PHOTOMETRY_CLASSES.index(name) for name in ("star", "quasar")]
    odds = size_log_odds(petro_r50_arcsec, magnitudes[:, BANDS.index("r")])
    found[:, pointlike] *= np.exp(odds)[:, None]
    return found / found.sum(axis=1, keepdims=True)


def _screen_images(classifier: Classifier, observations: Sequence[Observation]) -> list[_Seen]:
    if not observations:
        return []
    quality = np.stack([quality_of(o.cutout) for o in observations if o.cutout is not None])
    found = classifier.probabilities(quality)
    pictures, linear = (
        _outcome(classifier, found, IMAGE_CLASSES, np.tile(limits, (len(found), 1)), row > 0)
        for row, limits in enumerate(classifier.limits.numpy())
    )
    return [
        picture if observation.origin == "jpeg" else plain
        for picture, plain, observation in zip(pictures, linear, observations, strict=True)
    ]


def _outcome(
    classifier: Classifier,
    found: Float[np.ndarray, "n c"],
    classes: tuple[str, ...],
    limits: Float[np.ndarray, "n r"],
    linear: bool,
) -> list[_Seen]:
    codes, scores = classifier.score(found, classes, linear)
    shares = classifier.p_galaxy(found, classes)
    return [
        _Seen(code, float(score), row, float(share))
        for code, score, row, share in zip(codes, scores, limits, shares, strict=True)
    ]


def _reasons(seen: _Seen, both: bool) -> list[Reason]:
    """Return the reason that a classifier has, if any."""
    for level, rate in LIMITS.items():
        if seen.score > seen.limits[RATES.index(0.5 * rate if both else rate)]:
            return [reason(seen.code, level)]
    return []


def _weigh_bands(found: Reason, photometry: Photometry) -> Reason:
    """Only caution of an order of bands where both are possible: grey, as the bluest dwarfs are."""
    magnitudes = photometry.magnitudes
    if found.code != "bands" or not {"g", "i"} <= set(magnitudes):
        return found
    low, high = _GREY_MAG
    grey = low <= magnitudes["g"] - magnitudes["i"] < high
    return replace(found, level=CAUTION) if grey else found


def _below(value: float, limits: dict[str, float]) -> str:
    return next((level for level, limit in limits.items() if value < limit), "")


def _unlike(domain: Domain) -> list[Reason]:
    if domain.inside:
        return []
    plain = reason("outside_domain", CAUTION, " ".join(domain.reasons))
    return [replace(plain, what=" ".join(domain.reasons)) if np.isnan(domain.score) else plain]


def _impossible(observation: Observation) -> list[Reason]:
    """Return whether colours, brightness or size are beyond those of any galaxy.

    Colours and brightness are a catalogue's; measuring an image checks its own.
    """
    photometry, found = observation.photometry, []
    known = photometry.magnitudes
    bright, code = _surface_brightness(photometry), "impossible"
    low, high = _SURFACE_BRIGHTNESSES.get(photometry.kind, (-math.inf, math.inf))
    if not low <= bright <= high:
        found.append(f"Half of its light has {bright:.1f} mag per square arcsec in r.")
        code = "units" if photometry.kind == "measured" else code
    if photometry.kind == "measured" and known.get("r", 0.0) > _FAINTEST_MEASURED_MAG:
        found.append(f"r is {known['r']:.1f}, too faint for SDSS's pixels to show a galaxy.")
        code = "units"
    if photometry.kind != "catalogue":
        return [reason(code, DO_NOT_USE, " ".join(found))] if found else []
    for blue, red, low, high in _COLOURS_OF_NO_GALAXY:
        if blue in known and red in known:
            noise = 3 * math.hypot(*(photometry.errors.get(band, 0.02) for band in (blue, red)))
            colour = known[blue] - known[red]
            if not low - noise <= colour <= high + noise:
                found.append(f"{blue} - {red} is {colour:.2f}.")
    if "r" in known and known["r"] < _BRIGHTEST_MAG:
        found.append(f"r is {known['r']:.1f}.")
    radius = photometry.petro_r50
    if radius is not None and not _SIZES_ARCSEC[0] <= radius <= _SIZES_ARCSEC[1]:
        found.append(f"R50 is {radius:.3g} arcsec.")
    return [reason(code, DO_NOT_USE, " ".join(found))] if found else []


def _surface_brightness(photometry: Photometry) -> float:
    """Return the mean within the half-light radius, mag/arcsec^2 in r; a usual one if unknown."""
    r, r50 = photometry.magnitudes.get("r"), photometry.petro_r50
    if r is None or r50 is None or r50 <= 0:
        return _USUAL_SURFACE_BRIGHTNESS
    return r + 2.5 * math.log10(2 * math.pi * r50**2)


def _percent(share: float) -> str:
    return "Less than 0.1%" if share < 0.001 else f"{100 * share:.2g}%"
