"""Images as a server hands them out."""

import numpy as np
import pytest

from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.training.rendering import Galaxy, render
from galexplorer.training.serving import Service, draw_service, galaxy_zoo, mosaic, serve

DISC = Galaxy((16.2, 15.6, 15.25), 3.0, 2.4, 0.7, -9.8, 0.0)


@pytest.fixture(scope="module")
def flux() -> np.ndarray:
    return render(DISC, np.random.default_rng(3))


@pytest.mark.parametrize(
    "service",
    [mosaic(0.2, 180), galaxy_zoo(5.0), galaxy_zoo(5.0, reduction=3, early=True)],
    ids=["fixed scale", "galaxy zoo", "early and reduced"],
)
def test_light_size_and_colour_survive_the_server(flux, service):
    pixels = serve(flux, service, np.random.default_rng(6))
    assert pixels.composite.shape == (3, service.side_px, service.side_px)
    found = measure(pixels)
    gains = 2.5 * np.log10(service.gains)
    g, r, i = (found.magnitudes[b] + gain for b, gain in zip("gri", gains, strict=True))
    native = measure(Pixels(flux, 0.396, "fits", ""))
    truth = native.magnitudes
    assert r == pytest.approx(truth["r"], abs=0.15)  # the black point takes some
    assert g - r == pytest.approx(truth["g"] - truth["r"], abs=0.08)
    assert r - i == pytest.approx(truth["r"] - truth["i"], abs=0.08)
    assert found.petro_r50 == pytest.approx(native.petro_r50, rel=0.15)


def test_a_field_larger_than_the_image_is_cut_to_what_there_is(flux):
    pixels = serve(flux, Service(0.396, 10_000), np.random.default_rng(6))
    assert abs(pixels.flux.shape[1] - flux.shape[1]) <= 1


def test_galaxy_zoo_scales_its_field_with_the_galaxy():
    """Willett et al. 2013: 0.02 Petrosian radii R90 a pixel, 424 pixels."""
    assert galaxy_zoo(10.0).scale_arcsec == pytest.approx(0.2)
    assert galaxy_zoo(10.0, 3).scale_arcsec == pytest.approx(0.6)
    assert galaxy_zoo(10.0).side_px == 424


def test_blank_sky_looks_as_in_real_jpegs(flux):
    """Corners of 150 real images at 0.2": channel means 3 to 4, scatter 2.5 to 3.3, a sixth of
    all pixels zero. Their structure function over one to two and three pixels rises as
    1 : 2.7 : 4.8, which light of galaxies that reaches the corners hardly changes."""
    skies = []
    for seed in range(6):
        pixels = serve(flux, mosaic(0.2, 200), np.random.default_rng(seed))
        skies.append(255 * pixels.composite[:, :36, :36])
    sky = np.array(skies)
    assert 2 < sky.mean() < 5
    assert 1.8 < sky.std(axis=(2, 3)).mean() < 3.5
    assert 0.08 < (sky < 0.5).mean() < 0.35
    red = sky[:, 1]
    one, two, three = (
        np.median(((red[..., lag:] - red[..., :-lag]) ** 2).mean(axis=(1, 2))) for lag in (1, 2, 3)
    )
    assert two / one == pytest.approx(2.7, abs=0.5)
    assert three / one == pytest.approx(4.8, abs=1.4)


def test_services_are_drawn_alike_from_one_seed():
    one, two = np.random.default_rng(1), np.random.default_rng(1)
    assert [draw_service(6.0, 20.0, one) for _ in range(9)] == [draw_service(6.0, 20.0, two) for _ in range(9)]
