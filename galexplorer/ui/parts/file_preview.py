"""An image as it would be read: a picture with a scale bar, its size, a magnitude to judge by."""

import io
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from galexplorer.errors import GalexplorerError
from galexplorer.image.pixels import Pixels
from galexplorer.pictures.objects import find_objects
from galexplorer.ui.parts.images import address

PREVIEW_PX = 320
PLAUSIBLE_R = (8.0, 22.0)
_BARS_ARCSEC = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)


@dataclass(frozen=True)
class Preview:
    """An image as it would be read.

    Attributes
    ----------
    picture : str
        A data address.
    words : str
        Its size on the sky and the magnitude of the object in the middle.
    plausible : bool
        Whether that magnitude could be a galaxy's.
    """

    picture: str
    words: str
    plausible: bool


@st.cache_data(show_spinner=False, max_entries=24)
def preview(key: str, _pixels: Pixels) -> Preview:
    """Return how an image would be read.

    Parameters
    ----------
    key : str
        Says all that the pixels depend on.
    _pixels : Pixels
    """
    scale = _pixels.pixel_scale_arcsec
    height, width = _pixels.flux.shape[1:]
    words = f"{width} × {height} pixels, {_angle(width * scale)} wide"
    magnitude = _middle_magnitude(_pixels)
    plausible = magnitude is None or PLAUSIBLE_R[0] < magnitude < PLAUSIBLE_R[1]
    if magnitude is not None:
        words += f"; object in the middle: r ≈ {magnitude:.1f}"
    return Preview(address(_picture(_pixels)), f"{words}.", plausible)


def _middle_magnitude(pixels: Pixels) -> float | None:
    try:
        objects = find_objects(pixels)
    except GalexplorerError:
        return None
    height, width = pixels.flux.shape[1:]
    near = min(
        objects,
        key=lambda o: np.hypot(o.x - (width - 1) / 2, o.y - (height - 1) / 2),
        default=None,
    )
    return None if near is None or not np.isfinite(near.magnitude) else float(near.magnitude)


def _picture(pixels: Pixels) -> bytes:
    """Return the image in colour, stretched to what it holds, with a bar of its scale."""
    height, width = pixels.flux.shape[1:]
    step = max(1, -(-max(height, width) // (2 * PREVIEW_PX)))
    if pixels.composite is not None:
        channels = pixels.composite[:, ::step, ::step]
    else:
        flux = np.nan_to_num(pixels.flux[::-1, ::step, ::step].astype(float))
        flux = flux - np.median(flux, axis=(1, 2), keepdims=True)
        top = max(float(np.percentile(flux, 99.7)), 1e-30)
        channels = np.arcsinh(8 * np.clip(flux, 0, None) / top) / np.arcsinh(8)
    levels = np.round(255 * np.clip(channels, 0, 1)).astype(np.uint8).transpose(1, 2, 0)
    image = Image.fromarray(np.ascontiguousarray(levels))
    factor = PREVIEW_PX / max(image.size)
    image = image.resize(
        (max(1, round(image.width * factor)), max(1, round(image.height * factor))),
        Image.Resampling.LANCZOS,
    )
    wide_arcsec = width * pixels.pixel_scale_arcsec
    bar = max((b for b in _BARS_ARCSEC if b <= wide_arcsec / 3), default=_BARS_ARCSEC[0])
    draw = ImageDraw.Draw(image)
    end = 12 + bar / wide_arcsec * image.width
    base = image.height - 14
    draw.line((12, base, end, base), fill="white", width=3)
    draw.text(
        (12, base - 20), _angle(bar, ascii=True), fill="white", font=ImageFont.load_default(14)
    )
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _angle(arcsec: float, ascii: bool = False) -> str:
    minutes = arcsec >= 60
    mark = ("'" if ascii else "′") if minutes else ('"' if ascii else "″")
    return f"{arcsec / 60 if minutes else arcsec:.3g}{mark}"
