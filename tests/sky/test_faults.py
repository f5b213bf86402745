"""Every service with every fault: a galaxy, or one sentence, and nothing wrong is kept."""

import time
from dataclasses import replace

import numpy as np
import pytest
from sky_replay import FAULTS, SERVICES

from galexplorer.errors import FetchError
from galexplorer.image.reader import read_image
from galexplorer.sky.cache import Cache
from galexplorer.sky.cube import write_fetched
from galexplorer.sky.fetch import fetch_target

# What must be down beforehand for a service to be asked at all.
BEFORE = {
    "sesame": {},
    "ned": {"sesame": "500"},
    "skyserver": {},
    "sas": {},
    "legacy": {"sas": "404"},
    "hips": {"sas": "404", "legacy": "404"},
    "irsa": {"skyserver": "500"},
}
# Where something else serves: what the pixels are from then.
INSTEAD = {
    "sesame": "frames",
    "skyserver": "legacy",
    "sas": "legacy",
    "legacy": "hips",
    "irsa": "legacy",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", SERVICES)
def test_pair(replay, settings, service, fault, tmp_path, outcomes):
    replay.faults |= {**BEFORE[service], service: fault}
    limit_s = settings.total_s + 2
    began = time.monotonic()
    with replay.configured():  # again: a refused service has another port
        try:
            fetched = fetch_target("Haro 25", settings=_at(settings, replay))
            outcome = fetched.source
        except FetchError as error:
            fetched, outcome = None, str(error)
    took_s = time.monotonic() - began
    outcomes.append(f"{service:10} {fault:14} {took_s:5.1f} s  {outcome}")
    assert took_s < limit_s
    own = {"legacy": "legacy", "hips": "hips", "irsa": "legacy"}.get(service, "frames")
    if fault == "503 once":
        assert outcome == own
    elif service in INSTEAD:
        assert outcome == INSTEAD[service]
    else:
        assert fetched is None
        assert "\n" not in outcome
        assert outcome.endswith(".")
    if fetched is not None:
        if fetched.source != "frames":
            assert any(
                fetched_label in fetched.pixels.notes[0] for fetched_label in ("Legacy", "hips")
            )
        write_fetched(fetched, tmp_path / "cube.fits")
        assert np.isfinite(read_image(tmp_path / "cube.fits").flux).any()

    # What was kept is right: with all services well, the same galaxy as with an empty cache.
    replay.faults.clear()
    with replay.configured():
        after = fetch_target("Haro 25", settings=_at(settings, replay))
    assert after.source == "frames"
    assert after.truths["redshift"] == pytest.approx(0.0258)
    assert after.pixels.sha256 == _reference(replay, settings, tmp_path)
    for entry in Cache(settings.cache_dir).entries():
        assert b"<html" not in Cache(settings.cache_dir).get(entry.label)[:100]


def _at(settings, replay):
    return replace(settings, legacy_url=replay.url("legacy"))


_REFERENCE: list[str] = []


def _reference(replay, settings, tmp_path) -> str:
    """Hash of the healthy galaxy's frames, fetched once with a cache of its own."""
    if not _REFERENCE:
        clean = replace(settings, cache_dir=tmp_path / "clean")
        _REFERENCE.append(fetch_target("Haro 25", settings=clean).pixels.sha256)
    return _REFERENCE[0]
