"""Lists of targets: what is read from them, and what becomes of each row."""

import gzip
import io
import sys

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.errors import InputError
from galexplorer.query.target_list import MAX_BYTES, MAX_TARGETS, read_targets


def read(text: str, name: str = "list.txt"):
    return read_targets(text.encode(), name).targets


@pytest.mark.parametrize(
    ("line", "text", "redshift"),
    [
        ("NGC 5332", "NGC 5332", None),
        ("NGC 5332, 0.0223", "NGC 5332", 0.0223),
        ("NGC 5332\t0.0223", "NGC 5332", 0.0223),
        ("Haro 25 z=0.0258", "Haro 25", 0.0258),
        ("Haro 25, z=0.0258", "Haro 25", 0.0258),
        ("NGC 5332, redshift 0.0223", "NGC 5332", 0.0223),
        ("162.184 +26.054", "162.184 +26.054", None),
        ("162.184, 26.054", "162.184, 26.054", None),
        ("162.184, 26.054, 0.0258", "162.184, 26.054", 0.0258),
        ("162.184 +26.054, 0.0258", "162.184 +26.054", 0.0258),
        ("0.2, 0.1", "0.2, 0.1", None),  # a position on the equator, no redshift
        ("10:48:44.2, +26:03:13", "10:48:44.2, +26:03:13", None),
        ("SDSS J104844.20+260313.2, 0.0258", "SDSS J104844.20+260313.2", 0.0258),
        ("1237667430639665185, 0.02", "1237667430639665185", 0.02),
        ("NGC 5332, 7", "NGC 5332, 7", None),  # no redshift: left for the reader to refuse
    ],
)
def test_lines(line, text, redshift):
    (target,) = read(line)
    assert (target.text, target.redshift) == (text, redshift)


def test_blank_lines_and_remarks_are_skipped_and_repeats_are_said():
    found = read_targets(b"# my list\n\nNGC 5332\n  \nNGC 5332\r\nHaro 25\n")
    assert [target.text for target in found.targets] == ["NGC 5332", "Haro 25"]
    assert found.notes == ("1 repeated target was left out.",)


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_pasted_table_needs_its_header_only(mark):
    rows = [["Target", "Redshift"], ["NGC 5332", "0.0223"], ["Haro 25", ""], ["M 51", "9"]]
    found = read("\n".join(mark.join(row) for row in rows))
    assert [(t.text, t.redshift) for t in found] == [
        ("NGC 5332", 0.0223),
        ("Haro 25", None),
        ("M 51", 9.0),
    ]


@pytest.mark.parametrize(
    ("format", "suffix"),
    [("ascii.csv", "csv"), ("ascii.ecsv", "ecsv"), ("fits", "fits"), ("votable", "vot")],
)
def test_tables_of_positions(format, suffix, tmp_path):
    path = tmp_path / f"list.{suffix}"
    table = Table({"ra": [162.18416, 10.0], "dec": [26.05369, -0.5], "id": ["haro", "b"]})
    table.write(path, format=format)
    found = read_targets(path.read_bytes(), path.name).targets
    assert [target.text for target in found] == ["162.184160 +26.053690", "10.000000 -0.500000"]
    assert [target.label for target in found] == ["haro", "b"]
    packed = read_targets(gzip.compress(path.read_bytes()), f"{path.name}.gz").targets
    assert packed == found


def test_objids_keep_every_digit():
    table = Table({"objID": np.array([1237667430639665185])})
    buffer = io.BytesIO()
    table.write(buffer, format="fits")
    (target,) = read_targets(buffer.getvalue(), "list.fits").targets
    assert target.text == "1237667430639665185"


def test_magnitudes_come_with_their_rows():
    first, second, third = read(
        "id,ra,dec,g,r,err_r,petro_r50\nA,162.1,26,17.4,16.8,0.02,3\nB,,,,16.5,,\nC,1,2,99,99,,\n"
    )
    assert first.photometry.magnitudes == {"g": 17.4, "r": 16.8}
    assert first.photometry.errors == {"r": 0.02}
    assert first.photometry.petro_r50 == 3.0
    assert first.text == "162.100000 +26.000000"
    assert (second.text, second.photometry.magnitudes) == ("", {"r": 16.5})
    assert third.photometry is None  # 99 means none


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no targets"),
        (b"# nothing\n\n", "holds no targets"),
        (b"x" * (MAX_BYTES + 1), "larger than 5 MB"),
        (b"target\n", "holds no targets"),
        (b"\0\1\2", "damaged|not text|no known|not what"),
        (b"SIMPLE  =                    T", "cannot be read|cut short"),
        (
            "\n".join(f"NGC {k}" for k in range(MAX_TARGETS + 1)).encode(),
            "501 targets, but at most 500",
        ),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><VOTABLE/>', "XML entities"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(content, words):
    with pytest.raises(InputError, match=words) as caught:
        read_targets(content, "list.txt")
    assert "/" not in str(caught.value).replace("N/A", "")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"ra": [-47.8522], "dec": [-5.7111]}, "312.147800 -5.711100"),
        ({"RAJ2000": ["10:48:44.2"], "DEJ2000": ["+26:03:13"]}, "162.184167 +26.053611"),
        ({"objid": [1237667430639665185]}, "1237667430639665185"),
    ],
)
def test_tables_in_memory(table, text):
    assert [target.text for target in read_targets(Table(table)).targets] == [text]
    assert [target.text for target in read_targets(Table(table).to_pandas()).targets] == [text]


