"""A survey of a few hundred galaxies of every kind, as a table and as a catalogue of results."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from galexplorer.catalogue import read_catalogue
from galexplorer.inference.engine import Engine
from galexplorer.runs.catalogue_run import infer_catalogue

ROWS = 400
DRAWS = 100


def galaxies(number: int, seed: int = 5) -> Table:
    """Return rows with magnitudes in ugriz, some without a position, some with nothing at all."""
    random = np.random.default_rng(seed)
    table = Table({"objid": np.arange(number, dtype=np.int64) + 1237650000000000001})
    table["ra"] = random.uniform(130, 230, number)
    table["dec"] = np.degrees(np.arcsin(random.uniform(0, 0.8, number)))
    r = random.normal(17, 0.7, number)
    for band, colour in zip("ugriz", (2.0, 0.7, 0.0, -0.35, -0.6), strict=True):
        table[band] = r + colour + random.normal(0, 0.1, number)
        table[band][7::60] = np.nan
        table[f"err_{band}"] = 0.03
    table["ra"][::23] = np.nan
    table["petro_r50"] = np.where(random.random(number) < 0.5, 3.0, np.nan)
    table["petro_r90"] = 7.5
    table["z_spec"] = np.where(random.random(number) < 0.1, 0.07, np.nan)
    table["remark"] = ["a" if k % 3 else "" for k in range(number)]
    table["rank"] = np.arange(number, dtype=np.int32)
    table["ra"].unit = table["dec"].unit = "deg"
    table["petro_r50"].unit = "arcsec"
    table["rank"].description = "Place in a list"
    return table


@pytest.fixture(scope="session")
def make_galaxies() -> Callable[..., Table]:
    return galaxies


@pytest.fixture(scope="session")
def survey_table(tmp_path_factory) -> Path:
    """Path of a FITS table, with images beside it that a few rows name."""
    folder = tmp_path_factory.mktemp("input")
    table = galaxies(ROWS)
    random = np.random.default_rng(2)
    y, x = np.mgrid[:90, :90] - 44.5
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri", "PIXSCALE": 0.396})
    images = np.full(ROWS, "", dtype="U24")
    for k in (1, 8, 70, 71, 300):
        profile = np.exp(-np.hypot(x, y) / random.uniform(3, 7))
        flux = np.array([0.6, 1.0, 1.3])[:, None, None] * 630 * profile / profile.sum()
        flux = flux + random.normal(0, 0.02, flux.shape)
        images[k] = f"disc{k}.fits"
        fits.PrimaryHDU(flux.astype(np.float32), header).writeto(folder / images[k])
    images[9] = "missing.fits"
    table["image"] = images
    table.write(folder / "galaxies.fits")
    return folder / "galaxies.fits"


@dataclass(frozen=True)
class Survey:
    """The command, as a process of its own."""

    weights: Path

    def command(self, *arguments: object) -> list[str]:
        words = [sys.executable, "-m", "galexplorer", "survey", *map(str, arguments)]
        return [*words, "--draws", str(DRAWS)]

    def start(self, *arguments: object) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="session")
def survey(weights_dir) -> Survey:
    return Survey(weights_dir)


@pytest.fixture(scope="session")
def engine(weights_dir) -> Engine:
    return Engine.load(weights_dir, "cpu")


@pytest.fixture(scope="session")
def expected(engine, survey_table) -> Table:
    """What the same table gives as a catalogue."""
    return infer_catalogue(engine, read_catalogue(survey_table), draws=DRAWS)


@pytest.fixture(scope="session")
def surveyed(survey, survey_table, tmp_path_factory) -> tuple[Path, Path, str]:
    """Folders of a survey and of its draws, and what the command said."""
    folder = tmp_path_factory.mktemp("surveyed")
    out, draws = folder / "out", folder / "draws"
    done = survey.run(
        survey_table, "--out", out, "--draws-out", draws, "--partition-rows", 100, "--workers", 2
    )
    assert done.returncode == 0, done.stderr
    return out, draws, done.stderr
