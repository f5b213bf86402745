"""A survey's rows are those of a catalogue, bit for bit, and every program opens what comes out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import Table
from safetensors.numpy import load_file, save_file

WHY = "needs lsdb: pip install -r requirements-survey.txt"
lsdb = pytest.importorskip("lsdb", reason=WHY)
pl = pytest.importorskip("polars", reason="needs polars")

from filelock import FileLock  # noqa: E402
from nested_pandas import NestedFrame  # noqa: E402

from galexplorer.catalogue import read_catalogue  # noqa: E402
from galexplorer.errors import InputError, OptionError  # noqa: E402
from galexplorer.inference.prior import read_prior  # noqa: E402
from galexplorer.runs.catalogue_run import infer_catalogue  # noqa: E402
from galexplorer.schema import TARGET_NAMES  # noqa: E402
from galexplorer.survey import state  # noqa: E402
from galexplorer.survey.frames import judged_table  # noqa: E402
from galexplorer.survey.output import data_files  # noqa: E402
from galexplorer.survey.partitions import Settings, infer_partition  # noqa: E402
from galexplorer.survey.request import Request, describe_request  # noqa: E402
from galexplorer.survey.run import run_survey  # noqa: E402
from galexplorer.survey.state import claimed, read_state  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # those of lsdb and Dask


def assert_same(out, expected: Table) -> None:
    """Compare a catalogue's files with a table, row by row and bit by bit."""
    found = pa.concat_tables([pq.ParquetFile(file).read() for file in data_files(out)])
    found = found.sort_by("row")
    assert found["row"].to_pylist() == list(range(len(expected)))
    for name in expected.colnames:
        values = np.asarray(expected[name])
        got = found[name].to_numpy()
        if values.dtype.kind in "SU":
            texts = values.astype(str) if values.dtype.kind == "S" else values
            assert got.tolist() == texts.tolist(), name
            continue
        assert got.dtype == values.dtype.newbyteorder("="), name
        np.testing.assert_array_equal(got, values, name)


def test_rows_are_those_of_a_catalogue_bit_for_bit(surveyed, expected):
    out, draws, _ = surveyed
    assert len(data_files(out)) > 3
    assert_same(out, expected)
    assert_same(draws, expected)


def test_bad_rows_are_flagged_and_counted(surveyed, expected):
    out, _, said = surveyed
    table = lsdb.open_catalog(out).compute()
    bad = int(np.isnan(expected["redshift_p50"]).sum())
    assert bad > 3
    assert int(np.isnan(table["redshift_p50"].to_numpy()).sum()) == bad
    assert f"{bad} of {len(expected)} rows could not be inferred" in said
    assert f"{bad} of {len(expected)} rows are flagged not_inferred" in said
    assert "1 of 400 rows are flagged image_unused" in said


def test_rows_without_a_position_are_kept(surveyed, expected):
    out, _, said = surveyed
    table = lsdb.open_catalog(out).compute().sort_values("row")
    lost = np.isnan(np.asarray(expected["ra"]))
    assert lost.sum() > 10
    np.testing.assert_array_equal(np.isnan(table["ra"].to_numpy()), lost)
    assert f"{lost.sum()} of 400 rows have no position" in said


def test_identifiers_stay_integers_of_64_bits(surveyed):
    out, _, _ = surveyed
    table = lsdb.open_catalog(out).compute()
    assert table["id"].dtype == pd.ArrowDtype(pa.int64())
    assert table["id"].min() == 1237650000000000001


def test_latents_are_those_of_rows_with_an_image(surveyed):
    out, _, _ = surveyed
    table = pq.read_table(data_files(out)[0].parent.parent.parent).sort_by("row")
    known = [row for row, latent in enumerate(table["latent"].to_pylist()) if latent is not None]
    assert known == [1, 8, 70, 71, 300]
    assert {len(latent) for latent in table["latent"].to_pylist() if latent} == {32}


def test_draws_are_a_nested_column_that_the_quantiles_come_from(surveyed):
    out, draws, _ = surveyed
    table = lsdb.open_catalog(draws).compute().sort_values("row")
    assert "draws" not in lsdb.open_catalog(out).columns
    assert list(table["draws"].nest.columns) == list(TARGET_NAMES)
    redshift = table["draws"].nest["redshift"]
    each = redshift.to_numpy().reshape(-1, 100)
    known = ~np.isnan(table["redshift_p50"].to_numpy())
    assert len(each) == known.sum()
    medians = np.quantile(each.astype(np.float64), 0.5, axis=1).astype(np.float32)
    np.testing.assert_array_equal(medians, table["redshift_p50"].to_numpy()[known])


