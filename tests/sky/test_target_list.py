"""Lists of targets: what is read from them, and what becomes of each row."""

import gzip
import io

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.errors import InputError
from galexplorer.inference.target_run import infer_target
from galexplorer.sky.target_list import MAX_BYTES, MAX_TARGETS, Target, read_targets


def read(text: str, name: str = "list.txt"):
    return read_targets(text.encode(), name).targets


@pytest.mark.parametrize(
    ("line", "text", "redshift"),
    [
        ("NGC 5332", "NGC 5332", None),
        ("NGC 5332, 0.0223", "NGC 5332", 0.0223),
        ("NGC 5332\t0.0223", "NGC 5332", 0.0223),
        ("Haro 25 z=0.0258", "Haro 25", 0.0258),
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
        ("M 51", None),
    ]
    assert "redshift 9 is not between 0 and 0.35" in found[2].notes[0]


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
        ("\n".join(f"NGC {k}" for k in range(MAX_TARGETS + 1)).encode(), "501 targets, and 500"),
        (b"name,z\nA,0.02\nB,0.1\n", "rename the column to redshift"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><VOTABLE/>', "XML entities"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(content, words):
    with pytest.raises(InputError, match=words) as caught:
        read_targets(content, "list.txt")
    assert "/" not in str(caught.value).replace("N/A", "")


class Lazy:
    """An engine that must not be loaded."""

    def __call__(self):
        raise AssertionError("loaded for a target that has no pixels")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no such galaxy", "No object is known by the name"),
        ("10:99:00 +20:00:00", "minutes or seconds of 60 or more"),
        ("far", "redshift 0.410"),
        ("", "neither a name nor a position nor a magnitude"),
    ],
)
def test_a_bad_target_is_an_outcome(replay, settings, text, words):
    outcome = infer_target(Target("row", text), Lazy(), settings=settings)
    assert outcome.result is None
    assert words in outcome.problem


def test_a_good_target_has_values_and_their_origins(replay, settings, weights_dir):
    from galexplorer.inference.engine import Engine

    engine = Engine.load(weights_dir)
    said = []
    outcome = infer_target(
        Target("haro 25", "haro 25", 0.0258),
        lambda: engine,
        draws=200,
        progress=said.append,
        settings=settings,
    )
    assert not outcome.problem
    assert (outcome.ra, outcome.dec) == pytest.approx((162.18416, 26.05369), abs=1e-3)
    assert outcome.result.posterior.fixed == ("redshift",)
    assert outcome.result.known["redshift"] == 0.0258
    assert {"pixels", "photometry"} <= set(outcome.result.origins)
    assert outcome.result.view is not None
    assert outcome.slim().result.view is None  # hundreds of them must fit in memory
    assert outcome.slim().result.posterior is outcome.result.posterior
    assert said[-1] == "inferring"
