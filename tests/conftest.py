"""What several test modules share: where the data and the weights are, and a fixed seed."""

import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest

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


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)
