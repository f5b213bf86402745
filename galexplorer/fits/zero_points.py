"""Zero points that headers state, each by the convention of who writes the card.

=============================== ==========================================================
cards                           magnitude of a source whose pixels sum to N
=============================== ==========================================================
MAGZERO, PHOTZP, MAGZP, ...     zero point - 2.5 log10 N (DES, DECam, ESO, MegaPipe, ZTF, Euclid)
FLUXMAG0                        -2.5 log10(N / FLUXMAG0) (HSC, LSST)
FLUX20                          20 - 2.5 log10(N / FLUX20) (SDSS before DR8)
MAGZPT, PHOT_C, FPA.ZP, IMAGEZPT  zero point - 2.5 log10(N / EXPTIME) (CASU and INT WFS; Elixir of
                                CFHT; Pan-STARRS; PTF)
PHOTFLAM with PHOTPLAM, PHOTFNU flux density of one unit per second (HST)
=============================== ==========================================================

Atmospheric extinction beyond an airmass of one is added where the convention leaves it out:
EXTINCT with MAGZPT, PHOT_K with PHOT_C.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from galexplorer.errors import OptionError, ZeroPointError
from galexplorer.fits.images import FitsImage
from galexplorer.schema import IMAGE_BANDS

_OF_VALUES = (
    *(
        "MAGZERO",
        "PHOTZP",
        "PHOTZPT",
        "PHOT_ZP",
        "MAGZP",
        "MAG_ZP",
        "MAGZPNT",
        "MAGZEROP",
        "MAG_ZERO",
    ),
    *("ZEROPT", "ZEROPOIN", "ZEROPNT", "ZP", "ZPT", "ZPTMAG", "ZPMAG", "ZP_MAG", "SEXMGZPT"),
    *("ABMAGZP", "ABMAGZPT", "ABZP", "ZP_AB", "ZPAB", "MAGZPAB", "ZPAPPROX", "MAG0", "REFMAGZP"),
)
_OF_RATES = ("MAGZPT", "PHOT_C", "FPA.ZP", "IMAGEZPT")
_EXTINCTION = {"MAGZPT": ("EXTINCT", -1.0), "PHOT_C": ("PHOT_K", 1.0)}
_EXPOSURE = ("EXPTIME", "EXPOSURE", "TEXPTIME", "XPOSURE", "EXP_TIME")
_RANGE = (-5.0, 45.0)
_TOLERANCE_MAG = 0.02
_UNREAD = re.compile(
    r"(.*[._])?[A-Z]*(ZP|ZPT|ZERO_?P|ZEROP|MAGZ|FLUXMAG|FLUXCAL|FLXSCALE|FLUXSCAL|PHOTFLAM|PHOTFNU|"
    r"PHOTMJSR|PHOTCAL|PHOTMULT|MAG_?0|ZMAG|PHOT_?C|JYPER|TOJY|CAL_?FAC|"
    r"ZERO_?(MAG|FLUX|FLX)|(MAG|FLUX|FLX|PHOT|AB|^M)_?ZERO|MAG_?OFF|(FLUX|FLX)_?0|^F_?0(?!\w))\w*"
)
_BESIDES = re.compile(
    r"ERR|RMS|UNC|SIG|STD|DEV|SCAT|RANGE|NUM|COUNT|CNT|COEF|CLR|COL|NST|FLAG|VER|DATE|CAT|SRC|SYS|"
    r"NAME|FILE|METH|ZPOS|ZPIX|MZP|^NZP|^MAGZPA$"
)
_PER_SECOND = re.compile(
    r"(/|\bper |\bin |\bfor )(one |a |1 ?)?s(ec|ec\.|econds?)?\b|\bs\^?-1", re.I
)
_ELECTRONS = re.compile(r"electron|\be-|\be/", re.I)


@dataclass(frozen=True)
class ZeroPoint:
    """What one unit of an image's values means.

    Attributes
    ----------
    mag : float
        AB magnitude of a source whose pixels sum to one.
    card : str
        Where it is from.
    note : str
        A sentence.
    """

    mag: float
    card: str
    note: str


def check_zero_points(
    zero_point: float | Mapping[str, float] | None, exposure_s: float | None
) -> dict[str, float]:
    """Return stated zero points by band; raise OptionError unless they are plausible."""
    if exposure_s is not None and not 0 < exposure_s < 1e8:
        raise OptionError(f"The exposure time is {exposure_s:g} s: give seconds above 0.")
    if zero_point is None:
        return {}
    by_band = (
        dict(zero_point)
        if isinstance(zero_point, Mapping)
        else dict.fromkeys(IMAGE_BANDS, zero_point)
    )
    if not set(by_band) <= set(IMAGE_BANDS):
        raise OptionError(f"Zero points are given for {', '.join(by_band)}: give g, r or i.")
    for mag in by_band.values():
        if not _RANGE[0] <= mag <= _RANGE[1]:
            raise OptionError(
                f"The zero point is {mag:g}: give the AB magnitude of one unit, between "
                f"{_RANGE[0]:g} and {_RANGE[1]:g}."
            )
    return by_band


def read_number(value: object) -> float | None:
    """Return the number of a card, which some write as text with a unit behind; None without."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        found = re.match(
            r"\s*[+-]?(\d{1,20}\.?\d{0,20}|\.\d{1,20})([eEdD][+-]?\d{1,3})?(?!\w)", value
        )
        value = float(re.sub("[dD]", "e", found[0])) if found else None
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def read_exposure(image: FitsImage, stated_s: float | None = None) -> tuple[float | None, str]:
    """Return the exposure time in seconds that the user or the header states, and its origin."""
    if stated_s is not None:
        return stated_s, "as stated"
    for keyword in _EXPOSURE:
        seconds = read_number(image.cards.get(keyword))
        if seconds is not None and seconds > 0:
            return seconds, keyword
    return None, ""


