"""The whole image of a galaxy: which objects it holds, and the way from one to another."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from jaxtyping import UInt8

from galexplorer.image.composite import composite
from galexplorer.image.objects import FieldObject, find_objects
from galexplorer.image.pixels import Pixels
from galexplorer.records.result import View as ViewOnSky
from galexplorer.ui.session import navigation, settings, state
from galexplorer.ui.session.identity import separation_arcsec
from galexplorer.ui.session.link import View
from galexplorer.ui.session.request import IMAGE_SETTINGS, Options, Request
from galexplorer.ui.session.sources import Source

SIDE_PX = 900
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
    request = Request(source.files, options, source.fetched)
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
        mean = np.nan_to_num(blocks).mean(axis=(2, 4))
        channels = composite(mean, pixels.pixel_scale_arcsec)
    levels = np.round(255 * np.clip(channels, 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0)), step


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
