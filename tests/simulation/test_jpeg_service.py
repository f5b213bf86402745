"""Images as a server hands them out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from galexplorer.image.composite import NONLINEARITY
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.simulation.jpeg_service import (
    JpegService,
    draw_jpeg_service,
    galaxy_zoo_service,
    jpeg_service_of,
    linearise_jpeg,
    mosaic,
    render_jpeg,
)
from galexplorer.simulation.rendering import Galaxy, render

DISC = Galaxy((16.2, 15.6, 15.25), 3.0, 2.4, 0.7, -9.8, 0.0)


@pytest.fixture(scope="module")
def flux() -> np.ndarray:
    return render(DISC, np.random.default_rng(3))


@pytest.mark.parametrize(
    "service",
    [
        JpegService(0.2, 180, mosaic=True, registration_px=0.2),
        galaxy_zoo_service(5.0),
        galaxy_zoo_service(5.0, reduction=3, early=True),
    ],
    ids=["fixed scale", "galaxy zoo", "early and reduced"],
)
def test_light_size_and_colour_survive_the_server(flux, service):
    pixels = render_jpeg(flux, service, np.random.default_rng(6))
    assert pixels.composite.shape == (3, service.side_px, service.side_px)
    found = measure(pixels)
    gains = 2.5 * np.log10(service.gains)
    g, r, i = (found.magnitudes[b] + gain for b, gain in zip("gri", gains, strict=True))
    native = measure(Pixels(flux, 0.396, "fits", ""))
    truth = native.magnitudes
    # the black point takes some, and so does resampling what is compressed
    assert r == pytest.approx(truth["r"], abs=0.25 if service.mosaic else 0.15)
    assert g - r == pytest.approx(truth["g"] - truth["r"], abs=0.08)
    assert r - i == pytest.approx(truth["r"] - truth["i"], abs=0.08)
    assert found.petro_r50 == pytest.approx(native.petro_r50, rel=0.15)


@pytest.mark.parametrize("name", ["sdss_spirals", "gz1_jpeg", "gz2_jpeg"])
def test_a_server_s_own_stretch_is_undone(flux, name):
    """Light, colours and sizes come back as they were, which the SkyServer's stretch misses."""
    service = jpeg_service_of(name, 5.0)
    if service.side_px < 200:
        service = replace(service, side_px=180)
    read = render_jpeg(flux, service, np.random.default_rng(6))
    native = measure(Pixels(flux, 0.396, "fits", ""))
    undone, plain = measure(linearise_jpeg(read, service)), measure(read)
    for band in "gri":  # the black point takes some light, more of it in mosaics
        off = 0.3 if service.mosaic else 0.16
        assert undone.magnitudes[band] == pytest.approx(native.magnitudes[band], abs=off)
    truth, right, wrong = (m.magnitudes["g"] - m.magnitudes["r"] for m in (native, undone, plain))
    assert right == pytest.approx(truth, abs=0.06)
    assert abs(wrong - truth) > 0.12
    assert undone.petro_r50 == pytest.approx(native.petro_r50, rel=0.1)
    if service.mosaic:  # whose bright light is compressed more
        assert plain.petro_r50 > 1.1 * native.petro_r50


def test_a_field_larger_than_the_image_is_cut_to_what_there_is(flux):
    pixels = render_jpeg(flux, JpegService(0.396, 10_000), np.random.default_rng(6))
    assert abs(pixels.flux.shape[1] - flux.shape[1]) <= 1


def test_galaxy_zoo_scales_its_field_with_the_galaxy():
    """Willett et al. 2013: 0.02 Petrosian radii R90 a pixel, 424 pixels."""
    assert galaxy_zoo_service(10.0).scale_arcsec == pytest.approx(0.2)
    assert galaxy_zoo_service(10.0, 3).scale_arcsec == pytest.approx(0.6)
    assert galaxy_zoo_service(10.0).side_px == 424


def test_blank_sky_looks_as_in_real_jpegs(flux):
    """Corners of 150 real images at 0.2": channel means 3 to 4, scatter 2.5 to 3.3, a sixth of
    all pixels zero. Their structure function over one to two and three pixels rises as
    1 : 2.7 : 4.8, which light of galaxies that reaches the corners hardly changes."""
    skies = []
    for seed in range(6):
        pixels = render_jpeg(flux, mosaic(0.2, 200), np.random.default_rng(seed))
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


