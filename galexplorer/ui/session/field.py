"""The image of a galaxy: which objects it holds, the sky round it, the way to another object."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from jaxtyping import UInt8

from galexplorer.errors import TargetError
from galexplorer.image.composite import composite
from galexplorer.image.pixels import Pixels
from galexplorer.pictures.north_up import SkyAxes, north_up, sky_level, sky_picture
from galexplorer.pictures.objects import FieldObject, find_objects
from galexplorer.records.result import View as ViewOnSky
from galexplorer.ui.session import navigation, settings, state
from galexplorer.ui.session.identity import separation_arcsec
from galexplorer.ui.session.link import View
from galexplorer.ui.session.request import IMAGE_SETTINGS, Options, Request
from galexplorer.ui.session.sources import Source

SIDE_PX = 900
CONTEXT_ARCSEC = (60.0, 120.0)
"""Least and most of the sky that is shown round a galaxy, unless it is larger itself."""

_SAME_ARCSEC, _SAME_PX = 4.0, 4.0


@dataclass(frozen=True)
class FieldImage:
    """The whole image with its galaxies and stars.

    Attributes
    ----------
    key : str
        Hash of the pixels.
    galaxies, stars : tuple of FieldObject
        Brightest first.
    picture : ndarray, shape (h, w, 3), uint8
        Row 0 on top, with fewer pixels than the image where that is large.
    step : int
        Pixels of the image in one of the picture.
    width, height : int
        Of the image, pixels.
    pixel_scale_arcsec : float
        Of the image.
    """

    key: str
    galaxies: tuple[FieldObject, ...]
    stars: tuple[FieldObject, ...]
    picture: UInt8[np.ndarray, "h w 3"]
    step: int
    width: int
    height: int
    pixel_scale_arcsec: float

    @property
    def shown_scale_arcsec(self) -> float:
        """Arcsec per pixel of the picture."""
        return self.step * self.pixel_scale_arcsec

    def place(self, item: FieldObject) -> tuple[float, float]:
        """Return where an object lies on the picture, its pixels."""
        return (item.x + 0.5) / self.step - 0.5, (item.y + 0.5) / self.step - 0.5


def field_of(source: Source | None, options: Options) -> FieldImage | None:
    """Return the whole image of a source with its objects, None without pixels.

    Parameters
    ----------
    source : Source or None
    options : Options
        Those of the image count.

    Raises
    ------
    GalexplorerError
        If the image cannot be read, or is too crowded.
    """
    if source is None or source.stored is not None:
        return None
    request = source.request(options)
    return _field_of(request.pixels_key(), request)


@st.cache_resource(show_spinner=False, max_entries=12)
def _field_of(key: str, _request: Request) -> FieldImage | None:
    pixels = state.pixels_of(_request)
    if pixels is None:
        return None
    found = find_objects(pixels)
    picture, step = _picture(pixels)
    height, width = pixels.flux.shape[1:]
    return FieldImage(
        key,
        tuple(item for item in found if not item.star),
        tuple(item for item in found if item.star),
        picture,
        step,
        width,
        height,
        pixels.pixel_scale_arcsec,
    )


def _picture(pixels: Pixels) -> tuple[np.ndarray, int]:
    height, width = pixels.flux.shape[1:]
    step = max(1, int(np.ceil(max(height, width) / SIDE_PX)))
    if pixels.composite is not None:
        channels = pixels.composite[:, ::step, ::step]
    else:
        rows, columns = height // step, width // step
        flux = pixels.flux[:, : rows * step, : columns * step]
        blocks = flux.reshape(3, rows, step, columns, step)
        level = sky_level(pixels)[:, None, None, None, None]
        mean = np.nan_to_num(blocks - level).mean(axis=(2, 4))
        channels = composite(mean, pixels.pixel_scale_arcsec)
    levels = np.round(255 * np.clip(channels, 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0)), step


@dataclass(frozen=True)
class Surroundings:
    """A square of sky round a galaxy, north up and east left where the image says how it lies.

    Attributes
    ----------
    key : str
        Hash of pixels and square.
    axes : SkyAxes
        Of the image, with the galaxy as their origin.
    picture : ndarray, shape (s, s, 3), uint8
    side_arcsec : float
    """

    key: str
    axes: SkyAxes
    picture: UInt8[np.ndarray, "s s 3"]
    side_arcsec: float

    @property
    def step_arcsec(self) -> float:
        """Arcsec per pixel of the picture."""
        return self.side_arcsec / len(self.picture)


def surroundings_of(
    source: Source | None, options: Options, view: ViewOnSky, side_arcsec: float | None = None
) -> Surroundings | None:
    """Return the sky round a galaxy, None without pixels.

    Parameters
    ----------
    source : Source or None
    options : Options
    view : galexplorer.records.result.View
        Of the galaxy.
    side_arcsec : float, optional
        Side of the square; by default what the model was shown.

    Raises
    ------
    GalexplorerError
        If the image cannot be read.
    """
    axes = axes_of(source, options, view)
    if source is None or axes is None:
        return None
    own = len(view.native) * view.native_pixel_scale_arcsec
    side = own if side_arcsec is None else side_arcsec
    request = source.request(options)
    return _surroundings(f"{request.pixels_key()} {axes} {side}", axes, side, request)


@st.cache_resource(show_spinner=False, max_entries=12)
def _surroundings(key: str, _axes: SkyAxes, _side: float, _request: Request) -> Surroundings | None:
    pixels = state.pixels_of(_request)
    assert pixels is not None
    picture, (x, y) = sky_picture(pixels, (_axes.x, _axes.y), _side)
    step = max(pixels.pixel_scale_arcsec, _side / SIDE_PX)
    turned = north_up(picture, replace(_axes, x=x, y=y), _side, step)
    return Surroundings(key, _axes, turned, step * len(turned))


def context_arcsec(view: ViewOnSky) -> float:
    """Return the side of the sky to show round a galaxy."""
    own = len(view.native) * view.native_pixel_scale_arcsec
    low, high = CONTEXT_ARCSEC
    return max(min(max(2.5 * own, low), high), 1.25 * own)


def axes_of(source: Source | None, options: Options, view: ViewOnSky) -> SkyAxes | None:
    """Return the directions of the sky on an image, from its galaxy; None without pixels.

    Raises
    ------
    GalexplorerError
        If the image cannot be read.
    """
    if source is None or source.stored is not None:
        return None
    pixels = state.pixels_of(source.request(options))
    if pixels is None:
        return None
    height, width = pixels.flux.shape[1:]
    x, y = options.pixel or ((width - 1) / 2, (height - 1) / 2)
    if view.ra is not None and view.dec is not None and pixels.wcs is not None:
        x, y = pixels.to_pixel(view.ra, view.dec)
    else:
        try:
            field = field_of(source, options)
        except TargetError:  # too crowded: the aim will do
            field = None
        chosen = None if field is None else chosen_object(field, view, options)
        if field is not None and chosen is not None:
            x, y = field.galaxies[chosen].x, field.galaxies[chosen].y
    return SkyAxes(x, y, pixels.pixel_scale_arcsec, view.north_angle_deg, view.mirrored)


def chosen_object(field: FieldImage, view: ViewOnSky, options: Options) -> int | None:
    """Return which galaxy of a field is on the page, None where it is none of them.

    Parameters
    ----------
    field : FieldImage
    view : galexplorer.records.result.View
        What is on the page.
    options : Options
        What the user aimed at.
    """
    objects = field.galaxies
    if not objects:
        return None
    middle = ((field.width - 1) / 2, (field.height - 1) / 2)
    # without an aim it is the object nearest the centre, however far
    aim, reach = (middle, np.inf) if options.pixel is None else (options.pixel, _SAME_PX)
    offsets = [_offset_arcsec(item, view) for item in objects]
    if any(offset is not None for offset in offsets):
        near = [np.inf if offset is None else offset for offset in offsets]
        reach = _SAME_ARCSEC
    else:
        near = [np.hypot(item.x - aim[0], item.y - aim[1]) for item in objects]
    first = int(np.argmin(near))
    return first if near[first] < reach else None


def _offset_arcsec(item: FieldObject, view: ViewOnSky) -> float | None:
    """Return how far an object lies from what is shown, None without coordinates of both."""
    if item.ra is None or item.dec is None or view.ra is None or view.dec is None:
        return None
    return separation_arcsec(item.ra, item.dec, view.ra, view.dec)


def aim_at(item: FieldObject, source: Source, stated: Options) -> None:
    """Point at another object of the same image, or look it up where the image was looked up.

    The run ends.

    Parameters
    ----------
    item : FieldObject
    source : Source
    stated : Options
        What was stated of the image stays.
    """
    options = settings.lasting_options()
    if source.fetched is not None:
        place = ("target", f"{item.ra:.5f} {item.dec:+.5f}")
        navigation.open_view(View(place, options, settings.interval()))
    options = replace(
        options,
        ra=None if item.ra is None else round(item.ra, 6),
        dec=None if item.dec is None else round(item.dec, 6),
        pixel=None if item.ra is not None else (round(item.x, 1), round(item.y, 1)),
        **{name: getattr(stated, name) for name in IMAGE_SETTINGS},
    )
    navigation.open_view(View(source.reference, options, settings.interval()))
