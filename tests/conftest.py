"""What several folders of tests share: data and weights, a fixed seed, a small population."""

import os
import signal
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

# One thread each, in this process and those that it starts: threads of torch that wait for each
# other on a busy machine take many times as long. Before any library reads it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A shell starts what runs in its background with Ctrl-C ignored, and so would be what tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import matplotlib
import numpy as np
import pandas as pd
import pytest
from jaxtyping import install_import_hook

# Arguments, results and fields of these rooms are checked against their types, arrays also against
# their shapes. Before the package is imported; processes that a test starts run without.
CHECKED = (
    "records", "fits", "image", "model", "science", "inference", "runs", "figures", "export",
    "datasets", "verdict", "pictures",
)  # fmt: skip
install_import_hook(
    [f"galexplorer.{room}" for room in CHECKED],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",  # an int is a float
)

from galexplorer.datasets import shards  # noqa: E402
from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES  # noqa: E402

matplotlib.use("Agg")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real images and tables, which are not part of the repository."""
    folder = Path(os.environ.get("GALEXPLORER_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; GALEXPLORER_DATA names another folder")
    return folder


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """Folder of the trained weights."""
    folder = ROOT / "weights"
    if not any(folder.glob("*.safetensors")):
        pytest.skip(f"no trained weights in {folder}")
    return folder


@dataclass(frozen=True)
class Installation:
    """The package in an environment of its own, and an empty folder to use it from.

    Attributes
    ----------
    prefix, folder : Path
    """

    prefix: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self._programs / "python"

    @property
    def galexplorer(self) -> Path:
        return self._programs / "galexplorer"

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.prefix)}))

    @property
    def _programs(self) -> Path:
        return Path(sysconfig.get_path("scripts", "venv", {"base": str(self.prefix)}))

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run a program in the empty folder; it must end well."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done


def pip(*arguments: object) -> None:
    """Run the pip of this environment; it must end well."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def make_installation(tmp_path_factory):
    """Install what pip is told in a new environment, with the dependencies of this one.

    They are found by a line in a .pth file. The files of that kind among them are not read, so
    an editable installation of the checkout stays out of sight. `clean` installs them anew, in
    the versions of requirements.txt.
    """

    def make(*what: object, clean: bool = False) -> Installation:
        place = Installation(tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("empty"))
        venv.create(place.prefix, with_pip=False)
        if clean:
            options = ["--constraint", ROOT / "requirements.txt"]
        else:
            here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
            (place.packages / "dependencies.pth").write_text("\n".join(sorted(here)))
            options = ["--no-deps", "--no-index", "--no-build-isolation"]
        pip("--python", place.python, "install", *options, *what)
        return place

    return make


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("galexplorer-*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel, make_installation) -> Installation:
    """The wheel, installed outside the checkout."""
    return make_installation(wheel)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


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
        shards.split_of(ra, dec) if np.isfinite(ra) else shards.TRAIN
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
