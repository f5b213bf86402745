import io
import json

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from galexplorer.export.files import result_bytes, write_result
from galexplorer.export.provenance import CITATION
from galexplorer.export.summary import summarise
from galexplorer.export.tables import posterior_table
from galexplorer.schema import SUMMARY_STATISTICS, TARGET_NAMES
from galexplorer.science.columns import DRAW_MEANINGS
from galexplorer.science.derived import DERIVED_NAMES


def read(result, format):
    name = {"ecsv": "ascii.ecsv"}.get(format, format)
    content = result_bytes(result, format)
    return Table.read(io.BytesIO(content) if format != "ecsv" else content.decode(), format=name)


def check_metadata(meta, result):
    for what in ("weights_sha256", "verdict_sha256"):
        assert meta["provenance"][what] == result.provenance[what]
    assert meta["provenance"]["redshift_range"] == [0.0, 0.1]
    assert meta["bpt"] == result.bpt
    assert meta["notes"] == list(result.notes)
    assert meta["fixed"] == ["redshift"]
    assert meta["citation"] == CITATION
    assert meta["domain"]["inside"] is True


def test_table_has_a_unit_and_a_description_for_each_target(result):
    table = posterior_table(result)
    assert tuple(table.colnames[:9]) == TARGET_NAMES
    assert tuple(table.colnames[9:]) == DERIVED_NAMES
    assert table["log_stellar_mass"].unit == u.dex(u.Msun)
    assert table["log_sfr"].unit == u.dex(u.Msun / u.yr)
    assert table["log_flux_oiii_5007"].unit.physical_unit == 1e-17 * u.erg / u.s / u.cm**2
    for name in table.colnames:
        assert table[name].description.startswith(DRAW_MEANINGS[name].description)
        assert table[name].meta["ucd"]
    check_metadata(table.meta, result)


@pytest.mark.parametrize("format", ["ecsv", "parquet"])
def test_tables_come_back_as_they_were(result, format):
    table = read(result, format)
    original = posterior_table(result)
    assert table.colnames == original.colnames
    for name in TARGET_NAMES:
        assert table[name].dtype == np.float32
        np.testing.assert_array_equal(table[name], result.posterior.column(name))
        assert table[name].unit == original[name].unit
    check_metadata(table.meta, result)
    assert table.meta["summary"] == summarise(result)["posterior"]


def test_fits_comes_back_as_it_was(result, tmp_path):
    path = tmp_path / "posterior.fits"
    write_result(result, path)
    with fits.open(path, checksum=True) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["POSTERIOR", "SUMMARY", "METADATA"]
        draws = hdus["POSTERIOR"].data
        for name in TARGET_NAMES:
            np.testing.assert_array_equal(draws[name], result.posterior.column(name))
        header = hdus["POSTERIOR"].header
        assert header["TCOMM2"] == "log10 of the total stellar mass, Kroupa IMF [log10(Msun)]"
        assert header["TUCD6"] == "phot.flux;em.line.Halpha"
        assert header["TUNIT10"] == "Mpc"
        told = " ".join(header["COMMENT"])
        assert "Verdict: It resembles the training galaxies." in told
        assert "Cite: galexplorer" in told
        summary = hdus["SUMMARY"].data
        assert list(summary["target"]) == list(TARGET_NAMES)
        expected = summarise(result)["posterior"]
        for row in summary:
            for key in SUMMARY_STATISTICS:
                assert row[key] == expected[row["target"]][key]
        meta = {row["key"]: json.loads(row["json"]) for row in hdus["METADATA"].data}
        for hdu in hdus:
            hdu.verify("exception")
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1
    check_metadata(meta, result)
    back = Table.read(path, hdu=1)
    assert back["log_sfr"].unit == u.dex(u.Msun / u.yr)
    assert back["log_sfr"].description == DRAW_MEANINGS["log_sfr"].description
