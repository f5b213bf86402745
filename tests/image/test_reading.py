"""What the reader makes of good files: bands, units, scales and coordinates."""

import bz2
import gzip
import hashlib
import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from galexplorer.errors import InputError, OptionError
from galexplorer.image.composite import composite
from galexplorer.image.fits_writer import write_cube
from galexplorer.image.masks import name_band
from galexplorer.image.reader import read_image

BANDS = ("g", "r", "i")


def test_cube(cube, planes):
    pixels = read_image(("cube.fits", cube))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert pixels.flux.dtype == np.float32
    assert pixels.flux.dtype.isnative
    assert pixels.origin == "fits"
    assert pixels.composite is None
    assert pixels.pixel_scale_arcsec == pytest.approx(0.396)
    assert pixels.sha256 == hashlib.sha256(cube).hexdigest()
    assert pixels.notes == ('Pixel scale 0.396" taken from the header.',)
    ra, dec = pixels.wcs.pixel_to_world_values(15.5, 11.5)
    assert (float(ra), float(dec)) == pytest.approx((150.0, 2.0))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_are_told_by_their_bytes(pack, cube, planes):
    packed = pack(cube)
    pixels = read_image(("misnamed.fits", packed))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert pixels.sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize("kind", ["text", "path", "bytes", "list"])
def test_forms_of_a_source(kind, cube, planes, tmp_path):
    path = tmp_path / "cube.fits"
    path.write_bytes(cube)
    source = {"text": str(path), "path": path, "bytes": cube, "list": [path]}[kind]
    np.testing.assert_array_equal(read_image(source).flux, planes)


def test_three_files(planes, write_image):
    files = {band: write_image(plane) for band, plane in zip(BANDS, planes, strict=True)}
    pixels = read_image({"i": files["i"], "g": files["g"], "r": files["r"]})
    np.testing.assert_array_equal(pixels.flux, planes)
    joined = files["g"] + files["r"] + files["i"]
    assert pixels.sha256 == hashlib.sha256(joined).hexdigest()


def test_three_files_whose_names_tell(planes, write_image):
    files = [
        (f"frame-{band}-005112-4-0345.fits", write_image(plane, FILTER="g"))
        for band, plane in zip(BANDS, planes, strict=True)
    ]
    pixels = read_image([files[2], files[0], files[1]])
    np.testing.assert_array_equal(pixels.flux, planes)
    assert "The header of frame-r-005112-4-0345.fits says band g: used as r." in pixels.notes


def test_three_files_whose_headers_tell(planes, write_image):
    files = [
        (f"{k}.fits", write_image(plane, FILTER=f"SDSS {band}'"))
        for k, (band, plane) in enumerate(zip(BANDS, planes, strict=True))
    ]
    np.testing.assert_array_equal(read_image(files[::-1]).flux, planes)


@pytest.mark.parametrize(
    ("first", "cards"),
    [
        ("a", [None, None, None]),  # nobody tells
        ("g", ["r", "g", "i"]),  # names and headers contradict each other
    ],
)
def test_three_files_that_do_not_tell(first, cards, planes, write_image):
    names = [f"{first}.fits", "r.fits" if first == "g" else "b.fits", "i.fits"]
    files = [
        (name, write_image(plane, FILTER=card) if card else write_image(plane))
        for name, card, plane in zip(names, cards, planes, strict=True)
    ]
    with pytest.raises(InputError, match="cannot be inferred from names and headers"):
        read_image(files)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("frame-g-005112-4-0345.fits.bz2", "g"),
        ("ngc6976-r.fits.bz2", "r"),
        ("sdss_i", "i"),
        ("g'", "g"),
        ("R", "r"),
        ("g DECam SDSS c0001 4720.0 1520.0", "g"),
        ("I Zw 18 g.fits", None),
        ("galaxy.fits", None),
        ("", None),
    ],
)
def test_name_band(text, band):
    assert name_band(text) == band


