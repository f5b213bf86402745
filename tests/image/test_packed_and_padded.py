"""Tile-compressed files within bounds, and headers padded with NUL."""

import gzip
import io

import numpy as np
import pytest
from astropy.io import fits

from galexplorer.errors import InputError
from galexplorer.fits import structure
from galexplorer.image.reader import read_image


@pytest.fixture
def pack(sky_header, write_file):
    """Make a tile-compressed file: ``pack(array, algorithm, **options)``."""

    def write(array, algorithm: str, cards=None, **options) -> bytes:
        header = sky_header(**(cards or {"BANDS": "gri"}))
        unit = fits.CompImageHDU(array, header, compression_type=algorithm, **options)
        return write_file(fits.PrimaryHDU(), unit)

    return write


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compressed_numbers(algorithm, dtype, planes, pack):
    pixels = read_image(pack(planes.astype(dtype), algorithm))
    # the quantisation that fpack chooses is a sixteenth of the noise
    np.testing.assert_allclose(pixels.flux, planes, atol=0.1 / 16)


@pytest.mark.parametrize(
    ("algorithm", "dtype"),
    [("RICE_1", np.int16), ("RICE_1", np.int32), ("RICE_1", np.uint16), ("GZIP_2", np.int64)],
)
def test_compressed_whole_numbers(algorithm, dtype, planes, pack):
    data = np.round(1000 * planes).astype(dtype)
    cards = {"BANDS": "gri", "BUNIT": None, "MAGZERO": 30.0}
    flux = read_image(pack(data, algorithm, cards)).flux
    np.testing.assert_allclose(flux, data / 1000, rtol=1e-6)


def test_compressed_without_loss_and_with_blanks(planes, pack):
    planes[:, :5, :5] = np.nan
    np.testing.assert_array_equal(read_image(pack(planes, "GZIP_1", quantize_level=0)).flux, planes)


def test_three_compressed_extensions_and_a_packed_file(planes, sky_header, write_file):
    units = [
        fits.CompImageHDU(p, sky_header(), name=b, compression_type="GZIP_2", quantize_level=0)
        for b, p in zip("gri", planes, strict=True)
    ]
    data = gzip.compress(write_file(fits.PrimaryHDU(), *units))
    np.testing.assert_array_equal(read_image(data).flux, planes)


@pytest.mark.parametrize("algorithm", ["HCOMPRESS_1", "PLIO_1"])
def test_algorithms_that_trust_their_stream(algorithm, pack):
    data = pack(np.arange(24 * 32, dtype=np.int32).reshape(24, 32), algorithm)
    with pytest.raises(InputError, match=rf"{algorithm} \(card ZCMPTYPE\): unpack it with funpack"):
        read_image(data)


def edit(data: bytes, card: str, value: int) -> bytes:
    start = data.index(f"{card:8}=".encode())
    return data[:start] + f"{card:8}= {value:20d}".encode() + data[start + 30 :]


@pytest.mark.parametrize(
    ("card", "value", "match"),
    [
        ("ZNAXIS1", 10_000_000, "contradictory cards of tile compression"),
        ("ZTILE1", 10_000_000, "contradictory cards"),
        ("ZTILE1", 0, "contradictory cards"),
        ("ZNAXIS", 900_000_000, "contradictory cards"),
        ("ZNAXIS3", 900_000, "contradictory cards"),
        ("ZBITPIX", 12, "contradictory cards"),
        ("ZVAL1", 0, "contradictory cards"),  # the decoder would never end
        ("PCOUNT", 10**15, "truncated"),
        ("THEAP", 10**9, "damaged"),
    ],
)
def test_sizes_that_lie(card, value, match, planes, pack):
    data = pack(planes, "RICE_1")
    if card == "THEAP":
        data = data.replace(b"GCOUNT  =                    1", b"THEAP   =           1000000000")
    else:
        data = edit(data, card, value)
    with pytest.raises(InputError, match=match):
        read_image(data)


def test_unpacked_size_is_capped(planes, pack, monkeypatch):
    monkeypatch.setattr(structure, "MAX_PIXELS", 24 * 32 - 1)
    with pytest.raises(InputError, match="too large with 32 x 24 pixels"):
        read_image(pack(planes, "RICE_1"))


def test_tile_that_is_a_bomb(planes, pack):
    """A tile of a few kilobytes must not unpack to a gigabyte."""
    bomb = gzip.compress(bytes(50_000_000))
    data = pack(planes, "GZIP_1", quantize_level=0, tile_shape=(1, 24, 32))
    with fits.open(io.BytesIO(data), disable_image_compression=True) as hdus:
        table = hdus[1]
        start = table._data_offset
        rows = table.header["NAXIS1"] * table.header["NAXIS2"]
        heap = table.header["PCOUNT"]
    descriptor = np.array([len(bomb), 0], ">i4").tobytes()
    body = bytearray(data[start : start + rows]) + bomb
    body[: len(descriptor)] = descriptor
    lying = edit(data[:start], "PCOUNT", len(bomb)) + bytes(body)
    assert len(bomb) > heap
    lying += bytes(-len(lying) % 2880)
    with pytest.raises(InputError, match="tile that unpacks to more than its pixels"):
        read_image(lying)


def test_tiles_that_share_bytes(planes, pack):
    data = pack(planes, "GZIP_1", quantize_level=0)
    start = data.index(b"END".ljust(80), 2880) // 2880 * 2880 + 2880
    first = data[start : start + 8]
    with fits.open(io.BytesIO(data), disable_image_compression=True) as hdus:
        width, count = hdus[1].header["NAXIS1"], hdus[1].header["NAXIS2"]
        huge = np.array([hdus[1].header["PCOUNT"], 0], ">i4").tobytes()
    shared = bytearray(data)
    assert len(first) == 8
    for row in range(count):
        shared[start + row * width : start + row * width + 8] = huge
    with pytest.raises(InputError, match=r"inside its tiles|more than its pixels"):
        read_image(bytes(shared))


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_2"])
def test_flipped_bytes(algorithm, planes, pack, rng):
    good = pack(planes, algorithm)
    for _ in range(150):
        damaged = bytearray(good)
        for position in rng.integers(2880, len(good), 4):
            damaged[position] = rng.choice([rng.integers(256), *b"0123456789-' TF"])
        try:
            assert read_image(bytes(damaged)).flux.shape == planes.shape
        except InputError:
            continue


def test_header_padded_with_nul(cube, planes):
    end = cube.index(b"END".ljust(80))
    padded = cube[: end + 3] + bytes(2880 - (end + 3) % 2880) + cube[2880:]
    assert len(padded) == len(cube)
    pixels = read_image(padded)
    np.testing.assert_array_equal(pixels.flux, planes)
    assert pixels.wcs is not None


def test_values_padded_with_nul(planes, write_image):
    data = write_image(planes, BANDS="gri").replace(b"'gri     '", b"'gri\0\0\0\0\0'")
    np.testing.assert_array_equal(read_image(data).flux, planes)


@pytest.mark.parametrize("number", [10**8, 2**64])
def test_a_table_of_tiles_that_promises_too_many_columns_is_refused_at_once(number, planes, pack):
    """What reads tables counts up to that number, in memory."""
    content = pack(planes.astype(np.float32), "RICE_1")
    at = content.index(b"TFIELDS =")
    damaged = content[:at] + f"TFIELDS = {number:>20}".ljust(80).encode() + content[at + 80 :]
    with pytest.raises(InputError, match="TFIELDS"):
        read_image(("tiles.fits", damaged))
