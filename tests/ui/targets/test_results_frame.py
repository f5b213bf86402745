"""The rows of a list's table: what is said of each target, in which order, and what is shown."""

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.export.target_tables import summary_table
from galexplorer.query.parse import parse_target
from galexplorer.query.target_list import Target
from galexplorer.runs.target_run import Outcome
from galexplorer.ui.targets.remarks import is_routine, remarks_of
from galexplorer.ui.targets.results_frame import (
    LIST_ORDER,
    count_words,
    filter_frame,
    put_first,
    results_frame,
    sort_frame,
)

TARGETS = (
    Target("NGC 5332", "NGC 5332"),
    Target("NGC 5332", "NGC 5332", 0.0258),
    Target("far", "far", notes=("Taken as missing: g (unreadable).",)),
    Target("mine", "162.184160 -26.053690"),
    Target("later", "later"),
)


@pytest.fixture
def table() -> Table:
    """All but the last of them, the third of which failed."""
    problems = ["", "", "far has redshift 0.410.", ""]
    table = summary_table(
        [Outcome(target, problem=words) for target, words in zip(TARGETS, problems, strict=False)]
    )
    table["redshift_p2_5"], table["redshift_p16"] = [0.01, 0.0258, np.nan, 0.05], 0.02
    table["redshift_p50"] = [0.03, 0.0258, np.nan, 0.06]
    table["redshift_p97_5"], table["redshift_p84"] = [0.05, 0.0258, np.nan, 0.08], 0.04
    table["known_redshift"] = [0.07, 0.07, np.nan, 0.055]
    table["r_used"] = [12.5, 12.5, np.nan, 17.0]
    table["verdict"] = ["caution", "fine", "", "fine"]
    table["verdict_reasons"] = ["It is probably a star.", "", "", ""]
    notes = (
        "NGC 5332: read as the name NGC 5332. The galaxy lies at RA 1.00000°, Dec -2.50000°. "
        "Pixels: SDSS DR17 frames, sky-subtracted nanomaggies. g, i and joined fields resampled. "
        "35% of the cutout lies beyond the frames. SDSS's zWarning is 4: see its flags."
    )
    table["notes"] = [notes, "", "", ""]
    return table


def make(table: Table | None):
    return results_frame(TARGETS, table, remarks_of(TARGETS, table))


def test_remarks_hold_every_caveat_and_what_is_routine_last(table):
    first, fixed, failed, _, waiting = remarks_of(TARGETS, table)
    assert first == (
        "The known redshift, 0.0700, lies outside the 95% interval, 0.0100 to 0.0500.",
        "It is probably a star.",
        "g, i and joined fields resampled.",
        "35% of the cutout lies beyond the frames.",
        "SDSS's zWarning is 4: see its flags.",
        "NGC 5332: read as the name NGC 5332.",
        "The galaxy lies at RA 1.00000°, Dec -2.50000°.",
        "Pixels: SDSS DR17 frames, sky-subtracted nanomaggies.",
    )
    assert fixed == ("Redshift held fixed.",)
    assert failed == ("far has redshift 0.410.", "Taken as missing: g (unreadable).")
    assert waiting == ()
    cell = make(table)["Remarks"][0]
    assert cell == " ".join(first[:5])  # the position has columns of its own


def remarks_on(table: Table, notes: str, target: Target, reasons: str = "") -> tuple[str, ...]:
    """Return the remarks on a target of which a table has these notes."""
    table = table[:1]
    table["notes"], table["verdict_reasons"], table["known_redshift"] = [notes], [reasons], np.nan
    return remarks_of((target,), table)[0]


@pytest.mark.parametrize(
    "text", ["St. John's field", "A. B. Name", "NGC 1. Or 2?", "dwarf: read as"]
)
def test_a_name_with_full_stops_stays_whole(table, text):
    target = Target(text, text, notes=("Taken as missing: g (unreadable). It is odd.",))
    reading = f"{text}: {parse_target(text).echo}."
    place = "The galaxy lies at RA 1.00000°, Dec -2.50000°."
    notes = " ".join(
        (*target.notes, reading, place, "See Sect. 3 of Smith et al. 2017. It is faint.")
    )
    said = remarks_on(table, notes, target)
    assert said == (
        *target.notes,
        "See Sect. 3 of Smith et al. 2017.",
        "It is faint.",
        reading,
        place,
    )
    assert [is_routine(remark) for remark in said] == [False, False, False, True, True]


@pytest.mark.parametrize(
    "text", ["10:48:44.2 +26:03:13", "J104844.20+260313.2", "1237667442439127142"]
)
def test_every_reading_is_routine(table, text):
    reading = f"{parse_target(text).text}: {parse_target(text).echo}."
    assert is_routine(reading)
    notes = f"{reading} The galaxy lies at RA 162.18417°, Dec +26.05361°. r is 23.0, too faint."
    said = remarks_on(table, notes, Target(text, text))
    assert (said[0], said[1]) == ("r is 23.0, too faint.", reading)


