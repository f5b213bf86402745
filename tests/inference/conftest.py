"""An engine with random weights: its posteriors mean nothing, its mechanics are the real ones."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from galexplorer.inference import latent_map
from galexplorer.inference.engine import DOMAIN_FILE, Engine
from galexplorer.inference.neighbours import LAYOUT, LIBRARY_FILE
from galexplorer.model import weights
from galexplorer.model.features import INPUTS
from galexplorer.model.modes import MODES
from galexplorer.model.network import GalaxyModel
from galexplorer.records.observation import Cutout, Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS, TARGETS
from galexplorer.verdict import domain

LIBRARY_SIZE = 40


def make_model() -> GalaxyModel:
    """Return a model whose splines differ from the identity and from galaxy to galaxy."""
    with torch.random.fork_rng():
        torch.manual_seed(21)
        model = GalaxyModel().eval().requires_grad_(False)
        for k, e in itertools.product(range(len(TARGETS)), range(model.sizes.members)):
            final = model.chain.spline(k, e).net[-1]
            final.weight.normal_(std=0.25)
    model.target_mean.copy_(torch.tensor([-2.1, 10.5, 0.2, 8.8, 7.0, 2.0, 1.5, 1.6, 1.4]))
    model.target_std.copy_(torch.tensor([0.5, 0.6, 0.7, 0.25, 1.0, 0.6, 0.6, 0.6, 0.7]))
    model.base_shift[MODES.index("photometry")] = 0.1
    model.base_width[MODES.index("photometry")] = 1.1
    model.base_skew[MODES.index("photometry")] = 0.15
    model.base_tail[MODES.index("photometry")] = 0.9
    return model


def make_library(generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Arrays of a library of invented galaxies; the last four have no published value."""
    size = LIBRARY_SIZE
    known = torch.full((size, 10), float("nan"))
    known[:-4, 0] = torch.linspace(0.01, 0.2, size - 4)
    known[:-4:2, 1] = 10.5
    latents = torch.randn((size, 32), generator=generator).half()
    position = torch.stack([torch.linspace(0, 359, size), torch.linspace(-5, 60, size)], dim=1)
    layers = [(64, 32), (64, 64), (2, 64)]
    plain = latent_map.LatentMap(
        tuple((0.2 * torch.randn(s, generator=generator), torch.zeros(s[0])) for s in layers)
    )
    return {
        "layout": torch.tensor([LAYOUT]),
        "latents": latents,
        "log_variance": (-3 + 0.1 * torch.randn((size, 32), generator=generator)).half(),
        "estimate": torch.randn((size, 4), generator=generator).half(),
        "appearance": torch.randn((size, 32), generator=generator).half(),
        "position": position.double(),
        "known": known,
        "magnitudes": 17 + torch.randn((size, 3), generator=generator),
        "errors": torch.full((size, 3), 0.02).half(),
        "petro": torch.tensor([3.0, 8.0]).repeat(size, 1).half(),
        "pixel_scale": torch.full((size,), 0.5),
        "origin": torch.full((size,), 2, dtype=torch.uint8),
        "misfit": torch.rand(size, generator=generator),
        "medians": torch.tensor([0.05, 10.2, 0.1, 8.8, 7, 2, 1.5, 1.6, 1.4]).repeat(size, 1).half(),
        "classes": torch.softmax(torch.randn((size, 4), generator=generator), dim=1).half(),
        "levels": torch.linspace(2, 9, 101),
        **plain.to_arrays(),
    }


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory) -> Path:
    """Folder of random weights, a library of invented galaxies and domain statistics."""
    folder = tmp_path_factory.mktemp("random_weights")
    generator = torch.Generator().manual_seed(22)
    weights.save(folder, make_model(), {"made": "at random, for a test"})
    save_file(make_library(generator), folder / LIBRARY_FILE)
    mean, precision, distances, misfits = {}, {}, {}, {}
    for mode in INPUTS:
        rows = torch.randn((500, 5 if mode == "photometry" else 32), generator=generator)
        if mode == "photometry":
            rows = rows * torch.tensor([1.0, 0.4, 0.2, 0.1, 0.1])
            rows = rows + torch.tensor([17.0, 1.5, 0.7, 0.4, 0.3])
        else:
            misfits[mode] = domain.levels(torch.rand(500, generator=generator) * 1e4)
        mean[mode], precision[mode], distances[mode] = domain.summarise(rows)
    statistics = domain.DomainStatistics(mean, precision, distances, misfits)
    arrays = {name: value.contiguous() for name, value in statistics.to_arrays().items()}
    save_file(arrays, folder / DOMAIN_FILE)
    weights.write_manifest(folder, {"made": "at random, for a test"})
    return folder


@pytest.fixture(scope="session")
def engine(random_weights) -> Engine:
    return Engine.load(random_weights, "cpu")


@pytest.fixture
def catalogued() -> Observation:
    """Photometry and no image."""
    magnitudes = dict(zip(BANDS, (18.9, 17.4, 16.7, 16.3, 16.0), strict=True))
    return Observation(None, Photometry("catalogue", magnitudes, {}, 3.0, 8.0))


@pytest.fixture
def pictured() -> Observation:
    """A disc on the model's grid, measured on its pixels."""
    y, x = np.mgrid[:64, :64] - 31.5
    grid = (200 * np.exp(-np.hypot(x, 1.5 * y) / 9) * np.ones((3, 1, 1))).astype(np.uint8)
    cutout = Cutout(grid, 0.5, grid, 0.396, 9.0, 0.0, False, 150.0, 2.0)
    magnitudes = {"g": 17.4, "r": 16.7, "i": 16.3}
    return Observation(
        cutout, Photometry("measured", magnitudes, {}, 3.1, 8.2), ("A note.",), "ab" * 32, "fits"
    )
