"""A small invented population, and sets made of it."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from astroquery.sdss import conf as sdss_conf

from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES
from galexplorer.sky import http
from galexplorer.sky.http import Settings
from galexplorer.training import dataset
from galexplorer.training.dataset import Arrays
from galexplorer.training.survey import build


@pytest.fixture(autouse=True)
def _keep_torch_as_it_was():
    """Training seeds torch and sets its threads for the whole process."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


@pytest.fixture
def population() -> pd.DataFrame:
    """Sixty galaxies with every column that rendering and labelling read."""
    random = np.random.default_rng(31)
    number = 60
    redshift = random.uniform(0.01, 0.15, number)
    rows = pd.DataFrame(
        {
            "source": np.where(np.arange(number) < 50, "mpajhu", "lines_z011"),
            "ra": random.uniform(0, 360, number),
            "dec": random.uniform(-5, 60, number),
            "redshift": redshift,
            "log_stellar_mass": random.normal(10.4, 0.4, number),
            "log_sfr": random.normal(0.1, 0.5, number),
            "gas_metallicity": random.normal(8.9, 0.15, number),
            "log_bh_mass": random.normal(7.0, 0.6, number),
            "ebv": random.uniform(0.01, 0.1, number),
            "axis_ratio": random.uniform(0.3, 1.0, number),
            "log_concentration": random.uniform(0.3, 0.5, number),
            "petro_r50_true": random.uniform(1.5, 4.0, number),
        }
    )
    rows.loc[50:, ["ra", "dec"]] = np.nan
    rows["split"] = [
        dataset.split_of(ra, dec) if np.isfinite(ra) else dataset.TRAIN
        for ra, dec in zip(rows.ra, rows.dec, strict=True)
    ]
    magnitude = random.uniform(14.5, 17.3, number)
    for band, colour in zip(BANDS, (2.0, 0.7, 0.0, -0.35, -0.6), strict=True):
        rows[band] = magnitude + colour + 0.1 * random.standard_normal(number)
        rows[f"err_{band}"] = 0.02
        rows[f"petro_{band}"] = rows[band] + 0.05 * random.standard_normal(number)
    for name in LINE_NAMES:
        rows[name] = random.normal(2.0, 0.4, number)
        rows[f"{name}_snr"] = 10.0
    rows["petro_r90_true"] = rows.petro_r50_true * 10**rows.log_concentration
    rows["petro_r50"] = rows.petro_r50_true
    rows["petro_r90"] = rows.petro_r90_true
    rows.loc[:9, ["petro_r50", "petro_r90"]] = np.nan
    rows["size_measured"] = np.isfinite(rows.petro_r50)
    for name in TARGET_NAMES:
        rows[f"{name}_measured"] = True
        rows[f"{name}_valid"] = True
    rows["weight"] = 1.0
    rows["seed"] = 5
    return rows


@pytest.fixture
def sets() -> list[Arrays]:
    """A rendered and a real set of random blobs, and table rows, enough for a few steps."""
    random = np.random.default_rng(32)
    out = []
    for origin, size in ((1, 48), (2, 48), (0, 80)):
        arrays = dataset.empty(size)
        targets = random.normal(0, 1, (size, 9)) * 0.4
        targets[:, 0] = random.uniform(0.02, 0.2, size)
        targets[:, 1:] += [10.5, 0.1, 8.8, 7.0, 2.0, 1.5, 1.6, 1.4]
        arrays["targets"][:] = targets
        arrays["label"][:] = 1
        arrays["split"][:] = np.arange(size) % 10 == 0
        arrays["position"][:] = random.uniform(0, 60, (size, 2))
        arrays["catalogue_mag"][:] = random.normal(17, 0.7, (size, 1))
        arrays["catalogue_mag"] += np.array([2, 0.7, 0, -0.3, -0.5], np.float32)
        arrays["catalogue_err"][:] = 0.02
        arrays["catalogue_petro"][:] = [3.0, 8.0]
        if origin:
            y, x = np.mgrid[:64, :64] - 31.5
            width = random.uniform(4, 12, size)[:, None, None]
            light = np.exp(-np.hypot(x, y) / width)[:, None] * random.uniform(
                60, 250, (size, 3, 1, 1)
            )
            arrays["grid"][:] = light.astype(np.uint8)
            arrays["has_image"][:] = 1
            arrays["origin"][:] = origin
            arrays["pixel_scale"][:] = random.uniform(0.3, 1.0, size)
            arrays["measured_mag"][:] = arrays["catalogue_mag"][:, 1:4]
            arrays["measured_err"][:] = 0.03
            arrays["measured_petro"][:] = [3.1, 8.3]
        if origin == 2:
            arrays["label"][:, 2:] = 0
            arrays["label"][40:] = 0
        out.append(arrays)
    return out


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
