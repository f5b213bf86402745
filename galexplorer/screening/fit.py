"""Fit the classifiers of `galexplorer.verdict.classifiers`: a stage of minutes, by itself."""

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from scipy import optimize, special
from torch import Tensor, nn
from torch.nn import functional

from galexplorer.datasets.shards import TRAIN, VALIDATION
from galexplorer.records.verdict import NO_GALAXY
from galexplorer.schema import BANDS
from galexplorer.screening.tables import SHREDDED, MagnitudeSampler, held_out
from galexplorer.verdict.classifiers import (
    GALAXY,
    HIDDEN,
    IMAGE_CLASSES,
    PATTERNS,
    PHOTOMETRY_CLASSES,
    PHOTOMETRY_SIZE,
    PRIOR_GALAXY,
    RATES,
    Classifier,
    pattern_of,
    photometry_inputs,
    weigh_quasars,
)

log = logging.getLogger(__name__)

_BATCH = {"photometry": 1024, "image": 512}
_STEPS = {"photometry": 20_000, "image": 1500}
_MEMBERS = {"photometry": 6, "image": 3}
_RATE = {"photometry": 5e-3, "image": 3e-3}
_DECAY = 1e-2

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Inputs (n, d), classes (n,), and which rows say nothing of `_SCALED`, (n,)."""

_SHARES_OF_ALARMS = (1.0, 3.0, 10.0)
"""Rates by brightness, in `RATES`: the fainter, the more of what there is is no galaxy that the
model knows."""

_LEAST_OF_IMAGES = (0.5, 0.5, 0.2, 0.2)
"""Least limits by `RATES`: images of other pipelines are less like those of validation than these
are like each other."""

_SCALED = ("units", "scale")
_NEVER = -1e4


def fit_photometry(rows: pd.DataFrame, seed: int = 0) -> Classifier:
    """Fit the classifier of magnitudes.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `galexplorer.screening.tables.read_screening_rows` returns them.
    seed : int
    """
    sampler = MagnitudeSampler(rows[rows.split == TRAIN])

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        magnitudes, errors, label = sampler.draw(_BATCH["photometry"], rng)
        return photometry_inputs(magnitudes, errors), label, np.zeros(len(label), bool)

    whole = torch.zeros(PHOTOMETRY_SIZE), torch.ones(PHOTOMETRY_SIZE)
    layers = _descend(draw, *whole, PHOTOMETRY_CLASSES, "photometry", 0.0, seed)
    plain = Classifier(*whole, layers, torch.zeros(1, len(RATES)), torch.tensor([0.0, 1.0]))
    limits = _limits_of_magnitudes(plain, rows)
    judged = held_out(rows, VALIDATION)
    judged = judged[judged.kind.isin(("galaxy", "star", "quasar"))]
    found = _judge_magnitudes(plain, judged[list(BANDS)].to_numpy(float), 2 ** len(BANDS) - 1)
    odds = _calibrate(found, PHOTOMETRY_CLASSES, (judged.kind == "galaxy").to_numpy())
    return Classifier(*whole, layers, limits, odds)


def _limits_of_magnitudes(plain: Classifier, rows: pd.DataFrame) -> Tensor:
    """Return limits by brightness and by pattern of bands.

    Galaxies of training count too, since only together are dwarfs and mergers enough. The rates
    are a little optimistic for it: to r = 18.5, 1% is 1.1% of galaxies of validation and of test.
    """
    usual = rows[
        (rows.kind == "galaxy") & (rows.source != SHREDDED) & rows.split.isin((TRAIN, VALIDATION))
    ]
    galaxies = usual[list(BANDS)].to_numpy(float)
    number = 2 ** len(BANDS)
    limits = torch.ones(PATTERNS, len(RATES))  # no band, no score above it
    bright = pattern_of(galaxies) // number
    for pattern in range(1, number):
        score = 1 - _judge_magnitudes(plain, galaxies, pattern)[:, GALAXY]
        for k, share in enumerate(_SHARES_OF_ALARMS):
            if (bright == k).any():
                limits[k * number + pattern] = _limits(score[bright == k], share)
    return limits


def fit_images(
    inputs: np.ndarray,
    label: np.ndarray,
    split: np.ndarray,
    scaled: np.ndarray,
    linear: np.ndarray,
    seed: int = 0,
) -> Classifier:
    """Fit the classifier of images.

    Parameters
    ----------
    inputs : ndarray, shape (n, d)
        As `galexplorer.image.quality.quality_of` returns them.
    label : ndarray, shape (n,)
        Index into `IMAGE_CLASSES`.
    split : ndarray, shape (n,)
    scaled : ndarray of bool, shape (n,)
        Whether the pixel scale of the image is known. The others say what a galaxy looks like,
        and nothing of seeing and noise; limits leave them out.
    linear : ndarray of bool, shape (n,)
        Whether it is no picture.
    seed : int
    """
    train = np.flatnonzero(split == TRAIN)
    centre = torch.from_numpy(np.median(inputs[train], axis=0))
    spread = torch.from_numpy(inputs[train].std(axis=0) + 1e-3)
    share = np.array([0.4, *[0.6 / (len(IMAGE_CLASSES) - 1)] * (len(IMAGE_CLASSES) - 1)])
    silent = ~scaled & ~np.isin(np.array(IMAGE_CLASSES)[label], _SCALED)
    own = label[train]
    chance = np.cumsum((share / np.maximum(np.bincount(own, minlength=len(share)), 1))[own])

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = train[np.searchsorted(chance, rng.random(_BATCH["image"]) * chance[-1])]
        return inputs[rows], label[rows], silent[rows]

    layers = _descend(draw, centre, spread, IMAGE_CLASSES, "image", 0.15, seed)
    plain = Classifier(centre, spread, layers, torch.zeros(1, len(RATES)), torch.tensor([0.0, 1.0]))
    judged = split == VALIDATION
    found = plain.probabilities(inputs[judged])
    usual = (label == GALAXY)[judged] & scaled[judged]
    limits = torch.stack(
        [
            _limits(plain.score(found[usual & (linear[judged] == d)], IMAGE_CLASSES, d)[1])
            for d in (False, True)
        ]
    ).maximum(torch.tensor(_LEAST_OF_IMAGES))
    known = np.array([k == GALAXY or name in NO_GALAXY for k, name in enumerate(IMAGE_CLASSES)])
    counted = known[label[judged]]
    odds = _calibrate(found[counted], IMAGE_CLASSES, label[judged][counted] == GALAXY)
    return Classifier(centre, spread, layers, limits, odds)


def _judge_magnitudes(plain: Classifier, magnitudes: np.ndarray, pattern: int) -> np.ndarray:
    """Return probabilities if only the bands of a pattern's bits are known."""
    seen = np.array([pattern >> k & 1 for k in range(len(BANDS))], bool)
    only = np.where(seen, magnitudes, np.nan)
    found = plain.probabilities(photometry_inputs(only, np.full(only.shape, np.nan)))
    return weigh_quasars(found, only[:, BANDS.index("r")])


