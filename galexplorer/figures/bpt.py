"""The galaxy's place on the BPT diagram, as a cloud of posterior draws, for the screen."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from galexplorer.figures.cloud import Marks, cloud_marks, contours, demarcation
from galexplorer.figures.diagram import Axis, Diagram, Label, Line, Points
from galexplorer.figures.palette import OVERLAY, theme
from galexplorer.records.posterior import Posterior
from galexplorer.schema import LINE_NAMES
from galexplorer.science.bpt import (
    KAUFFMANN_POLE,
    KEWLEY_POLE,
    kauffmann2003,
    kewley2001,
    line_ratios,
    schawinski2007,
)
from galexplorer.science.summary import BPT_LABELS

MASSES = (0.68, 0.95)
REFERENCE_MASSES = (0.3, 0.6, 0.9)
MIN_DENSITY = 400
"""Number of reference galaxies above which contours replace points."""

X_RANGE, Y_RANGE = (-2.0, 0.8), (-1.4, 1.5)

# x, y and angle: along the strip between the curves for what lies there
_LABEL_POSITIONS = {
    "star_forming": (-1.45, -0.9, 0.0),
    "composite": (-0.03, -0.85, -97.0),
    "seyfert": (-0.95, 1.3, 0.0),
    "liner": (0.48, -0.75, 0.0),
}


def demarcations(low: float, high: float) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """Return name, dash, x and y of each curve, drawn where it divides two classes."""
    kewley_x = np.linspace(low, KEWLEY_POLE - 0.02, 300)
    kauffmann_x = np.linspace(max(low, -1.28), KAUFFMANN_POLE - 0.02, 300)
    division_x = np.linspace(-0.1839, high, 2)  # from where it leaves Kewley's curve
    return [
        ("Kewley 2001", "solid", kewley_x, kewley2001(kewley_x)),
        ("Kauffmann 2003", "dash", kauffmann_x, kauffmann2003(kauffmann_x)),
        ("Schawinski 2007", "dot", division_x, schawinski2007(division_x)),
    ]


def limits(columns: Sequence[np.ndarray], default: tuple[float, float]) -> tuple[float, float]:
    ends = np.array([np.quantile(values, [0.005, 0.995]) for values in columns])
    return min(default[0], float(ends.min()) - 0.1), max(default[1], float(ends.max()) + 0.1)


def finite_ratios(
    posterior: Posterior,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Bool[np.ndarray, " m"]]:
    """Return the ratios of the draws that have them, and which these are."""
    x, y = line_ratios(posterior.draws)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        raise ValueError("no draw has finite line ratios")
    return x[finite], y[finite], finite


def region_labels(probabilities: Mapping[str, float] | None) -> list[Label]:
    """Return the label of each region, none across a curve."""
    labels = []
    for name, (x, y, angle) in _LABEL_POSITIONS.items():
        share = "" if probabilities is None else f" {probabilities[name]:.0%}"
        labels.append(Label(BPT_LABELS[name] + share, x, y, angle))
    return labels


def bpt_diagram(
    posterior: Posterior,
    probabilities: Mapping[str, float] | None = None,
    dark: bool = False,
    reference: tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]] | None = None,
    others: Sequence[tuple[str, Posterior, str]] = (),
    name: str = "Draws",
    known: Mapping[str, float] | None = None,
    selected: Bool[np.ndarray, " n"] | None = None,
) -> Diagram:
    """Return the BPT cloud for the screen.

    Parameters
    ----------
    posterior : Posterior
    probabilities : mapping of str to float, optional
        Probability of each class, written into its region.
    dark : bool
        Colours for a dark background.
    reference : tuple of ndarray, optional
        log([N II]/Ha) and log([O III]/Hb) of measured galaxies: contours of their density, or
        points where they are few.
    others : sequence of (str, Posterior, str)
        Names, posteriors and colours to compare with.
    name : str
        Of this posterior, for the legend.
    known : mapping of str to float, optional
        Published values by target; a point where all four lines are among them.
    selected : ndarray, shape (n,), bool, optional
        Draws to point out.

    Returns
    -------
    Diagram
        Draws, their median with the ellipse that holds 68% of them, the 95% contour and three
        named demarcations.

    Raises
    ------
    ValueError
        If no draw has finite line ratios.
    """
    x, y, finite = finite_ratios(posterior)
    clouds = [(x, y), *(finite_ratios(other)[:2] for _, other, _ in others)]
    x_range = limits([cloud[0] for cloud in clouds], X_RANGE)
    y_range = limits([cloud[1] for cloud in clouds], Y_RANGE)
    colours = theme(dark)
    marks = Marks(_known_ratios(known), None if selected is None else selected[finite])
    return Diagram(
        Axis("log [N II] 6584 / Hα  [dex]", "log [N II]/Hα", *x_range),
        Axis("log [O III] 5007 / Hβ  [dex]", "log [O III]/Hβ", *y_range),
        (
            *(() if reference is None else (_reference(*reference),)),
            *(demarcation(*curve, colours) for curve in demarcations(*x_range)),
            *(
                contours(*cloud, MASSES, other_name, hue, 1.6)
                for (other_name, _, hue), cloud in zip(others, clouds[1:], strict=True)
            ),
            *cloud_marks(x, y, colours, name, marks),
        ),
        tuple(region_labels(probabilities)),
        colours,
    )


def _known_ratios(known: Mapping[str, float] | None) -> tuple[float, float] | None:
    """Return the place of published line fluxes, None where one is missing."""
    if known is None or not set(LINE_NAMES) <= set(known):
        return None
    halpha, hbeta, nii, oiii = (known[name] for name in LINE_NAMES)
    return nii - halpha, oiii - hbeta


def _reference(x: np.ndarray, y: np.ndarray) -> Line | Points:
    if x.size >= MIN_DENSITY:
        name = f"{x.size:,} reference galaxies"
        return contours(x, y, REFERENCE_MASSES, name, OVERLAY, 1)
    name = f"{x.size} reference galaxies"
    return Points(name, x, y, OVERLAY, 4, 0.6, "circle-open", told=False)
