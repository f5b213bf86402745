"""What a dropped file does not say, or says wrong: fields with a guess and a preview."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from galexplorer.errors import BandsError, GalexplorerError, ScaleError, ZeroPointError
from galexplorer.image.pixels import Pixels
from galexplorer.pictures.objects import find_objects
from galexplorer.schema import IMAGE_BANDS, SDSS_PIXEL_SCALE_ARCSEC
from galexplorer.ui.parts.images import address
from galexplorer.ui.session import state
from galexplorer.ui.session.link import BOUNDS
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source

PREVIEW_PX = 320
_CORRECTIONS_PX, _SHOWN_PX = 640, 210
SCALES = {"SDSS": SDSS_PIXEL_SCALE_ARCSEC, "Legacy": 0.262, "PS1": 0.25}
"""Sides of a pixel that pictures of the sky usually have, arcsec; the first is the guess."""

ZERO_POINTS = {"nanomaggies": 22.5, "µJy": 23.9, "25": 25.0, "27": 27.0}
"""AB magnitude of one unit, as files usually have it; the first is the guess."""

PLAUSIBLE_R = (8.0, 22.0)
_FAILURES = {"pixel_scale": ScaleError, "zero_point": ZeroPointError, "bands": BandsError}
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


def can_be_asked(error: GalexplorerError, source: Source) -> bool:
    """Return whether an error is about what a user can state of the files."""
    files_are_there = not isinstance(error, BandsError) or len(source.files) == len(IMAGE_BANDS)
    return isinstance(error, tuple(_FAILURES.values())) and files_are_there


def ask(source: Source, options: Options) -> None:
    """Draw what the files of a source do not say: a field for each, a guess in it, a preview.

    Parameters
    ----------
    source : Source
    options : Options
        What was stated already; it led to an error of which `can_be_asked` is true.
    """
    key = source.digest[:8]
    assumed, asked, pixels = _assume(source, options, key)
    with st.container(border=True, key="file_questions", gap="small"):
        for error in asked.values():  # what there is to do is what the fields say
            st.markdown(f":material/help: {str(error).split(':')[0]}.")
        _show_fields(source, assumed, tuple(asked), pixels, key, "ask_use")


def can_be_corrected(source: Source, options: Options, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of some properties of files that a user can state of these.

    Parameters
    ----------
    source : Source
    options : Options
    names : sequence of str
        Of ``pixel_scale``, ``zero_point`` and ``bands``, each perhaps more than once.
    """
    if source.kind != "upload":
        return ()
    pixels = state.pixels_of(source.request(options))
    picture = pixels is not None and pixels.composite is not None
    barred = {"zero_point"} if picture else set()  # brightness has no unit there
    barred |= set() if len(source.files) == len(IMAGE_BANDS) else {"bands"}
    return tuple(name for name in _FAILURES if name in names and name not in barred)


def correct(source: Source, options: Options, names: Sequence[str]) -> None:
    """Draw fields for what may be wrong of the files, with what holds now in them, and a preview.

    Parameters
    ----------
    source : Source
    options : Options
        With which the files were read.
    names : sequence of str
        As of `can_be_corrected`.
    """
    stated = [options.pixel_scale_arcsec, options.zero_point, options.bands]
    key = hashlib.sha256(f"{source.digest} {stated}".encode()).hexdigest()[:8]
    held = held_values(source, options, names)
    answers: dict[str, Any] = {}
    for name in names:
        _fill(name, held, key)
        answers |= _answer(name, source, key)
    # what stays as it is remains the file's own word: a scale that is stated moves coordinates
    changed = {field: value for field, value in answers.items() if value != held[field]}
    assumed = replace(options, **changed)
    try:
        pixels = state.pixels_of(source.request(assumed))
    except GalexplorerError:
        pixels = None  # said once it is used
    with st.container(border=True, key="file_corrections", gap="small", width=_CORRECTIONS_PX):
        st.markdown("**Correct it here**: the galaxy is then inferred again.")
        _show_fields(source, assumed, tuple(names), pixels, key, "correct_use")


