"""Every spelling of a target, against positions that astropy computes from plain numbers."""

import contextlib

import pytest
from astropy.coordinates import SkyCoord

from galexplorer.errors import TargetError
from galexplorer.objids import decode_objid
from galexplorer.query.parse import parse_target

HMS = SkyCoord("10h48m44.2s", "26d3m13s")
HMS_2 = SkyCoord("10h48m44.2s", "26d3m13.2s")
IAU = SkyCoord("10h48m44.20s", "26d3m13.2s")
DEG = SkyCoord(162.184, 26.054, unit="deg")
SOUTH = SkyCoord(162.184, -26.054, unit="deg")
NEAR_EQUATOR = SkyCoord("0h0m12.5s", "-0d30m0s")
DMS = SkyCoord("162d11m3s", "26d3m13s")
M31 = SkyCoord(10.68, 41.27, unit="deg")

SPELLINGS = [
    ("162.184 +26.054", DEG),
    ("162.184 26.054", DEG),
    ("162.184,26.054", DEG),
    ("162.184, 26.054", DEG),
    ("162.184 , +26.054", DEG),
    ("162.184;26.054", DEG),
    ("162.184/26.054", DEG),
    ("162.184\t26.054\n", DEG),
    ("162.184+26.054", DEG),
    ("+162.184 +26.054", DEG),
    ("0162.1840 026.0540", DEG),
    ("(162.184, 26.054)", DEG),
    ("[162.184 26.054]", DEG),
    ("162.184d 26.054d", DEG),
    ("162.184° +26.054°", DEG),
    ("162.184º, 26.054º", DEG),
    ("162.184deg 26.054deg", DEG),
    ("162.184 degrees, 26.054 degrees", DEG),
    ("RA=162.184 Dec=+26.054", DEG),
    ("ra: 162.184, dec: 26.054", DEG),
    ("RA 162.184 DEC 26.054", DEG),
    ("R.A. = 162.184; Decl. = 26.054", DEG),
    ("Dec=26.054 RA=162.184", DEG),
    ("ra=162.184&dec=26.054", DEG),
    ("α = 162.184° δ = +26.054°", DEG),
    ("162.184 +26.054 (J2000)", DEG),
    ("ICRS 162.184 26.054", DEG),
    ("162.184\u00a0+26.054", DEG),
    ("\ufeff162.184\u2009\u200b26.054", DEG),
    ("１６２.１８４ ２６.０５４", DEG),
    ("10.8122666666666667h +26.054d", DEG),
    ("162.184 \u221226.054", SOUTH),
    ("162.184 \u201326.054", SOUTH),
    ("162.184, \u221226.054", SOUTH),
    ("162.184\u221226.054", SOUTH),
    ("162.184 - 26.054", SOUTH),
    ("10.68 +41.27", M31),
    ("10:48:44.2 +26:03:13", HMS),
    ("10:48:44.2, 26:03:13", HMS),
    ("10:48:44.2+26:03:13", HMS),
    ("10 48 44.2 +26 03 13", HMS),
    ("10 48 44.2 26 03 13", HMS),
    ("10 48 44.2, +26 03 13", HMS),
    ("10,48,44.2,+26,03,13", HMS),
    ("10h48m44.2s +26d03m13s", HMS),
    ("10h48m44.2s+26d03m13s", HMS),
    ("10h48m44.2s 26d03m13s", HMS),
    ("10h48m44.2s26d03m13s", HMS),
    ("10H48M44.2S +26D03M13S", HMS),
    ("10h 48m 44.2s +26d 03m 13s", HMS),
    ("10h 48m 44.2s, 26° 03′ 13″", HMS),
    ("10ʰ48ᵐ44.2ˢ +26°03′13″", HMS),
    ("10h48m44s.2 +26°03'13\"", HMS),
    ("10h48m44.2s +26°03’13.2”", HMS_2),
    ("10h48'44.2\" +26°03'13''", HMS),
    ("10hr48min44.2sec +26deg03arcmin13arcsec", HMS),
    ("RA 10:48:44.2 Dec +26:03:13", HMS),
    ("RA=10h48m44.2s, Dec=+26d03m13s", HMS),
    ("RA (J2000) 10:48:44.2 Dec (J2000) +26:03:13", HMS),
    ("J2000 10 48 44.2 +26 03 13", HMS),
    ("162d11m03s +26d03m13s", DMS),
    ("162°11'03\" +26°03'13\"", DMS),
    ("00:00:12.5 -00:30:00", NEAR_EQUATOR),
    ("0h0m12.5s \u22120d30m0s", NEAR_EQUATOR),
    ("J104844.20+260313.2", IAU),
    ("SDSS J104844.20+260313.2", IAU),
    ("SDSSJ104844.20+260313.2", IAU),
    ("sdss j104844.20+260313.2", IAU),
    ("SDSS J104844.20\u2212260313.2", SkyCoord(IAU.ra, -IAU.dec)),
    ("104844.20+260313.2", IAU),
    ("J10484420+2603132", IAU),
    ("360 0", SkyCoord(0, 0, unit="deg")),
    ("0 -90", SkyCoord(0, -90, unit="deg")),
]


