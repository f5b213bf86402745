"""An inferred catalogue in every format, as each program reads it; and its draws."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits, votable
from astropy.table import QTable, Table

from galexplorer.catalogue import read_catalogue, write_table
from galexplorer.catalogue.joining import row_names
from galexplorer.errors import OptionError
from galexplorer.export import catalogue_draws
from galexplorer.export.catalogue_draws import DrawsFile
from galexplorer.inference.observe import observe
from galexplorer.records.photometry import Photometry
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.schema import LINE_NAMES, SUMMARY_STATISTICS, TARGET_NAMES
from galexplorer.science.columns import DRAW_MEANINGS, MEANINGS

DRAWS = 200
IDS = 1237667444048527639 + np.arange(6)
READ = {
    ".csv": {"format": "ascii.csv"},
    ".ecsv": {"format": "ascii.ecsv"},
    ".fits": {"format": "fits"},
    ".vot": {"format": "votable"},
    ".parquet": {"format": "parquet"},
}


@pytest.fixture(scope="module")
def given() -> Table:
    """Six rows with 64-bit ids, of which one cannot be inferred and one has a redshift."""
    rng = np.random.default_rng(5)
    table = Table({"objid": IDS})
    table["ra"], table["dec"] = np.linspace(10, 60, 6), np.linspace(-5, 5, 6)
    for band, colour in zip("ugriz", (2.2, 0.7, 0.0, -0.4, -0.7), strict=True):
        table[band] = rng.normal(17, 0.5, 6) + colour
        table[band][3] = np.nan
    table["redshift"] = [np.nan, 0.1, np.nan, np.nan, np.nan, np.nan]
    table["sigma"] = np.arange(6) * u.km / u.s
    table["petro_r50"] = [2.0, 3.0, np.nan, 2.0, 4.0, 5.0]
    return table


@pytest.fixture(scope="module")
def found(engine, given) -> QTable:
    return QTable(infer_catalogue(engine, read_catalogue(given), draws=DRAWS))


def test_columns_stand_beside_their_flags(found):
    names = found.colnames
    hidden = found["gas_metallicity_flag"] == "not_measurable"
    chance = np.asarray(found["p_gas_metallicity_measurable"])
    np.testing.assert_array_equal(hidden, chance < 0.5)
    for statistic in SUMMARY_STATISTICS:
        values = np.asarray(found[f"gas_metallicity_{statistic}"].value)
        np.testing.assert_array_equal(np.isnan(values), hidden | np.isnan(chance))
    assert names[names.index("liner") + 1] == "p_no_lines"
    weakest = np.min([found[f"p_{name}_measurable"] for name in LINE_NAMES], axis=0)
    np.testing.assert_allclose(found["p_no_lines"], 1 - weakest)
    assert np.isnan(found["half_light_radius_p50"][2])
    for k, words in enumerate(found["derived_flag"]):
        gone = np.isnan(found["balmer_av_p50"][k].value)
        assert ("balmer_av:unconstrained" in words) == (gone and k != 3)
    assert not np.any(found["balmer_av_p2_5"].value < 0)


def check(back: Table, given: Table) -> None:
    for name, meaning in MEANINGS.items():
        if name not in back.colnames or name in ("objid", "redshift"):
            continue
        column = back[name]
        assert (column.unit or None) == meaning.unit, name
        assert " ".join(column.info.description.split()) == meaning.description
        assert column.info.meta["ucd"] == meaning.ucd
    assert back["sigma"].unit == u.km / u.s


@pytest.mark.parametrize("suffix", READ)
def test_every_format_comes_back_in_astropy(found, given, tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(found, path)
    back = Table.read(path, **READ[suffix])
    assert back.colnames == found.colnames
    np.testing.assert_array_equal(back["id"], IDS)
    assert back["id"].dtype.kind == "i"
    for name in ("log_sfr_p50", "gas_metallicity_p50", "luminosity_distance_p97_5"):
        values = np.ma.filled(np.ma.asarray(back[name], float), np.nan)
        np.testing.assert_allclose(values, found[name].value.astype(float), rtol=1e-6)
        assert np.isnan(values[3])
    if suffix != ".csv":
        check(back, given)
        if suffix != ".vot":
            whole = QTable.read(path, **READ[suffix])
            assert whole["log_stellar_mass_p50"].physical.unit == u.Msun


def test_csv_is_what_pandas_reads_without_being_told(found, tmp_path):
    write_table(found, tmp_path / "t.csv")
    frame = pd.read_csv(tmp_path / "t.csv")
    assert list(frame.columns) == found.colnames
    assert frame["id"].tolist() == IDS.tolist()
    np.testing.assert_allclose(frame["log_sfr_p50"], found["log_sfr_p50"].value, rtol=1e-6)


def test_fits_passes_the_standard_and_its_sums(found, tmp_path):
    write_table(found, tmp_path / "t.fits")
    with fits.open(tmp_path / "t.fits", checksum=True) as hdus:
        for hdu in hdus:
            hdu.verify("exception")
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1
        header = hdus[1].header
        for number, name in enumerate(found.colnames, start=1):
            if name in MEANINGS and name != "redshift":  # which the input has
                assert header[f"TCOMM{number}"] == MEANINGS[name].description
                assert header[f"TUCD{number}"] == MEANINGS[name].ucd
        number = found.colnames.index("balmer_av_p50") + 1
        assert header[f"TUNIT{number}"] == "mag"
        assert header.comments["DATASUM"].endswith("of the data")  # not the time of day
    first = (tmp_path / "t.fits").read_bytes()
    write_table(found, tmp_path / "t.fits")
    assert (tmp_path / "t.fits").read_bytes() == first


def test_votable_passes_the_validator(found, tmp_path):
    write_table(found, tmp_path / "t.vot")
    said = io.StringIO()
    assert votable.validate(str(tmp_path / "t.vot"), said), said.getvalue()


def test_parquet_tells_each_program_in_its_own_way(found, tmp_path):
    path = tmp_path / "t.parquet"
    write_table(found, path)
    frame = pd.read_parquet(path)
    assert frame["id"].dtype == np.int64
    assert frame.attrs["units"]["log_sfr_p50"] == "dex(solMass / yr)"
    assert "Kroupa" in frame.attrs["descriptions"]["log_sfr_p50"]
    schema = pq.read_schema(path)
    told = schema.field("log_sfr_p50").metadata
    assert told[b"unit"] == b"dex(solMass / yr)"
    assert told[b"ucd"] == b"phys.SFR;stat.median"
    content = io.BytesIO(schema.metadata[b"IVOA.VOTable-Parquet.content"])
    fields = votable.parse(content, verify="exception").get_first_table().fields
    assert [field.name for field in fields] == schema.names
    assert next(f for f in fields if f.name == "log_sfr_p50").ucd == "phys.SFR;stat.median"


@pytest.mark.parametrize("suffix", [".parquet", ".vot"])
def test_numbers_of_every_type_are_written(tmp_path, suffix):
    """The input's own columns may be of types that a VOTable has none of."""
    values = {
        **{kind: np.array([1, 0], kind) for kind in ("i1", "u1", "u2", "u4", "u8", "f2")},
        "fits": np.array([7, 2**63 - 1], "u8"),
        "large": np.array([7, 2**63], "u8"),
    }
    table = Table(values)
    table["u2"].unit, table["u8"].description = "s", "A name."
    write_table(table, tmp_path / f"t{suffix}")
    back = Table.read(tmp_path / f"t{suffix}")
    for name, column in values.items():
        found = np.asarray(back[name]).astype(float if name == "f2" else "u8")
        assert found.tolist() == column.tolist()
    assert (back["u2"].unit, back["u8"].description) == (u.s, "A name.")


