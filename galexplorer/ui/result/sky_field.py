"""The sky round the galaxy as a chart: other objects to explore, and masks drawn by hand."""

from functools import partial

import numpy as np
import streamlit as st

from galexplorer.image.pixels import Pixels
from galexplorer.pictures.north_up import SkyAxes, north_up
from galexplorer.science.summary import picture_scale
from galexplorer.ui.parts import plots, sky_pictures
from galexplorer.ui.parts.sky_chart import ChartObject, Layer, SkyChart, chart_figure
from galexplorer.ui.session import masks, state
from galexplorer.ui.session.field import FieldImage, aim_at, context_arcsec, surroundings_of
from galexplorer.ui.session.state import ExploredGalaxy

_BUTTONS = ("select2d", "lasso2d", "autoScale2d")
_PANNING = {"displaylogo": False, "modeBarButtonsToRemove": list(_BUTTONS)}
_DRAWING = {"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d"]}


def show_field(
    record: ExploredGalaxy,
    field: FieldImage,
    axes: SkyAxes,
    chosen: int | None,
    stretch: str,
    aperture: bool,
    draws: bool,
) -> None:
    """Draw the sky round a galaxy.

    Parameters
    ----------
    record : ExploredGalaxy
        With a view and a source.
    field : FieldImage
        Of the source.
    axes : SkyAxes
        Of the image, with the galaxy as their origin.
    chosen : int or None
        Which of the field's galaxies it is.
    stretch : str
        One of `galexplorer.figures.sky.STRETCHES`.
    aperture : bool
    draws : bool
        What is drawn is masked; otherwise what is clicked is explored.
    """
    source, view = record.source, record.result.view
    assert source is not None
    assert view is not None
    pixels = state.pixels_of(source.request(record.options))
    assert pixels is not None
    whole = max(field.width, field.height) * field.pixel_scale_arcsec
    side = min(context_arcsec(view), whole)
    words = record.options.mask_regions
    chart = SkyChart(
        layers=_layers(record, field, axes, side, stretch),
        objects=_objects(field, axes, chosen),
        side_arcsec=side,
        oriented=view.north_angle_deg is not None,
        radius_arcsec=view.petrosian_radius_arcsec if aperture else None,
        kpc_per_arcsec=picture_scale(record.result),
        masks=masks.mask_outlines(pixels, axes, words),
    )
    # after each mask another chart: nothing is selected on it
    look = f"{record.galaxy} {draws} {words}"
    event = st.plotly_chart(
        chart_figure(chart, plots.dark(), draws, look),
        key=f"sky_chart {look}",
        on_select="rerun",
        selection_mode=("points", "box", "lasso") if draws else "points",
        config=_DRAWING if draws else _PANNING,
        theme=None,
        alt=f"The sky round the galaxy, {side:.0f} arcsec wide, with "
        f"{len(field.galaxies)} numbered galaxies and {len(field.stars)} stars.",
    )
    if draws:
        stars = [(*axes.to_offset(s.x, s.y), s.radius_arcsec) for s in _maskable(field, chosen)]
        drawn = masks.drawn_masks(event, pixels, axes, stars)
        if drawn:
            _mask([*masks.masks(), *drawn])
        _show_masks(pixels, axes)
        return
    for point in event["selection"]["points"]:
        number = int(point.get("customdata") or 0)
        if number and number - 1 != chosen:
            aim_at(field.galaxies[number - 1], source, record.options)
    _list_objects(record, field, chosen)


