"""Masks, weights and noise maps beside an image: they blank pixels, and are never bands."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from galexplorer.errors import InputError
from galexplorer.fits.images import FitsImage
from galexplorer.schema import BANDS

_ROLES = {
    "mask": r"MASKS?|MSK|DQ|DQM|OOD|FLAGS?|FLG|BPM|BITMASK|MASKBITS|BADPIX|QUALITY|QUAL",
    "weight": r"W(EI)?GHTS?|WGT|WHT|WT|WTMAP|WMAP|IVAR|INVVAR|IVM|COVERAGE|COV|NEXP",
    "noise": r"VAR|VARIANCE|ERR|ERRORS?|SIGMA|SIG|RMS|STD|STDDEV|UNC|UNCERT|UNCERTAINTY|NOISE",
    "other": r"SKY|PSF|BKG|BKGD|BACKGROUND|EXP|EXPTIME|EXPOSURE|EXPMAP|CTX|CON|MODEL|RESIDUALS?|"
    r"SEGM?|SEGMENTATION|TIME|VAR_?(POISSON|RNOISE|FLAT)|AREA|CHI2?",
}
_ROLE_CARDS = ("EXTNAME", "DES_EXT", "HDUCLAS2", "EXTTYPE", "IMTYPE")
_MOST_MASKED = 0.5
_MOST_BRIGHT = 0.5
_LEAST_SOURCES = 1e-3
"""Share of the pixels that sources take in an image of a galaxy, at 5 sigma above the sky."""


def read_role(text: str) -> str:
    """Return what the name of an extension says it is.

    Parameters
    ----------
    text : str
        Such as ``SCI`` or ``WHT_r``.

    Returns
    -------
    {"image", "mask", "weight", "noise", "other"}
    """
    words = re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", text)
    for role, pattern in _ROLES.items():
        if any(re.fullmatch(rf"({pattern})\d*", word, re.IGNORECASE) for word in words):
            return role
    return "image"


def name_band(text: str) -> str | None:
    """Return the one band of ugriz that a file name or card names, as in ``frame-g-005112``.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        None where no band, or more than one, stands as a word of its own.
    """
    words = {word.rstrip("'") for word in re.split(r"[^a-z0-9']+", text.lower())}
    named = words.intersection(BANDS)
    return named.pop() if len(named) == 1 else None


def apply_companions(images: Sequence[FitsImage]) -> list[FitsImage]:
    """Return the images of a file without masks, weights and the like, which blank their pixels.

    A companion belongs to the image of its band or EXTVER, else to that of its own place among
    its like; one alone belongs to all.

    Parameters
    ----------
    images : sequence of FitsImage
        All of one file.

    Returns
    -------
    list of FitsImage
        Unmeasured pixels are NaN, and notes say which.

    Raises
    ------
    InputError
        If there is a mask, a weight or a noise map and no image.
    """
    roles = [_role(image, alone=len(images) == 1) for image in images]
    science = [image for image, role in zip(images, roles, strict=True) if role == "image"]
    if not science:
        science = [image for image, role in zip(images, roles, strict=True) if role == "other"]
    if not science:
        raise InputError(
            f"{images[0].file} holds a {_WORDS[roles[0]]} and no image: give the image itself."
        )
    for role in ("mask", "weight", "noise"):
        like = [image for image, own in zip(images, roles, strict=True) if own == role]
        for k, image in enumerate(science):
            for companion in _belonging(like, image, k, science):
                science[k] = blank_by(science[k], companion, role)
    return science


def blank_by(image: FitsImage, companion: FitsImage, role: str, stated: bool = False) -> FitsImage:
    """Return an image whose pixels are NaN where a mask, a weight or a noise map says so.

    Parameters
    ----------
    image, companion : FitsImage
    role : {"mask", "weight", "noise"}
        A mask is not zero where a pixel is bad; weights and noise are positive where it is good.
    stated : bool
        The user named the mask: it counts whatever it covers. Otherwise one that covers most of
        the field, or marks its sources, is left alone.

    Returns
    -------
    FitsImage

    Raises
    ------
    InputError
        If they differ in shape.
    """
    values = companion.data
    if values.shape not in (image.data.shape, image.data.shape[-2:]):
        raise InputError(
            f"{companion.file} and {image.file} differ in shape ({values.shape} and "
            f"{image.data.shape}): give a {_WORDS[role]} on the image's own grid."
        )
    bad = np.nan_to_num(values, nan=1.0) != 0 if role == "mask" else ~(values > 0)
    if role == "mask" and any(card.startswith("MP_") for card in companion.cards):
        bad = _bits_of_lsst(companion)
    bad = bad & np.isfinite(image.data)
    if not bad.any():
        return image
    share = float(bad.mean())
    kind = _WORDS[role]
    if not stated and (share > _MOST_MASKED or (role == "mask" and _marks_sources(image, bad))):
        note = f"The {kind} beside the image covers most of it or of its sources: not used."
        return replace(image, notes=(*image.notes, note))
    note = f"{100 * share:.2g}% of the pixels taken as unmeasured ({kind})."
    return replace(image, data=np.where(bad, np.nan, image.data), notes=(*image.notes, note))


def _marks_sources(image: FitsImage, bad: np.ndarray) -> bool:
    """Tell a map of sources from one of bad pixels, which may be the brightest ones too.

    The former covers most of the brightest pixels and leaves little but sky.
    """
    shape = (-1, *image.data.shape[-2:])
    left: list[float] = []
    for values, out in zip(image.data.reshape(shape), bad.reshape(shape), strict=True):
        seen = np.isfinite(values)
        rest = values[~out & seen]
        if not len(rest):  # not measured at all, or masked whole
            left += [0.0] if seen.any() else []
            continue
        bright = values >= np.nanpercentile(values, 99)
        if out[bright].mean() <= _MOST_BRIGHT:
            return False
        sky = np.median(rest)
        noise = 1.4826 * np.median(np.abs(rest - sky))
        left.append(float(np.mean(rest > sky + 5 * noise)))
    return bool(np.median(left) < _LEAST_SOURCES)


_WORDS = {"mask": "mask", "weight": "weight map", "noise": "noise map", "other": "model"}


def _role(image: FitsImage, alone: bool) -> str:
    """Return the role of an image; the name of its file tells that of one that is alone in it."""
    for card in _ROLE_CARDS:
        role = read_role(str(image.cards.get(card, "")))
        if role != "image":
            return role
    words = re.split(r"[^a-z]+", image.file.lower())
    named = {"mask": ("mask", "msk"), "weight": ("weight", "wht", "wgt", "wt", "ivar", "invvar")}
    for role, names in named.items():
        if alone and "EXTNAME" not in image.cards and any(word in names for word in words):
            return role
    return "image"


def _belonging(
    like: Sequence[FitsImage], image: FitsImage, place: int, science: Sequence[FitsImage]
) -> list[FitsImage]:
    fitting = [each for each in like if each.data.shape[-2:] == image.data.shape[-2:]]
    fitting = [each for each in fitting if each.data.ndim <= image.data.ndim]
    for key in (_band, _version):
        own = key(image)
        if own is not None and any(key(each) == own for each in fitting):
            told = [key(each) for each in science]
            if told.count(own) == 1:
                return [each for each in fitting if key(each) == own]
    if len(fitting) == len(science):
        return [fitting[place]]
    return fitting if len(science) == 1 or len(fitting) == 1 else []


def _band(image: FitsImage) -> str | None:
    cards = ("EXTNAME", "BAND", "FILTER")
    named: Mapping[str, str | None] = {k: name_band(str(image.cards.get(k, ""))) for k in cards}
    return next((band for band in named.values() if band), None)


def _version(image: FitsImage) -> object:
    return image.cards.get("EXTVER")


def _bits_of_lsst(mask: FitsImage) -> np.ndarray:
    """Return which pixels are bad or have no data, by the bits that MP_ cards name."""
    bits = [mask.cards.get(card) for card in ("MP_BAD", "MP_NO_DATA")]
    flags = sum(1 << bit for bit in bits if isinstance(bit, int) and 0 <= bit < 24)
    return (np.nan_to_num(mask.data).astype(np.int64) & flags) != 0
