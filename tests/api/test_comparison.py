"""Several galaxies side by side as files."""

import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from galexplorer.api.comparison import (
    TABLE_FORMATS,
    comparison_bytes,
    comparison_figure,
    comparison_figure_bytes,
    comparison_table,
)
from galexplorer.errors import OptionError
from galexplorer.figures.palette import LIGHT, OVERLAY, SERIES
from galexplorer.schema import TARGETS
from galexplorer.science.contrast import contrast


def test_the_table_says_what_each_row_is_worth(galaxies):
    table = comparison_table(galaxies)
    assert list(table["target"]) == ["A star", "NGC 1", "Haro 25"]
    assert list(table["verdict"]) == ["do_not_use", "fine", "fine"]
    assert "star" in table["verdict_reasons"][0]
    assert list(table["seed"]) == [3, 1, 2]
    assert table["ra"][1] == 162.1
    assert np.isnan(table["gas_metallicity_p50"][2])
    assert table["log_sfr_p50"].unit is not None
    assert all(table[name].description for name in table.colnames)
    assert table.meta["galaxies"]["Haro 25"]["provenance"]["seed"] == 2
    assert "seed" not in table.meta["provenance"]  # each has its own


@pytest.mark.parametrize("format", ["ecsv", "fits", "csv"])
def test_files_keep_rows_units_verdicts_seeds_and_citation(galaxies, format, tmp_path):
    two = galaxies[1:]
    content = comparison_bytes(two, format, contrast(two[0][1], two[1][1]))
    path = tmp_path / f"table{TABLE_FORMATS[format]}"
    path.write_bytes(content)
    if format == "csv":
        table = Table.read(path, format="ascii.csv")
    else:
        table = Table.read(path)
        assert table["log_sfr_p50"].unit is not None
        told = table.meta if format == "ecsv" else json.loads(fits.getheader(path, 1)["GXMETA"])
        assert "2511.12737" in told["citation"]
        assert any(words.startswith("Redshift: ") for words in told["differences"])
    assert [str(name) for name in table["target"]] == ["NGC 1", "Haro 25"]
    assert list(table["seed"]) == [1, 2]
    assert [str(level) for level in table["verdict"]] == ["fine", "fine"]


def test_the_latex_table_is_whole(galaxies):
    two = galaxies[1:]
    text = comparison_bytes(galaxies, "latex").decode()
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 4
    assert {row.count(" & ") for row in rows} == {len(TARGETS) + 1}
    assert len(re.findall(r"\\textcolor\{gray\}", rows[1])) == len(TARGETS) + 1
    assert text.count("\\hline") == 3
    assert r"\begin{tabular}{lcccccccccc}" in text
    assert "% Seed: 3" in text
    assert "% Seed: 2" in text
    assert "% Note: Its scale was read from the WCS." in text
    assert "2511.12737" in text
    pair = comparison_bytes(two, "latex", contrast(two[0][1], two[1][1])).decode()
    assert "% Stellar mass: " in pair
    assert "probability that NGC 1 has the larger one" in pair


def test_latex_takes_the_table(galaxies, tmp_path):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no pdflatex here")
    names = [("SDSS J10_& 50%", galaxies[1][1]), *galaxies[1:]]
    (tmp_path / "table.tex").write_bytes(comparison_bytes(names, "latex"))
    text = "\\documentclass{article}\\begin{document}\\input{table}\\end{document}\n"
    (tmp_path / "paper.tex").write_text(text)
    command = [latex, "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)


def test_what_must_not_be_used_is_grey_and_named_so(galaxies):
    figure = comparison_figure(galaxies, "corner", "single")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "NGC 1", "Haro 25", "A star (do not use)",
    ]  # fmt: skip
    assert [line.get_color() for line in legend.get_lines()] == [LIGHT.accent, SERIES[1], OVERLAY]
    assert len(figure.axes) == 16  # a metallicity that one of them lacks has no panel
    with pytest.raises(OptionError, match="None of these galaxies may be used"):
        comparison_figure(galaxies[:1], "corner")


@pytest.mark.parametrize("kind", ["corner", "bpt"])
def test_names_are_words_not_mathematics(galaxies, kind):
    galaxies = [("A $\\frac$ B", result) for _, result in galaxies[1:]]
    svg = comparison_figure_bytes(galaxies, kind, "svg", "single")
    assert svg.startswith(b"<?xml")


@pytest.mark.parametrize("kind", ["corner", "bpt"])
def test_figures_are_for_print_and_carry_their_provenance(galaxies, kind):
    image = Image.open(io.BytesIO(comparison_figure_bytes(galaxies, kind, "png", "single")))
    assert image.width == round(3.5 * 300)
    for words in ("NGC 1: Verdict", "Do not use", "Seed: 3", "2511.12737"):
        assert words in image.info["Description"]
    pdf = comparison_figure_bytes(galaxies, kind, "pdf")
    assert pdf.startswith(b"%PDF")
    assert comparison_figure_bytes(galaxies, kind, "pdf") == pdf
