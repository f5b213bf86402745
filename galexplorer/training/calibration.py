"""Make posteriors calibrated: fit the base of each target's flows on validation rows.

Where the truth lies in its own calibrated posterior is uniform. On galaxies that the training never
saw, each counting by its weight, it is something near that; the sinh-arcsinh transform (Jones &
Pewsey 2009) of a normal that comes nearest becomes the base that draws come from, one for all
members of the ensemble. Targets follow in the order of the chain, each given draws of whatever is
before it: so it is the posterior that users see that is calibrated, not one that knows the truth of
all but one target. Redshift is the true one for real galaxies, whose tables are cut in it, and for
half of the simulated ones, as users may fix it. Mass and metallicity are fitted given the truth: at
a known redshift, and given the lines, they are known far better than otherwise. The odds that a
spectrum would show a line are put straight by a logistic regression (Platt 1999).
"""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.optimize import least_squares
from scipy.special import ndtr
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from galexplorer.datasets import shards
from galexplorer.datasets.shards import VALIDATION
from galexplorer.model.flows import LAST, ORDER
from galexplorer.model.modes import MODES
from galexplorer.model.network import CALIBRATION, GalaxyModel, ImageSummary
from galexplorer.population.extension import odds_weights
from galexplorer.schema import BANDS, MEASURABLE_NAMES, TARGET_NAMES
from galexplorer.training.batches import InputMask, measurable_labels
from galexplorer.training.latents import summarise_images
from galexplorer.training.training_data import WEIGHT_LIMITS, TrainingData
from galexplorer.training.validation import score_rows

log = logging.getLogger(__name__)

_MIN_ROWS = 150
_MOST_DRAWN = 20_000
_DRAWS = 45  # of what comes before a target, as many of each member; few would widen the bases
_AT_ONCE = 512
# known far better given what is before them: a base would be bent to make up for the errors of that
_GIVEN_TRUTH = tuple(TARGET_NAMES.index(name) for name in ("log_stellar_mass", "gas_metallicity"))
_LEVELS = np.linspace(0.0125, 0.9875, 40)

# as users come: a catalogue with gaps, or an image with its own photometry or a catalogue's
_ALONE = InputMask(image=False, band_dropout=0.03, petro_magnitudes=0.3, faint=0.05)
_OWN = InputMask(catalogue=0.0, nothing=0.0, band_dropout=0.0, petro=1.0)
_LISTED = InputMask(
    catalogue=1.0, nothing=0.0, band_dropout=0.03, petro=1.0, petro_magnitudes=0.3, faint=0.05
)
_EITHER = InputMask(catalogue=0.3, nothing=0.0, band_dropout=0.0, petro=1.0)
# which held-out rows each mode is fitted on, each kind counting the same, and how they are shown;
# what lacks labels in a later mode is as in the first
_FITTED = {
    "image": (("image",), _OWN),
    "image and catalogue": (("image",), _LISTED),
    # simulated galaxies scatter more than real ones of these, whose labels are measured
    "photometry": (("photometry", "image"), _ALONE),
    "jpeg": (("jpeg",), _EITHER),
}
_BASE = ("shift", "width", "skew", "tail")
_ODDS = ("shift", "slope")


@torch.no_grad()
def calibrate(
    model: GalaxyModel, training_data: TrainingData, device: str, limit: int = 10_000
) -> dict:
    """Set the base of each target's flows and the odds of each measurable target.

    Returns
    -------
    dict
        ``{mode: {target: {"rows", "shift", "width", "skew", "tail"}}}``, and under
        ``"measurable"`` in each mode ``{target: {"rows", "shift", "slope"}}``; a kind of rows with
        too few labels of a target does not count, and a mode without any other takes the values
        of images with their own magnitudes.
    """
    report: dict = {}
    grid = torch.from_numpy(training_data.grid).to(device)
    images: dict[str, ImageSummary] = {}
    first = MODES.index("image")
    for mode, (kinds, mask) in _FITTED.items():
        index = MODES.index(mode)
        for name in CALIBRATION:
            buffer = getattr(model, name)
            buffer[index] = buffer[first]
        report[mode] = {"measurable": {}}
        shown = []
        for kind in kinds:
            rows = np.random.default_rng(0).permutation(training_data.held_out[kind])[:limit]
            if len(rows) == 0:
                continue
            if mask.image and kind not in images:
                images[kind] = summarise_images(
                    model, training_data, grid, rows, use_estimate=kind == "jpeg"
                )
            shown.append(_show(model, training_data, kind, rows, mask, images.get(kind), device))
        if not shown:
            continue
        held_out = _HeldOut.join(shown)
        _fit_bases(model, index, held_out, report[mode])
        _fit_odds(model, index, held_out, report[mode]["measurable"])
        log.info("calibration, %s: %s", mode, report[mode])
    return report


