"""`galexplorer fetch` and `galexplorer cache`, as a user runs them."""

import os
import subprocess
import sys

import pytest
from astropy.io import fits
from sky_replay import HARO25

from galexplorer.cli import main
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe


@pytest.fixture
def run(replay, tmp_path, monkeypatch, capsys):
    """Run the command line against the replayed services, return code, stdout and stderr."""
    monkeypatch.setenv("GALEXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GALEXPLORER_LEGACY_URL", replay.url("legacy"))

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def test_fetch_writes_cubes_that_are_read_back(run, tmp_path):
    out = tmp_path / "cubes"
    code, said, progress = run(
        "fetch", "Haro 25", "162.1810 \u2212 -26", "162.1810 +26.0333", "--out", out
    )
    assert code == 2
    paths = said.split()
    assert paths == [str(out / "Haro_25.fits"), str(out / "162.1810_+26.0333.fits")]
    assert "read as the name Haro 25" in progress
    assert "read as RA 162.18100°, Dec +26.03330°" in progress
    assert progress.splitlines()[-1].endswith("1 of 3 targets failed, for the reasons above.")
    pixels = read_image(paths[0])
    assert pixels.flux.shape[0] == 3
    assert pixels.wcs is not None
    assert observe(pixels).photometry.magnitudes["r"] == pytest.approx(HARO25.magnitude, abs=0.1)
    header = fits.getheader(paths[0])
    assert header["BUNIT"] == "nanomaggy"
    assert header["OBJECT"] == "Haro 25"
    assert header["PIXELSRC"] == "frames"
    assert header["MAG_R"] == pytest.approx(15.1)
    assert header["Z_SPEC"] == pytest.approx(0.0258)
    notes = [str(value) for key, value in header.items() if key.startswith("FROM")]
    assert "position: SDSS DR17 objID" in " ".join(notes)


def test_another_process_is_pointed_by_its_environment(replay, tmp_path):
    place = {"GALEXPLORER_CACHE": str(tmp_path / "cache")}
    found = subprocess.run(
        [sys.executable, "-m", "galexplorer", "fetch", "Haro 25", "--out", str(tmp_path)],
        env={**os.environ, **replay.environment(), **place},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == str(tmp_path / "Haro_25.fits")
    assert replay.counts == {"sesame": 1, "skyserver": 1, "sas": 3}


def test_same_name_twice(run, tmp_path):
    code, said, _ = run("fetch", "Haro 25", "haro_25?", "Haro  25", "--out", tmp_path)
    assert code == 2
    assert said.split() == [str(tmp_path / "Haro_25.fits"), str(tmp_path / "Haro_25-2.fits")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fetch", "10.68 +91", "--out", "x"], "Dec of +91°"),
        (["fetch", "hello", "--out", "x"], "No object is known"),
        (["fetch", "Haro 25"], "--out"),
        (["fetch", "--out", "x"], "TARGET"),
        (["fetch", "Haro 25", "--out", "file"], "is a file"),
        (["fetch", "Haro 25", "--out", "file/below"], "cannot be written"),
        (["fetch", "Haro 25", "--out", "x", "--source", "dss"], "--source"),
    ],
)
def test_mistakes(run, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    code, said, error = run(*arguments)
    assert (code, said) == (2, "")
    assert words in error
    assert error.splitlines()[-1].startswith("galexplorer: error: ")


def test_the_cache_is_listed_and_cleared(run, tmp_path):
    assert run("cache", "list")[1].endswith(f"0 responses in {tmp_path / 'cache'}\n")
    run("fetch", "Haro 25", "--out", tmp_path)
    listed = run("cache", "list")[1]
    assert "frame r 5112 301 4 345" in listed
    assert "5 responses" in listed
    assert run("cache", "clear")[1] == "5 responses removed.\n"
    assert "0 responses" in run("cache", "list")[1]
