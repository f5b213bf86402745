"""Engines whose posteriors are known in closed form or by construction, and rows for them."""

import itertools

import numpy as np
import pytest
import torch

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays
from galexplorer.inference.engine import Engine
from galexplorer.inference.sampler import Sampler
from galexplorer.model.network import GalaxyModel
from galexplorer.schema import TARGETS

MEAN = (-2.1, 10.5, 0.2, 8.8, 7.0, 2.0, 1.5, 1.6, 1.4)
SPREAD = (0.5, 0.6, 0.7, 0.25, 1.0, 0.6, 0.6, 0.6, 0.7)
"""Of log(z + 0.02) and of the other targets."""


class BareEngine(Engine):
    """An engine without library and domain statistics: it can encode and sample."""

    def __init__(self, model: GalaxyModel) -> None:
        Sampler.__init__(self, model)


def make_engine(spread: float) -> BareEngine:
    """Return a random model; `spread` says how far its flows are from plain normals."""
    with torch.random.fork_rng():
        torch.manual_seed(77)
        model = GalaxyModel().eval().requires_grad_(False)
        for k, e in itertools.product(range(len(TARGETS)), range(model.sizes.members)):
            final = model.chain.spline(k, e).net[-1]
            final.weight.normal_(std=spread) if spread else final.weight.zero_()
    model.target_mean.copy_(torch.tensor(MEAN))
    model.target_std.copy_(torch.tensor(SPREAD))
    return BareEngine(model)


@pytest.fixture
def engine() -> BareEngine:
    """Splines that differ from galaxy to galaxy."""
    return make_engine(0.25)


@pytest.fixture
def normal_engine() -> BareEngine:
    """Independent normals in every target, whatever the galaxy, up to the spline's 1%."""
    return make_engine(0.0)


@pytest.fixture
def table_rows() -> Arrays:
    """Rows of a table without images."""
    random = np.random.default_rng(41)
    size = 400
    arrays = shards.empty(size, with_grid=False)
    arrays["catalogue_mag"][:] = random.normal(17, 0.7, (size, 1))
    arrays["catalogue_mag"] += np.array([2, 0.7, 0, -0.3, -0.5], np.float32)
    arrays["catalogue_mag"] += random.normal(0, 0.1, (size, 5)).astype(np.float32)
    arrays["catalogue_err"][:] = 0.02
    arrays["catalogue_petro"][:, 0] = random.uniform(1, 5, size)
    arrays["catalogue_petro"][:, 1] = 2.7 * arrays["catalogue_petro"][:, 0]
    return arrays