class _HeldOut(NamedTuple):
    """Held-out rows as a mode sees them.

    Attributes
    ----------
    context : Tensor, shape (n, e, 2 c)
    standard : Tensor, shape (n, 9)
        Standardised targets.
    has_label : ndarray, shape (n, 9), bool
        Which of them count.
    logit, measurable : ndarray, shape (n, 5)
        Log odds, and whether the spectrum shows it, NaN where unknown.
    weight : ndarray, shape (n,)
    free : ndarray, shape (n,), bool
        Whether its redshift is drawn too.
    group : ndarray, shape (n,), int
        Which kind of rows it is of.
    """

    context: Tensor
    standard: Tensor
    has_label: np.ndarray
    logit: np.ndarray
    measurable: np.ndarray
    weight: np.ndarray
    free: np.ndarray
    group: np.ndarray

    @classmethod
    def join(cls, parts: "list[_HeldOut]") -> "_HeldOut":
        """Join rows of several kinds."""
        return cls(
            torch.cat([part.context for part in parts]),
            torch.cat([part.standard for part in parts]),
            np.concatenate([part.has_label for part in parts]),
            np.concatenate([part.logit for part in parts]),
            np.concatenate([part.measurable for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.free for part in parts]),
            np.repeat(np.arange(len(parts)), [len(part.weight) for part in parts]),
        )

    def enough(self, known: np.ndarray) -> np.ndarray:
        """Return which of the known rows are of a kind that has enough of them."""
        return (
            known
            & (np.bincount(self.group[known], minlength=self.group.max() + 1) >= _MIN_ROWS)[
                self.group
            ]
        )

    def weight_of(self, known: np.ndarray) -> np.ndarray:
        """Return the weights of known rows: each kind of them counts the same."""
        weight, group = self.weight[known], self.group[known]
        return weight / np.bincount(group, weight)[group] * len(weight)


def _show(
    model: GalaxyModel,
    training_data: TrainingData,
    kind: str,
    rows: np.ndarray,
    mask: InputMask,
    seen: ImageSummary | None,
    device: str,
) -> _HeldOut:
    part = shards.select(training_data.rows, rows)
    rng = np.random.default_rng(0)
    latents = seen if mask.image else None
    found = score_rows(model, part, kind, rng, device, mask, latents=latents)
    return _HeldOut(
        found["context"],
        found["standard"],
        np.isfinite(found["nll"].cpu().numpy()),
        found["logit"].cpu().double().numpy(),
        measurable_labels(part),
        _weights(training_data, kind, rows),
        # every other simulated galaxy; tables are cut in redshift, and posteriors are told so
        (np.arange(len(rows)) % 2 == 0) & (kind == "image"),
        np.zeros(len(rows), int),
    )


def _fit_bases(model: GalaxyModel, index: int, held_out: _HeldOut, report: dict) -> None:
    """Fit the base of each target in turn; what comes before it is drawn from what was fitted."""
    context, standard = held_out.context, held_out.standard
    generator = torch.Generator(context.device).manual_seed(0)
    size = (len(standard) * _DRAWS,)
    mode = torch.full(size, index, device=context.device)
    truth = standard[:, ORDER].repeat_interleave(_DRAWS, dim=0)
    free = torch.from_numpy(held_out.free).to(context.device).repeat_interleave(_DRAWS)[:, None]
    drawn = truth[:, :0]
    for k in ORDER:
        given = truth if k in _GIVEN_TRUTH else drawn
        column = standard[:, k : k + 1].repeat_interleave(_DRAWS, dim=0)
        values = torch.cat(
            [
                model.chain.target_to_noise(k, *part)[0].unflatten(0, (-1, _DRAWS)).flatten(1)
                for part in _parts(column, context, given)
            ]
        )
        known = held_out.enough(held_out.has_label[:, k])
        if known.any():
            fitted = fit_base(values.cpu().double().numpy()[known], held_out.weight_of(known))
            report[TARGET_NAMES[k]] = _set(model, "base", index, k, known, _BASE, fitted)
        if k in LAST:
            continue
        noise = torch.randn(size, generator=generator, device=context.device)
        base = model.to_base(noise, mode, k)
        # as in inference, a draw's targets come from members of their own
        order = torch.randperm(_DRAWS, generator=generator, device=context.device)
        member = order % model.sizes.members
        new = [
            model.chain.draw(k, b[:, 0], c, member, p)
            for b, c, p in _parts(base[:, None], context, drawn)
        ]
        column = torch.cat(new)
        drawn = torch.cat(
            [drawn, torch.where(free, column, truth[:, :1]) if k == 0 else column], dim=1
        )


def _parts(values: Tensor, context: Tensor, drawn: Tensor) -> Iterator[tuple[Tensor, ...]]:
    for begin in range(0, len(context), _AT_ONCE):
        rows = slice(begin * _DRAWS, (begin + _AT_ONCE) * _DRAWS)
        yield values[rows], context[begin : begin + _AT_ONCE], drawn[rows]


