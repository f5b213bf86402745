"""Make posteriors calibrated: fit the base of each target's flows on validation rows.

Given its true parents, the base variable of a calibrated flow is standard normal. On galaxies that
the training never saw, each counting by its weight, it is something near that; the sinh-arcsinh
transform (Jones & Pewsey 2009) of a normal that comes nearest becomes the base that draws come
from, one for all members of the ensemble, and such that their mixture is calibrated. The odds that
a spectrum would show a line are put straight by a logistic regression (Platt 1999).
"""

import logging

import numpy as np
import pandas as pd
import torch
from scipy.optimize import least_squares
from scipy.special import ndtr
from sklearn.linear_model import LogisticRegression

from galexplorer.model.modes import MODES
from galexplorer.model.network import CALIBRATION, GalaxyModel, Summary
from galexplorer.schema import BANDS, MEASURABLE_NAMES, TARGET_NAMES
from galexplorer.training import dataset
from galexplorer.training.batches import Choice, measurable_labels
from galexplorer.training.dataset import VALIDATION
from galexplorer.training.extension import odds_weights
from galexplorer.training.latents import summaries_of
from galexplorer.training.pools import WEIGHT_LIMITS, Pools
from galexplorer.training.validation import noise_of

log = logging.getLogger(__name__)

_MIN_ROWS = 150
_MOST_DRAWN = 20_000
_LEVELS = np.linspace(0.0125, 0.9875, 40)

# as users come: a catalogue with gaps, or an image with its own photometry or a catalogue's
_ALONE = Choice(image=False, band_dropout=0.03, petro_magnitudes=0.3)
_OWN = Choice(catalogue=0.0, nothing=0.0, band_dropout=0.0, petro=1.0)
_LISTED = Choice(catalogue=1.0, nothing=0.0, band_dropout=0.03, petro=1.0, petro_magnitudes=0.3)
_EITHER = Choice(catalogue=0.3, nothing=0.0, band_dropout=0.0, petro=1.0)
# which held-out rows each mode is fitted on, and how they are shown; what lacks labels in a later
# one is as in the first
_FITTED = {
    "image": ("image", _OWN),
    "image and catalogue": ("image", _LISTED),
    "photometry": ("photometry", _ALONE),
    "jpeg": ("jpeg", _EITHER),
}
_BASE = ("shift", "width", "skew", "tail")
_ODDS = ("shift", "slope")


@torch.no_grad()
def calibrate(model: GalaxyModel, pools: Pools, device: str, limit: int = 10_000) -> dict:
    """Set the base of each target's flows and the odds of each measurable target.

    Returns
    -------
    dict
        ``{mode: {target: {"rows", "shift", "width", "skew", "tail"}}}``, and under
        ``"measurable"`` in each mode ``{target: {"rows", "shift", "slope"}}``; a mode with too
        few labels of a target takes the values of images with their own magnitudes.
    """
    report: dict = {}
    grid = torch.from_numpy(pools.grid).to(device)
    images: dict[str, Summary] = {}
    first = MODES.index("image")
    for mode, (kind, choice) in _FITTED.items():
        index = MODES.index(mode)
        for name in CALIBRATION:
            buffer = getattr(model, name)
            buffer[index] = buffer[first]
        report[mode] = {"measurable": {}}
        rows = np.random.default_rng(0).permutation(pools.held_out[kind])[:limit]
        if len(rows) == 0:
            continue
        if choice.image and kind not in images:
            images[kind] = summaries_of(model, pools, grid, rows, asked=kind == "jpeg")
        rng = np.random.default_rng(0)
        part = dataset.select(pools.rows, rows)
        found = noise_of(model, part, kind, rng, device, choice, latents=images.get(kind))
        noise = found["noise"].cpu().double().numpy()
        weight = _weights(pools, kind, rows)
        for k, target in enumerate(TARGET_NAMES):
            known = np.isfinite(noise[:, 0, k])
            values = noise[known, :, k]
            if len(values) < _MIN_ROWS:
                continue
            fitted = dict(zip(_BASE, fit_base(values, weight[known]), strict=True))
            for name, value in fitted.items():
                getattr(model, f"base_{name}")[index, k] = value
            report[mode][target] = _entry(len(values), fitted)
        logit, shown = found["logit"].cpu().double().numpy(), measurable_labels(part)
        for k, target in enumerate(MEASURABLE_NAMES):
            known = np.isfinite(shown[:, k]) & np.isfinite(logit[:, k])
            if known.sum() < _MIN_ROWS or len(np.unique(shown[known, k])) < 2:
                continue
            odds = LogisticRegression(C=100.0)
            odds.fit(logit[known, k : k + 1], shown[known, k], sample_weight=weight[known])
            fitted = {"shift": float(odds.intercept_[0]), "slope": float(odds.coef_[0, 0])}
            for name, value in fitted.items():
                getattr(model, f"measurable_{name}")[index, k] = value
            report[mode]["measurable"][target] = _entry(int(known.sum()), fitted)
        log.info("calibration, %s: %s", mode, report[mode])
    return report


def _weights(pools: Pools, kind: str, rows: np.ndarray) -> np.ndarray:
    """Return how much each row of a kind counts, shape (n,): together they are as training draws.

    The weights of the population are those of all its rows. Photometry is judged on real rows
    alone, without the copies that fill in between the tables, so it has weights of its own.
    """
    if kind != "photometry":
        return pools.weight[rows]
    listed = np.isfinite(pools.rows["catalogue_mag"]).all(axis=1) & (pools.rows["label"][:, 0] > 0)
    drawn = np.flatnonzero(listed & (pools.rows["split"] == VALIDATION))
    rng = np.random.default_rng(0)
    share = pools.weight[drawn] / pools.weight[drawn].sum()
    drawn = rng.choice(drawn, min(len(drawn), _MOST_DRAWN), p=share)
    weight = odds_weights(_photometry(pools, rows), _photometry(pools, drawn), rng)
    return weight.clip(*WEIGHT_LIMITS)


def _photometry(pools: Pools, rows: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(pools.rows["catalogue_mag"][rows].astype(float), columns=list(BANDS))
    table["redshift"] = pools.rows["targets"][rows, 0].astype(float)
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


def _entry(rows: int, fitted: dict[str, float]) -> dict:
    return {"rows": rows, **{name: round(value, 3) for name, value in fitted.items()}}
