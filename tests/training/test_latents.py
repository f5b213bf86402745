"""Latents that the flows learn from: of each image as it is, and of changed ones."""

from dataclasses import replace

import numpy as np
import torch

from galexplorer.datasets import shards
from galexplorer.model.features import scaled_log_pixel_size
from galexplorer.model.network import GalaxyModel
from galexplorer.training import latents
from galexplorer.training.config import Config
from galexplorer.training.latents import encode_views
from galexplorer.training.regressors import cross_fitting_folds
from galexplorer.training.training_data import TrainingData

CONFIG = Config(flow_views=2, flow_real_views=3, encoder_width=8, regressors=3, regressor_width=8)


def encoded(training_data, config=CONFIG):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = GalaxyModel(config.sizes()).eval()
    return model, encode_views(model, training_data, torch.from_numpy(training_data.grid), config)


def test_the_first_view_of_an_image_is_the_image(sets):
    sets[0]["kind"][:] = shards.RENDERED
    training_data = TrainingData(sets)
    model, views = encoded(training_data)
    rows = np.union1d(training_data.real, training_data.rendered)
    part = training_data.select(rows)
    grid = torch.from_numpy(part["grid"])
    log_scale = torch.from_numpy(scaled_log_pixel_size(part["pixel_scale"]))
    with torch.no_grad():
        expected = model.summarise(grid, log_scale, torch.ones(len(rows), dtype=torch.bool))
        unseen_by = cross_fitting_folds(training_data, 3)[rows]
        for k in range(3):  # what a regressor learnt from it does not estimate
            mine = np.flatnonzero(unseen_by == k)
            expected.estimate[mine] = model.estimate(grid[mine], log_scale[mine], by=k)
    assert set(unseen_by[np.isin(rows, training_data.real)]) == {0, 1, 2}
    assert (unseen_by[np.isin(rows, training_data.rendered)] == -1).all()
    for found, want in zip(views.latents, expected, strict=True):
        torch.testing.assert_close(found[views.first[rows]], want, rtol=0.03, atol=0.02)
    assert (views.zoom[views.first[rows]] == 1).all()
    others = np.setdiff1d(np.arange(len(views.zoom)), views.first[rows])
    differ = (views.latents[0][others] != views.latents[0][others - 1]).any(dim=1)
    assert differ.float().mean() > 0.9  # an untrained encoder tells little apart
    assert (views.zoom[others] < 1).mean() > 0.3


def test_real_images_have_views_of_their_own_number(sets):
    training_data = TrainingData(sets)
    _, views = encoded(training_data)
    assert (views.number[training_data.real] == 3).all()
    assert (views.number[training_data.rendered] == 2).all()
    assert (views.number[training_data.unlabelled] == 0).all()
    assert len(views.zoom) == 3 * len(training_data.real) + 2 * len(training_data.rendered)
    rows = np.repeat(training_data.real, 50)
    drawn = views.draw(rows, np.random.default_rng(1)) - views.first[rows]
    assert set(drawn) == {0, 1, 2}


def test_views_depend_on_the_seed_alone(sets):
    training_data = TrainingData(sets)
    (_, one), (_, two) = encoded(training_data), encoded(training_data)
    _, other = encoded(training_data, replace(CONFIG, seed=2))
    assert torch.equal(one.latents[0], two.latents[0])
    assert not torch.equal(one.latents[0], other.latents[0])


def test_views_are_kept_for_the_same_encoder_and_images(sets, tmp_path, monkeypatch):
    training_data, kept = TrainingData(sets), tmp_path / "latents.safetensors"
    model, views = encoded(training_data)
    grid = torch.from_numpy(training_data.grid)
    made = []
    monkeypatch.setattr(
        latents, "encode_views", lambda *inputs: (made.append(1), encode_views(*inputs))[1]
    )
    latents.load_or_encode_views(model, training_data, grid, CONFIG, kept)
    again = latents.load_or_encode_views(model, training_data, grid, CONFIG, kept)
    assert len(made) == 1
    for found, want in zip(again.latents, views.latents, strict=True):
        assert torch.equal(found, want)
    for name in ("first", "number", "zoom"):
        np.testing.assert_array_equal(getattr(again, name), getattr(views, name))
    latents.load_or_encode_views(model, training_data, grid, replace(CONFIG, flow_views=3), kept)
    next(model.encoder.parameters()).data.mul_(1.01)
    latents.load_or_encode_views(model, training_data, grid, replace(CONFIG, flow_views=3), kept)
    next(model.regressors[1].parameters()).data.mul_(1.01)
    latents.load_or_encode_views(model, training_data, grid, replace(CONFIG, flow_views=3), kept)
    assert len(made) == 4
