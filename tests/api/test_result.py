"""Results show themselves: tables with units, figures, files, HTML."""

import json

import arviz
import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from matplotlib.figure import Figure

from galexplorer.errors import OptionError
from galexplorer.schema import TARGET_NAMES, TARGETS

MAGNITUDES = {"u": 19.1, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}


@pytest.fixture(scope="module")
def plain(engine):
    return engine.infer(magnitudes=MAGNITUDES, draws=500, name="a <galaxy>")


@pytest.fixture(scope="module")
def pictured(engine, spiral):
    return engine.infer(spiral, draws=500)


def test_the_summary_has_units_and_is_that_of_the_draws(plain):
    summary, draws = plain.summary, plain.draws
    assert isinstance(summary, QTable)
    assert list(summary["statistic"]) == ["p2_5", "p16", "p50", "p84", "p97_5", "mean"]
    for target in TARGETS:
        median = summary.loc["p50"][target.name]
        assert median.unit == draws[target.name].unit
        if target.name in summary.meta["undetermined"]:  # the draws keep what it would be
            assert np.isnan(median.value)
        else:
            assert median.value == pytest.approx(np.median(draws[target.name].value), abs=1e-5)
        assert target.description[1:] in summary[target.name].info.description
    assert summary["log_stellar_mass"].unit == u.dex(u.Msun)
    mass = summary.loc["p50"]["log_stellar_mass"].physical
    assert 1e9 * u.Msun < mass < 1e12 * u.Msun
    assert summary["redshift"].unit == u.dimensionless_unscaled


def test_draws_go_to_other_programs(plain):
    frame = plain.to_pandas()
    assert list(frame.columns[:9]) == list(TARGET_NAMES)
    assert frame.attrs["units"]["log_sfr"] == "log10(Msun/yr)"
    np.testing.assert_array_equal(frame["redshift"], plain.posterior.column("redshift"))
    inference = plain.to_arviz()
    assert inference.posterior.sizes == {"chain": 1, "draw": 500}
    table = arviz.summary(inference, kind="stats")
    assert set(table.index) > set(TARGET_NAMES)


def test_figures_are_drawn(plain, pictured):
    for figure in (
        plain.plot_corner(),
        plain.plot_corner(TARGET_NAMES, dark=True),
        plain.plot_bpt(),
        plain.plot_lines(),
        pictured.plot_image(),
    ):
        assert isinstance(figure, Figure)
        assert figure.axes
    with pytest.raises(OptionError, match="no image"):
        plain.plot_image()
    for wrong in ("redshift", ["mass"]):
        with pytest.raises(OptionError, match="no list of targets"):
            plain.plot_corner(wrong)


def test_a_notebook_shows_words_and_all_targets(plain, pictured):
    page = plain._repr_html_()
    assert "a &lt;galaxy&gt;" in page
    assert "<galaxy>" not in page
    assert page.count("<tr>") == 1 + len(TARGETS)
    for target in TARGETS:
        assert target.label in page
    assert repr(plain).startswith("<Result a <galaxy>: ")
    assert " at z = " in repr(pictured)


def test_results_are_written_by_their_suffix(plain, tmp_path):
    plain.write(tmp_path / "draws.ecsv")
    again = QTable.read(tmp_path / "draws.ecsv")
    assert again["log_sfr"].unit == plain.draws["log_sfr"].unit
    plain.write(tmp_path / "summary.json")
    read = json.loads((tmp_path / "summary.json").read_text())
    assert read["posterior"]["redshift"]["p50"] == pytest.approx(
        plain.summary.loc["p50"]["redshift"].value, rel=1e-5
    )
    with pytest.raises(OptionError, match="Unknown format"):
        plain.write(tmp_path / "draws.doc")


def test_a_new_name_changes_nothing_else(plain):
    other = plain.renamed("M 1")
    assert other.name == "M 1"
    assert other.posterior is plain.posterior
