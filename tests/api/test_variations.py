"""Moves along the main directions of latent space: what they are, and what follows from them."""

import numpy as np
import pytest

import galexplorer as gx
from galexplorer.api.variations import LEAST_CORRELATION, MEASURES, find_directions, vary
from galexplorer.errors import OptionError
from galexplorer.resources import bundled


@pytest.fixture(scope="module")
def engine(weights_dir) -> gx.Engine:
    return gx.load()


@pytest.fixture(scope="module")
def directions(engine):
    told = []
    found = find_directions(engine, told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)
    return found


@pytest.fixture(scope="module")
def spiral():
    return gx.observe(bundled("assets/examples/spiral.fits.gz"))


def test_directions_are_components_named_by_what_varies(engine, directions):
    names = [direction.name for direction in directions]
    assert len(set(names)) == len(names) >= 3
    assert set(names) <= set(MEASURES)
    assert all(direction.correlation >= LEAST_CORRELATION for direction in directions)
    shares = [direction.share for direction in directions]
    assert shares == sorted(shares, reverse=True)
    steps = np.array([direction.step for direction in directions], float)
    unit = steps / np.linalg.norm(steps, axis=1)[:, None]
    assert unit @ unit.T == pytest.approx(np.eye(len(steps)), abs=1e-5)
    latents = engine.library.latents.numpy().astype(float)
    spread = (latents @ unit.T).std(axis=0, ddof=1)
    assert spread == pytest.approx(np.linalg.norm(steps, axis=1), rel=1e-4)
    # the largest share, from another algorithm
    singular = np.linalg.svd(latents - latents.mean(axis=0), compute_uv=False) ** 2
    assert shares[0] == pytest.approx(singular[0] / singular.sum(), rel=1e-5)


def test_a_galaxy_that_is_not_moved_is_itself(engine, directions, spiral):
    same = vary(engine, spiral, directions, {}, draws=500)
    plain = engine.infer(spiral, draws=500)
    for name in ("redshift", "log_stellar_mass"):
        near, far = (np.median(r.posterior.column(name)) for r in (same.result, plain))
        assert abs(near - far) < 0.2 * plain.posterior.column(name).std()
    assert np.array_equal(same.picture, plain.view.reconstruction)
    assert "no observation" in same.result.notes[0]


def test_redder_is_redder_and_brighter_is_brighter(engine, directions, spiral):
    ends = [vary(engine, spiral, directions, {"colour": m}, draws=500) for m in (-2.0, 2.0)]
    red_to_blue = [float(v.picture[..., 0].mean() / v.picture[..., 2].mean()) for v in ends]
    assert red_to_blue[1] > red_to_blue[0]
    g_i = [v.result.photometry.magnitudes["g"] - v.result.photometry.magnitudes["i"] for v in ends]
    assert g_i[1] > g_i[0] + 0.2
    rates = [np.median(v.result.posterior.column("log_sfr")) for v in ends]
    masses = [np.median(v.result.posterior.column("log_stellar_mass")) for v in ends]
    assert rates[1] - masses[1] < rates[0] - masses[0]
    bright = vary(engine, spiral, directions, {"brightness": 2.0}, draws=500)
    assert bright.result.photometry.magnitudes["r"] < spiral.photometry.magnitudes["r"] - 0.5


def test_a_galaxy_of_the_library_is_moved_too(engine, directions):
    stored = engine.library.observe(7)
    same = vary(engine, stored, directions, {}, draws=200)
    assert np.array_equal(same.picture, engine.describe([7])[0].thumbnail)
    assert same.result.neighbours


@pytest.mark.parametrize("moves", [{"taste": 1.0}, {"colour": 9.0}, {"colour": float("nan")}])
def test_no_move_and_no_picture_are_refused(engine, directions, spiral, moves):
    with pytest.raises(OptionError):
        vary(engine, spiral, directions, moves)
    with pytest.raises(OptionError, match="image"):
        vary(engine, gx.observe(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}), directions, {})
