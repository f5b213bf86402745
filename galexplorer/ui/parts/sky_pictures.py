"""Pictures of the sky as addresses that hold them, each drawn once for what it shows."""

import hashlib
import io

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
from galexplorer.science.lines import kpc_per_arcsec
from galexplorer.ui.parts.images import address
from galexplorer.ui.session.field import FieldImage

SIDE_PX = 448
DPI = 180
KEPT = 64


def colour_picture(result: Result, stretch: str, aperture: bool) -> str:
    """Return the colour image with scale bar, compass and aperture.

    It is drawn again for other pixels and another scale in kpc, not for every other posterior.

    Parameters
    ----------
    result : Result
        With a view.
    stretch : str
        One of `galexplorer.figures.sky.STRETCHES`.
    aperture : bool
    """
    assert result.view is not None
    return _colour(_view_key(result.view), _scale(result), stretch, aperture, result.view)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _colour(key: str, scale: float, stretch: str, aperture: bool, _view: View) -> str:
    return _jpeg(colour_figure(_view, scale, aperture, STRETCHES[stretch]))


def field_picture(
    field: FieldImage,
    result: Result | None = None,
    chosen: int | None = None,
    stretch: str = "SDSS",
    aperture: bool = False,
) -> str:
    """Return the whole image with scale bar, compass, aperture and marks of stars.

    Parameters
    ----------
    field : FieldImage
    result : Result, optional
        Of the galaxy on the page.
    chosen : int, optional
        Which of the field's galaxies that is.
    stretch : str
    aperture : bool
    """
    view = result.view if result is not None else None
    scale = _scale(result) if result is not None else None
    radius = view.petrosian_radius_arcsec if view is not None and aperture else None
    place = None
    if chosen is not None and radius is not None:
        place = (*field.place(field.galaxies[chosen]), radius / field.shown_scale_arcsec)
    north = (view.north_angle_deg, view.mirrored) if view is not None else (None, False)
    return _field(field.key, stretch, north, scale, place, field)


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _field(
    key: str,
    stretch: str,
    north: tuple[float | None, bool],
    scale: float | None,
    circle: tuple[float, float, float] | None,
    _field: FieldImage,
) -> str:
    figure = sky_figure(
        scale_brightness(_field.picture, STRETCHES[stretch]),
        _field.shown_scale_arcsec,
        north,
        scale,
        circle,
        [_field.place(star) for star in _field.stars],
    )
    return _jpeg(figure)


def _scale(result: Result) -> float:
    """Return kpc per arcsec at the median redshift, to two digits."""
    redshift = float(np.median(result.posterior.column("redshift")))
    return float(f"{float(kpc_per_arcsec(redshift)):.2g}")


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
        (_enlarged(_view.composite), "Input"),
        (_enlarged(_view.reconstruction), "Reconstruction"),
        (_enlarged(residual), f"Residual, ±{limit:.0f}"),
    )


def _enlarged(picture: np.ndarray) -> str:
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