def held_values(source: Source, options: Options, names: Sequence[str]) -> dict[str, Any]:
    """Return what holds of files that were read, by the fields of `Options`.

    Parameters
    ----------
    source : Source
    options : Options
        With which the files were read.
    names : sequence of str
        As of `can_be_corrected`.

    Returns
    -------
    dict of str to object
        Pixel scale and bands as stated, or else as read; the zero point only as stated, since
        each band may have its own in the files.
    """
    held = {
        "pixel_scale_arcsec": options.pixel_scale_arcsec,
        "zero_point": options.zero_point,
        "bands": options.bands,
    }
    pixels = state.pixels_of(source.request(options))
    if "pixel_scale" in names and options.pixel_scale_arcsec is None and pixels is not None:
        held["pixel_scale_arcsec"] = float(pixels.pixel_scale_arcsec)
    if "bands" in names and options.bands is None:
        held["bands"] = _read_bands(source.digest, source.files)
    return held


@st.cache_data(show_spinner=False, max_entries=24)
def _read_bands(digest: str, _files: Sequence[tuple[str, bytes]]) -> tuple[str, ...]:
    """Return the band of each of three files by their names and headers."""
    from galexplorer.fits.bounded import read_blob
    from galexplorer.fits.images import read_images
    from galexplorer.image.bands import order_files

    order = order_files([read_images(read_blob(file)) for file in _files])
    return tuple(IMAGE_BANDS[order.index(k)] for k in range(len(_files)))


def _fill(name: str, held: dict[str, Any], key: str) -> None:
    """Let a field that was not drawn yet say what holds."""
    store = st.session_state
    if name == "pixel_scale":
        store.setdefault(f"ask_scale_{key}", held["pixel_scale_arcsec"])
    elif name == "zero_point":
        store.setdefault(f"ask_zero_{key}", held["zero_point"])
    else:
        for k, band in enumerate(held["bands"]):
            store.setdefault(f"ask_band_{k}_{key}", band)


def _show_fields(
    source: Source,
    assumed: Options,
    names: tuple[str, ...],
    pixels: Pixels | None,
    key: str,
    button: str,
) -> None:
    """Draw the fields of some properties beside a preview, and the button that states them."""
    fields, preview = st.columns([2, 1], gap="small")  # on a phone the preview comes last
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
    with preview:
        if not complete:
            st.caption("Each of g, r and i belongs to one file.")
        if pixels is not None:
            seen = _preview(source.request(assumed).pixels_key(), pixels)
            st.image(seen.picture, width=_SHOWN_PX, alt=f"Preview: {seen.words}")
            st.caption(seen.words)
            if not seen.plausible:
                st.caption(":orange[No galaxy has such a magnitude: are the values right?]")


def _assume(
    source: Source, options: Options, key: str
) -> tuple[Options, dict[str, GalexplorerError], Pixels | None]:
    """Return the options with what the fields say, why each field is asked, and the pixels."""
    asked: dict[str, GalexplorerError] = {}
    while True:
        try:
            return options, asked, state.pixels_of(source.request(options))
        except tuple(_FAILURES.values()) as error:
            name = next(name for name, kind in _FAILURES.items() if isinstance(error, kind))
            if name in asked:
                return options, asked, None
            asked[name] = error
            options = replace(options, **_answer(name, source, key))
        except GalexplorerError:
            return options, asked, None  # said once the rest is stated


def _answer(name: str, source: Source, key: str) -> dict[str, Any]:
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
            f"Band of {name}", list(IMAGE_BANDS), required=True, key=f"ask_band_{k}_{key}"
        )


_FIELDS: dict[str, Callable[[Source, str], None]] = {
    "pixel_scale": _ask_scale,
    "zero_point": _ask_zero_point,
    "bands": _ask_bands,
}


@st.cache_data(show_spinner=False, max_entries=24)
def _preview(key: str, _pixels: Pixels) -> Preview:
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
