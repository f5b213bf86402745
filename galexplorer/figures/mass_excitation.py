"""The galaxy's place on the mass-excitation diagram, as a cloud of posterior draws."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from galexplorer.figures.cloud import Marks, cloud_marks, demarcation
from galexplorer.figures.diagram import Axis, Diagram, Label
from galexplorer.figures.palette import theme
from galexplorer.records.posterior import Posterior
from galexplorer.science.mass_excitation import (
    MEX_LABELS,
    mex_coordinates,
    mex_lower,
    mex_upper,
)

X_RANGE, Y_RANGE = (8.0, 12.0), (-1.4, 1.5)
_LABEL_POSITIONS = {"star_forming": (8.75, -0.6, 0.0), "agn": (9.2, 1.3, 0.0)}
_STRIP, _BESIDE = (10.02, 0.27), (8.8, 0.27)
"""A place between the curves, where no words fit, and one from where a line points there."""


def mex_diagram(
    posterior: Posterior,
    probabilities: Mapping[str, float] | None = None,
    dark: bool = False,
    known: Mapping[str, float] | None = None,
    selected: Bool[np.ndarray, " n"] | None = None,
) -> Diagram:
    """Return the mass-excitation cloud for the screen.

    Parameters
    ----------
    posterior : Posterior
    probabilities : mapping of str to float, optional
        Probability of each of `galexplorer.science.mass_excitation.MEX_CLASSES`.
    dark : bool
        Colours for a dark background.
    known : mapping of str to float, optional
        Published values by target; a point where mass and both lines are among them.
    selected : ndarray, shape (n,), bool, optional
        Draws to point out.

    Returns
    -------
    Diagram

    Raises
    ------
    ValueError
        If no draw has a finite mass and line ratio.
    """
    x, y = mex_coordinates(posterior.draws)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        raise ValueError("no draw has a finite mass and line ratio")
    x, y = x[finite], y[finite]
    low, high = np.quantile(x, [0.005, 0.995])
    bottom, top = np.quantile(y, [0.005, 0.995])
    x_range = (min(X_RANGE[0], low - 0.2), max(X_RANGE[1], high + 0.2))
    y_range = (min(Y_RANGE[0], bottom - 0.1), max(Y_RANGE[1], top + 0.1))
    colours = theme(dark)
    curve = np.linspace(x_range[0], 12.0, 300)  # beyond, the cubics have no meaning
    names = ("log_stellar_mass", "log_flux_oiii_5007", "log_flux_hbeta")
    place = None
    if known is not None and set(names) <= set(known):
        mass, oiii, hbeta = (known[name] for name in names)
        place = (mass, oiii - hbeta)
    marks = Marks(place, None if selected is None else selected[finite])
    shares = {} if probabilities is None else {k: f" {p:.0%}" for k, p in probabilities.items()}
    labels = [
        Label(MEX_LABELS[k] + shares.get(k, ""), *where) for k, where in _LABEL_POSITIONS.items()
    ]
    between = MEX_LABELS["intermediate"] + shares.get("intermediate", "")
    return Diagram(
        Axis("log M⋆  [M☉]", "log M⋆", *x_range),
        Axis("log [O III] 5007 / Hβ  [dex]", "log [O III]/Hβ", *y_range),
        (
            demarcation("Juneau 2014, upper", "solid", curve, mex_upper(curve), colours),
            demarcation("Juneau 2014, lower", "dash", curve, mex_lower(curve), colours),
            *cloud_marks(x, y, colours, "Draws", marks),
        ),
        (*labels, Label(between, *_BESIDE, target=_STRIP)),
        colours,
    )
