"""The replayed services, a cache of its own for each test, and short timeouts."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from galexplorer.sky import http
from galexplorer.sky.http import Settings

HERE = Path(__file__).resolve().parent


def _load_replay():
    # Test folders are no packages here: the module is loaded by its path, once.
    spec = importlib.util.spec_from_file_location("sky_replay", HERE / "replay.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["sky_replay"] = module
    spec.loader.exec_module(module)
    return module


OUTCOMES = pytest.StashKey[list[str]]()


@pytest.fixture
def outcomes(request) -> list[str]:
    """Lines of the table of services and faults, which is printed at the end."""
    return request.config.stash.setdefault(OUTCOMES, [])


def pytest_terminal_summary(terminalreporter, config) -> None:
    lines = config.stash.get(OUTCOMES, [])
    if lines:
        terminalreporter.section("service, fault, time, outcome")
        for line in lines:
            terminalreporter.line(line)


replay_module = sys.modules.get("sky_replay") or _load_replay()


def _real_data() -> Path | None:
    root = HERE.parent.parent
    folder = Path(os.environ.get("GALEXPLORER_DATA", root.parent / "shared" / "data"))
    return folder if (folder / "fits").is_dir() else None


@pytest.fixture(scope="session")
def _servers():
    servers = replay_module.Replay(silence_s=4.0, small=True)
    servers.sky.make_all_frames()  # so that no test waits for them
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def _full_servers():
    data = _real_data()
    servers = replay_module.Replay(data, small=data is None)
    for band in "gri":
        servers.sky.frame(f"frame-{band}-005140-3-0097.fits.bz2")  # takes seconds
    yield servers
    servers.close()


@pytest.fixture
def replay(_servers, monkeypatch):
    """Services with small frames, healthy at first, with astropy and astroquery pointed at them."""
    _servers.reset()
    monkeypatch.setattr(http, "_PACE", http._Pace())  # tests ask faster than a person
    with _servers.configured():
        yield _servers


@pytest.fixture
def full_replay(_full_servers, monkeypatch):
    """Services with the real frames where the data folder has them."""
    _full_servers.reset()
    monkeypatch.setattr(http, "_PACE", http._Pace())
    with _full_servers.configured():
        yield _full_servers


@pytest.fixture
def settings(replay, tmp_path) -> Settings:
    return Settings(
        connect_s=2.0,
        read_s=2.5,
        frame_s=2.5,
        total_s=20.0,
        attempts=2,
        backoff_s=0.02,
        max_body_bytes=1_500_000,
        legacy_url=replay.url("legacy"),
        cache_dir=tmp_path / "cache",
    )


@pytest.fixture
def full_settings(full_replay, tmp_path) -> Settings:
    return Settings(legacy_url=full_replay.url("legacy"), cache_dir=tmp_path / "cache")
