"""Each galaxy once, whenever the end comes."""

import sqlite3

import numpy as np
import pytest
from safetensors.numpy import load_file

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.observed.sdss_journal import IMAGE_ARRAYS, Journal, shard_path

SIZE = 7


@pytest.fixture
def catalogue():
    arrays = shards.empty(SIZE, with_grid=False)
    arrays["targets"][:, 0] = 0.01 * np.arange(SIZE)
    arrays["objid"] = 100 + np.arange(SIZE)
    return {name: values for name, values in arrays.items() if name not in IMAGE_ARRAYS}


def image(value: int) -> shards.Arrays:
    arrays = shards.empty(1)
    arrays["grid"][:] = value
    arrays["has_image"][:] = 1
    return {name: arrays[name] for name in IMAGE_ARRAYS}


def read(folder) -> dict[int, int]:
    """Return the grid's value by objID, once for each row of all shards."""
    found: dict[int, int] = {}
    for path in sorted(folder.glob("shard-*.safetensors")):
        shard = load_file(str(path))
        for objid, grid, redshift in zip(
            shard["objid"].tolist(), shard["grid"], shard["targets"][:, 0], strict=True
        ):
            assert objid not in found
            assert redshift == pytest.approx(0.01 * (objid - 100), abs=1e-6)
            found[objid] = int(grid[0, 0, 0])
    return found


def test_rows_go_to_their_shards_in_order(catalogue, tmp_path):
    with Journal(tmp_path, catalogue, 3) as journal:
        for number in (4, 0, 2, 1, 6, 3, 5):
            journal.add(number, image(number))
        journal.store()
        assert len(journal.pending()) == 0
    assert read(tmp_path) == {100 + k: k for k in range(SIZE)}
    assert [shards.length_of(shard_path(tmp_path, k)) for k in range(3)] == [3, 3, 1]


def test_what_waits_survives_and_what_failed_is_tried_again(catalogue, tmp_path):
    with Journal(tmp_path, catalogue, 3) as journal:
        journal.add(0, image(7))
        journal.fail(1, "no answer")
    with Journal(tmp_path, catalogue, 3) as journal:
        assert journal.failures() == [(1, "no answer")]
        assert journal.pending().tolist() == [1, 2, 3, 4, 5, 6]
        journal.store()
    assert read(tmp_path) == {100: 7}
    with Journal(tmp_path, catalogue, 3) as journal:
        journal.add(1, image(8))
        journal.store()
        assert journal.failures() == []
    assert read(tmp_path) == {100: 7, 101: 8}


def test_an_end_between_the_shard_and_the_journal_changes_nothing(catalogue, tmp_path, monkeypatch):
    write = shards.write_shard

    def write_and_die(path, arrays):
        write(path, arrays)
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "write_shard", write_and_die)
    with Journal(tmp_path, catalogue, 3) as journal:
        journal.add(0, image(1))
        journal.add(2, image(2))
        with pytest.raises(KeyboardInterrupt):
            journal.store()
    monkeypatch.setattr(shards, "write_shard", write)
    before = shard_path(tmp_path, 0).read_bytes()
    with Journal(tmp_path, catalogue, 3) as journal:
        assert 0 not in journal.pending()
        journal.store()
    assert shard_path(tmp_path, 0).read_bytes() == before
    assert read(tmp_path) == {100: 1, 102: 2}


def test_a_lost_shard_is_had_again(catalogue, tmp_path):
    with Journal(tmp_path, catalogue, 3) as journal:
        for number in range(SIZE):
            journal.add(number, image(number))
        journal.store()
    shard_path(tmp_path, 1).unlink()
    with Journal(tmp_path, catalogue, 3) as journal:
        assert journal.pending().tolist() == [3, 4, 5]


def test_two_builds_in_one_folder_are_refused(catalogue, tmp_path):
    with (
        Journal(tmp_path, catalogue, 3),
        pytest.raises(DataError, match="Another build is running"),
    ):
        Journal(tmp_path, catalogue, 3)


def test_a_damaged_journal_is_told(catalogue, tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(DataError, match="damaged"):
        Journal(tmp_path, catalogue, 3)
    assert issubclass(sqlite3.OperationalError, sqlite3.DatabaseError)
