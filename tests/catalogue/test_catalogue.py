"""Tables in: every format the same, nothing lost, nothing guessed, nothing hostile let through."""

import bz2
import gzip
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from galexplorer.catalogue import TABLE_SUFFIXES, read_catalogue, write_table
from galexplorer.errors import InputError, OptionError

SUFFIXES = (".csv", ".ecsv", ".parquet", ".fits", ".vot", ".xml")


@pytest.fixture
def table(rng) -> Table:
    n = 40
    table = Table({"id": [f"J{k:04d}" for k in range(n)]})
    table["ra"] = rng.uniform(0, 360, n)
    table["dec"] = rng.uniform(-90, 90, n)
    for band, centre in zip("ugriz", (19, 17.5, 17, 16.5, 16.2), strict=True):
        missing = rng.random(n) < 0.2
        table[band] = MaskedColumn(rng.normal(centre, 0.5, n), mask=missing)
        table[f"err_{band}"] = rng.uniform(0.01, 0.1, n)
    table["redshift"] = MaskedColumn(rng.uniform(0.01, 0.2, n), mask=rng.random(n) < 0.5)
    table["petro_r50"] = rng.uniform(1, 9, n)
    table["petro_r90"] = rng.uniform(9, 20, n)
    table["ra"].unit = table["dec"].unit = "deg"
    return table


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_reads_the_same(table, tmp_path, suffix):
    path = tmp_path / f"galaxies{suffix}"
    write_table(table, path)
    catalogue = read_catalogue(path)
    assert len(catalogue) == len(table)
    assert list(catalogue.id) == list(table["id"])
    np.testing.assert_allclose(catalogue.ra, table["ra"])
    np.testing.assert_allclose(catalogue.dec, table["dec"])
    for k, band in enumerate("ugriz"):
        expected = table[band].filled(np.nan)
        np.testing.assert_allclose(catalogue.magnitudes[:, k], expected)
        errors = np.where(np.isnan(expected), np.nan, table[f"err_{band}"])
        np.testing.assert_allclose(catalogue.errors[:, k], errors)
    np.testing.assert_allclose(catalogue.redshift, table["redshift"].filled(np.nan))
    np.testing.assert_allclose(catalogue.petro_r90, table["petro_r90"])
    assert np.isnan(catalogue.pixel_scale).all()
    assert set(catalogue.image) == set(catalogue.flags) == {""}
    assert catalogue.notes == ()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("suffix", [".csv", ".fits"])
def test_packed(table, tmp_path, suffix, pack):
    plain = tmp_path / f"plain{suffix}"
    write_table(table, plain)
    packed = tmp_path / f"packed{suffix}.gz"
    packed.write_bytes(pack(plain.read_bytes()))
    np.testing.assert_array_equal(read_catalogue(packed).ra, read_catalogue(plain).ra)


def test_formats_are_told_by_content(table, tmp_path):
    path = tmp_path / "galaxies.dat"
    write_table(table, tmp_path / "galaxies.parquet")
    (tmp_path / "galaxies.parquet").rename(path)
    assert len(read_catalogue(path)) == len(table)


def test_sentinels_are_missing_and_impossible_values_are_flagged(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "id,ra,dec,u,g,r,i,z,redshift\n"
        "a,99,-9999,-9999,-999,-99.9,99,0,\n"
        "b,99,0,null,NaN,,1e20,17.5,-9999\n"
        "c,400,95,31.5,-3,16.1,1_7,n/a,0.7\n"
        "d,1,2,eighteen,inf,16.1,17,18,0.1\n",
    )
    catalogue = read_catalogue(path)
    assert np.isnan(catalogue.magnitudes[:2]).sum() == 9
    assert catalogue.magnitudes[1, 4] == 17.5
    np.testing.assert_array_equal(catalogue.ra, [99, 99, np.nan, 1])
    np.testing.assert_array_equal(catalogue.dec, [np.nan, 0, np.nan, 2])
    # a redshift that is stated counts, whether the model knows galaxies so far or not
    np.testing.assert_array_equal(catalogue.redshift, [np.nan, np.nan, 0.7, 0.1])
    assert list(catalogue.flags[:2]) == ["", ""]
    assert set(catalogue.flags[2].split(";")) == {
        "out_of_range:ra",
        "out_of_range:dec",
        "out_of_range:u",
        "out_of_range:g",
        "unreadable:i",
    }
    assert set(catalogue.flags[3].split(";")) == {"unreadable:u", "unreadable:g"}
    assert np.isnan(catalogue.magnitudes[3, :2]).all()
    assert any("of u are not numbers" in note for note in catalogue.notes)


