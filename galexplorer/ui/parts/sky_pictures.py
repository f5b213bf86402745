"""Pictures of the sky as addresses that hold them, each drawn once for what it shows."""

import hashlib
import io
from collections.abc import Callable

import numpy as np
import streamlit as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from galexplorer.figures.sky import (
    STRETCHES,
    colour_figure,
    residual_picture,
    scale_brightness,
    sky_figure,
)
from galexplorer.records.result import Result, View
from galexplorer.science.summary import picture_scale
from galexplorer.ui.parts.images import address
from galexplorer.ui.session.field import FieldImage, Surroundings

SIDE_PX = 448
DPI = 180
KEPT = 64


def colour_picture(
    result: Result, stretch: str, aperture: bool, around: Surroundings | None = None
) -> str:
    """Return the colour image, north up, with scale bar, compass and aperture.

    It is drawn again for other pixels and another scale in kpc, not for every other posterior.

    Parameters
    ----------
    result : Result
        With a view.
    stretch : str
        One of `galexplorer.figures.sky.STRETCHES`.
    aperture : bool
    around : Surroundings, optional
        What fills the corners of a picture that is turned.
    """
    assert result.view is not None
    view = result.view
    key = _view_key(view) if around is None else f"{around.key} {view.petrosian_radius_arcsec}"
    return _colour(key, _scale(result), stretch, aperture, view, around)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _colour(
    key: str,
    scale: float | None,
    stretch: str,
    aperture: bool,
    _view: View,
    _around: Surroundings | None,
) -> str:
    if _around is None:
        return _jpeg(colour_figure(_view, scale, aperture, STRETCHES[stretch]))
    middle, circle = 0.5 * (len(_around.picture) - 1), None
    if aperture and _view.petrosian_radius_arcsec is not None:
        circle = (middle, middle, _view.petrosian_radius_arcsec / _around.step_arcsec)
    picture = scale_brightness(_around.picture, STRETCHES[stretch])
    oriented = _view.north_angle_deg is not None
    return _jpeg(sky_figure(picture, _around.step_arcsec, oriented, scale, circle))


@st.cache_data(show_spinner=False, max_entries=KEPT)
def field_picture(key: str, _field: FieldImage) -> str:
    """Return the whole image as it lies, with scale bar and marks of stars.

    Parameters
    ----------
    key : str
        That of the field.
    _field : FieldImage
    """
    stars = [_field.place(star) for star in _field.stars]
    return _jpeg(sky_figure(_field.picture, _field.shown_scale_arcsec, stars=stars))


@st.cache_data(show_spinner=False, max_entries=KEPT)
def plain_picture(key: str, stretch: str, _make: Callable[[], np.ndarray]) -> str:
    """Return the pixels of a picture alone, which a chart is laid over.

    Parameters
    ----------
    key : str
        Of the picture.
    stretch : str
        One of `galexplorer.figures.sky.STRETCHES`.
    _make : callable
        Returns the picture, shape (h, w, 3), uint8; called where it is not at hand.
    """
    buffer = io.BytesIO()
    shown = scale_brightness(_make(), STRETCHES[stretch])
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, "JPEG", quality=90)
    return address(buffer.getvalue(), "jpeg")


def _scale(result: Result) -> float | None:
    """Return kpc per arcsec at the median redshift, to two digits."""
    scale = picture_scale(result)
    return None if scale is None else float(f"{scale:.2g}")


def _jpeg(figure: Figure) -> str:
    """Return a figure as a JPEG: a fifth of a PNG's bytes where the sky is noisy."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    buffer = io.BytesIO()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=90)
    return address(buffer.getvalue(), "jpeg")


def reconstruction_pictures(result: Result) -> tuple[tuple[str, str], ...]:
    """Return what the model saw, its reconstruction and the residual, each with its caption."""
    assert result.view is not None
    return _reconstruction(_view_key(result.view), result.view)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _reconstruction(key: str, _view: View) -> tuple[tuple[str, str], ...]:
    residual, limit = residual_picture(_view)
    return (
        (enlarged(_view.composite), "Input"),
        (enlarged(_view.reconstruction), "Reconstruction"),
        (enlarged(residual), f"Residual, ±{limit:.0f}"),
    )


def enlarged(picture: np.ndarray) -> str:
    """Return a picture as PNG with its pixels seen as squares."""
    side = SIDE_PX // len(picture) * len(picture)
    buffer = io.BytesIO()
    Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST).save(buffer, "PNG")
    return address(buffer.getvalue())


def _view_key(view: View) -> str:
    """Return a hash of all that a view shows."""
    digest = hashlib.sha256()
    for picture in (view.native, view.composite, view.reconstruction):
        digest.update(picture.tobytes())
    scales = (view.pixel_scale_arcsec, view.native_pixel_scale_arcsec, view.petrosian_radius_arcsec)
    digest.update(repr((*scales, view.north_angle_deg, view.mirrored)).encode())
    return digest.hexdigest()
