"""Real images judged by what left them out."""

from dataclasses import replace

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION, select
from galexplorer.errors import DataError, OptionError
from galexplorer.evaluation.baselines import training_folds
from galexplorer.evaluation.prediction import IMAGE, IMAGE_AND_PHOTOMETRY, UGRIZ, predict
from galexplorer.evaluation.run import evaluate, load_folds
from galexplorer.evaluation.samples.images import cross_fitted_samples
from galexplorer.evaluation.samples.sample import HELD_OUT
from galexplorer.evaluation.scoring import Settings, _gain, _predict_mode
from galexplorer.inference.engine import Engine
from galexplorer.model import weights
from galexplorer.model.network import GalaxyModel
from galexplorer.model.sizes import Sizes
from galexplorer.schema import LINE_NAMES, TARGET_NAMES
from galexplorer.training.cross_fit import foundation_of
from galexplorer.training.regressors import fold_of

from .conftest import make_engine

FOLDS = 3


@pytest.fixture
def folder(tmp_path, rng):
    """A set of real images: half with ugriz, a few of unknown scale or without a redshift."""
    size = 90
    arrays = shards.empty(size)
    arrays["grid"][:] = rng.integers(0, 255, (size, 3, 64, 64))
    arrays["has_image"][:] = 1
    arrays["origin"][:] = 2
    arrays["pixel_scale"][5:] = 0.375
    arrays["measured_mag"][:] = rng.normal(17, 0.7, (size, 3))
    arrays["measured_err"][:] = 0.03
    arrays["measured_petro"][:] = [3.1, 8.3]
    arrays["catalogue_mag"][::2] = rng.normal(17, 0.7, (size // 2, 5))
    arrays["targets"][:] = rng.normal(1, 0.3, (size, 9))
    arrays["targets"][:, 0] = rng.uniform(0.02, 0.2, size)
    arrays["label"][:] = 1
    arrays["label"][80:85] = 0
    arrays["line_snr"][:] = rng.uniform(0, 10, (size, 4))
    arrays["position"][:] = rng.uniform(0, 60, (size, 2))
    arrays["split"][:] = rng.choice([TRAIN, VALIDATION, TEST], size, p=[0.6, 0.2, 0.2])
    shards.write_shard(tmp_path / "shard-sdss_spirals.safetensors", arrays)
    shards.write_manifest(tmp_path, {"kind": "real images"})
    return tmp_path


def test_training_rows_are_judged_by_their_fold_and_test_rows_by_none(folder):
    alone, both = cross_fitted_samples(folder, FOLDS)
    split = alone.arrays["split"]
    assert len(split) == 80
    np.testing.assert_array_equal(alone.test, np.flatnonzero(split != VALIDATION))
    for row in alone.test:
        own = fold_of(alone.arrays["position"][row], None, FOLDS)
        assert alone.fold[row] == (own if split[row] == TRAIN else HELD_OUT)
    assert set(both.test) < set(alone.test)
    assert np.isfinite(both.arrays["catalogue_mag"][both.test]).all()


def test_faint_lines_do_not_count(folder):
    _, both = cross_fitted_samples(folder, FOLDS)
    lines = [TARGET_NAMES.index(name) for name in LINE_NAMES]
    bright = both.arrays["line_snr"] >= 3
    np.testing.assert_array_equal(np.isfinite(both.truth[:, lines]), bright)
    assert both.detected is None
    assert np.isfinite(both.truth[:, 1]).all()


def test_boosting_never_learns_from_the_fold_that_it_judges(folder):
    alone, _ = cross_fitted_samples(folder, FOLDS)
    seen = np.zeros(len(alone.test), int)
    for train, judged in training_folds(alone):
        seen += judged
        assert not np.isin(train, alone.test[judged]).any()
        assert (alone.arrays["split"][train] == TRAIN).all()
    assert (seen == 1).all()


def test_each_galaxy_has_the_posterior_of_its_fold(folder):
    whole = make_engine(0.0)
    by_fold = [make_engine(0.1 * (fold + 1)) for fold in range(FOLDS)]
    alone, _ = cross_fitted_samples(folder, FOLDS)
    settings = Settings(draws=20, parents=5)
    columns = list(range(9))
    joint, told = _predict_mode(whole, by_fold, alone, IMAGE, columns, settings)
    assert told is joint
    for fold in (HELD_OUT, *range(FOLDS)):
        place = np.flatnonzero(alone.fold[alone.test] == fold)
        assert len(place) > 3
        rows = alone.test[place]
        own = predict(
            whole if fold == HELD_OUT else by_fold[fold],
            select(alone.arrays, rows), IMAGE, alone.truth[rows], 20, 5,
        )  # fmt: skip
        np.testing.assert_array_equal(joint.draws[place], own.draws)
        np.testing.assert_array_equal(joint.log_density[place], own.log_density)


def test_what_an_image_adds(folder):
    """By hand: the ratio of the errors of the means, and the mean gain of log densities."""
    _, both = cross_fitted_samples(folder, FOLDS)
    pair = [
        _predict_mode(make_engine(s), [], _plain(both), mode, [0, 1], Settings(draws=40))[1]
        for s, mode in ((0.2, IMAGE_AND_PHOTOMETRY), (0.4, UGRIZ))
    ]
    known = both.truth[both.test, 1]
    found = _gain(1, known, *pair, 20)
    errors = [np.sqrt(np.mean((p.draws[:, :, 1].mean(axis=1) - known) ** 2)) for p in pair]
    assert found["rmse_ratio"]["value"] == pytest.approx(errors[0] / errors[1], rel=1e-4)
    gain = (pair[0].log_density - pair[1].log_density)[:, 1]
    assert found["log_score_gain"] == pytest.approx(gain.mean(), rel=1e-4)
    assert found["rows"] == len(known)


def _plain(sample):
    """Return a sample as if nothing were cross-fitted."""
    return replace(sample, fold=None)


def test_folds_belong_to_their_encoder_and_regressors(tmp_path):
    """Flows may differ; another encoder, a fold in another's place or one too few is refused."""
    sizes = Sizes(encoder=8, regressor=8, regressors=2, members=1)
    model = GalaxyModel(sizes)
    weights.save(tmp_path / "whole", model, {})
    engine = Engine(weights.load(tmp_path / "whole", "cpu"))
    fold = GalaxyModel(replace(sizes, regressors=1))
    for k in range(2):
        origin = {"foundation": foundation_of(engine.weights.model), "fold": k, "folds": 2}
        weights.save(tmp_path / "folds" / f"fold-{k}", fold, {"left_out": origin})
    found = load_folds(tmp_path / "folds", engine, "cpu")
    assert [len(part.weights.model.regressors) for part in found] == [1, 1]
    weights.save(tmp_path / "other", GalaxyModel(sizes), {})
    other = Engine(weights.load(tmp_path / "other", "cpu"))
    with pytest.raises(DataError, match="fold-0 is not fold 0 of 2 of these weights"):
        load_folds(tmp_path / "folds", other, "cpu")
    (tmp_path / "folds" / "fold-1").rename(tmp_path / "folds" / "fold-2")
    with pytest.raises(DataError, match="fold-1 is not"):
        load_folds(tmp_path / "folds", engine, "cpu")


def test_folds_without_real_images_are_refused(tmp_path):
    with pytest.raises(OptionError, match="--real"):
        evaluate(folds=tmp_path, data=tmp_path)
