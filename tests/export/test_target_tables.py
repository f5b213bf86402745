"""The table of a list of targets, and the draws of all."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import votable
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning

from galexplorer.export.provenance import CITATION
from galexplorer.export.target_tables import (
    SUMMARY_FORMATS,
    draws_bytes,
    summary_bytes,
    summary_table,
)
from galexplorer.query.target_list import Target
from galexplorer.runs.target_run import Outcome
from galexplorer.schema import TARGET_NAMES


@pytest.fixture
def outcomes(result):
    other = replace(result, known={}, origins={})
    return [
        Outcome(Target("Haro 25", "Haro 25", 0.0197), result, ra=162.18, dec=26.05),
        Outcome(Target('α, "β"', "x"), problem="No object is known by the name 'x'."),
        Outcome(Target("magnitudes", ""), other),
    ]


def read(content: bytes, format: str) -> Table:
    if format == "votable":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            return votable.parse_single_table(io.BytesIO(content)).to_table()
    if format == "parquet":
        return Table.from_pandas(pq.read_table(io.BytesIO(content)).to_pandas())
    return Table.read(content.decode(), format=f"ascii.{format}")


@pytest.mark.parametrize("format", SUMMARY_FORMATS)
def test_every_target_has_its_row(outcomes, result, format):
    content = summary_bytes(outcomes, format)
    table = read(content, format)
    assert list(table["target"]) == ["Haro 25", 'α, "β"', "magnitudes"]
    expected = result.posterior.summary()["log_sfr"]
    for statistic, value in expected.items():
        column = np.ma.filled(np.ma.asarray(table[f"log_sfr_{statistic}"], float), np.nan)
        assert column[0] == pytest.approx(value, rel=1e-6)
        assert np.isnan(column[1])
    assert "No object is known" in str(table["problem"][1])
    assert table["pixels_from"][0] == "frames"
    if format == "csv":  # as pandas reads it without being told of comments
        assert list(pd.read_csv(io.BytesIO(content)).columns) == table.colnames
    else:
        assert CITATION.encode() in content
        assert b"ab" * 32 in content
    assert content == summary_bytes(outcomes, format)


def test_rows_tell_what_was_held_fixed_and_what_is_known(outcomes):
    table = summary_table(outcomes)
    np.testing.assert_array_equal(table["redshift_fixed"], [0.0197, np.nan, np.nan])
    np.testing.assert_array_equal(table["known_redshift"], [0.0197, np.nan, np.nan])
    np.testing.assert_array_equal(table["inside_domain"], [1, np.nan, 1])
    assert table["ra"].unit == "deg"


def test_the_known_redshift_of_a_list_stands_where_none_was_found(outcomes):
    own = [replace(o, target=replace(o.target, known_redshift=0.3)) for o in outcomes]
    np.testing.assert_array_equal(summary_table(own)["known_redshift"], [0.0197, 0.3, 0.3])


def test_draws_of_all_are_in_one_file(outcomes, result):
    content = draws_bytes(outcomes)
    table = pq.read_table(io.BytesIO(content))
    assert table.num_rows == 400
    labels = np.array(table["target"].to_pylist())
    assert set(labels) == {"Haro 25", "magnitudes"}
    for name in TARGET_NAMES:
        column = table[name].to_numpy()
        np.testing.assert_array_equal(column[labels == "Haro 25"], result.posterior.column(name))
    assert table.schema.field("log_sfr").metadata[b"unit"] == b"dex(solMass / yr)"
    whole = Table.read(io.BytesIO(content), format="parquet")
    assert whole["log_sfr"].unit == u.dex(u.Msun / u.yr)
    assert np.all(whole["balmer_av"] >= 0)
    about = whole.meta
    assert about["provenance"]["weights_sha256"] == "ab" * 32
    assert about["provenance"]["verdict_sha256"] == "cd" * 32
    assert about["origins"]["Haro 25"] == result.origins
    assert about["citation"] == CITATION
    assert content == draws_bytes(outcomes)


def test_a_list_without_a_result_has_no_draws(outcomes):
    assert pq.read_table(io.BytesIO(draws_bytes(outcomes[1:2]))).num_rows == 0
