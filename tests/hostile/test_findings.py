"""What fuzzing and thinking found: each was a hang, a crash or gigabytes once."""

import gzip
import hashlib
import io
import time

import fuzz
import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import seeds
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, Table
from astropy.time import Time

from galexplorer.api.inputs import observe
from galexplorer.catalogue import read_catalogue
from galexplorer.errors import GalexplorerError, InputError, TargetError, WeightsError
from galexplorer.inference.engine import Engine
from galexplorer.query.parse import parse_target
from galexplorer.tables.cells import numbers_of
from galexplorer.tables.footer import count_values

DEADLY = (101092,)  # cases of the fuzzer
HUGE = "10**99999999 Jy"


def refuses(content: bytes, name: str, words: str) -> None:
    """It must be quick and take no memory to speak of."""
    fuzz._reset_peak()
    before, begun = fuzz._resident("VmRSS"), time.process_time()
    with pytest.raises(InputError, match=words):
        read_catalogue(content, name=name)
    assert time.process_time() - begun < fuzz.MAX_SECONDS
    assert fuzz._resident("VmHWM") - before < 2**29


def written(table: pa.Table, **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def test_equal_values_that_pack_to_nothing():
    columns = {f"r{k}": np.zeros(1_000_000) for k in range(40)} | {"r": np.full(1_000_000, 17.0)}
    table = pa.table(columns)
    buffer = io.BytesIO()
    feather.write_feather(table, buffer, compression="zstd", chunksize=1_000_000)
    assert len(buffer.getvalue()) < 100_000
    refuses(buffer.getvalue(), "a.feather", "unpacks to more than 256 MiB")
    refuses(written(table), "a.parquet", "unpacks to more than 256 MiB")


def test_one_long_text_for_many_rows():
    texts = pa.DictionaryArray.from_arrays(np.zeros(8000, np.int32), ["x" * 200_000])
    table = pa.table({"id": texts, "r": np.full(8000, 17.0)})
    refuses(written(table, store_schema=False), "a.parquet", "unpacks to more than")


def test_one_row_with_a_long_list():
    table = pa.table({"v": pa.array([np.zeros(2**25 + 1)], pa.list_(pa.float64())), "r": [17.0]})
    refuses(written(table), "a.parquet", "unpacks to more than")


def test_nested_columns_are_left_out_unread():
    table = pa.table({"r": [17.0, 18.0], "v": [{"a": 1}, {"a": 2}], "t": [["a"], ["b", "c"]]})
    catalogue = read_catalogue(written(table), name="a.parquet")
    assert len(catalogue) == 2
    assert any("left out: v, t" in note for note in catalogue.notes)


def test_a_parquet_footer_that_pyarrow_dies_of():
    """An exception of C++ that its own `column` does not pass on ended the process."""
    names = [name for name in seeds.tables() if name.endswith(".parquet")]
    for case in DEADLY:
        outcome = fuzz.run_case("table", case)
        assert outcome.kind != "fault", outcome.words
    for name in names:
        stream = io.BytesIO(seeds.tables()[name])
        counts = count_values(stream)
        metadata = pq.ParquetFile(stream).metadata
        group = metadata.row_group(0)
        own = {group.column(k).path_in_schema.split(".")[0]: group.column(k).num_values
               for k in range(group.num_columns)}  # fmt: skip
        assert counts == own


def test_packed_text():
    packed = gzip.compress(b"r,g\n" + b"17,18\n" * 8_000_000, 9)
    refuses(packed, "a.csv.gz", "unpacks to more than 32 MiB")


def test_packed_image():
    packed = gzip.compress(seeds.images()["cube.fits"] + bytes(200_000_000), 9)
    with pytest.raises(InputError, match="unpacks to more than 100 MB"):
        observe(("a.fits.gz", packed))


def test_a_feather_file_whose_offsets_leave_its_buffers():
    """Such a file ended the process: no error of Python's at all."""
    table = pa.table({"id": pa.array(["a", "b", "c"]), "r": [17.0, 18.0, 19.0]})
    buffer = io.BytesIO()
    feather.write_feather(table, buffer, compression="uncompressed")
    content = buffer.getvalue()
    offsets = np.array([0, 1, 2, 3], np.int32).tobytes()
    assert content.count(offsets) == 1
    for wild in ([0, 2**30, 2, 3], [0, 1, -5, 3], [2**31 - 1] * 4):
        refuses(
            content.replace(offsets, np.array(wild, np.int32).tobytes()), "a.feather", "damaged"
        )


def test_a_footer_that_points_elsewhere_is_not_followed():
    content = seeds.tables()["rows.feather"]
    at = content.rindex(b"ARROW1")
    assert len(read_catalogue(content[: at - 200] + bytes(200) + content[at:], name="a.feather"))


@pytest.mark.parametrize("unit", [HUGE, "10+99999999 Jy", "7**(-99999999)", "1e999999999 Jy"])
def test_powers_that_a_parser_would_compute(unit):
    field = '<FIELD name="%s" datatype="double" unit="%s"/>'
    votable = (
        f"<VOTABLE><RESOURCE><TABLE>{field % ('r', 'mag')}{field % ('f', unit)}<DATA><TABLEDATA>"
        "<TR><TD>17</TD><TD>1</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    refuses(votable.encode(), "a.vot", "states a unit")
    disguised = votable.replace("99999999", "9&#57;999999")
    refuses(disguised.encode(), "a.vot", "states a unit") if disguised != votable else None
    head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: r, datatype: float64}\n"
    for own in (f"unit: '{unit}'", f'"un\\x69t": "{unit}"'):
        ecsv = f"{head}# - {{name: f, datatype: float64, {own}}}\nr f\n17 1\n"
        refuses(ecsv.encode(), "a.ecsv", "states a unit")
    columns = [fits.Column("r", "D", array=np.full(3, 17.0)),
               fits.Column("f", "D", array=np.ones(3), unit=unit)]  # fmt: skip
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(buffer)
    refuses(buffer.getvalue(), "a.fits", "unit that cannot be read")
    assert len(read_catalogue(f"r,f\nmag,{unit}\n17,1\n".encode(), name="a.csv"))


def test_headers_of_yaml_are_bounded():
    head = b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: r, datatype: float64}\n"
    refuses(
        head + b"# meta: [" + b"a, " * 200_000 + b"a]\nr\n17\n", "a.ecsv", "header of more than"
    )
    refuses(head + b"# meta: " + b"[" * 200_000 + b"\nr\n17\n", "a.ecsv", "cannot be read")
    meta = {b"table_meta_yaml": b"datatype: []\nmeta: [" + b"a, " * 200_000 + b"a]"}
    table = pa.table({"r": [17.0]}).replace_schema_metadata(meta)
    refuses(written(table), "a.parquet", "header of more than")


