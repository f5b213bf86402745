"""Figures of calibration: coverage, PIT histograms, joint coverage, reliability of classes."""

import numpy as np
from matplotlib.axes import Axes

from galexplorer.figures.card.plots import MODE_STYLES, Plot, canvas, legend, scored_targets
from galexplorer.figures.palette import TRUTH
from galexplorer.schema import MEASURABLE_NAMES, TARGETS

_LABELS = {target.name: target.label for target in TARGETS}


def coverage_plot(sample: dict, dark: bool = False) -> Plot:
    """Draw how far coverage is from nominal, each target and mode, at 68% and 95%."""
    names = scored_targets(sample)
    modes = list(sample["modes"])
    limit = 2.0 if sample["kind"] == "rendered" else 4.0
    figure, panels, colours = canvas(5.4, 1.0 + 0.5 * len(names), 1, 2, dark, sharey=True)
    worst = (0.0, "")
    for axes, level in zip(panels[0], (68, 95), strict=True):
        axes.axvspan(-limit, limit, color=colours.faint, alpha=0.2, linewidth=0)
        axes.axvline(0, color=colours.text, linewidth=1)
        for j, mode in enumerate(modes):
            colour, marker = MODE_STYLES.get(mode, (colours.accent, "o"))
            targets = sample["modes"][mode]["targets"]
            rows = [(k, name) for k, name in enumerate(names) if name in targets]
            gap = [100 * targets[n]["galexplorer"][f"coverage_{level}"] - level for _, n in rows]
            share = level / 100
            noise = [
                196 * np.sqrt(share * (1 - share) / targets[n]["galexplorer"]["rows"])
                for _, n in rows
            ]
            y = [k + 0.7 * ((j + 0.5) / len(modes) - 0.5) for k, _ in rows]
            axes.errorbar(
                gap, y, xerr=noise, fmt=marker, color=colour, markersize=4.5, elinewidth=0.9,
                label=mode,
            )  # fmt: skip
            for g, (_, name) in zip(gap, rows, strict=True):
                worst = max(worst, (abs(g), f"{level}% of {_LABELS[name]}, {mode}"))
        axes.set_xlabel(f"{level}%: offset [points]")
    panels[0, 0].set_yticks(range(len(names)), [_LABELS[name] for name in names])
    panels[0, 0].invert_yaxis()
    legend(figure, panels[0, 0], colours)
    return Plot(
        figure,
        "Coverage of the intervals",
        "Offset: observed − nominal. Negative: the posterior is too narrow; positive: too wide. "
        f"Grey: the tolerance, {limit:g} points. Bars: 95% range of perfect posteriors "
        "for this sample size.",
        f"Deviation of coverage from nominal; the largest is {worst[0]:.0f} points ({worst[1]}).",
    )


