"""Scores of one sample in every mode, for posteriors and baselines."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from galexplorer.datasets.shards import Arrays, select
from galexplorer.evaluation import baselines, classes, relations
from galexplorer.evaluation.baselines import Baseline
from galexplorer.evaluation.calibration import (
    FAILS,
    REAL_LIMITS,
    RENDERED_LIMITS,
    check_calibration,
    tarp,
)
from galexplorer.evaluation.metrics import MIN_ROWS, resamples, score, score_points
from galexplorer.evaluation.prediction import (
    FIXED,
    IMAGE,
    IMAGE_AND_PHOTOMETRY,
    PHOTOMETRY,
    UGRIZ,
    Mode,
    Prediction,
    join_predictions,
    keep_with_lines,
    predict,
    tell_detected,
)
from galexplorer.evaluation.samples.sample import HELD_OUT, IMAGES, RENDERED, Sample
from galexplorer.inference.engine import Engine
from galexplorer.schema import BANDS, BPT_CLASSES, TARGET_NAMES
from galexplorer.training.batches import measurable_labels

log = logging.getLogger(__name__)

EARLY_TYPE_UR = 2.22
"""u - r that divides early from late types (Strateva et al. 2001, astro-ph/0107201)."""

BINNED_MODES = (IMAGE_AND_PHOTOMETRY, PHOTOMETRY, IMAGE)
_BINNED_FIGURES = ("rows", "r2", "rmse", "bias", "crps", "coverage_68", "coverage_95", "pit_ks")

POINTS_OF, MOST_POINTS = ("redshift", "log_stellar_mass"), 200
"""Targets of which single galaxies are kept, in a sample's first mode, for the first figure."""


@dataclass(frozen=True)
class Settings:
    """Sizes of an evaluation.

    Attributes
    ----------
    rows : int
        Most held-out rows of the rendered set, and of each table.
    draws : int
        Joint draws for each row and mode.
    parents : int
        Draws over which a marginal density is averaged.
    bootstrap : int
        Samples for every error.
    seed : int
    """

    rows: int = 600
    draws: int = 200
    parents: int = 48
    bootstrap: int = 200
    seed: int = 0


def score_sample(
    engine: Engine,
    sample: Sample,
    settings: Settings,
    step: Callable[[str], None],
    by_fold: Sequence[Engine] = (),
) -> dict:
    """Return every figure of one sample.

    Parameters
    ----------
    engine : Engine
    sample : Sample
    settings : Settings
    step : callable
        Told what is done next, once for each mode.
    by_fold : sequence of Engine
        Of a cross-fitted sample: what left out each fold.

    Returns
    -------
    dict
        ``title, kind, rows, redshift_range, notes`` and ``modes``; by mode ``targets`` (by
        target ``galexplorer``, ``boosting``, ``gaussian``, ``versus``), ``tarp``, ``bins``,
        ``checks``, and where lines are known ``measurable``, ``bpt`` and ``relations``. Where
        images come with ugriz, ``image_adds`` has what they add to each target.
    """
    report: dict = {
        "title": sample.title,
        "kind": sample.kind,
        "rows": len(sample.test),
        "training_rows": len(sample.train),
        "redshift_range": None if sample.redshift_range is None else list(sample.redshift_range),
        "notes": list(sample.notes),
        "modes": {},
    }
    truth = sample.truth[sample.test]
    columns = [k for k in range(len(TARGET_NAMES)) if np.isfinite(truth[:, k]).sum() >= MIN_ROWS]
    if not columns:
        return report
    step(f"{sample.title}: measuring images")
    measured = baselines.measure_images(sample)
    kept: dict[Mode, Prediction] = {}
    # a redshift that is fixed is not scored, and a sample may have no other target
    for mode in [m for m in sample.modes if not (m.fixed and columns == [0])]:
        step(f"{sample.title}: {mode.name}")
        found = _predict_mode(engine, by_fold, sample, mode, columns, settings)
        report["modes"][mode.name] = _score_mode(sample, mode, found, measured, columns, settings)
        if mode in (IMAGE_AND_PHOTOMETRY, UGRIZ):
            kept[mode] = found[1]
    if len(kept) == 2 and sample.kind == IMAGES:
        report["image_adds"] = {
            TARGET_NAMES[k]: _gain(
                k, truth[:, k], kept[IMAGE_AND_PHOTOMETRY], kept[UGRIZ], settings.bootstrap
            )
            for k in columns
        }
    return report