def test_every_column_says_what_it_is(surveyed):
    out, _, _ = surveyed
    for file in data_files(out):
        schema = pq.read_schema(file)
        told = {field.name: field.metadata or {} for field in schema}
        # what came with the table means what its author said
        given = {"objid", "z_spec", "remark", "rank", "image"}
        given |= {f"{word}{band}" for word in ("", "err_") for band in "ugriz"}
        given |= {"petro_r50", "petro_r90", "ra_input", "dec_input"}
        for name, words in told.items():
            assert name in given or words.get(b"description"), name
            assert name in given or words.get(b"ucd"), name
        assert told["log_stellar_mass_p50"][b"unit"] == b"dex(solMass)"
        assert told["petro_r50"][b"unit"] == b"arcsec"
        assert told["rank"][b"description"] == b"Place in a list"


def test_provenance_is_there_once(surveyed):
    out, _, _ = surveyed
    state = json.loads((out / "survey.json").read_text())
    assert state["seed"] == 0
    assert state["draws"] == 100
    assert len(state["weights_sha256"]) == 64
    assert state["citation"]
    common = pq.read_schema(out / "dataset" / "_common_metadata").metadata[b"table_meta_yaml"]
    assert state["weights_sha256"].encode() in common
    one = pq.read_schema(data_files(out)[0]).metadata[b"table_meta_yaml"]
    assert state["weights_sha256"].encode() not in one
    assert not (out / ".survey").exists()


def test_others_open_it(surveyed):
    out, draws, _ = surveyed
    file = data_files(out)[0]
    table = Table.read(file)
    assert table["log_stellar_mass_p50"].unit == u.dex(u.solMass)
    assert table["redshift_p50"].description
    assert len(pl.read_parquet(f"{out}/dataset/**/*.parquet")) == 400
    assert len(pd.read_parquet(out / "dataset")) == 400
    near = lsdb.open_catalog(out).cone_search(180, 20, 20 * 3600).compute()
    assert 0 < len(near) < 400
    assert len(pl.read_parquet(data_files(draws)[0])["draws"][0]["redshift"]) == 100


@pytest.mark.slow
def test_partitions_workers_and_order_change_no_bit(survey, survey_table, expected, tmp_path):
    table = Table.read(survey_table)
    order = np.random.default_rng(3).permutation(len(table))
    mixed = survey_table.with_name("mixed.csv")
    table[order].write(mixed)
    out = tmp_path / "out"
    done = survey.run(mixed, "--out", out, "--workers", 1)
    assert done.returncode == 0, done.stderr
    found = lsdb.open_catalog(out).compute().sort_values("row")
    for name in expected.colnames:
        if expected[name].dtype.kind == "f" and name in found.columns:
            np.testing.assert_array_equal(
                found[name].to_numpy(), np.asarray(expected[name])[order], name
            )


@pytest.mark.slow
def test_several_files_are_one_survey(survey, survey_table, expected, tmp_path):
    table = Table.read(survey_table)
    parts = tmp_path / "parts"
    parts.mkdir()
    for name in table.colnames:
        if table[name].dtype.kind == "S":
            table[name] = table[name].astype(str)
    table["image"] = [str(survey_table.parent / name) if name else "" for name in table["image"]]
    table[:150].write(parts / "a.parquet")
    table[150:].write(parts / "b.vot", format="votable")
    done = survey.run(parts, "--out", tmp_path / "out", "--workers", 1)
    assert done.returncode == 0, done.stderr
    found = lsdb.open_catalog(tmp_path / "out").compute().sort_values("row")
    for name in ("redshift_p50", "log_sfr_std", "p_gas_metallicity_measurable"):
        np.testing.assert_array_equal(found[name].to_numpy(), np.asarray(expected[name]), name)
    # and what came out goes in again
    again = survey.run(tmp_path / "out", "--out", tmp_path / "again", "--workers", 1)
    assert again.returncode == 0, again.stderr
    table = lsdb.open_catalog(tmp_path / "again").compute()
    assert len(table) == 400


@pytest.mark.slow
def test_a_complete_survey_is_left_alone(survey, survey_table, surveyed):
    out, draws, _ = surveyed
    before = {file: file.stat().st_mtime_ns for file in data_files(out)}
    asked = (survey_table, "--out", out, "--draws-out", draws, "--partition-rows", 100)
    refused = survey.run(*asked)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    again = survey.run(*asked, "--resume")
    assert again.returncode == 0, again.stderr
    assert "nothing is left to infer" in again.stderr
    other = survey.run(*asked, "--resume", "--seed", 1)
    assert "begun with other seed" in other.stderr
    assert before == {file: file.stat().st_mtime_ns for file in data_files(out)}


