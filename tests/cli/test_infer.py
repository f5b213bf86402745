"""The command line with the trained weights."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from galexplorer.cli import main
from galexplorer.inference.engine import Engine
from galexplorer.model.features import INPUTS
from galexplorer.schema import BPT_CLASSES, SUMMARY_STATISTICS, TARGET_NAMES

pytestmark = pytest.mark.usefixtures("weights_dir")

PHOTOMETRY = ("--mag-u", "19.1", "--mag-g", "17.6", "--mag-r", "17.0", "--mag-i", "16.7")


@pytest.fixture
def infer(capfdbinary):
    """Run `galexplorer infer`, return what it printed."""

    def run(*arguments: object) -> bytes:
        code = main(["infer", *map(str, arguments)])
        captured = capfdbinary.readouterr()
        assert code == 0, captured.err.decode()
        return captured.out

    return run


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    """A round exponential disc of r = 16.5 on SDSS's noise, 64 arcsec wide."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:160, :160] - 79.5
    profile = np.exp(-np.hypot(x, y) / 6.0)
    fluxes = 10 ** (0.4 * (22.5 - np.array([17.1, 16.5, 16.2])))
    noise = rng.normal(0, [[[0.02]], [[0.03]], [[0.04]]], (3, 160, 160))
    image = (fluxes[:, None, None] * profile / profile.sum() + noise).astype("f4")
    path = tmp_path_factory.mktemp("cube") / "disc.fits"
    header = fits.Header({"BUNIT": "nanomaggy", "CD1_1": -0.396 / 3600, "CD2_2": 0.396 / 3600})
    header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0})
    header.update({"CRVAL2": 2.0, "CRPIX1": 80.5, "CRPIX2": 80.5})
    fits.PrimaryHDU(image, header).writeto(path)
    return path


def test_the_json_holds_what_is_promised(infer):
    answer = json.loads(infer(*PHOTOMETRY, "--draws", 500))
    assert set(answer) >= {"posterior", "bpt", "neighbours", "domain", "provenance"}
    assert set(answer["posterior"]) == set(TARGET_NAMES)
    for summary in answer["posterior"].values():
        assert set(summary) == set(SUMMARY_STATISTICS)
        quantiles = [summary[key] for key in ("p2_5", "p16", "p50", "p84", "p97_5")]
        assert quantiles == sorted(quantiles)
        assert summary["std"] > 0
    assert set(answer["bpt"]) == set(BPT_CLASSES)
    assert sum(answer["bpt"].values()) == pytest.approx(1)
    assert answer["neighbours"] == []
    assert answer["photometry"]["magnitudes"]["r"] == 17.0
    assert "seed" in json.dumps(answer["provenance"])


