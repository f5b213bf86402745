"""Whatever a user has of a galaxy becomes the same observation."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from galexplorer.api.inputs import observe
from galexplorer.errors import InputError, OptionError, TargetError
from galexplorer.image.fits_writer import write_cube
from galexplorer.image.reader import read_image
from galexplorer.query.parse import names_galaxy

MAGNITUDES = {"g": 17.6, "r": 16.8, "i": 16.4}


@pytest.fixture
def files(flux, wcs, tmp_path) -> dict:
    """The galaxy as one cube and as three files, one a band."""
    write_cube(tmp_path / "cube.fits", flux, 0.396, wcs)
    out = {"cube": tmp_path / "cube.fits"}
    for band, plane in zip("gri", flux, strict=True):
        header = wcs.to_header()
        header["BUNIT"], header["FILTER"] = "nanomaggy", band
        out[band] = tmp_path / f"field_{band}.fits"
        fits.PrimaryHDU(plane.astype(np.float32), header).writeto(out[band])
    return out


def test_every_form_of_one_image_is_measured_alike(files, flux, wcs):
    cube = files["cube"]
    bands = {band: files[band] for band in "gri"}
    forms = {
        "path": cube,
        "text": str(cube),
        "bytes": cube.read_bytes(),
        "name and bytes": [(cube.name, cube.read_bytes())],
        "three paths": list(bands.values()),
        "paths by band": bands,
        "array": None,
        "pixels": read_image(cube),
    }
    seen = {
        name: observe(form) if name != "array" else observe(flux, wcs=wcs)
        for name, form in forms.items()
    }
    for name, observation in seen.items():
        assert observation.cutout.ra == pytest.approx(150.0, abs=2e-4), name
        for band in "gri":
            assert observation.photometry.magnitudes[band] == pytest.approx(
                seen["path"].photometry.magnitudes[band], abs=1e-3
            ), name
        np.testing.assert_array_equal(observation.cutout.grid, seen["path"].cutout.grid)
    assert seen["path"].photometry.magnitudes["r"] == pytest.approx(16.0, abs=0.1)


def test_an_array_without_coordinates_needs_a_scale(flux):
    assert observe(flux, pixel_scale=0.396).cutout.ra is None
    with pytest.raises(OptionError, match="give wcs or pixel_scale"):
        observe(flux)


@pytest.mark.parametrize(
    ("shape", "kind"), [((3, 80), float), ((160, 160), float), ((4, 80, 80), float)]
)
def test_arrays_of_other_shapes_are_refused(shape, kind):
    with pytest.raises(InputError, match=r"shape \(3, height, width\)"):
        observe(np.ones(shape, kind), pixel_scale=0.4)


def test_what_is_no_number_is_refused():
    with pytest.raises(InputError, match="give numbers"):
        observe(np.full((3, 80, 80), "x"), pixel_scale=0.4)


def test_a_galaxy_can_be_pointed_at(flux, wcs):
    second = flux + np.roll(flux, (50, 45), axis=(1, 2))
    x, y = 79.5 + 45, 79.5 + 50
    ra, dec = (float(v) for v in wcs.pixel_to_world_values(x, y))
    by_sky = observe(second, wcs=wcs, ra=ra, dec=dec)
    assert by_sky.cutout.ra == pytest.approx(ra, abs=3e-4)
    by_pixel = observe(second, wcs=wcs, pixel=(x, y))
    assert by_pixel.photometry.magnitudes["r"] == pytest.approx(
        by_sky.photometry.magnitudes["r"],
        abs=0.25,  # the part about it is smaller
    )
    with pytest.raises(OptionError, match="not both"):
        observe(second, wcs=wcs, ra=ra, dec=dec, pixel=(x, y))
    with pytest.raises(TargetError, match="lies outside the image"):
        observe(second, wcs=wcs, pixel=(500, 3))


def test_magnitudes_replace_what_is_measured(files):
    seen = observe(files["cube"], magnitudes=MAGNITUDES, errors={"r": 0.02})
    assert seen.photometry.kind == "catalogue"
    assert seen.photometry.magnitudes == MAGNITUDES
    again = observe(seen, magnitudes={"r": 16.0})
    assert again.photometry.magnitudes == {"r": 16.0}
    assert again.cutout is seen.cutout
    assert observe(seen) is seen


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"magnitudes": {"y": 17.0}}, "no band 'y'"),
        ({"magnitudes": {"g": 3.0}}, "magnitude in g is 3"),
        ({"magnitudes": {"g": float("nan")}}, "magnitude in g is nan"),
        ({"magnitudes": MAGNITUDES, "errors": {"u": 0.1}}, "no magnitude"),
        ({"magnitudes": MAGNITUDES, "errors": {"g": -1.0}}, "error in g"),
        ({"magnitudes": MAGNITUDES, "petro_r50": 0.0}, "petro_r50 is 0"),
        ({"magnitudes": MAGNITUDES, "petro_r50": 5.0, "petro_r90": 3.0}, "R90 must be larger"),
        ({"magnitudes": MAGNITUDES, "ra": 10.0}, "both RA and Dec"),
        ({"magnitudes": MAGNITUDES, "ra": 10.0, "dec": 2.0}, "belong to an image"),
        ({"magnitudes": MAGNITUDES, "pixel_scale": 0.4}, "belong to an image"),
    ],
)
def test_what_makes_no_sense_is_refused(given, words):
    with pytest.raises(OptionError, match=words):
        observe(**given)


def test_nothing_is_nothing():
    with pytest.raises(TargetError, match="nothing to infer from"):
        observe()


def test_several_positions_are_a_table(wcs):
    with pytest.raises(InputError, match="infer a table"):
        observe(SkyCoord([1, 2] * u.deg, [3, 4] * u.deg))


def test_wcs_belongs_to_an_array(files, wcs):
    with pytest.raises(OptionError, match="belongs to an array"):
        observe(files["cube"], wcs=wcs)


def test_names_and_files_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "M101").write_text("a file")
    assert not names_galaxy(["M101"])
    assert names_galaxy(["M102"])
    assert names_galaxy(["162.184/26.054"])
    assert not names_galaxy(["images/galaxy"])
    assert not names_galaxy(["galaxy.fits.gz"])
    assert not names_galaxy([])
    assert names_galaxy(["x" * 5000])


def test_what_is_stated_counts_over_the_header(files, flux, wcs):
    plain = observe(files["cube"]).photometry.magnitudes
    brighter = observe(files["cube"], zero_point={"g": 21.5, "r": 21.5, "i": 21.5})
    for band in "gri":
        assert brighter.photometry.magnitudes[band] == pytest.approx(plain[band] - 1, abs=2e-3)
    assert any("although BUNIT is" in note for note in brighter.notes)
    array = observe(flux * 100, wcs=wcs, zero_point=25.0, exposure=10.0)
    assert array.photometry.magnitudes["r"] == pytest.approx(plain["r"], abs=5e-3)
    assert not any("BUNIT" in note for note in array.notes)


def test_masks_and_weights_are_files_of_any_form(flux, wcs, tmp_path):
    spoilt = flux.copy()
    spoilt[:, 20:40] += np.random.default_rng(2).uniform(5, 9, (3, 20, 160))
    write_cube(tmp_path / "spoilt.fits", spoilt, 0.396, wcs)
    bad = np.zeros((160, 160), np.int16)
    bad[20:40] = 4
    fits.PrimaryHDU(bad).writeto(tmp_path / "bad.fits")
    fits.PrimaryHDU((bad == 0).astype(np.float32)).writeto(tmp_path / "weight.fits")
    mask, weight = tmp_path / "bad.fits", (tmp_path / "weight.fits").read_bytes()
    seen = [
        observe(tmp_path / "spoilt.fits", mask=mask),
        observe(tmp_path / "spoilt.fits", mask=dict.fromkeys("gri", str(mask))),
        observe(tmp_path / "spoilt.fits", weight=("w.fits", weight)),
        observe(spoilt, wcs=wcs, mask=mask),
    ]
    for each in seen:
        assert each.photometry.magnitudes["r"] == pytest.approx(16.0, abs=0.1)


def test_a_reddening_is_removed(files):
    plain = observe(files["cube"])
    seen = observe(files["cube"], ebv=0.2)
    # Schlafly & Finkbeiner 2011, table 6, R_V = 3.1
    for band, factor in {"g": 3.303, "r": 2.285, "i": 1.698}.items():
        dust = plain.photometry.magnitudes[band] - seen.photometry.magnitudes[band]
        assert dust == pytest.approx(0.2 * factor, abs=1e-3)
    again = observe(read_image(files["cube"]), ebv=0.2)
    assert again.photometry.magnitudes == pytest.approx(seen.photometry.magnitudes)


def test_a_map_of_dust_needs_a_position(flux, files):
    with pytest.raises(OptionError, match="needs a position"):
        observe(flux, pixel_scale=0.396, deredden=True)
    with pytest.raises(OptionError, match="exclude each other"):
        observe(files["cube"], ebv=0.1, deredden=True)


@pytest.mark.parametrize(
    "given", [{"zero_point": 25.0}, {"exposure": 3.0}, {"mask": b""}, {"ebv": 0.1}]
)
def test_what_says_how_to_read_an_image_needs_one(files, given):
    with pytest.raises(OptionError, match="belong to an image"):
        observe(magnitudes=MAGNITUDES, **given)
    with pytest.raises(OptionError, match="measured already"):
        observe(observe(files["cube"]), **given)
    with pytest.raises(OptionError, match="image of your own"):
        observe("NGC 5332", **given)


def test_an_upper_limit_is_no_flux_with_a_third_of_it_as_error():
    """SDSS gives zero flux in u 24.63 mag; its softening there is 0.14 nanomaggies."""
    seen = observe(magnitudes={"u": "<22.3", "g": 18.0, "r": 17.0}).photometry
    sigma = 10 ** (-0.4 * (22.3 - 22.5)) / 3
    assert seen.magnitudes["u"] == pytest.approx(24.63, abs=0.01)
    assert seen.errors["u"] == pytest.approx(1.0857362 * sigma / 0.28)
    assert seen.magnitudes["r"] == 17.0


@pytest.mark.parametrize(
    ("magnitudes", "errors", "words"),
    [
        ({"u": "<faint"}, None, "an upper limit such as"),
        ({"u": "22.3"}, None, "an upper limit such as"),
        ({"u": "<nan"}, None, "an upper limit such as"),
        ({"u": "<99"}, None, "between 5 and 30"),
        ({"u": "<22.3"}, {"u": 0.1}, "a limit has none"),
    ],
)
def test_limits_that_are_none_are_refused(magnitudes, errors, words):
    with pytest.raises(OptionError, match=words):
        observe(magnitudes={"r": 17.0, **magnitudes}, errors=errors)
