"""Fields for what files leave out or say wrong: their pixel scale, zero point and bands.

The fields of one set of files share a key; the session keeps their values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from galexplorer.image.pixels import Pixels
from galexplorer.schema import IMAGE_BANDS, SDSS_PIXEL_SCALE_ARCSEC
from galexplorer.ui.parts.file_preview import preview
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session.link import BOUNDS
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source

SCALES = {"SDSS": SDSS_PIXEL_SCALE_ARCSEC, "Legacy": 0.262, "PS1": 0.25}
"""Sides of a pixel that pictures of the sky usually have, arcsec; the first is the guess."""

ZERO_POINTS = {"nanomaggies": 22.5, "µJy": 23.9, "25": 25.0, "27": 27.0}
"""AB magnitude of one unit, as files usually have it; the first is the guess."""

_SHOWN_PX = 210


def show_fields(
    source: Source,
    assumed: Options,
    names: tuple[str, ...],
    pixels: Pixels | None,
    key: str,
    button: str,
) -> None:
    """Draw the fields of some properties beside a preview, and the button that states them.

    Parameters
    ----------
    source : Source
    assumed : Options
        With what the fields say.
    names : tuple of str
        Of `PROPERTIES`.
    pixels : Pixels or None
        As read with these options; None where they cannot be.
    key : str
        Of the fields.
    button : str
        Key of the button.
    """
    fields, beside = st.columns([2, 1], gap="small")  # on a phone the preview comes last
    with fields:
        for name in names:
            _FIELDS[name](source, key)
        complete = assumed.bands is None or set(assumed.bands) == set(IMAGE_BANDS)
        st.button(
            "Use these values" if len(names) > 1 else "Use this",
            key=button,
            type="primary",
            on_click=_state,
            args=(assumed, names),
            disabled=not complete,
        )
    with beside:
        if not complete:
            st.caption("Each of g, r and i belongs to one file.")
        if pixels is not None:
            seen = preview(source.request(assumed).pixels_key(), pixels)
            st.image(seen.picture, width=_SHOWN_PX, alt=f"Preview: {seen.words}")
            st.caption(seen.words)
            if not seen.plausible:
                st.caption(":orange[No galaxy has such a magnitude: are the values right?]")


def answer(name: str, source: Source, key: str) -> dict[str, Any]:
    """Return what a field says, or its guess before it is drawn."""
    store = st.session_state
    if name == "pixel_scale":
        return {"pixel_scale_arcsec": store.setdefault(f"ask_scale_{key}", _first(SCALES))}
    if name == "zero_point":
        return {"zero_point": store.setdefault(f"ask_zero_{key}", _first(ZERO_POINTS))}
    keys = [f"ask_band_{k}_{key}" for k in range(len(IMAGE_BANDS))]
    if not all(k in store for k in keys):  # only then: it reads the files
        for k, band in zip(keys, guess_bands(source.files), strict=True):
            store.setdefault(k, band)
    return {"bands": tuple(store[k] for k in keys)}


def fill(name: str, held: dict[str, Any], key: str) -> None:
    """Let a field that was not drawn yet say what holds."""
    store = st.session_state
    if name == "pixel_scale":
        store.setdefault(f"ask_scale_{key}", held["pixel_scale_arcsec"])
    elif name == "zero_point":
        store.setdefault(f"ask_zero_{key}", held["zero_point"])
    else:
        for k, band in enumerate(held["bands"]):
            store.setdefault(f"ask_band_{k}_{key}", band)


def guess_bands(files: Sequence[tuple[str, bytes]]) -> tuple[str, ...]:
    """Guess which of three files is g, r and i by the light in their middle.

    Galaxies are brighter in i than in r, and in r than in g, as long as the three have one unit.

    Parameters
    ----------
    files : sequence of (str, bytes)

    Returns
    -------
    tuple of str
        The band of each file.
    """
    from galexplorer.fits.bounded import read_blob
    from galexplorer.fits.images import read_images

    light = []
    for file in files:
        data = np.asarray(read_images(read_blob(file))[0].data, float).squeeze()
        data = np.nan_to_num(data, posinf=0, neginf=0)
        height, width = data.shape[-2:]
        middle = data[..., height // 3 : -(height // 3), width // 3 : -(width // 3)]
        light.append(float(np.sum(middle - np.median(data))))
    order = np.argsort(np.argsort(light, kind="stable"), kind="stable")
    return tuple(IMAGE_BANDS[k] for k in order)


def _first(values: dict[str, float]) -> float:
    return next(iter(values.values()))


def _state(assumed: Options, asked: Sequence[str]) -> None:
    """Let the controls say what was answered; in a callback."""
    store = st.session_state
    values = {
        "pixel_scale": assumed.pixel_scale_arcsec,
        "zero_point": assumed.zero_point,
        "bands": assumed.bands,
    }
    for name in asked:
        store[name] = values[name]


def _number_field(
    label: str, key: str, bound: str, usual: dict[str, float], step: float, help: str
) -> None:
    low, high = BOUNDS[bound]
    st.number_input(
        label, low, high, None, step, "%.3f", key=key, help=help, placeholder="not stated"
    )
    chosen = next((name for name, v in usual.items() if v == st.session_state[key]), None)
    st.session_state[f"{key}_usual"] = chosen

    def take() -> None:
        name = st.session_state[f"{key}_usual"]
        if name is not None:
            st.session_state[key] = usual[name]

    st.pills(
        f"{label}: usual values",
        list(usual),
        key=f"{key}_usual",
        on_change=take,
        label_visibility="collapsed",
    )


def _ask_scale(source: Source, key: str) -> None:
    _number_field(
        "Pixel scale (″)",
        f"ask_scale_{key}",
        "pixel_scale",
        SCALES,
        0.01,
        "Side of a pixel; SDSS's is 0.396″. The page or script that made the picture tells it.",
    )
    st.caption("A scale bar in the picture tells it: its arcseconds divided by its pixels.")


def _ask_zero_point(source: Source, key: str) -> None:
    _number_field(
        "Zero point (mag AB)",
        f"ask_zero_{key}",
        "zero_point",
        ZERO_POINTS,
        0.1,
        "Magnitude of a source whose pixels sum to one; 22.5 where they are in nanomaggies. For a "
        "zero point of one second, state the exposure time under Image as well.",
    )


def _ask_bands(source: Source, key: str) -> None:
    for k, (name, _) in enumerate(source.files):
        st.segmented_control(
            f"Band of {verbatim(name)}", list(IMAGE_BANDS), required=True, key=f"ask_band_{k}_{key}"
        )


_FIELDS: dict[str, Callable[[Source, str], None]] = {
    "pixel_scale": _ask_scale,
    "zero_point": _ask_zero_point,
    "bands": _ask_bands,
}
PROPERTIES = tuple(_FIELDS)
"""What there are fields for, in the order in which they are drawn."""