def test_same_seed_same_answer(infer):
    first, again, other = (
        json.loads(infer(*PHOTOMETRY, "--draws", 500, "--seed", seed))["posterior"]
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_a_known_redshift_is_held_and_a_range_is_kept(infer):
    fixed = json.loads(infer(*PHOTOMETRY, "--draws", 500, "--redshift", 0.05))["posterior"]
    assert fixed["redshift"]["p2_5"] == pytest.approx(0.05)
    assert fixed["redshift"]["p97_5"] == pytest.approx(0.05)
    assert fixed["log_stellar_mass"]["std"] > 0
    kept = json.loads(infer(*PHOTOMETRY, "--draws", 500, "--redshift-range", 0.04, 0.06))
    assert kept["posterior"]["redshift"]["p2_5"] >= 0.04
    assert kept["posterior"]["redshift"]["p97_5"] <= 0.06


def test_an_image(infer, cube):
    answer = json.loads(infer(cube, "--draws", 500))
    assert answer["neighbours"]
    assert answer["photometry"]["kind"] == "measured"
    assert answer["photometry"]["magnitudes"]["r"] == pytest.approx(16.5, abs=0.15)
    pointed = json.loads(infer(cube, "--draws", 500, "--ra", 150.0, "--dec", 2.0))
    medians = [a["posterior"]["redshift"]["p50"] for a in (answer, pointed)]
    assert medians[0] == pytest.approx(medians[1], abs=0.02)


@pytest.mark.parametrize("suffix", ["json", "ecsv", "parquet", "fits"])
def test_files(infer, tmp_path, suffix):
    out = tmp_path / f"result.{suffix}"
    assert infer(*PHOTOMETRY, "--draws", 200, "--out", out) == b""
    if suffix == "json":
        assert set(json.loads(out.read_text())["posterior"]) == set(TARGET_NAMES)
        return
    kind = {"ecsv": "ascii.ecsv"}.get(suffix, suffix)
    options = {"hdu": "POSTERIOR"} if suffix == "fits" else {}
    draws = Table.read(out, format=kind, **options)
    assert len(draws) == 200
    assert set(draws.colnames) >= set(TARGET_NAMES)


def test_formats_on_a_pipe(infer):
    assert infer(*PHOTOMETRY, "--draws", 200, "--format", "fits").startswith(b"SIMPLE")
    assert infer(*PHOTOMETRY, "--draws", 200, "--format", "parquet").startswith(b"PAR1")
    assert infer(*PHOTOMETRY, "--draws", 200, "--format", "ecsv").startswith(b"# %ECSV")


def test_a_galaxy_fainter_than_the_survey_is_outside_the_domain(infer, tmp_path):
    """On its own as in a catalogue: however ordinary its colours, the training had none."""
    for r, inside in ((17.0, True), (25.0, False)):
        domain = json.loads(infer("--mag-r", r, "--draws", 100))["domain"]
        assert domain["inside"] == inside
        assert any("fainter" in reason for reason in domain["reasons"]) != inside
    table, out = tmp_path / "t.csv", tmp_path / "out.ecsv"
    table.write_text("id,g,r,i\nbright,17.7,17.0,16.6\nfaint,23.7,23.0,22.6\n")
    infer("--catalog", table, "--out", out, "--draws", 100)
    rows = Table.read(out, format="ascii.ecsv")
    assert ["outside_domain" in str(flag) for flag in rows["flag"]] == [False, True]


def test_every_kind_of_input_has_a_faintest_magnitude(weights_dir):
    limits = Engine.load(weights_dir, device="cpu").domain.faintest
    assert set(limits) == set(INPUTS)
    for limit in limits.values():
        assert 17.8 < float(limit[2]) < 20.0  # SDSS's main sample ends at r = 17.77


@pytest.mark.parametrize(("good", "code"), [(1, 0), (0, 2)])
def test_rows_that_failed_are_counted(tmp_path, capfd, good, code):
    """The table is written in either case; only where nothing came of it is that an error."""
    table, out = tmp_path / "t.csv", tmp_path / "out.ecsv"
    table.write_text("id,g,r\n" + good * "seen,17.6,17.0\n" + "one,,\ntwo,99,99\n")
    arguments = ["infer", "--catalog", str(table), "--out", str(out), "--draws", "100"]
    assert main(arguments) == code
    told = capfd.readouterr().err
    assert ("2 of 3 rows could not" if good else "None of the 2 rows could") in told
    assert good or "the flag of the first says: There is nothing to infer" in told
    rows = Table.read(out, format="ascii.ecsv")
    assert ["not_inferred" in str(f) for f in rows["flag"]] == [False] * good + 2 * [True]
    assert "arXiv:2511.12737" in rows.meta["citation"]


def test_a_catalogue_gives_one_row_for_each_row(infer, tmp_path, cube):
    table = tmp_path / "t.csv"
    table.write_text(
        "id,ra,dec,u,g,r,i,z,redshift,image,pixel_scale\n"
        "plain,150,2,19.1,17.6,17.0,16.7,16.5,,,\n"
        "gaps,150,2,,17.6,-9999,16.7,,,,\n"
        "nothing,,,,,,,,,,\n"
        "broken,150,2,19.1,abc,17.0,16.7,16.5,,,\n"
        "fixed,150,2,19.1,17.6,17.0,16.7,16.5,0.07,,\n"
        f"image,150,2,,,,,,,{cube},\n"
        "lost,150,2,19.1,17.6,17.0,16.7,16.5,,none.fits,0.396\n"
        "plain,150,2,19.1,17.6,17.0,16.7,16.5,,,\n"
    )
    out = tmp_path / "out.ecsv"
    posterior = tmp_path / "draws.parquet"
    infer("--catalog", table, "--out", out, "--draws", 200, "--posterior", posterior)
    rows = Table.read(out, format="ascii.ecsv")
    draws = Table.read(posterior)
    inferred = np.isfinite(rows["redshift_p50"])
    assert list(draws["id"]) == list(rows["id"][inferred])
    assert draws["log_sfr"].shape == (inferred.sum(), 200)
    medians = np.median(draws["log_sfr"], axis=1)
    np.testing.assert_allclose(medians, rows["log_sfr_p50"][inferred], atol=1e-5)
    expected = ["plain", "gaps", "nothing", "broken", "fixed", "image", "lost", "plain"]
    assert list(rows["id"]) == expected
    for name in TARGET_NAMES:
        for statistic in SUMMARY_STATISTICS:
            assert f"{name}_{statistic}" in rows.colnames
    assert set(BPT_CLASSES) <= {
        name.removeprefix("p_").removeprefix("bpt_") for name in rows.colnames
    }
    assert any("flag" in name for name in rows.colnames)
    assert rows["redshift_p50"][4] == pytest.approx(0.07)
    assert np.isfinite(rows["redshift_p50"][0])


def test_one_band_alone_still_gives_valid_json(infer):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    answer = json.loads(infer("--mag-u", 19, "--draws", 200), parse_constant=refuse)
    assert answer["domain"]["score"] is None
    assert not answer["domain"]["inside"]


M_DWARF = {"u": 20.4, "g": 17.8, "r": 16.4, "i": 15.2, "z": 14.55}
"""Colours of the stellar locus at M4 (West et al. 2011, AJ 141, 97)."""


def test_stars_are_called_so(capfdbinary, tmp_path):
    words = [word for band, value in M_DWARF.items() for word in (f"--mag-{band}", str(value))]
    assert main(["infer", *words, "--draws", "100"]) == 0
    captured = capfdbinary.readouterr()
    verdict = json.loads(captured.out)["verdict"]
    assert (verdict["level"], verdict["reasons"][0]["code"]) == ("do_not_use", "star")
    assert verdict["p_galaxy"] < 0.5
    assert b"galexplorer: Do not use" in captured.err
    assert b"It is probably a star." in captured.err
    rows = Table([M_DWARF, {"u": 19.0, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}])
    rows.write(tmp_path / "stars.csv")
    out = tmp_path / "out.fits"
    given = ["--catalog", str(tmp_path / "stars.csv"), "--out", str(out), "--draws", "100"]
    assert main(["infer", *given]) == 0
    found = Table.read(out)
    assert [str(level).strip() for level in found["verdict"]] == ["do_not_use", "fine"]
    assert "star" in str(found["flag"][0])
    assert found["p_galaxy"][0] < 0.5 < found["p_galaxy"][1]
