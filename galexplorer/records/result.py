"""What the engine returns for a galaxy; figures, exports and app read only this."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.verdict import Verdict
from galexplorer.schema import LINE_NAMES

EMPTY_LIBRARY = (
    "The library of these weights holds no real galaxies, so there are no neighbours and no map: "
    "build a library from images of real galaxies."
)
"""Shown in place of the neighbours."""


@dataclass(frozen=True)
class Neighbour:
    """A real galaxy near in latent space.

    Attributes
    ----------
    name : str
        IAU-style name made from the position, with a number where the library has it again.
    ra, dec : float
        Degrees, ICRS.
    distance : float
        Euclidean distance in whitened latent space.
    known : dict of str to float
        Published values of this galaxy (keys: target names, and ``r`` for the magnitude).
    source : str
        Where the values come from.
    thumbnail : ndarray, shape (64, 64, 3), uint8
        The VAE's reconstruction from the stored latent, not an observation.
    percentile : float
        Percentage of the library's galaxies whose own nearest neighbour is nearer than
        `distance`; NaN where there is no distance.
    medians : dict of str to float
        Medians of the model's posterior for this galaxy, by target.
    bpt : str
        One of `galexplorer.schema.BPT_CLASSES`.
    bpt_published : bool
        Whether that class rests on published lines rather than on the model.
    field_arcsec : float
        Side of the field that the thumbnail shows.
    """

    name: str
    ra: float
    dec: float
    distance: float
    known: dict[str, float]
    source: str
    thumbnail: UInt8[np.ndarray, "64 64 3"]
    percentile: float = math.nan
    medians: dict[str, float] = field(default_factory=dict)
    bpt: str = ""
    bpt_published: bool = False
    field_arcsec: float = math.nan


@dataclass(frozen=True)
class Domain:
    """Whether the galaxy resembles the training galaxies.

    Attributes
    ----------
    inside : bool
    score : float
        Empirical percentile (0 to 100) of the least typical measure among the training galaxies;
        NaN (null in JSON) where too little is known to judge.
    reasons : tuple of str
        A sentence for each measure that lies outside.
    """

    inside: bool
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """The image given to the model, and its reconstruction.

    Attributes
    ----------
    composite : ndarray, shape (64, 64, 3), uint8
        SDSS colour composite, red green blue = i r g.
    reconstruction : ndarray, shape (64, 64, 3), uint8
        The VAE's reconstruction.
    pixel_scale_arcsec : float
        Arcsec per pixel of this grid.
    native : ndarray, shape (h, w, 3), uint8
        The same field at the input's own resolution, for display (row 0 at the top of the screen).
    native_pixel_scale_arcsec : float
    petrosian_radius_arcsec : float or None
    north_angle_deg : float or None
        Direction of north in `native` and `composite`, counter-clockwise from up; None without WCS.
    mirrored : bool
        True where east lies clockwise from north (to the right when north is up).
    ra, dec : float or None
        Position of the target, degrees, where the image has a WCS.
    """

    composite: UInt8[np.ndarray, "64 64 3"]
    reconstruction: UInt8[np.ndarray, "64 64 3"]
    pixel_scale_arcsec: float
    native: UInt8[np.ndarray, "h w 3"]
    native_pixel_scale_arcsec: float
    petrosian_radius_arcsec: float | None = None
    north_angle_deg: float | None = None
    mirrored: bool = False
    ra: float | None = None
    dec: float | None = None


@dataclass(frozen=True)
class Result:
    """Everything inferred about one galaxy.

    Attributes
    ----------
    posterior : Posterior
    bpt : dict of str to float
        Probability of each of `galexplorer.schema.BPT_CLASSES`, given that a spectrum shows the
        lines; `p_no_lines` says how likely it does not.
    photometry : Photometry
        What the model was given.
    domain : Domain
    neighbours : tuple of Neighbour
        Nearest first; empty without an image.
    view : View or None
        None without an image.
    notes : tuple of str
        What was detected or assumed on the way, a sentence each.
    provenance : dict
        Weights' sha256, versions, input's sha256, seed, photometry used, options.
    known : dict of str to float
        Published values by target, such as SDSS's spectroscopic redshift; the model never saw
        them.
    origins : dict of str to str
        Where each number came from.
    latent : ndarray, shape (32,), float32, or None
        The encoder's mean, None without an image.
    measurable : dict of str to float
        Probability that a spectrum of SDSS's would show each of
        `galexplorer.schema.MEASURABLE_NAMES`: a line at a signal-to-noise ratio above 3, a
        metallicity in MPA-JHU's catalogue.
    verdict : Verdict
        Whether all this may be used, and why not.
    """

    posterior: Posterior
    bpt: dict[str, float]
    photometry: Photometry
    domain: Domain
    neighbours: tuple[Neighbour, ...] = ()
    view: View | None = None
    notes: tuple[str, ...] = ()
    provenance: dict = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    latent: Float[np.ndarray, "32"] | None = None
    measurable: dict[str, float] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def p_no_lines(self) -> float:
        """Probability that an SDSS spectrum would not show all four lines; NaN if not known.

        That of the faintest line not to be seen: on real galaxies a better estimate (Brier score
        0.164) than the share of draws that show all four together (0.187).
        """
        seen = [self.measurable.get(name, math.nan) for name in LINE_NAMES]
        return 1 - min(seen) if not any(map(math.isnan, seen)) else math.nan
