"""Flux scales: a statement of the header is believed or refused by name; the user's counts."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from galexplorer.errors import InputError, OptionError
from galexplorer.fits.zero_points import read_number
from galexplorer.image.reader import read_image

TOTAL = ["MAGZERO", "PHOTZP", "PHOTZPT", "MAGZP", "MAG_ZP", "ZEROPT", "ZEROPOIN", "ZP", "ZPTMAG"]
TOTAL += ["SEXMGZPT", "ABMAGZP", "MAGZEROP"]
PER_SECOND = ["MAGZPT", "PHOT_C", "HIERARCH FPA.ZP", "IMAGEZPT"]


def counts(planes: np.ndarray, zero_point: float) -> np.ndarray:
    """Return values of which one unit is a source of the zero point's magnitude."""
    return planes * 3631 / (zero_point * u.ABmag).to_value(u.nJy)


def reads(source, planes, card=None, **options):
    pixels = read_image(source, **options)
    np.testing.assert_allclose(pixels.flux, planes, rtol=2e-4, atol=1e-4)
    if card is not None:
        assert any(card in note for note in pixels.notes)


@pytest.mark.parametrize("card", TOTAL)
@pytest.mark.parametrize("value", [27.0, "27.0", " 27.0 mag"])
def test_zero_point_of_the_values(card, value, planes, write_image):
    data = write_image(counts(planes, 27), BUNIT=None, EXPTIME=90.0, **{card: value})
    reads(data, planes, f"(card {card})")


@pytest.mark.parametrize("card", PER_SECOND)
def test_zero_point_of_one_second(card, planes, write_image):
    own = card.removeprefix("HIERARCH ")
    total = counts(planes, 25 + 2.5 * np.log10(600))
    reads(write_image(total, BUNIT="adu", EXPTIME="600.", **{card: 25.0}), planes, f"card {own}")
    rates = counts(planes, 25)
    reads(write_image(rates, BUNIT="adu/s", EXPTIME=600.0, **{card: 25.0}), planes, own)
    reads(write_image(rates, BUNIT=None, **{card: 25.0}), planes, own)


def test_atmospheric_extinction_of_the_convention(planes, write_image):
    cards = {"EXPTIME": 1.0, "AIRMASS": 1.5, "BUNIT": "adu"}
    # CASU subtracts EXTINCT (X - 1); Elixir adds its negative PHOT_K (X - 1)
    reads(write_image(counts(planes, 24.95), MAGZPT=25.0, EXTINCT=0.1, **cards), planes)
    reads(write_image(counts(planes, 24.95), PHOT_C=25.0, PHOT_K=-0.1, **cards), planes)


def test_comments_that_say_per_second_or_electrons(planes, write_image):
    per_second = (25.0, "[mag] zero point for 1 ADU/s")
    total = counts(planes, 25 + 2.5 * np.log10(90))
    reads(write_image(total, BUNIT="ADU", EXPTIME=90.0, MAGZERO=per_second), planes)
    electrons = (25.0, "zero point for one electron")
    data = counts(planes, 25 - 2.5 * np.log10(4.0))  # a count is four electrons: fainter
    reads(write_image(data, BUNIT="ADU", GAIN=4.0, MAGZERO=electrons), planes)
    with pytest.raises(InputError, match="no card GAIN"):
        read_image(write_image(data, BUNIT="ADU", MAGZERO=electrons))


def test_counts_of_a_reference_magnitude(planes, write_image):
    reads(write_image(counts(planes, 27), BUNIT=None, FLUXMAG0=10**10.8), planes, "FLUXMAG0")
    # 20 mag are 10 nanomaggies; SDSS adds an offset that keeps values positive
    fpc = 200 * planes + 1000
    reads(write_image(fpc, BUNIT=None, SOFTBIAS=1000, FLUX20=2000.0), planes, "FLUX20")
    with pytest.raises(InputError, match="card SOFTBIAS"):
        read_image(write_image(fpc, BUNIT=None, SOFTBIAS=1000))
    # a calibrated frame keeps the card of the raw one
    reads(write_image(planes, SOFTBIAS=1000), planes)