@pytest.mark.parametrize(("text", "expected"), SPELLINGS, ids=[repr(s) for s, _ in SPELLINGS])
def test_positions(text, expected):
    reading = parse_target(text)
    assert reading.kind == "position"
    found = SkyCoord(reading.ra, reading.dec, unit="deg")
    assert found.separation(expected).arcsec < 1e-3


def test_the_reading_is_echoed():
    assert parse_target("162.184 +26.054").echo == "read as RA 162.18400°, Dec +26.05400°"
    assert parse_target("10.68 \u221241.27").echo == "read as RA 10.68000°, Dec -41.27000°"
    assert parse_target("NGC 5332").echo == "read as the name NGC 5332"


@pytest.mark.parametrize(
    ("text", "expected", "tolerance_arcsec"),
    [
        ("J104844.20+260313.2", IAU, 0.17),
        ("J104844+260313", SkyCoord("10h48m44s", "26d3m13s"), 13.5),
        ("J1048.7+2603", SkyCoord("10h48m42s", "26d3m0s"), 100.0),
    ],
)
def test_truncated_designations(text, expected, tolerance_arcsec):
    reading = parse_target(text)
    assert SkyCoord(reading.ra, reading.dec, unit="deg").separation(expected).arcsec < 1e-3
    assert reading.tolerance_arcsec == pytest.approx(tolerance_arcsec, rel=0.03)


@pytest.mark.parametrize(
    "text",
    [
        "NGC 5332",
        "M 101",
        "m101",
        "3C 273",
        "47 Tuc",
        "2MASX J10484420+2603132",
        "Haro 25",
        "hello",
        "UGC 5972",
        "Arp 220",
        "IC 10",
        "6dFGS gJ123456.7-123456",
        "Barnard's Galaxy",
        "ESO 97-G13",
        "MCG+05-26-012",
        "[HB89] 1821+643",
        "NGC\u00a05332",
        "RASSCALS 1",
        "Decoy 3",
    ],
)
def test_names(text):
    reading = parse_target(text)
    assert reading.kind == "name"
    assert reading.text == text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "text",
    [
        "1237653651835781245",
        "SDSS 1237653651835781245",
        "objID=1237653651835781245",
        "SDSS objID 1237653651835781245",
        " 1237653651835781245\n",
    ],
)
def test_objid(text):
    reading = parse_target(text)
    assert reading.kind == "objid"
    assert reading.objid == 1237653651835781245


def test_objid_decodes_to_its_field():
    # The example in SDSS's help on ObjIDs of DR8 and later, and in astroquery's documentation.
    field = decode_objid(1237653651835781245)
    assert (field.run, field.rerun, field.camcol, field.field) == (1904, 301, 3, 163)
    assert "run 1904, rerun 301, camcol 3, field 163" in parse_target("1237653651835781245").echo


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No target"),
        (" \u200b ", "No target"),
        ("x" * 300, "longer than"),
        ("???", "neither a name nor a position"),
        ("10.68 +91", "Dec of +91°"),
        ("10.68 -91", "Dec of -91°"),
        ("361 +10", "RA of 361°"),
        ("-190 +10", "RA of -190°"),
        ("25:00:00 +10:00:00", "beyond 24 hours"),
        ("162 11 03 +26 03 13", "beyond 24 hours"),
        ("10:60:00 +10:00:00", "60 or more"),
        ("10:00:00 +10:00:61", "60 or more"),
        ("10:00:00 +90:00:01", "must lie between"),
        ("162.184", "1 number"),
        ("10 48 44.2", "3 numbers"),
        ("1 2 3 4 5", "5 numbers"),
        ("162,184 26,054", "decimal commas"),
        ("162,184 +26,054", "decimal commas"),
        ("10,48 +41,27", "decimal commas"),
        ("10.5 48 44 +26 03 13", "decimal point before"),
        ("10 +20 -30", "too many signs"),
        ("10h48m +10h", "in hours"),
        ("RA=162.184", "one coordinate"),
        ("Dec 26.054", "one coordinate"),
        ("B1950 10 46 03 +26 19 00", "B1950"),
        ("10:46:03 +26:19:00 (B1950)", "B1950"),
        ("l=210.5 b=62.3", "galactic"),
        ("J1048+2603", "only to"),
        ("J106844.2+260313", "60 or more"),
        ("J254844.2+260313", "beyond 24 hours"),
        ("J104844.2+960313", "Dec of +96"),
        ("587726031714779292", "DR7 or earlier"),
        ("2634622337315530752", "is a specObjID"),
        ("123456789012345678", "no SDSS photometric objID"),
        ("10:48:44.2:5 +26:03:13", "cannot be read"),
        ("10d48h +26", "cannot be read"),
    ],
)
def test_refusals(text, words):
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    message = str(caught.value)
    assert words in message
    assert message.endswith((".", ")."))
    assert "\n" not in message


@pytest.mark.parametrize(
    "text", ["1e5 2e5", "+", ".", "1", "\x00", "h m s", "١٢ ٣٤", "²", "9" * 199]
)
def test_nonsense_is_read_or_refused_but_never_breaks(text):
    with contextlib.suppress(TargetError):
        parse_target(text)