def test_draws_of_a_catalogue(engine, given, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue_draws, "ROWS_AT_ONCE", 2)  # several groups of rows
    catalogue = read_catalogue(given)
    path, seen = tmp_path / "draws.parquet", {}
    with DrawsFile(path, row_names(catalogue), catalogue.ra, catalogue.dec) as draws:

        def each(row, result):
            draws.add(row, result)
            seen[row] = result
            assert not path.exists()

        infer_catalogue(engine, catalogue, draws=DRAWS, each=each)
    assert draws.written == 5
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert pq.ParquetFile(path).num_row_groups == 3
    table = QTable.read(path)
    np.testing.assert_array_equal(table["id"], np.delete(IDS, 3))
    assert table["id"].dtype == np.int64
    for place, row in enumerate(np.delete(np.arange(6), 3)):
        for name in TARGET_NAMES:
            column = np.asarray(table[name].value if name != "redshift" else table[name])
            np.testing.assert_array_equal(column[place], seen[row].posterior.column(name))
    assert table["log_sfr"].unit == DRAW_MEANINGS["log_sfr"].unit
    assert table["log_sfr"].info.description == DRAW_MEANINGS["log_sfr"].description
    assert np.isfinite(table["gas_metallicity"]).all()  # which the flag marks
    assert set(table["gas_metallicity_flag"]) <= {"", "not_measurable"}
    assert np.isnan(table["half_light_radius"].value[2]).all()  # no radius
    assert table.meta["provenance"]["weights_sha256"] == engine.weights.sha256
    frame = pd.read_parquet(path)
    assert np.stack(frame["log_sfr"]).shape == (5, DRAWS)
    assert frame.attrs["ucds"]["log_sfr"] == "phys.SFR"


def test_draws_of_nothing_are_no_file(tmp_path):
    with DrawsFile(tmp_path / "d.parquet", np.array(["a"]), np.zeros(1), np.zeros(1)) as draws:
        pass
    assert draws.written == 0
    assert not list(tmp_path.iterdir())


def test_draws_that_fail_leave_what_was_there(engine, given, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue_draws, "ROWS_AT_ONCE", 1)
    path = tmp_path / "d.parquet"
    path.write_bytes(b"old")
    catalogue = read_catalogue(given)

    def run():
        with DrawsFile(path, row_names(catalogue), catalogue.ra, catalogue.dec) as draws:

            def each(row, result):
                draws.add(row, result)
                raise OptionError("Stopped.")

            infer_catalogue(engine, catalogue, draws=DRAWS, each=each)

    with pytest.raises(OptionError, match="Stopped"):
        run()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("redshift", "said"), [(0.3, False), (0.31, True), (0.35, True)])
def test_a_redshift_at_the_end_of_the_range_is_cautioned(engine, redshift, said):
    observation = observe(None, Photometry("catalogue", {"g": 19.0, "r": 18.0, "i": 17.5}))
    result = engine.infer(observation, redshift=redshift, draws=DRAWS)
    sentence = f"The redshift is {redshift:g}: above 0.3 the model learnt from few galaxies"
    assert any(note.startswith(sentence) for note in result.notes) == said


def test_a_median_redshift_there_is_too(engine):
    observation = observe(None, Photometry("catalogue", {"g": 19.0, "r": 18.0, "i": 17.5}))
    result = engine.infer(observation, redshift_range=(0.32, 0.34), draws=DRAWS)
    assert any(note.startswith("The median redshift is 0.3") for note in result.notes)
