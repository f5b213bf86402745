"""VOTable and netCDF, read back by those who invented them."""

import io
import json
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from astropy import units as u
from astropy.io import votable

from galexplorer.export.files import result_bytes
from galexplorer.export.provenance import CITATION
from galexplorer.export.summary import summarise
from galexplorer.schema import TARGET_NAMES
from galexplorer.science.columns import DRAW_MEANINGS
from galexplorer.science.derived import DERIVED_NAMES

SPACE = {"v": "http://www.ivoa.net/xml/VOTable/v1.3"}


def test_votable_comes_back_as_it_was(result):
    content = result_bytes(result, "votable")
    table = votable.parse(io.BytesIO(content), verify="exception").get_first_table().to_table()
    assert tuple(table.colnames[:9]) == TARGET_NAMES
    assert set(table.colnames[9:]) <= set(DERIVED_NAMES)
    assert table["log_flux_halpha"].unit == u.dex(1e-17 * u.erg / u.s / u.cm**2)
    for name in TARGET_NAMES:
        assert table[name].dtype == np.float32
        np.testing.assert_array_equal(table[name], result.posterior.column(name))
    words = " ".join(table["log_sfr"].description.split())  # which astropy breaks into lines
    assert words == DRAW_MEANINGS["log_sfr"].description


def test_votable_carries_units_and_provenance(result):
    root = ElementTree.fromstring(result_bytes(result, "votable"))
    units = {f.get("name"): f.get("unit") for f in root.iterfind(".//v:FIELD", SPACE)}
    assert units["redshift"] is None
    assert units["log_stellar_mass"] == "[solMass]"
    assert units["log_flux_halpha"] == "[yW.cm-2]"
    infos = {i.get("name"): i.get("value") for i in root.iterfind(".//v:INFO", SPACE)}
    assert infos["citation"] == CITATION
    assert json.loads(infos["provenance"])["weights_sha256"] == "ab" * 32
    assert json.loads(infos["origins"]) == result.origins
    assert json.loads(infos["summary"]) == summarise(result)["posterior"]


def test_netcdf_is_what_arviz_reads(result, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where ArviZ notes that it has warned
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        arviz = pytest.importorskip("arviz", reason="arviz is not installed")
    path = tmp_path / "galaxy.nc"
    path.write_bytes(result_bytes(result, "netcdf"))
    data = arviz.from_netcdf(path)
    assert set(TARGET_NAMES) < set(data.posterior.data_vars) <= {*TARGET_NAMES, *DERIVED_NAMES}
    assert data.posterior["balmer_av"].attrs["derived"] == 1
    assert data.posterior.sizes == {"chain": 1, "draw": 200}
    for name in TARGET_NAMES:
        np.testing.assert_array_equal(data.posterior[name][0], result.posterior.column(name))
    assert data.posterior["log_bh_mass"].attrs["units"] == "log10(Msun)"
    assert data.attrs["citation"] == CITATION
    assert json.loads(data.attrs["provenance"])["seed"] == 7
    summary = arviz.summary(data, var_names=["log_sfr"], kind="stats", round_to=6)
    expected = result.posterior.summary()["log_sfr"]
    assert summary["mean"]["log_sfr"] == pytest.approx(expected["mean"], abs=1e-5)