def test_mosaics_brighten_faint_light_and_compress_bright(flux):
    """Real mosaics show 0.65 mag more r light than the SkyServer's stretch near 24 mag/arcsec2,
    0.8 mag more in g and 0.58 in i, and no more near 21."""
    plain = replace(mosaic(0.2, 120, 90.0), gains=(1.0, 1.0, 1.0), nonlinearity=NONLINEARITY)
    shown, base = (
        np.mean(
            [render_jpeg(flux, s, np.random.default_rng(k)).flux for k in range(4)],
            axis=0,
            dtype=float,
        )
        for s in (mosaic(0.2, 120, 90.0), plain)
    )
    axis = np.arange(120) - 59.5
    radius = 0.2 * np.hypot(axis[:, None], axis)

    def brighter(low, high):
        ring = (radius >= low) & (radius < high)
        level = 22.5 - 2.5 * np.log10(base[1, ring].mean() / 0.2**2)
        gain = 2.5 * np.log10(shown[:, ring].mean(axis=1) / base[:, ring].mean(axis=1))
        return level, gain

    level, gain = brighter(6.5, 8.5)
    assert 23.2 < level < 24.8
    assert gain[1] == pytest.approx(0.65, abs=0.12)
    assert gain[0] - gain[1] == pytest.approx(0.15, abs=0.07)
    assert gain[1] - gain[2] == pytest.approx(0.08, abs=0.06)
    level, core = brighter(0, 1)
    assert level < 20
    assert core[1] < 0.1


@pytest.mark.parametrize("declination", [0.0, 60.0])
def test_mosaics_are_centred_on_rounded_right_ascensions(flux, declination):
    """A step of 0.001 degrees: up to 1.8 arcsec cos(dec) to either side, evenly spread."""
    service = mosaic(0.2, 120, declination)
    x, y = [], []
    for seed in range(40):
        found = measure(render_jpeg(flux, service, np.random.default_rng(seed)))
        x.append(0.2 * (found.x - 59.5))
        y.append(0.2 * (found.y - 59.5))
    reach = 1.8 * np.cos(np.radians(declination))
    assert np.std(x) == pytest.approx(reach / np.sqrt(3), rel=0.25)
    assert reach < np.ptp(x) < 2 * reach + 0.3
    assert np.std(y) < 0.12
    assert np.mean(y) == pytest.approx(0.26, abs=0.1)


def test_a_mosaic_beside_the_middle_stays_on_the_frame(flux):
    """One that wants more than there is loses a strip on both sides and holds no blank one."""
    pixels = render_jpeg(flux, mosaic(0.2, 10_000, 0.0), np.random.default_rng(2))
    side = 0.2 * pixels.flux.shape[1]
    assert 0.396 * flux.shape[1] - 3.6 - 0.2 < side <= 0.396 * flux.shape[1]


def test_sky_of_mosaics_has_the_noise_of_real_ones(flux, data_dir):
    folder = data_dir / "sdss_spirals"
    files = pd.read_csv(folder / "labels.csv").file.sample(60, random_state=5)
    real = [read_image(folder / file, pixel_scale_arcsec=0.2).composite for file in files]
    simulated = [
        render_jpeg(flux, mosaic(0.2, 120), np.random.default_rng(seed)).composite
        for seed in range(20)
    ]

    def noise(images):
        corners = [
            min(
                (c[:, top:, left:][:, :20, :20] for top in (0, 100) for left in (0, 100)),
                key=lambda corner: corner.mean(),
            )
            for c in images
        ]
        return np.median(np.std(corners, axis=(2, 3)), axis=0)

    np.testing.assert_allclose(noise(simulated) / noise(real), 1.0, atol=0.3)


def test_services_are_drawn_alike_from_one_seed():
    one, two = np.random.default_rng(1), np.random.default_rng(1)
    services = [draw_jpeg_service(6.0, 20.0, one) for _ in range(30)]
    assert services == [draw_jpeg_service(6.0, 20.0, two) for _ in range(30)]
    beside = {service.offset_arcsec for service in services if service.mosaic}
    assert list(beside) == pytest.approx([1.8 * np.cos(np.radians(20.0))])
    assert not any(service.offset_arcsec for service in services if not service.mosaic)
