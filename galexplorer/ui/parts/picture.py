"""The galaxy's image, the other galaxies in it, and its reconstruction."""

import hashlib
import io
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from galexplorer.errors import GalexplorerError
from galexplorer.figures.sky import STRETCHES
from galexplorer.image.composite import composite
from galexplorer.image.objects import FieldObject, find_objects
from galexplorer.image.pixels import Pixels
from galexplorer.records.result import View as ViewOnSky
from galexplorer.science.summary import format_number
from galexplorer.ui.parts import plots
from galexplorer.ui.parts.images import address
from galexplorer.ui.session import navigation, settings, state
from galexplorer.ui.session.identity import separation_arcsec
from galexplorer.ui.session.link import View
from galexplorer.ui.session.request import IMAGE_SETTINGS, Options, Request
from galexplorer.ui.session.sources import Source
from galexplorer.ui.session.state import ExploredGalaxy

_SEEN = (
    "The model's input image",
    "Reconstruction by the variational autoencoder",
    "Residual of the two",
)
FIELD_SIDE_PX = 900
_SAME_ARCSEC, _SAME_PX = 4.0, 4.0


@st.fragment
def show_image(record: ExploredGalaxy) -> None:
    """Draw the colour image with its controls."""
    view = record.result.view
    assert view is not None
    where = (
        ""
        if view.ra is None or view.dec is None
        else f" at RA {view.ra:.4f}°, Dec {format_number(view.dec, 4)}°"
    )
    radius = view.petrosian_radius_arcsec
    dashed = "" if radius is None else f" Dashed: Petrosian radius {radius:.1f}″."
    st.session_state.setdefault("stretch", "SDSS")
    st.session_state.setdefault("aperture", True)
    place = st.empty()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        stretch = st.segmented_control(
            "Stretch",
            list(STRETCHES),
            required=True,
            key="stretch",
            persist_state="session",
            label_visibility="collapsed",
            help="Faint: flux × 4, for arms and haloes. Bright: flux / 4, for cores.",
        )
        aperture = st.toggle(
            "Aperture", key="aperture", persist_state="session", disabled=radius is None
        )
    place.image(
        address(plots.colour_png(record.result, stretch or "SDSS", bool(aperture))),
        width="stretch",
        caption=f"SDSS composite of i, r, g{where}.{dashed if aperture else ''}",
        alt=f"Colour image of the galaxy with scale bar{where}, stretch {stretch}.",
    )


def show_reconstruction(record: ExploredGalaxy) -> None:
    """Draw the autoencoder's input, its reconstruction and the residual."""
    st.subheader("Model input and reconstruction", anchor=False)
    with st.grid(3, min_column_width=104, gap="small", key="seen"):
        for (png, caption), alt in zip(
            plots.reconstruction_pngs(record.result), _SEEN, strict=True
        ):
            st.image(address(png), width="stretch", caption=caption, alt=alt)
    view = record.result.view
    assert view is not None
    side = view.pixel_scale_arcsec * len(view.composite)
    st.caption(
        f"The 64 × 64 composite given to the encoder, {side:.0f}″ wide, its reconstruction, "
        "and the difference in 8-bit counts: orange where the image is brighter, purple "
        "where it is fainter."
    )


@dataclass(frozen=True)
class FieldImage:
    """The whole image with its galaxies.

    Attributes
    ----------
    objects : tuple of FieldObject
    picture : str
        A JPEG as a data address, row 0 on top.
    width, height : int
        Of the image, pixels.
    """

    objects: tuple[FieldObject, ...]
    picture: str
    width: int
    height: int


def show_field(source: Source, options: Options, view: ViewOnSky | None) -> None:
    """Draw the whole image with numbered objects, where it holds others than the one shown.

    Parameters
    ----------
    source : Source
    options : Options
        Those of the image count.
    view : galexplorer.records.result.View or None
        What is shown; None where the image's centre is empty and an object is to be chosen.
    """
    if source.stored is not None:
        return
    request = Request(source.files, options, source.fetched)
    try:
        field = field_of(request.pixels_key(), request)
    except GalexplorerError as error:
        if view is not None:
            st.caption(str(error))
        return
    if field is None or len(field.objects) < (1 if view is None else 2):
        return
    chosen = None if view is None else _chosen(field, view, options)
    with st.expander(
        f"{len(field.objects)} objects in this image: click one to explore it",
        icon=":material/scatter_plot:",
        expanded=True,
    ):
        # The key names the image and the choice: a selection is made once.
        key = hashlib.sha256(f"{field.picture}{chosen}".encode()).hexdigest()[:12]
        st.plotly_chart(
            _field_plot(key, chosen, field),
            key=f"field_{key}",
            on_select=partial(_select, f"field_{key}", field, source, options),
            selection_mode="points",
            config={"displayModeBar": False},
            alt=f"The whole image with {len(field.objects)} numbered objects; the buttons below "
            "select the same.",
        )
        with st.container(horizontal=True, gap="xsmall"):
            for k, item in enumerate(field.objects):
                st.button(
                    str(k + 1),
                    key=f"object_{key}_{k}",
                    type="primary" if k == chosen else "secondary",
                    help=f"Explore object {k + 1}, r ≈ {item.magnitude:.1f}",
                    on_click=_aim,
                    args=(item, source, options),
                )