def test_units_of_positions_are_believed():
    table = Table({"ra": [2.83064], "dec": [0.454723]})
    table["ra"].unit = table["dec"].unit = "rad"
    (target,) = read_targets(table).targets
    assert target.text == "162.183725 +26.053709"


def test_columns_can_be_stated():
    table = Table({"a": [10.0], "b": [20.0], "v": [0.02]})
    stated = {"ra": "a", "dec": "b", "redshift": "v"}
    (target,) = read_targets(table, columns=stated).targets
    assert (target.text, target.redshift) == ("10.000000 +20.000000", 0.02)


def test_lists_of_spaces_and_lists_in_utf16():
    assert [t.text for t in read("name redshift\nM31 0.001\nM33 0.0006\n")] == ["M31", "M33"]
    (target,) = read_targets("NGC 5332, 0.0223".encode("utf-16")).targets
    assert (target.text, target.redshift) == ("NGC 5332", 0.0223)
    assert [t.text for t in read("# ra dec\n10.5 -3\n11 4\n")] == [
        "10.500000 -3.000000",
        "11.000000 +4.000000",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"objid\n1.23767E+18\n1.23767E+18\n", "column objid of list.csv holds 64-bit identi"),
        (b"specobjid,ra\n299489676975171584,1\n", "specobjid names spectra, not galaxies"),
        (b"target;ra;dec\nA;162,18;26,05\n", "column ra of list.csv has decimal commas"),
    ],
)
def test_more_of_what_is_no_list(content, words):
    with pytest.raises(InputError, match=words):
        read_targets(content, "list.csv")


def test_a_table_from_the_standard_input(monkeypatch, tmp_path):
    Table({"ra": [10.0], "dec": [20.0]}).write(tmp_path / "t.fits")
    whole = (tmp_path / "t.fits").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(whole)))
    assert [target.text for target in read_targets("-").targets] == ["10.000000 +20.000000"]
    assert len(read_targets(tmp_path / "t.fits").targets) == 1
    with pytest.raises(InputError, match="does not exist"):
        read_targets(tmp_path / "none.txt", "none.txt")


def test_a_list_opens_no_image_files(tmp_path, monkeypatch):
    """It may be an upload, whose author may not read the files of this machine."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.fits").write_bytes(b"SIMPLE")
    content = b"name,g,r,i,image\nA,17.6,16.8,16.4,secret.fits\n"
    found = read_targets(content, "list.csv")
    assert [target.label for target in found.targets] == ["A"]
    assert any("image left out" in note for note in found.notes)
    alone = read_targets(b"name,image_g\nA,/etc/hostname\n", "list.csv")
    assert alone.targets[0].photometry is None


def test_a_list_takes_columns_by_other_names():
    found = read_targets(b"who,mr\nA,16.8\n", "list.csv", columns={"name": "who", "r": "mr"})
    assert found.targets[0].label == "A"
    assert found.targets[0].photometry.magnitudes == {"r": 16.8}


def test_a_known_redshift_is_kept_and_neither_fixed_nor_a_prior():
    rows = [
        "name,ra,dec,known_redshift",
        "J1,162.184,+26.054,0.0258",
        "J2,150,2,",
        "J3,151,2,-9999",
    ]
    found = read("\n".join(rows))
    assert [t.label for t in found] == ["J1", "J2", "J3"]
    assert [t.known_redshift for t in found] == [0.0258, None, None]
    assert {(t.redshift, t.redshift_range, t.redshift_prior) for t in found} == {(None,) * 3}
    assert found[0].text == "162.184000 +26.054000"


@pytest.mark.parametrize(
    ("cell", "flag"),
    [
        *(("none so", "unreadable"), ("7.5", "out of range"), ("-0.3", "out of range")),
        *(("inf", "unreadable"), ("-9999", ""), ("-1", ""), ("", "")),
    ],
)
def test_a_known_redshift_that_does_not_count_is_told(cell, flag):
    found = read_targets(f"name,known_redshift\nNGC 1,{cell}\nNGC 2,0.02\n".encode())
    assert [target.known_redshift for target in found.targets] == [None, 0.02]
    words = (f"Taken as missing: known_redshift ({flag}).",) if flag else ()
    assert [target.notes for target in found.targets] == [words, ()]


def test_a_known_redshift_is_told_beside_what_else_is_missing():
    target = read_targets(b"id,g,r,known_redshift\nA,none so,17,far\n").targets[0]
    assert target.notes == ("Taken as missing: g (unreadable), known_redshift (unreadable).",)


def test_a_magnitude_that_a_row_lacks_is_told():
    """Sentinels of archives are no magnitudes; with two bands a list's values mean less."""
    rows = "name,ra,dec,g,r\nA,10,20,17,16.5\nB,400.1,20,17,-9999\nC,11,20,17,99\nD,12,20,,\n"
    notes = [target.notes for target in read_targets(rows.encode()).targets]
    assert notes[0] == ()
    assert notes[1] == ("Taken as missing: ra (out of range), r (no value).",)
    assert notes[2] == ("Taken as missing: r (no value).",)
    assert notes[3] == ()  # it is looked up


def test_a_known_redshift_makes_no_second_target():
    found = read_targets(b"name,known_redshift\nNGC 1,0.1\nNGC 1,\n")
    assert [target.known_redshift for target in found.targets] == [0.1]
