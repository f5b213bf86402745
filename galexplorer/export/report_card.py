"""The report card as tables and as one self-contained HTML page."""

import base64
from collections.abc import Callable, Iterator

from jinja2 import Environment, PackageLoader, select_autoescape

from galexplorer.export.figures import figure_bytes
from galexplorer.figures.card.calibration import (
    coverage_plot,
    measurable_plot,
    pit_plot,
    reliability_plot,
    tarp_plot,
    verdict_plot,
)
from galexplorer.figures.card.plots import (
    Plot,
    accuracy_plot,
    bins_plot,
    boosting_plot,
    relations_plot,
)
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.summary import BPT_LABELS

Row = dict[str, str]

_LABELS = {target.name: target.label for target in TARGETS}
_UNITS = {target.name: target.unit for target in TARGETS}
_FIGURES = {"r2": "R²", "rmse": "RMSE", "sigma_mad": "σ_MAD", "accuracy": "accuracy"}


def accuracy_rows(judged: dict) -> list[Row]:
    """Return the accuracy of one mode, a row for each target.

    Parameters
    ----------
    judged : dict
        One of a sample's ``modes``.
    """
    rows = []
    for name, found in judged["targets"].items():
        ours, theirs = found["galexplorer"], found.get("boosting", {})
        gaussian = found.get("gaussian", {})
        digits = 4 if name == "redshift" else 3
        rows.append(
            {
                "Target": _LABELS[name],
                "Unit": _UNITS[name],
                "Galaxies": str(ours["rows"]),
                "R²": number(ours["r2"], 3, ours.get("r2_err")),
                "Boosting R²": number(theirs.get("r2"), 3),
                "RMSE": number(ours["rmse"], digits, ours.get("rmse_err")),
                "Boosting RMSE": number(theirs.get("rmse"), digits),
                "σ_MAD": number(ours["sigma_mad"], digits),
                "Bias": number(ours["bias"], digits),
                "Outliers": share(ours["outliers"]),
                "CRPS": number(ours["crps"], digits),
                "Log score": number(ours["log_score"], 2, ours.get("log_score_err")),
                "Gaussian": number(gaussian.get("log_score"), 2),
            }
        )
    return rows


def coverage_rows(judged: dict) -> list[Row]:
    """Return the calibration of one mode, a row for each target and one for all together."""
    rows = []
    for name, checks in judged["checks"].items():
        states = list(checks.values())
        row = {"Target": _LABELS.get(name, "Joint")}
        figures = judged["targets"].get(name, {}).get("galexplorer", {})
        row |= {f"{c}% coverage": share(figures.get(f"coverage_{c}")) for c in (50, 68, 90, 95)}
        row["PIT D"] = number(figures.get("pit_ks"), 3)
        row["TARP"] = number(judged["tarp"]["tarp_deviation"], 3) if name == "joint" else ""
        row["Checks"] = f"{states.count('holds')} pass" + "".join(
            f", {states.count(state)} {word}"
            for state, word in (("within noise", "within noise"), ("fails", "fail"))
            if state in states
        )
        rows.append(row)
    return rows


def class_rows(judged: dict) -> list[Row]:
    """Return how often BPT classes are right, posterior and boosting."""
    rows = []
    for method, label in (("galexplorer", "galexplorer"), ("boosting", "gradient boosting")):
        found = judged.get("bpt", {}).get(method)
        if not found or not found["rows"]:
            continue
        row = {"Method": label, "Galaxies": str(found["rows"]), "All": share(found["accuracy"])}
        row |= {BPT_LABELS[name]: share(found["recall"][name]) for name in BPT_CLASSES}
        row |= {"Brier score": number(found["brier"], 3), "ECE": number(found["ece"], 3)}
        rows.append(row)
    return rows


def measurable_rows(judged: dict) -> list[Row]:
    """Return how right the probabilities are that a spectrum shows a line or a metallicity."""
    return [
        {
            "Target": _LABELS[name],
            "Galaxies": str(found["rows"]),
            "Shown": share(found["share"]),
            "Brier score": number(found["brier"], 3),
            "Base-rate Brier score": number(found["brier_share"], 3),
            "ECE": number(found["ece"], 3),
        }
        for name, found in judged.get("measurable", {}).items()
    ]


def published_rows(report: dict) -> list[Row]:
    """Return published results and ours."""
    return [
        {
            "Quantity": row["what"],
            "Figure": _FIGURES[row["figure"]],
            "Published": number(row["published"], 4 if row["figure"] == "sigma_mad" else 3),
            "Here": number(
                row["ours"], 4 if row["figure"] == "sigma_mad" else 3, row.get("ours_err")
            ),
            "Our input": row["mode"],
            "Source": row["source"],
            "Comparability": row["caveat"],
        }
        for row in report.get("published", [])
    ]