def _layers(
    record: ExploredGalaxy, field: FieldImage, axes: SkyAxes, side: float, stretch: str
) -> tuple[Layer, ...]:
    """Return the whole image, coarse where it is large, and the sky round the galaxy over it."""
    middle = ((field.width - 1) / 2, (field.height - 1) / 2)
    shown = field.picture.shape[:2]
    own = SkyAxes(
        (shown[1] - 1) / 2, (shown[0] - 1) / 2, field.shown_scale_arcsec,
        axes.north_angle_deg, axes.mirrored,
    )  # fmt: skip
    corner = np.abs(own.to_offset(0, 0)), np.abs(own.to_offset(shown[1] - 1, 0))
    reach = 2 * float(np.max(corner)) + field.shown_scale_arcsec
    east, north = axes.to_offset(*middle)
    key = f"{field.key} {own}"
    turned = partial(north_up, field.picture, own, reach)
    layers = [Layer(sky_pictures.plain_picture(key, stretch, turned), east, north, reach)]
    if field.step > 1:
        around = surroundings_of(record.source, record.options, record.result.view, side)  # type: ignore[arg-type]
        assert around is not None
        picture = around.picture
        near = sky_pictures.plain_picture(around.key, stretch, lambda: picture)
        layers.append(Layer(near, 0.0, 0.0, around.side_arcsec))
    return tuple(layers)


def _objects(field: FieldImage, axes: SkyAxes, chosen: int | None) -> tuple[ChartObject, ...]:
    galaxies = [
        ChartObject(k + 1, *axes.to_offset(item.x, item.y), item.magnitude, k == chosen)
        for k, item in enumerate(field.galaxies)
    ]
    stars = [ChartObject(0, *axes.to_offset(s.x, s.y), s.magnitude) for s in field.stars]
    return (*stars, *galaxies)


def _list_objects(record: ExploredGalaxy, field: FieldImage, chosen: int | None) -> None:
    """Offer the galaxies of the chart as buttons, for those who use no mouse."""
    others = [k for k in range(len(field.galaxies)) if k != chosen]
    if not others or record.source is None:
        return
    number = len(field.galaxies)
    words = f"{number} galax{'ies' if number > 1 else 'y'}"
    with st.popover(words, key="sky_objects", type="tertiary"):
        for k, item in enumerate(field.galaxies):
            clicked = st.button(
                f"Galaxy {k + 1}, r ≈ {item.magnitude:.1f}",
                key=f"object_Field_{k + 1}",
                type="primary" if k == chosen else "secondary",
                disabled=k == chosen,
            )
            if clicked:
                aim_at(item, record.source, record.options)


def _maskable(field: FieldImage, chosen: int | None) -> list:
    return [*field.stars, *(g for k, g in enumerate(field.galaxies) if k != chosen)]


def _mask(words: list[str]) -> None:
    """Mask these regions; the page is drawn again."""
    masks.set_masks(words)
    st.rerun()


def offer_undo() -> None:
    """Draw how many regions are masked, and buttons that take the last of them back, or all.

    Not in a callback: the whole page follows, and not the part of it that they are in.
    """
    known = masks.masks()
    if not known:
        return
    st.markdown(f"**{len(known)} masked**", width="content")
    if st.button("Undo", key="mask_undo", type="tertiary", icon=":material/undo:"):
        _mask(list(known[:-1]))
    if st.button("Clear", key="mask_clear", type="tertiary", icon=":material/close:"):
        _mask([])


def _show_masks(pixels: Pixels, axes: SkyAxes) -> None:
    """Draw what is masked, and what a drag does for those who use no mouse."""
    known = masks.masks()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        offer_undo()
        with st.popover("Mask a circle", key="mask_circle", type="tertiary"):
            names = ("East (″)", "North (″)", "Radius (″)")
            keys = ("mask_east", "mask_north", "mask_radius")
            values = [
                st.number_input(name, value=value, step=1.0, format="%.1f", key=key)
                for name, key, value in zip(names, keys, (10.0, 0.0, 3.0), strict=True)
            ]
            if st.button("Mask", key="mask_add", type="primary"):
                place = (float(values[0]), float(values[1]))
                added = masks.circle_words(pixels, axes, place, max(0.1, float(values[2])))
                _mask([*known, added])
    st.caption(
        "Draw a line round what is not the galaxy, or click a star. The page then shows the "
        "result without it beside the previous one."
    )
