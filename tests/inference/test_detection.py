"""Lines that a spectrum is known to show."""

import json
from pathlib import Path

import numpy as np
import pytest

from galexplorer import export
from galexplorer.api.engine import load
from galexplorer.catalogue import read_catalogue
from galexplorer.cli import main
from galexplorer.errors import OptionError
from galexplorer.export.summary import SCHEMA_FILE
from galexplorer.inference.detection import check_detected, keep_detected
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.schema import TARGET_NAMES
from galexplorer.science.detection import detection_probability

MAGNITUDES = {"u": 19.1, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}
LINES = ("halpha", "oiii_5007")


@pytest.fixture(scope="module")
def engine(request):
    request.getfixturevalue("weights_dir")
    return load(device="cpu")


def test_equals_importance_reweighting(engine):
    free = engine.infer(magnitudes=MAGNITUDES, draws=50_000, seed=1).posterior.draws.astype(float)
    told = engine.infer(magnitudes=MAGNITUDES, draws=20_000, seed=2, detected=LINES)
    weights = np.ones(len(free))
    for line in LINES:
        column = free[:, TARGET_NAMES.index(f"log_flux_{line}")]
        weights *= detection_probability(column, np.array(MAGNITUDES["r"]), line)
    effective = weights.sum() ** 2 / (weights**2).sum()
    levels = np.array([0.05, 0.16, 0.5, 0.84, 0.95])
    share = told.provenance["detected"]["effective_draws"]
    assert share / 20_000 == pytest.approx(effective / len(free), rel=0.03)
    error = np.sqrt(levels * (1 - levels) * (1 / effective + 1 / share))
    for k, name in enumerate(TARGET_NAMES):
        quantiles = np.quantile(told.posterior.column(name).astype(float), levels)
        below = free[:, k][:, None] <= quantiles
        shares = (weights[:, None] * below).sum(axis=0) / weights.sum()
        if name != "gas_metallicity":  # draws without lines of star formation lend it
            assert np.abs((shares - levels) / error).max() < 4.5, name
    assert told.measurable["log_flux_halpha"] == 1.0
    assert any("Hα, [O III] 5007" in note for note in told.notes)


def test_the_same_from_python_the_command_line_and_a_catalogue(engine, tmp_path, capsys):
    alone = engine.infer(magnitudes=MAGNITUDES, draws=500, seed=3, detected=LINES)
    table = tmp_path / "t.csv"
    table.write_text("id,u,g,r,i,z\na,19.1,17.6,16.8,16.4,16.1\nb,20,18.9,18.2,17.8,17.6\n")
    given = {"draws": 500, "seed": 3}
    rows = infer_catalogue(engine, read_catalogue(table), detected=LINES, **given)
    flags = [f"--mag-{band}={value}" for band, value in MAGNITUDES.items()]
    words = ["--draws", "500", "--seed", "3", "--detected", "oiii_5007, halpha"]
    assert main(["infer", *flags, *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    median = alone.posterior.summary()["log_flux_halpha"]["p50"]
    assert rows["log_flux_halpha_p50"][0] == pytest.approx(median, abs=1e-6)
    assert rows["p_log_flux_halpha_measurable"][1] == 1.0
    shown = printed["posterior"]["log_flux_halpha"]["p50"]
    assert shown == pytest.approx(median, abs=1e-5)
    assert printed["provenance"]["detected"]["lines"] == list(LINES)
    plain = infer_catalogue(engine, read_catalogue(table), **given)
    assert (rows["log_flux_halpha_p50"] > plain["log_flux_halpha_p50"]).all()


def test_a_line_that_cannot_have_been_seen_keeps_the_likeliest_draws():
    draws = np.zeros((1, 200, 9))
    draws[..., TARGET_NAMES.index("log_flux_hbeta")] = np.linspace(-8, -6, 200)
    kept, effective = keep_detected(draws, np.array([17.0]), ["hbeta"])
    assert np.isfinite(kept).all()
    assert kept[..., TARGET_NAMES.index("log_flux_hbeta")].min() > -6.1
    assert 1 <= effective[0] * 200 < 2


def test_what_is_kept_of_it_is_in_the_schema(engine):
    schema = json.loads((Path(export.__path__[0]) / SCHEMA_FILE).read_text())
    described = schema["$defs"]["result"]["properties"]["provenance"]["properties"]
    made = engine.infer(magnitudes=MAGNITUDES, draws=100, detected=LINES, prior=(0.09, 0.01))
    assert set(made.provenance) <= set(described)
    for name in ("detected", "redshift_prior"):
        assert set(made.provenance[name]) == set(described[name]["properties"])


def test_no_line():
    assert check_detected(["log_flux_hbeta", "halpha"]) == ("halpha", "hbeta")
    with pytest.raises(OptionError, match="no line 'hgamma'"):
        check_detected(["hgamma"])
