"""Lists of targets from the command line, without a network."""

from hashlib import sha256

import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from safetensors.numpy import load_file, save_file

from galexplorer.api.target_runs import begin_run
from galexplorer.cli import main
from galexplorer.inference.engine import Engine
from galexplorer.model.weights import read_manifest, write_manifest
from galexplorer.query.target_list import read_targets
from galexplorer.verdict.classifiers import VERDICT_FILE

CSV = "name,u,g,r,i,z,redshift\nA,18.9,17.4,16.8,16.4,16.2,\nB,19.4,18.3,17.7,17.4,17.2,0.06\n"


def test_a_list_of_magnitudes(tmp_path, capsys, weights_dir):
    (tmp_path / "list.csv").write_text(CSV + "10:99:00 +20:00:00,,,,,,\n")
    out, draws = tmp_path / "table.ecsv", tmp_path / "draws.parquet"
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--draws", "200"]
    code = main([*given, "--out", str(out), "--posterior", str(draws)])
    said = capsys.readouterr().err
    assert code == 0, said
    assert "3 of 3: 10:99:00 +20:00:00: '10:99:00 +20:00:00' has minutes" in said
    table = Table.read(out)
    assert list(table["target"]) == ["A", "B", "10:99:00 +20:00:00"]
    assert table["redshift_p50"][1] == pytest.approx(0.06)
    assert "60 or more" in table["problem"][2]
    assert pq.read_table(draws).num_rows == 400


def test_a_list_in_brief(tmp_path, capsys, weights_dir):
    (tmp_path / "list.csv").write_text(CSV + "10:99:00 +20:00:00,,,,,,\n")
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--draws", "100"]
    assert main([*given, "--out", str(tmp_path / "t.csv"), "--brief"]) == 0
    written = (tmp_path / "t.csv").read_text()
    assert ",nan" not in written
    table = Table.read(tmp_path / "t.csv")
    assert len(table.colnames) == 42
    assert {"r_used", "redshift_p50", "bpt_class", "verdict", "notes"} <= set(table.colnames)
    assert "60 or more" in table["problem"][2]
    brief = [*given, "--out", str(tmp_path / "t.ecsv"), "--brief"]
    assert main(brief) == 0
    assert main([*brief, "--resume"]) == 0
    capsys.readouterr()
    assert main([*brief[:-1], "--resume"]) == 2  # a complete table of other columns
    assert "begun with other columns (--brief)" in capsys.readouterr().err
    assert main([*given, "--out", str(tmp_path / "t.tex"), "--brief"]) == 2
    assert "LaTeX is brief already" in capsys.readouterr().err


def test_what_is_stated_of_all_targets(tmp_path, capsys, weights_dir):
    (tmp_path / "list.csv").write_text(CSV)
    out = tmp_path / "table.ecsv"
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--draws", "100"]
    stated = ["--redshift-range", "0.02", "0.1", "--redshift-prior", "0.05,0.004"]
    stated += ["--detected", "halpha"]
    assert main([*given, "--out", str(out), *stated]) == 0, capsys.readouterr().err
    table = Table.read(out)
    assert 0.04 < table["redshift_p2_5"][0] < table["redshift_p97_5"][0] < 0.06
    assert table["redshift_p50"][1] == pytest.approx(0.06)
    assert list(table["p_log_flux_halpha_measurable"]) == [1, 1]
    assert table.meta["provenance"]["redshift_range"] == [0.02, 0.1]
    assert "Redshift prior 0.05 ± 0.004" in table["notes"][0]
    prior = tmp_path / "p.ecsv"
    prior.write_text("z p\n0.01 1\n0.1 2\n")
    for words, told in (
        (["--redshift-range", "0.2", "0.1"], "--redshift-range is 0.2 to 0.1: give LO < HI"),
        (["--detected", "hbeat"], "There is no line 'hbeat' to be detected"),
        (["--redshift-prior", str(tmp_path / "no.ecsv")], "no.ecsv does not exist"),
        (["--redshift-prior", str(prior), "--out", str(prior)], "is an input and would be"),
    ):
        assert main([*given, "--out", str(out), *words]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["ecsv", "parquet", "vot"])
def test_a_complete_table_is_that_of_its_own_request(
    tmp_path, capsys, weights_dir, other_verdict, suffix
):
    listed, prior = tmp_path / "list.csv", tmp_path / "p.txt"
    text = CSV.replace("A,", "007,")
    listed.write_text(text)
    prior.write_text("z p\n0.01 1\n0.1 2\n")
    given = ["targets", str(listed), "--no-images", "--draws", "100", "--resume"]
    given += ["--out", str(tmp_path / f"t.{suffix}"), "--redshift-prior", str(prior)]
    assert main(given) == 0
    assert main(given) == 0
    assert "nothing is left to try" in capsys.readouterr().err
    prior.write_text("z p\n0.01 1\n0.1 3\n")
    assert main(given) == 2
    assert "was begun with other --redshift-prior: give" in capsys.readouterr().err
    prior.write_text("z p\n0.01 1\n0.1 2\n")
    for words, told in (
        (["--seed", "1"], "--seed"),
        (["--draws", "101"], "--draws"),
        (["--redshift-range", "0.02", "0.1"], "--redshift-range"),
        (["--detected", "halpha"], "--detected"),
        (["--images"], "--images"),
        (["--columns", "redshift="], "targets"),
        (["--weights", str(other_verdict)], "classifiers of the verdict"),
    ):
        assert main([*given, *words]) == 2
        assert f"was begun with other {told}: give those" in capsys.readouterr().err
    for changed in (
        text.replace("007,", "7,"),
        text.replace("0.06", "0.07"),
        text.replace("16.8", "16.9"),
        text.replace("redshift", "redshift_max"),
    ):
        assert changed != text
        listed.write_text(changed)
        assert main(given) == 2
        assert "was begun with other targets: give those" in capsys.readouterr().err
    if suffix == "ecsv":  # its run was deleted half-way
        listed.write_text(text)
        out = tmp_path / "t.ecsv"
        table = Table.read(out)
        table["problem"] = ["", "interrupted"]
        table.write(out, overwrite=True)
        assert main(given) == 2
        assert ".t.ecsv.run, which is needed to go on, is gone" in capsys.readouterr().err


