"""The code that a result shows gives the numbers of that result, draw for draw."""

import contextlib
import io
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image

from galexplorer.ui.session import snippets
from galexplorer.ui.session.request import Options, Request, run
from galexplorer.ui.session.sources import Source, list_examples, source_of_library
from galexplorer.ui.session.state import load_engine


def _jpeg() -> bytes:
    y, x = np.mgrid[:160, :160] - 79.5
    disc = 220 * np.exp(-np.hypot(x, y) / 12)
    picture = io.BytesIO()
    colours = np.stack([disc, 0.8 * disc, 0.6 * disc], axis=2).astype(np.uint8)
    Image.fromarray(colours).save(picture, "PNG")
    return picture.getvalue()


def _planes() -> tuple[tuple[str, bytes], ...]:
    """Return three files that name no bands."""
    from astropy.io import fits

    with fits.open(list_examples()[0].path) as file:
        header, planes = file[0].header, dict(zip("gri", file[0].data, strict=True))
    for card in [card for card in header if card.startswith("BAND")]:
        del header[card]
    files = []
    for number, band in enumerate("rig"):
        buffer = io.BytesIO()
        fits.PrimaryHDU(planes[band], header).writeto(buffer)
        files.append((f"plane {number}.fits", buffer.getvalue()))
    return tuple(files)


def _library() -> Source:
    library = load_engine().library
    name = library.names[0]
    return source_of_library(name, library.observe(library.find_row(name)))


MAGNITUDES = {"u": 18.9, "g": 17.4, "r": 16.8, "i": 16.41, "z": 16.2}
CASES = {
    "an example": (
        lambda: list_examples()[0].load(),
        Options(redshift=0.0298, draws=600, seed=3),
    ),
    "a picture and its scale": (
        lambda: Source("upload", "it's.png", (("it's.png", _jpeg()),), ""),
        Options(pixel_scale_arcsec=0.396, redshift_range=(0.01, 0.1), draws=600),
    ),
    "three files and their bands": (
        lambda: Source("upload", "planes", _planes(), ""),
        Options(bands=("r", "i", "g"), ebv=0.02, draws=600),
    ),
    "magnitudes": (
        lambda: None,
        Options(
            magnitudes=MAGNITUDES,
            redshift_prior=(0.06, 0.02),
            detected=("halpha", "nii_6584"),
            draws=600,
        ),
    ),
    "what the command line cannot say": (
        lambda: None,
        Options(
            magnitudes=MAGNITUDES,
            use=("g", "r", "i"),
            cuts={"log_stellar_mass": (9.0, 11.5)},
            draws=600,
        ),
    ),
    "the library": (_library, Options(draws=600)),
}


@pytest.fixture(params=CASES)
def case(request, weights_dir, tmp_path, monkeypatch):
    """Return source, options and the app's draws, in the folder that holds the files."""
    find, options = CASES[request.param]
    source = find()
    if source is not None:
        for name, content in source.files:
            (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    files, stored = (source.files, source.stored) if source is not None else ((), None)
    wanted = Request(files, options, stored=stored)
    return source, options, run(wanted, load_engine).posterior.draws


def test_the_python_gives_the_numbers(case):
    source, options, draws = case
    space: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(snippets.python_code(source, options), space)
    np.testing.assert_array_equal(space["result"].posterior.draws, draws)
    assert "p50" in printed.getvalue()


@pytest.mark.slow
def test_the_command_gives_the_numbers(case, tmp_path):
    source, options, draws = case
    command, why = snippets.command_line(source, options)
    if not command:
        assert why.startswith("The command line has no word for ")
        return
    place = tmp_path / "bin"
    place.mkdir()
    for name, words in {"python": "", "galexplorer": " -m galexplorer"}.items():
        script = place / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
        script.chmod(0o755)
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    shell = shutil.which("sh")
    assert shell
    subprocess.run(
        [shell, "-ec", command], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True
    )
    table = Table.read(tmp_path / "posterior.ecsv")
    written = np.stack([table[name] for name in table.colnames[: draws.shape[1]]], axis=1)
    np.testing.assert_allclose(written, draws, rtol=1e-6)


def test_a_fetched_galaxy_is_fetched_again():
    class Fetched:  # what names it is all that counts here
        class reading:  # noqa: N801
            text = "162.18416 +26.05369"

    source = Source("target", "", (), "", fetched=Fetched)
    command, _ = snippets.command_line(source, Options(redshift=0.0258, zero_point=22.5))
    assert command.split(" \\\n  ") == [
        "galexplorer infer '162.18416 +26.05369'",
        "--redshift 0.0258",
        "--draws 5000",
        "--seed 0",
        "--out posterior.ecsv",
    ]
    assert "'162.18416 +26.05369'" in snippets.python_code(source, Options())
    placed = Options(ra=162.2, dec=26.05)
    assert "a place in a fetched image" in snippets.command_line(source, placed)[1]
    assert "gx.fetch('162.18416 +26.05369')" in snippets.python_code(source, placed)
