"""From what a user types to a galaxy, against replayed services."""

import bz2
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from sky_replay import CAMCOL, FIELD, HARO25, HARO25_OBJID, RUN, THINGS, paint

from galexplorer.errors import FetchError, TargetError
from galexplorer.image.reader import read_image
from galexplorer.sky.cube import write_fetched
from galexplorer.sky.fetch import fetch_target

POSITION = "162.18416 +26.05369"


def test_a_name_takes_five_requests_and_then_none(replay, settings):
    said = []
    fetched = fetch_target("Haro 25", said.append, settings=settings)
    assert fetched.source == "frames"
    assert fetched.requests == 5  # Sesame, one SQL query, three frames
    assert replay.counts == {"sesame": 1, "skyserver": 1, "sas": 3}
    again = fetch_target("haro  25", settings=settings)
    assert again.requests == 0
    assert sum(replay.counts.values()) == 5
    np.testing.assert_array_equal(fetched.pixels.flux, again.pixels.flux)
    assert said[0] == "Haro 25: read as the name Haro 25"
    assert any("SkyServer" in line for line in said)


@pytest.mark.parametrize("text", [POSITION, str(HARO25_OBJID), "10:48:44.2 +26:03:13.3"])
def test_a_position_and_an_objid_take_four(settings, text):
    fetched = fetch_target(text, settings=settings)
    assert fetched.objid == HARO25_OBJID
    assert fetched.requests == 4  # one SQL query, three frames
    assert fetch_target(text, settings=settings).requests == 0


def test_the_catalogue_values(settings):
    fetched = fetch_target(POSITION, settings=settings)
    assert fetched.photometry.kind == "catalogue"
    assert fetched.photometry.magnitudes["r"] == pytest.approx(15.2 - 0.1)
    assert fetched.photometry.magnitudes["u"] == pytest.approx(15.2 + 1.4 - 0.1)
    assert fetched.photometry.errors["z"] == pytest.approx(0.02)
    assert fetched.photometry.petro_r50 == pytest.approx(0.35 * HARO25.petro_radius)
    assert fetched.truths["redshift"] == pytest.approx(0.0258)
    assert fetched.truths["log_stellar_mass"] == pytest.approx(9.4)
    assert fetched.truths["log_flux_halpha"] == pytest.approx(3.0)
    assert "log_flux_oiii_5007" not in fetched.truths  # below three times its corrected error
    assert fetched.truths["log_bh_mass"] == pytest.approx(8.32 + 5.64 * np.log10(90 / 200))
    assert fetched.subclass == "STARBURST"
    assert set(fetched.truths) < set(fetched.origins)
    assert fetched.origins["photometry"] == "SDSS DR17 model magnitudes, dereddened"
    assert "r 0.100" in fetched.origins["extinction"]
    assert fetched.origins["pixels"] == "SDSS DR17 frames"


def test_what_sdss_lacks_is_absent(settings):
    fetched = fetch_target("162.1810 +26.0333", settings=settings)
    assert fetched.objid == HARO25_OBJID + 1
    assert fetched.truths == {}
    assert fetched.subclass == ""


def test_a_flagged_spectrum_is_left_out(settings):
    fetched = fetch_target("162.30 +25.80", settings=settings, source="legacy")
    assert fetched.truths == {}
    assert any("zWarning" in note for note in fetched.notes)


@pytest.mark.parametrize("source", ["legacy", "hips"])
def test_the_second_sources_are_labelled(replay, settings, source):
    fetched = fetch_target(POSITION, settings=settings, source=source)
    assert fetched.source == source
    assert "smoother noise" in fetched.origins["pixels"]
    assert any("noise is smoother" in note for note in fetched.pixels.notes)
    assert fetched.pixels.pixel_scale_arcsec == pytest.approx(0.396, rel=1e-3)
    assert replay.counts["sas"] == 0
    assert fetched.requests == {"legacy": 2, "hips": 4}[source]
    assert fetch_target(POSITION, settings=settings, source=source).requests == 0
    x, y = fetched.pixels.wcs.world_to_pixel_values(HARO25.ra, HARO25.dec)
    row, column = np.unravel_index(np.argmax(fetched.pixels.flux[1]), fetched.pixels.flux[1].shape)
    assert np.hypot(x - column, y - row) < 1.5


def test_without_the_catalogue_the_second_source_serves(replay, settings):
    replay.faults["skyserver"] = "500"
    fetched = fetch_target(POSITION, settings=settings)
    assert fetched.source == "legacy"
    assert fetched.photometry.kind == "none"
    assert any(note.startswith("No catalogue values: SkyServer") for note in fetched.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "No object is known by the name 'hello'"),
        ("162.17000 25.95000", "is a star in SDSS"),
        ("star", "is a star in SDSS"),
        ("nowhere", "outside its footprint"),
        ("200.0 -60.0", "outside its footprint"),
        ("162.2000 25.9000", "redshift 0.410"),
        ("far", "redshift 0.410"),
        ("162.19000 26.05369", "the nearest lies 19 arcsec away"),
        ("162.17000 25.96000", "no galaxy within"),
        (str(HARO25_OBJID + 77), "SDSS has no object"),
        ("10.68 +91", "Dec of +91"),
    ],
)
def test_what_is_no_galaxy_of_ours(settings, text, words):
    with pytest.raises(TargetError, match=words.replace("+", r"\+")) as caught:
        fetch_target(text, settings=settings)
    assert "\n" not in str(caught.value)


def test_an_objid_without_the_catalogue(replay, settings):
    replay.faults["skyserver"] = "500"
    with pytest.raises(FetchError, match="give the position instead"):
        fetch_target(str(HARO25_OBJID), settings=settings)


