"""The table of a list of targets in brief."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from astropy.table import Column, Table, vstack

from galexplorer.api.brief_table import brief_table, is_brief
from galexplorer.export.tables import written_bytes
from galexplorer.export.target_tables import summary_table
from galexplorer.query.target_list import Target, read_targets
from galexplorer.records.photometry import Photometry
from galexplorer.records.result import Result
from galexplorer.runs.target_run import Outcome
from galexplorer.schema import TARGET_NAMES
from galexplorer.tables import read_raw
from galexplorer.tables.cells import numbers_of, texts_of


@pytest.fixture
def result(galaxies) -> Result:
    return replace(galaxies[1][1], photometry=Photometry("catalogue", {"g": 17.5, "r": 16.75}))


@pytest.fixture
def table(galaxies, result) -> Table:
    return summary_table(
        [
            Outcome(Target("NGC 1", "NGC 1"), result, ra=162.18, dec=26.05),
            Outcome(Target("mine", "10.5 -20.25"), problem="There is nothing."),
            Outcome(Target("star", ""), galaxies[0][1]),
        ]
    )


AWKWARD = ("#1", "a\rb", "a\r\nb", "--", "(3 rows)", 'x, "y"', "=1+1", "a\u2028b", "-3.5")
"""Names that a reader could take for a remark, a line's end, a rule, or a formula."""


def test_it_has_what_is_looked_at_first(table, result):
    brief = brief_table(table)
    assert len(brief.colnames) == 15 + 3 * len(TARGET_NAMES)
    assert brief["r_used"][0] == result.photometry.magnitudes["r"]
    likeliest = max(result.bpt, key=result.bpt.__getitem__)
    assert list(brief["bpt_class"]) == [likeliest, "", ""]
    assert brief["p_bpt_class"][0] == pytest.approx(result.bpt[likeliest], abs=0.0005)
    assert brief["redshift_p50"][0] == pytest.approx(table["redshift_p50"][0], abs=0.00005)
    cells = written_bytes(brief, "csv").decode().splitlines()[1].split(",")
    assert max(len(cell) for cell in cells if cell.lstrip("-").replace(".", "").isdigit()) <= 10
    assert np.isnan(brief["p_bpt_class"][1:]).all()
    for name in brief.colnames:
        assert brief[name].info.description, name
    assert brief["r_used"].unit == "mag"
    assert brief.meta == table.meta
    assert is_brief(brief)
    assert not is_brief(table)


def test_a_target_that_failed_has_the_position_of_the_list(table):
    assert (table["ra"][1], table["dec"][1]) == (10.5, -20.25)


@pytest.mark.parametrize("missing", ["r_used", "verdict", "notes"])
def test_a_table_that_an_earlier_version_wrote_has_one(table, missing):
    table.remove_column(missing)
    assert missing not in brief_table(table).colnames


@pytest.mark.parametrize("make", [brief_table, Table])
@pytest.mark.parametrize("format", ["csv", "ecsv", "parquet", "votable"])
def test_a_table_given_back_as_a_list_names_targets_and_gives_no_magnitudes(table, make, format):
    """The magnitude that was used is one of five: alone it would be taken for all there is."""
    again = read_targets(written_bytes(make(table), format)).targets
    assert [target.label for target in again] == ["NGC 1", "mine", "star"]
    assert [target.photometry for target in again] == [None, None, None]
    assert [target.redshift for target in again] == [None, None, None]


@pytest.mark.parametrize("make", [brief_table, Table])
def test_no_csv_spells_what_is_missing(table, make):
    """Neither ours nor the readers of others need the word: an empty cell is missing for all."""
    named = [Outcome(Target(name, ""), problem=f"No {name}.") for name in AWKWARD]
    expected = make(vstack([table, summary_table(named)], metadata_conflicts="silent"))
    content = written_bytes(expected, "csv")
    assert b",nan" not in content.lower()
    own = read_raw(content).table
    frame = pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""])
    astropys = Table.read(content.decode(), format="ascii.csv")
    assert len(own) == len(frame) == len(astropys) == len(expected)
    for name in expected.colnames:
        if expected[name].dtype.kind != "f":
            texts = texts_of(expected[name]).tolist()
            assert texts_of(own[name]).tolist() == texts, name
            assert texts_of(Column(frame[name])).tolist() == texts, name
            # astropy's makes one kind of all line ends
            plain = [" ".join(text.split()) for text in texts]
            assert [" ".join(text.split()) for text in texts_of(astropys[name])] == plain, name
            continue
        theirs = np.ma.filled(np.ma.asarray(astropys[name], float), np.nan)
        for values in (numbers_of(own[name], name, "")[0], frame[name], theirs):
            np.testing.assert_allclose(values, expected[name], rtol=1e-6, err_msg=name)


def test_csv_of_a_single_column_has_every_row():
    names = ["", *AWKWARD, "plain"]
    content = written_bytes(Table({"target": names}), "csv")
    assert texts_of(read_raw(content).table["target"]).tolist() == names
    assert len(pd.read_csv(io.BytesIO(content))) == len(names)
    assert len(Table.read(content.decode(), format="ascii.csv")) == len(names)