@pytest.mark.slow
def test_what_cannot_be_is_refused_at_once(survey, survey_table, tmp_path):
    for words, told in (
        ((tmp_path / "no*.csv", "--out", tmp_path / "o"), "names no table"),
        ((survey_table, "--out", tmp_path / "a" / "b"), "create it first"),
        ((survey_table, "--out", tmp_path, "--draws-out", tmp_path), "same folder"),
        ((survey_table, "--out", survey_table.parent), "holds other files"),
    ):
        done = survey.run(*words)
        assert done.returncode == 2
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1
    (tmp_path / "t.csv").write_text("ra,dec\n10,20\n")
    done = survey.run(tmp_path / "t.csv", "--out", tmp_path / "o")
    assert "names and positions go to galexplorer targets" in done.stderr
    assert not (tmp_path / "o").exists()  # what is mended need not be told apart from what was not


def write_discs(folder: Path) -> Table:
    """Write two shards of 40 discs in all, and return a table of as many rows."""
    random = np.random.default_rng(4)
    y, x = np.mgrid[:64, :64] - 31.5
    sizes = random.uniform(5, 11, 40)
    grids = [200 * np.exp(-np.hypot(x, 1.4 * y) / s) * np.ones((3, 1, 1)) for s in sizes]
    folder.mkdir()
    for name, part in (("a", slice(25)), ("b", slice(25, 40))):
        scale = np.full(len(grids[part]), 0.5)
        arrays = {"grid": np.array(grids[part], np.uint8), "pixel_scale": scale}
        save_file(arrays, folder / f"{name}.safetensors")
    table = Table({"ra": np.linspace(10, 50, 40), "dec": np.linspace(0, 9, 40)})
    table["r"] = random.normal(17, 0.3, 40)
    table["g"], table["i"] = table["r"] + 0.7, table["r"] - 0.3
    return table


def test_what_a_survey_is_asked_for_does_not_tell_how_it_was_typed(tmp_path, monkeypatch):
    table = write_discs(tmp_path / "shards")
    table.write(tmp_path / "t.parquet")
    (tmp_path / "below").mkdir()
    out = tmp_path / "out"

    def ask(folder: str) -> dict:
        given = Request(
            f"{folder}t.parquet", out, image=f"{folder}t.parquet", cutouts=f"{folder}shards"
        )
        return json.loads(json.dumps(describe_request(given, None)))

    monkeypatch.chdir(tmp_path)
    asked = ask("")
    assert [name for name, *_ in asked["cutouts"]] == ["a.safetensors", "b.safetensors"]
    assert ask("./") == ask(f"{tmp_path}/") == ask("below/../") == asked
    given = Request("t.parquet", out, cutouts="shards/*.safetensors")
    assert describe_request(given, None)["cutouts"] == asked["cutouts"]
    with claimed(out):
        (out / "survey.json").write_text(json.dumps(asked))
        for name in ("t.parquet", "shards"):  # moved, nothing else
            (tmp_path / name).rename(tmp_path / "below" / name)
        moved = ask("below/")
        assert read_state(given, moved, True) == moved
        assert moved["places"] != asked["places"]
        shard = tmp_path / "below" / "shards" / "b.safetensors"
        size = shard.stat().st_size
        arrays = load_file(shard)
        save_file({**arrays, "grid": arrays["grid"][::-1].copy()}, shard)
        assert shard.stat().st_size == size  # other images, and as many bytes
        with pytest.raises(OptionError, match="begun with other cutouts: give"):
            read_state(given, ask("below/"), True)
        for damaged in ("[1]", "null", '"x"', "{"):
            (out / "survey.json").write_text(damaged)
            with pytest.raises(InputError, match="is damaged: remove"):
                read_state(given, asked, True)


