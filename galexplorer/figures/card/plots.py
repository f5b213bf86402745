"""Figures of the report card: accuracy, gradient boosting, bins, scaling relations.

All take the report card as ``galexplorer evaluate`` writes it, plain JSON.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from galexplorer.figures.canvas import Figure
from galexplorer.figures.palette import OVERLAY, TRUTH, Theme, axis_label, theme
from galexplorer.schema import TARGETS

_TEXT_PT = 10.0
_LABELS = {target.name: target.label for target in TARGETS}

# Okabe & Ito's colours, which survive every common colour-vision deficiency; each mode has
# a marker of its own besides.
MODE_STYLES: dict[str, tuple[str, str]] = {
    "image + photometry": ("#0072B2", "o"),
    "photometry": ("#E69F00", "s"),
    "photometry + Petrosian magnitudes": ("#7F7F7F", "<"),
    "ugriz only": ("#009E73", "^"),
    "gri only": ("#CC79A7", "v"),
    "image only": ("#56B4E9", "D"),
    "image + photometry, redshift fixed": ("#D55E00", "P"),
    "photometry, redshift fixed": ("#D55E00", "X"),
    "image only, redshift fixed": ("#D55E00", "X"),
}
"""Colour and marker of each mode, the same in every figure."""


@dataclass(frozen=True)
class Plot:
    """A figure and what must be said with it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    title, caption : str
    alt : str
        The finding in words, for those who do not see the figure.
    """

    figure: Figure
    title: str
    caption: str
    alt: str


def canvas(
    width: float,
    height: float,
    rows: int = 1,
    columns: int = 1,
    dark: bool = False,
    sharex: bool = False,
    sharey: bool = False,
) -> tuple[Figure, np.ndarray, Theme]:
    """Return a transparent figure (inches), its axes (rows, columns) and the colours to use."""
    colours = theme(dark)
    figure = Figure(figsize=(width, height), facecolor="none", layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)
    for panel in axes.ravel():
        panel.set_facecolor("none")
        panel.tick_params(colors=colours.text, labelsize=_TEXT_PT)
        panel.spines[:].set_color(colours.faint)
        panel.spines[["top", "right"]].set_visible(False)
        for label in (panel.xaxis.label, panel.yaxis.label, panel.title):
            label.set_color(colours.text)
            label.set_fontsize(_TEXT_PT)
    return figure, axes, colours


def legend(figure: Figure, axes: Axes, colours: Theme, columns: int = 2) -> None:
    """Put the legend of one panel above the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=columns, frameon=False,
        fontsize=_TEXT_PT, labelcolor=colours.text, handletextpad=0.3, columnspacing=1.0,
    )  # fmt: skip


def scored_targets(sample: dict) -> list[str]:
    """Return the targets that any mode of a sample scores, in the order of the schema."""
    mode_report = {name for mode in sample["modes"].values() for name in mode["targets"]}
    return [target.name for target in TARGETS if target.name in mode_report]


def accuracy_plot(sample: dict, dark: bool = False) -> Plot:
    """Draw R2 of every target in every mode, with boosting's as a bar."""
    names = scored_targets(sample)
    modes = list(sample["modes"])
    figure, panels, colours = canvas(5.4, 1.0 + 0.55 * len(names), dark=dark)
    axes = panels[0, 0]
    words = []
    for j, mode in enumerate(modes):
        colour, marker = MODE_STYLES.get(mode, (colours.accent, "o"))
        targets = sample["modes"][mode]["targets"]
        shift = 0.7 * ((j + 0.5) / len(modes) - 0.5)
        rows = [(k, targets[name]) for k, name in enumerate(names) if name in targets]
        y = [k + shift for k, _ in rows]
        ours = [found["galexplorer"] for _, found in rows]
        axes.errorbar(
            [f["r2"] for f in ours], y, xerr=[2 * (f.get("r2_err") or 0.0) for f in ours],
            fmt=marker, color=colour, markersize=5, elinewidth=1.2, label=mode,
        )  # fmt: skip
        theirs = [(found["boosting"]["r2"], k + shift) for k, found in rows if "boosting" in found]
        axes.plot(
            *np.array(theirs or [(np.nan, np.nan)]).T, "|", color=OVERLAY, markersize=9,
            markeredgewidth=2, label="gradient boosting" if j == len(modes) - 1 else None,
        )  # fmt: skip
        words.append(f"{mode}: " + ", ".join(
            f"{_LABELS[names[k]]} {found['galexplorer']['r2']:.2f}" for k, found in rows
        ))  # fmt: skip
    axes.set_yticks(range(len(names)), [_LABELS[name] for name in names])
    axes.invert_yaxis()
    low = axes.get_xlim()[0]
    axes.set_xlim(max(low, -0.4), 1.0)
    axes.set_xlabel("R² of the posterior mean")
    axes.grid(axis="x", color=colours.faint, alpha=0.25, linewidth=0.6)
    legend(figure, axes, colours)
    return Plot(
        figure,
        "Accuracy of the posterior mean",
        "R², 1 is perfect; error bars are two bootstrap errors. Grey bars: gradient boosting on "
        "the same inputs, same training and test galaxies.",
        f"R² by target. {'; '.join(words)}.",
    )