@pytest.mark.parametrize("ends", [b"a: &a [*a]", b"a: &a {b: *a}", b"a: &a [[[1, *a]], 2]"])
def test_headers_of_yaml_that_refer_to_themselves(ends):
    head = b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: r, datatype: float64}\n# meta:\n#   "
    refuses(head + ends + b"\nr\n17\n", "a.ecsv", "repeats itself")


def test_headers_of_yaml_that_grow_with_each_alias():
    """Ten lists, each ten times the one before: ten thousand million entries as JSON."""
    lists = ["a0: &a0 [1]"]
    lists += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 11)]
    head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: r, datatype: float64}\n# meta:\n"
    ecsv = head + "".join(f"#   {own}\n" for own in lists) + "r\n17\n"
    refuses(ecsv.encode(), "a.ecsv", "repeats itself")
    few = head + "".join(f"#   {own}\n" for own in lists[:4]) + "r\n17\n"
    assert len(read_catalogue(few.encode(), name="a.ecsv")) == 1  # as YAML's writers make them


def test_columns_of_ecsv_that_are_no_times_or_angles():
    table = Table({"r": [17.0], "t": Time([58000.0], format="mjd", scale="utc")})
    written_text = io.StringIO()
    table.write(written_text, format="ascii.ecsv")
    ecsv = written_text.getvalue()
    assert len(read_catalogue(ecsv.encode(), name="a.ecsv")) == 1
    refuses(ecsv.replace("scale: utc", "scale: xtc").encode(), "a.ecsv", "cannot be read")
    table = Table({"r": [17.0], "place": SkyCoord([10.0], [20.0], unit="deg")})
    written_text = io.StringIO()
    table.write(written_text, format="ascii.ecsv")
    infinite = written_text.getvalue().replace("10.0", "inf")
    read_catalogue(infinite.encode(), name="a.ecsv")  # without a warning


