"""Which tables a survey reads, here and elsewhere, and that none is ever held whole."""

import io
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table, vstack

pytest.importorskip("lsdb", reason="needs lsdb: pip install -r requirements-survey.txt")

from galexplorer.catalogue import Catalogue, read_catalogue
from galexplorer.errors import InputError
from galexplorer.survey import inputs
from galexplorer.survey.frames import catalogue_of, judged_table
from galexplorer.survey.inputs import Listed, fetched, list_files, read_pieces_of
from galexplorer.survey.intake import file_parts, judge_files
from galexplorer.survey.output import data_files

pytestmark = pytest.mark.filterwarnings("ignore")  # those of lsdb and Dask


def galaxies(number: int = 130) -> Table:
    random = np.random.default_rng(8)
    table = Table({"objid": np.arange(number), "ra": random.uniform(0, 360, number)})
    table["dec"] = random.uniform(-60, 60, number)
    for band, colour in zip("gri", (0.7, 0.0, -0.35), strict=True):
        table[band] = random.normal(17 + colour, 0.5, number)
    table["r"][7::30] = np.nan
    return table


def pieces(source: str, folder, **given) -> list[Catalogue]:
    options = {"columns": None, "hdu": None, "image": None, "deredden": None, **given}
    options["tell"] = pytest.fail  # a short copy says nothing
    return [
        piece for file in list_files(source) for piece in read_pieces_of(file, folder, **options)
    ]


def assert_alike(found: list[Catalogue], whole: Catalogue) -> None:
    assert sum(map(len, found)) == len(whole)
    for name in ("ra", "magnitudes", "errors"):
        joined = np.concatenate([getattr(own, name) for own in found])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_a_long_file_is_read_in_pieces(tmp_path, monkeypatch):
    galaxies().write(tmp_path / "t.parquet")
    whole = read_catalogue(tmp_path / "t.parquet")
    monkeypatch.setattr(inputs, "PIECE_ROWS", 50)
    found = pieces(str(tmp_path / "t.parquet"), tmp_path)
    assert [len(own) for own in found] == [50, 50, 30]
    assert_alike(found, whole)


def test_a_long_hats_catalogue_is_read_partition_by_partition(tmp_path, monkeypatch):
    table = galaxies()
    table["_healpix_29"] = np.arange(len(table))
    folder = tmp_path / "cat" / "dataset" / "Norder=1" / "Dir=0"
    folder.mkdir(parents=True)
    (tmp_path / "cat" / "hats.properties").write_text("obs_collection=cat\n")
    table[:70].write(folder / "Npix=3.parquet")
    table[70:].write(folder / "Npix=17.parquet")
    (first,) = list_files(str(tmp_path / "cat"))
    table[1:71].write(folder / "Npix=3.parquet", overwrite=True)
    (changed,) = list_files(str(tmp_path / "cat"))
    assert changed.name == first.name
    assert changed != first  # a run that goes on must not mix the two
    table[:70].write(folder / "Npix=3.parquet", overwrite=True)
    whole = read_catalogue(tmp_path / "cat")
    monkeypatch.setattr(inputs, "PIECE_ROWS", 60)
    files = list_files(str(tmp_path / "cat"))
    assert [file.name.rpartition("/")[2] for file in files] == ["Npix=3.parquet", "Npix=17.parquet"]
    assert_alike(pieces(str(tmp_path / "cat"), tmp_path), whole)
    given = {"columns": None, "hdu": None, "image": None}
    found = judge_files(files, tmp_path / "parts", **given, tell=lambda words: None)
    assert found.rows == 130
    parts = vstack([Table.read(path) for path in sorted((tmp_path / "parts").glob("*.parquet"))])
    assert parts["row"].tolist() == list(range(130))
    assert "_healpix_29" not in parts.colnames


def test_files_elsewhere_are_found_and_left_there(tmp_path):
    table = galaxies(20)
    system = fsspec.filesystem("memory")
    for name, part in (("b", table[12:]), ("a", table[:12])):
        text = io.StringIO()
        part.write(text, format="csv")
        system.pipe(f"/night/{name}.csv", text.getvalue().encode())
    try:
        assert_alike(pieces("memory://night/*.csv", tmp_path / "f"), read_catalogue(table))
        (one,) = list_files("memory://night/b.csv")
        assert one.size == system.size("/night/b.csv")
        assert len(list_files("memory://night")) == 2
        assert not list((tmp_path / "f").iterdir())
        system.pipe("/night/b.csv", b"other,g\n1,17\n")
        assert list_files("memory://night/b.csv")[0].stamp != one.stamp
        with pytest.raises(InputError, match="names no table"):
            list_files("memory://night/*.fits")
    finally:
        system.rm("/night", recursive=True)
    with pytest.raises(InputError, match=r"cannot be reached .*: check the address"):
        list_files("nowhere://night/a.csv")