@pytest.mark.parametrize(
    "remark",
    [
        "The sky: read as zero, so its brightness is wrong.",
        "The galaxy lies at RA 1.00000°, Dec -2.50000°, beyond the frame.",
        "Pixels: SDSS DR17 frames, half of which are blank.",
    ],
)
def test_what_only_resembles_a_routine_remark_is_shown(table, remark):
    assert not is_routine(remark)
    assert remarks_on(table, remark, TARGETS[0]) == (remark,)


def test_reasons_begin_with_a_band_too(table):
    said = remarks_on(
        table,
        "",
        TARGETS[0],
        "Its units do not go together. r is 23.0, too faint. Both differ. (g = 17.1, 15.0)",
    )
    assert said == (
        "Its units do not go together.",
        "r is 23.0, too faint.",
        "Both differ. (g = 17.1, 15.0)",
    )


def test_a_table_of_an_earlier_version_has_remarks(table):
    table.remove_columns(["problem", "verdict_reasons", "notes"])
    first, fixed, *_ = remarks_of(TARGETS, table)
    assert len(first) == 1
    assert "outside the 95% interval" in first[0]
    assert fixed == ("Redshift held fixed.",)


def test_rows_that_wait_show_what_the_list_states():
    waiting = Target("a", "162.184160 -26.053690", known_redshift=0.0258)
    frame = results_frame((waiting,), None, remarks_of((waiting,), None))
    assert frame[["RA", "Dec", "Known z"]].to_numpy().tolist() == [[162.18416, -26.05369, 0.0258]]


def test_rows_tell_redshifts_apart(table):
    frame = make(table)
    assert list(frame["Target"][:2]) == ["NGC 5332", "NGC 5332 (z = 0.0258 fixed)"]
    assert frame["Δz / (1 + z)"][0] == pytest.approx((0.03 - 0.07) / 1.07)
    assert np.isnan(frame["Δz / (1 + z)"][1])
    assert np.isnan(frame["± z"][1])
    columns = list(frame.columns)
    assert columns[columns.index("Verdict") + 1] == "Remarks"
    place = columns.index("z")
    assert columns[place : place + 4] == ["z", "± z", "Known z", "Δz / (1 + z)"]


def test_positions_are_those_found_or_those_of_the_list(table):
    table["ra"][0], table["dec"][0] = 209.0, 16.97
    for of, r in ((make(table), 12.5), (make(None), np.nan)):
        assert (of["RA"][3], of["Dec"][3]) == (162.18416, -26.05369)
        assert of["r"][0] == pytest.approx(r, nan_ok=True)
    assert make(table)["RA"][0] == 209.0
    assert np.isnan(make(table)["RA"][2])


def test_a_list_that_an_earlier_version_began_has_no_magnitude(table):
    table.remove_column("r_used")
    assert make(table)["r"].isna().all()


def test_rows_are_filtered_by_words_and_state(table):
    assert list(make(None)["State"]) == ["Waiting"] * 5
    assert count_words(None, 5) == "0 of 5 done"
    assert count_words(table, 5) == "3 of 5 done, 1 failed"
    frame = make(table)
    assert list(frame["State"]) == ["Done", "Done", "Failed", "Done", "Waiting"]
    assert list(filter_frame(frame, "BEYOND THE FRAMES", "All").index) == [0]
    assert filter_frame(frame, "(1", "All").empty  # words, not a pattern
    assert list(filter_frame(frame, "", "Failed").index) == [2]


def test_missing_values_are_last_in_either_direction(table):
    frame = make(table)
    assert list(sort_frame(frame, "z", descending=False).index) == [1, 0, 3, 2, 4]
    assert list(sort_frame(frame, "z", descending=True).index) == [3, 0, 1, 2, 4]
    # by what it means, not by the alphabet, and without one: last
    assert list(sort_frame(frame, "Verdict", descending=False).index) == [1, 3, 0, 2, 4]
    assert list(sort_frame(frame, "Verdict", descending=True).index) == [0, 1, 3, 2, 4]
    assert list(sort_frame(frame, "Target", descending=False).index) == [2, 4, 3, 0, 1]
    assert list(sort_frame(frame, LIST_ORDER, descending=False).index) == [0, 1, 2, 3, 4]
    found = filter_frame(sort_frame(frame, "z", descending=True), "n", "Done")
    assert list(found.index) == [3, 0, 1]


def test_what_rows_are_sorted_by_stands_beside_the_name(table):
    frame = make(table)
    shown = list(put_first(frame, "log F Hα").columns)
    assert shown[:4] == ["Target", "log F Hα", "± log F Hα", "State"]
    assert sorted(shown) == sorted(frame.columns)
    assert list(put_first(frame, "RA").columns)[:3] == ["Target", "RA", "State"]
    for column in (LIST_ORDER, "Target"):
        assert list(put_first(frame, column).columns) == list(frame.columns)