def _predict_mode(
    engine: Engine,
    by_fold: Sequence[Engine],
    sample: Sample,
    mode: Mode,
    columns: list[int],
    settings: Settings,
) -> tuple[Prediction, Prediction]:
    """Return joint posteriors of the test rows, and what they are once told of detections."""
    rows = select(sample.arrays, sample.test)
    wanted = _wanted(sample, columns)
    judges = np.full(len(wanted), HELD_OUT) if sample.fold is None else sample.fold[sample.test]
    places = [np.flatnonzero(judges == fold) for fold in np.unique(judges)]
    prior = sample.prior_range
    parts = [
        predict(
            engine if judges[place[0]] == HELD_OUT else by_fold[judges[place[0]]],
            select(rows, place), mode, wanted[place], settings.draws, settings.parents,
            prior[place] if isinstance(prior, np.ndarray) else prior, settings.seed,
        )
        for place in places
    ]  # fmt: skip
    joint = join_predictions(parts, places)
    if sample.detected is None:
        return joint, joint
    detected = sample.detected[sample.test]
    return joint, tell_detected(joint, wanted, detected, _r(rows), sample.flux_limit)


def _wanted(sample: Sample, columns: list[int]) -> np.ndarray:
    truth = sample.truth[sample.test]
    wanted = np.full_like(truth, np.nan)
    wanted[:, columns] = truth[:, columns]
    return wanted


def _r(rows: Arrays) -> np.ndarray:
    return rows["catalogue_mag"][:, BANDS.index("r")].astype(float)


def _gain(
    k: int, known: np.ndarray, with_image: Prediction, without: Prediction, bootstrap: int
) -> dict:
    """Return the RMSE with an image over that without, and by how much log scores rise."""
    good = np.flatnonzero(np.isfinite(known))
    ours, theirs = (
        (draws.mean(axis=1), np.median(draws, axis=1))
        for draws in (part.draws[good][:, :, k] for part in (with_image, without))
    )
    gain = with_image.log_density[good, k] - without.log_density[good, k]
    return {
        "rows": len(good),
        **_ratios(known[good], ours, theirs, k == 0, bootstrap),
        "log_score_gain": float(gain.mean()),
        "log_score_gain_err": float(gain.std() / np.sqrt(len(gain))),
    }


def _score_mode(
    sample: Sample,
    mode: Mode,
    found: tuple[Prediction, Prediction],
    measured: np.ndarray | None,
    columns: list[int],
    settings: Settings,
) -> dict:
    joint, prediction = found
    rows = select(sample.arrays, sample.test)
    truth = sample.truth[sample.test]
    wanted = _wanted(sample, columns)
    baseline = baselines.fit(sample, mode, measured, columns)
    scored = [k for k in columns if not (mode.fixed and k == 0)]
    pointed = POINTS_OF if mode == sample.modes[0] else ()
    targets = {
        TARGET_NAMES[k]: _score_target(
            k, truth[:, k], prediction, baseline, truth, settings.bootstrap, pointed
        )
        for k in scored
    }
    published = sample.photometric_redshift
    if published is not None and 0 in scored:
        targets["redshift"]["survey"] = _score_published(
            truth[:, 0], prediction, published[sample.test], settings.bootstrap
        )
    limits = RENDERED_LIMITS if sample.kind == RENDERED else REAL_LIMITS
    report: dict = {"targets": targets}
    report["tarp"] = tarp(
        wanted[:, scored], prediction.draws[:, :, scored], bootstrap=settings.bootstrap
    )
    checks = {name: check_calibration(t["galexplorer"], limits) for name, t in targets.items()}
    checks["joint"] = check_calibration(report["tarp"], limits)
    report["checks"] = {
        name: {check.name: check.state for check in found} for name, found in checks.items()
    }
    report["failed"] = sum(check.state == FAILS for found in checks.values() for check in found)
    if _all_known(truth, (0, 1, 2)).sum() >= MIN_ROWS and not mode.fixed:
        report["joint_log_score"] = _joint_scores(prediction, baseline, truth)
    if mode in BINNED_MODES:
        report["bins"] = _binned(rows, wanted, prediction, scored)
    detected = None if sample.detected is None else sample.detected[sample.test]
    drawn = (
        joint.draws
        if detected is None
        else keep_with_lines(joint.draws, detected, _r(rows), sample.flux_limit)
    )
    known = classes.known_classes(sample.truth)
    if (known[sample.test] >= 0).sum() >= MIN_ROWS:
        report["bpt"] = _score_classes(sample, mode, measured, known, drawn)
    measurable = classes.score_measurable(measurable_labels(rows), joint.measurable)
    if measurable:
        report["measurable"] = measurable
    if mode in (IMAGE_AND_PHOTOMETRY, PHOTOMETRY, FIXED):
        report["relations"] = relations.scaling_relations(wanted, joint.draws)
    return report