def field_rows(report: dict) -> list[Row]:
    """Return the galaxies in the real FITS fields."""
    rows = []
    for row in report.get("fields", []):
        if "error" in row:
            rows.append({"Galaxy": row["galaxy"], "z": number(row["redshift"], 4)})
            continue
        rows.append(
            {
                "Galaxy": row["galaxy"],
                "r": number(row["r"], 1),
                "z": number(row["redshift"], 4),
                "Median": number(row["p50"], 3),
                "95% interval": f"{row['p2_5']:.3f} to {row['p97_5']:.3f}",
                "Inside": "yes" if row["inside_95"] else "no",
                "Log density": number(row["log_density"], 2),
                "Without image": number(row["log_density_photometry"], 2),
            }
        )
    return rows


def caught_rows(found: dict) -> list[Row]:
    """Return what the verdict catches, a row for each kind of thing.

    Parameters
    ----------
    found : dict
        The report card's ``verdict``.
    """
    return [
        {
            "What it is given": row["kind"],
            "Input": row["input"],
            "Number": str(row["number"]),
            "Do not use": share(row["caught"]),
            "Or caution": share(row["warned"]),
            "Aim": f"{row['goal']:.0%}",
            "Area below ROC": number(row.get("auc"), 3),
            "Score at 1%": share(row.get("at_rate")),
            "Width where missed": number(row["missed_width"], 1),
            "True z in 95% where missed": share(row.get("missed_held")),
        }
        for row in found["kinds"]
    ]


def alarm_rows(found: dict) -> list[Row]:
    """Return how many galaxies the verdict takes for something else, by what they are."""
    return [
        {
            "Input": row["input"],
            "By": row["by"],
            "Galaxies": row["group"],
            "Number": str(row["number"]),
            "Do not use": share(row["do_not_use"]),
            "Or caution": share(row["warned"]),
        }
        for row in found["false_alarms"]
    ]


def sample_plots(sample: dict, mode: str, dark: bool = False) -> Iterator[Callable[[], Plot]]:
    """Return what draws each figure of one sample; PIT, bins and relations are those of a mode."""
    judged = sample["modes"][mode]
    yield lambda: accuracy_plot(sample, dark)
    yield lambda: coverage_plot(sample, dark)
    yield lambda: pit_plot(judged, dark)
    yield lambda: tarp_plot(sample, dark)
    if judged.get("bins"):
        yield lambda: bins_plot(judged, dark, 2.0 if sample["kind"] == "rendered" else 4.0)
    if any("bpt" in found for found in sample["modes"].values()):
        yield lambda: reliability_plot(sample, dark)
    if judged.get("measurable"):
        yield lambda: measurable_plot(judged, dark)
    if judged.get("relations"):
        yield lambda: relations_plot(judged["relations"], dark)


def judged_samples(report: dict) -> dict[str, dict]:
    """Return the samples that had enough held-out galaxies."""
    return {name: sample for name, sample in report["samples"].items() if sample["modes"]}


def card_page(report: dict) -> str:
    """Return the report card as one HTML page with every figure inside it.

    Parameters
    ----------
    report : dict
        As ``galexplorer evaluate`` returns it.
    """
    samples = []
    for name, sample in judged_samples(report).items():
        first = next(iter(sample["modes"]))
        samples.append(
            {
                "name": name,
                **{key: sample[key] for key in ("title", "rows", "training_rows", "notes")},
                "redshift_range": sample["redshift_range"],
                "plots": [_embed(build()) for build in sample_plots(sample, first)],
                "figure_mode": first,
                "modes": [
                    {
                        "name": mode,
                        "accuracy": accuracy_rows(judged),
                        "coverage": coverage_rows(judged),
                        "classes": class_rows(judged),
                        "measurable": measurable_rows(judged),
                        "joint": judged.get("joint_log_score"),
                    }
                    for mode, judged in sample["modes"].items()
                ],
            }
        )
    environment = Environment(
        loader=PackageLoader("galexplorer.export"),
        autoescape=select_autoescape(default_for_string=True, default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report_card.html.j2").render(
        report=report,
        samples=samples,
        boosting=_embed(boosting_plot(report)),
        published=published_rows(report),
        fields=field_rows(report),
        caught=caught_rows(report["verdict"]) if "verdict" in report else [],
        alarms=alarm_rows(report["verdict"]) if "verdict" in report else [],
        reliability=_embed(verdict_plot(report["verdict"])) if "verdict" in report else None,
    )


def number(value: float | None, digits: int, error: float | None = None) -> str:
    """Return a number with a real minus sign and, if known, its error; empty where missing."""
    if value is None:
        return ""
    text = f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text if error is None else f"{text} ± {error:.{digits}f}"


def share(value: float | None) -> str:
    """Return a share in per cent, with a decimal; empty where missing."""
    return "" if value is None else f"{100 * value:.1f}%"


def _embed(plot: Plot) -> dict[str, str]:
    content = base64.b64encode(figure_bytes(plot.figure, "svg")).decode()
    return {
        "title": plot.title,
        "caption": plot.caption,
        "alt": plot.alt,
        "source": f"data:image/svg+xml;base64,{content}",
    }