def _fit_odds(model: GalaxyModel, index: int, held_out: _HeldOut, report: dict) -> None:
    for k, target in enumerate(MEASURABLE_NAMES):
        logit, shown = held_out.logit[:, k], held_out.measurable[:, k]
        known = held_out.enough(np.isfinite(shown) & np.isfinite(logit))
        if len(np.unique(shown[known])) < 2:
            continue
        odds = LogisticRegression(C=100.0)
        odds.fit(logit[known, None], shown[known], sample_weight=held_out.weight_of(known))
        fitted = float(odds.intercept_[0]), float(odds.coef_[0, 0])
        report[target] = _set(model, "measurable", index, k, known, _ODDS, fitted)


def _set(
    model: GalaxyModel,
    part: str,
    index: int,
    k: int,
    known: np.ndarray,
    names: tuple[str, ...],
    fitted: tuple[float, ...],
) -> dict:
    """Set what was fitted of a target in a mode and return it for the report."""
    for name, value in zip(names, fitted, strict=True):
        getattr(model, f"{part}_{name}")[index, k] = value
    rounded = (round(value, 3) for value in fitted)
    return {"rows": int(known.sum()), **dict(zip(names, rounded, strict=True))}


def _weights(training_data: TrainingData, kind: str, rows: np.ndarray) -> np.ndarray:
    """Return how much each row of a kind counts, shape (n,): together they are as training draws.

    The weights of the population are those of all its rows. Photometry is judged on real rows
    alone, without the copies that fill in between the tables, so it has weights of its own.
    """
    if kind != "photometry":
        return training_data.weight[rows]
    listed = np.isfinite(training_data.rows["catalogue_mag"]).all(axis=1) & (
        training_data.rows["label"][:, 0] > 0
    )
    drawn = np.flatnonzero(listed & (training_data.rows["split"] == VALIDATION))
    rng = np.random.default_rng(0)
    share = training_data.weight[drawn] / training_data.weight[drawn].sum()
    drawn = rng.choice(drawn, min(len(drawn), _MOST_DRAWN), p=share)
    weight = odds_weights(_photometry(training_data, rows), _photometry(training_data, drawn), rng)
    return weight.clip(*WEIGHT_LIMITS)


def _photometry(training_data: TrainingData, rows: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(
        training_data.rows["catalogue_mag"][rows].astype(float), columns=list(BANDS)
    )
    table["redshift"] = training_data.rows["targets"][rows, 0].astype(float)
    return table.assign(parent=rows)


def fit_base(
    values: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, float, float, float]:
    """Return shift, width, skew and tail of the sinh-arcsinh normal nearest to values.

    Where a true value lies in the mixture of the members' densities is the mean of where it lies
    in each. What is nearest is judged by 40 quantiles of that, which should be even, each weighted
    by the inverse of its binomial scatter (after Anderson & Darling 1952), with a mild pull
    towards no skew and normal tails that fades with the number of values.

    Parameters
    ----------
    values : ndarray, shape (n, e)
        Base variables by each member.
    weight : ndarray, shape (n,), optional
        How much each row counts. Tables cut in redshift, where posteriors are judged with that
        cut as a prior, would make them too narrow for all others if every row counted the same.

    Returns
    -------
    shift, width, skew, tail : float
        The base is ``shift + width * sinh((arcsinh(normal) + skew) / tail)``; with one member it is
        distributed like the values.
    """
    weight = np.ones(len(values)) if weight is None else weight
    number = weight.sum() ** 2 / (weight**2).sum()
    scatter = np.sqrt(_LEVELS * (1 - _LEVELS) / number)
    q16, middle, q84 = _quantiles(values.mean(axis=1), weight, np.array([0.16, 0.5, 0.84]))

    def misfit(parameters: np.ndarray) -> np.ndarray:
        shift, log_width, skew, log_tail = parameters
        standard = (values - shift) / np.exp(log_width)
        normal = np.sinh(np.exp(log_tail) * np.arcsinh(standard) - skew)
        found = _quantiles(ndtr(normal).mean(axis=1), weight, _LEVELS)
        return np.concatenate([(found - _LEVELS) / scatter, [skew / 0.1, log_tail / 0.1]])

    start = np.array([middle, np.log(max(q84 - q16, 0.02) / 1.989), 0.0, 0.0])
    limits = ([-6.0, -3.0, -1.0, -0.7], [6.0, 3.0, 1.0, 0.7])
    shift, log_width, skew, log_tail = least_squares(misfit, start, bounds=limits).x
    return float(shift), float(np.exp(log_width)), float(skew), float(np.exp(log_tail))


def _quantiles(values: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    share = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(levels, share / weight.sum(), values[order])