def test_radii_that_contradict_each_other_are_left_out(tmp_path):
    path = write(
        tmp_path / "t.csv", "r,petro_r50,petro_r90\n17,2,5\n17,5,2\n17,3,3\n17,,2\n17,4,\n"
    )
    catalogue = read_catalogue(path)
    np.testing.assert_array_equal(catalogue.petro_r50, [2, np.nan, np.nan, np.nan, 4])
    np.testing.assert_array_equal(catalogue.petro_r90, [5, np.nan, np.nan, 2, np.nan])
    assert list(catalogue.flags) == ["", *["inconsistent:radii"] * 2, "", ""]
    assert any(note.startswith("2 of 5 rows") for note in catalogue.notes)


def test_single_precision_sentinels(tmp_path):
    path = tmp_path / "t.fits"
    Table({"r": np.array([-99.9, 17], dtype="f4")}).write(path)
    catalogue = read_catalogue(path)
    assert np.isnan(catalogue.magnitudes[0]).all()
    assert list(catalogue.flags) == ["", ""]


def test_integers_and_nulls(tmp_path):
    frame = pd.DataFrame({"id": [1237648720693755918, 2], "r": [17, 18], "g": ["18.5", None]})
    frame.to_parquet(tmp_path / "t.parquet")
    catalogue = read_catalogue(tmp_path / "t.parquet")
    assert list(catalogue.id) == ["1237648720693755918", "2"]
    np.testing.assert_array_equal(catalogue.magnitudes[:, 2], [17, 18])
    np.testing.assert_array_equal(catalogue.magnitudes[:, 1], [18.5, np.nan])


def test_masks_beside_their_columns(tmp_path):
    column = MaskedColumn([17.0, 18.0], mask=[False, True])
    Table({"r": column, "id": MaskedColumn(["a", "b"], mask=[True, False])}).write(
        tmp_path / "t.parquet"
    )
    catalogue = read_catalogue(tmp_path / "t.parquet")
    np.testing.assert_array_equal(catalogue.magnitudes[:, 2], [17, np.nan])
    assert list(catalogue.id) == ["0", "b"]
    assert catalogue.notes == ()


def test_rows_are_kept_in_order_whatever_they_hold(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "# from a server\nid,g,r\nsame,18,17\nsame,18,16\n\n,,\nshort,18\nlong,18,17,16\n"
        'comma,18,17,\n"two\nlines",18,17\n',
    )
    catalogue = read_catalogue(path)
    assert list(catalogue.id) == ["same", "same", "2", "short", "4", "comma", "two\nlines"]
    assert list(catalogue.flags) == ["", "", "", "ragged_row", "ragged_row", "", ""]
    np.testing.assert_array_equal(
        catalogue.magnitudes[:, 2], [17, 16, np.nan, np.nan, np.nan, 17, 17]
    )


def test_many_rows_cross_the_pieces(tmp_path):
    n = 120_001
    rows = "".join(f"{k},{15 + k % 5}\n" for k in range(n))
    catalogue = read_catalogue(write(tmp_path / "t.csv", "id,r\n" + rows))
    assert len(catalogue) == n
    assert catalogue.id[-1] == str(n - 1)
    np.testing.assert_array_equal(catalogue.magnitudes[:, 2], 15 + np.arange(n) % 5)


def test_column_names(tmp_path):
    catalogue = read_catalogue(write(tmp_path / "a.csv", " ID ,R,modelMag_g,Err_R\n7,17,18,.1\n"))
    assert catalogue.id[0] == "7"
    assert catalogue.magnitudes[0, 2] == 17
    assert catalogue.errors[0, 2] == 0.1
    assert np.isnan(catalogue.magnitudes[0, 1])
    assert "not used: modelMag_g (and none is called u, g, i, z)." in catalogue.notes[0]
    exact = read_catalogue(write(tmp_path / "b.csv", "R,r\n15,17\n"))
    assert exact.magnitudes[0, 2] == 17
    for header in ("R,R", "r,r", "\u212a,R , R"):
        with pytest.raises(InputError, match="2 columns that could be 'r'"):
            read_catalogue(write(tmp_path / "c.csv", f"{header}\n15,17,1\n"))


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators_are_told_by_the_header(tmp_path, mark):
    text = '# remarks, with a comma\nid|g|r\n"M 101|Pinwheel, a spiral"|17.5|16.8\nB|17.1|\n'
    catalogue = read_catalogue(write(tmp_path / "t.csv", text.replace("|", mark)))
    assert list(catalogue.id) == [f"M 101{mark}Pinwheel, a spiral", "B"]
    np.testing.assert_array_equal(catalogue.magnitudes[:, 1:3], [[17.5, 16.8], [17.1, np.nan]])