def test_a_field_without_id_and_name():
    votable = (
        b'<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD datatype="double"/><DATA><TABLEDATA>'
        b"<TR><TD>17</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    with pytest.raises(InputError):
        read_catalogue(votable, name="a.vot")


@pytest.mark.parametrize("promise", ["NAXIS   =  999999999999", "NAXIS   = +99999999999999999999",
                                     "TFIELDS =     100000000"])  # fmt: skip
def test_a_table_that_promises_too_many_axes_or_columns(promise):
    content = seeds.tables()["rows.fits"]
    at = content.rindex(promise[:8].encode())
    damaged = content[:at] + promise.ljust(80).encode() + content[at + 80 :]
    refuses(damaged, "a.fits", "cannot be read")


@pytest.mark.parametrize("number", ["18446744073709551616", "100000000"])
def test_an_image_in_tiles_that_promises_too_many_columns(number):
    """It took all memory there is."""
    content = seeds.images()["tiles.fits"]
    at = content.index(b"TFIELDS =")
    damaged = content[:at] + f"TFIELDS = {number:>20}".ljust(80).encode() + content[at + 80 :]
    with pytest.raises(InputError, match="TFIELDS"):
        observe(("tiles.fits", damaged))


def test_coordinates_that_lead_nowhere():
    content = seeds.images()["cube.fits"]
    for card, value in ((b"EQUINOX", b"1e308"), (b"CTYPE2", b"'FREQ    '")):
        at = content.index(card) if card in content else content.index(b"BANDS")
        line = (card.ljust(8) + b"= " + value.rjust(20)).ljust(80)
        damaged = content[:at] + line + content[at + 80 :]
        assert observe(("cube.fits", damaged), pixel_scale=0.396).cutout is not None


def test_digits_without_end_in_a_position():
    begun = time.process_time()
    with pytest.raises(TargetError, match="cannot be read"):
        parse_target(f"-2/{'0' * 150}-4")
    assert time.process_time() - begun < 1.0


def test_columns_without_number_of_one_name():
    names = ",".join("redshift" + " " * k for k in range(180))
    with pytest.raises(InputError, match="180 columns that could be 'redshift'") as caught:
        read_catalogue(f"{names}\n{','.join(['0.1'] * 180)}\n".encode(), name="list.csv")
    assert len(str(caught.value)) < 400


def test_nans_that_signal():
    content = seeds.images()["cube.fits"]
    signal = np.array([0x7FA00000], ">u4").tobytes()
    damaged = content[:2880] + signal * 2 + content[2888:]
    assert observe(("cube.fits", damaged)).cutout is not None


def test_nans_that_signal_in_a_column():
    """What a conversion warns of."""
    signal = np.array([0x7FA00000, 0], np.uint32).view(np.float32)
    signal[1] = 17.0
    values, unreadable = numbers_of(Column(signal, name="r"), "r", "the table")
    np.testing.assert_array_equal(values, [np.nan, 17.0])
    assert not unreadable.any()


def test_messages_hold_nothing_that_steers_a_terminal():
    with pytest.raises(InputError, match="its columns are") as caught:
        read_catalogue(b"a\x1b[2Jb,c\n1,2\n", name="a.csv")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(TargetError) as refused:
        parse_target("\udcff\udcfe")
    assert str(refused.value).encode()
    assert str(GalexplorerError("a\x1b[31m\x00b\nc")) == "a\ufffd[31m\ufffdb\nc"


def test_a_flipped_bit_in_any_file_of_the_weights(weights_dir, tmp_path):
    """Each file has its own sentence; the report card is read by those who show it."""
    from galexplorer.model.weights import read_report_card

    files = {path.name: path.read_bytes() for path in weights_dir.iterdir() if path.is_file()}
    assert len(files) >= 5
    rng = np.random.default_rng(4)
    told = {}
    for name, content in files.items():
        for other, whole in files.items():
            (tmp_path / other).write_bytes(whole)
        changed = bytearray(content)
        if name == "manifest.json":  # a bit of the hash that it states
            digest = hashlib.sha256(files["model.safetensors"]).hexdigest().encode()
            changed[content.index(digest) + 3] ^= 1
        else:
            changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
        (tmp_path / name).write_bytes(bytes(changed))
        read = read_report_card if name == "report_card.json" else Engine.load
        with pytest.raises(WeightsError) as caught:
            read(tmp_path)
        told[name] = str(caught.value)
    for name in set(files) - {"manifest.json"}:
        assert name in told[name]
    # the file that is named has not the hash that the manifest now states
    assert "model.safetensors" in told["manifest.json"]