def test_nobody_answers(replay, settings):
    for service in ("skyserver", "legacy", "hips"):
        replay.faults[service] = "500"
    with pytest.raises(FetchError, match=r"without SkyServer.*; .*; .*check the network"):
        fetch_target(POSITION, settings=settings)


def test_names_fall_back_on_ned(replay, settings):
    replay.faults["sesame"] = "404"
    assert fetch_target("Haro 25", settings=settings).objid == HARO25_OBJID
    assert replay.counts["ned"] == 1
    replay.faults["ned"] = "500"
    with pytest.raises(FetchError, match=r"could not be looked up.*network"):
        fetch_target("dwarf", settings=settings)


def test_a_cube_is_read_back(settings, tmp_path):
    fetched = fetch_target(POSITION, settings=settings)
    path = tmp_path / "haro25.fits"
    write_fetched(fetched, path)
    pixels = read_image(path)
    np.testing.assert_array_equal(pixels.flux, fetched.pixels.flux)
    assert pixels.pixel_scale_arcsec == pytest.approx(fetched.pixels.pixel_scale_arcsec)
    here = np.array(pixels.wcs.world_to_pixel_values(HARO25.ra, HARO25.dec))
    there = np.array(fetched.pixels.wcs.world_to_pixel_values(HARO25.ra, HARO25.dec))
    np.testing.assert_allclose(here, there, atol=1e-4)
    middle = 0.5 * (pixels.flux.shape[1] - 1)
    assert np.hypot(here[0] - middle, here[1] - middle) < 1


def test_a_galaxy_at_the_edge_gets_the_next_field(replay, settings):
    seam = next(thing for thing in THINGS if thing.name == "seam")
    fetched = fetch_target(f"{seam.ra} {seam.dec}", settings=settings)
    assert replay.counts["sas"] == 6
    assert any("The field after (346) was joined" in note for note in fetched.pixels.notes)
    flux = fetched.pixels.flux
    assert np.isfinite(flux).all()
    expected = paint(fetched.pixels.wcs, flux.shape[1:])
    residual = flux - expected
    inside = expected[1] > 0.5  # the core's curvature is beyond interpolation at a pixel
    assert np.abs(residual[:, ~inside]).max() < 0.15
    place = [float(v) for v in fetched.pixels.wcs.world_to_pixel_values(seam.ra, seam.dec)]
    for band, model in zip(flux, expected, strict=True):
        assert _aperture(band, *place, 25) == pytest.approx(_aperture(model, *place, 25), rel=0.01)
    replay.faults["sas"] = "404"
    assert fetch_target(f"{seam.ra} {seam.dec}", settings=settings).requests == 0


def test_a_missing_neighbour_is_told(replay, settings):
    seam = next(thing for thing in THINGS if thing.name == "seam")
    replay.missing = {FIELD + 1}
    fetched = fetch_target(f"{seam.ra} {seam.dec}", settings=settings)
    assert fetched.source == "frames"
    assert any("could not be retrieved" in note for note in fetched.pixels.notes)
    assert any("beyond the available frames" in note for note in fetched.pixels.notes)
    assert np.isnan(fetched.pixels.flux).any()


def _aperture(image: np.ndarray, x: float, y: float, radius_px: float) -> float:
    """Sum within a circle, on pixels split five by five."""
    steps = (np.arange(5) - 2) / 5
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    inside = sum(
        np.hypot(columns + dx - x, rows + dy - y) < radius_px for dx in steps for dy in steps
    )
    return float(np.nansum(image * inside / 25))


def _centroid(image: np.ndarray, x: float, y: float, radius_px: float) -> tuple[float, float]:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    for _ in range(20):
        weight = np.nan_to_num(image) * np.exp(
            -((columns - x) ** 2 + (rows - y) ** 2) / (0.5 * radius_px**2)
        )
        x, y = (float((weight * axis).sum() / weight.sum()) for axis in (columns, rows))
    return x, y


def test_haro_25_keeps_its_light_and_place(full_replay, full_settings):
    """Against the frames themselves, each band on its own pixels."""
    fetched = fetch_target(POSITION, settings=full_settings)
    scale = fetched.pixels.pixel_scale_arcsec
    assert scale == pytest.approx(0.396, rel=0.002)
    for band, plane in zip("gri", fetched.pixels.flux, strict=True):
        raw = full_replay.sky.frame(f"frame-{band}-{RUN:06d}-{CAMCOL}-{FIELD:04d}.fits.bz2")
        with fits.open(io.BytesIO(bz2.decompress(raw))) as hdus, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # frames have cards of old names
            data, wcs = hdus[0].data, WCS(hdus[0].header)
        x, y = (float(v) for v in wcs.world_to_pixel_values(HARO25.ra, HARO25.dec))
        left, bottom = round(x) - 100, round(y) - 100
        stamp = data[bottom : bottom + 201, left : left + 201]
        there = _centroid(stamp, x - left, y - bottom, 6.0)
        mapped = fetched.pixels.wcs.world_to_pixel_values(
            *wcs.pixel_to_world_values(there[0] + left, there[1] + bottom)
        )
        here = _centroid(plane, *(float(v) for v in mapped), 6.0)
        assert np.hypot(here[0] - mapped[0], here[1] - mapped[1]) < 0.1
        expected = _aperture(stamp, *there, 10 / scale)
        assert _aperture(plane, *here, 10 / scale) == pytest.approx(expected, rel=0.01)
    assert fetched.source == "frames"


def test_the_catalogue_of_the_replay_is_what_the_tests_think():
    assert len({thing.objid for thing in THINGS}) == len(THINGS)
    assert len(str(HARO25_OBJID)) == 19
