"""What is kept is found again whole, or not at all."""

import os
import threading
import time

import pytest

from galexplorer.sky.cache import Cache, default_folder


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", max_bytes=5_000)


def test_found_again(cache):
    assert cache.get("question") is None
    cache.put("question", b"answer\nwith lines\x00")
    assert cache.get("question") == b"answer\nwith lines\x00"
    assert cache.get("another") is None
    (entry,) = cache.entries()
    assert entry.label == "question"
    assert entry.size_bytes > 18
    assert entry.saved == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign"])
def test_a_damaged_file_counts_as_missing_and_is_removed(cache, damage):
    cache.put("question", b"x" * 100)
    (path,) = cache.folder.iterdir()
    content = path.read_bytes()
    path.write_bytes(
        {
            "flip": content[:-1] + b"y",
            "cut": content[:-10],
            "empty": b"",
            "foreign": b"<html>",
        }[damage]
    )
    assert cache.get("question") is None
    assert not list(cache.folder.iterdir())
    cache.put("question", b"z")
    assert cache.get("question") == b"z"


def test_bounded_and_the_least_used_goes_first(cache):
    for k in range(4):
        cache.put(f"q{k}", bytes(1000))
        os.utime(cache._path(f"q{k}"), (1000 + k, 1000 + k))
    assert cache.get("q0") is not None  # used just now
    cache.put("q4", bytes(1000))
    assert cache.get("q1") is None
    assert cache.get("q0") is not None
    assert sum(path.stat().st_size for path in cache.folder.iterdir()) <= 5_000
    cache.put("huge", bytes(6000))
    assert cache.get("huge") is None


def test_clear(cache):
    assert cache.clear() == 0
    cache.put("a", b"1")
    cache.put("b", b"2")
    (cache.folder / "interrupted.part").write_bytes(b"half")
    assert cache.clear() == 2
    assert not list(cache.folder.iterdir())
    assert cache.entries() == []


def test_many_writers_and_readers_never_meet_half_a_file(tmp_path):
    cache = Cache(tmp_path)
    seen = []

    def work(mark: bytes) -> None:
        for _ in range(10):
            cache.put("same", mark * 20_000)
            seen.append(cache.get("same"))

    threads = [threading.Thread(target=work, args=(mark,)) for mark in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= {mark * 20_000 for mark in (b"a", b"b", b"c")}
    assert not list(tmp_path.glob("*.part"))


def test_a_disk_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "cache")
    cache.put("q", b"a")
    assert cache.get("q") is None
    assert cache.entries() == []


def test_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("GALEXPLORER_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("GALEXPLORER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "galexplorer"
