"""A small survey behind replayed services, and a set made of it."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from astroquery.sdss import conf as sdss_conf

from galexplorer.observed.sdss import build
from galexplorer.sky import http
from galexplorer.sky.http import Settings


def _load_survey_replay():
    # Test folders are no packages here: the module is loaded by its path, once.
    path = Path(__file__).resolve().parents[1] / "sky" / "survey_replay.py"
    spec = importlib.util.spec_from_file_location("survey_replay", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["survey_replay"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def _survey_services():
    module = sys.modules.get("survey_replay") or _load_survey_replay()
    services = module.SurveyReplay(module.Survey(30, per_field=5.0))
    yield services
    services.close()


@contextmanager
def _asked(services) -> Iterator[None]:
    """Point astroquery at the services through its own configuration."""
    with (
        sdss_conf.set_temp("skyserver_baseurl", services.url("skyserver")),
        sdss_conf.set_temp("sas_baseurl", services.url("sas")),
    ):
        yield


def _settings(services, cache: Path) -> Settings:
    return Settings(
        connect_s=2.0,
        read_s=10.0,
        frame_s=10.0,
        total_s=60.0,
        backoff_s=0.01,
        legacy_url=services.url("legacy"),
        cache_dir=cache,
    )


@pytest.fixture
def services(_survey_services, monkeypatch):
    """A survey of 30 galaxies in 6 fields, healthy at first."""
    _survey_services.reset()
    monkeypatch.setattr(http, "_PACE", http._Pace())  # tests ask faster than a survey does
    with _asked(_survey_services):
        yield _survey_services


@pytest.fixture
def settings(services, tmp_path) -> Settings:
    return _settings(services, tmp_path / "cache")


@pytest.fixture(scope="session")
def _survey_set(_survey_services, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    with _asked(_survey_services):
        build(
            30, folder / "set", settings=_settings(_survey_services, folder / "cache"), shard_size=8
        )
    return folder / "set"


@pytest.fixture
def whole(_survey_set, tmp_path) -> Path:
    """The set as an undisturbed build makes it."""
    return Path(shutil.copytree(_survey_set, tmp_path / "whole"))