def test_inverse_sensitivity(planes, write_image):
    flam, pivot = 3e-19 * u.Unit("erg/(s cm2 Angstrom)"), 6175.0
    zero_point = flam.to(u.ABmag, u.spectral_density(pivot * u.Angstrom)).value
    cards = {"PHOTFLAM": flam.value, "PHOTPLAM": pivot, "EXPTIME": 500.0}
    reads(write_image(counts(planes, zero_point), BUNIT="ELECTRONS/S", **cards), planes)
    total = counts(planes, zero_point + 2.5 * np.log10(500))
    reads(write_image(total, BUNIT="ELECTRONS", **cards), planes, "PHOTFLAM")
    with pytest.raises(InputError, match=r"card PHOTFLAM.*no card BUNIT"):
        read_image(write_image(total, BUNIT=None, **cards))
    jansky = (25.0 * u.ABmag).to_value(u.Jy)
    reads(write_image(counts(planes, 25), BUNIT="COUNTS/S", PHOTFNU=jansky), planes)
    per_wavelength = (3.631e-6 * planes * u.Jy).to_value(
        flam.unit, u.spectral_density(pivot * u.Angstrom)
    )
    reads(write_image(per_wavelength, BUNIT="erg/s/cm2/A", PHOTPLAM=pivot), planes)


def test_asinh_scale_of_pan_starrs(planes, write_image):
    """The stacks hold 2.5 log10(e) asinh((flux - BOFFSET) / (2 BSOFTEN))."""
    flux = counts(planes, 25 + 2.5 * np.log10(800))
    stored = 2.5 * np.log10(np.e) * np.arcsinh((flux - 3.0) / (2 * 20.0))
    cards = {"BUNIT": None, "BSOFTEN": 20.0, "BOFFSET": 3.0}
    reads(
        write_image(stored, EXPTIME=800.0, **{"HIERARCH FPA.ZP": 25.0}, **cards), planes, "BSOFTEN"
    )
    with pytest.raises(InputError, match="card BSOFTEN"):
        read_image(write_image(stored, **cards))


def test_zero_points_by_band(planes, write_image):
    by_band = {"g": 25.0, "r": 26.0, "i": 27.0}
    data = np.stack([counts(p, zp) for p, zp in zip(planes, by_band.values(), strict=True)])
    cards = {f"MAGZP_{band.upper()}": zp for band, zp in by_band.items()}
    reads(write_image(data, BUNIT=None, **cards), planes, "MAGZP_R")
    reads(write_image(data, BUNIT="adu"), planes, "as stated", zero_point=by_band)


@pytest.mark.parametrize("card", ["MZERO", "ZEROMAG", "MAGOFF", "FLUX0", "F0", "ABZERO"])
def test_cards_that_are_not_understood_are_not_passed_over(card, planes, write_image):
    data = write_image(counts(planes, 27), BUNIT=None, **{card: 27.0})
    with pytest.raises(InputError, match=rf"not understood \(card {card} = '27.0'\): state its"):
        read_image(data)
    reads(data, planes, "as stated", zero_point=27.0)


def test_an_exposure_time_that_does_not_matter_is_noted(planes, write_image):
    unused = "exposure time that was stated was not used"
    reads(write_image(planes), planes, unused, exposure_s=60.0)
    data = write_image(counts(planes, 27), BUNIT=None, MAGZERO=27.0)
    reads(data, planes, unused, exposure_s=60.0)
    rate = write_image(counts(planes, 25 + 2.5 * np.log10(60)), BUNIT=None, MAGZPT=25.0)
    reads(rate, planes, "60 s (as stated)", exposure_s=60.0)