@pytest.mark.parametrize("made", [False, True], ids=["new folder", "empty folder"])
@pytest.mark.parametrize("begun", [False, True])
def test_a_folder_is_tidied_before_another_run_may_come(tmp_path, monkeypatch, made, begun):
    out = tmp_path / "out"
    left = []

    class Watched(FileLock):
        def release(self, force: bool = False) -> None:
            left.append(sorted(path.name for path in tmp_path.rglob("*")))
            super().release(force)

    monkeypatch.setattr(state, "FileLock", Watched)
    if made:
        out.mkdir()
    with claimed(out):
        (out / ".survey" / "parts").mkdir()
        (out / ".survey" / "parts" / "0.parquet").touch()
        (out / ".survey" / "intake.json").touch()
        if begun:
            (out / "survey.json").touch()
    expected = ["out"] if made else []
    if begun:  # which goes on with all of it
        expected = [".survey", "0.parquet", "intake.json", "lock", "out", "parts", "survey.json"]
    assert left[0] == expected
    assert sorted(path.name for path in tmp_path.rglob("*")) == expected
    with claimed(out):
        assert (out / ".survey" / "lock").exists()


@pytest.mark.slow
def test_images_that_were_moved_are_found_again(survey, tmp_path):
    write_discs(tmp_path / "shards").write(tmp_path / "t.parquet")
    (tmp_path / "below").mkdir()
    out, words = tmp_path / "out", ("--workers", 1, "--partition-rows", 100)
    given = Request(
        str(tmp_path / "t.parquet"), out, draws=100, cutouts=str(tmp_path / "shards"), workers=1
    )
    given = replace(given, partition_rows=100)
    assert run_survey(given, stop=lambda: True).done < 40
    for name in ("t.parquet", "shards"):
        (tmp_path / name).rename(tmp_path / "below" / name)
    (tmp_path / "below" / "shards").rename(tmp_path / "cut")
    table, cut = tmp_path / "below" / "t.parquet", tmp_path / "cut"
    done = survey.run(table, "--cutouts", cut, "--out", out, *words, "--resume")
    assert done.returncode == 0, done.stderr
    found = lsdb.open_catalog(out).compute()
    assert len(found) == found["latent"].notna().sum() == 40
    state = json.loads((out / "survey.json").read_text())
    assert state["places"]["cutouts"] == str(cut)


@pytest.mark.slow
def test_cutouts_in_the_order_of_rows(survey, engine, tmp_path):
    shards = tmp_path / "shards"
    table = write_discs(shards)
    table.write(tmp_path / "t.parquet")
    out = tmp_path / "out"
    done = survey.run(tmp_path / "t.parquet", "--cutouts", shards, "--out", out, "--workers", 1)
    assert done.returncode == 0, done.stderr
    table["image"] = [f"{shards}/a.safetensors[{k}]" for k in range(25)] + [
        f"{shards}/b.safetensors[{k}]" for k in range(15)
    ]
    expected = infer_catalogue(engine, read_catalogue(table), draws=100)
    found = lsdb.open_catalog(out).compute().sort_values("row")
    for name in ("redshift_p50", "domain_score", "log_sfr_std"):
        np.testing.assert_array_equal(found[name].to_numpy(), np.asarray(expected[name]), name)
    assert found["latent"].notna().all()
    table[:39].write(tmp_path / "fewer.parquet")
    words = (tmp_path / "fewer.parquet", "--cutouts", shards, "--out", tmp_path / "other")
    refused = survey.run(*words)
    assert refused.returncode == 2
    assert "40 images and the input 39 rows" in refused.stderr


LINES = ("halpha", "nii_6584")


def test_what_is_stated_of_all_rows_is_told_to_each(engine, make_galaxies):
    given = read_catalogue(make_galaxies(40))
    prior = read_prior((0.09, 0.01))
    settings = Settings(
        100, 0, None, prior, LINES, None, engine.weights.sha256, "cpu", False, False
    )
    found = infer_partition(NestedFrame(judged_table(given, 0, ()).to_pandas()), settings)
    expected = infer_catalogue(engine, given, draws=100, prior=prior, detected=LINES)
    for name in ("redshift_p50", "log_flux_halpha_p50", "p_log_flux_nii_6584_measurable"):
        np.testing.assert_array_equal(found[name].to_numpy(), np.asarray(expected[name]), name)


def test_what_is_asked_has_to_be_what_was_begun(survey_table, surveyed, tmp_path):
    out, draws, _ = surveyed
    asked = Request(str(survey_table), out, draws=100, draws_out=draws, partition_rows=100)
    assert run_survey(asked, resume=True).rows == 400
    with pytest.raises(OptionError, match="with other redshift prior and detected lines: give"):
        run_survey(replace(asked, prior=(0.09, 0.01), detected=LINES), resume=True)
    # draws of another survey, of as many rows, would pass for those of this one
    with pytest.raises(OptionError, match="draws holds other files"):
        run_survey(replace(asked, out=tmp_path / "other", seed=1))
    assert not (tmp_path / "other").exists()
