"""What goes wrong is what its name says, and the same seed makes the same image."""

import numpy as np
import pytest

from galexplorer.image.pixels import Pixels
from galexplorer.image.quality import NAMES, image_quality
from galexplorer.screening import corruptions

SCALE = 0.396


@pytest.fixture
def disc(rng) -> Pixels:
    y, x = np.mgrid[:120, :120] - 59.5
    shape = np.exp(-np.hypot(x, 1.5 * y) / 7)
    flux = np.array([20.0, 40.0, 60.0])[:, None, None] * shape / shape.sum()
    return Pixels((flux + rng.normal(0, 0.01, flux.shape)).astype("f4"), SCALE, "fits", "")


def quality(pixels: Pixels) -> dict[str, float]:
    levels = corruptions.as_picture(pixels).composite
    native = (255 * np.clip(levels, 0, 1)).astype(np.uint8)
    return dict(zip(NAMES, image_quality(native, pixels.pixel_scale_arcsec, 10.0), strict=True))


def test_a_picture_and_its_linear_image_are_one(disc):
    picture = corruptions.as_picture(disc)
    assert picture.origin == "jpeg"
    again = corruptions.as_linear(picture)
    assert again.origin == "fits"
    bright = disc.flux > 0.02
    assert np.median(again.flux[bright] / disc.flux[bright]) == pytest.approx(1, abs=0.05)


def test_each_corruption_does_what_it_says(disc, rng):
    np.testing.assert_array_equal(corruptions.swap_bands(disc).flux, disc.flux[::-1])
    np.testing.assert_allclose(corruptions.scale_flux(disc, 10).flux, 10 * disc.flux, rtol=1e-6)
    assert corruptions.mistake_scale(disc, 2).pixel_scale_arcsec == 2 * SCALE
    assert corruptions.narrow_psf(disc).flux.shape == (3, 60, 60)
    wide = corruptions.widen_psf(disc, rng)
    assert wide.flux[:, 59:61, 59:61].mean() < disc.flux[:, 59:61, 59:61].mean()
    cut = corruptions.cut_off(disc, 5, rng)
    assert cut.flux.size < 0.3 * disc.flux.size
    trail = corruptions.draw_trail(disc, rng)
    assert trail.flux.max() > disc.flux.max()


def test_resampled_pictures_keep_their_field_and_light(disc):
    picture = corruptions.as_picture(disc)
    again = corruptions.resample(picture, 0.5)
    assert again.flux.shape == (3, 60, 60)
    assert again.pixel_scale_arcsec == pytest.approx(2 * SCALE)
    assert again.flux.sum() == pytest.approx(picture.flux.sum(), rel=0.1)


def test_stars_noise_and_drawings_are_reproducible():
    gri = np.array([14.6, 14.0, 13.8])
    for make in (
        lambda rng: corruptions.star(rng, gri, False),
        lambda rng: corruptions.star(rng, gri - 6, True),
        corruptions.noise,
        corruptions.drawing,
    ):
        first, second = (make(np.random.default_rng(5)).flux for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(first).all()


def test_a_star_has_its_magnitude():
    pixels = corruptions.star(np.random.default_rng(2), np.array([16.0, 15.5, 15.3]), False)
    total = pixels.flux.sum(axis=(1, 2))
    assert -2.5 * np.log10(total[1]) + 22.5 == pytest.approx(15.5, abs=0.3)


def test_quality_sees_sharpness_saturation_and_edges(disc):
    plain, blurred = quality(disc), quality(corruptions.widen_psf(disc, np.random.default_rng(0)))
    assert blurred["core_lag_0.8"] < plain["core_lag_0.8"]
    assert quality(corruptions.scale_flux(disc, 1000))["saturated"] > plain["saturated"] + 0.2
    swapped = quality(corruptions.swap_bands(disc))
    assert swapped["colour_ir_disc"] == pytest.approx(-plain["colour_rg_disc"], abs=0.4)
    levels = corruptions.as_picture(disc).composite.copy()
    levels[:, :, :30] = 0
    native = (255 * np.clip(levels, 0, 1)).astype(np.uint8)
    edge = dict(zip(NAMES, image_quality(native, SCALE, 10.0), strict=True))
    assert edge["blank_side"] == pytest.approx(0.25)
    assert plain["blank_side"] == 0
