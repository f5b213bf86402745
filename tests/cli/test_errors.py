"""Every mistake at the command line is one line on stderr and exit code 2."""

import subprocess
import sys

import pytest

from galexplorer.cli import main
from galexplorer.errors import WeightsError
from galexplorer.version import __version__

MAGNITUDE = ("--mag-r", "17")


@pytest.fixture
def fail(capsys):
    """Run the command line, expect the one line, return it."""

    def run(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith("galexplorer: error: ")
        assert "Traceback" not in captured.err
        return captured.err

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "No such command"),
        (["infer", "--nothing"], "No such option"),
        (["infer"], "give an image or a magnitude"),
        (["infer", "--petro-r50", "3"], "give an image or a magnitude"),
        (["infer", "--mag-r", "bright"], "--mag-r"),
        (["infer", "--mag-r", "nan"], "--mag-r is nan"),
        (["infer", "--mag-r", "<faint"], "an upper limit such as '<22.3'"),
        (["infer", "--mag-r", "3"], "between 5 and 30"),
        (["infer", *MAGNITUDE, "--err-g", "0.1"], "--err-g was given without --mag-g"),
        (["infer", *MAGNITUDE, "--err-r", "-1"], "--err-r is -1"),
        (["infer", *MAGNITUDE, "--petro-r90", "0"], "--petro-r90 is 0"),
        (["infer", *MAGNITUDE, "--petro-r50", "5", "--petro-r90", "3"], "R90 must be larger"),
        (["infer", *MAGNITUDE, "--draws", "99"], "between 100 and 1,000,000"),
        (["infer", *MAGNITUDE, "--draws", "2000000"], "between 100 and 1,000,000"),
        (["infer", *MAGNITUDE, "--seed", "-1"], "--seed is -1"),
        (["infer", *MAGNITUDE, "--redshift", "0"], "above 0"),
        (["infer", *MAGNITUDE, "--redshift", "0.4"], "at most 0.35"),
        (["infer", *MAGNITUDE, "--redshift-range", "0.2", "0.1"], "give LO < HI"),
        (["infer", *MAGNITUDE, "--redshift-range", "0.2"], "requires 2 arguments"),
        (
            ["infer", *MAGNITUDE, "--redshift", "0.1", "--redshift-range", "0", "0.2"],
            "mutually exclusive",
        ),
        (["infer", *MAGNITUDE, "--ra", "1", "--dec", "2"], "applies only to an image"),
        (["infer", *MAGNITUDE, "--pixel-scale", "0.4"], "applies only to an image"),
        (["infer", *MAGNITUDE, "--device", "tpu"], "--device"),
        (["infer", *MAGNITUDE, "--format", "csv"], "--format"),
        (["infer", *MAGNITUDE, "--out", "result.txt"], "no known suffix"),
        (["infer", *MAGNITUDE, "--out", "none/result.json"], "does not exist"),
        (["infer", "a.fits", "--ra", "10"], "go together"),
        (["infer", "a.fits", "--ra", "400", "--dec", "0"], "--ra is 400"),
        (["infer", "a.fits", "--ra", "10", "--dec", "-95"], "--dec is -95"),
        (["infer", "a.fits", "b.fits"], "2 files were given"),
        (["infer", "a.fits", "--g", "g.fits"], "mutually exclusive"),
        (["infer", "--g", "g.fits"], "add --r and --i"),
        (["infer", "--catalog", "t.csv"], "needs --out"),
        (["infer", "--catalog", "t.csv", "--out", "o.ecsv"], "t.csv does not exist"),
        (["infer", "--catalog", "t.csv", "--out", "o.txt"], "no known suffix"),
        (["infer", "--catalog", "t.csv", "--out", "o.ecsv", *MAGNITUDE], "column of the table"),
        (["infer", "--catalog", "t.csv", "--out", "o.ecsv", "a.fits"], "INPUT cannot be used"),
        (["infer", "--catalog", "t.csv", "--out", "o.x", "--format", "json"], "as a table"),
        (["infer", *MAGNITUDE, "--posterior", "d.parquet"], "draws of a --catalog"),
        (
            ["infer", "--catalog", "t.csv", "--out", "o.ecsv", "--posterior", "d.fits"],
            "no Parquet file",
        ),
        (
            ["infer", "--catalog", "t.csv", "--out", "o.parquet", "--posterior", "o.parquet"],
            "the same file",
        ),
        (["train", "x", "--out", "w", "--config", "none.yaml"], "none.yaml does not exist"),
        (["simulate", "--size", "0", "--out", "x"], "--size"),
        (["train"], "DIR"),
        (["infer", "--catalog", "t.csv", "--out", "o.ecsv", "--image", "no.fits"], "--image is no"),
        (["survey", "t.csv", "--out", "o", "--image", "no.fits"], "no.fits, which does not exist"),
        (
            ["evaluate", "--domain", "--bootstrap", "200"],
            "--bootstrap is of no use with --domain, which judges the verdict: leave it out.",
        ),
        (["evaluate", "--domain", "--real", "r"], "--real is of no use with --domain"),
        (["evaluate", "--workers", "2"], "--workers is for --domain: leave it out."),
        (["evaluate", "--folds", "f"], "--folds judges real images: give their set with --real."),
        (["dataset", "burn"], "No such command"),
    ],
)
def test_mistakes(fail, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in fail(*arguments)


def test_unusable_images(fail, tmp_path):
    assert "none.fits" in fail("infer", tmp_path / "none.fits")
    empty = tmp_path / "empty.fits"
    empty.touch()
    assert "empty" in fail("infer", empty)
    text = tmp_path / "text.fits"
    text.write_text("id,r\n1,17\n")
    assert "text.fits" in fail("infer", text)


def test_unusable_tables(fail, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("id,ra,dec\n1,2,3\n")
    assert "none of the columns" in fail("infer", "--catalog", table, "--out", tmp_path / "o.fits")
    assert not (tmp_path / "o.fits").exists()


def test_no_input_is_written_over(fail, tmp_path):
    """However its name is spelt."""
    (tmp_path / "sub").mkdir()
    for name, arguments in (
        ("galaxy.fits", ["infer", "{}"]),
        ("table.csv", ["infer", "--catalog", "{}"]),
        ("list.csv", ["targets", "{}"]),
    ):
        path = tmp_path / name
        path.write_text("id,r\n1,17\n")
        same = tmp_path / "sub" / ".." / name
        given = [part.format(path) for part in arguments]
        assert "is an input and would be overwritten" in fail(*given, "--out", same)
        assert path.read_text() == "id,r\n1,17\n"


def test_no_statement_is_written_over(fail, tmp_path):
    prior, regions, table = (tmp_path / name for name in ("z.ecsv", "star.reg", "t.csv"))
    prior.write_text("z,p\n0.01,1\n0.2,1\n")
    regions.write_text("image; circle(9,9,3)")
    table.write_text("id,r\n1,17\n")
    for place, arguments in (
        (prior, [*MAGNITUDE, "--redshift-prior", prior]),
        (prior, ["--catalog", table, "--redshift-prior", prior]),
        (regions, ["galaxy.fits", "--mask-regions", regions, "--format", "json"]),
    ):
        before = place.read_text()
        told = fail("infer", *arguments, "--out", place)
        assert "is an input and would be overwritten" in told
        assert place.read_text() == before


def test_no_image_of_a_catalogue_is_written_over(fail, tmp_path):
    image, table = tmp_path / "galaxy.fits", tmp_path / "t.csv"
    image.write_text("pixels")
    table.write_text(f"id,image\n1,{image}\n2,\n")
    assert "is an input" in fail("infer", "--catalog", table, "--out", image)
    assert image.read_text() == "pixels"


def test_names_too_long_for_the_system(fail, tmp_path):
    """What cannot be looked up is no other file, and whoever opens it says what is the matter."""
    out = tmp_path / "out.ecsv"
    out.touch()
    fail("targets", 300 * "x", "--out", out)
    fail("infer", "--catalog", 300 * "x", "--out", out)


def test_the_draws_of_targets_want_a_file_of_their_own(fail, tmp_path):
    out = tmp_path / "t.parquet"
    assert "name the same file" in fail("targets", "list.txt", "--out", out, "--posterior", out)


def test_missing_weights(fail, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fail("infer", *MAGNITUDE, "--weights", tmp_path)


def test_binary_is_not_for_a_terminal(fail, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "is a binary format" in fail("infer", *MAGNITUDE, "--format", "fits")


def test_messages_of_several_lines_become_one(fail, monkeypatch):
    def break_down(*args):
        raise WeightsError("first\nsecond")

    monkeypatch.setattr("galexplorer.commands.infer.check_redshift", break_down)
    assert fail("infer", *MAGNITUDE) == "galexplorer: error: first second\n"


@pytest.mark.parametrize("command", [[], ["infer"], ["simulate"], ["train"], ["dataset", "real"]])
def test_help(capsys, command):
    assert main([*command, "--help"]) == 0
    assert "Usage: galexplorer" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"galexplorer {__version__}\n"


def test_as_a_process():
    command = [sys.executable, "-m", "galexplorer", "infer", "--mag-r", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_mistakes_are_answered_without_loading_the_engine():
    code = (
        "import sys; from galexplorer.cli import main; main(['infer', '--mag-r', '3']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'astropy', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
