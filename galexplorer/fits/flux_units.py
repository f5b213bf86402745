"""From the values of an image to nanomaggies: what BUNIT, zero points and the user say of them."""

import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.utils.exceptions import AstropyWarning

from galexplorer.errors import InputError, ZeroPointError
from galexplorer.fits.images import FitsImage
from galexplorer.fits.zero_points import read_number, read_zero_point

NANOMAGGY_JY = 3.631e-6
POGSON = 2.5 / math.log(10)

_UNIT_CARDS = ("BUNIT", "BUNITS", "UNITS", "UNIT", "FLUXUNIT", "DATAUNIT", "PIXUNITS", "QTTY____")
_NANOMAGGY = re.compile(r"\bn(ano)?[-_ ]?m(aggy|aggies|aggie|gy|gys|ag)\b", re.IGNORECASE)
_SPELLINGS = (
    (re.compile(r"\bper\b", re.I), "/"),
    (re.compile(r"\b(square|sq\.?) *(arcsec\w*|pix\w*|cm)|\b(cm|arcsec)\^2", re.I), r"\2\3**2"),
    (_NANOMAGGY, "nmgy"),
    (re.compile(r"\bm(aggy|aggies|aggie|gys)\b", re.I), "mgy"),
    (re.compile(r"[µμ]"), "u"),
    (re.compile(r"\bmicro[- ]?(?i:jy|jansky)s?\b|\buJ[yY]\b|\bUJY\b"), "uJy"),
    (re.compile(r"\bnano[- ]?(?i:jy|jansky)s?\b|\bnJ[yY]\b|\bNJY\b"), "nJy"),
    (re.compile(r"\bmilli[- ]?(?i:jy|jansky)s?\b|\bmjy\b(?!\s*/\s*sr)"), "mJy"),
    (
        re.compile(r"\bmega[- ]?(?i:jy|jansky)s?\b|\bMJY\b(?=\s*(/|\*\*|\*|\s)\s*(sr|SR|STER))"),
        "MJy",
    ),
    (re.compile(r"\b(jansky|janskys|JY|jy|JANSKY)\b", re.I), "Jy"),
    (re.compile(r"\bergs?\b", re.I), "erg"),
    (re.compile(r"\bpixels?\b|\bpix\b", re.I), "pix"),
    (re.compile(r"\bsteradians?\b|\bster\b|\bSR\b", re.I), "sr"),
    (re.compile(r"\b(arcsecs?|arcseconds?|asec)\b", re.I), "arcsec"),
    (re.compile(r"\bHZ\b", re.I), "Hz"),
    (re.compile(r"\bCM", re.I), "cm"),
    (re.compile(r"\bsec\b|\bS\b"), "s"),
    (re.compile(r"\b(A|ANGSTROMS?|AA)\b", re.I), "Angstrom"),
)
_COUNTS = re.compile(
    r"(?P<what>adu|dn|data numbers?|(raw |scaled |calibrated )?(counts?|cts?)|cps|"
    r"(photo-?)?electrons?|elec|e-|e|photons?)s?"
    r"(?P<area> *(/|per) *pix(el)?)?(?P<rate> *(/|per| ) *s(ec|ec\.|econds?)?(-1|\*\*-1|\^-1)?)?"
    r"(?P<area2> *(/|per) *pix(el)?)?",
    re.IGNORECASE,
)
_OF_INSTRUMENTS = (
    *("EXPTIME", "EXPOSURE", "GAIN", "EGAIN", "RDNOISE", "CCD-TEMP", "INSTRUME", "DETECTOR"),
    *("XPIXSZ", "FOCALLEN", "SWCREATE", "CBLACK", "MIPS-HI", "STACKCNT", "PEDESTAL"),
)


@dataclass(frozen=True)
class Calibration:
    """How the values of one image become nanomaggies.

    Attributes
    ----------
    factor : float
        Nanomaggies per unit of the values, once `linear` has made them linear.
    per_arcsec2 : bool
        The values are a surface brightness.
    nanomaggies : bool
        The header says outright that they are nanomaggies.
    notes : tuple of str
    bias : float
        What was added to the values.
    softening : tuple of float, or None
        BOFFSET and BSOFTEN of values on an asinh scale.
    """

    factor: float
    per_arcsec2: bool = False
    nanomaggies: bool = False
    notes: tuple[str, ...] = ()
    bias: float = 0.0
    softening: tuple[float, float] | None = None

    def linear(self, data: np.ndarray) -> np.ndarray:
        """Return values that are proportional to flux (Magnier et al. 2020, ApJS 251, 3)."""
        if self.softening is not None:
            offset, soft = self.softening
            return offset + 2 * soft * np.sinh(np.asarray(data, np.float64) / POGSON)
        return data - np.float32(self.bias) if self.bias else data


