"""Known shortcomings, as sentences that the README, the report and the app share."""

from galexplorer.evaluation.calibration import FAILS
from galexplorer.evaluation.prediction import IMAGE_AND_PHOTOMETRY, PHOTOMETRY
from galexplorer.schema import TARGETS

_LABELS = {t.name: t.label if t.name.startswith("log_flux") else t.label.lower() for t in TARGETS}
_WORSE = 1.02
_FEW_FIELDS = 3
_MOST_ALARMS, _FEWEST_JUDGED = 0.03, 30


def sentences(report: dict) -> list[str]:
    """Return the shortcomings, one sentence for each sample that has any.

    Parameters
    ----------
    report : dict
        The report card, without these sentences.
    """
    samples = {name: s for name, s in report["samples"].items() if s["modes"]}
    found = [*_image_gain(samples), *_fields(report.get("fields", []))]
    for sample in samples.values():
        parts = [*_miscalibrated(sample), *_worse_than_boosting(sample), *_below_gaussian(sample)]
        if parts:
            found.append(f"{sample['title']}: {'; '.join(parts)}.")
    found += _verdict(report.get("verdict", {}))
    untested = [s["title"] for s in report["samples"].values() if not s["modes"]]
    if untested:
        found.append(f"Too few held-out galaxies for a test: {_and(untested)}.")
    return found


def _image_gain(samples: dict) -> list[str]:
    targets = samples.get("rendered", {}).get("modes", {})
    if IMAGE_AND_PHOTOMETRY.name not in targets or PHOTOMETRY.name not in targets:
        return []
    both, alone = (targets[m.name]["targets"] for m in (IMAGE_AND_PHOTOMETRY, PHOTOMETRY))
    idle = [
        _LABELS[name]
        for name in both
        if name in alone
        and both[name]["galexplorer"]["log_score"] <= alone[name]["galexplorer"]["log_score"]
    ]
    if not idle:
        return []
    return [
        "Given ugriz and radii, a rendered image does not improve the log score of "
        f"{'any target' if len(idle) == len(both) else _and(idle)}."
    ]


def _verdict(found: dict) -> list[str]:
    out = []
    if missed := [
        f"{row['kind'][0].lower()}{row['kind'][1:]} ({row['caught']:.0%} of {row['number']}, "
        f"aim {row['goal']:.0%})"
        for row in found.get("kinds", [])
        if row["caught"] < row["goal"]
    ]:
        out.append(f"The verdict catches fewer than it should of: {_and(missed)}.")
    if alarms := [
        f"{'' if row['by'] in ('all', 'type') else row['by'] + ' '}{row['group']}, {row['input']} "
        f"({row['do_not_use']:.1%} of {row['number']})"
        for row in found.get("false_alarms", [])
        if row["do_not_use"] > _MOST_ALARMS and row["number"] >= _FEWEST_JUDGED
    ]:
        out.append(f"The verdict rejects more than {_MOST_ALARMS:.0%} of: {_and(alarms)}.")
    return out


def _fields(fields: list[dict]) -> list[str]:
    scored = [row for row in fields if "inside_95" in row]
    missed = [row["galaxy"] for row in scored if not row["inside_95"]]
    out = []
    if missed:
        out.append(
            f"Of {len(scored)} galaxies in real FITS fields, the 95% interval of redshift misses "
            f"{len(missed)} ({_and(missed)})."
        )
    if len(scored) >= _FEW_FIELDS:
        gain = sum(r["log_density"] - r["log_density_photometry"] for r in scored) / len(scored)
        if gain < 0:
            out.append(
                "On real FITS images, the image lowers the log density at the true redshift by "
                f"{-gain:.2f} on average."
            )
    return out


def _miscalibrated(sample: dict) -> list[str]:
    """Describe the worst 68% interval of a sample and the number of failed checks."""
    worst: tuple[float, str, str, float] | None = None
    failed = total = 0
    for mode, report in sample["modes"].items():
        for name, checks in report["checks"].items():
            total += len(checks)
            failed += sum(state == FAILS for state in checks.values())
            if checks.get("coverage_68") == FAILS:
                coverage = report["targets"][name]["galexplorer"]["coverage_68"]
                if worst is None or abs(coverage - 0.68) > worst[0]:
                    worst = (abs(coverage - 0.68), mode, name, coverage)
    if failed == 0:
        return []
    text = f"{failed} of {total} calibration checks fail"
    if worst is None:
        return [text]
    _, mode, name, coverage = worst
    return [f"{text}; worst: 68% intervals of {_LABELS[name]} contain {coverage:.0%} ({mode})"]


def _worse_than_boosting(sample: dict) -> list[str]:
    worse: dict[str, list[str]] = {}
    for mode, report in sample["modes"].items():
        for name, target in report["targets"].items():
            ratio = target.get("versus", {}).get("rmse_ratio")
            if ratio and ratio["low"] > 1 and ratio["value"] > _WORSE:
                worse.setdefault(mode, []).append(f"{_LABELS[name]} +{ratio['value'] - 1:.0%}")
    if not worse:
        return []
    return [f"a larger RMSE than gradient boosting's with {_by_mode(worse)}"]


def _below_gaussian(sample: dict) -> list[str]:
    below: dict[str, list[str]] = {}
    for mode, report in sample["modes"].items():
        for name, target in report["targets"].items():
            versus = target.get("versus", {})
            gain, error = versus.get("log_score_gain"), versus.get("log_score_gain_err")
            if gain is not None and gain + 2 * error < 0:
                below.setdefault(mode, []).append(_LABELS[name])
    if not below:
        return []
    return [f"a log score below the conditional Gaussian's with {_by_mode(below)}"]


def _by_mode(names: dict[str, list[str]]) -> str:
    return ", ".join(f"{mode} ({', '.join(found)})" for mode, found in names.items())


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