def _limits(score: np.ndarray, share: float = 1.0) -> Tensor:
    return torch.from_numpy(np.quantile(score, 1 - share * np.array(RATES)).astype(np.float32))


def _calibrate(probabilities: np.ndarray, classes: tuple[str, ...], galaxy: np.ndarray) -> Tensor:
    """Return shift and slope of the log odds of being no galaxy, at the prior's shares (Platt)."""
    nothing = [classes.index(name) for name in NO_GALAXY if name in classes]
    logit = special.logit(np.clip(probabilities[:, nothing].sum(axis=1), 1e-6, 1 - 1e-6))
    weight = np.where(galaxy, PRIOR_GALAXY / galaxy.sum(), (1 - PRIOR_GALAXY) / (~galaxy).sum())

    def loss(odds: np.ndarray) -> float:
        value = odds[0] + odds[1] * logit
        return float((weight * np.logaddexp(0, np.where(galaxy, value, -value))).sum())

    return torch.from_numpy(optimize.minimize(loss, [0.0, 1.0]).x.astype(np.float32))


def _descend(
    draw: Draw,
    centre: Tensor,
    spread: Tensor,
    classes: tuple[str, ...],
    what: str,
    dropout: float,
    seed: int,
) -> tuple[Tensor, ...]:
    """Fit perceptrons to batches that are drawn; return weights and biases."""
    steps, layers = _STEPS[what], []
    masked = torch.zeros(len(classes))
    masked[[k for k, name in enumerate(classes) if name in _SCALED]] = _NEVER
    for member in range(_MEMBERS[what]):
        rng = np.random.default_rng((seed, member))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + member)
            net = nn.Sequential(
                nn.Linear(len(centre), HIDDEN), nn.SiLU(), nn.Dropout(dropout),
                nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Dropout(dropout),
                nn.Linear(HIDDEN, len(classes)),
            )  # fmt: skip
            optimiser = torch.optim.AdamW(net.parameters(), _RATE[what], weight_decay=_DECAY)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE[what], steps)
            for _ in range(steps):
                inputs, label, silent = draw(rng)
                values = ((torch.from_numpy(inputs) - centre) / spread).clamp(-8, 8)
                logits = net(values) + torch.from_numpy(silent)[:, None] * masked
                loss = functional.cross_entropy(logits, torch.from_numpy(label))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        log.info("classifier of %s, member %d: loss %.3f", what, member + 1, float(loss.detach()))
        layers += [p.detach().clone() for p in net.parameters()]
    return tuple(layers)