def read_zero_point(
    image: FitsImage, band: str, kind: str, exposure_s: float | None = None
) -> ZeroPoint | None:
    """Read the zero point of an image.

    Parameters
    ----------
    image : FitsImage
    band : {"g", "r", "i"}
        A card of this band alone, such as ``MAGZERO_G``, comes first.
    kind : {"", "counts", "electrons", "counts/s", "electrons/s"}
        What BUNIT says of the values; empty where it says nothing.
    exposure_s : float, optional
        What the user says of the exposure time.

    Returns
    -------
    ZeroPoint or None
        None where nothing is stated.

    Raises
    ------
    InputError
        If what is stated cannot be understood, is not AB, or contradicts itself.
    """
    seconds, origin = read_exposure(image, exposure_s)
    rate = kind.endswith("/s")
    found: list[ZeroPoint] = []

    def add(card: str, mag: float, words: str = "") -> None:
        note = f"Zero point {mag:.6g} mag (AB) taken from the header (card {card}{words})."
        found.append(ZeroPoint(mag, card, note))

    for keyword in (*_OF_VALUES, *_OF_RATES):
        for card in (f"{keyword}_{band.upper()}", f"{keyword}{band.upper()}", keyword):
            mag = read_number(image.cards.get(card))
            if mag is None or not _is_plausible(image, mag):
                continue
            comment = image.comments.get(card, "")
            _check_system(image, card, comment)
            words = ""
            of_rate = keyword in _OF_RATES or _PER_SECOND.search(comment)
            if of_rate and not rate and not seconds and kind:
                raise ZeroPointError(
                    f"{image.file} has a zero point for one second (card {card}), values in "
                    f"{kind} and no card EXPTIME: state the zero point and the exposure time."
                )
            if of_rate and not rate and seconds:
                mag += 2.5 * math.log10(seconds)
                words = f", for one second of {seconds:g} s ({origin})"
            if _ELECTRONS.search(comment) and kind.startswith("counts"):
                gain = read_number(image.cards.get("GAIN"))
                if gain is None or gain <= 0:
                    raise ZeroPointError(
                        f"{image.file} has a zero point for electrons (card {card}), values in "
                        "counts and no card GAIN: state the zero point of one count."
                    )
                mag -= 2.5 * math.log10(gain)  # a count is so many electrons
                words += f", for electrons at {gain:g} to a count"
            airmass = read_number(image.cards.get("AIRMASS"))
            extinction, sign = _EXTINCTION.get(keyword, ("", 0.0))
            slope = read_number(image.cards.get(extinction))
            if slope is not None and airmass is not None and airmass >= 1:
                mag += sign * slope * (airmass - 1)
                words += f", with {extinction} at an airmass of {airmass:.2f}"
            add(card, mag, words)
            break
    for card, reference in (("FLUXMAG0", 0.0), ("FLUX20", 20.0)):
        counts = read_number(image.cards.get(card))
        if counts is not None and counts > 0:
            add(card, reference + 2.5 * math.log10(counts))
    if not found and (mag_of_rate := _read_inverse_sensitivity(image)) is not None:
        card, mag = mag_of_rate
        if not kind or (not rate and seconds is None):
            missing = "EXPTIME" if kind else "BUNIT"
            raise ZeroPointError(
                f"{image.file} has a flux density for one unit per second (card {card}) and no "
                f"card {missing}: state its zero point."
            )
        add(card, mag if rate or seconds is None else mag + 2.5 * math.log10(seconds))
    if not found:
        _refuse_unread(image)
        return None
    lowest, highest = (choose(found, key=lambda each: each.mag) for choose in (min, max))
    if highest.mag - lowest.mag > _TOLERANCE_MAG:
        raise ZeroPointError(
            f"{image.file} has two zero points, {lowest.mag:.6g} (card {lowest.card}) and "
            f"{highest.mag:.6g} (card {highest.card}): state which is right."
        )
    return found[0]


