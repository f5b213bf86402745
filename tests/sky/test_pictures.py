"""Pictures to look at: kept, bounded, and never more than an ornament."""

import time
from dataclasses import replace

import pytest

from galexplorer.image.jpeg import is_composite
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network
from galexplorer.sky.pictures import fetch_pictures, kept_pictures

PLACES = [(160.0 + k, 20.0, 24.0) for k in range(6)]


@pytest.fixture
def fetch(replay, settings):
    def run(faults=None):
        replay.faults.update(faults or {})
        chosen = replace(
            settings, attempts=1, total_s=3.0, frame_s=1.0, legacy_url=replay.url("legacy")
        )
        with Network(chosen) as network:
            return fetch_pictures(PLACES, network, Cache(settings.cache_dir))

    return run


def test_pictures_come_and_are_kept(fetch, replay, settings):
    pictures, problem = fetch()
    assert problem == ""
    assert all(is_composite(picture) for picture in pictures)
    assert replay.counts["legacy"] == 6
    again, _ = fetch({"legacy": "500"})
    assert again == pictures
    assert kept_pictures([*PLACES, (1.0, 2.0, 24.0)], Cache(settings.cache_dir)) == [
        *pictures,
        None,
    ]
    assert replay.counts["legacy"] == 6


@pytest.mark.parametrize(
    "fault", ["refused", "silence", "500", "html", "empty", "truncated", "malformed"]
)
def test_a_failure_is_one_sentence_and_soon_over(fetch, fault):
    start = time.monotonic()
    pictures, problem = fetch({"legacy": fault})
    assert pictures == [None] * 6
    assert problem.startswith("The Legacy Surveys viewer")
    assert problem.endswith(".")
    assert time.monotonic() - start < 6