def test_three_extensions_by_name(planes, sky_header, write_file):
    units = [
        fits.ImageHDU(planes[BANDS.index(band)], sky_header(FILTER="g"), name=f"SDSS_{band}")
        for band in "irg"
    ]
    pixels = read_image(write_file(fits.PrimaryHDU(), *units))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert any("holds the bands i, r, g (card EXTNAME)" in note for note in pixels.notes)


def test_three_extensions_in_order(planes, sky_header, write_file):
    units = [fits.ImageHDU(plane, sky_header()) for plane in planes]
    pixels = read_image(("x.fits", write_file(fits.PrimaryHDU(), *units)))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert "x.fits does not name its bands: 3 images taken in the order g, r, i." in pixels.notes


def test_weights_and_tables_are_passed_over(planes, sky_header, write_file):
    units = [
        fits.ImageHDU(plane, sky_header(), name=b) for b, plane in zip(BANDS, planes, strict=True)
    ]
    weights = [fits.ImageHDU(np.ones((24, 32)), name=f"WHT_{band}") for band in BANDS]
    psf = fits.ImageHDU(np.ones((9, 9)), name="KERNEL")
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(3.0))])
    pixels = read_image(write_file(fits.PrimaryHDU(), *units, *weights, psf, table))
    np.testing.assert_array_equal(pixels.flux, planes)


def test_primary_header_speaks_for_extensions(planes, sky_header, write_file):
    shared = sky_header()
    units = [fits.ImageHDU(plane, name=b) for b, plane in zip(BANDS, planes, strict=True)]
    pixels = read_image(write_file(fits.PrimaryHDU(header=shared), *units))
    assert pixels.pixel_scale_arcsec == pytest.approx(0.396)
    assert not any("BUNIT" in note for note in pixels.notes)


def test_named_planes_of_a_cube(rng, write_image):
    ugriz = rng.standard_normal((5, 24, 32)).astype(np.float32)
    pixels = read_image(write_image(ugriz, BANDS="ugriz"))
    np.testing.assert_array_equal(pixels.flux, ugriz[1:4])
    reverse = read_image(write_image(ugriz[3:0:-1], BAND0="i", BAND1="r", BAND2="g"))
    np.testing.assert_array_equal(reverse.flux, ugriz[1:4])


def test_unnamed_cube_is_noted(planes, write_image):
    pixels = read_image(write_image(planes))
    assert any("3 planes taken in the order g, r, i" in note for note in pixels.notes)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("nanomaggy", 1.0),
        ("nanomaggies", 1.0),
        ("nmgy", 1.0),
        ("nMgy", 1.0),
        ("NANOMAGGY", 1.0),
        ("nmgy/pixel", 1.0),
        ("3.631e-6 Jy", 1.0),
        ("Jy", 1 / 3.631e-6),
        ("uJy", 1e-6 / 3.631e-6),
        ("mJy/pix", 1e-3 / 3.631e-6),
        ("erg/s/cm2/Hz", 1e23 / 3.631e-6),
        # 1 MJy/sr is 23.504 uJy per square arcsecond
        ("MJy/sr", 23.5044e-6 / 3.631e-6 * 0.396**2),
        ("nmgy/arcsec2", 0.396**2),
    ],
)
def test_units(unit, factor, planes, write_image):
    pixels = read_image(write_image(planes, BANDS="gri", BUNIT=unit))
    np.testing.assert_allclose(pixels.flux, factor * planes, rtol=2e-5)


def test_missing_unit_is_noted(planes, write_image):
    pixels = read_image(write_image(planes, BUNIT=None))
    np.testing.assert_array_equal(pixels.flux, planes)
    assert "No BUNIT card: values taken as nanomaggies." in pixels.notes


@pytest.mark.parametrize("unit", [None, "counts", "adu", "electron/s"])
def test_zero_point(unit, planes, write_image):
    pixels = read_image(write_image(planes, BUNIT=unit, MAGZERO=25.0))
    # a source of 25 mag has the value 1, and 10^(-0.4 2.5) = 0.1 nanomaggies
    np.testing.assert_allclose(pixels.flux, 0.1 * planes, rtol=1e-6)
    assert any("Zero point 25 mag" in note for note in pixels.notes)


