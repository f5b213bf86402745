"""What every image reader returns: one patch of sky in g, r and i."""

from dataclasses import dataclass, field

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from jaxtyping import Bool, Float32


@dataclass(frozen=True)
class Pixels:
    """One patch of sky in three bands on one grid.

    Attributes
    ----------
    flux : ndarray, shape (3, H, W), float32
        Nanomaggies per pixel of this grid, bands g, r, i. Unmeasured pixels are NaN.
    pixel_scale_arcsec : float
        Side of a pixel.
    origin : {"fits", "jpeg"}
        Linear pixels, or an SDSS colour composite of 8 bits that was inverted.
    sha256 : str
        Hash of the bytes that were read (all files, in the order g, r, i).
    wcs : astropy.wcs.WCS or None
        Celestial coordinates, where the header has them.
    composite : ndarray, shape (3, H, W), float32, or None
        For ``origin="jpeg"`` only: the composite as it came, channels i, r, g
        (red, green, blue), 0 to 1.
    notes : tuple of str
        What was detected or assumed about scale and flux convention; a sentence each.
    masked : ndarray, shape (H, W), bool, or None
        Pixels that the user says are not the galaxy's; their flux is NaN.
    """

    flux: Float32[np.ndarray, "3 h w"]
    pixel_scale_arcsec: float
    origin: str
    sha256: str
    wcs: WCS | None = None
    composite: Float32[np.ndarray, "3 h w"] | None = None
    notes: tuple[str, ...] = field(default=())
    masked: Bool[np.ndarray, "h w"] | None = None

    def to_pixel(self, ra: float, dec: float) -> tuple[float, float]:
        """Return the pixel of an ICRS position, whatever frame the header uses.

        Parameters
        ----------
        ra, dec : float
            Degrees.

        Returns
        -------
        x : float
            Zero-based; NaN where the projection does not reach, or without coordinates.
        y : float
            The same.
        """
        if self.wcs is None:
            return float("nan"), float("nan")
        x, y = self.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg"))
        return float(x), float(y)

    def to_sky(self, x: float, y: float) -> tuple[float, float]:
        """Return the ICRS position of a pixel.

        Parameters
        ----------
        x, y : float
            Zero-based.

        Returns
        -------
        ra : float
            Degrees; NaN without coordinates.
        dec : float
            The same.
        """
        if self.wcs is None:
            return float("nan"), float("nan")
        position = self.wcs.pixel_to_world(x, y).icrs
        return float(position.ra.deg), float(position.dec.deg)
