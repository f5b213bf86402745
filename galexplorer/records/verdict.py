"""Whether a result may be used: a level, and reasons in plain words with what to do."""

import math
from dataclasses import dataclass
from typing import NamedTuple

FINE, CAUTION, DO_NOT_USE = "fine", "caution", "do_not_use"
LEVELS = (FINE, CAUTION, DO_NOT_USE)
"""From best to worst."""

LEVEL_WORDS = {FINE: "Fine", CAUTION: "Use with caution", DO_NOT_USE: "Do not use"}


class _Words(NamedTuple):
    what: str
    advice: str


_REASONS = {
    # what it is
    "star": _Words("It is probably a star.", "Check the position or the row."),
    "quasar": _Words(
        "It is probably a quasar.", "Use a method made for quasars: its nucleus outshines its host."
    ),
    "artefact": _Words(
        "The image shows no galaxy: empty sky, noise, or a trail or defect.",
        "Look at the image and check the position.",
    ),
    "saturated": _Words(
        "The light is that of a bright or saturated star: its disc, glow, spikes or trail.",
        "Check the position, or take an image without the star.",
    ),
    "picture": _Words(
        "The image is a photograph or a drawing, not the sky as SDSS shows it.",
        "Give an SDSS gri image.",
    ),
    "distant": _Words(
        "Its magnitudes are those of a galaxy beyond redshift 0.3, where the model ends.",
        "Use a method that reaches that far.",
    ),
    # how it was given
    "bands": _Words(
        "The order of the bands may be wrong: red and blue may be swapped.",
        "Give g, r and i in their order, or the picture with red as red; the bluest dwarf galaxies "
        "look so too.",
    ),
    "magnitudes": _Words(
        "The magnitudes are those of no galaxy: they may be Vega magnitudes, in another order "
        "of bands, or uncalibrated.",
        "Give dereddened AB magnitudes, each in its own band.",
    ),
    "units": _Words(
        "The brightness, size and noise of the image do not go together.",
        "Check the unit of its pixels and its zero point.",
    ),
    "scale": _Words(
        "The image is sharper or more blurred than SDSS's.",
        "Check the pixel scale; if it is right, the image is from another survey, of which the "
        "model knows nothing.",
    ),
    "cut_off": _Words(
        "The galaxy is cut off by the edge of the image.", "Give an image that holds all of it."
    ),
    "blended": _Words(
        "Much of its aperture is covered by a neighbour or was not measured.",
        "Check the apertures in the picture; it may be a merger.",
    ),
    "disagree": _Words(
        "The image and the magnitudes that were given differ.",
        "Check that both are of the same galaxy, and the zero point if the image has one.",
    ),
    "impossible": _Words(
        "Its colours or its size are those of no galaxy.",
        "Check the magnitudes, their bands and the radii.",
    ),
    # what the model makes of it
    "outside_domain": _Words("It is unlike the training galaxies.", "Leave it out of statistics."),
    "beyond": _Words(
        "Its redshift is probably above 0.3, where the model ends.",
        "Do not rely on the redshift or on what follows from it.",
    ),
    "prior_conflict": _Words(
        "The data contradict the redshift range or prior that was given.",
        "Widen it, or check that it belongs to this galaxy.",
    ),
    "fixed_redshift": _Words(
        "The data contradict the redshift that was given.",
        "Check that the redshift belongs to this galaxy.",
    ),
}
CODES = tuple(_REASONS)
"""Every reason that a verdict may have; flags of catalogues are these words."""

NO_GALAXY = ("star", "quasar", "artefact", "saturated", "picture")
"""Reasons that say it is something else."""


@dataclass(frozen=True)
class Reason:
    """One thing that is the matter.

    Attributes
    ----------
    code : str
        One of `CODES`.
    level : str
        One of `LEVELS`: how bad it is by itself.
    what : str
        A sentence on what it is.
    advice : str
        A sentence on what to do.
    """

    code: str
    level: str
    what: str
    advice: str


def reason(code: str, level: str, detail: str = "") -> Reason:
    """Return a reason in its own words, with a sentence of detail after them.

    Parameters
    ----------
    code : str
        One of `CODES`.
    level : str
        One of `LEVELS`.
    detail : str

    Examples
    --------
    >>> reason("star", "do_not_use").what
    'It is probably a star.'
    """
    words = _REASONS[code]
    return Reason(code, level, f"{words.what} {detail}".strip(), words.advice)


@dataclass(frozen=True)
class Verdict:
    """Whether a result may be used.

    Attributes
    ----------
    reasons : tuple of Reason
        The worst first; empty where all is well.
    p_galaxy : float
        Probability that it is a galaxy rather than a star, a quasar, a defect or a picture, if
        nine in ten of what is given are galaxies; NaN where nothing tells.
    """

    reasons: tuple[Reason, ...] = ()
    p_galaxy: float = math.nan

    @property
    def level(self) -> str:
        """The level of the worst reason."""
        return max((r.level for r in self.reasons), key=LEVELS.index, default=FINE)

    @property
    def usable(self) -> bool:
        """Whether the values mean something."""
        return self.level != DO_NOT_USE

    @property
    def worst(self) -> tuple[Reason, ...]:
        """The reasons that make the level."""
        return tuple(r for r in self.reasons if r.level == self.level)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the reasons, the worst first."""
        return tuple(r.code for r in self.reasons)

    def with_reasons(self, added: tuple[Reason, ...]) -> "Verdict":
        """Return the verdict with more reasons; one of a code that is there counts if it is worse.

        Parameters
        ----------
        added : tuple of Reason

        Returns
        -------
        Verdict
        """
        worst: dict[str, Reason] = {}
        for each in (*self.reasons, *added):
            known = worst.get(each.code)
            if known is None or LEVELS.index(each.level) > LEVELS.index(known.level):
                worst[each.code] = each
        ordered = sorted(worst.values(), key=lambda r: -LEVELS.index(r.level))
        return Verdict(tuple(ordered), self.p_galaxy)
