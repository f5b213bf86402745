"""Every bad input has its own sentence, and none gets further than the reader."""

import bz2
import gzip
import io
import os
import struct
import zlib

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from galexplorer.errors import InputError
from galexplorer.fits import bounded
from galexplorer.fits import structure as fits_module
from galexplorer.image import jpeg
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image

THREE_FILES = r"give g, r and i as three files together"
SHAPE_WANTED = r"cube of shape \(3, height, width\)"


def refuses(source, match, **options):
    with pytest.raises(InputError, match=match) as caught:
        read_image(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")


def test_missing_file(tmp_path):
    refuses(tmp_path / "absent.fits", "does not exist")


def test_null_byte_in_a_path():
    refuses("a\0b.fits", "a\N{REPLACEMENT CHARACTER}b.fits (does not exist|cannot be read)")


def test_folder(tmp_path):
    refuses(tmp_path, "not a regular file")


def test_pipe_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    refuses(tmp_path / "pipe.fits", "not a regular file")


def test_empty_file(tmp_path):
    path = tmp_path / "empty.fits"
    path.touch()
    refuses(path, "empty.fits is empty")
    refuses(("empty.fits.gz", gzip.compress(b"")), "empty when unpacked")


@pytest.mark.parametrize(
    "data", [b"galaxy,z\n1,0.02\n" * 40, b"<html><head>503</head></html>", b"PK\x03\x04zip", b"\0"]
)
def test_other_files_named_fits(data):
    refuses(("table.fits", data), "table.fits is not a supported image: give FITS")


def test_text_that_begins_like_fits():
    text = b"SIMPLE  =                    T".ljust(2880) + b"and then words".ljust(2880)
    refuses(("words.fits", text), "truncated inside its header")
    refuses(("short.fits", text[:100]), "truncated inside its header")


@pytest.mark.parametrize("keep", [2880 + 1, 0.5, 0.99])
def test_truncated(keep, rng, write_image):
    data = write_image(rng.standard_normal((3, 64, 64)).astype(np.float32))
    size = keep if isinstance(keep, int) else int(keep * (2880 + 3 * 64 * 64 * 4))
    refuses(("cut.fits", data[:size]), r"cut.fits is truncated: its header declares \d+ bytes")


def test_last_block_without_padding_is_whole(planes, write_image):
    data = write_image(planes)
    bare = data[: 2880 * (len(data) // 2880 - 1) + planes.nbytes % 2880]
    np.testing.assert_array_equal(read_image(bare).flux, planes)


def test_junk_after_the_last_unit_is_left_alone(cube, planes):
    np.testing.assert_array_equal(read_image(cube + b"junk" * 1000).flux, planes)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_damaged_packing(pack, cube):
    packed = bytearray(pack(cube))
    refuses(("cut", bytes(packed[: len(packed) // 2])), "truncated inside its compressed data")
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    refuses(("bad", bytes(packed)), "bad is (damaged|truncated) inside its|damaged FITS")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_bomb_stops_at_the_cap(pack, monkeypatch):
    monkeypatch.setattr(bounded, "MAX_UNPACKED_BYTES", 2_000_000)
    monkeypatch.setattr(bounded, "_CHUNK_BYTES", 1 << 16)
    bomb = pack(bytes(40_000_000))
    assert len(bomb) < 100_000
    refuses(("bomb.fits.gz", bomb), "bomb.fits.gz unpacks to more than 2 MB")


@pytest.mark.parametrize("as_path", [True, False])
def test_large_file(as_path, monkeypatch, tmp_path, cube):
    monkeypatch.setattr(bounded, "MAX_FILE_BYTES", 1_000)
    path = tmp_path / "large.fits"
    path.write_bytes(cube)
    refuses(path if as_path else ("large.fits", cube), "large.fits is larger than")


def test_too_many_pixels(planes, write_image, monkeypatch):
    monkeypatch.setattr(fits_module, "MAX_PIXELS", 24 * 32 - 1)
    refuses(("wide.fits", write_image(planes)), "wide.fits is too large with 32 x 24 pixels")


def test_too_many_images(write_image, monkeypatch):
    monkeypatch.setattr(fits_module, "MAX_PIXELS", 24 * 32)
    refuses(write_image(np.ones((4, 24, 32))), "holds too many large images: keep only g, r and i")


def test_too_few_pixels(write_image):
    refuses(write_image(np.ones((3, 15, 40))), "too small with 40 x 15 pixels: give .* 16 x 16")


def test_long_header(cube):
    card = b"HISTORY nothing".ljust(80)
    head, rest = cube[: cube.index(b"END".ljust(80))], cube[2880:]
    header = head + card * 36 * fits_module.MAX_HEADER_BLOCKS + b"END".ljust(80)
    header += b" " * (-len(header) % 2880)
    refuses(("long.fits", header + rest), "long.fits has a header of more than 737 kB")


def test_many_extensions():
    primary = fits.PrimaryHDU().header.tostring().encode()
    extension = fits.ImageHDU().header.tostring().encode()
    refuses(("many.fits", primary + 100 * extension), "more than 64 extensions")


def header_bytes(*cards: str) -> bytes:
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(2880 * (len(text) // 2880 + 1)).encode()


@pytest.mark.parametrize(
    ("cards", "match"),
    [
        (["BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 900000", "NAXIS2  = 900000"], "truncated"),
        (["BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 99999999999999999999"], "without valid"),
        (["BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = -40", "NAXIS2  = 40"], "without valid"),
        (["BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 40"], "without valid"),
        (["BITPIX  = 12", "NAXIS   = 0"], "without valid"),
        (["BITPIX  = -32"], "without valid"),
        (["BITPIX  = -32", "NAXIS   = 'two'"], "without valid"),
        (["BITPIX  = -32", "NAXIS   = 999999999"], "without valid"),
        (["BITPIX  = -32", "NAXIS   = 0", "GCOUNT  = -1"], "without valid"),
        (["BITPIX  = -32", "NAXIS   = 0"], "holds no image"),
    ],
)
def test_sizes_that_lie(cards, match):
    refuses(("lie.fits", header_bytes("SIMPLE  = T", *cards) + bytes(5760)), match)


def test_astropy_and_the_scan_must_agree(planes, write_image):
    """A second NAXIS1 card must not smuggle another shape past the checks."""
    data = write_image(planes, BANDS="gri")
    lying = data.replace(b"BANDS   = 'gri     '", b"NAXIS1  =      90000", 1)
    assert len(lying) == len(data)
    assert lying != data
    refuses(("two.fits", lying), "two.fits has contradictory NAXIS cards")


def test_single_band(planes, write_image):
    refuses(("one.fits", write_image(planes[0])), f"one.fits holds one band only: {THREE_FILES}")
    refuses(write_image(planes[:1]), THREE_FILES)


def test_frame_alone_is_one_band(planes, sky_header, write_file):
    """An archive's frame: image, calibration vector, tables."""
    frame = write_file(
        fits.PrimaryHDU(planes[0], sky_header(FILTER="g", NMGY=0.004)),
        fits.ImageHDU(np.ones(32, np.float32)),
        fits.BinTableHDU.from_columns([fits.Column("sky", "E", array=np.ones(4))]),
    )
    refuses(("frame.fits", frame), THREE_FILES)
    pixels = read_image({"g": frame, "r": frame.replace(b"'g ", b"'r "), "i": frame})
    assert pixels.flux.shape == planes.shape


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((40,), rf"array of 1 axis \(40\): give a {SHAPE_WANTED}"),
        ((1, 3, 20, 20), rf"array of 4 axes \(1 x 3 x 20 x 20\): give a {SHAPE_WANTED}"),
        ((2, 20, 20), f"2 planes whose bands are not named: give a {SHAPE_WANTED}"),
        ((5, 20, 20), f"5 planes whose bands are not named: give a {SHAPE_WANTED}"),
        ((20, 20, 3), r"planes on the first axis \(NAXIS1 = 3\)"),
        ((20, 3), "too small with 3 x 20 pixels"),
    ],
)
def test_wrong_shapes(shape, match, rng, write_image):
    refuses(write_image(rng.standard_normal(shape).astype(np.float32)), match)


def test_two_images(planes, write_file):
    data = write_file(fits.PrimaryHDU(planes[0]), fits.ImageHDU(planes[1]))
    refuses(data, "2 images whose bands are not named")


def test_other_bands(planes, write_image, sky_header, write_file):
    refuses(
        write_image(planes, BANDS="grz"), rf"holds the bands g, r, z \(card BANDS\): {THREE_FILES}"
    )
    units = [fits.ImageHDU(p, sky_header(), name=n) for n, p in zip("urz", planes, strict=True)]
    refuses(write_file(fits.PrimaryHDU(), *units), "holds the bands u, r, z")


def test_table(write_file):
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(3.0))])
    refuses(write_file(fits.PrimaryHDU(), table), "holds tables and no image")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_band_without_measured_pixels(value, planes, write_image):
    planes[2] = value
    refuses(write_image(planes), r"no measured pixel in band i \(all are NaN\)")


def test_constant_band(planes, write_image):
    planes[1] = 3
    refuses(write_image(planes), "holds no signal in band r")


def test_constant_picture():
    refuses(encode(np.zeros((20, 20, 3))), "holds no signal", pixel_scale_arcsec=0.4)


@pytest.mark.parametrize(
    "unit", ["counts", "adu", "electron/s", "Jy/beam", "K", "10**999999999 Jy"]
)
def test_unknown_unit(unit, planes, write_image):
    refuses(write_image(planes, BUNIT=unit), r"\(card BUNIT\) and no zero point.*: state the zero")


def test_no_pixel_scale(planes, write_image, without_coordinates):
    refuses(write_image(planes, **without_coordinates), "state the pixel scale in arcsec")


def test_pixels_that_are_not_square(planes, write_image):
    refuses(write_image(planes, CD2_2=0.2 / 3600), r'pixels of 0\.396" x 0\.2" that are not square')
    sheared = write_image(planes, CD1_2=0.2 / 3600, CD2_2=0.341 / 3600)
    refuses(sheared, "not square")


def test_implausible_pixel_scale(planes, write_image):
    refuses(write_image(planes, scale_arcsec=400.0), 'has pixels of 400", which no image')


def test_different_shapes_without_coordinates(rng, write_image, without_coordinates):
    shapes = {"g": (24, 32), "r": (24, 30), "i": (24, 32)}
    files = {
        band: (f"{band}.fits", write_image(rng.standard_normal(shape), **without_coordinates))
        for band, shape in shapes.items()
    }
    refuses(files, "g.fits and r.fits differ in shape", pixel_scale_arcsec=0.4)


def test_fields_that_do_not_overlap(planes, write_image):
    files = {band: write_image(p) for band, p in zip("gri", planes, strict=True)}
    files["g"] = ("far.fits", write_image(planes[0], CRVAL1=151.0))
    refuses(files, "far.fits does not overlap")
    files["g"] = ("antipode.fits", write_image(planes[0], CRVAL1=330.0, CRVAL2=-2.0))
    refuses(files, "antipode.fits does not overlap")


def test_bands_of_different_pixel_scales(planes, write_image):
    files = {band: write_image(p) for band, p in zip("gri", planes, strict=True)}
    files["i"] = write_image(planes[2], scale_arcsec=0.1)
    refuses(files, "pixel scales differ by a factor 4.0")


def test_incomplete_mapping(cube):
    refuses({"g": cube, "r": cube}, "Bands given are g, r: give one file each")
    refuses([("g.fits", cube), ("r.fits", cube)], "2 files were given")
    refuses([], "0 files were given")


def test_cube_and_picture_given_as_a_band(cube, planes, write_image):
    one = write_image(planes[0])
    refuses({"g": ("cube.fits", cube), "r": one, "i": one}, "has 3 planes: give a cube alone")
    picture = encode(np.arange(1200).reshape(20, 20, 3))
    refuses({"g": one, "r": picture, "i": one}, "The r image is a colour image: give it alone")


def encode(levels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(levels, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def picture(rng) -> np.ndarray:
    return rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)


def test_picture_without_scale(picture):
    refuses(
        ("a.jpg", encode(picture, "JPEG")), "without a pixel scale: state the pixel scale in arcsec"
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damaged_picture(kind, picture):
    data = encode(picture, kind)
    for size in (12, len(data) // 2):
        refuses(("a.jpg", data[:size]), "truncated|damaged", pixel_scale_arcsec=0.4)


def test_grey_pictures(picture):
    for levels in (picture[..., 0], np.repeat(picture[..., :1], 3, axis=2)):
        refuses(encode(levels), "greyscale image", pixel_scale_arcsec=0.4)


def test_picture_with_transparency(picture):
    opaque = np.concatenate([picture, np.full((40, 50, 1), 255)], axis=2)
    refuses(encode(opaque), "colour mode RGBA", pixel_scale_arcsec=0.4)


def test_picture_sizes(picture, monkeypatch):
    refuses(encode(picture[:10]), "too small with 50 x 10", pixel_scale_arcsec=0.4)
    monkeypatch.setattr(jpeg, "MAX_PIXELS", 1999)
    refuses(encode(picture), "too large", pixel_scale_arcsec=0.4)


@pytest.mark.parametrize("side", [6_000, 12_000, 60_000])
def test_picture_bomb_is_not_decoded(side):
    """Below, between and above the sizes at which Pillow warns and raises."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000)))
    refuses(("bomb.png", data), "bomb.png is too large", pixel_scale_arcsec=0.4)


def survives(source, **options) -> bool:
    """Read; True for pixels, False for our error. Anything else fails the test."""
    try:
        pixels = read_image(source, **options)
    except InputError:
        return False
    assert isinstance(pixels, Pixels)
    assert pixels.flux.shape[0] == 3
    assert pixels.flux.dtype == np.float32
    assert not np.isinf(pixels.flux).any()
    return True


def test_flipped_bytes_of_a_cube(cube, rng):
    """Damage in the header is refused or harmless; nothing but our own error comes out."""
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(cube)
        # Most of the damage goes to the 20 cards that are not blank.
        for position in rng.integers(0, 1600 if rng.random() < 0.9 else len(cube), 3):
            damaged[position] = rng.choice([rng.integers(256), *b"0123456789-'=/ TFE."])
        outcomes.add(survives(("fuzz.fits", bytes(damaged))))
    assert outcomes == {True, False}


def test_flipped_bytes_of_three_files(planes, write_image, rng):
    good = {band: write_image(p, CRPIX1=16.2) for band, p in zip("gri", planes, strict=True)}
    for _ in range(60):
        damaged = bytearray(good["g"])
        for position in rng.integers(0, 1600, 2):
            damaged[position] = rng.choice([rng.integers(256), *b"0123456789-'=/ TFE."])
        survives({**good, "g": bytes(damaged)})


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_flipped_bytes_of_a_picture(kind, picture, rng):
    good = encode(picture, kind)
    for _ in range(100):
        damaged = bytearray(good)
        for position in rng.integers(0, min(len(good), 700), 2):
            damaged[position] = rng.integers(256)
        survives(("fuzz.jpg", bytes(damaged)), pixel_scale_arcsec=0.4)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_flipped_bytes_of_a_packed_cube(pack, cube, rng):
    good = pack(cube)
    for _ in range(40):
        damaged = bytearray(good)
        damaged[rng.integers(2, len(good))] = rng.integers(256)
        survives(("fuzz.fits.gz", bytes(damaged)))
