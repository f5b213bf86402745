"""The training set's format and its split."""

import hashlib
import json

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.datasets.shards import SHAPES, TEST, TRAIN, VALIDATION
from galexplorer.errors import DataError


def test_a_fifth_is_test_and_a_tenth_validation(rng):
    ra = rng.uniform(0, 360, 20_000)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    splits = np.array([shards.split_of(a, d) for a, d in zip(ra, dec, strict=True)])
    for split, share in ((TEST, 0.2), (VALIDATION, 0.1), (TRAIN, 0.7)):
        assert np.mean(splits == split) == pytest.approx(share, abs=0.015)


def test_the_split_never_changes():
    """Committed weights must not be tested on what they were trained on."""
    places = [(162.1842, 26.0537), (313.1478, -5.7111), (0.0, 0.0), (359.99, -80.0), (10.5, 10.5)]
    assert [shards.split_of(*place) for place in places] == [0, 0, 0, 0, 2]
    assert shards.split_of_key("efigi/PGC0000212.jpg") == VALIDATION


def test_one_galaxy_listed_twice_lands_on_one_side(rng):
    """Positions an arcsecond apart share a side, save for the few that straddle a cell's border."""
    ra, dec = rng.uniform(0, 360, 3000), rng.uniform(-60, 60, 3000)
    other = [shards.split_of(a + 3e-4, d + 3e-4) for a, d in zip(ra, dec, strict=True)]
    same = [shards.split_of(a, d) == s for a, d, s in zip(ra, dec, other, strict=True)]
    assert np.mean(same) > 0.998


def test_shards_come_back_as_they_went(tmp_path, rng):
    parts = []
    for k in range(2):
        arrays = shards.empty(4)
        arrays["targets"][:] = rng.normal(size=(4, 9))
        arrays["grid"][:] = rng.integers(0, 255, (4, 3, 64, 64))
        shards.write_shard(tmp_path / f"shard-{k:05d}.safetensors", arrays)
        parts.append(arrays)
    assert shards.length_of(tmp_path / "shard-00001.safetensors") == 4
    assert shards.length_of(tmp_path / "shard-00002.safetensors") == 0
    shards.write_manifest(tmp_path, {"kind": "a test"})
    arrays, manifest = shards.read(tmp_path)
    assert manifest["kind"] == "a test"
    for name, (shape, dtype) in SHAPES.items():
        assert arrays[name].shape == (8, *shape)
        assert arrays[name].dtype == dtype
        np.testing.assert_array_equal(arrays[name], np.concatenate([p[name] for p in parts]))
    for name, digest in manifest["shards"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    assert not list(tmp_path.glob("*.part"))


def test_rows_are_selected_together(rng):
    arrays = shards.empty(10)
    arrays["pixel_scale"][:] = np.arange(10)
    arrays["targets"][:, 0] = np.arange(10)
    some = shards.select(arrays, np.array([7, 2]))
    assert some["pixel_scale"].tolist() == some["targets"][:, 0].tolist() == [7, 2]


def test_an_unfinished_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="no finished training set"):
        shards.read(tmp_path)


def test_a_damaged_set_is_refused(tmp_path):
    shards.write_shard(tmp_path / "shard-00000.safetensors", shards.empty(2))
    shards.write_manifest(tmp_path, {})
    manifest = tmp_path / "manifest.json"
    whole = manifest.read_text()
    (tmp_path / "shard-00000.safetensors").write_bytes(b"nothing of the sort")
    with pytest.raises(DataError, match="damaged"):
        shards.read(tmp_path)
    (tmp_path / "shard-00000.safetensors").unlink()
    with pytest.raises(DataError, match="damaged"):
        shards.read(tmp_path)
    manifest.write_text(whole[:20])
    with pytest.raises(DataError, match="damaged"):
        shards.read(tmp_path)
    manifest.write_text(json.dumps({"shards": {}}))
    with pytest.raises(DataError, match="lacks grid"):
        shards.read(tmp_path)


def test_a_set_of_an_older_format_is_refused(tmp_path):
    arrays = shards.empty(2)
    del arrays["label"]
    shards.write_shard(tmp_path / "shard-00000.safetensors", arrays)
    shards.write_manifest(tmp_path, {})
    with pytest.raises(DataError, match="lacks label"):
        shards.read(tmp_path)
