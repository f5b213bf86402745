"""The row and the table in LaTeX."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.export.content import posterior_grid
from galexplorer.export.files import result_bytes
from galexplorer.export.latex import decimals, latex_bytes, latex_interval, latex_row, latex_table
from galexplorer.export.provenance import describe_provenance


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (0.009, 0.012, 3),  # two digits of the larger, one of the smaller
        (0.25, 0.29, 2),
        (1.1, 1.3, 1),
        (0.00013, 0.00011, 5),
        (0.004, 0.3, 3),  # the smaller error must not vanish
        (25.0, 31.0, 0),
        (0.0, 0.05, 3),
    ],
)
def test_digits_follow_the_errors(lower, upper, expected):
    assert decimals(lower, upper) == expected


def test_an_interval_is_median_and_errors():
    # The 16th, 50th and 84th percentiles of these are 0.012, 0.021 and 0.033.
    draws = np.interp(
        np.linspace(0, 1, 10_001), [0, 0.16, 0.5, 0.84, 1], [0.001, 0.012, 0.021, 0.033, 0.1]
    )
    assert latex_interval(draws) == "$0.021^{+0.012}_{-0.009}$"


def test_a_fixed_value_stands_alone():
    assert latex_interval(np.full(100, 0.0197, np.float32)) == "$0.0197$"


def test_the_row_fits_its_header(result):
    lines = result_bytes(result, "latex", "NGC 5332").decode().splitlines()
    header, row = lines[-2:]
    assert header.startswith("% Galaxy & $z$ & ")
    assert header.count(" & ") == row.count(" & ") == 10
    assert row.startswith("NGC 5332 & $0.0197$ & $1.0")
    assert row.endswith(r"Star-forming (0.70) \\")
    assert all(line.startswith("%") for line in lines[:-1])
    assert "% Held fixed: Redshift" in lines
    assert any("ab" * 32 in line for line in lines)
    assert any("2511.12737" in line for line in lines)
    assert any("SDSS DR17 model magnitudes" in line for line in lines)


def test_names_are_escaped(result):
    row = latex_row(result, "a_b & 50% \\input{x}\n$y$")
    assert row.startswith(r"a\_b \& 50\% \textbackslash{}input\{x\} \$y\$ & ")


def test_latex_takes_it(result, tmp_path):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no pdflatex here")
    row = result_bytes(result, "latex", "SDSS J10_& 50%").decode()
    text = "\\documentclass{article}\\begin{document}\\begin{tabular}{lllllllllll}\n"
    (tmp_path / "row.tex").write_text(f"{text}{row}\\end{{tabular}}\\end{{document}}\n")
    subprocess.run([latex, "-halt-on-error", "row.tex"], cwd=tmp_path, check=True)


def test_the_table_reads_as_one(result):
    """Astropy reads it back: nine rows, of the columns that its head names."""
    known = replace(result, known={"redshift": 0.0258})
    text = latex_table(known, "a_b & 50%")
    rows = Table.read(text, format="ascii.latex")
    assert rows.colnames == ["Quantity", "Symbol", r"Median and 68\%", "Known"]
    assert len(rows) == 9
    assert rows["Known"][0] == "$0.026$"
    assert rows[r"Median and 68\%"][0] == "$0.0197$"  # held fixed
    assert r"a\_b \& 50\%" in text
    lines = text.splitlines()
    body = [line for line in lines if not line.startswith("%")]
    assert "\n".join(body).isascii()  # as every LaTeX reads it
    assert not [line for line in body if line.startswith("[")]  # an argument of the row before
    assert any("2511.12737" in line for line in lines if line.startswith("%"))


@pytest.mark.parametrize(
    ("name", "first"),
    [("[HB89] 1219+755", "{[}HB89] 1219+755"), ("* alf Leo", "{*} alf Leo"), ("α", r"$\alpha$")],
)
def test_a_name_is_no_argument_of_the_row_before(result, name, first):
    assert latex_row(result, name).startswith(f"{first} & ")


def test_caveats_are_notes_of_the_table(result):
    text = latex_table(replace(result, measurable={"gas_metallicity": 0.03}))
    metallicity = next(line for line in text.splitlines() if line.startswith("Gas-phase"))
    assert metallicity.startswith("Gas-phase metallicity$^")
    assert r"\ldots" in metallicity
    mark = metallicity.split("&")[0].strip().removeprefix("Gas-phase metallicity")
    note = next(line for line in text.splitlines() if line.startswith(mark))
    assert "not measurable here (p = 0.03)" in note


def test_latex_takes_the_table(result, tmp_path):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no pdflatex here")
    text = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    table = latex_table(replace(result, measurable={"gas_metallicity": 0.03}), "SDSS J10_& 50%")
    (tmp_path / "table.tex").write_text(f"{text}{table}\\end{{document}}\n")
    subprocess.run([latex, "-halt-on-error", "table.tex"], cwd=tmp_path, check=True)


def test_a_metallicity_that_no_spectrum_gives_has_no_number(result):
    passive = replace(result, measurable={"gas_metallicity": 0.03})
    assert latex_row(result).count("nodata") == 0
    assert latex_row(passive).split("&")[4].strip() == r"\nodata"
    assert (
        "% No value: Gas-phase metallicity: not measurable (p = 0.03)"
        in latex_bytes(passive).decode()
    )
    rows = {row[0]: row for row in posterior_grid(passive).rows}
    assert rows["Gas-phase metallicity"][2] == "not measurable (p = 0.03)"


def test_what_to_know_before_use_stands_above_the_row(result):
    """Domain and notes, as everywhere; the names of targets are typeset."""
    outside = replace(
        result,
        domain=replace(result.domain, inside=False, reasons=("It is fainter than all.",)),
        notes=("A note.",),
        origins={"log_flux_halpha": "SDSS"},
    )
    text = latex_bytes(outside).decode()
    assert "% Verdict: It lies outside the training domain" in text
    assert "It is fainter than all." in text
    assert "% Note: A note." in text
    assert "% Origin of known Hα flux: SDSS" in text
    assert "Note: A note." in describe_provenance(outside)  # what figures carry


@pytest.mark.parametrize(
    ("name", "typeset"), [("T06′", "T06$'$"), ("γ Cas", r"$\gamma$ Cas"), ("[a]*", "{[}a]{*}")]
)
def test_marks_that_pdflatex_lacks_are_commands(result, name, typeset):
    assert latex_bytes(result, name).decode().splitlines()[-1].startswith(f"{typeset} & ")


def test_what_made_a_row_stands_above_it(result):
    lines = latex_bytes(result, "M 1").decode().splitlines()
    assert f"% Weights (sha256): {'ab' * 32}" in lines
    assert f"% Classifiers of the verdict (sha256): {'cd' * 32}" in lines
    assert f"Classifiers of the verdict (sha256): {'cd' * 32}; " in describe_provenance(result)