def test_a_band_without_a_column_is_said(tmp_path):
    catalogue = read_catalogue(write(tmp_path / "t.csv", "u,g,r_mag,i,z\n19,17.5,16.8,16.4,16.2\n"))
    assert catalogue.notes == ("Columns that were not used: r_mag (and none is called r).",)


def test_no_usable_column_names_those_expected(tmp_path):
    path = write(tmp_path / "t.csv", "id,ra,dec,psfMag_r\n1,2,3,17\n")
    with pytest.raises(InputError, match=r"u, g, r, i, z .* or image.*psfMag_r"):
        read_catalogue(path)


@pytest.mark.parametrize("values", [(0.01, 0.3), (0.2, -9999), (1.5, 0)])
def test_a_column_z_of_redshifts_is_read_as_such_and_said(tmp_path, values):
    rows = "\n".join(f"17,{value}" for value in values)
    catalogue = read_catalogue(write(tmp_path / "t.csv", f"r,z\n{rows}\n"))
    assert np.isnan(catalogue.magnitudes[:, 4]).all()
    assert catalogue.redshift[0] == values[0]
    assert "Column z was read as redshifts, not as magnitudes in z" in catalogue.notes[0]


def test_a_z_column_without_values_is_fine(tmp_path):
    assert len(read_catalogue(write(tmp_path / "t.csv", "r,z\n17,\n16,-9999\n17,0\n"))) == 3


def test_images_are_found_beside_the_table(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "tables", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "a.jpg").touch()
    monkeypatch.chdir(elsewhere)
    path = write(
        folder / "t.csv", f"image,pixel_scale\na.jpg,0.4\n,\nb.jpg,-1\n{'x' * 5000},1\na\x01,2\n"
    )
    catalogue = read_catalogue(path)
    assert list(catalogue.image[:3]) == [str(folder / "a.jpg"), "", "b.jpg"]
    np.testing.assert_array_equal(catalogue.pixel_scale, [0.4, np.nan, np.nan, 1, 2])
    assert catalogue.flags[2] == "out_of_range:pixel_scale"


