"""What is known about one galaxy before inference: an image, photometry, or both."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

from galexplorer.records.photometry import Photometry
from galexplorer.records.verdict import Reason


@dataclass(frozen=True)
class Cutout:
    """A galaxy on the model's grid, with what is needed to show it.

    Attributes
    ----------
    grid : ndarray, shape (3, 64, 64), uint8
        SDSS colour composite, channels i, r, g.
    pixel_scale_arcsec : float
        Side of a grid pixel.
    native : ndarray, shape (3, h, w), uint8
        The same field before resampling, row 0 first as in the input.
    native_pixel_scale_arcsec : float
    petrosian_radius_arcsec : float or None
        None where the profile never falls far enough inside the field.
    north_angle_deg : float or None
        Direction of north on the displayed image, counter-clockwise from up.
    mirrored : bool
        East lies clockwise from north.
    ra, dec : float or None
        Degrees, where the image has a WCS.
    """

    grid: UInt8[np.ndarray, "3 64 64"]
    pixel_scale_arcsec: float
    native: UInt8[np.ndarray, "3 h w"]
    native_pixel_scale_arcsec: float
    petrosian_radius_arcsec: float | None = None
    north_angle_deg: float | None = None
    mirrored: bool = False
    ra: float | None = None
    dec: float | None = None


@dataclass(frozen=True)
class Stored:
    """What the networks once made of an image that is not at hand.

    Attributes
    ----------
    latent, log_variance : ndarray, shape (32,)
    estimate : ndarray, shape (4,)
        Of the regressors.
    fibre_magnitudes : ndarray, shape (3,)
        In g, r, i, as `galexplorer.image.fibre` measures them.
    misfit : float
        Of the autoencoder's reconstruction.
    pixel_scale_arcsec : float
        Side of a pixel of the grid that was encoded.
    ra, dec : float
        Degrees.
    """

    latent: Float[np.ndarray, "32"]
    log_variance: Float[np.ndarray, "32"]
    estimate: Float[np.ndarray, "4"]
    fibre_magnitudes: Float[np.ndarray, "3"]
    misfit: float
    pixel_scale_arcsec: float
    ra: float
    dec: float


@dataclass(frozen=True)
class Observation:
    """Input of the engine.

    Attributes
    ----------
    cutout : Cutout or None
    photometry : Photometry
    notes : tuple of str
        What was detected or assumed on the way, a sentence each.
    input_sha256 : str or None
        Hash of the image's bytes.
    origin : {"fits", "jpeg", None}
        Kind of pixels, None without an image.
    known : dict of str to float
        Published values by target, shown beside the posterior and never fed to the model.
    origins : dict of str to str
        Where each number came from, such as ``{"photometry": "SDSS DR17 model magnitudes"}``.
    stored : Stored or None
        Takes the place of the cutout for a galaxy of the library.
    concerns : tuple of Reason
        What is the matter with the image or the photometry, as far as measuring them told.
    """

    cutout: Cutout | None
    photometry: Photometry
    notes: tuple[str, ...] = ()
    input_sha256: str | None = None
    origin: str | None = None
    known: dict[str, float] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    stored: Stored | None = None
    concerns: tuple[Reason, ...] = ()