def _score_published(
    known: np.ndarray, prediction: Prediction, published: np.ndarray, bootstrap: int
) -> dict:
    """Return figures of a survey's photometric redshifts, and of posteriors for the same rows."""
    good = np.isfinite(known) & np.isfinite(published)
    draws = prediction.draws[good][:, :, 0]
    ours = draws.mean(axis=1), np.median(draws, axis=1)
    return {
        "published": score_points(known[good], published[good], published[good], True, bootstrap),
        "galexplorer": score_points(known[good], *ours, True, bootstrap),
    }


def _score_target(
    k: int,
    known: np.ndarray,
    prediction: Prediction,
    baseline: Baseline,
    truth: np.ndarray,
    bootstrap: int,
    pointed: tuple[str, ...] = (),
) -> dict:
    log_density = prediction.log_density[:, k]
    figures = score(known, prediction.draws[:, :, k], k == 0, log_density, bootstrap)
    out: dict = {"galexplorer": figures}
    if TARGET_NAMES[k] in pointed:
        out["points"] = _points(known, prediction.draws[:, :, k])
    mean, sigma = baseline.mean[:, k], baseline.sigma[k]
    good = np.isfinite(known) & np.isfinite(mean)
    if good.sum() < MIN_ROWS:
        return out
    out["boosting"] = score_points(known[good], mean[good], mean[good], k == 0, bootstrap)
    draws = prediction.draws[good][:, :, k]
    ours, theirs = (draws.mean(axis=1), np.median(draws, axis=1)), (mean[good], mean[good])
    out["versus"] = _ratios(known[good], ours, theirs, k == 0, bootstrap)
    if np.isfinite(sigma) and sigma > 0:
        density = baseline.log_density(truth)[good, k]
        noise = (known[good] - mean[good]) / sigma
        # Gneiting & Raftery 2007, equation 21
        ranked = sigma * (
            noise * (2 * stats.norm.cdf(noise) - 1) + 2 * stats.norm.pdf(noise) - 1 / np.sqrt(np.pi)
        )
        out["gaussian"] = {
            "sigma": float(sigma),
            "log_score": float(density.mean()),
            "crps": float(ranked.mean()),
            "coverage_68": float(np.mean(np.abs(noise) <= stats.norm.ppf(0.84))),
            "coverage_95": float(np.mean(np.abs(noise) <= stats.norm.ppf(0.975))),
        }
        gain = log_density[good] - density
        out["versus"]["log_score_gain"] = float(gain.mean())
        out["versus"]["log_score_gain_err"] = float(gain.std() / np.sqrt(len(gain)))
    return out


def _points(known: np.ndarray, draws: np.ndarray) -> dict[str, list[float]]:
    """Return true values and quantiles of the first galaxies, for a figure."""
    rows = np.flatnonzero(np.isfinite(known))[:MOST_POINTS]
    quantiles = np.quantile(draws[rows], [0.16, 0.5, 0.84], axis=1)
    columns = dict(zip(("true", "p16", "p50", "p84"), (known[rows], *quantiles), strict=True))
    return {name: [round(float(v), 4) for v in values] for name, values in columns.items()}


_Points = tuple[np.ndarray, np.ndarray]  # means and medians, each of shape (n,)


