"""SDSS colour composites as JPEG or PNG."""

import io
import struct
import warnings
import zlib

import numpy as np
from jaxtyping import Float32
from PIL import Image, UnidentifiedImageError

from galexplorer.errors import InputError
from galexplorer.fits.bounded import Blob
from galexplorer.fits.structure import MIN_SIDE

MAX_PIXELS = 16_000_000

_FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
# What Pillow's decoders raise on damaged data (a broken PNG is a SyntaxError there).
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError)


def is_composite(data: bytes) -> bool:
    """Return whether bytes begin like a JPEG or PNG."""
    return data.startswith(tuple(_FORMATS))


def read_channels(blob: Blob) -> Float32[np.ndarray, "3 h w"]:
    """Decode a colour composite.

    Parameters
    ----------
    blob : Blob

    Returns
    -------
    ndarray, shape (3, H, W), float32
        Red, green, blue (SDSS: i, r, g), 0 to 1; row 0 at the top of the picture.

    Raises
    ------
    InputError
        If the picture is damaged, too large, too small, or has no colours.
    """
    name = blob.name
    formats = [kind for magic, kind in _FORMATS.items() if blob.data.startswith(magic)]
    with warnings.catch_warnings():
        # The size is judged here, not by Pillow; other warnings are about metadata.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        try:
            with Image.open(io.BytesIO(blob.data), formats=formats) as image:
                _check(name, image)
                levels = np.asarray(image)
        except Image.DecompressionBombError as error:
            raise InputError(_oversize(name)) from error
        except UnidentifiedImageError as error:
            raise InputError(f"{name} is a damaged image: download it again.") from error
        except _PILLOW_ERRORS as error:
            raise InputError(f"{name} is truncated or damaged: download it again.") from error
    if (np.ptp(levels, axis=2) == 0).all():
        raise InputError(_colourless(name) if np.ptp(levels) else f"{name} holds no signal.")
    return levels.transpose(2, 0, 1).astype(np.float32) / np.float32(255)


def _check(name: str, image: Image.Image) -> None:
    """Check size and mode from the header, before a pixel is decoded."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(_oversize(name))
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{name} is too small with {width} x {height} pixels: "
            f"give a field of at least {MIN_SIDE} x {MIN_SIDE} pixels."
        )
    if image.mode in ("1", "L", "LA", "I", "F", "I;16", "I;16B"):
        raise InputError(_colourless(name))
    if image.mode != "RGB":
        raise InputError(
            f"{name} has the colour mode {image.mode}: save it as RGB without transparency."
        )


def _oversize(name: str) -> str:
    return (
        f"{name} is too large: cut out a field of at most "
        f"{MAX_PIXELS // 1_000_000} megapixels around the galaxy."
    )


def _colourless(name: str) -> str:
    return f"{name} is a greyscale image: give an SDSS colour composite or gri FITS images."