def read_unit(
    image: FitsImage,
    band: str = "r",
    zero_point: float | None = None,
    exposure_s: float | None = None,
) -> Calibration:
    """Read what the values of an image mean.

    What the user states counts over the header, a unit of flux in the header over a zero point.

    Parameters
    ----------
    image : FitsImage
    band : {"g", "r", "i"}
    zero_point : float, optional
        AB magnitude of a source whose pixels sum to one, or to one per second with `exposure_s`.
    exposure_s : float, optional
        Exposure time, for a zero point of one second.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If the header states a flux scale that is not understood, contradicts itself, or states
        none where the values are an instrument's.
    """
    softening, bias = _read_softening(image), 0.0
    notes: tuple[str, ...] = ()
    card, text = next(
        ((key, said) for key in _UNIT_CARDS if (said := str(image.cards.get(key) or "").strip())),
        ("BUNIT", ""),
    )
    if softening is not None:
        notes = ("Values on an asinh scale were made linear (cards BSOFTEN, BOFFSET).",)
    conversion = None if softening else _to_nanomaggies(_parse(text), image)
    softbias = read_number(image.cards.get("SOFTBIAS"))
    if softbias and conversion is None:
        bias = softbias
        notes = (*notes, f"The offset of {bias:g} counts was taken off (card SOFTBIAS).")
    counts = _COUNTS.fullmatch(text)
    if zero_point is not None:
        if exposure_s and counts and _kind(counts).endswith("/s"):
            notes = (*notes, _NO_EXPOSURE.format(f"the values are per second ({card})"))
            exposure_s = None
        mag = zero_point + (2.5 * math.log10(exposure_s) if exposure_s else 0.0)
        spared = f", although {card} is '{text}'" if conversion else ""
        seconds = f" for one second of {exposure_s:g} s" if exposure_s else ""
        stated = f"Zero point {zero_point:g} mag (AB){seconds} as stated{spared}."
        return Calibration(_factor(mag), notes=(*notes, stated), bias=bias, softening=softening)
    if conversion is not None:
        factor, per_arcsec2 = conversion
        if exposure_s is not None:
            notes = (*notes, _NO_EXPOSURE.format(f"the header has a unit of flux ({card})"))
        _check_agreement(image, band, factor, f"{card} = '{text}'", per_arcsec2)
        return Calibration(factor, per_arcsec2, bool(_NANOMAGGY.search(text)), notes)
    if text and counts is None and _parse(text) is not None:
        raise ZeroPointError(
            f"{image.file} has values in '{text}' (card {card}) and no zero point for them: "
            f"{_CONVERT}."
        )
    kind = _kind(counts) if counts else ""
    found = read_zero_point(image, band, kind, exposure_s)
    if found is not None:
        if exposure_s is not None and "as stated" not in found.note:
            notes = (*notes, _NO_EXPOSURE.format(f"the card {found.card} is not for one second"))
        if found.card == "FLUX20":
            notes = (*notes, "SDSS's own FLUX20 is preliminary, good to a few percent.")
        return Calibration(
            _factor(found.mag), notes=(*notes, found.note), bias=bias, softening=softening
        )
    _check_bare(image, card, text)
    return Calibration(1.0, notes=(*notes, "No BUNIT card: values taken as nanomaggies."))


_NO_EXPOSURE = "The exposure time that was stated was not used: {}."
_CONVERT = (
    "state the zero point, or convert them to nanomaggies (22.5 mag AB is 1 nanomaggy) and write "
    "BUNIT = 'nanomaggy'"
)