def test_unit_and_zero_point_must_agree(planes, write_image):
    agreeing = read_image(write_image(planes, MAGZERO=22.5))
    np.testing.assert_array_equal(agreeing.flux, planes)
    with pytest.raises(InputError, match="BUNIT = 'nanomaggy', but the card MAGZERO gives"):
        read_image(write_image(planes, MAGZERO=25.0))


def test_stated_scale_wins_and_is_noted(cube):
    pixels = read_image(cube, pixel_scale_arcsec=0.5)
    assert pixels.pixel_scale_arcsec == 0.5
    assert 'Pixel scale 0.5" as stated, although the header says 0.396".' in pixels.notes
    agreeing = read_image(cube, pixel_scale_arcsec=0.4)
    assert 'Pixel scale 0.4" as stated.' in agreeing.notes


def test_stated_scale_without_coordinates(planes, write_image, without_coordinates):
    pixels = read_image(write_image(planes, **without_coordinates), pixel_scale_arcsec=0.7)
    assert pixels.pixel_scale_arcsec == 0.7
    assert pixels.wcs is None


@pytest.mark.parametrize("option", ["pixel_scale_arcsec", "flux_pixel_scale_arcsec"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_scale_out_of_range(option, value, cube):
    with pytest.raises(OptionError, match=r"give arcsec per pixel between 0\.01 and 60"):
        read_image(cube, **{option: value})


SDSS_CARDS = {"NMGY": 0.0046, "RERUN": "301", "TELESCOP": "2.5m"}


def test_interpolated_sdss_frame_is_per_native_pixel(planes, write_image):
    pixels = read_image(write_image(planes, scale_arcsec=1.188, **SDSS_CARDS))
    np.testing.assert_allclose(pixels.flux, 9 * planes, rtol=1e-5)
    assert any(
        'nanomaggies per 0.396" pixel' in note and "multiplied by 9.00" in note
        for note in pixels.notes
    )


def test_stated_flux_scale_overrides_detection(planes, write_image):
    data = write_image(planes, scale_arcsec=1.188, **SDSS_CARDS)
    pixels = read_image(data, flux_pixel_scale_arcsec=1.188)
    np.testing.assert_allclose(pixels.flux, planes, rtol=1e-6)
    assert any("(as stated): multiplied by 1.00" in note for note in pixels.notes)


def test_native_frame_and_foreign_images_keep_their_values(planes, write_image):
    for data in (write_image(planes, **SDSS_CARDS), write_image(planes, scale_arcsec=1.188)):
        np.testing.assert_array_equal(read_image(data).flux, planes)


def test_flux_scale_contradicts_surface_brightness(planes, write_image):
    with pytest.raises(OptionError, match="leave the flux pixel scale out"):
        read_image(write_image(planes, BUNIT="MJy/sr"), flux_pixel_scale_arcsec=0.396)


def test_unmeasured_pixels_are_nan(planes, write_image):
    planes[0, 3, 4], planes[1, 5, 6], planes[2, 7, 8] = np.nan, np.inf, -np.inf
    flux = read_image(write_image(planes)).flux
    assert np.argwhere(np.isnan(flux)).tolist() == [[0, 3, 4], [1, 5, 6], [2, 7, 8]]
    np.testing.assert_array_equal(flux[np.isfinite(planes)], planes[np.isfinite(planes)])


def test_scaled_integers_with_blank(write_image):
    counts = np.arange(3 * 24 * 32, dtype=np.int16).reshape(3, 24, 32)
    data = write_image(counts, BSCALE=0.5, BZERO=10.0, BLANK=7)
    flux = read_image(data).flux
    stored = fits.getdata(io.BytesIO(data))
    np.testing.assert_allclose(flux, stored, rtol=1e-6)


def test_values_beyond_float32_are_unmeasured(planes, write_image):
    wide = planes.astype(np.float64)
    wide[0, 0, 0] = 1e300
    assert np.isnan(read_image(write_image(wide)).flux[0, 0, 0])


def test_cards_that_astropy_mends_do_not_warn(planes, write_image):
    pixels = read_image(write_image(planes, RADECSYS="ICRS", **{"DATE-OBS": "31/12/99"}))
    assert pixels.wcs is not None


@pytest.mark.parametrize(
    "cards", [{"A_ORDER": 5000, "CTYPE1": "RA---TAN-SIP"}, {"CPDIS1": "LOOKUP"}, {"WCSAXES": 5000}]
)
def test_unreadable_coordinates_are_ignored_with_a_note(cards, planes, write_image):
    pixels = read_image(write_image(planes, **cards), pixel_scale_arcsec=0.396)
    assert pixels.wcs is None
    assert any("cannot be read and are ignored" in note for note in pixels.notes)


@pytest.mark.parametrize("with_wcs", [True, False])
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_written_cube_reads_back(with_wcs, suffix, planes, sky_header, tmp_path):
    planes[0, 2, 2] = np.nan
    wcs = WCS(sky_header(scale_arcsec=0.25)) if with_wcs else None
    path = tmp_path / f"cube{suffix}"
    write_cube(path, planes, 0.25, wcs, {"OBJECT": "rendered", "SEED": (3, "random seed")})
    pixels = read_image(path)
    np.testing.assert_array_equal(pixels.flux, planes)
    assert pixels.pixel_scale_arcsec == pytest.approx(0.25)
    assert pixels.notes == ('Pixel scale 0.25" taken from the header.',)
    assert (pixels.wcs is not None) == with_wcs
    assert fits.getheader(path)["OBJECT"] == "rendered"
    if with_wcs:
        for corner in ((0, 0), (31, 23)):
            np.testing.assert_allclose(
                pixels.wcs.pixel_to_world_values(*corner),
                wcs.pixel_to_world_values(*corner),
                rtol=1e-12,
            )


def test_cube_of_wrong_shape_is_not_written(planes, tmp_path):
    with pytest.raises(ValueError, match=r"expected \(3, height, width\)"):
        write_cube(tmp_path / "cube.fits", planes[:2], 0.396)


def encode(levels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, kind)
    return buffer.getvalue()


def test_composite_as_png(planes):
    scale = 0.3
    channels = composite(0.05 * planes, scale)
    levels = np.round(255 * channels).astype(np.uint8).transpose(1, 2, 0)
    data = encode(levels, "PNG")
    pixels = read_image(("NGC 1.png", data), pixel_scale_arcsec=scale)
    assert pixels.origin == "jpeg"
    assert pixels.wcs is None
    assert pixels.sha256 == hashlib.sha256(data).hexdigest()
    np.testing.assert_allclose(pixels.composite, channels, atol=0.51 / 255)
    assert pixels.composite.dtype == np.float32
    # One of 255 levels is about a percent of these pixels.
    np.testing.assert_allclose(pixels.flux, 0.05 * planes, rtol=0.06)
    assert pixels.notes[0] == (
        "8-bit SDSS colour composite: faint levels are quantised and clipped at zero."
    )


def test_composite_as_jpeg_keeps_the_order_of_rows():
    levels = np.zeros((32, 40, 3), np.uint8)
    levels[:16, :, 0] = 200
    levels[16:, :, 2] = 100
    pixels = read_image(encode(levels, "JPEG"), pixel_scale_arcsec=0.4)
    assert pixels.composite.shape == (3, 32, 40)
    assert pixels.composite[0, 4].mean() > 0.7
    assert pixels.composite[2, 28].mean() > 0.3
    assert pixels.flux[2, 4].mean() > pixels.flux[0, 4].mean()  # red is i


def test_flux_scale_contradicts_composite():
    levels = np.zeros((32, 40, 3), np.uint8)
    levels[:, 20:, 0] = 200
    with pytest.raises(OptionError, match="leave the flux pixel scale out"):
        read_image(encode(levels, "PNG"), pixel_scale_arcsec=0.4, flux_pixel_scale_arcsec=0.396)
