"""Colours and axis labels that all figures share.

One accent colour marks the inferred galaxy, everywhere; the rest is neutral. The colours
are told apart by people with any of the common colour-vision deficiencies.
"""

from dataclasses import dataclass

from galexplorer.schema import BPT_CLASSES, TARGETS

TRUTH = "#D55E00"
"""Known values (Okabe & Ito's vermilion)."""

SELECTED = "#CC79A7"
"""Draws that the user selected (Okabe & Ito's reddish purple)."""

OVERLAY = "#8A8F98"
"""A second posterior, for comparison."""

SERIES = ("#1F69A3", "#009E73", "#CC79A7", "#B07D00", "#6A4FA3")
"""Galaxies that are compared: the accent, then colours apart from it and from `TRUTH`."""

CLASS_COLOURS = dict(zip(BPT_CLASSES, ("#4FA3D9", "#009E73", "#CC79A7", "#E69F00"), strict=True))
"""BPT classes (after Okabe & Ito)."""

RESIDUAL_MAP = "PuOr_r"
"""Diverging colour map of signed residuals."""

UNITS = {
    "log10(Msun)": "log M☉",
    "log10(Msun/yr)": "log M☉ yr⁻¹",
    "log10(1e-17 erg/s/cm2)": "log 10⁻¹⁷ erg s⁻¹ cm⁻²",
}
"""Plain-text units of the targets, for the screen."""

_TARGETS = {target.name: target for target in TARGETS}


@dataclass(frozen=True)
class Theme:
    """Colours of text and lines on one background.

    Attributes
    ----------
    accent, text, faint, background : str
        Hexadecimal colours; `accent` is the posterior's, `faint` is for demarcations.
    """

    accent: str
    text: str
    faint: str
    background: str

    def with_opacity(self, name: str, opacity: float) -> str:
        """Return one of the colours, partly transparent, as CSS."""
        colour = getattr(self, name)
        red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
        return f"rgba({red}, {green}, {blue}, {opacity:g})"


LIGHT = Theme(accent="#1F69A3", text="#0B0E12", faint="#7E858F", background="#FFFFFF")
DARK = Theme(accent="#5AA9E6", text="#E6E8EB", faint="#8F96A0", background="#0F1318")


def theme(dark: bool) -> Theme:
    """Return the colours for a dark or a light background."""
    return DARK if dark else LIGHT


def axis_label(name: str) -> str:
    """Return the mathtext label of a target's axis, with its unit in brackets."""
    target = _TARGETS[name]
    return f"{target.symbol} [{target.unit_symbol}]" if target.unit_symbol else target.symbol
