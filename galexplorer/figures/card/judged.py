"""The first figures of the report card: true values against inferred ones, and coverage."""

import numpy as np

from galexplorer.figures.card.plots import Plot, canvas, legend
from galexplorer.figures.palette import OVERLAY
from galexplorer.schema import TARGETS

_LABELS = {target.name: target.label for target in TARGETS}
_LEVELS = (50, 68, 90, 95)
_COLOURS = {"redshift": "#0072B2", "log_stellar_mass": "#E69F00"}
_UNITS = {"redshift": "", "log_stellar_mass": " [log M☉]"}

SHOWN = (
    ("main_sample", "photometry", "redshift", "ugriz magnitudes"),
    ("sdss_spirals", "image only", "redshift", "real image alone"),
    ("sdss_spirals", "image only", "log_stellar_mass", "real image alone"),
)
"""Sample, mode, target and words of each panel of the first figure."""


def has_points(report: dict) -> bool:
    """Return whether a report card has values of single galaxies."""
    return bool(_panels(report))


def _panels(report: dict) -> list[tuple[str, str, dict[str, np.ndarray]]]:
    panels = []
    for sample, mode, target, words in SHOWN:
        modes = report["samples"].get(sample, {}).get("modes", {})
        points = modes.get(mode, {}).get("targets", {}).get(target, {}).get("points")
        if points:
            panels.append((target, words, {key: np.array(v) for key, v in points.items()}))
    return panels


def truth_plot(report: dict, dark: bool = False) -> Plot:
    """Draw inferred against true values of held-out real galaxies.

    Parameters
    ----------
    report : dict
        The report card.
    dark : bool

    Returns
    -------
    Plot

    Raises
    ------
    ValueError
        If `has_points` is false.
    """
    panels = _panels(report)
    if not panels:
        raise ValueError("the report card has no values of single galaxies")
    figure, axes, colours = canvas(10.8, 3.9, 1, len(panels), dark)
    found = []
    for panel, (target, words, values) in zip(axes[0], panels, strict=True):
        true, low, middle, high = (values[key] for key in ("true", "p16", "p50", "p84"))
        panel.errorbar(
            true, middle, yerr=[middle - low, high - middle], fmt="o", markersize=3,
            color=_COLOURS[target], ecolor=_COLOURS[target], elinewidth=0.7, alpha=0.55,
        )  # fmt: skip
        ends = np.quantile(np.concatenate([true, middle]), [0.002, 0.998])
        panel.plot(ends, ends, color=colours.text, linewidth=1)
        panel.set_xlim(*ends)
        panel.set_ylim(*ends)
        panel.set_aspect("equal")
        panel.set_title(f"{_LABELS[target]}, {words}", fontsize=10, color=colours.text)
        panel.set_xlabel(f"true{_UNITS[target]}")
        panel.set_ylabel(f"inferred{_UNITS[target]}")
        inside = float(np.mean((true >= low) & (true <= high)))
        found.append(f"{_LABELS[target]}, {words}: {inside:.0%} of {len(true)}")
    return Plot(
        figure,
        "True values and inferred ones",
        "Held-out real galaxies: median and 68% interval against the spectroscopic redshift or the "
        "catalogue's mass; on the line they are equal.",
        f"Inferred against true values. The 68% interval holds {'; '.join(found)} galaxies.",
    )


def calibration_plot(report: dict, dark: bool = False) -> Plot:
    """Draw the share of true values within an interval against what the interval promises.

    Parameters
    ----------
    report : dict
        The report card.
    dark : bool

    Returns
    -------
    Plot
    """
    figure, axes, colours = canvas(7.6, 3.5, 1, 2, dark, sharey=True)
    worst = (0.0, "")
    for panel, real in zip(axes[0], (True, False), strict=True):
        drawn = 0
        for sample in report["samples"].values():
            if (sample["kind"] != "rendered") != real:
                continue
            for mode, judged in sample["modes"].items():
                for target, found in judged["targets"].items():
                    figures = found["galexplorer"]
                    gaps = [100 * figures[f"coverage_{level}"] - level for level in _LEVELS]
                    colour = _COLOURS.get(target, OVERLAY)
                    panel.plot(_LEVELS, gaps, "-", color=colour, linewidth=0.9, alpha=0.6)
                    drawn += 1
                    if real:
                        words = f"{_LABELS[target]}, {sample['title']}, {mode}"
                        worst = max(worst, (abs(gaps[1]), words))
        panel.axhline(0, color=colours.text, linewidth=1.2)
        panel.axhspan(-4, 4, color=colours.faint, alpha=0.18, linewidth=0)
        panel.set_xticks(_LEVELS, [f"{level}%" for level in _LEVELS])
        panel.set_title(f"{'real' if real else 'rendered'} galaxies, {drawn} cases", fontsize=10)
        panel.title.set_color(colours.text)
        panel.set_xlabel("interval")
    axes[0, 0].set_ylabel("observed − promised [points]")
    for target, colour in _COLOURS.items():
        axes[0, 0].plot([], [], color=colour, label=_LABELS[target])
    axes[0, 0].plot([], [], color=OVERLAY, label="other quantities")
    legend(figure, axes[0, 0], colours, columns=3)
    return Plot(
        figure,
        "Do the intervals hold what they promise?",
        "A line for each sample, input and quantity: how many true values the 50, 68, 90 and 95% "
        "intervals held, less what they promise. Above zero they are too wide, below too narrow; "
        "grey is within 4 points.",
        "Coverage less its nominal value. The largest deviation of a 68% interval on real galaxies "
        f"is {worst[0]:.0f} points: {worst[1]}.",
    )