def pit_plot(mode_report: dict, dark: bool = False) -> Plot:
    """Draw the PIT histogram of every target of one mode."""
    targets = mode_report["targets"]
    columns = min(3, len(targets))
    rows = -(-len(targets) // columns)
    figure, panels, colours = canvas(
        5.4, 0.5 + 1.5 * rows, rows, columns, dark, sharex=True, sharey=True
    )
    worst = (0.0, "")
    for axes, (name, found) in zip(panels.ravel(), targets.items(), strict=False):
        figures = found["galexplorer"]
        share = np.array(figures["pit"])
        bins = len(share)
        noise = 1.96 * np.sqrt((1 - 1 / bins) * bins / figures["rows"])
        axes.axhspan(1 - noise, 1 + noise, color=colours.faint, alpha=0.25, linewidth=0)
        axes.stairs(share * bins, np.linspace(0, 1, bins + 1), color=colours.accent, linewidth=1.6)
        axes.set_title(_LABELS[name], loc="left", fontsize=9.5, color=colours.text)
        axes.annotate(
            f"D = {figures['pit_ks']:.3f}", (0.97, 0.05), xycoords="axes fraction", ha="right",
            color=colours.text, fontsize=8.5,
        )  # fmt: skip
        worst = max(worst, (figures["pit_ks"], _LABELS[name]))
    for axes in panels.ravel()[len(targets) :]:
        axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("PIT")
    for axes in panels[:, 0]:
        axes.set_ylabel("density")
        axes.set_ylim(bottom=0)
    return Plot(
        figure,
        "Probability integral transform (PIT)",
        "Flat: calibrated; hump: too wide; bowl: too narrow; slope: biased. Grey: 95% range of "
        "perfect posteriors. D is the largest distance from uniform.",
        f"PIT histograms of {len(targets)} targets; the largest distance from uniform is "
        f"{worst[0]:.3f}, {worst[1]}.",
    )


def tarp_plot(sample: dict, dark: bool = False) -> Plot:
    """Draw the joint expected coverage of every mode, minus the nominal one."""
    figure, panels, colours = canvas(5.4, 3.4, dark=dark)
    axes = panels[0, 0]
    limit = 3.0 if sample["kind"] == "rendered" else 4.0
    axes.axhspan(-limit, limit, color=colours.faint, alpha=0.2, linewidth=0)
    axes.axhline(0, color=colours.text, linewidth=1)
    words: list[str] = []
    for mode, mode_report in sample["modes"].items():
        colour, _ = MODE_STYLES.get(mode, (colours.accent, "o"))
        found = mode_report["tarp"]
        alpha = np.array(found["alpha"])
        low, middle, high = (
            100 * (np.array(found[k]) - alpha) for k in ("low", "coverage", "high")
        )
        if not words:  # the bands of all modes are alike, and would hide each other
            axes.fill_between(100 * alpha, low, high, color=colour, alpha=0.2, linewidth=0)
        style = "--" if "fixed" in mode else "-"
        axes.plot(100 * alpha, middle, style, color=colour, linewidth=1.6, label=mode)
        words.append(f"{mode} {100 * found['tarp_deviation']:.0f}")
    axes.set_xlabel("credibility [%]")
    axes.set_ylabel("observed − nominal [percentage points]")
    legend(figure, axes, colours)
    return Plot(
        figure,
        "Coverage of the joint posterior",
        "TARP (Lemos et al. 2023) over all known targets at once; the band of the first mode holds "
        "95% of bootstrap samples. Zero is ideal; grey is the tolerance.",
        f"Largest deviation of the joint coverage, in points: {', '.join(words)}.",
    )


def reliability_plot(sample: dict, dark: bool = False) -> Plot:
    """Draw observed shares of BPT classes against their probabilities."""
    figure, panels, colours = canvas(5.4, 4.9, dark=dark)
    axes = panels[0, 0]
    axes.plot([0, 1], [0, 1], color=colours.text, linewidth=1)
    words = []
    for mode, mode_report in sample["modes"].items():
        if "bpt" not in mode_report:
            continue
        colour, marker = MODE_STYLES.get(mode, (TRUTH, "o"))
        found = mode_report["bpt"]["galexplorer"]
        _draw_reliability(axes, found["reliability"], colour, marker, mode)
        words.append(f"{mode}: {found['accuracy']:.0%} correct, ECE {found['ece']:.3f}")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel("probability of a BPT class")
    axes.set_ylabel("fraction of galaxies in that class")
    legend(figure, axes, colours)
    return Plot(
        figure,
        "Reliability of the BPT class probabilities",
        "All four BPT classes together; on the diagonal a probability of 30% comes true in 30% "
        "of the cases. Bars are binomial errors.",
        f"Reliability of BPT classes. {'; '.join(words)}.",
    )


def verdict_plot(found: dict, dark: bool = False) -> Plot:
    """Draw the observed share of galaxies against the verdict's probability of one."""
    figure, panels, colours = canvas(5.4, 4.9, dark=dark)
    axes = panels[0, 0]
    axes.plot([0, 1], [0, 1], color=colours.text, linewidth=1)
    styles = ((colours.accent, "o"), (TRUTH, "s"))
    for (kind, curve), (colour, marker) in zip(found["reliability"].items(), styles, strict=True):
        axes.plot(
            curve["probability"], curve["share"], marker=marker, color=colour, linewidth=1.2,
            label=kind,
        )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel("probability of a galaxy")
    axes.set_ylabel("fraction of galaxies")
    legend(figure, axes, colours)
    return Plot(
        figure,
        "Reliability of the probability of a galaxy",
        "If nine in ten of what is given are galaxies; on the diagonal a probability of 30% comes "
        "true in 30% of the cases.",
        f"Reliability of the probability of a galaxy from {' and '.join(found['reliability'])}.",
    )


_HEAD_STYLES = dict(
    zip(
        MEASURABLE_NAMES,
        (("#D55E00", "o"), ("#0072B2", "s"), ("#009E73", "^"), ("#CC79A7", "v"), ("#E69F00", "D")),
        strict=True,
    )
)


def _draw_reliability(axes: Axes, curve: dict, colour: str, marker: str, label: str) -> None:
    count = np.array(curve["count"])
    p, share = np.array(curve["probability"]), np.array(curve["share"])
    used = count >= 10
    error = np.sqrt(p * (1 - p) / count)[used]
    axes.errorbar(
        p[used], share[used], yerr=error, fmt=f"{marker}-", color=colour, markersize=4.5,
        linewidth=1, label=label,
    )  # fmt: skip


def measurable_plot(mode_report: dict, dark: bool = False) -> Plot:
    """Draw the share of spectra that show a line or a metallicity against its probability."""
    figure, panels, colours = canvas(6.4, 4.9, dark=dark)
    axes = panels[0, 0]
    axes.plot([0, 1], [0, 1], color=colours.text, linewidth=1)
    words = []
    for name, found in mode_report["measurable"].items():
        colour, marker = _HEAD_STYLES[name]
        _draw_reliability(axes, found["reliability"], colour, marker, _LABELS[name])
        words.append(f"{_LABELS[name]}: Brier score {found['brier']:.3f}, ECE {found['ece']:.3f}")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel("probability that a spectrum shows it")
    axes.set_ylabel("fraction of spectra that show it")
    legend(figure, axes, colours, columns=2)
    return Plot(
        figure,
        "Reliability of the measurability probabilities",
        "A line counts at a signal-to-noise ratio above 3, a metallicity where the lines are "
        "strong and of star formation. On the diagonal a probability of 30% comes true in 30% "
        "of the cases. Bars are binomial errors.",
        f"Reliability of measurability. {'; '.join(words)}.",
    )
