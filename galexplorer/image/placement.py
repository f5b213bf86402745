"""Celestial coordinates, where what the user states contradicts the header's."""

from collections.abc import Sequence

import numpy as np
from astropy.wcs import WCS

from galexplorer.fits.images import FitsImage
from galexplorer.image.calibration import contradicts, read_scale


def place(
    image: FitsImage, scale_arcsec: float | None, position: tuple[float, float] | None
) -> tuple[WCS | None, tuple[str, ...]]:
    """Return the coordinates of an image whose pixel scale the user may have stated.

    Where it contradicts the header's, the reference point and the orientation of the header are
    kept and its scale is not. If those do not hold the stated position, or the header's pixels
    are a placeholder, or its coordinates cannot be read, the galaxy is taken to be at the centre.

    Parameters
    ----------
    image : FitsImage
    scale_arcsec : float or None
        Side of a pixel as stated.
    position : tuple of float, or None
        Right ascension and declination as stated, degrees.

    Returns
    -------
    wcs : astropy.wcs.WCS or None
    notes : tuple of str
    """
    wcs, sides = image.coordinates.wcs, image.coordinates.sides_arcsec
    height, width = image.data.shape
    if scale_arcsec is not None and sides is None and image.coordinates.notes and position:
        centred = _about(position, scale_arcsec, (height, width))
        note = "RA and Dec as stated are taken as the centre of the image, with north up."
        return centred, (note,)
    if scale_arcsec is None or sides is None or not contradicts(image, scale_arcsec):
        return wcs, ()
    kept = None
    if wcs is not None and (read_scale(image) is not None or max(sides) < 60):
        kept = _gnomonic(wcs.wcs.crval, wcs.wcs.crpix, wcs.pixel_scale_matrix)
        kept.wcs.cd = kept.wcs.cd * (scale_arcsec / np.array(sides))
        kept.wcs.ctype, kept.wcs.radesys = wcs.wcs.ctype, wcs.wcs.radesys
        if np.isfinite(wcs.wcs.equinox):
            kept.wcs.equinox = wcs.wcs.equinox
    if position is None:
        return kept, ()
    if kept is not None:
        x, y = kept.all_world2pix([position], 0)[0]
        if -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5:
            return kept, ()
    note = (
        "The coordinates in the header contradict the stated pixel scale: RA and Dec as stated are "
        "taken as the centre of the image, with north up."
    )
    return _about(position, scale_arcsec, (height, width)), (note,)


def _about(position: tuple[float, float], scale_arcsec: float, shape: tuple[int, int]) -> WCS:
    """Return coordinates of an image that has a position at its centre and north up."""
    height, width = shape
    step = scale_arcsec / 3600
    return _gnomonic(position, ((width + 1) / 2, (height + 1) / 2), np.diag([-step, step]))


def _gnomonic(
    sky: Sequence[float] | np.ndarray, pixel: Sequence[float] | np.ndarray, matrix: np.ndarray
) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd = sky, pixel, matrix
    return wcs
