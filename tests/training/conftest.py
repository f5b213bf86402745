"""Small invented training sets."""

import numpy as np
import pytest
import torch

from galexplorer.datasets import shards
from galexplorer.datasets.shards import Arrays


@pytest.fixture(autouse=True)
def _keep_torch_as_it_was():
    """Training seeds torch and sets its threads for the whole process."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


@pytest.fixture
def sets() -> list[Arrays]:
    """A rendered and a real set of random blobs, and table rows, enough for a few steps."""
    random = np.random.default_rng(32)
    out = []
    for origin, size in ((1, 48), (2, 48), (0, 80)):
        arrays = shards.empty(size)
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
