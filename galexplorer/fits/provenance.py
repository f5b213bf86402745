"""Which survey or camera an image is from, as its header says."""

import re

from galexplorer.errors import InputError
from galexplorer.fits.images import FitsImage

_SURVEYS = (
    ("SDSS", r"\bSDSS|^2\.5m$"),
    ("the DESI Legacy Surveys", r"Legacy ?Surve|DECaLS|\bBASS\b|\bMzLS\b"),
    ("the Dark Energy Survey", r"^DES$|Dark Energy Survey|^DES\d{4}[+-]\d{4}"),
    ("HSC", r"^HSC$|Hyper Suprime|^HSC-"),
    ("Pan-STARRS", r"\bPS1\b|Pan-?STARRS|^GPC1$"),
    ("CFHT's MegaCam", r"CFHT|Mega(Prime|Cam)|CFHTLS"),
    ("Euclid", r"Euclid"),
    ("the Dark Energy Camera", r"DECam"),
    ("the HST", r"^HST$"),
    ("the JWST", r"^JWST$"),
    ("Rubin", r"LSST|Rubin"),
    ("the VST", r"OmegaCAM|VST|^KiDS"),
    ("VISTA", r"VISTA|VIRCAM"),
    ("UKIRT", r"UKIRT|WFCAM"),
    ("SkyMapper", r"SkyMapper|SSO.*1\.3"),
    ("ZTF", r"\bZTF\b|^Palomar 48"),
    ("the INT", r"^INT$|Isaac Newton"),
)
_NAMING = (
    *("SURVEY", "PROJECT", "TILENAME", "INSTRUME", "TELESCOP", "FPA.TELESCOPE", "CAMERA"),
    *("DETECTOR", "ORIGIN", "OBSERVAT", "FILTER", "FILTER1"),
)
_ALWAYS_SAID = ("SURVEY", "INSTRUME", "TELESCOP")
_CAMERA_CARDS = ("BAYERPAT", "XBAYROFF", "YBAYROFF", "COLORTYP", "CFAIMAGE", "ISOSPEED", "ISO")
_CAMERA = re.compile(
    r"canon|nikon|sony|fuji|pentax|olympus|dslr|\beos\b|zwo|\basi ?\d|qhy|sbig|atik|seestar|"
    r"unistellar|celestron|starlight|dwarf ?lab|moravian|playerone",
    re.IGNORECASE,
)


def describe_survey(image: FitsImage) -> tuple[str, ...]:
    """Return a warning where an image is of another survey than the model learnt from.

    Parameters
    ----------
    image : FitsImage

    Returns
    -------
    tuple of str
        Empty for SDSS, and where the header does not tell.
    """
    said = {card: str(image.cards.get(card, "")).strip() for card in _NAMING}
    for name, pattern in _SURVEYS:
        for card, text in said.items():
            if name == "SDSS" and card.startswith("FILTER"):
                continue  # other cameras have filters of that kind
            if re.search(pattern, text, re.IGNORECASE):
                return () if name == "SDSS" else _warn(name, card, text)
    for card in _ALWAYS_SAID:
        if said[card]:
            return _warn(f"'{said[card][:40]}'", card, "")
    return ()


def _warn(name: str, card: str, text: str) -> tuple[str, ...]:
    origin = f"card {card}" + (f" = '{text[:40]}'" if text else "")
    return (
        f"The image is of {name} ({origin}): the model learnt from SDSS, whose depth, seeing and "
        "filters differ, so take the result with care.",
    )


def check_camera(image: FitsImage) -> None:
    """Refuse the frames of colour cameras and pictures of 8 bits.

    Parameters
    ----------
    image : FitsImage

    Raises
    ------
    InputError
        If a card says so.
    """
    card = next((card for card in _CAMERA_CARDS if card in image.cards), None)
    for keyword in ("INSTRUME", "CAMERA", "SWCREATE"):
        if image.data.ndim == 3 and _CAMERA.search(str(image.cards.get(keyword, ""))):
            card = keyword
    if card is not None:
        raise InputError(
            f"{image.file} is from a colour camera (card {card} = '{image.cards[card]}'), whose "
            "red, green and blue are not g, r and i: give images taken through those filters."
        )
    if (
        image.data.ndim == 3
        and image.cards.get("BITPIX") == 8
        and image.cards.get("BSCALE", 1) == 1
    ):
        raise InputError(
            f"{image.file} is a picture of 8 bits (BITPIX = 8), as HiPS services give colour "
            "composites: give FITS images in g, r and i that have a flux scale."
        )
