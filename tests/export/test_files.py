"""Every format of a result, and what each of them carries."""

import json
from typing import get_args

import pytest

from galexplorer.commands.infer import SUFFIXES, Format
from galexplorer.errors import OptionError
from galexplorer.export.files import FORMATS, result_bytes, write_result
from galexplorer.schema import SUMMARY_STATISTICS, TARGET_NAMES


def test_the_command_line_knows_every_format():
    assert set(get_args(Format)) == set(FORMATS) == set(SUFFIXES.values())
    assert {FORMATS[name].suffix for name in FORMATS} <= set(SUFFIXES)


def test_json_is_the_summary_object(result, tmp_path):
    path = tmp_path / "summary.json"
    write_result(result, path)
    content = json.loads(path.read_bytes())
    assert {"posterior", "bpt", "neighbours", "domain", "provenance"} <= set(content)
    assert set(content["posterior"]) == set(TARGET_NAMES)
    assert all(set(v) == set(SUMMARY_STATISTICS) for v in content["posterior"].values())
    assert content["provenance"]["draws"] == 200


@pytest.mark.parametrize("format", FORMATS)
def test_same_result_same_bytes(result, format):
    assert result_bytes(result, format, "NGC 5332") == result_bytes(result, format, "NGC 5332")


@pytest.mark.parametrize("format", FORMATS)
def test_the_suffix_tells_the_format(result, format, tmp_path):
    path = tmp_path / f"galaxy{FORMATS[format].suffix}"
    write_result(result, path)
    assert path.read_bytes() == result_bytes(result, format)


def test_format_wins_over_suffix(result, tmp_path):
    path = tmp_path / "answer.txt"
    write_result(result, path, format="json")
    assert json.loads(path.read_text())["bpt"] == result.bpt


def test_unknown_formats_are_refused(result, tmp_path):
    with pytest.raises(OptionError, match=r"Unknown format 'csv': choose one of json, latex, ecsv"):
        write_result(result, tmp_path / "draws.csv")


def test_a_place_that_cannot_be_written_is_named(result, tmp_path):
    with pytest.raises(OptionError, match=r"Cannot write .*No such file.*choose another place"):
        write_result(result, tmp_path / "missing" / "draws.ecsv")