def _ratios(
    known: np.ndarray, ours: _Points, theirs: _Points, redshift: bool, bootstrap: int
) -> dict:
    """Return our RMSE and sigma_mad over theirs, with 95% ranges of the paired bootstrap."""

    def pair(rows: np.ndarray | slice) -> tuple[float, float]:
        first, second = (
            score_points(known[rows], mean[rows], median[rows], redshift)
            for mean, median in (ours, theirs)
        )
        return first["rmse"] / second["rmse"], first["sigma_mad"] / second["sigma_mad"]

    spread = np.array([pair(pick) for pick in resamples(len(known), bootstrap)])
    low, high = np.quantile(spread, [0.025, 0.975], axis=0)
    return {
        name: {"value": float(value), "low": float(low[j]), "high": float(high[j])}
        for j, (name, value) in enumerate(
            zip(("rmse_ratio", "sigma_mad_ratio"), pair(slice(None)), strict=True)
        )
    }


def _all_known(truth: np.ndarray, columns: tuple[int, ...]) -> np.ndarray:
    return np.isfinite(truth[:, columns]).all(axis=1)


def _joint_scores(prediction: Prediction, baseline: Baseline, truth: np.ndarray) -> dict:
    """Return mean log densities of redshift, mass and star-formation rate together."""
    good = _all_known(truth, (0, 1, 2)) & np.isfinite(prediction.joint_log_density)
    ours = prediction.joint_log_density[good]
    out = {
        "rows": int(good.sum()),
        "galexplorer": float(ours.mean()),
        "galexplorer_err": float(ours.std() / np.sqrt(len(ours))),
    }
    theirs = baseline.joint_log_density(truth, [0, 1, 2])[good]
    if np.isfinite(theirs).all():
        out["gaussian"] = float(theirs.mean())
        out["gain_err"] = float((ours - theirs).std() / np.sqrt(len(ours)))
    return out


def _score_classes(
    sample: Sample, mode: Mode, measured: np.ndarray | None, known: np.ndarray, drawn: np.ndarray
) -> dict:
    out = {
        "galexplorer": classes.score_classes(
            known[sample.test], classes.class_probabilities_of_draws(drawn)
        )
    }
    boosted = baselines.fit_classes(sample, mode, measured, known, len(BPT_CLASSES))
    if boosted is not None:
        out["boosting"] = classes.score_classes(known[sample.test], boosted)
    return out


def bins_of(rows: Arrays) -> dict[str, np.ndarray]:
    """Return which rows fall into each bin of magnitude, size and type.

    Bins are of what was observed, never of what is to be inferred: calibration holds within
    bins of the input only.
    """
    r = np.where(
        np.isfinite(rows["catalogue_mag"][:, 2]),
        rows["catalogue_mag"][:, 2],
        rows["measured_mag"][:, 1],
    )
    r50 = np.where(
        np.isfinite(rows["catalogue_petro"][:, 0]),
        rows["catalogue_petro"][:, 0],
        rows["measured_petro"][:, 0],
    )
    colour = rows["catalogue_mag"][:, 0] - rows["catalogue_mag"][:, 2]
    return {
        "r < 15.5": r < 15.5,
        "15.5 < r < 16.5": (r >= 15.5) & (r < 16.5),
        "16.5 < r < 17.2": (r >= 16.5) & (r < 17.2),
        "r > 17.2": r >= 17.2,
        "r50 < 2″": r50 < 2,
        "2″ < r50 < 3″": (r50 >= 2) & (r50 < 3),
        "r50 > 3″": r50 >= 3,
        f"late type, u − r < {EARLY_TYPE_UR}": colour < EARLY_TYPE_UR,
        f"early type, u − r > {EARLY_TYPE_UR}": colour >= EARLY_TYPE_UR,
    }


def _binned(
    rows: Arrays, truth: np.ndarray, prediction: Prediction, columns: list[int]
) -> dict[str, dict]:
    out: dict[str, dict] = {}
    for name, inside in bins_of(rows).items():
        for k in columns:
            figures = score(truth[inside, k], prediction.draws[inside][:, :, k], k == 0)
            if "crps" in figures:
                kept = {key: figures[key] for key in _BINNED_FIGURES}
                out.setdefault(name, {})[TARGET_NAMES[k]] = kept
    return out