def test_maggies_by_their_zero_point(planes, write_image):
    reads(write_image(1e-9 * planes, BUNIT=None, ZEROPNT=0.0), planes)
    with pytest.raises(InputError, match=r"not understood \(card ZEROPNT"):
        read_image(write_image(counts(planes, 25), BUNIT=None, ZEROPNT=0.0))


@pytest.mark.parametrize("cards", [{"BUNIT": "nanomaggy"}, {"MAGZERO": 30.0}, {"BUNIT": "mag"}, {}])
def test_a_stated_zero_point_counts(cards, planes, write_image):
    data = write_image(counts(planes, 25), **{"BUNIT": None, **cards})
    reads(data, planes, "as stated", zero_point=25.0)
    total = write_image(counts(planes, 25 + 2.5 * np.log10(60)), **{"BUNIT": None, **cards})
    reads(total, planes, "for one second of 60 s", zero_point=25.0, exposure_s=60.0)


def test_a_stated_exposure_counts(planes, write_image):
    data = write_image(
        counts(planes, 25 + 2.5 * np.log10(60)), BUNIT="adu", MAGZPT=25.0, EXPTIME=1.0
    )
    reads(data, planes, "60 s (as stated)", exposure_s=60.0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"zero_point": 99.0}, "zero point is 99"),
        ({"zero_point": {"z": 25.0}}, "are given for z"),
        ({"zero_point": np.nan}, "zero point is nan"),
        ({"exposure_s": 0.0}, "exposure time is 0"),
    ],
)
def test_options_out_of_range(options, match, cube):
    with pytest.raises(OptionError, match=match):
        read_image(cube, **options)


@pytest.mark.parametrize(
    ("unit", "nanomaggies"),
    [
        ("maggies", 1e9),
        ("mgy", 1e9),
        ("1e-9 maggy", 1.0),
        ("JY/PIXEL", 1 / 3.631e-6),
        ("Jansky", 1 / 3.631e-6),
        ("mJy", 1e-3 / 3.631e-6),
        ("microJy", 1e-6 / 3.631e-6),
        ("UJY", 1e-6 / 3.631e-6),
        ("nanoJansky", 1e-9 / 3.631e-6),
        ("ergs/s/cm**2/Hz", 1e23 / 3.631e-6),
        ("ERG/S/CM^2/HZ", 1e23 / 3.631e-6),
        ("W m-2 Hz-1", 1e26 / 3.631e-6),
        ("MJY/SR", 23.5044e-6 / 3.631e-6 * 0.396**2),
        ("nanomaggies per square arcsec", 0.396**2),
    ],
)
def test_spellings_of_units(unit, nanomaggies, planes, write_image):
    reads(write_image(planes / nanomaggies, BUNIT=unit), planes)