BOMB = """<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<VOTABLE><RESOURCE><TABLE><FIELD name="r" datatype="double"/><DATA><TABLEDATA>
<TR><TD>&c;</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
REMOTE = """<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE>
<FIELD name="r" datatype="double"/><DATA><BINARY><STREAM encoding="none"
 href="file:///etc/passwd"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>"""
HUGE = """<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE nrows="99999999999999">
<FIELD name="r" datatype="double"/><DATA><TABLEDATA><TR><TD>17</TD></TR></TABLEDATA></DATA>
</TABLE></RESOURCE></VOTABLE>"""
ROWS = "".join(f"{k},{15 + k % 5}.5\n" for k in range(1000))


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("empty.csv", b"", "is empty"),
        ("empty.csv.gz", gzip.compress(b""), "is empty"),
        ("comments.csv", b"# nothing\n", "none of the columns"),
        ("header.csv", b"id,r\n", "has no rows"),
        ("garbage.csv", bytes(range(256)) * 20, "not what its .csv says"),
        ("garbage.fits", b"SIMPLE  =" + bytes(range(256)) * 40, "cannot be read"),
        ("garbage.parquet", b"PAR1" + bytes(range(256)) * 20, "cannot be read"),
        ("garbage.gz", b"\x1f\x8b" + bytes(range(256)), "cannot be read"),
        ("text.fits", b"id,r\n1,17\n", "not what its .fits says"),
        ("text.ecsv", b"id r\n1 17\n", "not what its .ecsv says"),
        ("late.csv", b"id,r\n" + ROWS.encode() + b"1,\0\n", "not text"),
        ("giant.csv", b"id,r\n" + b"1" * 3_000_000, "line of more than"),
        ("field.csv", b'id,r\n"' + b"1\n" * 200_000, "cannot be read"),
        ("wide.csv", b",".join(b"c%d" % k for k in range(3000)), "columns: keep"),
        ("header.ecsv", b"# %ECSV 1.0\n" + b"# - a\n" * 300_000, "header of more than"),
        ("yaml.ecsv", b"# %ECSV 1.0\n# ---\n# datatype: [!!python/object:os.x {}]\nr\n1\n", "read"),
        ("page.xml", b"<html><head><title>502</title></head></html>", "cannot be read|without"),
        ("bomb.vot", BOMB.encode(), "entities"),
        ("bomb16.vot", b"<" + BOMB.encode("utf-16"), "UTF-8"),
        ("remote.vot", REMOTE.encode(), "data elsewhere"),
        ("huge.vot", HUGE.encode(), "rows: split"),
        ("cut.vot", HUGE.replace("99999999999999", "1").encode()[:-60], "cannot be read"),
    ],
)
def test_hostile_files_give_one_sentence(tmp_path, name, content, match):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=match) as caught:
        read_catalogue(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 500


def test_a_gzip_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("galexplorer.tables.bounds.MAX_BYTES", 2**20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 2**24))
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        read_catalogue(path)


def test_too_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("galexplorer.tables.bounds.MAX_ROWS", 10)
    with pytest.raises(InputError, match="more than 10 rows"):
        read_catalogue(write(tmp_path / "t.csv", "id,r\n" + ROWS))


@pytest.mark.parametrize("suffix", [".parquet", ".fits", ".ecsv"])
def test_damaged_files(table, tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(table, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    try:
        assert len(read_catalogue(path)) <= len(table)
        assert suffix == ".ecsv"  # half of a text is a shorter text
    except InputError as error:
        assert "cannot be read" in str(error)  # noqa: PT017


def test_fits_without_a_table(tmp_path):
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(np.zeros((3, 50, 50), "f4")).writeto(path)
    with pytest.raises(InputError, match="without a table"):
        read_catalogue(path)


def test_fits_whose_last_card_is_full(tmp_path):
    path = tmp_path / "t.fits"
    table = fits.BinTableHDU(Table({"r": [17.0, 18.0]}))
    table.header["COMMENT"] = "x" * 72
    table.writeto(path)
    assert b"x" * 72 + b"END" in path.read_bytes()
    np.testing.assert_array_equal(read_catalogue(path).magnitudes[:, 2], [17, 18])


def test_fits_with_an_endless_header(tmp_path):
    path = tmp_path / "t.fits"
    card = b"COMMENT nothing".ljust(80)
    path.write_bytes(b"SIMPLE  =                    T".ljust(80) + card * 36 * 600)
    with pytest.raises(InputError, match="FITS header too long"):
        read_catalogue(path)


def test_vectors_are_refused(tmp_path):
    path = tmp_path / "t.fits"
    Table({"r": np.ones((4, 5))}).write(path)
    with pytest.raises(InputError, match="one plain value"):
        read_catalogue(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_catalogue(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_catalogue(tmp_path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_tables_keep_values_units_and_provenance(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    table = Table({"id": ["a", "é"], "redshift_p50": [0.1, np.nan], "inside": [True, False]})
    table["redshift_p50"].unit = "mag"
    table.meta["provenance"] = {"weights": "0" * 64, "options": {"seed": 3}}
    write_table(table, path)
    kind = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".parquet": "parquet"}
    back = Table.read(path, format=kind.get(suffix, "fits" if suffix == ".fits" else "votable"))
    np.testing.assert_array_equal(np.ma.filled(back["redshift_p50"], np.nan), table["redshift_p50"])
    assert [str(value) for value in back["inside"]] == ["True", "False"]
    if suffix == ".fits":
        assert list(back["id"]) == ["a", "\\xe9"]
        assert json.loads(back.meta["GXMETA"]) == table.meta
    else:
        assert list(back["id"]) == ["a", "é"]
    if suffix in {".ecsv", ".parquet"}:
        assert back.meta["provenance"] == table.meta["provenance"]
    if suffix in {".vot", ".xml"}:
        assert "GXMETA" in path.read_text()
    if suffix != ".csv":
        assert str(back["redshift_p50"].unit) == "mag"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_table(tmp_path, table, monkeypatch):
    path = tmp_path / "t.ecsv"
    write_table(table, path)
    before = path.read_bytes()

    def fill_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Table, "write", fill_disk)
    with pytest.raises(InputError, match="No space left"):
        write_table(table[:3], path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_unknown_formats_are_refused(tmp_path, table):
    with pytest.raises(OptionError, match="no known suffix"):
        write_table(table, tmp_path / "t.xlsx")
    with pytest.raises(OptionError, match="does not exist"):
        write_table(table, tmp_path / "none" / "t.csv")
    assert set(TABLE_SUFFIXES) >= set(SUFFIXES)


# --- forms and hostile files of the newer kinds -------------------------------------------------


@pytest.mark.parametrize("name", ["GALAXIES", "2", "galaxies"])
def test_a_table_hdu_by_number_or_name(tmp_path, name):
    first, second = Table({"r": [15.0]}), Table({"r": [17.0, 18.0]})
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(first), fits.BinTableHDU(second, name="GALAXIES")]
    path = tmp_path / "t.fits"
    fits.HDUList(hdus).writeto(path)
    assert len(read_catalogue(f"{path}[{name}]")) == 2
    assert len(read_catalogue(path.read_bytes(), hdu=name, name="t.fits")) == 2
    both = read_catalogue(path)
    assert len(both) == 1
    assert "Table [1] of 2 was read ([1], [2]): name another so." in both.notes
    with pytest.raises(InputError, match=r"has no table at \[7\]: it has 3 HDUs"):
        read_catalogue(f"{path}[7]")


def test_a_file_whose_name_ends_in_brackets(tmp_path):
    assert len(read_catalogue(write(tmp_path / "t.csv[1]", "r\n17\n"))) == 1


def test_the_first_usable_table_counts(tmp_path):
    about = fits.BinTableHDU(Table({"info": ["about"]}))
    table = fits.BinTableHDU(Table({"r": [17.0]}))
    fits.HDUList([fits.PrimaryHDU(), about, table]).writeto(tmp_path / "t.fits")
    assert read_catalogue(tmp_path / "t.fits").magnitudes[0, 2] == 17


def test_a_hats_collection(tmp_path):
    part = tmp_path / "all" / "main" / "dataset" / "Norder=0" / "Dir=0"
    part.mkdir(parents=True)
    pd.DataFrame({"r": [17.0]}).to_parquet(part / "Npix=3.parquet")
    write(tmp_path / "all" / "main" / "hats.properties", "")
    listed = write(tmp_path / "all" / "collection.properties", "hats_primary_table_url = main\n")
    assert len(read_catalogue(tmp_path / "all")) == 1
    write(listed, "hats_primary_table_url = ../elsewhere\n")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(InputError, match="not within it"):
        read_catalogue(tmp_path / "all")


def test_decimal_commas_are_named(tmp_path):
    with pytest.raises(InputError, match=r"column g .* has decimal commas \(17,5\)"):
        read_catalogue(write(tmp_path / "a.csv", "id;g;r\na;17,5;16,8\nb;18,1;17\n"))
    with pytest.raises(InputError, match="more fields than its 2 columns: write decimal points"):
        read_catalogue(write(tmp_path / "b.csv", "g,r\n17,5,16,8\n18,1,17,2\n"))


def test_a_name_of_several_words_is_no_row_of_several_cells(tmp_path):
    catalogue = read_catalogue(write(tmp_path / "t.csv", "r\n17\n18\n"))
    assert len(catalogue) == 2
    catalogue = read_catalogue(write(tmp_path / "t.txt", 'name r\n"NGC 1" 17\nM31 3.4\n'))
    assert list(catalogue.id) == ["NGC 1", "M31"]


def test_a_leading_zero_belongs_to_a_name(tmp_path):
    catalogue = read_catalogue(write(tmp_path / "t.csv", "id,field,r\n007,0012,17\n"))
    assert catalogue.id[0] == "007"
    assert catalogue.table["field"][0] == "0012"


def test_columns_of_variable_length_are_left_out_and_said(tmp_path):
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.arange(3), np.arange(5)]
    columns = [
        fits.Column("r", "D", array=[17.0, 18.0]),
        fits.Column("spectrum", "PJ()", array=ragged),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    catalogue = read_catalogue(tmp_path / "t.fits")
    assert catalogue.table.colnames == ["r"]
    assert "Columns of variable length that were left out: spectrum." in catalogue.notes


def test_nested_columns_of_parquet_are_left_out_and_said(tmp_path):
    nested = pa.array([{"a": 1}, {"a": 2}])
    lists = pa.array([[1.0, 2.0], [3.0, 4.0]])
    table = pa.table({"r": [17.0, 18.0], "n": nested, "pair": lists, "day": [None, None]})
    pq.write_table(table, tmp_path / "t.parquet")
    catalogue = read_catalogue(tmp_path / "t.parquet")
    assert catalogue.table.colnames == ["r", "pair", "day"]
    assert catalogue.table["pair"].shape == (2, 2)
    assert "Columns of nested or unknown types that were left out: n." in catalogue.notes


FOREIGN = """# %ECSV 1.0
# ---
# datatype:
# - {name: r, datatype: float64}
# meta: !!omap
# - __serialized_columns__:
#     r:
#       __class__: subprocess.Popen
#       args: !astropy.table.SerializedColumn {name: r}
# schema: astropy-2.0
r
17
"""
FAILED = """<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="ERROR">no such table</INFO></RESOURCE></VOTABLE>"""
OLD_FRAME = """<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE>
<COOSYS ID="old" system="eq_FK4" equinox="B1950"/><TABLE>
<FIELD name="ra" datatype="double" ref="old"/><FIELD name="r" datatype="double"/>
<DATA><TABLEDATA><TR><TD>1</TD><TD>17</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
WIDE = """<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE nrows="1000000">
<FIELD name="r" datatype="double" arraysize="99999999"/><DATA><TABLEDATA><TR><TD>17</TD></TR>
</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("foreign.ecsv", FOREIGN.encode(), "cannot be read .*unsupported class"),
        ("failed.vot", FAILED.encode(), "its query failed: no such table"),
        ("old.vot", OLD_FRAME.encode(), "column ra .* of the system eq_FK4"),
        ("wide.vot", WIDE.encode(), "declares more data"),
        ("book.xlsx", b"PK\x03\x04" + bytes(200), "an Excel workbook"),
        ("old.xls", b"\xd0\xcf\x11\xe0" + bytes(200), "an old Excel workbook"),
        ("t.h5", b"\x89HDF\r\n\x1a\n" + bytes(200), "is HDF5"),
        ("t.feather", b"ARROW1\0\0" + bytes(100), "cannot be read"),
        ("t.csv.xz", b"\xfd7zXZ\0" + bytes(100), "cannot be read"),
    ],
)
def test_more_hostile_files_give_one_sentence(tmp_path, name, content, match):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=match) as caught:
        read_catalogue(path)
    assert "\n" not in str(caught.value)


def test_a_dictionary_that_unpacks_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("galexplorer.tables.bounds.MAX_BYTES", 2**20)
    texts = pa.array(["x" * 1000] * 50_000).dictionary_encode()
    pq.write_table(pa.table({"r": np.full(50_000, 17.0), "note": texts}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 2**20
    with pytest.raises(InputError, match="unpacks to more than 4 MiB"):
        read_catalogue(tmp_path / "t.parquet")


def test_identifiers_beyond_63_bits_keep_their_digits(tmp_path):
    large = ["18446744073709551615", "9223372036854775809"]
    catalogue = read_catalogue(write(tmp_path / "t.csv", f"id,r\n{large[0]},17\n{large[1]},18\n"))
    assert list(catalogue.id) == large
    longer = "123456789012345678901234"
    catalogue = read_catalogue(write(tmp_path / "t.csv", f"id,r\n{longer},17\n{large[1]},18\n"))
    assert list(catalogue.id) == [longer, large[1]]


def test_western_letters_are_kept(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("id,r\n\u00e9toile,17\n".encode("latin-1"))
    assert read_catalogue(path).id[0] == "\u00e9toile"


def test_remarks_within_a_table_are_no_rows_and_are_said(tmp_path):
    path = write(tmp_path / "t.csv", "# before\nid,g,r\na,17,16\n# second half\nb,18,17\n#END#\n")
    catalogue = read_catalogue(path)
    assert list(catalogue.id) == ["a", "b"]
    assert "1 line that begins with # was taken as a remark." in catalogue.notes


def test_only_columns_that_were_converted_are_said_to_be():
    table = Table({"mag_g": [17.6], "F_r": [6.9e5], "i": [16.4]})
    found = read_catalogue(table, columns={"g": "mag_g", "r": "F_r [nJy]"})
    np.testing.assert_allclose(found.magnitudes[0, 1:4], [17.6, 16.803, 16.4], atol=1e-3)
    assert "Column F_r was converted from nJy to AB magnitudes." in found.notes
