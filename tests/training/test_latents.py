"""Latents that the flows learn from: of each image as it is, and of changed ones."""

from dataclasses import replace

import numpy as np
import torch

from galexplorer.datasets import shards
from galexplorer.model.features import scaled_pixel
from galexplorer.model.network import GalaxyModel
from galexplorer.training import latents
from galexplorer.training.config import Config
from galexplorer.training.latents import encode_views
from galexplorer.training.pools import Pools
from galexplorer.training.regressors import left_out

CONFIG = Config(flow_views=2, flow_real_views=3, encoder_width=8, regressors=3, regressor_width=8)


def encoded(pools, config=CONFIG):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = GalaxyModel(config.sizes()).eval()
    return model, encode_views(model, pools, torch.from_numpy(pools.grid), config)


def test_the_first_view_of_an_image_is_the_image(sets):
    sets[0]["kind"][:] = shards.RENDERED
    pools = Pools(sets)
    model, views = encoded(pools)
    rows = np.union1d(pools.real, pools.rendered)
    part = pools.select(rows)
    grid = torch.from_numpy(part["grid"])
    log_scale = torch.from_numpy(scaled_pixel(part["pixel_scale"]))
    with torch.no_grad():
        expected = model.summarise(grid, log_scale, torch.ones(len(rows), dtype=torch.bool))
        unseen_by = left_out(pools, 3)[rows]
        for k in range(3):  # what a regressor learnt from it does not estimate
            mine = np.flatnonzero(unseen_by == k)
            expected.estimate[mine] = model.estimate(grid[mine], log_scale[mine], by=k)
    assert set(unseen_by[np.isin(rows, pools.real)]) == {0, 1, 2}
    assert (unseen_by[np.isin(rows, pools.rendered)] == -1).all()
    for found, want in zip(views.latents, expected, strict=True):
        torch.testing.assert_close(found[views.first[rows]], want, rtol=0.03, atol=0.02)
    assert (views.zoom[views.first[rows]] == 1).all()
    others = np.setdiff1d(np.arange(len(views.zoom)), views.first[rows])
    differ = (views.latents[0][others] != views.latents[0][others - 1]).any(dim=1)
    assert differ.float().mean() > 0.9  # an untrained encoder tells little apart
    assert (views.zoom[others] < 1).mean() > 0.3


def test_real_images_have_views_of_their_own_number(sets):
    pools = Pools(sets)
    _, views = encoded(pools)
    assert (views.number[pools.real] == 3).all()
    assert (views.number[pools.rendered] == 2).all()
    assert (views.number[pools.unlabelled] == 0).all()
    assert len(views.zoom) == 3 * len(pools.real) + 2 * len(pools.rendered)
    rows = np.repeat(pools.real, 50)
    drawn = views.draw(rows, np.random.default_rng(1)) - views.first[rows]
    assert set(drawn) == {0, 1, 2}


def test_views_depend_on_the_seed_alone(sets):
    pools = Pools(sets)
    (_, one), (_, two) = encoded(pools), encoded(pools)
    _, other = encoded(pools, replace(CONFIG, seed=2))
    assert torch.equal(one.latents[0], two.latents[0])
    assert not torch.equal(one.latents[0], other.latents[0])


def test_views_are_kept_for_the_same_encoder_and_images(sets, tmp_path, monkeypatch):
    pools, kept = Pools(sets), tmp_path / "latents.safetensors"
    model, views = encoded(pools)
    grid = torch.from_numpy(pools.grid)
    made = []
    monkeypatch.setattr(
        latents, "encode_views", lambda *inputs: (made.append(1), encode_views(*inputs))[1]
    )
    latents.views_of(model, pools, grid, CONFIG, kept)
    again = latents.views_of(model, pools, grid, CONFIG, kept)
    assert len(made) == 1
    for found, want in zip(again.latents, views.latents, strict=True):
        assert torch.equal(found, want)
    for name in ("first", "number", "zoom"):
        np.testing.assert_array_equal(getattr(again, name), getattr(views, name))
    latents.views_of(model, pools, grid, replace(CONFIG, flow_views=3), kept)
    next(model.encoder.parameters()).data.mul_(1.01)
    latents.views_of(model, pools, grid, replace(CONFIG, flow_views=3), kept)
    next(model.regressors[1].parameters()).data.mul_(1.01)
    latents.views_of(model, pools, grid, replace(CONFIG, flow_views=3), kept)
    assert len(made) == 4
