"""Which image is which band: from the caller, header cards, file names or order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from galexplorer.errors import BandsError, InputError
from galexplorer.fits.images import FitsImage
from galexplorer.fits.provenance import check_camera
from galexplorer.image.masks import apply_companions, name_band
from galexplorer.schema import BANDS, IMAGE_BANDS

_THREE_FILES = "give g, r and i as three files together"
_SHAPE = (
    "give a cube of shape (3, height, width) with the bands g, r, i, "
    "or three images of shape (height, width)"
)
_PLANE_CARDS = ("EXTNAME", "BAND", "FILTER", "FILTNAM")
_CUBE_CARDS = ("BANDS", "FILTERS", "BAND", "FILTER")
_BAND_CARDS = ("FILTER", "BAND", "FILTNAM", "FILTER1", "FPA.FILTERID", "FPA.FILTER")
_NUMBERED = ("BAND", "PLANE", "FILTER", "FILT", "CHAN", "LAYER")
_COLOURS = {"red": "i", "green": "r", "blue": "g"}
_SPECTRAL = ("WAVE", "AWAV", "FREQ", "VELO", "VRAD", "VOPT", "ENER", "ZOPT", "STOKES", "TIME")

Bands = dict[str, FitsImage]
"""The images of g, r and i, each with data of shape (H, W)."""


def split_file(images: Sequence[FitsImage]) -> tuple[Bands, list[str]]:
    """Find g, r and i in one file.

    Parameters
    ----------
    images : sequence of FitsImage
        All images of the file.

    Returns
    -------
    bands : dict of str to FitsImage
    notes : list of str
        What was assumed about the order.

    Raises
    ------
    InputError
        If the file holds one band, another number of them than three without naming them, or
        bands other than g, r and i.
    """
    images = apply_companions(images)
    check_camera(images[0])
    cubes = [image for image in images if image.data.ndim == 3 and image.data.shape[0] > 1]
    if cubes:
        return _split_cube(cubes[0], extra=len(images) > 1)
    planes = [_flatten(image) for image in images]
    if len(planes) == 1:
        raise BandsError(f"{planes[0].file} holds one band only: {_THREE_FILES}.")
    labels = {
        keyword: [str(plane.cards.get(keyword, "")) for plane in planes] for keyword in _PLANE_CARDS
    }
    return _assign(planes, labels, f"{len(planes)} images")


def single_band(images: Sequence[FitsImage], band: str) -> tuple[FitsImage, list[str]]:
    """Return the image of a file that was given as one band.

    Parameters
    ----------
    images : sequence of FitsImage
    band : {"g", "r", "i"}
        What the caller says it is; a header that says otherwise is noted and overruled.

    Returns
    -------
    image : FitsImage
    notes : list of str

    Raises
    ------
    InputError
        If the file holds a cube, or a mask or weight map alone.
    """
    images = apply_companions(images)
    check_camera(images[0])
    image, notes = images[0], []
    if image.data.ndim == 3 and image.data.shape[0] > 1:
        raise InputError(
            f"{image.file} was given as the {band} band but has {image.data.shape[0]} planes: "
            "give a cube alone, or one file for each band."
        )
    if len(images) > 1:
        notes.append(f"{image.file} holds {len(images)} images: the first was used.")
    stated = _stated_band(image)
    if stated not in (None, band):
        notes.append(f"The header of {image.file} says band {stated}: used as {band}.")
    return _flatten(image), notes


def order_files(files: Sequence[Sequence[FitsImage]]) -> list[int]:
    """Identify the bands of three files by their names or else their headers.

    Parameters
    ----------
    files : sequence of sequence of FitsImage
        The images of each file.

    Returns
    -------
    list of int
        Which file is g, r and i.

    Raises
    ------
    BandsError
        If names and headers do not identify g, r and i, or contradict each other.
    """
    names = [name_band(images[0].file) for images in files]
    cards = [_stated_band(images[0]) for images in files]
    told = [found for found in (names, cards) if sorted(map(str, found)) == sorted(IMAGE_BANDS)]
    if not told or any(found != told[0] for found in told):
        raise BandsError(
            f"Which of {', '.join(images[0].file for images in files)} is g, r or i cannot be "
            "inferred from names and headers: name each file after its band, as in m101_g.fits."
        )
    return [told[0].index(band) for band in IMAGE_BANDS]


def _stated_band(image: FitsImage) -> str | None:
    named = (name_band(str(image.cards.get(card, ""))) for card in _BAND_CARDS)
    return next((band for band in named if band), None)


def _flatten(image: FitsImage) -> FitsImage:
    """Drop a leading axis of one plane."""
    return replace(image, data=image.data[0]) if image.data.ndim == 3 else image


def _split_cube(cube: FitsImage, extra: bool) -> tuple[Bands, list[str]]:
    count = cube.data.shape[0]
    planes = [replace(cube, data=plane) for plane in cube.data]
    labels: dict[str, list[str]] = {}
    for prefix in _NUMBERED:
        for first in (0, 1):
            keywords = [f"{prefix}{k}" for k in range(first, first + count)]
            if all(keyword in cube.cards for keyword in keywords):
                labels[f"{prefix}{first}..."] = [str(cube.cards[keyword]) for keyword in keywords]
    for keyword in (*_CUBE_CARDS, "CTYPE3", "EXTNAME", "COLORSPC"):
        text = str(cube.cards.get(keyword, ""))
        words = re.findall(r"[A-Za-z0-9_.']+", text)
        joined = [w for w in ("".join(words), *words) if len(w) == count]
        letters = [list(w) for w in joined if set(w.lower()) <= {*BANDS, "b"}]
        if len(words) == count:
            labels[keyword] = words
        elif letters:
            labels[keyword] = letters[0]
        elif keyword in ("BANDS", "FILTERS") and text.strip():
            labels[keyword] = [text] * count
    axis = str(cube.cards.get("CTYPE3", "")).strip().upper()
    bands, notes = _assign(planes, labels, f"{count} planes", axis)
    if extra:
        notes.append(f"{cube.file} holds other images besides its cube: they were ignored.")
    return bands, notes


def _assign(
    planes: Sequence[FitsImage], labels: Mapping[str, list[str]], what: str, axis: str = ""
) -> tuple[Bands, list[str]]:
    """Give each of g, r, i its plane, by the first kind of card that names all three once."""
    file = planes[0].file
    known = {keyword: _read_labels(texts) for keyword, texts in labels.items()}
    for keyword, (found, coloured) in known.items():
        if all(found.count(band) == 1 for band in IMAGE_BANDS):
            notes = []
            chosen = {band: planes[found.index(band)] for band in IMAGE_BANDS}
            if coloured:
                colour = f"card {keyword} = '{', '.join(labels[keyword])}'"
                chosen = {band: replace(plane, colour=colour) for band, plane in chosen.items()}
                notes.append(f"{file} has planes of red, green and blue: taken as i, r, g.")
            elif found != list(IMAGE_BANDS):
                order = ", ".join(band or "unnamed" for band in found)
                notes.append(f"{file} holds the bands {order} (card {keyword}): g, r, i were used.")
            return chosen, notes
    if axis.split("-")[0] in _SPECTRAL:
        raise InputError(
            f"{file} has a third axis of {axis} (card CTYPE3), not of bands: {_SHAPE}."
        )
    if len(planes) != len(IMAGE_BANDS):
        raise InputError(f"{file} holds {what} whose bands are not named: {_SHAPE}.")
    for keyword, (found, _) in known.items():
        in_order = all(
            label in (None, band) for label, band in zip(found, IMAGE_BANDS, strict=True)
        )
        # One label on all three is a card that was copied along; it tells nothing.
        if not in_order and len(set(found)) > 1:
            named = ", ".join(band or "unnamed" for band in found)
            raise InputError(f"{file} holds the bands {named} (card {keyword}): {_THREE_FILES}.")
        texts = labels[keyword]
        foreign = len(set(texts)) == len(texts) and keyword not in ("EXTNAME", "CTYPE3")
        if not any(found) and (foreign or keyword in ("BANDS", "FILTERS")) and any(texts):
            raise InputError(
                f"{file} holds the bands {', '.join(dict.fromkeys(texts))} (card {keyword}), which "
                f"are not g, r and i: {_THREE_FILES}."
            )
    return dict(zip(IMAGE_BANDS, planes, strict=True)), [
        f"{file} does not name its bands: {what} taken in the order g, r, i."
    ]


def _read_labels(texts: Sequence[str]) -> tuple[list[str | None], bool]:
    """Return the bands that labels name, and whether they are the colours of a picture."""
    words = [re.split(r"[^a-z0-9]+", text.lower().strip()) for text in texts]
    for names in (_COLOURS, {name[0]: band for name, band in _COLOURS.items()}):
        told = [next((names[w] for w in each if w in names), None) for each in words]
        if len(texts) == len(IMAGE_BANDS) and set(told) == set(IMAGE_BANDS):
            return told, True
    return [name_band(text) for text in texts], False