def _is_plausible(image: FitsImage, mag: float) -> bool:
    """Tell a zero point from a placeholder: zero means maggies, whose values are tiny."""
    if mag == 0:
        return 0 < float(image.data[image.data == image.data].max(initial=0.0)) < 1e-2
    return _RANGE[0] < mag < _RANGE[1] and abs(mag) >= 1


def _check_system(image: FitsImage, card: str, comment: str) -> None:
    systems = [str(image.cards.get(key, "")) for key in ("MAGSYS", "PHOTSYS", "MAGTYPE", "ZPSYS")]
    if any("vega" in text.lower() for text in (comment, *systems)):
        raise ZeroPointError(
            f"{image.file} has a zero point in Vega magnitudes (card {card}): "
            "state the zero point in AB magnitudes."
        )


def _read_inverse_sensitivity(image: FitsImage) -> tuple[str, float] | None:
    """Return AB magnitude of one unit per second from cards that the HST's pipelines write.

    The STMAG zero point and its conversion are those of the ACS Data Handbook, section 5.1.
    """
    flam, pivot = (read_number(image.cards.get(key)) for key in ("PHOTFLAM", "PHOTPLAM"))
    if flam and pivot and flam > 0 and pivot > 0:
        mag = -2.5 * math.log10(flam) - 21.10 - 5 * math.log10(pivot) + 18.692
        return "PHOTFLAM", mag
    fnu = read_number(image.cards.get("PHOTFNU"))
    if fnu and fnu > 0:
        jansky = fnu * (1e23 if fnu < 1e-20 else 1.0)  # some write it in erg/s/cm2/Hz
        return "PHOTFNU", 8.90 - 2.5 * math.log10(jansky)
    return None


def _refuse_unread(image: FitsImage) -> None:
    """Refuse a card that states a flux scale in a way this program does not know."""
    for card, value in image.cards.items():
        upper = card.upper()
        named = _UNREAD.fullmatch(upper) and not _BESIDES.search(upper)
        said = re.search(r"zero[- ]?po?i?n?t", image.comments.get(card, ""), re.I)
        told = said and not _BESIDES.search(upper) and read_number(value) is not None
        if (named or told) and str(value).strip():
            raise ZeroPointError(
                f"{image.file} states a flux scale that is not understood (card {card} = "
                f"{str(value)[:40]!r}): state its zero point."
            )