def _check_bare(image: FitsImage, card: str, text: str) -> None:
    """Refuse values that are not nanomaggies, though no card says outright what they are."""
    file = image.file
    if text:
        raise ZeroPointError(
            f"{file} has values in '{text}' (card {card}) and no zero point: {_CONVERT}."
        )
    if image.colour:
        raise InputError(
            f"{file} is a colour composite ({image.colour}) without a flux scale: "
            "give FITS images in g, r and i that have one."
        )
    for keyword in ("SOFTBIAS", "BSOFTEN"):
        if read_number(image.cards.get(keyword)):
            raise ZeroPointError(
                f"{file} has values in counts (card {keyword}) and no zero point: {_CONVERT}."
            )
    bits, step = read_number(image.cards.get("BITPIX")), read_number(image.cards.get("BSCALE", 1))
    if bits is not None and bits > 0 and step == 1:
        raise ZeroPointError(
            f"{file} holds whole numbers (BITPIX = {bits:g}) with neither BUNIT nor a zero point, "
            f"as colour pictures and raw frames do: {_CONVERT}."
        )
    survey = str(image.cards.get("SURVEY", ""))
    if "NMGY" in image.cards or "legacysurvey" in survey.lower().replace(" ", ""):
        return  # whose values are nanomaggies though no BUNIT says so
    for keyword in _OF_INSTRUMENTS:
        if keyword in image.cards:
            raise ZeroPointError(
                f"{file} has neither BUNIT nor a zero point, and its card {keyword} is that of an "
                f"instrument's counts: {_CONVERT}."
            )


def _read_softening(image: FitsImage) -> tuple[float, float] | None:
    soft = read_number(image.cards.get("BSOFTEN"))
    if soft is None or soft <= 0:
        return None
    return read_number(image.cards.get("BOFFSET")) or 0.0, soft


def _check_agreement(
    image: FitsImage, band: str, factor: float, unit: str, per_arcsec2: bool
) -> None:
    """Refuse a zero point that contradicts the unit; a surface brightness has none."""
    try:
        found = None if per_arcsec2 else read_zero_point(image, band, "")
    except InputError:
        return  # what is not understood beside a unit of flux does not matter
    if found is not None and abs(factor / _factor(found.mag) - 1) > 0.02:
        raise ZeroPointError(
            f"{image.file} contradicts itself: {unit}, but the card {found.card} gives a zero "
            f"point of {found.mag:.6g} mag: state the zero point that is right."
        )


def _factor(mag: float) -> float:
    return 10 ** (0.4 * (22.5 - mag))


def _kind(counts: re.Match[str]) -> str:
    what = counts["what"].lower()
    rate = "/s" if counts["rate"] or what == "cps" else ""
    return ("electrons" if what[0] == "e" or "electron" in what else "counts") + rate


def _parse(text: str) -> u.UnitBase | None:
    # A long integer in a power of ten would keep the parser busy for minutes.
    if not text or len(text) > 80 or re.search(r"(?<![\d.])\d{6,}", text):
        return None
    if _COUNTS.fullmatch(text):
        return None
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            return u.Unit(text)
        except (ValueError, TypeError, ArithmeticError, KeyError, IndexError, AttributeError):
            return None  # not a unit of astropy's; a zero point may still tell


def _to_nanomaggies(unit: u.UnitBase | None, image: FitsImage) -> tuple[float, bool] | None:
    """Return nanomaggies per unit, and whether it is per square arcsecond."""
    if unit is None or not hasattr(unit, "is_equivalent"):
        return None
    try:
        return _convert(unit, image)
    except u.UnitsError:  # of a scale that no number holds
        return None


def _convert(unit: u.UnitBase, image: FitsImage) -> tuple[float, bool] | None:
    nanomaggy, jansky = u.Unit("nmgy"), u.Unit("Jy")
    for extra in (u.dimensionless_unscaled, u.pix):
        per_wavelength = unit * extra * u.Angstrom
        pivot = read_number(image.cards.get("PHOTPLAM"))
        if per_wavelength.is_equivalent(u.erg / u.s / u.cm**2) and pivot and pivot > 0:
            spread = (unit * extra).to(jansky, equivalencies=u.spectral_density(pivot * u.Angstrom))
            return _finite(spread / NANOMAGGY_JY, False)
        for factor, target in ((1.0, nanomaggy), (1.0 / NANOMAGGY_JY, jansky)):
            if (unit * extra).is_equivalent(target):
                return _finite(factor * (unit * extra).to(target), False)
            if (unit * extra).is_equivalent(target / u.arcsec**2):
                return _finite(factor * (unit * extra).to(target / u.arcsec**2), True)
    return None


def _finite(factor: float, per_arcsec2: bool) -> tuple[float, bool] | None:
    return (float(factor), per_arcsec2) if 0 < factor < math.inf else None
