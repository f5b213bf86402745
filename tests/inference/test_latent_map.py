"""The map: neighbours stay together, and what it does not depend on."""

import numpy as np
import pytest
import torch
from sklearn import manifold

from galexplorer.inference.latent_map import LatentMap, fit, nearest_rows, trustworthiness


@pytest.fixture
def clumps(rng) -> tuple[torch.Tensor, np.ndarray]:
    """Four clumps in 32 dimensions, and to which each galaxy belongs."""
    member = np.repeat(np.arange(4), 60)
    centres = 6 * rng.normal(size=(4, 32))
    rows = centres[member] + rng.normal(size=(240, 32))
    return torch.from_numpy(((rows - rows.mean(0)) / rows.std(0)).astype(np.float32)), member


def test_clumps_stay_apart(clumps):
    latents, member = clumps
    fitted = fit(latents, latents[:, 0], latents[:, 1], seed=3, steps=120)
    place = fitted.place(latents)
    near = nearest_rows(place, 5).numpy()
    assert (member[near] == member[:, None]).mean() > 0.95


def test_the_same_seed_gives_the_same_map(clumps):
    latents, _ = clumps
    one, again, other = (fit(latents, latents[:, 0], latents[:, 1], s, 8) for s in (1, 1, 2))
    assert torch.equal(one.place(latents), again.place(latents))
    assert not torch.allclose(one.place(latents), other.place(latents), atol=0.1)


def test_it_is_turned_and_centred(clumps):
    latents, _ = clumps
    right, up = latents[:, 3], latents[:, 4]
    place = fit(latents, right, up, steps=20).place(latents).double()
    assert place.mean(dim=0).abs().max() < 1e-4
    centred = (right - right.mean()).double()
    assert place[:, 0] @ centred > 0
    assert abs(place[:, 1] @ centred) < 1e-3 * abs(place[:, 0] @ centred)
    assert place[:, 1] @ (up - up.mean()).double() >= 0


def test_it_survives_its_arrays(clumps):
    latents, _ = clumps
    fitted = fit(latents, latents[:, 0], latents[:, 1], steps=3)
    again = LatentMap.from_arrays(fitted.to_arrays())
    assert torch.equal(again.place(latents), fitted.place(latents))
    with pytest.raises(KeyError):
        LatentMap.from_arrays({})


def test_trustworthiness_is_that_of_scikit_learn(clumps, rng):
    latents, _ = clumps
    place = torch.from_numpy(rng.normal(size=(240, 2)).astype(np.float32)) + latents[:, :2]
    expected = manifold.trustworthiness(latents.numpy(), place.numpy(), n_neighbors=10)
    assert trustworthiness(latents, place, 10) == pytest.approx(expected, abs=1e-4)


def test_nearest_rows_leave_out_the_row_itself(rng):
    latents = torch.from_numpy(rng.normal(size=(1100, 4)).astype(np.float32))
    near = nearest_rows(latents, 3)
    assert (near != torch.arange(1100)[:, None]).all()
    distance = torch.cdist(latents[700:701], latents)[0]
    assert near[700].tolist() == distance.argsort()[1:4].tolist()