def test_a_file_elsewhere_is_copied_within_bounds(tmp_path, monkeypatch):
    system = fsspec.filesystem("memory")
    folder = tmp_path / "f"
    for name in ("a.csv", "b.parquet"):
        system.pipe(f"/bounds/{name}", b"id,r\n1,17\n" * 300_000)
    try:
        csv, parquet = list_files("memory://bounds")
        monkeypatch.setattr(inputs, "MOST_REMOTE_BYTES", 2_900_000)
        for own, words in ((csv, "table that is not Parquet"), (parquet, "file that is copied")):
            with pytest.raises(InputError, match=rf"larger than 0\.0029 GB, the most of a {words}"):
                list_files(own.name)
            # nor where nobody said how large it is
            silent, copied = replace(own, size=0), []
            with pytest.raises(InputError, match="is larger than"), fetched(silent, folder, print):
                copied.append(1)
            assert not copied
            assert not list(folder.iterdir())
        monkeypatch.undo()
        vast = replace(parquet, size=10**19)
        with pytest.raises(InputError, match="takes 1e"), fetched(vast, folder, print):
            pass
        with fetched(csv, folder, print) as name:
            assert Path(name).read_bytes() == system.cat("/bounds/a.csv")
    finally:
        system.rm("/bounds", recursive=True)


def test_a_copy_that_takes_long_says_how_far_it_is():
    said, times = [], iter([0, 1, 12, 13])
    listed = Listed("s3://a/b.parquet", 400_000_000, "")
    watch = inputs.watch_copy(listed, 300_000_000, said.append, lambda: next(times))
    for done in (5_000_000, 60_000_000, 65_000_000):
        watch(listed.size, done)
    words = "60 of 400 MB of s3://a/b.parquet copied, 5.0 per second, about 68 s left"
    assert said == [words]
    with pytest.raises(InputError, match=r"has 0\.3 GB free; make room"):
        watch(listed.size, 300_000_001)


def test_identifiers_are_text_where_some_tables_have_text(tmp_path):
    (tmp_path / "in").mkdir()
    table = galaxies(4)
    table.rename_column("objid", "id")
    table.write(tmp_path / "in" / "a.parquet")
    table["id"] = ["7", "x", "y", "z"]
    table.write(tmp_path / "in" / "b.parquet")
    given = {"columns": None, "hdu": None, "image": None}
    files = list_files(str(tmp_path / "in"))
    judge_files(files, tmp_path / "parts", **given, tell=lambda words: None)
    file_parts(tmp_path / "parts", tmp_path / "out", 8, 100, None)
    found = vstack([Table.read(path)[["row", "id"]] for path in data_files(tmp_path / "out")])
    found.sort("row")
    assert found["id"].tolist() == ["0", "1", "2", "3", "7", "x", "y", "z"]


@pytest.mark.parametrize(
    ("first", "second", "kind", "found"),
    [
        (np.array([1, 2], np.int32), np.array([2**60 + 1, 4]), "int64", [1, 2, 2**60 + 1, 4]),
        (np.array([1, 2**60 + 1]), [3.0, np.nan], "string", ["1", str(2**60 + 1), "3", ""]),
    ],
)
def test_identifiers_keep_all_digits(tmp_path, first, second, kind, found):
    """Integers stay integers whatever their size, and gaps in another table cost them nothing."""
    (tmp_path / "in").mkdir()
    for name, column in (("a", first), ("b", second)):
        table = galaxies(2)
        table["id"] = column
        table.write(tmp_path / "in" / f"{name}.parquet")
    given = {"columns": None, "hdu": None, "image": None}
    files = list_files(str(tmp_path / "in"))
    judge_files(files, tmp_path / "parts", **given, tell=lambda words: None)
    file_parts(tmp_path / "parts", tmp_path / "out", 4, 100, None)
    tables = [pq.read_table(path, columns=["row", "id"]) for path in data_files(tmp_path / "out")]
    whole = pa.concat_tables(tables).sort_by("row")
    assert str(whole.schema.field("id").type) == kind
    assert whole["id"].to_pylist() == found


def test_a_row_keeps_its_own_prior():
    table = galaxies(3)
    table["redshift_prior_mean"], table["redshift_prior_sigma"] = [0.1, np.nan, 0.2], 0.02
    given = read_catalogue(table)
    kept = catalogue_of(judged_table(given, 0, ()).to_pandas())
    np.testing.assert_array_equal(kept.redshift_prior, given.redshift_prior)
    assert (
        catalogue_of(judged_table(read_catalogue(galaxies(3)), 0, ()).to_pandas()).redshift_prior
        is None
    )
