"""BPT classes, and what spectra show: are the likeliest right, do probabilities hold?"""

import numpy as np

from galexplorer.evaluation.metrics import MIN_ROWS
from galexplorer.schema import BPT_CLASSES, MEASURABLE_NAMES
from galexplorer.science.bpt import UNCLASSIFIED, class_probabilities, classify, line_ratios

EDGES = np.linspace(0.0, 1.0, 11)


def known_classes(truth: np.ndarray) -> np.ndarray:
    """Return the class of each row (n, 9) whose four lines are known, `UNCLASSIFIED` elsewhere."""
    return classify(*line_ratios(truth))


def class_probabilities_of_draws(draws: np.ndarray) -> np.ndarray:
    """Return class probabilities from joint draws (n, d, 9), shape (n, 4)."""
    return np.array([list(class_probabilities(row).values()) for row in draws])


def score_classes(classes: np.ndarray, probabilities: np.ndarray) -> dict:
    """Return accuracy and reliability.

    Parameters
    ----------
    classes : ndarray of int, shape (n,)
        Indices into `BPT_CLASSES`; rows without a class are left out.
    probabilities : ndarray, shape (n, 4)

    Returns
    -------
    dict
        ``rows``; ``accuracy`` and ``accuracy_err`` (binomial); ``recall`` and ``share`` by class;
        ``confusion`` (known by likeliest); ``brier`` (0 to 2); ``log_score`` (mean log
        probability of the known class); ``reliability``: for each bin of probability, all classes
        together, the mean probability, the observed share and the number of probabilities;
        ``ece``: the mean of |share - probability| over all probabilities.
    """
    good = (classes != UNCLASSIFIED) & np.isfinite(probabilities).all(axis=1)
    classes, probabilities = classes[good], probabilities[good]
    number = len(classes)
    if number == 0:
        return {"rows": 0}
    likeliest = probabilities.argmax(axis=1)
    hot = np.eye(len(BPT_CLASSES))[classes]
    confusion = np.zeros((len(BPT_CLASSES), len(BPT_CLASSES)), int)
    np.add.at(confusion, (classes, likeliest), 1)
    totals = confusion.sum(axis=1)
    accuracy = float((classes == likeliest).mean())
    certain = np.clip(probabilities[np.arange(number), classes], 1e-3, 1.0)
    return {
        "rows": number,
        "accuracy": accuracy,
        "accuracy_err": float(np.sqrt(accuracy * (1 - accuracy) / number)),
        "recall": {
            name: float(confusion[k, k] / totals[k]) if totals[k] else None
            for k, name in enumerate(BPT_CLASSES)
        },
        "share": {name: float(totals[k] / number) for k, name in enumerate(BPT_CLASSES)},
        "confusion": confusion.tolist(),
        "brier": float(np.mean(np.sum((probabilities - hot) ** 2, axis=1))),
        "log_score": float(np.mean(np.log(certain))),
        **reliability(probabilities.ravel(), hot.ravel()),
    }


def reliability(probabilities: np.ndarray, outcomes: np.ndarray) -> dict:
    """Return how often what has a probability comes true.

    Parameters
    ----------
    probabilities : ndarray, shape (n,)
    outcomes : ndarray, shape (n,)
        1 where it came true, else 0.

    Returns
    -------
    dict
        ``reliability``: for each bin of probability the mean ``probability``, the observed
        ``share`` and the ``count``; ``ece``: the mean of |share - probability|.
    """
    index = np.clip(np.digitize(probabilities, EDGES) - 1, 0, len(EDGES) - 2)
    counts = np.bincount(index, minlength=len(EDGES) - 1)
    used = counts > 0
    mean = np.bincount(index, probabilities, len(EDGES) - 1)[used] / counts[used]
    seen = np.bincount(index, outcomes, len(EDGES) - 1)[used] / counts[used]
    curve = {"probability": mean.tolist(), "share": seen.tolist(), "count": counts[used].tolist()}
    return {
        "reliability": curve,
        "ece": float(np.sum(counts[used] * np.abs(mean - seen)) / counts.sum()),
    }


def score_measurable(shown: np.ndarray, probabilities: np.ndarray) -> dict[str, dict]:
    """Return how right the probabilities are that a spectrum shows a line or a metallicity.

    Parameters
    ----------
    shown : ndarray, shape (n, 5)
        1 or 0, NaN where unknown; columns are `galexplorer.schema.MEASURABLE_NAMES`.
    probabilities : ndarray, shape (n, 5)

    Returns
    -------
    dict
        By target ``rows``, ``share`` that is shown, ``brier`` (0 to 1), ``brier_share``, that of
        the share as everybody's probability, and what `reliability` returns. A target that
        fewer than `MIN_ROWS` spectra can judge, or of which all say the same, is left out.
    """
    found = {}
    for k, name in enumerate(MEASURABLE_NAMES):
        good = np.isfinite(shown[:, k]) & np.isfinite(probabilities[:, k])
        outcome, chance = shown[good, k].astype(float), probabilities[good, k].astype(float)
        if len(outcome) < MIN_ROWS or len(np.unique(outcome)) < 2:
            continue
        share = float(outcome.mean())
        found[name] = {
            "rows": len(outcome),
            "share": share,
            "brier": float(np.mean((chance - outcome) ** 2)),
            "brier_share": share * (1 - share),
            **reliability(chance, outcome),
        }
    return found