@st.cache_resource(show_spinner=False, max_entries=12)
def field_of(key: str, _request: Request) -> FieldImage | None:
    """Return the whole image of a request with its galaxies, None without pixels."""
    pixels = state.pixels_of(_request)
    if pixels is None:
        return None
    return FieldImage(find_objects(pixels), *_picture(pixels))


def _picture(pixels: Pixels) -> tuple[str, int, int]:
    height, width = pixels.flux.shape[1:]
    step = max(1, int(np.ceil(max(height, width) / FIELD_SIDE_PX)))
    if pixels.composite is not None:
        channels = pixels.composite[:, ::step, ::step]
    else:
        rows, columns = height // step, width // step
        flux = pixels.flux[:, : rows * step, : columns * step]
        blocks = flux.reshape(3, rows, step, columns, step)
        mean = np.nan_to_num(blocks).mean(axis=(2, 4))
        channels = composite(mean, pixels.pixel_scale_arcsec)
    array = np.round(255 * np.clip(channels, 0, 1)).astype(np.uint8).transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, "JPEG", quality=88)
    return address(buffer.getvalue(), "jpeg"), width, height


def field_figure(field: FieldImage, chosen: int | None) -> go.Figure:
    """Draw the image with a numbered ring round each galaxy.

    Parameters
    ----------
    field : FieldImage
    chosen : int or None
        Which one is on the page.
    """
    figure = go.Figure()
    figure.add_layout_image(
        source=field.picture, x=-0.5, y=-0.5, xref="x", yref="y", sizex=field.width,
        sizey=field.height, sizing="stretch", layer="below",
    )  # fmt: skip
    figure.add_scatter(
        x=[item.x for item in field.objects],
        y=[item.y for item in field.objects],
        mode="markers+text",
        text=[str(k + 1) for k in range(len(field.objects))],
        textposition="top right",
        textfont={"color": "white", "size": 13},
        customdata=list(range(len(field.objects))),
        marker={
            "symbol": "circle-open",
            "size": 20,
            "color": ["#FFD54A" if k == chosen else "white" for k in range(len(field.objects))],
            "line": {"width": 2},
        },
        hovertemplate="object %{text}<extra></extra>",
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        xaxis={**hidden, "range": [-0.5, field.width - 0.5], "constrain": "domain"},
        yaxis={**hidden, "range": [field.height - 0.5, -0.5], "scaleanchor": "x"},
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=420,
        showlegend=False,
        plot_bgcolor="black",
        dragmode=False,
        clickmode="event+select",
    )
    return figure


@st.cache_resource(show_spinner=False, max_entries=24)
def _field_plot(key: str, chosen: int | None, _field: FieldImage) -> go.Figure:
    return field_figure(_field, chosen)


def _chosen(field: FieldImage, view: ViewOnSky, options: Options) -> int | None:
    objects = field.objects
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


def _select(key: str, field: FieldImage, source: Source, options: Options) -> None:
    points = st.session_state[key].get("selection", {}).get("points", [])
    if points:
        _aim(field.objects[int(points[0]["customdata"])], source, options)


def _aim(item: FieldObject, source: Source, stated: Options) -> None:
    """Point at another object of the same image, or look it up where the image was looked up."""
    options = settings.lasting_options()
    if source.fetched is not None:
        place = ("target", f"{item.ra:.5f} {item.dec:+.5f}")
        navigation.set_view_address(View(place, options, settings.interval()))
        return
    options = replace(
        options,
        ra=None if item.ra is None else round(item.ra, 6),
        dec=None if item.dec is None else round(item.dec, 6),
        pixel=None if item.ra is not None else (round(item.x, 1), round(item.y, 1)),
        **{name: getattr(stated, name) for name in IMAGE_SETTINGS},
    )
    navigation.set_view_address(View(source.reference, options, settings.interval()))
