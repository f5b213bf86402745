"""The galaxy's image with the other objects in it, and its reconstruction."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from galexplorer.errors import GalexplorerError
from galexplorer.export.cutout import cutout_bytes
from galexplorer.figures.sky import STRETCHES, scale_brightness
from galexplorer.pictures.north_up import SkyAxes
from galexplorer.pictures.objects import FieldObject
from galexplorer.pictures.tagged import tagged_png
from galexplorer.records.result import View
from galexplorer.science.summary import format_number
from galexplorer.sky.links import link_words, sky_links
from galexplorer.ui.parts import sky_pictures
from galexplorer.ui.result import sky_field
from galexplorer.ui.result.downloads import file_stem
from galexplorer.ui.session import state
from galexplorer.ui.session.field import (
    FieldImage,
    Surroundings,
    aim_at,
    chosen_object,
    field_of,
    surroundings_of,
)
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source
from galexplorer.ui.session.state import ExploredGalaxy

GALAXY, FIELD, MASK = "Galaxy", "Field", "Mask"
_SEEN = (
    "The model's input image",
    "Reconstruction by the variational autoencoder",
    "Residual of the two",
)


@dataclass(frozen=True)
class _Mark:
    """An object to draw a ring round.

    Attributes
    ----------
    number : int
        Of the object in its field, from 1.
    item : FieldObject
    x, y : float
        Place on the picture, per cent from left and top.
    chosen : bool
        Whether it is the one on the page.
    """

    number: int
    item: FieldObject
    x: float
    y: float
    chosen: bool


@st.fragment
def show_picture(record: ExploredGalaxy) -> None:
    """Draw the colour image, north up: rings round other objects lead to them.

    Parameters
    ----------
    record : ExploredGalaxy
        Whose result has a view.
    """
    view = record.result.view
    assert view is not None
    field, around, problem = None, None, ""
    try:
        field = field_of(record.source, record.options)
        around = surroundings_of(record.source, record.options, view)
    except GalexplorerError as error:
        problem = str(error)
    chosen = chosen_object(field, view, record.options) if field is not None else None
    place = st.container(gap="xsmall")
    shown, stretch, aperture = _controls(around, record)
    if shown != GALAXY and field is not None and around is not None:
        with place:
            sky_field.show_field(
                record, field, around.axes, chosen, stretch, aperture, shown == MASK
            )
    else:
        marks = [] if field is None or around is None else _marks(field, chosen, around)
        with place, st.container(key="sky", gap=None):
            st.image(
                sky_pictures.colour_picture(record.result, stretch, aperture, around),
                width="stretch",
                alt=_describe(view, stretch, marks),
            )
            if record.source is not None:
                _draw_marks(marks, record.source, record.options, GALAXY)
    _caption(view, shown, aperture, field, problem)


def show_part(part: str) -> None:
    """Let the picture show a part of the image from the next run on; in a callback.

    Parameters
    ----------
    part : str
        `GALAXY`, `FIELD` or `MASK`.
    """
    st.session_state["sky_part"] = part


def show_objects(source: Source, options: Options) -> None:
    """Draw the whole image where its centre is empty, for an object to be chosen.

    Parameters
    ----------
    source : Source
    options : Options
        Those of the image count.
    """
    try:
        field = field_of(source, options)
    except GalexplorerError as error:
        st.caption(str(error))
        return
    if field is None or not field.galaxies:
        return
    number = len(field.galaxies)
    st.markdown(f"**{number} object{'s' if number > 1 else ''} in this image: click to explore**")
    with st.container(key="sky", gap=None, width=560):
        st.image(
            sky_pictures.field_picture(field.key, field),
            width="stretch",
            alt=f"The whole image with {number} numbered objects.",
        )
        _draw_marks(_marks_of_image(field), source, options, FIELD)


def _controls(around: Surroundings | None, record: ExploredGalaxy) -> tuple[str, str, bool]:
    """Draw what can be chosen of the picture, and return it: part, stretch, aperture."""
    for key, value in (("sky_part", GALAXY), ("stretch", "SDSS"), ("aperture", True)):
        st.session_state.setdefault(key, value)
    view = record.result.view
    assert view is not None
    part: str | None = GALAXY
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="sky_hand"):
        if around is not None:
            part = st.segmented_control(
                "Part of the image",
                [GALAXY, FIELD, MASK],
                required=True,
                key="sky_part",
                persist_state="session",
                label_visibility="collapsed",
            )
        unknown = view.petrosian_radius_arcsec is None
        aperture = st.toggle("Aperture", key="aperture", persist_state="session", disabled=unknown)
        stretch = st.segmented_control(
            "Stretch",
            list(STRETCHES),
            required=True,
            key="stretch",
            persist_state="session",
            label_visibility="collapsed",
        )
        _offer_files(view, stretch or "SDSS", around, record)
    return part or GALAXY, stretch or "SDSS", bool(aperture)


def _offer_files(
    view: View, stretch: str, around: Surroundings | None, record: ExploredGalaxy
) -> None:
    """Draw the buttons that give the picture and its pixels as files."""
    stem = file_stem(record.name)
    st.download_button(
        "PNG",
        data=partial(_tagged, view, stretch, record.name),
        file_name=f"{stem}-picture.png",
        mime="image/png",
        key="picture_png",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help="The galaxy's colour picture as its pixels lie, with its place on the sky as AVM tags",
    )
    if around is not None and record.source is not None:
        st.download_button(
            "FITS",
            data=partial(_cutout, record, around.axes, around.side_arcsec),
            file_name=f"{stem}-pixels.fits.gz",
            mime="application/gzip",
            key="picture_fits",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help="The pixels of this picture in g, r and i: nanomaggies, coordinates, provenance",
        )


def _tagged(view: View, stretch: str, name: str) -> bytes:
    return tagged_png(view, name, scale_brightness(view.native, STRETCHES[stretch]))


def _cutout(record: ExploredGalaxy, axes: SkyAxes, side_arcsec: float) -> bytes:
    assert record.source is not None
    source = record.source
    pixels = state.pixels_of(source.request(record.options))
    assert pixels is not None
    return cutout_bytes(pixels, (axes.x, axes.y), side_arcsec, record.result, record.name)


def _marks_of_image(field: FieldImage) -> list[_Mark]:
    """Return the galaxies of a whole image as it lies."""
    rows, columns = field.picture.shape[:2]
    marks = []
    for k, item in enumerate(field.galaxies):
        x, y = field.place(item)
        marks.append(_Mark(k + 1, item, 100 * (x + 0.5) / columns, 100 * (y + 0.5) / rows, False))
    return marks


def _marks(field: FieldImage, chosen: int | None, around: Surroundings) -> list[_Mark]:
    """Return the other objects on the galaxy's own picture, in the middle of which it lies."""
    marks = []
    for k, item in enumerate(field.galaxies):
        east, north = around.axes.to_offset(item.x, item.y)
        x, y = 50 - 100 * east / around.side_arcsec, 50 - 100 * north / around.side_arcsec
        if k != chosen and 3 < x < 97 and 3 < y < 97:
            marks.append(_Mark(k + 1, item, x, y, False))
    return marks