@pytest.mark.parametrize(
    ("cards", "match"),
    [
        ({"MAGZERO": "unknown"}, "card MAGZERO = 'unknown'"),
        ({"MAGZERO": -99.0}, "card MAGZERO"),
        ({"MYZPT": 25.0}, "card MYZPT"),
        ({"CALIB": (25.0, "photometric zero point")}, "card CALIB"),
        ({"MAGZP1": 25.0}, "card MAGZP1"),
        ({"PHOTMJSR": 0.1}, "card PHOTMJSR"),
        ({"MAGZERO": 30.0, "PHOTZP": 25.0}, r"25 \(card PHOTZP\) and 30 \(card MAGZERO\)"),
        ({"MAGZERO": 25.0, "MAGSYS": "VEGA"}, r"Vega magnitudes \(card MAGZERO\)"),
        ({"MAGZPT": (25.0, "Vega zero point")}, r"Vega magnitudes \(card MAGZPT\)"),
        ({"EXPTIME": 60.0}, "card EXPTIME"),
        ({"GAIN": 2.0}, "card GAIN"),
        ({"INSTRUME": "WFC"}, "card INSTRUME"),
        ({"SWCREATE": "a stacking program"}, "card SWCREATE"),
        ({"BUNIT": "MJY"}, "'MJY'"),  # mega or milli
        ({"BUNITS": "ADUs"}, r"'ADUs' \(card BUNITS\)"),
        ({"BUNIT": "mag", "MAGZERO": 25.0}, "'mag'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(cards, match, planes, write_image):
    with pytest.raises(InputError, match=match):
        read_image(write_image(planes, **{"BUNIT": None, **cards}))


def test_legacy_surveys_give_nanomaggies(planes, write_image):
    cards = {"BUNIT": None, "SURVEY": "LegacySurvey", "INSTRUME": "DECam"}
    reads(write_image(planes, **cards), planes)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint16])
def test_whole_numbers_need_a_scale(dtype, planes, write_image):
    data = np.round(counts(planes, 30) + 500).astype(dtype)
    with pytest.raises(InputError, match="holds whole numbers"):
        read_image(write_image(data, BUNIT=None))
    flux = read_image(write_image(data, BUNIT=None, MAGZERO=30.0)).flux
    np.testing.assert_allclose(flux - flux[0, 0, 0], planes - planes[0, 0, 0], atol=2e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_types_of_64_bits(dtype, planes, write_image):
    data = counts(planes, 32).astype(dtype)
    reads(write_image(data, BUNIT=None, MAGZERO=32.0), planes)


@pytest.mark.parametrize(
    ("card", "value", "name"),
    [
        ("SURVEY", "LegacySurvey", "the DESI Legacy Surveys"),
        ("TILENAME", "DES0219-0541", "the Dark Energy Survey"),
        ("INSTRUME", "HSC", "HSC"),
        ("TELESCOP", "PS1", "Pan-STARRS"),
        ("INSTRUME", "MegaPrime", "CFHT's MegaCam"),
        ("TELESCOP", "Euclid", "Euclid"),
        ("TELESCOP", "Obscura 1", "'Obscura 1'"),
        ("TELESCOP", "2.5m", None),
        ("ORIGIN", "SDSS", None),
    ],
)
def test_surveys_are_named(card, value, name, planes, write_image):
    notes = read_image(write_image(planes, **{card: value})).notes
    told = [note for note in notes if "the model learnt from SDSS" in note]
    assert len(told) == (name is not None)
    if name is not None:
        assert told[0].startswith(f"The image is of {name} (card {card}")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("27.5 mag", 27.5),
        ("1.5D+03", 1500.0),
        ("x", None),
        (True, None),
        (None, None),
        ("1e9999", None),
    ],
)
def test_numbers_of_cards(value, number):
    assert read_number(value) == number


def test_unreadable_card_is_not_taken_for_silence(planes, write_image):
    data = write_image(planes, BUNIT=None, MAGZERO=25.0)
    broken = data.replace(b"MAGZERO =                 25.0", b"MAGZERO =              25.0.1x", 1)
    assert broken != data
    with pytest.raises(InputError, match="card MAGZERO"):
        read_image(broken)


def test_zero_point_in_the_primary_header(planes, sky_header, write_file):
    units = [
        fits.ImageHDU(counts(p, 27).astype(np.float32), sky_header(BUNIT=None), name=b)
        for b, p in zip("gri", planes, strict=True)
    ]
    reads(write_file(fits.PrimaryHDU(header=fits.Header({"MAGZERO": 27.0})), *units), planes)


def test_a_stated_exposure_does_not_count_for_rates(planes, write_image):
    path = write_image(counts(planes, 25), BUNIT="electron/s")
    pixels = read_image(path, zero_point=25.0, exposure_s=1000.0)
    np.testing.assert_allclose(pixels.flux, planes, rtol=1e-3)
    assert any("per second" in note for note in pixels.notes)


def test_a_zero_point_of_a_rate_needs_the_time(planes, write_image):
    with pytest.raises(InputError, match=r"MAGZPT.*no card EXPTIME"):
        read_image(write_image(counts(planes, 25), BUNIT="adu", MAGZPT=25.0))
