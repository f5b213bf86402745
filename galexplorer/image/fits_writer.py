"""A gri cube as FITS, in the form that the reader takes without a question."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from galexplorer.schema import IMAGE_BANDS


def write_cube(
    path: str | Path | BytesIO,
    flux: np.ndarray,
    pixel_scale_arcsec: float,
    wcs: WCS | None = None,
    header_cards: Mapping[str, object] | None = None,
    history: Sequence[str] = (),
) -> None:
    """Write g, r, i as one FITS cube; an existing file is replaced.

    Parameters
    ----------
    path : str, Path or BytesIO
        A name that ends in ``.gz`` packs the file.
    flux : ndarray, shape (3, H, W)
        Nanomaggies per pixel, bands g, r, i.
    pixel_scale_arcsec : float
        Side of a pixel; what tells it where there is no `wcs`.
    wcs : astropy.wcs.WCS, optional
        Celestial coordinates.
    header_cards : mapping, optional
        Further cards: values, or pairs of value and comment, by keyword.

    history : sequence of str
        Lines of HISTORY.

    Raises
    ------
    ValueError
        If `flux` has another shape.
    """
    if flux.ndim != 3 or flux.shape[0] != len(IMAGE_BANDS):
        raise ValueError(f"flux has shape {flux.shape}, expected (3, height, width)")
    header = fits.Header()
    header["BUNIT"] = ("nanomaggy", "per pixel; 22.5 mag AB is 1")
    header["BANDS"] = ("".join(IMAGE_BANDS), "bands of the planes")
    for number, band in enumerate(IMAGE_BANDS, start=1):
        header[f"BAND{number}"] = band
    if wcs is not None:
        header.update(wcs.celestial.to_header(relax=True))
    else:
        for axis, sign in ((1, -1), (2, 1)):
            header[f"CDELT{axis}"] = (sign * pixel_scale_arcsec / 3600, "[deg] side of a pixel")
            header[f"CUNIT{axis}"] = "deg"
    for keyword, value in (header_cards or {}).items():
        header[keyword] = value
    for line in history:
        header.add_history(line)
    fits.PrimaryHDU(np.asarray(flux, np.float32), header).writeto(path, overwrite=True)
