"""What the verdict forbids is marked in every file."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from astropy.io import fits
from astropy.table import Table

from galexplorer import export
from galexplorer.export.files import result_bytes
from galexplorer.export.page import page_bytes
from galexplorer.export.publication import publication_figure
from galexplorer.export.summary import SCHEMA_FILE
from galexplorer.export.target_tables import summary_table
from galexplorer.query.target_list import Target
from galexplorer.records.verdict import DO_NOT_USE, Verdict, reason
from galexplorer.runs.target_run import Outcome


@pytest.fixture
def unusable(result):
    return replace(result, verdict=Verdict((reason("star", DO_NOT_USE),), 0.01))


def test_latex_is_grey_and_has_no_class(unusable):
    text = result_bytes(unusable, "latex", "NGC 5332").decode()
    row = text.splitlines()[-1]
    assert row.startswith(r"NGC 5332$^\dagger$ & \textcolor{gray}{$0.0197$} & ")
    assert "Star-forming" not in row
    assert "% Verdict: It is probably a star." in text
    assert "Do not use" in text


def test_tables_say_so_in_every_column(unusable):
    table = Table.read(io.BytesIO(result_bytes(unusable, "ecsv")), format="ascii.ecsv")
    assert all(table[name].description.startswith("DO NOT USE (star)") for name in table.colnames)
    with fits.open(io.BytesIO(result_bytes(unusable, "fits"))) as hdus:
        kept = dict(zip(*(hdus["METADATA"].data.field(k) for k in (0, 1)), strict=True))
    assert json.loads(kept["verdict"])["usable"] is False


def test_json_keeps_to_the_schema(unusable):
    schema = json.loads((Path(export.__path__[0]) / SCHEMA_FILE).read_text())
    found = json.loads(result_bytes(unusable, "json"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["verdict"]["level"] == DO_NOT_USE
    assert [each["code"] for each in found["verdict"]["reasons"]] == ["star"]


def test_reports_have_no_headline_of_values(unusable, result):
    page = result_bytes(unusable, "html").decode()
    assert "<h1>It is probably a star.</h1>" in page
    assert " at z = " not in page
    assert re.search(r'<details class="unusable">.*<table', page, re.DOTALL)
    assert page_bytes(unusable, "png").startswith(b"\x89PNG")
    drawn = publication_figure(unusable, "bpt")
    assert "Do not use" in [text.get_text() for text in drawn.texts]
    assert "Do not use" not in [t.get_text() for t in publication_figure(result, "bpt").texts]


def test_lists_of_targets_have_the_verdict(unusable, result):
    table = summary_table([Outcome(Target("a", "a"), unusable), Outcome(Target("b", "b"), result)])
    assert list(table["verdict"]) == [DO_NOT_USE, "fine"]
    assert list(table["flag"]) == ["star", ""]
    assert table["p_galaxy"][0] == pytest.approx(0.01)
