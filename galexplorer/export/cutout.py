"""The pixels of a galaxy as a FITS cube: nanomaggies, coordinates, provenance."""

import gzip
import io
import math

import numpy as np

from galexplorer.export.provenance import CITATION, provenance_lines
from galexplorer.image.fits_writer import write_cube
from galexplorer.image.pixels import Pixels
from galexplorer.records.result import Result

_CARD = 60
"""Characters of a line of history: what a card holds."""


def cutout_bytes(
    pixels: Pixels, centre: tuple[float, float], side_arcsec: float, result: Result, name: str = ""
) -> bytes:
    """Return the pixels round a galaxy as a FITS file, packed with gzip.

    They are those of the image, in nanomaggies per pixel, neither turned nor resampled; the sky is
    as it was. What the file lacks of a square is left out.

    Parameters
    ----------
    pixels : Pixels
        Of the image.
    centre : tuple of float
        Zero-based pixel of the galaxy.
    side_arcsec : float
        Side of the square.
    result : Result
        What was inferred from them: its provenance is the header's history.
    name : str
        Of the galaxy.

    Returns
    -------
    bytes
        Planes g, r, i; galexplorer reads it, and so do DS9 and astropy.
    """
    height, width = pixels.flux.shape[1:]
    half = 0.5 * side_arcsec / pixels.pixel_scale_arcsec
    x, y = centre
    left, top = max(0, math.floor(x - half)), max(0, math.floor(y - half))
    rows = slice(top, max(top + 1, min(height, math.ceil(y + half) + 1)))
    columns = slice(left, max(left + 1, min(width, math.ceil(x + half) + 1)))
    wcs = None if pixels.wcs is None else pixels.wcs.celestial[rows, columns]
    cards: dict[str, object] = {
        "OBJECT": _plain(name),
        "XCENTRE": (round(x - left + 1, 2), "pixel of the galaxy, counted from 1"),
        "YCENTRE": (round(y - top + 1, 2), "pixel of the galaxy, counted from 1"),
        "ORIGPIX": (pixels.origin, "linear pixels, or a JPEG that was inverted"),
    }
    told = [*pixels.notes, *(f"{what}: {words}" for what, words in provenance_lines(result))]
    history = [
        line[k : k + _CARD]
        for line in map(_plain, [*told, f"Cite: {CITATION}"])
        for k in range(0, len(line), _CARD)
    ]
    buffer = io.BytesIO()
    flux = np.ascontiguousarray(pixels.flux[:, rows, columns])
    write_cube(buffer, flux, pixels.pixel_scale_arcsec, wcs, cards, history)
    return gzip.compress(buffer.getvalue(), mtime=0)


def _plain(text: str) -> str:
    """Return a text in the letters that FITS allows."""
    return text.replace("\N{MINUS SIGN}", "-").encode("ascii", "replace").decode()