def _draw_marks(marks: Sequence[_Mark], source: Source, options: Options, shown: str) -> None:
    """Lay a button over each object; the style sheet makes a ring with a number of it."""
    places = []
    for mark in marks:
        key = f"object_{shown}_{mark.number}"
        places.append(f".st-key-{key}{{left:{mark.x:.2f}%;top:{mark.y:.2f}%}}")
        clicked = st.button(
            str(mark.number),
            key=key,
            type="primary" if mark.chosen else "secondary",
            disabled=mark.chosen,
            help=f"Galaxy {mark.number}, r ≈ {mark.item.magnitude:.1f}: click to explore",
        )
        if clicked:
            aim_at(mark.item, source, options)
    if places:
        st.html(f"<style>{''.join(places)}</style>")


def _describe(view: View, stretch: str, marks: Sequence[_Mark]) -> str:
    where = (
        ""
        if view.ra is None or view.dec is None
        else f" at RA {view.ra:.4f}°, Dec {format_number(view.dec, 4)}°"
    )
    others = f" with {len(marks)} numbered galaxies" if marks else ""
    up = ", north up, east left" if view.north_angle_deg is not None else ""
    return f"Colour image of the galaxy{others}{up}, with scale bar{where}, stretch {stretch}."


def _caption(
    view: View, shown: str, aperture: bool, field: FieldImage | None, problem: str
) -> None:
    words = ["Composite of i, r, g."]
    if view.north_angle_deg is None:
        words.append("The orientation of the image is not known.")
    if aperture and view.petrosian_radius_arcsec is not None:
        words.append(f"Dashed: Petrosian radius {view.petrosian_radius_arcsec:.1f}″.")
    if shown != GALAXY and field is not None and field.stars:
        words.append("Blue crosses: stars.")
    if problem:
        words.append(problem)
    if view.ra is not None and view.dec is not None:
        side = view.native_pixel_scale_arcsec * view.native.shape[1]
        position = f"RA {view.ra:.4f}°, Dec {format_number(view.dec, 4)}°"
        words.append(f"{position}: {link_words(sky_links(view.ra, view.dec, 2 * side))}")
    st.caption(" ".join(words))


def show_reconstruction(record: ExploredGalaxy) -> None:
    """Draw the autoencoder's input, its reconstruction and the residual."""
    with st.grid(3, min_column_width=104, gap="small", key="seen", width=760):
        pictures = sky_pictures.reconstruction_pictures(record.result)
        for (picture, caption), alt in zip(pictures, _SEEN, strict=True):
            st.image(picture, width="stretch", caption=caption, alt=alt)
    view = record.result.view
    assert view is not None
    side = view.pixel_scale_arcsec * len(view.composite)
    st.caption(
        f"The 64 × 64 composite given to the encoder, {side:.0f}″ wide, its reconstruction, "
        "and the difference in 8-bit counts: orange where the image is brighter, purple "
        "where it is fainter."
    )