def test_a_table_that_does_not_say_what_it_is_of_is_not_called_complete(tmp_path, capsys):
    (tmp_path / "list.csv").write_text(CSV)
    out = tmp_path / "t.csv"
    out.write_text("target,problem\nA,\nB,\n")
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--out", str(out), "--resume"]
    assert main(given) == 2
    assert "t.csv does not say which targets it is of" in capsys.readouterr().err
    # a version whose provenance had no hash of the list
    table = Table({"target": ["A", "B"], "problem": ["", ""]})
    table.meta["provenance"] = {"weights_sha256": "0" * 64, "seed": 0, "draws": 1000}
    table.write(tmp_path / "t.ecsv")
    assert main([*given[:-2], str(tmp_path / "t.ecsv"), "--resume"]) == 2
    said = capsys.readouterr().err
    assert "t.ecsv does not say which targets it is of" in said
    assert "or an earlier version wrote it" in said


def test_a_list_as_a_table_of_latex(tmp_path, capsys, weights_dir):
    (tmp_path / "list.csv").write_text(CSV + "10:99:00 +2:00:00,,,,,,\n")
    out = tmp_path / "t.tex"
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--draws", "100", "--resume"]
    assert main([*given, "--out", str(out)]) == 0
    told = out.read_text()
    rows = [line for line in told.splitlines() if line.endswith(r"\\")]
    assert [row.split()[0] for row in rows] == ["Galaxy", "A", "B", "10:99:00"]
    assert rows[2].startswith("B & $0.06$ & $")  # held fixed
    assert rows[3] == "10:99:00 +2:00:00" + 10 * r" & \nodata" + r" \\"
    assert "% 10:99:00 +2:00:00\n% No values: " in told
    assert "% Draws: 100" in told
    capsys.readouterr()
    assert main([*given, "--out", str(out)]) == 2
    assert "CSV and LaTeX have no place" in capsys.readouterr().err
    assert out.read_text() == told


def test_a_table_of_failures_is_that_of_its_own_request(tmp_path, capsys, weights_dir):
    (tmp_path / "list.csv").write_text("name,g,r\n,,\n")
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--out"]
    given.append(str(tmp_path / "t.ecsv"))
    assert main(given) == 2
    assert main([*given, "--resume"]) == 0
    assert main([*given, "--resume", "--seed", "1"]) == 2
    assert "was begun with other --seed: give" in capsys.readouterr().err


@pytest.fixture
def other_verdict(tmp_path, weights_dir):
    """Weights whose classifiers of the verdict have another hash."""
    other = tmp_path / "weights"
    other.mkdir()
    for path in weights_dir.iterdir():
        (other / path.name).symlink_to(path.resolve())
    (other / VERDICT_FILE).unlink()
    (other / "manifest.json").unlink()
    arrays = load_file(weights_dir / VERDICT_FILE)
    save_file(arrays, other / VERDICT_FILE, {"made": "again"})  # the same, but for its hash
    write_manifest(other, read_manifest(weights_dir))
    return other


def test_a_list_does_not_go_on_with_another_verdict(tmp_path, capsys, weights_dir, other_verdict):
    (tmp_path / "list.csv").write_text(CSV)
    targets = read_targets(tmp_path / "list.csv")
    run = begin_run(tmp_path / ".t.ecsv.run", targets, "list.csv", images=False, draws=100)
    engine = Engine.load(weights_dir)
    outcome = run.infer_one(targets.targets[0], lambda: engine)
    digest = sha256((weights_dir / VERDICT_FILE).read_bytes()).hexdigest()
    assert outcome.result.provenance["verdict_sha256"] == digest
    run.keep([outcome])
    given = ["targets", str(tmp_path / "list.csv"), "--no-images", "--draws", "100", "--resume"]
    given += ["--out", str(tmp_path / "t.ecsv")]
    assert main([*given, "--weights", str(other_verdict)]) == 2
    assert "begun with other classifiers of the verdict: give" in capsys.readouterr().err
    assert main(given) == 0
    assert Table.read(tmp_path / "t.ecsv").meta["provenance"]["verdict_sha256"] == digest


def test_where_all_fail_the_draws_of_before_stay(tmp_path, capsys, weights_dir):
    listed = tmp_path / "list.csv"
    listed.write_text("id,name,u,g,r,i,z\n7,10:99:00 +20:00:00,19,17.4,16.8,16.4,16.2\n8,,,,,,\n")
    draws = tmp_path / "draws.parquet"
    draws.write_bytes(b"of before")
    given = ["targets", str(listed), "--out", str(tmp_path / "t.csv"), "--posterior", str(draws)]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert draws.read_bytes() == b"of before"
    assert "1 that failed have magnitudes: --no-images" in said
    # the number of a row in its table is not looked up as a name
    assert "8: The row has neither a name nor a position nor a magnitude" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.txt", "--out", "a.ecsv"], "missing.txt does not exist"),
        (
            ["missing.txt", "--out", "a.docx"],
            "a.docx is not a known table format: use one of .ecsv",
        ),
        (["missing.txt", "--out", "no/such/a.csv"], "the folder no/such does not exist"),
        (["missing.txt"], "--out"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, words, capsys):
    assert main(["targets", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