def boosting_plot(report: dict, dark: bool = False) -> Plot:
    """Draw the RMSE against gradient boosting's, real samples, in their main mode."""
    rows = []
    for sample in report["samples"].values():
        if sample["kind"] == "rendered" or not sample["modes"]:
            continue
        mode, mode_report = next(iter(sample["modes"].items()))
        for name, found in mode_report["targets"].items():
            ratio = found.get("versus", {}).get("rmse_ratio")
            if ratio:
                rows.append((f"{sample['title']}: {_LABELS[name]}", mode, ratio))
    figure, panels, colours = canvas(5.4, 1.1 + 0.26 * max(len(rows), 4), dark=dark)
    axes = panels[0, 0]
    for mode in dict.fromkeys(mode for _, mode, _ in rows):
        colour, marker = MODE_STYLES.get(mode, (colours.accent, "o"))
        mine = [(k, ratio) for k, (_, m, ratio) in enumerate(rows) if m == mode]
        value = np.array([ratio["value"] for _, ratio in mine])
        error = np.abs([[r["low"], r["high"]] for _, r in mine] - value[:, None]).T
        axes.errorbar(
            value, [k for k, _ in mine], xerr=error, fmt=marker, color=colour, markersize=5,
            elinewidth=1.2, label=mode,
        )  # fmt: skip
    axes.axvline(1.0, color=colours.text, linewidth=1)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("RMSE / RMSE of gradient boosting")
    legend(figure, axes, colours)
    better = sum(ratio["high"] < 1 for _, _, ratio in rows)
    worse = sum(ratio["low"] > 1 for _, _, ratio in rows)
    return Plot(
        figure,
        "Comparison with gradient boosting, real galaxies",
        "Left of the line the posterior mean is more accurate. Bars span 95% of paired "
        "bootstrap samples. Boosting was trained on each table alone.",
        f"Of {len(rows)} comparisons, the posterior mean has the smaller RMSE in {better}, the "
        f"larger in {worse}; the rest are indistinguishable.",
    )


def bins_plot(mode_report: dict, dark: bool = False, limit: float = 2.0) -> Plot:
    """Draw coverage and accuracy in bins of magnitude, size and type, for three targets."""
    bins = mode_report["bins"]
    names = list(bins)
    figure, panels, colours = canvas(5.4, 0.9 + 0.3 * len(names), 1, 2, dark, sharey=True)
    styles = zip(("redshift", "log_stellar_mass", "log_sfr"),
                 (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^")), strict=True)  # fmt: skip
    worst = (0.0, "", "")
    for j, (target, (colour, marker)) in enumerate(styles):
        rows = [(k, bins[name][target]) for k, name in enumerate(names) if target in bins[name]]
        y = [k + 0.22 * (j - 1) for k, _ in rows]
        gap = [100 * (f["coverage_68"] - 0.68) for _, f in rows]
        noise = [196 * np.sqrt(0.68 * 0.32 / f["rows"]) for _, f in rows]
        panels[0, 0].errorbar(
            gap, y, xerr=noise, fmt=marker, color=colour, markersize=5, elinewidth=1.2,
            label=_LABELS[target],
        )  # fmt: skip
        panels[0, 1].plot([f["r2"] for _, f in rows], y, marker, color=colour, markersize=5)
        for g, (k, _) in zip(gap, rows, strict=True):
            worst = max(worst, (abs(g), _LABELS[target], names[k]))
    panels[0, 0].axvspan(-limit, limit, color=colours.faint, alpha=0.2, linewidth=0)
    panels[0, 0].axvline(0, color=colours.text, linewidth=1)
    panels[0, 0].set_yticks(range(len(names)), names)
    panels[0, 0].invert_yaxis()
    panels[0, 0].set_xlabel("68%: offset [points]")
    panels[0, 1].set_xlabel("R² within the bin")
    legend(figure, panels[0, 0], colours)
    return Plot(
        figure,
        "By magnitude, size and type",
        "Bins are in observed quantities. Offset: observed − nominal coverage. Bars: 95% range of "
        "perfect posteriors. R² is lower within a bin because the true values there span less of "
        "their range.",
        f"68% coverage and R² in {len(names)} bins. The largest deviation of coverage is "
        f"{worst[0]:.0f} points, {worst[1]}, {worst[2]}.",
    )


def relations_plot(relations: dict, dark: bool = False) -> Plot:
    """Draw the scaling relations of known values and of posterior draws."""
    axis_names = {
        "mass-metallicity": "gas_metallicity",
        "main sequence": "log_sfr",
        "black hole-mass": "log_bh_mass",
    }
    figure, panels, colours = canvas(5.4, 2.9, 1, len(relations), dark)
    for axes, (name, found) in zip(panels[0], relations.items(), strict=True):
        for key, colour, label in (
            ("known", TRUTH, "known values"),
            ("drawn", colours.accent, "posterior draws"),
        ):
            low, middle, high = (
                np.array(found[key][q], dtype=float) for q in ("p16", "p50", "p84")
            )
            axes.fill_between(found["mass"], low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(
                found["mass"], middle, "-" if key == "known" else "--", color=colour, label=label
            )
        axes.set_xlabel(axis_label("log_stellar_mass"))
        axes.set_ylabel(axis_label(axis_names[name]))
        axes.set_title(name, fontsize=8.5)
    legend(figure, panels[0, 0], colours)
    offsets = ", ".join(f"{name} {found['offset']:.2f} dex" for name, found in relations.items())
    return Plot(
        figure,
        "Scaling relations",
        "Median and 68% range in bins of mass, of known values and of the posterior draws of the "
        "same galaxies. Correct posteriors reproduce the relation, scatter included.",
        f"RMS difference of the medians: {offsets}.",
    )
