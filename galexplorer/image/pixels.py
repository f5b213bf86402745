"""What every image reader returns: one patch of sky in g, r and i."""

from dataclasses import dataclass, field

import numpy as np
from astropy.wcs import WCS


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
    """

    flux: np.ndarray
    pixel_scale_arcsec: float
    origin: str
    sha256: str
    wcs: WCS | None = None
    composite: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())
